/** Whether a znode is there, as an observable. */
import { Observable } from 'rxjs';
import type { WatchEvent, ZooKeeperClient } from '../zookeeper/client.js';

/** Completes when there is such a znode, at once if there is. */
export function appearing(client: ZooKeeperClient, path: string): Observable<never> {
  return new Observable((subscriber) => {
    let armed: ((event: WatchEvent) => void) | null = (): void => {
      armed = null;
      subscriber.complete();
    };
    const watcher = armed;
    client.exists(path, watcher).then(
      (stat) => {
        if (subscriber.closed) client.removeWatch(path, watcher);
        else if (stat !== null) subscriber.complete();
      },
      (error: unknown) => {
        armed = null;
        subscriber.error(error);
      },
    );
    return () => {
      if (armed !== null) client.removeWatch(path, armed);
    };
  });
}
