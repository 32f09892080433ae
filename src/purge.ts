/**
 * Ends a holder that outlived the time it gave itself. Judged in the leader's time alone: two machines' clocks are never
 * compared (K10, T55).
 */
import type { Claim } from '../machines/lock-machine.js';
import type { ClaimData } from './claim-data.js';
import { ExpireLockFailedError } from './errors.js';
import type { Stat } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';
import type { Logger, SessionPort } from './zookeeper/session-port.js';

/** So much later than the holder's own count: it hears of its end first, and a change of leader may shift the clock. */
const PURGE_MARGIN_MS = 1_000;

/** What is known of the holder, by the waiter directly behind it. */
export interface PurgeOptions {
  readonly session: SessionPort;
  readonly logger: Logger;
  readonly lockPath: string;
  /** The holder's claim. */
  readonly path: string;
  readonly data: ClaimData;
  readonly stat: Stat;
  /** Our own. */
  readonly claim: Claim;
  /** ZooKeeper would not have it deleted. */
  readonly refused: (error: ExpireLockFailedError) => void;
}

/** Milliseconds to wait before the holder may be deleted; null: never. */
export function untilPurgeMs({
  session,
  data,
  stat,
  claim,
}: Omit<PurgeOptions, 'logger' | 'lockPath' | 'path' | 'refused'>): number | null {
  if (data.ttlMs !== undefined) {
    const leaderNowMs = claim.createdMs + (session.clock.now() - claim.heardAtMs);
    return stat.mtimeMs + data.ttlMs + PURGE_MARGIN_MS - leaderNowMs;
  }
  // A claim of ours without `ttl_ms` is not granted yet, or has no end. A Go claim never says when it was granted:
  // its whole time counts from when we first saw it in front (K01).
  if (data.version !== undefined || data.ttlDeadlineMs === undefined || data.madeMs === undefined)
    return null;
  const ttlMs = data.ttlDeadlineMs - data.madeMs;
  return ttlMs > 0 ? ttlMs + PURGE_MARGIN_MS : null;
}

/** Deletes the holder's claim when its time is over, by version: a renewal in between wins (DESIGN §3.9). Returns the way to stop. */
export function purgeWhenExpired(options: PurgeOptions): () => void {
  const { session, logger, lockPath, path, stat, refused } = options;
  const delayMs = untilPurgeMs(options);
  if (delayMs === null) return () => undefined;
  const timer = session.clock.setTimeout(
    () => {
      session.client.delete(path, stat.version).then(
        () => {
          logger.warn(`${path}: deleted, it had outlived its time to live`);
        },
        (error: unknown) => {
          if (isZooKeeperError(error, 'NoAuth')) refused(new ExpireLockFailedError(lockPath, path, error));
          // Renewed, gone or disconnected: the watch on it, or the next consultation, tells.
        },
      );
    },
    Math.max(0, delayMs),
  );
  return () => {
    session.clock.clearTimeout(timer);
  };
}
