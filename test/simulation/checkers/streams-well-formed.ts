/** Ownership streams are well-formed: what may follow what, one lease for one subscription, one end. */

import type { Ownership } from '../../../src/ownership.js';
import type { Attempt } from '../attempt.js';
import type { Checker } from './checker.js';

type News = Ownership['status'] | 'completed' | 'errored';

const MAY_FOLLOW: Readonly<Record<News | 'nothing', readonly News[]>> = {
  nothing: ['idle', 'errored'],
  idle: ['creatingNode', 'failed', 'released'],
  creatingNode: ['creatingNode', 'waitingOnPredecessor', 'held', 'releasing', 'failed'],
  waitingOnPredecessor: ['waitingOnPredecessor', 'creatingNode', 'held', 'releasing', 'failed'],
  held: ['held', 'releasing', 'expired'],
  releasing: ['released', 'failed'],
  released: ['completed'],
  expired: ['completed'],
  failed: ['errored'],
  completed: [],
  errored: [],
};

interface Stream {
  last: News | 'nothing';
  lease: unknown;
}

export class StreamsWellFormed implements Checker {
  readonly guarantee = 'ownership streams are well-formed';
  readonly #streams = new Map<Attempt, Stream>();
  #wrong: string | undefined;

  heard(attempt: Attempt, news: Ownership<unknown> | 'completed' | 'errored'): void {
    const status = typeof news === 'string' ? news : news.status;
    const stream = this.#streams.get(attempt) ?? { last: 'nothing', lease: null };
    this.#streams.set(attempt, stream);
    if (!MAY_FOLLOW[stream.last].includes(status))
      this.#wrong ??= `${attempt.name} heard ${status} after ${stream.last}`;
    if (typeof news !== 'string' && news.status === 'held') {
      stream.lease ??= news.lease;
      if (attempt.policy === 'standard' && news.connection !== 'confirmed')
        this.#wrong ??= `${attempt.name} heard held (${news.connection}), though a lost connection ends it`;
      if (stream.lease !== news.lease) this.#wrong ??= `${attempt.name} was given a second lease`;
    }
    stream.last = status;
  }

  step(): string | undefined {
    return this.#wrong;
  }

  end(): string | undefined {
    for (const [attempt, { last }] of this.#streams) {
      if (['released', 'expired', 'failed'].includes(last) && !attempt.participant.clock.dead)
        return `${attempt.name} heard ${last}, and no end of the stream`;
    }
    return undefined;
  }
}
