/** No watch is left behind at any server once every attempt is over, while the sessions go on. */
import type { World } from '../world.js';
import type { Checker } from './checker.js';

export class NoWatchLeft implements Checker {
  readonly guarantee = 'no watch left behind';
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  end(): string | undefined {
    const { watchCount } = this.#world.ensemble;
    const pending = this.#world.attempts.some((attempt) => attempt.pending);
    return watchCount === 0 || pending ? undefined : `${watchCount} watches are left at the servers`;
  }
}

/** No timer is left behind once everything is closed. */
export class NoTimerLeft implements Checker {
  readonly guarantee = 'no timer left behind';
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  closed(): string | undefined {
    const { pendingCount } = this.#world.clock;
    return pendingCount === 0 ? undefined : `${pendingCount} timers are left`;
  }
}
