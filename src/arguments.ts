/** Checks what callers give. A value that cannot be meant throws {@link InvalidArgumentError} at the call, with the remedy. */
import { InvalidArgumentError } from './errors.js';

/** A duration, ms: finite, and at least `least`. */
export function checkDuration(name: string, value: unknown, least = 0, path?: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least) {
    throw new InvalidArgumentError(name, value, `give milliseconds, ${least} or more`, path);
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

/** A number between two bounds, inclusive. */
export function checkFraction(name: string, value: unknown, most: number): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= most)) {
    throw new InvalidArgumentError(name, value, `give a number from 0 to ${most}`);
  }
  return value;
}

/** One of a few words. */
export function checkChoice<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new InvalidArgumentError(name, value, `give one of ${choices.join(', ')}`);
  return found;
}

/** An owner: a text that is not empty. */
export function checkOwner(name: string, value: unknown, path?: string): string {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidArgumentError(name, value, 'give a text that is not empty', path);
  }
  return value;
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
      !(typeof auth === 'string' || auth instanceof Uint8Array)
    )
      throw new InvalidArgumentError(`auth[${index}]`, '…', remedy);
    return { scheme, auth: typeof auth === 'string' ? encoder.encode(auth) : auth };
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
