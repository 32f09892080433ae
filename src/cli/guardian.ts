/**
 * The guardian: a process of its own that starts the command `holdfast run` was given and sees to it that it never
 * outlives the lock, even when `run` is killed or stopped. It knows nothing of ZooKeeper, only until when the lock is valid.
 *
 * It and the command are in sessions of their own, so that no signal of the terminal reaches them but through `run`, and
 * so that the command may read the terminal (docs/decisions/004-the-command-has-a-session-of-its-own.md).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { systemClock } from '../clock.js';
import type { Ending, FromGuardian, ToGuardian } from './guardian-messages.js';
import { ProcessGroup } from './process-group.js';

/** A deadline is looked at this often at least: timers stand still while the machine sleeps. */
const LOOK_EVERY_MS = 250;

type Start = Extract<ToGuardian, { kind: 'start' }>;

class Guardian {
  #start: Start | undefined;
  #group: ProcessGroup | undefined;
  /** On both clocks: the earlier counts, whatever is done to either. */
  #validUntil = { wallMs: 0, monotonicMs: 0 };
  #noMoreInSight = false;
  #heardMs = 0;
  #ending: Ending | null = null;
  /** When to KILL, on the monotonic clock, once TERM was sent. */
  #killAtMs = Number.POSITIVE_INFINITY;
  #killed = false;
  #timer: unknown;

  hear(message: ToGuardian): void {
    this.#heardMs = systemClock.now();
    switch (message.kind) {
      case 'start':
        this.#begin(message);
        return;
      case 'valid':
        this.#noMoreInSight = message.ending;
        this.#extend(message.untilMs);
        break;
      case 'signal':
        this.#group?.signal(message.signal);
        return;
      case 'lost':
        this.#end('lost');
        break;
    }
    this.#look();
  }

  /** `run` is gone, however it went. */
  orphaned(): void {
    if (this.#group === undefined) process.exit();
    this.#end('orphaned');
    this.#look();
  }

  #begin(start: Start): void {
    this.#start = start;
    this.#extend(start.validUntilMs);
    const [file = '', ...args] = start.command;
    let child: ChildProcess;
    try {
      // A session of its own, and so a group of its own; the group's id is the process's.
      child = spawn(file, args, {
        stdio: ['inherit', 'inherit', 'inherit'],
        detached: true,
        env: environmentWith(start.env),
      });
    } catch (error) {
      this.#refuse(error as NodeJS.ErrnoException);
      return;
    }
    const { pid } = child;
    child.once('error', (error) => {
      if (pid === undefined) this.#refuse(error);
    });
    if (pid === undefined) return;
    this.#group = new ProcessGroup(pid);
    child.once('exit', (exitCode, signal) => void this.#over(exitCode, signal));
    say({ kind: 'started', pid });
    this.#look();
  }

  #refuse({ code = 'EINVAL', message }: NodeJS.ErrnoException): void {
    sayLast({ kind: 'refused', code, message });
  }

  #extend(untilMs: number): void {
    this.#validUntil = {
      wallMs: untilMs,
      monotonicMs: systemClock.now() + Math.max(0, untilMs - systemClock.wallNow()),
    };
  }

  #remainingMs(): number {
    const { wallMs, monotonicMs } = this.#validUntil;
    return Math.min(wallMs - systemClock.wallNow(), monotonicMs - systemClock.now());
  }

  /** TERM, once; the KILL follows. */
  #end(ending: Ending): void {
    if (this.#ending !== null || this.#group === undefined) return;
    this.#ending = ending;
    this.#killAtMs = systemClock.now() + (this.#start?.killAfterMs ?? 0);
    // A lock that is lost has no time left to respect; otherwise its end is the last moment.
    if (ending !== 'lost') this.#killAtMs = Math.min(this.#killAtMs, systemClock.now() + this.#remainingMs());
    this.#group.signal('SIGTERM');
    // A stopped command does not hear a TERM.
    this.#group.signal('SIGCONT');
  }

  /** Does what is due, and comes back for the next. */
  #look(): void {
    systemClock.clearTimeout(this.#timer);
    if (this.#killed || this.#start === undefined || this.#group === undefined) return;
    const nowMs = systemClock.now();
    const remainingMs = this.#remainingMs();
    const silent = nowMs - this.#heardMs > this.#start.silenceMs;
    const warnInMs = remainingMs - this.#start.killAfterMs;
    if ((this.#noMoreInSight || silent) && warnInMs <= 0) this.#end('unconfirmed');
    if (nowMs >= this.#killAtMs || (this.#ending === null && remainingMs <= 0)) {
      this.#ending ??= 'unconfirmed';
      this.#killed = true;
      this.#group.signal('SIGKILL');
      return;
    }
    const due = [LOOK_EVERY_MS, this.#killAtMs - nowMs, ...[warnInMs, remainingMs].filter((ms) => ms > 0)];
    this.#timer = systemClock.setTimeout(
      () => {
        this.#look();
      },
      Math.min(...due),
    );
  }

  /** The command itself has ended: whoever is left of its group goes as well, before the lock does. */
  async #over(exitCode: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const killInMs = Math.max(0, this.#killAtMs - systemClock.now());
    // Meanwhile the lock may end as well: #look goes on looking.
    await this.#group?.end(Math.min(this.#start?.killAfterMs ?? 0, killInMs));
    systemClock.clearTimeout(this.#timer);
    this.#killed = true;
    sayLast({ kind: 'over', exitCode, signal, ending: this.#ending });
  }
}

function say(message: FromGuardian, then: () => void = () => undefined): void {
  // `run` may be gone by now.
  if (process.connected) process.send?.(message, undefined, undefined, then);
}

/** This process's environment, changed; spawn leaves out what is undefined. */
function environmentWith(changes: Start['env']): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  for (const [name, value] of Object.entries(changes)) environment[name] = value ?? undefined;
  return environment;
}

/** With the pipe, the last thing goes that keeps this process. */
function sayLast(message: FromGuardian): void {
  process.off('disconnect', onDisconnect);
  say(message, () => {
    if (process.connected) process.disconnect();
  });
}

const guardian = new Guardian();
const onDisconnect = () => {
  guardian.orphaned();
};
process.on('disconnect', onDisconnect);
process.on('message', (message: ToGuardian) => {
  guardian.hear(message);
});
// It ends when all is over, and not before.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
