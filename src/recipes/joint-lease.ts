/** Several leases held as one: lost when one of them is. */
import type { RevokeRequest } from '../../machines/lock-machine.js';
import { CommitRefusedError, LockLostError } from '../errors.js';
import type { SharedLease } from '../lease.js';
import type { TransactionOperation, TransactionResult } from '../zookeeper/client.js';

/** What a joint lease is made from. @internal */
export interface JointLeaseParts<L extends SharedLease> {
  /** For messages: what was acquired. */
  readonly path: string;
  readonly owner: string | undefined;
  /** In the order they were acquired; at least one. */
  readonly leases: readonly [L, ...L[]];
  readonly onDisposeError: (error: unknown) => void;
}

/**
 * Several claims that are held together. **They can be lost while you work**, and then all at once: the loss of one gives
 * the others back.
 */
export class JointLease<L extends SharedLease> implements AsyncDisposable {
  readonly #parts: JointLeaseParts<L>;
  #signal: AbortSignal | null = null;
  #revokeSignal: AbortSignal | null = null;

  /** @internal */
  constructor(parts: JointLeaseParts<L>) {
    this.#parts = parts;
  }

  /** What was acquired. */
  get path(): string {
    return this.#parts.path;
  }

  /** The znodes that stand for us. */
  get claimPaths(): readonly string[] {
    return this.#parts.leases.map(({ claimPath }) => claimPath);
  }

  /** Whom it was acquired for, if anybody was named. */
  get owner(): string | undefined {
    return this.#parts.owner;
  }

  /** Until when (epoch ms) this may be relied on if nothing more is heard: the earliest of all. */
  get validUntil(): number {
    return Math.min(...this.#parts.leases.map(({ validUntil }) => validUntil));
  }

  /** Aborts when one of them is lost, with its {@link LockLostError} as reason; not when they are released. */
  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any(this.#parts.leases.map(({ signal }) => signal));
    return this.#signal;
  }

  /** Who asks for one of them, and why, if anybody does: as for all of them. */
  get revokeRequested(): RevokeRequest | null {
    for (const { revokeRequested } of this.#parts.leases)
      if (revokeRequested !== null) return revokeRequested;
    return null;
  }

  /** Aborts when somebody asks for one of them, as {@link SharedLease.revokeSignal} does. */
  get revokeSignal(): AbortSignal {
    this.#revokeSignal ??= AbortSignal.any(this.#parts.leases.map(({ revokeSignal }) => revokeSignal));
    return this.#revokeSignal;
  }

  /** Whether all of them are held now, by this process's best knowledge. */
  isHeld(): boolean {
    return this.#parts.leases.every((lease) => lease.isHeld());
  }

  /** Throws {@link LockLostError} (`LOCK_LOST`) unless {@link isHeld}: of the one that was lost first, where one was. */
  assertHeld(): void {
    let released: unknown;
    for (const lease of this.#parts.leases) {
      try {
        lease.assertHeld();
      } catch (error) {
        if (!(error instanceof LockLostError) || error.reason !== 'released') throw error;
        released ??= error;
      }
    }
    if (released !== undefined) throw released as LockLostError;
  }

  /** Asks the server after every claim, which moves {@link validUntil}. Throws as {@link SharedLease.renew} does. */
  async renew(): Promise<void> {
    await Promise.all(this.#parts.leases.map((lease) => lease.renew()));
  }

  /** Gives all of them back, the last one first. Resolves when every claim is gone; rejects with `UNLOCKING_FAILED` if one cannot go. */
  async release(): Promise<void> {
    // Issued back to back: a session is served in order.
    const releasing = [...this.#parts.leases].reverse().map((lease) => lease.release());
    const failed = (await Promise.allSettled(releasing)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  /** As {@link SharedLease.commit}, guarded by every claim. */
  async commit(operations: readonly TransactionOperation[]): Promise<TransactionResult[]> {
    const [first, ...others] = this.#parts.leases;
    const guards = others.map(({ claimPath }): TransactionOperation => ({ type: 'check', path: claimPath }));
    try {
      const results = await first.commit([...guards, ...operations]);
      return results.slice(guards.length);
    } catch (error) {
      if (!(error instanceof CommitRefusedError) || error.failedIndex === undefined) throw error;
      const lost = others[error.failedIndex];
      if (lost !== undefined) throw new LockLostError(lost.path, 'node-deleted', error.cause);
      throw new CommitRefusedError(this.path, error.failedIndex - guards.length, error.cause);
    }
  }

  /** Releases. Never throws: what went wrong is logged, so that it cannot hide an error of the block it ends (T54). */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (error) {
      this.#parts.onDisposeError(error);
    }
  }
}
