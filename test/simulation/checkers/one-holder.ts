/** At most one holder, or only such as share: each by its own belief, on its own clocks, until its validity bound, against every other one. */
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

export class OneHolder implements Checker {
  readonly guarantee: string;
  readonly #world: World;
  readonly #holders = new Set<Attempt>();

  constructor(world: World, guarantee = 'at most one holder') {
    this.#world = world;
    this.guarantee = guarantee;
  }

  granted(attempt: Attempt): void {
    this.#holders.add(attempt);
  }

  step(): string | undefined {
    if (this.#holders.size < 2) return undefined;
    let found: string | undefined;
    const seen: Attempt[] = [];
    for (const attempt of this.#holders) {
      if (attempt.over || attempt.participant.clock.dead) this.#holders.delete(attempt);
      else if (this.#isAlone(attempt)) continue;
      if (!attempt.believes || this.#world.wasRobbed(attempt)) continue;
      for (const other of seen) {
        const path = other.paths.find((each) => attempt.paths.includes(each));
        if (path === undefined) continue;
        if (other.shared && attempt.shared) this.#world.sharing(other, attempt);
        else {
          this.#world.overlapped(other, attempt);
          found = `${other.name} and ${attempt.name} both hold ${path}`;
        }
      }
      seen.push(attempt);
    }
    return this.#world.profile.overlapAllowed ? undefined : found;
  }

  /** Nobody is asked without need: the question alone can end a lease. */
  #isAlone(attempt: Attempt): boolean {
    for (const other of this.#holders)
      if (other !== attempt && other.paths.some((path) => attempt.paths.includes(path))) return false;
    return true;
  }
}
