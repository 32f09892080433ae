/** What the holder of a claim that outlives its session holds, and what ends it. */
import { BehaviorSubject, firstValueFrom, Observable } from 'rxjs';
import type { Claim, ExpiryReason } from '../../machines/lock-machine.js';
import { decodeClaim, sameRequest } from '../claim-data.js';
import type { ClaimRecord } from '../claim-record.js';
import { UnlockingFailedError } from '../errors.js';
import { HAND_OVER_BITS, Lease, type LeaseParts } from '../lease.js';
import { asking, watching } from '../reading.js';
import type { Logger, SessionPort } from '../zookeeper/session-port.js';
import { watchNode } from '../zookeeper/watches.js';
import { type Tenure, tenureOf, withdraw } from './durable-claim.js';
import type { Held, Step } from './joint-acquisition.js';

/**
 * A lock that is held until it is released, whatever becomes of the session. **While this process is cut off it does not hear that
 * the lock was broken, or resumed elsewhere**: send {@link DurableLease.fencingToken} with every write.
 */
export class DurableLease extends Lease {
  readonly #tenure: Tenure;

  /** @internal */
  constructor(parts: LeaseParts, tenure: Tenure) {
    super(parts);
    this.#tenure = tenure;
  }

  /** Larger for every later holder, and for the same claim resumed. */
  override get fencingToken(): bigint {
    return (this.#tenure.won << HAND_OVER_BITS) | BigInt(this.#tenure.resumed);
  }

  /** Until when (epoch ms) it lasts by itself: the end of its time to live, else for ever (`Infinity`). No session bounds it. */
  override get validUntil(): number {
    const { session, record } = this.parts;
    return session.clock.wallNow() + Math.max(0, record.remainingTermMs());
  }
}

/** What is held, once it is. */
export interface Holding {
  readonly session: SessionPort;
  readonly lockPath: string;
  readonly claim: Claim;
  readonly record: ClaimRecord;
  readonly tenure: Tenure;
  readonly owner: string;
  readonly ttlMs: number | null;
  readonly logger: Logger;
}

/**
 * The rest of the way: held until it is released, deleted, resumed elsewhere, past its time to live, or the session is closed, which
 * leaves the claim in place. Unsubscribing releases.
 */
export function holding(held: Holding): Observable<Step<DurableLease>> {
  const { session, lockPath, claim, record, tenure, owner, ttlMs, logger } = held;
  return new Observable((subscriber) => {
    let standing: 'held' | 'released' | ExpiryReason = 'held';
    let releasing: Promise<void> | null = null;
    let timer: unknown;
    const gone = () =>
      firstValueFrom(
        asking(session, lockPath, (client) => withdraw(client, claim.path, tenure.holder)),
      ).catch((error: unknown) => {
        throw new UnlockingFailedError(lockPath, `${claim.path} stays (${String(error)})`, error);
      });
    const lose = (reason: ExpiryReason) => {
      if (standing !== 'held') return;
      standing = reason;
      lease.markLost(reason);
      subscriber.next({ status: 'expired', reason, claimPath: claim.path });
      subscriber.complete();
    };
    const release = (): Promise<void> => {
      if (releasing !== null) return releasing;
      if (standing !== 'held') return Promise.resolve();
      standing = 'released';
      subscriber.next({ status: 'releasing' });
      releasing = gone();
      releasing.then(
        () => {
          subscriber.complete();
        },
        (error: unknown) => {
          subscriber.error(error);
        },
      );
      return releasing;
    };
    const mindTerm = () => {
      session.clock.clearTimeout(timer);
      const remainingMs = record.remainingTermMs();
      if (remainingMs === Number.POSITIVE_INFINITY) return;
      timer = session.clock.setTimeout(
        () => {
          if (record.remainingTermMs() > 0) mindTerm();
          else lose('ttl');
        },
        Math.max(0, remainingMs),
      );
    };
    const held$ = new BehaviorSubject<Held>({ connection: 'confirmed', revokeRequested: null });
    const lease = new DurableLease(
      {
        session,
        lockPath,
        claim,
        record,
        owner,
        policy: 'session',
        ttlMs,
        standing: () => standing,
        revokeRequested: () => held$.value.revokeRequested,
        release,
        renewed: mindTerm,
        lapsed: lose,
        onDisposeError: (error) => {
          logger.error(`${lockPath}: ${String(error)}`);
        },
      },
      tenure,
    );
    mindTerm();
    subscriber.next({ status: 'held', grants: [{ lease, held$ }] });
    const watch = watching(session, lockPath, (client) => watchNode(client, claim.path)).subscribe({
      next: (news) => {
        const asked = held$.value.revokeRequested;
        if (news.type === 'gone') {
          lose(asked === null ? 'node-deleted' : 'revoked');
          return;
        }
        const data = decodeClaim(news.data);
        if (tenureOf(data)?.holder !== tenure.holder) lose('revoked');
        else if (data.revoke !== undefined && !sameRequest(asked, data.revoke)) {
          held$.next({ connection: 'confirmed', revokeRequested: data.revoke });
          lease.markRevokeRequested(data.revoke);
        }
      },
      error: (error: unknown) => {
        subscriber.error(error);
      },
      complete: () => {
        lose('closed');
      },
    });
    return () => {
      watch.unsubscribe();
      session.clock.clearTimeout(timer);
      // Past its time to live it is withdrawn as well; what was deleted or resumed elsewhere is not there, or not ours.
      if (standing === 'held' || standing === 'ttl') {
        if (standing === 'held') standing = 'released';
        gone().catch((error: unknown) => {
          logger.error(String(error));
        });
      }
    };
  });
}
