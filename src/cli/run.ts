/** `holdfast run`: a command that runs only while a lock is held. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { LockTimeoutError } from '../errors.js';
import { type InspectionHub, inspectLocks } from '../inspect/hub.js';
import type { Session } from '../session.js';
import type { LockOptions } from '../session-options.js';
import {
  asUsage,
  type Command,
  count,
  type EndingSignal,
  EXIT,
  flag,
  milliseconds,
  type ParsedCommand,
  text,
  UsageError,
} from './command.js';
import { CONNECTION_OPTIONS, connectString, openSession } from './connection.js';
import { GuardedCommand } from './guarded-command.js';
import { type HeldLease, type HoldPlan, hold, type Means, signalled } from './hold.js';

/** Without --timeout, an ensemble may stay unreachable for so long. */
const CONNECT_TIMEOUT_MS = 30_000;

export const run: Command = {
  name: 'run',
  summary: 'run a command while holding a lock; end it when the lock is lost',
  usage: '<path> [options] -- <command> [argument…]',
  example: 'holdfast run /locks/backup --timeout 60000 -- ./backup.sh --full',
  options: {
    timeout: { type: 'string', placeholder: 'ms', help: 'give up after that; default: wait for ever' },
    'no-wait': { type: 'boolean', help: 'give up at once when somebody is ahead' },
    ttl: { type: 'string', placeholder: 'ms', help: 'end the command and the lock so long after the grant' },
    'loss-delay': {
      type: 'string',
      placeholder: 'ms',
      help: 'wait so long where the last run was killed or lost its lock; all runs at the path give it',
    },
    owner: { type: 'string', placeholder: 'id', help: 'what others see as the owner' },
    shared: {
      type: 'boolean',
      help: 'hold it as a reader: with other --shared runs, never with one without',
    },
    permits: {
      type: 'string',
      placeholder: 'n',
      help: 'the path is a semaphore of n permits, and the command holds one: up to n run at a time',
    },
    'kill-after': {
      type: 'string',
      placeholder: 'ms',
      help: 'from TERM to KILL when the lock is lost; default: 5000, at most a third of the session or ttl',
    },
    trace: {
      type: 'string',
      placeholder: 'file',
      help: "write what the lock's statechart does, one JSON line a step",
    },
    ...CONNECTION_OPTIONS,
  },
  notes: [
    'The command gets HOLDFAST_LOCK_PATH, HOLDFAST_CLAIM_PATH and, unless --shared or --permits, HOLDFAST_FENCING_TOKEN. What',
    'it leaves running in its process group is ended before the lock is released.',
    "Exit code: the command's own, 128+n for signal n; 75 not obtained in time; 69 never connected; 74 lost while the",
    'command ran; 64 bad usage; 126 not executable; 127 not found.',
  ],
  async run(parsed, io) {
    const plan = planFrom(parsed);
    // Before anything is connected: the guardian has no part in the connection.
    const guarded = new GuardedCommand();
    let session: Session | undefined;
    const trace = openTrace(text(parsed, 'trace'));
    try {
      session = openSession(parsed, io, {
        connectTimeoutMs: Math.max(plan.timeoutMs ?? 0, CONNECT_TIMEOUT_MS),
        ...(trace === undefined ? {} : { inspect: trace.inspect }),
      });
      return await attempt(plan, { io, session, guarded, target: connectString(parsed, io) });
    } finally {
      // Takes the claim along, held or in line: at once if the server hears it.
      await session?.close();
      await guarded.dismiss();
      trace?.close();
    }
  },
};

/** Writes each step as it happens: a trace that breaks off is a trace of what came before. */
function openTrace(
  file: string | undefined,
): { inspect: InspectionHub['inspect']; close: () => void } | undefined {
  if (file === undefined) return undefined;
  let descriptor: number;
  try {
    descriptor = openSync(file, 'w');
  } catch (error) {
    throw new UsageError(
      `--trace is ${JSON.stringify(file)}: ${error instanceof Error ? error.message : String(error)}; name a file that can be written`,
      { cause: error },
    );
  }
  const hub = inspectLocks();
  const writing = hub.records$.subscribe((record) => {
    writeSync(descriptor, `${JSON.stringify(record)}\n`);
  });
  return {
    inspect: hub.inspect,
    close: () => {
      writing.unsubscribe();
      closeSync(descriptor);
    },
  };
}

interface Plan extends HoldPlan {
  readonly timeoutMs: number | undefined;
  readonly noWait: boolean;
  readonly shared: boolean;
  readonly permits: number | undefined;
  readonly lossDelayMs: number | undefined;
  readonly lockOptions: Pick<LockOptions, 'owner' | 'ttlMs' | 'timeoutMs' | 'lossDelayMs'>;
}

function planFrom(parsed: ParsedCommand): Plan {
  const [path, extra] = parsed.positionals;
  if (path === undefined)
    throw new UsageError('no lock path was given: holdfast run /locks/backup -- ./backup.sh');
  if (extra !== undefined) {
    throw new UsageError(
      `${JSON.stringify(extra)} is one too many: put the command behind --, as in run ${path} -- ${extra}`,
    );
  }
  const command = parsed.rest ?? [];
  if (!command[0])
    throw new UsageError(`no command was given: put it behind --, as in run ${path} -- sleep 1`);
  const timeoutMs = milliseconds(parsed, 'timeout', 1);
  const noWait = flag(parsed, 'no-wait');
  if (noWait && timeoutMs !== undefined) {
    throw new UsageError(`--timeout ${timeoutMs} and --no-wait were both given: leave one of them out`);
  }
  const ttlMs = milliseconds(parsed, 'ttl', 1);
  const killAfterMs = milliseconds(parsed, 'kill-after');
  if (ttlMs !== undefined && killAfterMs !== undefined && killAfterMs >= ttlMs) {
    throw new UsageError(
      `--kill-after ${killAfterMs} is not less than --ttl ${ttlMs}: the command would have no time; give less`,
    );
  }
  const shared = flag(parsed, 'shared');
  const permits = count(parsed, 'permits');
  if (permits !== undefined && (shared || ttlMs !== undefined)) {
    throw new UsageError(
      `--permits ${permits} and ${shared ? '--shared' : `--ttl ${ttlMs ?? ''}`} were both given: a permit has neither readers nor a time to live; leave one of them out`,
    );
  }
  const lossDelayMs = milliseconds(parsed, 'loss-delay');
  const other = noWait ? '--no-wait' : shared ? '--shared' : permits === undefined ? null : '--permits';
  if (lossDelayMs !== undefined && other !== null) {
    throw new UsageError(
      `--loss-delay ${lossDelayMs} and ${other} were both given: ${noWait ? 'whoever would not wait would never run after a loss; give --timeout instead' : 'only a lock that one holds alone minds losses; leave one of them out'}`,
    );
  }
  const owner = text(parsed, 'owner');
  const lockOptions = {
    ...(owner === undefined ? {} : { owner }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(lossDelayMs === undefined ? {} : { lossDelayMs }),
  };
  return {
    path,
    command,
    timeoutMs,
    noWait,
    shared,
    permits,
    ttlMs,
    killAfterMs,
    lossDelayMs,
    lockOptions,
  };
}

/** What a plan acquires from. */
interface Acquirable {
  acquire(options: { readonly signal: AbortSignal }): Promise<HeldLease>;
  tryAcquire(options: { readonly signal: AbortSignal }): Promise<HeldLease | null>;
}

function lockOf(session: Session, { path, shared, permits, lockOptions }: Plan): Acquirable {
  if (permits !== undefined) return session.semaphore(path, permits, lockOptions);
  return shared ? session.readWriteLock(path, lockOptions).readLock : session.lock(path, lockOptions);
}

/** Stands in line, and runs the command when it is our turn. */
async function attempt(plan: Plan, means: Means & { readonly target: string }): Promise<number> {
  const { io, session } = means;
  const lock = asUsage(() => lockOf(session, plan));
  const seen = { connected: false };
  const watching = session.state.subscribe((state) => {
    if (state.kind === 'connected') seen.connected = true;
  });
  const interruption = new AbortController();
  const stopListening = io.onSignal((signal) => {
    interruption.abort(signal);
  });
  try {
    const options = { signal: interruption.signal };
    const lease = plan.noWait ? await lock.tryAcquire(options) : await lock.acquire(options);
    stopListening();
    interruption.signal.throwIfAborted();
    if (lease !== null) {
      const code = await hold(lease, plan, means);
      // The end of a session is no release to whoever minds losses.
      if (plan.lossDelayMs !== undefined) await lease[Symbol.asyncDispose]();
      return code;
    }
    io.stderr.write(
      `holdfast: ${plan.path} is held by ${plan.permits === undefined ? 'somebody else' : 'as many as may'}: leave --no-wait out to stand in line\n`,
    );
    return EXIT.busy;
  } catch (error) {
    if (interruption.signal.aborted && error === interruption.signal.reason) {
      return signalled(error as EndingSignal);
    }
    if (error instanceof LockTimeoutError && !seen.connected) {
      io.stderr.write(
        `holdfast: ${means.target} did not answer within ${plan.timeoutMs ?? 0} ms: check --connect, or give a longer --timeout\n`,
      );
      return EXIT.unavailable;
    }
    throw error;
  } finally {
    stopListening();
    watching.unsubscribe();
  }
}
