/** What the lock machine's slots listen for: the predecessor, our own claim, the answer to the grant's write. */
import type { Claim, LockEvent, Predecessor, Verdict, WatchInput } from '../machines/lock-machine.js';
import { type ClaimData, decodeClaim, isInPlace, mayBeSucceeded } from './claim-data.js';
import type { ClaimRecord } from './claim-record.js';
import type { ExpireLockFailedError } from './errors.js';
import { lookAhead, type WaitedLine } from './look-ahead.js';
import { purgeWhenExpired } from './purge.js';
import type { Line } from './queue.js';
import type { Marker } from './unclean-loss.js';
import type { ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';
import type { Logger, SessionPort } from './zookeeper/session-port.js';
import { attendNode, watchChildren } from './zookeeper/watches.js';

/** What the slots of one acquisition share. */
export interface Acquisition extends WaitedLine, Marker {
  /** What becomes of our claim, where the names in a listing do not say it all; default: what the rule makes of them. */
  readonly admission?:
    | ((client: ZooKeeperClient, claim: Claim, names: readonly string[]) => Promise<Verdict>)
    | undefined;
  /** A reader's: the writer whose place its claim takes. */
  readonly inPlaceOf: Claim | undefined;
  readonly ttlMs: number | null;
  readonly record: ClaimRecord;
  readonly logger: Logger;
  /** Every znode that is known to have been made and not known to be gone: registered before anything else is awaited (T15). */
  readonly made: Set<string>;
  /** Told why a holder that outlived its time to live could not be ended. */
  readonly purgeRefused: (error: ExpireLockFailedError) => void;
  /** Told what a listing showed besides the verdict. */
  readonly onLine: (line: Line) => void;
}

type SendBack = (event: LockEvent) => void;

/** DESIGN §3.4. Watches one contender; behind the holder it also minds the holder's time to live. */
export function watchPredecessor(
  acquisition: Acquisition,
  { predecessor, first, everybody, position, claim }: WatchInput & { readonly claim: Claim | null },
  sendBack: SendBack,
): () => void {
  const { session, lockPath, rule } = acquisition;
  const { client } = session;
  if (everybody) {
    const waits = (names: readonly string[]) =>
      rule.verdictOf(rule.lineOf(names), claim?.name ?? '').kind === 'waits';
    const line = watchLine(acquisition, waits, sendBack);
    return () => {
      line.unsubscribe();
    };
  }
  const path = `${lockPath}/${predecessor}`;
  const stopLooking = claim === null ? () => undefined : lookAhead(acquisition, claim, position, sendBack);
  let succeeded = false;
  let stopPurge: () => void = () => undefined;
  let fallback: { unsubscribe: () => void } | null = null;
  const stopAttending = attendNode(
    client,
    path,
    (news) => {
      if (news.type === 'gone') {
        sendBack({ type: 'predecessor.gone', witnessed: news.witnessed && !succeeded });
        return;
      }
      const data = decodeClaim(news.data);
      succeeded = mayBeSucceeded(data);
      sendBack({ type: 'predecessor.seen', predecessor: describe(path, data) });
      stopPurge();
      stopPurge =
        first && claim !== null
          ? purgeWhenExpired({
              session,
              logger: acquisition.logger,
              lockPath,
              path,
              data,
              stat: news.stat,
              claim,
              refused: acquisition.purgeRefused,
            })
          : () => undefined;
    },
    (error) => {
      if (!isZooKeeperError(error, 'NoAuth')) {
        sendBack(
          isZooKeeperError(error) && error.retryable
            ? { type: 'predecessor.unclear' }
            : { type: 'predecessor.refused', cause: error },
        );
        return;
      }
      sendBack({ type: 'predecessor.seen', predecessor: { path, readable: false } });
      fallback = watchLine(acquisition, (names) => names.includes(predecessor), sendBack);
    },
  );
  return () => {
    stopLooking();
    stopAttending();
    fallback?.unsubscribe();
    stopPurge();
  };
}

/** The whole line, while it says that we wait: where a predecessor may not be read, or where there is none to watch. */
function watchLine(
  { session: { client }, lockPath }: Acquisition,
  waits: (names: readonly string[]) => boolean,
  sendBack: SendBack,
) {
  return watchChildren(client, lockPath).subscribe({
    next: ({ children }) => {
      if (!waits(children)) sendBack({ type: 'predecessor.unclear' });
    },
    error: (error: unknown) => {
      sendBack(
        isZooKeeperError(error) && (error.retryable || error.code === 'NoNode')
          ? { type: 'predecessor.unclear' }
          : { type: 'predecessor.refused', cause: error },
      );
    },
  });
}

function describe(path: string, data: ClaimData): Predecessor {
  return {
    path,
    readable: true,
    ...(data.owner === undefined ? {} : { owner: data.owner }),
    ...(data.host === undefined ? {} : { host: data.host }),
    ...(data.pid === undefined ? {} : { pid: data.pid }),
  };
}

/**
 * Watches our own claim, and reads in it who asks us to give up. The watch is never removed: our own deletion of the claim uses it up, which saves a request
 * a cycle, and nobody hears it then.
 */
export function watchClaim(
  { session, record, logger }: Acquisition,
  claim: Claim,
  sendBack: SendBack,
): () => void {
  const { client } = session;
  let stopped = false;
  const stopAttending = session.attend(claim.path, () => {
    sendBack({ type: 'claim.gone', because: 'node-deleted' });
  });
  const look = () => {
    client
      .getData(claim.path, (event) => {
        if (stopped) return;
        if (event.type === 'deleted') sendBack({ type: 'claim.gone', because: 'node-deleted' });
        else look();
      })
      .then(
        ({ data, stat }) => {
          if (stopped) return;
          if (stat.czxid !== claim.czxid) {
            sendBack({ type: 'claim.gone', because: 'node-deleted' });
            return;
          }
          sendBack({ type: 'claim.watched' });
          // Nobody has written to it yet.
          if (stat.version === 0) return;
          const { revoke } = decodeClaim(data);
          if (revoke !== undefined) sendBack({ type: 'claim.revokeRequested', request: revoke });
          if (isInPlace(data)) restore();
        },
        (error: unknown) => {
          if (!stopped && isZooKeeperError(error, 'NoNode'))
            sendBack({ type: 'claim.gone', because: 'node-deleted' });
        },
      );
  };
  const restore = () => {
    record.restore(client, claim.path).catch((error: unknown) => {
      // Gone, or cut off: the watch, or the next look after the reconnect, tells.
      if (isZooKeeperError(error, 'NoNode') || (isZooKeeperError(error) && error.retryable)) return;
      logger.warn(`${claim.path}: what it said could not be put back after __REVOKE__: ${String(error)}`);
    });
  };
  look();
  return () => {
    stopped = true;
    stopAttending();
  };
}

/** DESIGN §3.9. The holder counts from the first send; the write is repeated until it is acknowledged or refused. */
export function writeGrant(acquisition: Acquisition, claim: Claim, sendBack: SendBack): () => void {
  const { session, record, ttlMs, logger } = acquisition;
  if (ttlMs === null) return () => undefined;
  record.startTerm(ttlMs);
  sendBack({ type: 'ttl.written', remainingMs: ttlMs });
  let stopped = false;
  let stopWaiting: () => void = () => undefined;
  const write = () => {
    record.writeTerm(session.client, claim.path, ttlMs).then(
      () => {
        if (!stopped) sendBack({ type: 'ttl.written', remainingMs: Math.max(0, record.remainingTermMs()) });
      },
      (error: unknown) => {
        if (stopped) return;
        if (isZooKeeperError(error, 'NoNode')) sendBack({ type: 'claim.gone', because: 'node-deleted' });
        else if (isZooKeeperError(error) && error.retryable) stopWaiting = onceConnected(session, write);
        else
          logger.warn(
            `${claim.path}: its time to live could not be written, so no one else can end it: ${String(error)}`,
          );
      },
    );
  };
  write();
  return () => {
    stopped = true;
    stopWaiting();
  };
}

/** Calls `then` at the next news that there is a connection, not for the present state. */
function onceConnected(session: SessionPort, then: () => void): () => void {
  let present = true;
  const stop = session.onNews((news) => {
    if (present || news.type !== 'session.connected') return;
    stop();
    then();
  });
  present = false;
  return stop;
}
