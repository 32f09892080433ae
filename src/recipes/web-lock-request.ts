/** What may be asked of `session.locks`: the checks, their order and their errors are those of the W3C's "Web Locks API". */
import { LockError } from '../errors.js';
import { encodedName, LONGEST_ENCODED, WEB_LOCKS_ROOT } from './web-lock-names.js';

/** Held together with other `shared` ones, or alone. */
export type WebLockMode = 'exclusive' | 'shared';

/** How to request. */
export interface WebLockOptions {
  /** Default `exclusive`. */
  readonly mode?: WebLockMode | undefined;
  /** Do not wait: the callback gets null where somebody is ahead. */
  readonly ifAvailable?: boolean | undefined;
  /**
   * Take it from whoever holds it, ahead of all who wait. **Whoever is robbed may go on working for a moment**: until it hears of it, and
   * for as long as its callback does not mind {@link WebLock.signal}. Its fencing token is the smaller one.
   */
  readonly steal?: boolean | undefined;
  /** Gives the wait up; of no effect once the lock is granted. */
  readonly signal?: AbortSignal | undefined;
}

/** What a callback is given: the standard's two properties, and what a lock across machines needs besides. */
export interface WebLock {
  readonly name: string;
  readonly mode: WebLockMode;
  /** Aborts when the lock is lost, or stolen: stop the work at once. */
  readonly signal: AbortSignal;
  /** Aborts when somebody asks for it (`session.revoke()`): it is still held, so finish soon. */
  readonly revokeSignal: AbortSignal;
  /** Larger for every later `exclusive` holder of this name; send it with every write. Undefined for `shared`. */
  readonly fencingToken: bigint | undefined;
}

/** Called with the lock, or with null where `ifAvailable` found somebody ahead. The lock is held until what it returns settles. */
export type WebLockCallback<T> = (lock: WebLock | null) => T | PromiseLike<T>;

/** A request that can be meant. @internal */
export interface WebLockRequest<T> {
  readonly name: string;
  /** The name's own, where it stands in line. */
  readonly path: string;
  readonly mode: WebLockMode;
  readonly ifAvailable: boolean;
  readonly steal: boolean;
  readonly signal: AbortSignal | undefined;
  readonly callback: WebLockCallback<T>;
}

const MODES = ['exclusive', 'shared'] as const;

/** What Web IDL makes of the arguments, and then the standard's own checks, in its order. @internal */
export function requestFrom<T>(given: readonly unknown[]): WebLockRequest<T> {
  if (given.length < 2) throw new TypeError(`request() needs a name and a callback: ${given.length} given`);
  const name = textOf('name', given[0]);
  const dictionary = given.length === 2 ? undefined : given[1];
  const callback = given.length === 2 ? given[1] : given[2];
  if (dictionary !== undefined && dictionary !== null && !/^(?:object|function)$/.test(typeof dictionary))
    throw new TypeError(`options is a ${typeof dictionary}: give an object, or leave it out`);
  const { mode: asked, ifAvailable, steal, signal } = (dictionary ?? {}) as WebLockOptions;
  const text = asked === undefined ? 'exclusive' : textOf('mode', asked);
  const mode = MODES.find((known) => known === text);
  if (mode === undefined) throw new TypeError(`mode is ${text}: give 'exclusive' or 'shared'`);
  if (signal !== undefined && !isSignal(signal))
    throw new TypeError('signal is no AbortSignal: give that of an AbortController, or leave it out');
  if (typeof callback !== 'function')
    throw new TypeError(`callback is a ${typeof callback}: give a function, as the last argument`);
  if (name.startsWith('-')) throw notSupported(`a lock's name cannot start with '-'`);
  if (steal && ifAvailable)
    throw notSupported('steal and ifAvailable exclude each other: leave one of them out');
  if (steal && mode !== 'exclusive')
    throw notSupported(`what is stolen is held alone: leave mode out, or give 'exclusive'`);
  if (signal !== undefined && (steal || ifAvailable))
    throw notSupported('signal goes with neither steal nor ifAvailable, which do not wait: leave it out');
  signal?.throwIfAborted();
  return {
    name,
    path: pathOf(name),
    mode,
    ifAvailable: Boolean(ifAvailable),
    steal: Boolean(steal),
    signal,
    callback: callback as WebLockCallback<T>,
  };
}

/** Web IDL's DOMString: whatever has a text, which a symbol has not. */
function textOf(what: string, value: unknown): string {
  if (typeof value === 'symbol') throw new TypeError(`${what} is a symbol: give text`);
  return String(value);
}

function pathOf(name: string): string {
  const encoded = encodedName(name);
  if (encoded !== null) return `${WEB_LOCKS_ROOT}/${encoded}`;
  throw notSupported(
    `a name that begins with ${JSON.stringify(name.slice(0, 40))} is too long: percent-encoded, it may have ${LONGEST_ENCODED} letters; use a hash of it`,
  );
}

/** Of whatever realm. */
function isSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return typeof (value as Partial<AbortSignal>).aborted === 'boolean' && 'addEventListener' in value;
}

/** @internal */
export const notSupported = (what: string): DOMException => new DOMException(what, 'NotSupportedError');

/** @internal */
export const lost = (error: LockError): DOMException =>
  caused(new DOMException(error.message, 'AbortError'), error);

/** @internal */
export function invalidState(cause?: unknown): DOMException {
  return caused(new DOMException('the session is closed: connect() again', 'InvalidStateError'), cause);
}

/** The standard's error where it has one for this. @internal */
export function asStandard(error: unknown): unknown {
  if (!(error instanceof LockError)) return error;
  switch (error.code) {
    case 'LOCK_LOST':
    case 'CLAIM_DELETED':
      return lost(error);
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
