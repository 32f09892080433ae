/** Whoever's claim is gone hears of it: nobody goes on believing once the network is well again. */
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

/** On top of the session's length, in which a dead connection is noticed and another one made. */
const SLACK_MS = 3_000;

export class LossIsTold implements Checker {
  readonly guarantee = 'a holder whose claim is gone hears of it';
  readonly #world: World;
  readonly #holders = new Set<Attempt>();

  constructor(world: World) {
    this.#world = world;
  }

  granted(attempt: Attempt): void {
    this.#holders.add(attempt);
  }

  step(): string | undefined {
    const now = this.#world.clock.now();
    for (const attempt of this.#holders) {
      if (attempt.over || attempt.participant.clock.dead) {
        this.#holders.delete(attempt);
        continue;
      }
      const goneMs = Math.min(
        ...attempt.claimPaths.map((path) => this.#world.goneSince(path) ?? Number.POSITIVE_INFINITY),
      );
      if (goneMs === Number.POSITIVE_INFINITY) continue;
      const limitMs = attempt.participant.sessionTimeoutMs + SLACK_MS;
      if (now - Math.max(goneMs, this.#world.quietSinceMs) < limitMs || !attempt.believes) continue;
      return `${attempt.name} believes in ${attempt.path}, whose claim has been gone for ${Math.round(now - goneMs)} ms`;
    }
    return undefined;
  }
}
