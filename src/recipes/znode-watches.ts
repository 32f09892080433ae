/** Znodes that come and go, as observables: what is now, and after every change, on one connection. */
import {
  catchError,
  concat,
  filter,
  ignoreElements,
  map,
  Observable,
  of,
  repeat,
  take,
  throwError,
} from 'rxjs';
import type { Stat, WatchEvent, ZooKeeperClient } from '../zookeeper/client.js';
import { isZooKeeperError } from '../zookeeper/errors.js';
import { watchChildren } from '../zookeeper/watches.js';

/** Whether a znode is there: its stat, or null. Needs no right to read it. */
export function presence(client: ZooKeeperClient, path: string): Observable<Stat | null> {
  return new Observable((subscriber) => {
    let armed: ((event: WatchEvent) => void) | null = null;
    const look = () => {
      const watcher = () => {
        if (armed === watcher) armed = null;
        if (!subscriber.closed) look();
      };
      armed = watcher;
      client.exists(path, watcher).then(
        (stat) => {
          if (!subscriber.closed) subscriber.next(stat);
          else if (armed === watcher) client.removeWatch(path, watcher);
        },
        (error: unknown) => {
          if (armed === watcher) armed = null;
          subscriber.error(error);
        },
      );
    };
    look();
    return () => {
      if (armed !== null) client.removeWatch(path, armed);
    };
  });
}

/** Completes when there is such a znode, at once if there is. */
export function appearing(client: ZooKeeperClient, path: string): Observable<never> {
  return presence(client, path).pipe(
    filter((stat) => stat !== null),
    take(1),
    ignoreElements(),
  );
}

/** Completes when there is no such znode, at once if there is none. */
export function vanishing(client: ZooKeeperClient, path: string): Observable<never> {
  return presence(client, path).pipe(
    filter((stat) => stat === null),
    take(1),
    ignoreElements(),
  );
}

/** A znode's children; none while it is not there. */
export function childrenAt(client: ZooKeeperClient, path: string): Observable<readonly string[]> {
  return watchChildren(client, path).pipe(
    map(({ children }) => children),
    catchError((error: unknown) =>
      isZooKeeperError(error, 'NoNode')
        ? concat(of<readonly string[]>([]), appearing(client, path))
        : throwError(() => error),
    ),
    repeat(),
  );
}
