/** Everybody comes to an end once all is well: no cyclic wait, no lost wake-up. And what there is can be had again. */
import type { World } from '../world.js';
import type { Checker } from './checker.js';

export class EverybodySettles implements Checker {
  readonly guarantee = 'everybody settles';
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  end(): string | undefined {
    const stuck = this.#world.attempts.find(({ pending }) => pending);
    return stuck === undefined ? undefined : `${stuck.name} is still ${stuck.doing} at ${stuck.path}`;
  }
}

export class HadAgain implements Checker {
  readonly guarantee = 'everything can be had again';
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  end(): string | undefined {
    const last = this.#world.attempts.filter((attempt) => attempt.last);
    const refused = last.find(({ path }) =>
      last.every(({ path: other, lease }) => other !== path || lease === null),
    );
    return refused === undefined ? undefined : `${refused.name} did not get ${refused.path}`;
  }
}
