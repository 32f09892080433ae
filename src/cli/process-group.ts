/** A command's process group: its children and theirs, as long as they stay in it. */
import { systemClock } from '../clock.js';

/** There is no event for the end of a group whose members are not our children. */
const LOOK_EVERY_MS = 20;
/** Zombies that nobody reaps stay in their group: after a KILL there is nothing more to wait for. */
const REAPED_WITHIN_MS = 1_000;

export class ProcessGroup {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }

  /** Sends a signal to all that are in it; whether there was anybody. */
  signal(signal: NodeJS.Signals | 0): boolean {
    try {
      process.kill(-this.id, signal);
      return true;
    } catch (error) {
      // EPERM: somebody is there, under another user.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }

  /** Resolves when nobody is in it any more; false when somebody still is after `patienceMs`. */
  async gone(patienceMs: number): Promise<boolean> {
    const startedMs = systemClock.now();
    while (this.signal(0)) {
      if (systemClock.now() - startedMs >= patienceMs) return false;
      await new Promise<void>((resolve) => {
        systemClock.setTimeout(resolve, LOOK_EVERY_MS);
      });
    }
    return true;
  }

  /** TERM to whoever is left, KILL after `killAfterMs`. */
  async end(killAfterMs: number): Promise<void> {
    if (!this.signal('SIGTERM') || (await this.gone(killAfterMs))) return;
    this.signal('SIGKILL');
    await this.gone(REAPED_WITHIN_MS);
  }
}
