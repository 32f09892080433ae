#!/usr/bin/env node
/** The bin `holdfast`: from argv to a command, from its result or error to an exit code and one sentence. */
import { readFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '../clock.js';
import { LockError, type LockErrorCode } from '../errors.js';
import { breakCommand } from './break.js';
import { type Command, type EndingSignal, EXIT, type Io, type Output, UsageError } from './command.js';
import { dashboard } from './dashboard.js';
import { demo } from './demo.js';
import { helpFor, overview } from './help.js';
import { list } from './list.js';
import { revoke } from './revoke.js';
import { run } from './run.js';
import { server } from './server.js';
import { top } from './top.js';
import { watch } from './watch.js';

const commands: readonly Command[] = [run, watch, list, top, revoke, breakCommand, dashboard, server, demo];

/** The codes of errors that mean more than "failed". */
const EXIT_BY_CODE: Partial<Record<LockErrorCode, number>> = {
  INVALID_ARGUMENT: EXIT.usage,
  SEMAPHORE_SIZE: EXIT.usage,
  CONNECTION_FAILED: EXIT.unavailable,
  LOCK_LOST: EXIT.lost,
  LOCK_TIMEOUT: EXIT.busy,
  CLAIM_DELETED: EXIT.busy,
  CLAIM_GONE: EXIT.gone,
};

/** As the bin is called, without the options that `--` hides: they are the other command's. */
function parse(command: Command, argv: readonly string[]) {
  const end = argv.indexOf('--');
  try {
    const { values, positionals } = parseArgs({
      args: [...(end === -1 ? argv : argv.slice(0, end))],
      options: {
        ...Object.fromEntries(
          Object.entries(command.options).map(([name, { type, short }]) => [
            name,
            short === undefined ? { type } : { type, short },
          ]),
        ),
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
    });
    return { values, positionals, rest: end === -1 ? undefined : argv.slice(end + 1) };
  } catch (error) {
    // The rest of its message is about writing such a value as a positional, which no command takes.
    const what =
      error instanceof Error ? (error.message.split(/\.? To specify |\n/)[0] ?? '') : String(error);
    throw new UsageError(`${what.replace(/\.$/, '')}: see holdfast help ${command.name}`, { cause: error });
  }
}

function commandNamed(name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const known = commands.map((command) => command.name).join(', ');
  throw new UsageError(`${JSON.stringify(name)} is not a command: give one of ${known}`);
}

function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  );
  return String((manifest as { readonly version: unknown }).version);
}

async function main(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...others] = argv;
  if (name === undefined) {
    io.stderr.write(overview(commands, io.stderr));
    return EXIT.usage;
  }
  if (name === '--version' || name === '-v') {
    io.stdout.write(`${version()}\n`);
    return EXIT.ok;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    const [topic] = name === 'help' ? others : [];
    io.stdout.write(
      topic === undefined ? overview(commands, io.stdout) : helpFor(commandNamed(topic), io.stdout),
    );
    return EXIT.ok;
  }
  const command = commandNamed(name);
  const parsed = parse(command, others);
  if (parsed.values['help'] === true) {
    io.stdout.write(helpFor(command, io.stdout));
    return EXIT.ok;
  }
  return command.run(parsed, io);
}

function exitCodeFor(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof LockError) return EXIT_BY_CODE[error.code] ?? EXIT.failed;
  return EXIT.software;
}

/** One sentence for what people can mend; the stack for what only we can. */
function explanation(error: unknown): string {
  if (error instanceof UsageError || error instanceof LockError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** One Ctrl-C can come several times: from the terminal, and passed on by npm and by what `npm start` runs. */
const SAME_WISH_MS = 1_000;

const ending = new AbortController();
let firstAskedMs = 0;
const listeners = new Set<(signal: EndingSignal) => void>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    const nowMs = systemClock.now();
    if (!ending.signal.aborted) firstAskedMs = nowMs;
    // Asked a second time, and no command minds signals itself: do not keep anybody waiting.
    else if (listeners.size === 0 && nowMs - firstAskedMs > SAME_WISH_MS)
      process.exit(128 + constants.signals[signal]);
    ending.abort(signal);
    for (const listener of [...listeners]) listener(signal);
  });
}

function output(stream: NodeJS.WriteStream): Output {
  // Whoever reads it may stop reading: no reason to crash, only to end.
  stream.on('error', () => ending.abort('EPIPE'));
  return {
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns || 80;
    },
    get rows() {
      return stream.rows || 24;
    },
    colour: stream.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
    write: (text) => void stream.write(text),
  };
}

/** In the terminal's own line mode, so that Ctrl-C stays a signal. */
async function ask(question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    return await reader.question(question, { signal: ending.signal });
  } catch (error) {
    if (ending.signal.aborted) return '';
    throw error;
  } finally {
    reader.close();
  }
}

const io: Io = {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  env: process.env,
  signal: ending.signal,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : null,
  onSignal(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

try {
  process.exitCode = await main(process.argv.slice(2), io);
} catch (error) {
  process.exitCode = exitCodeFor(error);
  writeSync(2, `holdfast: ${explanation(error)}\n`);
}
// Not by itself: a handle that somebody forgot must not keep a finished command alive.
process.stdout.write('', () => process.exit());
