/**
 * The browser's Web Locks (W3C "Web Locks API"), across machines: `session.locks` is a `LockManager`. Each name is a read/write lock
 * under a root of its own, where tokens are stamped at the grant, so that a lock can be stolen.
 */
import { firstValueFrom, merge } from 'rxjs';
import type { ContenderInLine, Contention } from '../contention-facts.js';
import type { LockError } from '../errors.js';
import { type LeaseParts, SharedLease } from '../lease.js';
import type { Lock } from '../lock.js';
import { type QueueRule, readRule, writeRule } from '../queue.js';
import { aborted } from '../reading.js';
import { StampedLease } from './stamped-lease.js';
import { nameOf, WEB_LOCKS_ROOT } from './web-lock-names.js';
import {
  asStandard,
  invalidState,
  lost,
  notSupported,
  requestFrom,
  type WebLock,
  type WebLockCallback,
  type WebLockMode,
  type WebLockOptions,
  type WebLockRequest,
} from './web-lock-request.js';

export type { WebLock, WebLockCallback, WebLockMode, WebLockOptions } from './web-lock-request.js';

/** One holder, or one who waits. */
export interface WebLockInfo {
  readonly name: string;
  readonly mode: WebLockMode;
  /** The ZooKeeper session, hex: the same for everything that one `Session` of this package asks for. */
  readonly clientId: string;
}

/** All names at one moment. */
export interface WebLockSnapshot {
  readonly held: WebLockInfo[];
  /** For each name in the order they will hold. */
  readonly pending: WebLockInfo[];
}

/** What the manager is made from. @internal */
export interface WebLocksParts {
  readonly lock: <L extends SharedLease>(
    path: string,
    rule: QueueRule,
    grant: (parts: LeaseParts) => L,
  ) => Lock<L>;
  /** Every line under a root. */
  readonly linesUnder: (root: string) => Promise<readonly Contention[]>;
  /** Whether the session is closed: nothing can be asked any more. */
  readonly closed: () => boolean;
  /** Whether the client has transactions. */
  readonly transacts: () => boolean;
}

/**
 * A `LockManager` as `navigator.locks` is one, for everybody who talks to the same ZooKeeper.
 *
 * **A lock can be lost, or stolen, while the callback runs**: the request then rejects with `AbortError`, and `lock.signal` aborts; the
 * callback is not interrupted. Send `lock.fencingToken` with what it writes.
 */
export class WebLockManager {
  readonly #parts: WebLocksParts;

  /** @internal Use `session.locks`. */
  constructor(parts: WebLocksParts) {
    this.#parts = parts;
  }

  /**
   * Waits for the lock `name`, calls `callback`, holds until what it returned settles, gives back, and settles alike. Requests
   * are served in the order of asking; one that is made inside the callback of another for the same name waits for itself, as in a browser.
   *
   * With `steal` it does not wait: whoever holds is robbed, and rejects with `AbortError`; whoever waits goes on waiting, behind the thief.
   * One request robs once at most: when its session ends before it knows that it holds, it rejects with `AbortError` as well.
   *
   * Rejects with a `TypeError` for arguments that cannot be meant; with a `DOMException` `NotSupportedError` for a name that starts with
   * `-` or that takes more than 1,024 letters percent-encoded, for `steal` with `ifAvailable`, with `shared`, or on a client without
   * transactions, and for `signal` with `steal` or `ifAvailable`; with the signal's reason; with `AbortError` when the lock was lost or
   * stolen, or somebody deleted the claim while it waited (`cause` says more); with `InvalidStateError` when the session is closed; with
   * a {@link LockError} where ZooKeeper cannot be reached or refuses, which the standard does not know.
   */
  request<T>(name: string, callback: WebLockCallback<T>): Promise<Awaited<T>>;
  request<T>(name: string, options: WebLockOptions, callback: WebLockCallback<T>): Promise<Awaited<T>>;
  async request<T>(...given: readonly unknown[]): Promise<Awaited<T>> {
    const request = requestFrom<T>(given);
    if (this.#parts.closed()) throw invalidState();
    if (request.steal && !this.#parts.transacts())
      throw notSupported('this client has no transactions, which steal takes: use the default client');
    const lease = await this.#leaseFor(request);
    return lease === null ? await request.callback(null) : hold(lease, request);
  }

  /** Who holds and who waits, on all machines, now. Rejects with `InvalidStateError`, or a {@link LockError}, as {@link request}. */
  async query(): Promise<WebLockSnapshot> {
    if (this.#parts.closed()) throw invalidState();
    const snapshot: WebLockSnapshot = { held: [], pending: [] };
    const lines = await this.#parts.linesUnder(WEB_LOCKS_ROOT).catch((error: unknown) => {
      throw asStandard(error);
    });
    for (const { path, contenders } of lines) {
      const name = nameOf(path);
      if (name === null) continue;
      const readers = contenders.findIndex(({ kind }) => kind !== 'read');
      const holding = Math.max(1, readers === -1 ? contenders.length : readers);
      snapshot.held.push(...contenders.slice(0, holding).map((each) => infoOf(name, each)));
      snapshot.pending.push(...contenders.slice(holding).map((each) => infoOf(name, each)));
    }
    return snapshot;
  }

  async #leaseFor(request: WebLockRequest<unknown>): Promise<SharedLease | null> {
    const { path, mode, signal } = request;
    try {
      if (mode === 'shared') {
        return await granted(
          this.#parts.lock(path, readRule, (parts) => new SharedLease(parts)),
          request,
        );
      }
      const lock = this.#parts.lock(path, writeRule, (parts) => new StampedLease(parts));
      const lease = await granted(lock, request);
      return lease === null ? null : await stamped(lease, signal);
    } catch (error) {
      throw signal?.aborted === true && error === signal.reason ? error : asStandard(error);
    }
  }
}

function granted<L extends SharedLease>(
  lock: Lock<L>,
  { steal, ifAvailable, signal }: WebLockRequest<unknown>,
): Promise<L | null> {
  if (steal) return lock.steal();
  if (ifAvailable) return lock.tryAcquire();
  return lock.acquire(signal === undefined ? {} : { signal });
}

/** Nobody is told that it holds before it has its token. */
async function stamped(lease: StampedLease, signal: AbortSignal | undefined): Promise<StampedLease> {
  try {
    return await firstValueFrom(
      merge(
        aborted(signal),
        lease.stamp().then(() => lease),
      ),
    );
  } catch (error) {
    void lease[Symbol.asyncDispose]();
    throw error;
  }
}

/** Runs the callback under `lease`. Settles once the lock is given back, or at its loss. */
async function hold<T>(lease: SharedLease, { name, mode, callback }: WebLockRequest<T>): Promise<Awaited<T>> {
  const { signal, revokeSignal } = lease;
  const fencingToken = lease instanceof StampedLease ? lease.fencingToken : undefined;
  const lock: WebLock = Object.freeze({ name, mode, signal, revokeSignal, fencingToken });
  const losing = new Promise<never>((_, reject) => {
    const tell = () => {
      reject(lost(signal.reason as LockError));
    };
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
  });
  const work = async (): Promise<Awaited<T>> => {
    try {
      return await callback(lock);
    } finally {
      await lease[Symbol.asyncDispose]();
    }
  };
  return Promise.race([work(), losing]);
}

function infoOf(name: string, { kind, session }: ContenderInLine): WebLockInfo {
  return { name, mode: kind === 'read' ? 'shared' : 'exclusive', clientId: session };
}
