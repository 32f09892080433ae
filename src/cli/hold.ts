/** The part of `holdfast run` that begins with the grant: the command runs, and the guardian hears until when it may. */
import { constants } from 'node:os';
import { systemClock } from '../clock.js';
import { LockLostError } from '../errors.js';
import { Lease, type SharedLease } from '../lease.js';
import type { SemaphoreLease } from '../recipes/semaphore.js';
import type { Session } from '../session.js';
import { EXIT, type Io } from './command.js';
import type { GuardedCommand, Outcome } from './guarded-command.js';

/** Besides {@link EXIT}: as shells do. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
const SIGNALLED = 128;

/** The longest that a command is given by default to end in order. */
const PATIENCE_MS = 5_000;
/** What a KILL may take on a busy machine. */
const HEAD_START_MS = 250;
/** So often in a session the guardian hears from us; after a third of one without a word we count as stopped. */
const WORDS_PER_SESSION = 20;

/** What is to run, and how. */
export interface HoldPlan {
  readonly path: string;
  readonly command: readonly string[];
  readonly ttlMs: number | undefined;
  readonly killAfterMs: number | undefined;
}

/** What a command is run under: a lock's lease, or a permit. */
export type HeldLease = SharedLease | SemaphoreLease;

/** What it is done with. */
export interface Means {
  readonly io: Io;
  readonly session: Session;
  readonly guarded: GuardedCommand;
}

/** Runs the command under the lease. Resolves with the exit code when its whole group is gone; the lock is still ours to release. */
export async function hold(
  lease: HeldLease,
  plan: HoldPlan,
  { io, session, guarded }: Means,
): Promise<number> {
  const grantedMs = systemClock.wallNow();
  const view = { suspended: false, timeoutMs: 15_000 };
  let tell: () => void = () => undefined;
  const watching = session.state.subscribe((state) => {
    view.suspended = state.kind !== 'connected';
    if (state.kind === 'connected') view.timeoutMs = state.negotiatedTimeoutMs;
    tell();
  });
  const ttlMs = plan.ttlMs ?? Number.POSITIVE_INFINITY;
  const killAfterMs = plan.killAfterMs ?? Math.floor(Math.min(PATIENCE_MS, view.timeoutMs / 3, ttlMs / 3));

  // The claim goes in the moment its time to live is over, with no guard behind it: the KILL has to come a little before.
  const headStartMs = plan.ttlMs === undefined ? 0 : Math.min(HEAD_START_MS, plan.ttlMs / 10);
  const validUntilMs = () => lease.validUntil - headStartMs;

  const lost = () => {
    const { reason } = lease.signal.reason as LockLostError;
    // At the end of its validity the guardian knows by itself, and before us if need be.
    if (reason === 'validity-passed' || reason === 'ttl') guarded.extend(systemClock.wallNow(), true);
    else guarded.lost();
  };
  const stopListening = io.onSignal((signal) => {
    guarded.signal(signal);
  });
  const resized = () => {
    guarded.signal('SIGWINCH');
  };
  process.on('SIGWINCH', resized);
  guarded.start({
    command: plan.command,
    env: {
      // Readers and permits have none; one inherited from a run around this one would be another lock's.
      HOLDFAST_FENCING_TOKEN: lease instanceof Lease ? String(lease.fencingToken) : null,
      HOLDFAST_LOCK_PATH: lease.path,
      HOLDFAST_CLAIM_PATH: 'claimPath' in lease ? lease.claimPath : lease.claimPaths.join(' '),
    },
    validUntilMs: validUntilMs(),
    killAfterMs,
    silenceMs: view.timeoutMs / 3,
  });
  tell = () => {
    // A time to live ends when it ends: once that is near, no later time is in sight.
    const ending = view.suspended || systemClock.wallNow() >= grantedMs + ttlMs - headStartMs - killAfterMs;
    if (lease.isHeld()) guarded.extend(validUntilMs(), ending);
  };
  lease.signal.addEventListener('abort', lost, { once: true });
  if (lease.signal.aborted) lost();
  const telling = setInterval(tell, view.timeoutMs / WORDS_PER_SESSION);
  try {
    return exitCodeOf(await guarded.outcome, lease, plan, io);
  } finally {
    clearInterval(telling);
    lease.signal.removeEventListener('abort', lost);
    process.off('SIGWINCH', resized);
    stopListening();
    watching.unsubscribe();
  }
}

function exitCodeOf(outcome: Outcome, lease: HeldLease, { path, command }: HoldPlan, io: Io): number {
  const name = JSON.stringify(command[0]);
  const say = (sentence: string) => {
    io.stderr.write(`holdfast: ${sentence}\n`);
  };
  switch (outcome.kind) {
    case 'abandoned':
      say(`the guardian of ${name} was killed, so the command was ended: let it live`);
      return EXIT.software;
    case 'refused':
      if (outcome.code === 'ENOENT') {
        say(`${name} was not found: check its name and PATH`);
        return NOT_FOUND;
      }
      say(`${name} cannot be executed (${outcome.message}): check its permissions`);
      return NOT_EXECUTABLE;
    case 'over': {
      if (outcome.ending !== null) {
        const reason: unknown = lease.signal.reason;
        const why = reason instanceof LockLostError ? reason.reason : 'not confirmed in time';
        say(`${path} was lost while ${name} ran (${why}), so the command was ended: run it again`);
        return EXIT.lost;
      }
      if (outcome.signal !== null) return signalled(outcome.signal);
      return outcome.exitCode ?? EXIT.software;
    }
  }
}

/** As shells report a process that a signal ended. */
export function signalled(signal: NodeJS.Signals): number {
  return SIGNALLED + constants.signals[signal];
}
