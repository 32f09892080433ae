/** The lock people hold in their hands: subscribe to it, or acquire it. */
import { Observable } from 'rxjs';
import type { Claim } from '../machines/lock-machine.js';
import { type AcquisitionRequest, LockAcquisition, type LockSettings } from './acquisition.js';
import { checkOptionalDuration, checkOptions, checkOwner, checkSignal } from './arguments.js';
import type { Contention } from './contention.js';
import {
  AlreadyOwnLockError,
  type LockError,
  LockingFailedError,
  LockLostError,
  NotLockOwnerError,
  OwnerAlreadySetError,
  SessionClosedError,
} from './errors.js';
import type { Lease, SharedLease } from './lease.js';
import { listInOrder } from './line-listing.js';
import { LockEntries } from './lock-entries.js';
import type { Ownership } from './ownership.js';
import { readWhenConnected } from './reading.js';
import { CountedAcquisition } from './reentrancy.js';

export type { LockInspector } from './acquisition.js';

/** Where an owner can be found: `ownerKey` names the entry. */
export type OwnerContext = Readonly<Record<string, unknown>>;

/** Where the context of the moment can be found, a record or a `Map`; Node's `AsyncLocalStorage` fits. */
export interface OwnerContextStore {
  getStore(): object | undefined;
}

/**
 * For whom: by name, or by the lock's `ownerKey` in a context, or else in the lock's `ownerContext`. Nobody: the
 * acquisition's owner is known to its lease alone.
 */
export interface OwnerOptions {
  readonly owner?: string;
  readonly context?: OwnerContext;
}

/** How to acquire. */
export interface AcquireOptions extends OwnerOptions {
  /** Milliseconds from the call until {@link LockTimeoutError}; settles on time whatever the connection does. Default: the lock's. */
  readonly timeoutMs?: number;
  /** Rejects with the signal's reason; nothing is left in line. */
  readonly signal?: AbortSignal;
}

/** One acquisition, on its own or among those of its owner. */
interface Attempt {
  /** Gives up whatever there is. */
  release(): Promise<void>;
  /** Fails it if it is not held yet. */
  abort(cause: unknown): void;
}

/** A writer's, for the reader that takes it (T48). */
interface Place {
  readonly claim: Claim;
  readonly owner?: string;
  readonly signal: AbortSignal;
  /** Lets the writer go; called as often as the reader hears that it waits. */
  readonly leave: () => void;
}

/** What a lock is made from. @internal */
export interface LockParts<L extends SharedLease> extends LockSettings<L> {
  readonly ownerKey: string | undefined;
  readonly ownerContext?: OwnerContextStore | undefined;
  readonly owner: string | undefined;
  /** Default: `reject`. */
  readonly reentrancy?: 'reject' | 'count';
  /** Throws when this owner may not ask, for what he has elsewhere. */
  readonly admit?: (owner: string) => void;
  readonly contention: Observable<Contention>;
}

/**
 * A lock on a path, for everybody who talks to the same ZooKeeper.
 *
 * **It can be lost while you work.** Listen for `expired`, or use the lease's `signal`, and pass `lease.fencingToken` on.
 *
 * As an observable it is cold: each subscription stands in line for itself, hears its {@link Ownership} as it changes, and
 * gives the lock up when unsubscribed. `released` and `expired` complete the stream, `failed` ends it with its error.
 */
export class Lock<L extends SharedLease = Lease> extends Observable<Ownership<L>> {
  /** The lock path: the znode whose children stand in line. */
  readonly path: string;
  readonly #parts: LockParts<L>;
  readonly #byOwner = new Map<string, LockAcquisition<L> | CountedAcquisition<L>>();
  #owner: string | undefined;

  /** @internal Use `session.lock(path)`. */
  constructor(parts: LockParts<L>) {
    super((subscriber) => {
      if (parts.session.closed) {
        subscriber.error(new SessionClosedError(parts.path));
        return undefined;
      }
      let acquisition: Attempt;
      try {
        const request = {
          owner: this.#ownerIn({}) ?? this.#owner,
          timeoutMs: parts.timeoutMs,
          noWait: false,
        };
        acquisition = this.#begin(request, (ownership) => {
          subscriber.next(ownership);
          if (ownership.status === 'failed') subscriber.error(ownership.error);
          else if (ownership.status === 'released' || ownership.status === 'expired') subscriber.complete();
        });
      } catch (error) {
        subscriber.error(error);
        return undefined;
      }
      return () => {
        acquisition.release().catch((error: unknown) => {
          parts.logger.error(String(error));
        });
      };
    });
    this.#parts = parts;
    this.path = parts.path;
    this.#owner = parts.owner;
  }

  /** Whom the lock is held for, through this object; undefined when it is not, or for nobody named. */
  get owner(): string | undefined {
    for (const [owner, acquisition] of this.#byOwner) if (acquisition.lease !== null) return owner;
    return undefined;
  }

  /** The owner of every acquisition that names none. Throws `OWNER_ALREADY_SET` the second time, or when the lock's options had one. */
  setOwner(owner: string): void {
    checkOwner('owner', owner, this.path);
    if (this.#owner !== undefined) throw new OwnerAlreadySetError(this.path, this.#owner);
    this.#owner = owner;
  }

  /** The line at this path as everybody sees it, live. */
  get contention(): Observable<Contention> {
    return this.#parts.contention;
  }

  /**
   * Stands in line until the lock is held.
   *
   * Rejects with `LOCK_TIMEOUT`, the signal's reason, `ALREADY_OWN_LOCK` (this owner holds it or asks for it already, through this
   * object, and acquisitions are not counted), `CLAIM_DELETED`, `CONNECTION_FAILED`, `SESSION_CLOSED`, `LOCKING_FAILED`, or `LOCK_LOST` when it was lost in the moment
   * it was won. Whatever the outcome, nothing is left in line but a lease's claim.
   */
  acquire(options: AcquireOptions = {}): Promise<L> {
    return this.#acquire(options, false).then((lease) => {
      if (lease === null) throw new LockingFailedError(this.path, 'it was busy; please report this');
      return lease;
    });
  }

  /** As {@link acquire}, but resolves with null at once when somebody is ahead, or with `lossDelayMs` while a loss has to be waited out. */
  tryAcquire(options: AcquireOptions = {}): Promise<L | null> {
    return this.#acquire(options, true);
  }

  /**
   * Releases what this owner holds through this object; where acquisitions are counted, the last one. Resolves when the claim
   * is gone, or at once while other acquisitions of the owner keep it.
   *
   * Rejects with `NOT_LOCK_OWNER` when that owner holds nothing here, or none is named: an acquisition without an owner is
   * released by its lease. Rejects with `UNLOCKING_FAILED` when ZooKeeper refuses.
   */
  async release(options: OwnerOptions = {}): Promise<void> {
    const owner = this.#ownerIn(options) ?? undefined;
    const acquisition = owner === undefined ? undefined : this.#byOwner.get(owner);
    if (acquisition?.lease == null) throw new NotLockOwnerError(this.path, owner);
    await acquisition.release();
  }

  /** As {@link release}, but logs what goes wrong instead of rejecting: for `finally` blocks. */
  async releaseAndLog(options: OwnerOptions = {}): Promise<void> {
    try {
      await this.release(options);
    } catch (error) {
      this.#parts.logger.error(String(error));
    }
  }

  /**
   * Who stands in line now: one listing, once there is a connection. Nobody, when the path does not exist.
   *
   * Rejects with `CONNECTION_FAILED` or `SESSION_CLOSED` when there is none to be had, `LOCKING_FAILED` when the path may not be listed.
   */
  async entries(): Promise<LockEntries> {
    const { session } = this.#parts;
    const line = await readWhenConnected(session, this.path, () => listInOrder(session.client, this.path));
    return new LockEntries(this.path, line.contenders);
  }

  /** What this owner has, or asks for, through this object. @internal */
  ownedBy(owner: string): { readonly lease: L | null } | null {
    const acquisition = this.#byOwner.get(owner);
    return acquisition?.pendingOrHeld === true ? { lease: acquisition.lease } : null;
  }

  /** As {@link acquire} without a deadline, in the place of a writer, which is told to leave once this stands there. @internal */
  takePlace(place: Place): Promise<L | null> {
    return this.#acquire(place, false, { place });
  }

  /**
   * Takes it from whoever holds it, ahead of all who wait. Only where tokens are stamped at the grant: those who wait are older
   * than the thief. Rejects as {@link acquire}, and with `LOCK_LOST` when the session ended meanwhile. @internal
   */
  steal(): Promise<L | null> {
    return this.#acquire({}, false, { steals: true });
  }

  #acquire(
    options: AcquireOptions,
    noWait: boolean,
    { place, steals = false }: { readonly place?: Place; readonly steals?: boolean } = {},
  ): Promise<L | null> {
    // What is thrown in here rejects.
    return new Promise((resolve, reject) => {
      const { session, path } = this.#parts;
      checkOptions(options, path);
      const timeoutMs =
        place === undefined
          ? (checkOptionalDuration('timeoutMs', options.timeoutMs, 0, path) ?? this.#parts.timeoutMs)
          : null;
      const owner = this.#ownerIn(options) ?? this.#owner;
      const { signal } = options;
      checkSignal(signal, path);
      signal?.throwIfAborted();
      if (session.closed) throw new SessionClosedError(path);
      const giveUp = () => {
        acquisition.abort(signal?.reason);
        reject(signal?.reason as Error);
      };
      const done = () => signal?.removeEventListener('abort', giveUp);
      const request = { owner, timeoutMs, noWait, steals, inPlaceOf: place?.claim };
      const acquisition = this.#begin(request, (ownership) => {
        switch (ownership.status) {
          case 'waitingOnPredecessor':
            place?.leave();
            return;
          case 'held':
            // Lost in the moment it was won: the next news says so.
            if (!ownership.lease.isHeld()) return;
            done();
            resolve(ownership.lease);
            return;
          case 'failed':
            done();
            if (noWait && isBusy(ownership.error)) resolve(null);
            else reject(ownership.error);
            return;
          case 'expired':
            done();
            reject(new LockLostError(path, ownership.reason));
            return;
          default:
        }
      });
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #begin(request: AcquisitionRequest, listener: (ownership: Ownership<L>) => void): Attempt {
    const { owner } = request;
    if (owner === undefined) return new LockAcquisition(this.#parts, request, listener);
    if (request.inPlaceOf === undefined) this.#parts.admit?.(owner);
    const present = this.#byOwner.get(owner);
    if (present?.pendingOrHeld === true) {
      if (present instanceof CountedAcquisition) return present.join(request, listener);
      throw new AlreadyOwnLockError(this.path, owner, present.lease);
    }
    const forget = () => {
      if (!acquisition.pendingOrHeld && this.#byOwner.get(owner) === acquisition) this.#byOwner.delete(owner);
    };
    const acquisition =
      this.#parts.reentrancy === 'count'
        ? new CountedAcquisition(this.#parts, request, forget)
        : new LockAcquisition(this.#parts, request, (ownership) => {
            forget();
            listener(ownership);
          });
    this.#byOwner.set(owner, acquisition);
    return acquisition instanceof CountedAcquisition ? acquisition.join(request, listener) : acquisition;
  }

  #ownerIn(options: OwnerOptions): string | undefined {
    const { owner, context } = checkOptions(options, this.path);
    if (owner !== undefined) return checkOwner('owner', owner, this.path);
    const { ownerKey, ownerContext } = this.#parts;
    if (ownerKey === undefined) return undefined;
    const store: object | undefined = context ?? ownerContext?.getStore();
    if (store === undefined) return undefined;
    const found: unknown = store instanceof Map ? store.get(ownerKey) : (store as OwnerContext)[ownerKey];
    return found === undefined ? undefined : checkOwner(`context.${ownerKey}`, found, this.path);
  }
}

const isBusy = (error: LockError): boolean => error instanceof LockingFailedError && error.busy;
