/** What a holder holds. Whether it still does is computed at every call, never remembered from an event (T39). */
import type { Claim, ExpiryReason, RevokeRequest, SuspendPolicy } from '../machines/lock-machine.js';
import { checkList } from './arguments.js';
import type { ClaimRecord } from './claim-record.js';
import {
  CommitOutcomeUnknownError,
  CommitRefusedError,
  LockLostError,
  RevokeRequestedError,
  SessionClosedError,
} from './errors.js';
import type { TransactionOperation, TransactionResult } from './zookeeper/client.js';
import { isZooKeeperError, ZooKeeperError } from './zookeeper/errors.js';
import type { SessionPort } from './zookeeper/session-port.js';

/** Low bits of a fencing token: how often its claim was handed on within its process (DESIGN §3.7). */
export const HAND_OVER_BITS = 10n;

/** What a lease is made from. Declared for all, because what is declared for all names it; made by locks only. */
export interface LeaseParts {
  readonly session: SessionPort;
  readonly lockPath: string;
  readonly claim: Claim;
  readonly record: ClaimRecord;
  readonly owner: string | undefined;
  readonly policy: SuspendPolicy;
  readonly ttlMs: number | null;
  /** What the machine says now: held, or why not any more. */
  readonly standing: () => 'held' | 'released' | ExpiryReason;
  /** The last request to give it up, if any was heard. */
  readonly revokeRequested: () => RevokeRequest | null;
  /** Gives the lock up; resolves when the claim is gone. */
  readonly release: () => Promise<void>;
  /** Tells the machine of a renewed term. */
  readonly renewed: (remainingMs: number) => void;
  /** Tells the machine that it is over, when a question to the lease finds that out first. */
  readonly lapsed: (reason: 'ttl' | 'validity-passed' | 'node-deleted') => void;
  /** How many acquisitions of the owner share the grant; absent: this one alone. */
  readonly sharers?: () => number;
  readonly onDisposeError: (error: unknown) => void;
}

/**
 * A lock that is held, perhaps by others as well. **It can be lost while you work**: the network, the server or this
 * process may stall. Ask {@link SharedLease.assertHeld} before every step that matters, and stop at
 * {@link SharedLease.signal}. There is no fencing token: those who hold together have no order (DESIGN §3.7).
 */
export class SharedLease implements AsyncDisposable {
  /** @internal */
  protected readonly parts: LeaseParts;
  #controller: AbortController | null = null;
  #asked: AbortController | null = null;

  /** @internal */
  constructor(parts: LeaseParts) {
    this.parts = parts;
  }

  /** The lock path. */
  get path(): string {
    return this.parts.lockPath;
  }

  /** The znode that stands for us. */
  get claimPath(): string {
    return this.parts.claim.path;
  }

  /** Whom the lock was acquired for, if anybody was named. */
  get owner(): string | undefined {
    return this.parts.owner;
  }

  /**
   * Until when (epoch ms) this may be relied on if nothing more is heard; grows while the server answers. With a time to
   * live, at most its end. Through a follower the server may be earlier by the relay (docs/guarantees.md).
   */
  get validUntil(): number {
    const { session, record } = this.parts;
    return (
      session.clock.wallNow() + Math.max(0, Math.min(session.remainingValidityMs(), record.remainingTermMs()))
    );
  }

  /** Aborts when the lock is lost, with a {@link LockLostError} as reason; not when it is released. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    const standing = this.#standing();
    if (standing !== 'held' && standing !== 'released') this.#abort(standing);
    return this.#controller.signal;
  }

  /** Who asks for it, and why: the last request, if anybody asked. Finish soon and release; when their grace is over they take it by force. */
  get revokeRequested(): RevokeRequest | null {
    return this.parts.revokeRequested();
  }

  /**
   * Aborts when somebody asks for the lock, with a {@link RevokeRequestedError} as reason: at the first request; {@link revokeRequested} says
   * the last. **The lock is still held**: hand it to work that may be broken off, and release when that has ended. It is heard of from a few
   * milliseconds after the grant on, while there is a connection.
   */
  get revokeSignal(): AbortSignal {
    this.#asked ??= new AbortController();
    const request = this.revokeRequested;
    if (request !== null) this.markRevokeRequested(request);
    return this.#asked.signal;
  }

  /** Whether it is held now, by this process's best knowledge. Once it was not, it never is again, and the claim is withdrawn. */
  isHeld(): boolean {
    return this.#standing() === 'held';
  }

  /** Throws {@link LockLostError} (`LOCK_LOST`) unless {@link isHeld}. */
  assertHeld(): void {
    const standing = this.#standing();
    if (standing !== 'held') throw this.#lost(standing);
  }

  /**
   * With a time to live: starts it anew, counted from the send of the write. Without: asks the server whether the claim
   * is still there, which moves {@link validUntil}. Throws `LOCK_LOST` when it is not, else the {@link ZooKeeperError} of the
   * request, with everything as it was.
   */
  async renew(): Promise<void> {
    this.assertHeld();
    const { session, claim, record, ttlMs, renewed } = this.parts;
    try {
      if (ttlMs === null) {
        const stat = await session.client.exists(claim.path);
        if (stat?.czxid !== claim.czxid) throw this.gone();
      } else {
        await record.writeTerm(session.client, claim.path, ttlMs);
        renewed(Math.max(0, record.remainingTermMs()));
      }
    } catch (error) {
      if (isZooKeeperError(error, 'NoNode')) throw this.gone(error);
      throw error;
    }
    this.assertHeld();
  }

  /** Gives the lock back. Resolves when the claim is gone, however it went; calling it again changes nothing. */
  release(): Promise<void> {
    return this.parts.release();
  }

  /**
   * Applies `operations` to ZooKeeper, all or nothing, and only if this claim is still there at that moment: the one
   * guard that needs no clock.
   *
   * Throws `LOCK_LOST` when the claim is gone, `COMMIT_REFUSED` when one of the operations is refused or this client has no
   * transactions (`capabilities.multi`), `COMMIT_OUTCOME_UNKNOWN` when the answer was lost. Nothing is applied in the first two cases.
   */
  async commit(operations: readonly TransactionOperation[]): Promise<TransactionResult[]> {
    const { session, claim, lockPath } = this.parts;
    checkList('operations', operations, 'give a list such as [{ type: "delete", path: "/a" }]', {
      path: lockPath,
      ofObjects: true,
    });
    this.assertHeld();
    if (!session.client.capabilities.multi) {
      const detail = 'this client has no transactions; use the default client, or send fencingToken along';
      const cause = new ZooKeeperError('NotSupported', 'multi', claim.path, { detail });
      throw new CommitRefusedError(lockPath, undefined, cause);
    }
    try {
      const guard: TransactionOperation = { type: 'check', path: claim.path, version: -1 };
      const results = await session.client.multi([guard, ...operations]);
      return results.slice(1);
    } catch (error) {
      if (!isZooKeeperError(error)) throw error;
      if (error.code === 'Closed') throw new SessionClosedError(lockPath);
      if (error.outcome === 'unknown') throw new CommitOutcomeUnknownError(lockPath, error);
      if (error.failedIndex === 0) throw this.gone(error);
      const index = error.failedIndex === undefined ? undefined : error.failedIndex - 1;
      throw new CommitRefusedError(lockPath, index, error);
    }
  }

  /** Releases. Never throws: what went wrong is logged, so that it cannot hide an error of the block it ends (T54). */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (error) {
      this.parts.onDisposeError(error);
    }
  }

  /** @internal The machine said that it is over. */
  markLost(reason: ExpiryReason): void {
    if (this.#controller !== null) this.#abort(reason);
  }

  /** @internal Somebody asks for it. */
  markRevokeRequested(request: RevokeRequest): void {
    if (this.#asked?.signal.aborted === false)
      this.#asked.abort(new RevokeRequestedError(this.parts.lockPath, request));
  }

  /**
   * What it computes first, the machine hears at once: who was told that the lock is lost may never come back to release it,
   * and an answer that comes late must not make it held again (T44).
   */
  #standing(): 'held' | 'released' | ExpiryReason {
    const { standing, policy, session, record, lapsed } = this.parts;
    const now = standing();
    if (now !== 'held') return now;
    if (record.remainingTermMs() <= 0) {
      lapsed('ttl');
      return 'ttl';
    }
    if (policy !== 'session' && session.remainingValidityMs() <= 0) {
      lapsed('validity-passed');
      return 'validity-passed';
    }
    return 'held';
  }

  /** The server says that the claim is not there. @internal */
  protected gone(cause?: unknown): LockLostError {
    this.parts.lapsed('node-deleted');
    return this.#lost(this.parts.standing() === 'revoked' ? 'revoked' : 'node-deleted', cause);
  }

  #lost(reason: string, cause?: unknown): LockLostError {
    return new LockLostError(this.parts.lockPath, reason, cause);
  }

  #abort(reason: ExpiryReason): void {
    if (this.#controller?.signal.aborted === false) this.#controller.abort(this.#lost(reason));
  }
}

/**
 * A lock that is held alone. **It can be lost while you work**, as {@link SharedLease} says; send
 * {@link Lease.fencingToken} with every write, so that what comes late is refused where it is written.
 */
export class Lease extends SharedLease {
  /** Larger for every later holder of this path, whatever became of the znodes; 64 bits and more: store it as text or bigint. */
  get fencingToken(): bigint {
    const { czxid, handOver = 0 } = this.parts.claim;
    return (czxid << HAND_OVER_BITS) | BigInt(handOver);
  }
}
