/** Fencing tokens only grow: whoever is granted a lock has a larger one than everybody before. */
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

export class TokensGrow implements Checker {
  readonly guarantee = 'fencing tokens only grow';
  readonly #world: World;
  readonly #newest = new Map<string, { readonly token: bigint; readonly name: string }>();
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  granted(attempt: Attempt): void {
    // Lost before it was heard of: it holds nothing.
    if (attempt.shared || !attempt.believes || this.#world.wasRobbed(attempt)) return;
    const token = attempt.lease?.fencingToken;
    if (token === undefined) return;
    const newest = this.#newest.get(attempt.path);
    if (newest !== undefined && newest.token >= token) {
      if (!this.#world.profile.overlapAllowed)
        this.#wrong ??= `${attempt.name} was granted ${attempt.path} with ${token}, after ${newest.name} with ${newest.token}`;
      return;
    }
    this.#newest.set(attempt.path, { token, name: attempt.name });
  }

  step(): string | undefined {
    return this.#wrong;
  }
}
