/**
 * A claim outlives the belief in it: whenever one goes at the leader, for whatever reason of the protocol, its holder has stopped
 * believing on its own clocks. Stricter than "at most one holder": nobody else need be waiting.
 */
import type { Transaction } from '../../../src/embedded/znode-tree.js';
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

export class ClaimOutlivesBelief implements Checker {
  readonly guarantee = 'a claim outlives the belief in it';
  readonly #world: World;
  readonly #holders = new Set<Attempt>();
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  committed({ mutations }: Transaction): void {
    if (this.#world.profile.overlapAllowed) return;
    for (const { type, path } of mutations) {
      if (type !== 'delete') continue;
      const attempt = this.#world.attemptAt(path);
      const lease = attempt?.lease;
      if (attempt === undefined || lease == null || !attempt.claimPaths.includes(path)) continue;
      if (this.#world.wasRobbed(attempt)) continue;
      const { clock } = attempt.participant;
      const leftMs = lease.validUntil - clock.wallNow();
      if (leftMs > 0 && attempt.believes)
        this.#wrong ??= `${attempt.name} would have believed in ${path} for ${Math.round(leftMs)} ms more`;
    }
  }

  granted(attempt: Attempt): void {
    this.#holders.add(attempt);
  }

  step(): string | undefined {
    if (this.#wrong !== undefined || this.#world.profile.overlapAllowed) return this.#wrong;
    for (const attempt of this.#holders) {
      const { lease, over, participant } = attempt;
      if (over || lease === null || participant.clock.dead) {
        this.#holders.delete(attempt);
        continue;
      }
      const gone = attempt.claimPaths.find((path) => this.#world.goneSince(path) !== undefined);
      if (gone === undefined || this.#world.wasRobbed(attempt)) continue;
      if (lease.validUntil > participant.clock.wallNow() && attempt.believes)
        return `${attempt.name} believes in ${gone}, which is gone`;
    }
    return undefined;
  }
}
