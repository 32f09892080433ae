/**
 * The line outside gets its turn: whoever waits there is passed by at most so many holders of the claim ahead, because one claim is
 * handed on within its process no more often than that.
 */
import type { Attempt } from '../attempt.js';
import { MOST_HAND_OVERS } from '../participant.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

export class HandedOnNoMore implements Checker {
  readonly guarantee = 'a claim is handed on no more often than it may be';
  readonly #world: World;
  readonly #holders = new Map<string, number>();
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  granted(attempt: Attempt): void {
    const claimPath = attempt.lease?.claimPath ?? '';
    const holders = (this.#holders.get(claimPath) ?? 0) + 1;
    this.#holders.set(claimPath, holders);
    const most = attempt.sharing ? 1 + MOST_HAND_OVERS : 1;
    if (holders <= most) return;
    const waiting = this.#world
      .lineAt(attempt.path)
      .filter((claim) => claim.attempt?.participant !== attempt.participant).length;
    this.#wrong ??= `${attempt.name} is number ${holders} to hold ${claimPath}, while ${waiting} wait outside`;
  }

  step(): string | undefined {
    return this.#wrong;
  }
}
