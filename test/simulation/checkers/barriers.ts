/** Nobody passes a barrier that was raised all the while, and what was asked for was so at some moment between question and answer. */
import type { Transaction } from '../../../src/embedded/znode-tree.js';
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

/** On top of the session's length, in which a dead connection is noticed and another one made. */
const SLACK_MS = 3_000;

export class BarrierHoldsBack implements Checker {
  readonly guarantee = 'a barrier holds back until it is lowered';
  readonly #world: World;
  /** Since when each is raised, or lowered. */
  readonly #since = new Map<string, { readonly raised: boolean; readonly ms: number }>();
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  committed({ mutations }: Transaction): void {
    for (const { type, path } of mutations) {
      if ((type === 'create' || type === 'delete') && this.#world.paths.includes(path))
        this.#since.set(path, { raised: type === 'create', ms: this.#world.clock.now() });
    }
  }

  /** Of a raising, a lowering or a waiting: it was answered. */
  granted(attempt: Attempt): void {
    const now = this.#since.get(attempt.path) ?? { raised: false, ms: Number.NEGATIVE_INFINITY };
    const wanted = attempt.doing === 'raising';
    if (now.raised !== wanted && now.ms < attempt.askedMs)
      this.#wrong ??= `${attempt.name} is done ${attempt.doing}, though ${attempt.path} has been ${now.raised ? 'raised' : 'lowered'} since ${(now.ms / 1000).toFixed(3)}`;
  }

  step(): string | undefined {
    if (this.#wrong !== undefined) return this.#wrong;
    const now = this.#world.clock.now();
    for (const attempt of this.#world.attempts) {
      if (!attempt.pending || attempt.doing !== 'waiting for the lock') continue;
      const { raised, ms } = this.#since.get(attempt.path) ?? { raised: false, ms: 0 };
      const sinceMs = Math.max(ms, attempt.askedMs, this.#world.quietSinceMs);
      if (!raised && now - sinceMs > 2 * attempt.participant.sessionTimeoutMs + SLACK_MS)
        return `${attempt.name} still waits at ${attempt.path}, which is lowered`;
    }
    return undefined;
  }
}
