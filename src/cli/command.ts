/** What a command of `holdfast` is, and what all of them share: what counts as bad usage, how numbers are read. connection.ts has where they connect, and as whom. */
import { InvalidArgumentError } from '../errors.js';

/** Exit codes that mean something (sysexits.h). `run` adds its command's own. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** The command line cannot be meant. */
  usage: 64,
  /** What was named is not there (any more). */
  gone: 66,
  /** No ensemble answered. */
  unavailable: 69,
  /** Something broke that is no fault of the caller's. */
  software: 70,
  /** Lost while it was relied on. */
  lost: 74,
  /** Not obtained in time; trying again later may help. */
  busy: 75,
} as const;

/** One option, as `node:util` parseArgs takes it, and as help shows it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What stands for the value in help: `ms`, `path`. */
  readonly placeholder?: string;
  readonly help: string;
}

/** What was typed. */
export interface ParsedCommand {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
  /** What stood behind the first bare `--`; undefined when there was none. */
  readonly rest: readonly string[] | undefined;
}

/** Somewhere to write. */
export interface Output {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Whether styles may be written. */
  readonly colour: boolean;
  write(text: string): void;
}

export type EndingSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The process, as a command sees it: nothing but main.ts names `process`. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts at the first INT, TERM or HUP (its reason is the signal's name), and when nobody reads stdout any more: end soon. */
  readonly signal: AbortSignal;
  /** Puts a question to whoever sits at the terminal; the answer is empty when they end the command instead. Null: nobody sits there. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Hears every INT, TERM and HUP, the first as well. Returns what stops listening. */
  onSignal(listener: (signal: EndingSignal) => void): () => void;
}

/** `holdfast <name>`. */
export interface Command {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What follows the name, as `<path> [options] -- command…`. */
  readonly usage: string;
  /** A line that can be typed as it stands. */
  readonly example: string;
  /** Besides `--help`; with `CONNECTION_OPTIONS` of connection.ts where it connects. */
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Lines under the example in help. */
  readonly notes?: readonly string[];
  /** Resolves with the exit code. A {@link UsageError} becomes 64, a LockError one sentence. */
  run(parsed: ParsedCommand, io: Io): Promise<number>;
}

/** What was typed cannot be meant. The message names the value and the remedy, in one sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The option's text, if it was given. */
export function text({ values }: ParsedCommand, name: string): string | undefined {
  const value = values[name];
  if (value === '') throw new UsageError(`--${name} is "": give it a value, or leave it out`);
  return typeof value === 'string' ? value : undefined;
}

/** Whether the switch was given. */
export function flag({ values }: ParsedCommand, name: string): boolean {
  return values[name] === true;
}

function wholeNumber(name: string, given: string, least: number, most: number, remedy: string): number {
  const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new UsageError(`--${name} is ${JSON.stringify(given)}: ${remedy}`);
  }
  return value;
}

/** A count of milliseconds, if given. */
export function milliseconds(parsed: ParsedCommand, name: string, least = 0): number | undefined {
  const given = text(parsed, name);
  return given === undefined
    ? undefined
    : wholeNumber(
        name,
        given,
        least,
        Number.MAX_SAFE_INTEGER,
        `give milliseconds, a whole number, ${least} or more`,
      );
}

/** A whole number from `least`, if given. */
export function count(parsed: ParsedCommand, name: string, least = 1): number | undefined {
  const given = text(parsed, name);
  return given === undefined
    ? undefined
    : wholeNumber(name, given, least, Number.MAX_SAFE_INTEGER, `give a whole number, ${least} or more`);
}

/** A TCP port, if given; 0 lets the system choose. */
export function port(parsed: ParsedCommand, name: string): number | undefined {
  const given = text(parsed, name);
  return given === undefined
    ? undefined
    : wholeNumber(name, given, 0, 65_535, 'give a port from 1 to 65535, or 0 for any free one');
}

/** Exactly one positional, `what` it is for, e.g. "a lock path such as /locks/orders". */
export function onePositional({ positionals }: ParsedCommand, what: string): string {
  const [first, second] = positionals;
  if (first === undefined) throw new UsageError(`nothing was named: give ${what}`);
  if (second !== undefined) {
    throw new UsageError(`${JSON.stringify(second)} is one too many: give ${what}, and nothing else`);
  }
  return first;
}

/** Runs `make`; arguments that it refuses were typed by somebody: they become a {@link UsageError}. */
export function asUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
