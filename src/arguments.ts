/** Checks what callers give. A value that cannot be meant throws {@link InvalidArgumentError} at the call, with the remedy. */
import { InvalidArgumentError } from './errors.js';
import type { Acl } from './zookeeper/client.js';

/** What a timer takes, 32-bit milliseconds: nearly 25 days. */
const LONGEST_MS = 2_147_483_647;

/** A duration, ms: from `least` to 2,147,483,647. */
export function checkDuration(name: string, value: unknown, least = 0, path?: string): number {
  if (typeof value !== 'number' || !(value >= least && value <= LONGEST_MS)) {
    throw new InvalidArgumentError(name, value, `give milliseconds from ${least} to ${LONGEST_MS}`, path);
  }
  return value;
}

/** As {@link checkDuration}; absent stays absent. */
export function checkOptionalDuration(name: string, value: unknown, least = 0, path?: string): number | null {
  return value === undefined ? null : checkDuration(name, value, least, path);
}

/** A whole number between two bounds, inclusive. */
export function checkCount(name: string, value: unknown, least: number, most: number, path?: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new InvalidArgumentError(name, value, `give a whole number from ${least} to ${most}`, path);
  }
  return value;
}

const OF_ALL_LOCKS = ['owner', 'onSuspend', 'ttlMs', 'ownerKey', 'ownerContext', 'reentrancy'];
const OF_PLAIN_LOCKS = [...OF_ALL_LOCKS, 'localHandover', 'lossDelayMs'];

/** Which of a lock's options each kind of recipe minds. */
const MINDED = {
  plain: OF_PLAIN_LOCKS,
  readersAndWriters: OF_ALL_LOCKS,
  durable: ['owner', 'ephemeral', 'ttlMs'],
  multiLock: ['owner', 'onSuspend'],
  semaphore: ['owner', 'onSuspend'],
  election: ['onSuspend'],
  barrier: [],
} as const satisfies Record<string, readonly string[]>;
const MINDED_BY_SOME = ['ephemeral', ...OF_PLAIN_LOCKS];

/** A kind of recipe, by the options that it minds. */
export type Minding = keyof typeof MINDED;

/** Refuses an option of another recipe, which would be ignored: whoever gives a time to live relies on it. */
export function checkMinded(options: object, path: string, by: Minding): void {
  const given = options as Readonly<Record<string, unknown>>;
  const minded: readonly string[] = MINDED[by];
  for (const name of MINDED_BY_SOME) {
    const value = given[name];
    // `ephemeral: true` says what is so in any case.
    if (value === undefined || minded.includes(name) || (name === 'ephemeral' && value === true)) continue;
    throw new InvalidArgumentError(name, value, 'leave it out: it would be ignored here', path);
  }
}

/** Ten bits of the fencing token count how often a claim was handed on. */
const MOST_HAND_OVERS = 1023;

/** How often one claim may be handed on; absent stays absent. */
export function checkLocalHandover(
  { localHandover: value, ttlMs }: { readonly localHandover?: unknown; readonly ttlMs?: unknown },
  path: string,
): number | undefined {
  if (value === undefined) return undefined;
  const wrong = (remedy: string) => new InvalidArgumentError('localHandover', value, remedy, path);
  if (ttlMs !== undefined)
    throw wrong(
      'leave ttlMs out, or this: a claim has one time to live, and would not outlast its next holder',
    );
  if (typeof value !== 'object' || value === null) throw wrong('give an object such as { max: 64 }');
  return checkCount('localHandover.max', (value as { max?: unknown }).max, 1, MOST_HAND_OVERS, path);
}

/** The remedy. */
export const WITHOUT_TRANSACTIONS =
  'this client has no transactions, which that takes: use the wire client (leave `client` out of connect())';

/** How long whoever ended without releasing is waited out, ms; absent stays absent. */
export function checkLossDelay(
  { lossDelayMs: value, localHandover }: { readonly lossDelayMs?: unknown; readonly localHandover?: unknown },
  path: string,
  transacts: boolean,
): number | undefined {
  if (value === undefined) return undefined;
  const wrong = (remedy: string) => new InvalidArgumentError('lossDelayMs', value, remedy, path);
  if (localHandover !== undefined)
    throw wrong('leave localHandover out, or this: a mark says of one holder how it ended, not of many');
  if (!transacts) throw wrong(WITHOUT_TRANSACTIONS);
  return checkDuration('lossDelayMs', value, 0, path);
}

/** A number between two bounds, inclusive. */
export function checkFraction(name: string, value: unknown, most: number): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= most)) {
    throw new InvalidArgumentError(name, value, `give a number from 0 to ${most}`);
  }
  return value;
}

/** One of a few words. */
export function checkChoice<T extends string | boolean>(
  name: string,
  value: unknown,
  choices: readonly T[],
  path?: string,
): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    throw new InvalidArgumentError(name, value, `give one of ${choices.join(', ')}`, path);
  return found;
}

/** What a call takes by name: an object, or nothing at all. */
export function checkOptions<T extends object>(value: T, path?: string): T {
  if (typeof value !== 'object' || (value as T | null) === null)
    throw new InvalidArgumentError('options', value, 'give an object, or leave it out', path);
  return value;
}

/** A list; with `ofObjects`, of nothing else. */
export function checkList<T>(
  name: string,
  value: readonly T[],
  remedy: string,
  { path, ofObjects = false }: { readonly path?: string; readonly ofObjects?: boolean } = {},
): readonly T[] {
  const right = (element: unknown) => !ofObjects || (typeof element === 'object' && element !== null);
  if (!Array.isArray(value) || !value.every(right)) throw new InvalidArgumentError(name, value, remedy, path);
  return value as readonly T[];
}

/** Something of the caller's own, by the methods that it must have. */
export function checkMethods<T>(name: string, value: T, methods: readonly string[], path?: string): T {
  const present = (value ?? {}) as Readonly<Record<string, unknown>>;
  const missing = methods.filter((method) => typeof present[method] !== 'function');
  if (missing.length > 0)
    throw new InvalidArgumentError(name, value, `give an object with the method ${missing.join(', ')}`, path);
  return value;
}

/** An AbortSignal, of whatever realm, or none. */
export function checkSignal(value: AbortSignal | undefined, path?: string): void {
  if (value !== undefined) checkMethods('signal', value, ['throwIfAborted', 'addEventListener'], path);
}

/** Something that is called. */
export function checkFunction<T>(name: string, value: T, remedy: string): T {
  if (typeof value !== 'function') throw new InvalidArgumentError(name, value, remedy);
  return value;
}

/** An owner: a text that is not empty. */
export function checkOwner(name: string, value: unknown, path?: string): string {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidArgumentError(name, value, 'give a text that is not empty', path);
  }
  return value;
}

/** The entry that is the owner, where there is a context to look in, or may be. */
export function checkOwnerKey(
  { ownerKey, ownerContext }: { readonly ownerKey?: unknown; readonly ownerContext?: object },
  path: string,
): string | undefined {
  if (ownerContext !== undefined) {
    checkMethods('ownerContext', ownerContext, ['getStore'], path);
    if (ownerKey === undefined)
      throw new InvalidArgumentError(
        'ownerKey',
        undefined,
        'with ownerContext, name the entry that is the owner',
        path,
      );
  }
  return ownerKey === undefined ? undefined : checkOwner('ownerKey', ownerKey, path);
}

const encoder = new TextEncoder();

/** Identities, their credentials as bytes. What is wrong is named by its place, never by its value. */
export function checkIdentities(
  value: unknown,
): readonly { readonly scheme: string; readonly auth: Uint8Array }[] {
  const remedy = 'give a list such as [{ scheme: "digest", auth: "user:password" }]';
  if (!Array.isArray(value)) throw new InvalidArgumentError('auth', '…', remedy);
  return value.map((entry: unknown, index) => {
    const { scheme, auth } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (
      typeof scheme !== 'string' ||
      scheme === '' ||
      !(typeof auth === 'string' || ArrayBuffer.isView(auth))
    )
      throw new InvalidArgumentError(`auth[${index}]`, '…', remedy);
    return { scheme, auth: typeof auth === 'string' ? encoder.encode(auth) : (auth as Uint8Array) };
  });
}

/** Read, write, create, delete, admin. */
const ALL_PERMISSIONS = 31;

/** A user and the base64 of 20 bytes (SHA-1) or more: servers may be set to another digest. */
const DIGEST = /^[^:]+:([\w+/]{4}){6,}[\w+/]{2,3}={1,2}$/;

/**
 * The permissions of a lock; absent stays absent. A digest that can be nobody's is refused too: with the password itself
 * where its digest belongs, whoever can list the permissions reads it, and nobody is let in.
 */
export function checkAcl(value: unknown, path: string): readonly Acl[] | undefined {
  if (value === undefined) return undefined;
  const wrong = (name: string, remedy: string) => new InvalidArgumentError(name, '…', remedy, path);
  const example = '{ permissions: 31, scheme: "auth", id: "" }, which is whoever asks';
  if (!Array.isArray(value) || value.length === 0) throw wrong('acl', `give a list such as [${example}]`);
  return value.map((entry: unknown, index) => {
    const { permissions, scheme, id } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    const name = `acl[${index}]`;
    if (
      typeof permissions !== 'number' ||
      !Number.isInteger(permissions) ||
      permissions < 0 ||
      permissions > ALL_PERMISSIONS
    )
      throw wrong(`${name}.permissions`, 'add up 1 read, 2 write, 4 create, 8 delete, 16 admin');
    if (typeof scheme !== 'string' || scheme === '' || typeof id !== 'string')
      throw wrong(name, `give one like ${example}`);
    if (scheme === 'digest' && !DIGEST.test(id))
      throw wrong(`${name}.id`, `give "user:" and the base64 of the SHA-1 of "user:password", or ${example}`);
    return { permissions, scheme, id };
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const forbidden = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/u;

/**
 * A lock path: absolute, at least one name, none of them empty, `.` or `..`, no control characters (PathUtils of
 * ZooKeeper), and not under `/zookeeper`, which belongs to the server.
 */
export function checkLockPath(value: unknown, name = 'path'): string {
  const wrong = (remedy: string) => new InvalidArgumentError(name, value, remedy);
  if (typeof value !== 'string' || value === '') throw wrong("give a path such as '/locks/orders'");
  if (!value.startsWith('/')) throw wrong("start it with '/'");
  if (value === '/') throw wrong("the root cannot be a lock; give a path such as '/locks/orders'");
  if (value.endsWith('/')) throw wrong("leave the '/' at the end out");
  const names = value.slice(1).split('/');
  if (names.includes('')) throw wrong("'//' is an empty name; leave one '/' out");
  if (names.includes('.') || names.includes('..'))
    throw wrong("'.' and '..' are not allowed in ZooKeeper; write the path out");
  if (forbidden.test(value))
    throw wrong('it has a control character or one that ZooKeeper refuses; leave that out');
  if (names[0] === 'zookeeper') throw wrong("'/zookeeper' belongs to the server; choose another root");
  return value;
}
