/** Whoever is asked for its claim hears so, and whoever loses it by force hears why: `revoked` if it had been asked, else `node-deleted`. */

import { AUDIT_PATH } from '../../../src/claim-break.js';
import type { Transaction } from '../../../src/embedded/znode-tree.js';
import { LockLostError } from '../../../src/errors.js';
import type { Attempt } from '../attempt.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

/** On top of the session's length, in which a dead connection is noticed and another one made. */
const SLACK_MS = 3_000;

export class TakenIsTold implements Checker {
  readonly guarantee = 'a holder hears who asks, and why it lost its claim';
  readonly #world: World;
  /** Their signals, taken once: to ask a lease can end it. */
  readonly #holders = new Map<Attempt, AbortSignal>();
  /** Claims that somebody asked for, and since when. */
  readonly #asked = new Map<string, number>();
  #wrong: string | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  committed({ mutations }: Transaction): void {
    if (!mutations.some(({ type, path }) => type === 'create' && path.startsWith(`${AUDIT_PATH}/revoke-`)))
      return;
    for (const { type, path } of mutations)
      if (type === 'setData' && !this.#asked.has(path)) this.#asked.set(path, this.#world.clock.now());
  }

  granted(attempt: Attempt): void {
    const signal = attempt.lease?.signal;
    if (signal === undefined) return;
    this.#holders.set(attempt, signal);
    const lost = () => {
      this.#lost(attempt, signal);
    };
    if (signal.aborted) lost();
    else signal.addEventListener('abort', lost, { once: true });
  }

  step(): string | undefined {
    if (this.#wrong !== undefined) return this.#wrong;
    const now = this.#world.clock.now();
    for (const [attempt, signal] of this.#holders) {
      const { lease, participant, claimPaths } = attempt;
      if (attempt.over || participant.clock.dead || signal.aborted) {
        this.#holders.delete(attempt);
        continue;
      }
      const since = Math.max(this.#world.quietSinceMs, attempt.grantedMs);
      const limitMs = participant.sessionTimeoutMs + SLACK_MS;
      for (const path of claimPaths) {
        const gone = this.#world.goneSince(path);
        const asked = this.#asked.get(path);
        if (gone !== undefined) {
          if (attempt.doing === 'holding' && now - Math.max(since, gone) > limitMs)
            return `${attempt.name} has not heard that ${path} was taken`;
        } else if (
          asked !== undefined &&
          now - Math.max(since, asked) > limitMs &&
          lease?.revokeRequested === null
        )
          return `${attempt.name} has not heard that somebody asks for ${path}`;
      }
    }
    return undefined;
  }

  #lost(attempt: Attempt, { reason: error }: AbortSignal): void {
    const reason = error instanceof LockLostError ? error.reason : String(error);
    if (reason !== 'revoked' && reason !== 'node-deleted') return;
    const heard = attempt.lease?.revokeRequested != null;
    const [path = ''] = attempt.claimPaths;
    if (this.#world.goneSince(path) === undefined)
      this.#wrong ??= `${attempt.name} heard ${reason}, though ${path} is there`;
    if (heard !== (reason === 'revoked'))
      this.#wrong ??= `${attempt.name} heard ${reason}, though it had ${heard ? '' : 'not '}been asked`;
    if (heard && !this.#asked.has(path))
      this.#wrong ??= `${attempt.name} was asked for ${path}, and nobody did`;
  }
}
