/** At most one holder, or only such as share: each by its own belief, on its own clocks, until its validity bound, against every other one. */
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

export class OneHolder implements Checker {
  readonly guarantee = 'at most one holder';
  readonly #world: World;
  readonly #holders = new Set<Attempt>();

  constructor(world: World) {
    this.#world = world;
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
      const other = seen.find(({ path, shared }) => path === attempt.path && !(shared && attempt.shared));
      seen.push(attempt);
      if (other === undefined) continue;
      this.#world.overlapped(other, attempt);
      found = `${other.name} and ${attempt.name} both hold ${attempt.path}`;
    }
    return this.#world.profile.overlapAllowed ? undefined : found;
  }

  /** Nobody is asked without need: the question alone can end a lease. */
  #isAlone(attempt: Attempt): boolean {
    for (const other of this.#holders) if (other !== attempt && other.path === attempt.path) return false;
    return true;
  }
}
