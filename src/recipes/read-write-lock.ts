/**
 * Readers hold together, a writer alone, in the order of asking. Names and rules are those of Curator's
 * InterProcessReadWriteLock; who stands in whose way is one predicate in `src/queue.ts`, and everything about waiting the
 * lock machine's.
 */
import {
  AlreadyOwnLockError,
  DowngradeRefusedError,
  LockingFailedError,
  LockLostError,
  UpgradeRefusedError,
} from '../errors.js';
import { Lease, type LeaseParts, SharedLease } from '../lease.js';
import type { Lock } from '../lock.js';
import { type QueueRule, readRule, writeRule } from '../queue.js';
import { isZooKeeperError, type ZooKeeperError } from '../zookeeper/errors.js';

/** A lock held for reading. Others may read at the same time, so there is no fencing token; nobody writes. */
export class ReadLease extends SharedLease {
  /**
   * Always rejects, with `UPGRADE_REFUSED`: a writer waits for every reader ahead of it, this one included, so it would never get
   * the lock; and a short cut would let two readers that upgrade wait for each other. Release, acquire the write lock,
   * and read again.
   */
  upgrade(): Promise<never> {
    return Promise.reject(new UpgradeRefusedError(this.path, this.owner));
  }
}

/** A lock held for writing, alone. */
export class WriteLease extends Lease {
  readonly #readLock: () => Lock<ReadLease>;
  #downgrading: Promise<ReadLease> | null = null;
  #reader: ReadLease | null = null;

  /** @internal */
  constructor(parts: LeaseParts, readLock: () => Lock<ReadLease>) {
    super(parts);
    this.#readLock = readLock;
  }

  /**
   * Becomes a reader without letting a queued writer in: a reader's node takes this one's place in line, number included, and
   * only then is this lease released (T48, CURATOR-621). The read lease is the caller's to release, also when this one came from
   * a subscription.
   *
   * Rejects with `LOCK_LOST` when this lease is not held, or is lost on the way; with `DOWNGRADE_REFUSED` when the owner's other
   * acquisitions share it, or ZooKeeper refuses: it is then held as before; with `UNLOCKING_FAILED` when it cannot be released.
   * In every case no reader's node is left behind. Without a deadline of its own: it ends with the session.
   */
  downgrade(): Promise<ReadLease> {
    // A reader that has gone is nobody's any more, and neither are we.
    if (this.#reader?.isHeld() === false) this.#downgrading = null;
    this.#downgrading ??= this.#downgrade().catch((error: unknown) => {
      this.#downgrading = null;
      throw error;
    });
    return this.#downgrading;
  }

  async #downgrade(): Promise<ReadLease> {
    this.assertHeld();
    const { path, owner, signal } = this;
    if ((this.parts.sharers?.() ?? 1) > 1) {
      throw new DowngradeRefusedError(path, `other acquisitions of its owner share it; release them first`);
    }
    const ending = new AbortController();
    const end = () => {
      ending.abort(signal.reason);
    };
    signal.addEventListener('abort', end);
    let leaving = false;
    const leave = () => {
      if (leaving) return;
      leaving = true;
      this.release().catch((error: unknown) => {
        ending.abort(error);
      });
    };
    try {
      const lease = (this.#reader = await this.#readLock().takePlace({
        claim: this.parts.claim,
        ...(owner === undefined ? {} : { owner }),
        signal: ending.signal,
        leave,
      }));
      if (lease === null) throw new LockingFailedError(path, 'it was busy; please report this');
      return lease;
    } catch (error) {
      throw this.#explained(error);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  #explained(error: unknown): unknown {
    const cause = error instanceof LockingFailedError ? error.cause : undefined;
    if (!isZooKeeperError(cause)) return error;
    if (cause.code === 'SessionExpired') return new LockLostError(this.path, 'session-expired', error);
    if (!isMissingWriter(cause)) return new DowngradeRefusedError(this.path, cause.message, error);
    this.parts.lapsed('node-deleted');
    return new LockLostError(this.path, 'node-deleted', error);
  }
}

/** The transaction's guard failed: the writer's claim is not there. */
const isMissingWriter = (cause: ZooKeeperError) => cause.code === 'NoNode' && cause.failedIndex === 0;

/** Makes one side of a read/write lock; `admit` throws when an owner may not ask for it. */
export type MakeLock = <L extends SharedLease>(
  rule: QueueRule,
  grant: (parts: LeaseParts) => L,
  admit: (owner: string) => void,
) => Lock<L>;

/**
 * A lock that readers hold together and a writer alone, in the order of asking: no reader overtakes a writer that waits. It
 * shares its line with Curator's InterProcessReadWriteLock; a plain lock of this package on the same path counts as a
 * writer (Curator's does not see it: docs/interop.md).
 *
 * An owner that reads and asks to write gets `UPGRADE_REFUSED`; one that writes and asks to read `ALREADY_OWN_LOCK`, with the lease
 * to {@link WriteLease.downgrade}. Without an owner such a request waits for itself: give one, or a `timeoutMs`.
 */
export class ReadWriteLock {
  /** The lock path: the znode whose children stand in line. */
  readonly path: string;
  /** Held together with other readers. */
  readonly readLock: Lock<ReadLease>;
  /** Held alone. */
  readonly writeLock: Lock<WriteLease>;

  /** @internal Use `session.readWriteLock(path)`. */
  constructor(path: string, make: MakeLock) {
    this.path = path;
    this.readLock = make(
      readRule,
      (parts) => new ReadLease(parts),
      (owner) => {
        const writing = this.writeLock.ownedBy(owner);
        if (writing !== null) throw new AlreadyOwnLockError(path, owner, writing.lease);
      },
    );
    this.writeLock = make(
      writeRule,
      (parts) => new WriteLease(parts, () => this.readLock),
      (owner) => {
        if (this.readLock.ownedBy(owner) !== null) throw new UpgradeRefusedError(path, owner);
      },
    );
  }
}
