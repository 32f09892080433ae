/** One-shot watches as observables: armed on subscription, re-armed after a change, forgotten on unsubscription. */
import { Observable } from 'rxjs';
import type { Stat, WatchEvent, ZooKeeperClient } from './client.js';
import { isZooKeeperError } from './errors.js';

/** What a watched node does. */
export type NodeNews =
  | { readonly type: 'seen'; readonly data: Uint8Array; readonly stat: Stat }
  /** `witnessed`: its deletion was told as it happened; else it was already gone, or went while we were away. */
  | { readonly type: 'gone'; readonly witnessed: boolean };

/**
 * Reads a node and watches it: `seen` now and after every change, `gone` once, then completes. Read with `getData`,
 * which leaves no watch on a node that is not there (T19, T21). Errors with the {@link ZooKeeperError} that the read met.
 */
export function watchNode(client: ZooKeeperClient, path: string): Observable<NodeNews> {
  return new Observable((subscriber) =>
    attendNode(
      client,
      path,
      (news) => {
        subscriber.next(news);
        if (news.type === 'gone') subscriber.complete();
      },
      (error) => {
        subscriber.error(error);
      },
    ),
  );
}

/** As {@link watchNode}, for who waits in thousands: a stream weighs more than its watch. Returns the way to stop. */
export function attendNode(
  client: ZooKeeperClient,
  path: string,
  heard: (news: NodeNews) => void,
  failed: (error: unknown) => void,
): () => void {
  let stopped = false;
  let armed: ((event: WatchEvent) => void) | null = null;
  const look = () => {
    const watcher = (event: WatchEvent) => {
      if (armed === watcher) armed = null;
      if (stopped) return;
      if (event.type === 'deleted') {
        stopped = true;
        heard({ type: 'gone', witnessed: !event.replayed });
      } else look();
    };
    armed = watcher;
    client.getData(path, watcher).then(
      ({ data, stat }) => {
        if (!stopped) heard({ type: 'seen', data, stat });
        else if (armed === watcher) client.removeWatch(path, watcher);
      },
      (error: unknown) => {
        if (armed === watcher) armed = null;
        if (stopped) return;
        stopped = true;
        if (isZooKeeperError(error, 'NoNode')) heard({ type: 'gone', witnessed: false });
        else failed(error);
      },
    );
  };
  look();
  return () => {
    stopped = true;
    if (armed !== null) client.removeWatch(path, armed);
  };
}

/** Lists a node's children and watches them: the names now and after every change. Errors as the listing does. */
export function watchChildren(
  client: ZooKeeperClient,
  path: string,
): Observable<{ readonly children: readonly string[]; readonly stat: Stat }> {
  return new Observable((subscriber) => {
    let armed: ((event: WatchEvent) => void) | null = null;
    const look = () => {
      const watcher = () => {
        if (armed === watcher) armed = null;
        if (!subscriber.closed) look();
      };
      armed = watcher;
      client.getChildren(path, watcher).then(
        (listing) => {
          if (!subscriber.closed) subscriber.next(listing);
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
