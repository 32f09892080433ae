/** TELL: who leads an election and what was proclaimed, as everybody sees it. Only the leader's claim and the path's data are watched. */
import type { Observable } from 'rxjs';
import {
  combineLatest,
  concat,
  defer,
  filter,
  ignoreElements,
  map,
  of,
  repeat,
  switchMap,
  take,
  takeWhile,
  tap,
} from 'rxjs';
import { isInPlace } from '../claim-data.js';
import { listInOrder } from '../line-listing.js';
import { latchRule } from '../queue.js';
import { watching } from '../reading.js';
import type { ZooKeeperClient } from '../zookeeper/client.js';
import type { SessionPort } from '../zookeeper/session-port.js';
import { watchNode } from '../zookeeper/watches.js';
import { proclaimedBy } from './leadership.js';
import { appearing, childrenAt } from './znode-watches.js';

/** Somebody who leads. */
export interface Leader {
  /** What it calls itself; empty if it did not say. */
  readonly id: string;
  readonly claimPath: string;
}

/** An election at one moment. */
export interface Observed {
  /** Null while nobody stands, or nothing is known yet. */
  readonly leader: Leader | null;
  /** What this leader proclaimed last; null when nothing. */
  readonly value: string | null;
  /** When it was seen, epoch ms. */
  readonly asOf: number;
  /** `stale`: not seen yet, or cut off since; it may have changed. */
  readonly freshness: 'live' | 'stale';
}

const decoder = new TextDecoder();

/** The election now, and after every change; again after every reconnect. */
export function observeLeader(session: SessionPort, path: string): Observable<Observed> {
  return defer(() => {
    let last: Observed | undefined;
    const look = (client: ZooKeeperClient) =>
      combineLatest([leaderAt(client, path), dataAt(client, path)]).pipe(
        map(([leader, data]): Observed => {
          const value = leader === null ? null : proclaimedBy(nameOf(leader.claimPath), data);
          return { leader, value, asOf: session.clock.wallNow(), freshness: 'live' };
        }),
        tap((observed) => {
          last = observed;
        }),
      );
    return watching(session, path, look, () =>
      last?.freshness === 'live' ? (last = { ...last, freshness: 'stale' }) : undefined,
    );
  });
}

const nameOf = (claimPath: string) => claimPath.slice(claimPath.lastIndexOf('/') + 1);

/** The first in line, until it goes; then the next. */
function leaderAt(client: ZooKeeperClient, path: string): Observable<Leader | null> {
  return defer(() => listInOrder(client, path, latchRule)).pipe(
    switchMap(({ contenders: [first] }) => {
      if (first === undefined) return concat(of(null), somebody(client, path));
      const claimPath = `${path}/${first.name}`;
      let id = '';
      return watchNode(client, claimPath).pipe(
        takeWhile((news) => news.type === 'seen'),
        map(({ data }) => {
          // A request to give up stands there until the leader puts its id back.
          if (!isInPlace(data)) id = decoder.decode(data);
          return { id, claimPath };
        }),
      );
    }),
    repeat(),
  );
}

/** Completes when there is a candidate. */
function somebody(client: ZooKeeperClient, path: string): Observable<never> {
  return childrenAt(client, path).pipe(
    filter((names) => latchRule.lineOf(names).contenders.length > 0),
    take(1),
    ignoreElements(),
  );
}

/** The path's data, empty while it is not there. */
function dataAt(client: ZooKeeperClient, path: string): Observable<Uint8Array> {
  const nothing = new Uint8Array(0);
  return watchNode(client, path).pipe(
    switchMap((news) =>
      news.type === 'seen' ? of(news.data) : concat(of(nothing), appearing(client, path)),
    ),
    repeat(),
  );
}
