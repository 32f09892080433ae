/**
 * The browser's Web Locks (W3C "Web Locks API"), across machines: `session.locks` is a `LockManager`. Each name is a read/write lock
 * under a root of its own; the checks, their order and their errors are the specification's.
 */
import type { ContenderInLine, Contention } from '../contention-facts.js';
import { LockError } from '../errors.js';
import { Lease, type SharedLease } from '../lease.js';
import type { ReadWriteLock } from './read-write-lock.js';

/** Where all names live. */
export const WEB_LOCKS_ROOT = '/web-locks';

/** Held together with other `shared` ones, or alone. */
export type WebLockMode = 'exclusive' | 'shared';

/** How to request. */
export interface WebLockOptions {
  /** Default `exclusive`. */
  readonly mode?: WebLockMode | undefined;
  /** Do not wait: the callback gets null where somebody is ahead. */
  readonly ifAvailable?: boolean | undefined;
  /** Refused with `NotSupportedError`: see {@link WebLockManager.request}. */
  readonly steal?: boolean | undefined;
  /** Gives the wait up; of no effect once the lock is granted. */
  readonly signal?: AbortSignal | undefined;
}

/** What a callback is given: the standard's two properties, and what a lock across machines needs besides. */
export interface WebLock {
  readonly name: string;
  readonly mode: WebLockMode;
  /** Aborts when the lock is lost: stop the work at once. */
  readonly signal: AbortSignal;
  /** Larger for every later `exclusive` holder of this name; send it with every write. Undefined for `shared`. */
  readonly fencingToken: bigint | undefined;
}

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

/** Called with the lock, or with null where `ifAvailable` found somebody ahead. The lock is held until what it returns settles. */
export type WebLockCallback<T> = (lock: WebLock | null) => T | PromiseLike<T>;

interface Request<T> {
  readonly name: string;
  readonly mode: WebLockMode;
  readonly ifAvailable: boolean;
  readonly signal: AbortSignal | undefined;
  readonly callback: WebLockCallback<T>;
}

/** What the manager is made from. @internal */
export interface WebLocksParts {
  readonly readWriteLock: (path: string) => ReadWriteLock;
  /** Every line under a root. */
  readonly linesUnder: (root: string) => Promise<readonly Contention[]>;
  /** Whether the session is closed: nothing can be asked any more. */
  readonly closed: () => boolean;
}

/**
 * A `LockManager` as `navigator.locks` is one, for everybody who talks to the same ZooKeeper.
 *
 * **A lock can be lost while the callback runs**: the request then rejects with `AbortError`, as the standard has it for a stolen
 * lock, and `lock.signal` aborts; the callback is not interrupted. Send `lock.fencingToken` with what it writes.
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
   * Rejects with a `TypeError` for arguments that cannot be meant; with a `DOMException` `NotSupportedError` for a name that starts with
   * `-`, for `steal` (see below), and for `signal` with `ifAvailable`; with the signal's reason; with `AbortError` when the lock was lost,
   * or somebody deleted the claim while it waited (`cause` says more); with `InvalidStateError` when the session is closed; with a
   * {@link LockError} where ZooKeeper cannot be reached or refuses, which the standard does not know.
   *
   * `steal` is not supported: who stood in line before would hold after the thief with a smaller fencing token. `session.revoke` and
   * `session.breakClaim` take a lock from its holder.
   */
  request<T>(name: string, callback: WebLockCallback<T>): Promise<Awaited<T>>;
  request<T>(name: string, options: WebLockOptions, callback: WebLockCallback<T>): Promise<Awaited<T>>;
  async request<T>(...given: readonly unknown[]): Promise<Awaited<T>> {
    const request = requestFrom<T>(given);
    const lease = await this.#leaseFor(request);
    return lease === null ? await request.callback(null) : hold(lease, request);
  }

  /** Who holds and who waits, on all machines, now. Rejects with `InvalidStateError`, or a {@link LockError}, as {@link request}. */
  async query(): Promise<WebLockSnapshot> {
    if (this.#parts.closed()) throw invalidState();
    const snapshot: WebLockSnapshot = { held: [], pending: [] };
    for (const { path, contenders } of await this.#parts.linesUnder(WEB_LOCKS_ROOT)) {
      const name = nameOf(path);
      if (name === null) continue;
      const readers = contenders.findIndex(({ kind }) => kind !== 'read');
      const holding = Math.max(1, readers === -1 ? contenders.length : readers);
      snapshot.held.push(...contenders.slice(0, holding).map((each) => infoOf(name, each)));
      snapshot.pending.push(...contenders.slice(holding).map((each) => infoOf(name, each)));
    }
    return snapshot;
  }

  async #leaseFor({ name, mode, ifAvailable, signal }: Request<unknown>): Promise<SharedLease | null> {
    if (this.#parts.closed()) throw invalidState();
    try {
      const { readLock, writeLock } = this.#parts.readWriteLock(pathOf(name));
      const lock = mode === 'shared' ? readLock : writeLock;
      if (ifAvailable) return await lock.tryAcquire();
      return await lock.acquire(signal === undefined ? {} : { signal });
    } catch (error) {
      throw asStandard(error);
    }
  }
}

/** Runs the callback under `lease`. Settles once the lock is given back, or at its loss. */
async function hold<T>(lease: SharedLease, { name, mode, callback }: Request<T>): Promise<Awaited<T>> {
  const { signal } = lease;
  const fencingToken = lease instanceof Lease ? lease.fencingToken : undefined;
  const lock: WebLock = Object.freeze({ name, mode, signal, fencingToken });
  const lost = new Promise<never>((_, reject) => {
    const tell = () => {
      reject(aborted(signal.reason as LockError));
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
  return Promise.race([work(), lost]);
}

const MODES = ['exclusive', 'shared'] as const;

/** What Web IDL makes of the arguments, and then the standard's own checks, in its order. */
function requestFrom<T>(given: readonly unknown[]): Request<T> {
  if (given.length < 2) throw new TypeError(`request() needs a name and a callback: ${given.length} given`);
  const name = String(given[0]);
  const dictionary = given.length === 2 ? undefined : given[1];
  const callback = given.length === 2 ? given[1] : given[2];
  if (dictionary !== undefined && dictionary !== null && !/^(?:object|function)$/.test(typeof dictionary))
    throw new TypeError(`options is a ${typeof dictionary}: give an object, or leave it out`);
  const { mode: asked, ifAvailable, steal, signal } = (dictionary ?? {}) as WebLockOptions;
  const mode = MODES.find((known) => known === (asked ?? 'exclusive'));
  if (mode === undefined) throw new TypeError(`mode is ${String(asked)}: give 'exclusive' or 'shared'`);
  if (signal !== undefined && !isSignal(signal))
    throw new TypeError('signal is no AbortSignal: give that of an AbortController, or leave it out');
  if (typeof callback !== 'function')
    throw new TypeError(`callback is a ${typeof callback}: give a function, as the last argument`);
  if (name.startsWith('-')) throw notSupported(`a lock's name cannot start with '-'`);
  if (steal)
    throw notSupported(`steal is not supported across machines: use session.revoke(), which asks first`);
  if (ifAvailable && signal !== undefined)
    throw notSupported('signal and ifAvailable exclude each other: leave one of them out');
  signal?.throwIfAborted();
  return { name, mode, ifAvailable: Boolean(ifAvailable), signal, callback: callback as WebLockCallback<T> };
}

/** Of whatever realm. */
function isSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return typeof (value as Partial<AbortSignal>).aborted === 'boolean' && 'addEventListener' in value;
}

const notSupported = (what: string) => new DOMException(what, 'NotSupportedError');

const aborted = (error: LockError) => caused(new DOMException(error.message, 'AbortError'), error);

function invalidState(cause?: unknown): DOMException {
  return caused(new DOMException('the session is closed: connect() again', 'InvalidStateError'), cause);
}

/** The standard's error where it has one for this. */
function asStandard(error: unknown): unknown {
  if (!(error instanceof LockError)) return error;
  switch (error.code) {
    case 'LOCK_LOST':
    case 'CLAIM_DELETED':
      return aborted(error);
    case 'SESSION_CLOSED':
      return invalidState(error);
    default:
      return error;
  }
}

/** Not every realm's DOMException takes a cause. */
function caused(error: DOMException, cause: unknown): DOMException {
  return cause === undefined ? error : Object.defineProperty(error, 'cause', { value: cause });
}

/** A name is any text, the empty one and half a surrogate pair included; a znode's is not. No name starts with `-`. */
const EMPTY = '-';
const LONE_SURROGATE = /^%u([0-9a-f]{4})$/;

function pathOf(name: string): string {
  const encoded = Array.from(name, (letter) =>
    /\p{Surrogate}/u.test(letter)
      ? `%u${letter.charCodeAt(0).toString(16)}`
      : encodeURIComponent(letter).replace('.', '%2E'),
  );
  return `${WEB_LOCKS_ROOT}/${encoded.join('') || EMPTY}`;
}

/** Null for what is no name of ours. */
function nameOf(path: string): string | null {
  if (!path.startsWith(`${WEB_LOCKS_ROOT}/`)) return null;
  const encoded = path.slice(WEB_LOCKS_ROOT.length + 1);
  if (encoded === EMPTY) return '';
  try {
    const parts = encoded.split(/(%u[0-9a-f]{4})/).map((part) => {
      const code = LONE_SURROGATE.exec(part)?.[1];
      return code === undefined ? decodeURIComponent(part) : String.fromCharCode(Number.parseInt(code, 16));
    });
    const name = parts.join('');
    return pathOf(name) === path ? name : null;
  } catch {
    return null;
  }
}

function infoOf(name: string, { kind, session }: ContenderInLine): WebLockInfo {
  return { name, mode: kind === 'read' ? 'shared' : 'exclusive', clientId: session };
}
