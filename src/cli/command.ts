/** What a command of `holdfast` is, and what all of them share: reading options, where to connect, exit codes, bad usage. */
import { parseArgs } from 'node:util';
import { checkLockPath } from '../arguments.js';
import { InvalidArgumentError } from '../errors.js';
import { type ConnectOptions, connect, type Session } from '../session.js';
import type { Logger } from '../zookeeper/session-port.js';

/** Exit codes that mean something, from sysexits.h where that has one. `run` adds its command's own. */
export const exitCode = {
  ok: 0,
  failure: 1,
  /** The command line cannot be meant. */
  usage: 64,
  /** No ensemble answered. */
  neverConnected: 69,
  /** Lost while the command ran. */
  lost: 74,
  /** Connected, but not obtained in time. */
  notObtained: 75,
  notExecutable: 126,
  notFound: 127,
  /** Plus the signal's number. */
  signalled: 128,
} as const;

/** Styles of the terminal; each returns the text as it is where there are none. */
export interface Ink {
  strong(text: string): string;
  accent(text: string): string;
  faint(text: string): string;
}

/** The process, as a command sees it. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Whether stdout is a terminal. */
  readonly isTty: boolean;
  columns(): number;
  readonly ink: Ink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts at INT, TERM and HUP, and when nobody reads stdout any more: end soon. */
  readonly signal: AbortSignal;
  /** From now on `handler` gets INT, TERM and HUP instead of {@link Io.signal}. Returns what ends that. */
  takeSignals(handler: (signal: NodeJS.Signals) => void): () => void;
}

/** What was typed. */
export interface ParsedCommand {
  readonly values: OptionValues;
  readonly positionals: readonly string[];
  /** What stood behind the first bare `--`; null when there was none. */
  readonly rest: readonly string[] | null;
}

export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

/** As parseArgs takes them. */
export type OptionSpecs = Readonly<
  Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>
>;

/** `holdfast <name>`. */
export interface Command {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly usage: string;
  /** For people: each option and what it does. */
  readonly help: readonly (readonly [option: string, what: string])[];
  /** A line that can be typed. */
  readonly example: string;
  readonly options: OptionSpecs;
  /** Resolves with the exit code. A {@link UsageError} becomes 64, a LockError one sentence. */
  run(parsed: ParsedCommand, io: Io): Promise<number>;
}

/** What was typed cannot be meant. The message names the value and the remedy, in one sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** For every command that connects. */
export const connectOptions = {
  connect: { type: 'string' },
  'session-timeout': { type: 'string' },
} as const satisfies OptionSpecs;

/** {@link connectOptions} for people. */
export const connectHelp = [
  ['--connect host:port,…', 'the ensemble (default: HOLDFAST_CONNECT, else 127.0.0.1:2181)'],
  ['--session-timeout ms', 'asked of the server; how long a dead process keeps its claims (default 15000)'],
] as const;

/** Reads `args` as `command` takes them; throws {@link UsageError} for what it does not take. */
export function parse(command: Command, args: readonly string[]): ParsedCommand {
  const dashes = args.indexOf('--');
  const own = dashes === -1 ? [...args] : args.slice(0, dashes);
  try {
    const { values, positionals } = parseArgs({
      args: own,
      options: { ...command.options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    return {
      values: values as OptionValues,
      positionals,
      rest: dashes === -1 ? null : args.slice(dashes + 1),
    };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // The first sentence says what is wrong; the others speak of parseArgs.
    const [what = ''] = error.message.split(/\. |\n/);
    throw new UsageError(`${what.replace(/\.$/, '')}; write: ${command.usage}`, { cause: error });
  }
}

/** The option's text, if it was given. */
export function text(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  if (value === '') throw new UsageError(`--${name} is "": give it a value, or leave it out`);
  return typeof value === 'string' ? value : undefined;
}

/** The option as a whole number within bounds, if it was given. */
export function wholeNumber(
  values: OptionValues,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name} is ${JSON.stringify(given)}: give a whole number from ${least} to ${most}`);
}

/** Longest time that timers can wait: 24.8 days. */
const MOST_MS = 2_147_483_647;

/** The option as milliseconds, if it was given. */
export function milliseconds(values: OptionValues, name: string, least = 0): number | undefined {
  return wholeNumber(values, name, least, MOST_MS);
}

/** The one argument of a command, `what` in its words: "the root". */
export function onlyArgument(command: Command, { positionals, rest }: ParsedCommand, what: string): string {
  const [first, second] = [...positionals, ...(rest ?? [])];
  if (first === undefined) throw new UsageError(`${what} is missing; write: ${command.usage}`);
  if (second !== undefined) {
    throw new UsageError(`${JSON.stringify(second)} is one argument too many; write: ${command.usage}`);
  }
  return first;
}

/** The one argument of a command, as a lock path. */
export function lockPathArgument(command: Command, parsed: ParsedCommand): string {
  const path = onlyArgument(command, parsed, 'the lock path');
  return asUsage(() => checkLockPath(path));
}

/** Where `--connect`, else `HOLDFAST_CONNECT`, else the default leads. */
export function connectString({ values }: ParsedCommand, io: Io): string {
  return text(values, 'connect') ?? (io.env['HOLDFAST_CONNECT'] || '127.0.0.1:2181');
}

/** Tells trouble with the connection on stderr; the rest is silent. */
export function stderrLogger(io: Io): Logger {
  const tell = (message: string) => {
    io.err(`holdfast: ${message}\n`);
  };
  return { debug() {}, info() {}, warn: tell, error: tell };
}

/** A session as the options ask for. */
export function openSession(parsed: ParsedCommand, io: Io, options: ConnectOptions = {}): Session {
  const sessionTimeoutMs = milliseconds(parsed.values, 'session-timeout', 1);
  return asUsage(() =>
    connect(connectString(parsed, io), {
      logger: stderrLogger(io),
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      ...options,
    }),
  );
}

/** Runs `make`; an argument that it refuses was typed by somebody: that becomes a {@link UsageError}. */
export function asUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
