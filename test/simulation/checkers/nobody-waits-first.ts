/** Nobody waits while first in line, or for a line it does not stand in. */
import type { Attempt } from '../attempt.js';
import type { TrueClaim, World } from '../world.js';
import type { Checker } from './checker.js';

export class NobodyWaitsFirst implements Checker {
  readonly guarantee = 'nobody waits while first';
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  end(): string | undefined {
    for (const attempt of this.#world.attempts) {
      if (!attempt.pending || attempt.doing !== 'waiting for the lock') continue;
      const line = this.#world.lineAt(attempt.path);
      const position = line.findIndex((claim) => claim.attempt === attempt);
      if (position === 0) return `${attempt.name} is first at ${attempt.path} and was never told`;
      if (position === -1 && !this.#waitsAmongOwn(attempt, line))
        return `${attempt.name} waits at ${attempt.path} without a claim`;
      const [head] = line;
      if (head?.attempt?.pending === true && head.attempt.lease === null) {
        return `${attempt.name} waits at ${attempt.path} behind ${head.attempt.name}, who is first and holds nothing`;
      }
    }
    return undefined;
  }

  /** Behind somebody of its own process who stands there. */
  #waitsAmongOwn(attempt: Attempt, line: readonly TrueClaim[]): boolean {
    return line.some(
      (claim) =>
        claim.attempt !== undefined &&
        this.#world.shares(claim.attempt, attempt) &&
        this.#world.isWanted(`${attempt.path}/${claim.name}`),
    );
  }
}
