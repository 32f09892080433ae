/** Every promise settles: by its deadline, if it has one, whatever the connection does; else once all is well again. */
import type { Attempt } from '../attempt.js';
import type { Participant } from '../participant.js';
import type { Checker } from './checker.js';

/** The machine's timer is due first; this one looks right after it. */
const GRACE_MS = 5;

interface Pending {
  readonly what: string;
  readonly participant: Participant;
}

export class PromisesSettle implements Checker {
  readonly guarantee = 'every promise settles by its deadline';
  readonly #pending = new Set<Pending>();
  #wrong: string | undefined;

  /** Keeps an eye on a promise; hands on its outcome. */
  async track<T>(
    attempt: Pick<Attempt, 'participant' | 'name'>,
    doing: string,
    promise: Promise<T>,
    deadlineMs?: number,
  ): Promise<T> {
    const { participant } = attempt;
    const pending: Pending = { what: `${attempt.name}: ${doing}`, participant };
    this.#pending.add(pending);
    const timer =
      deadlineMs === undefined
        ? undefined
        : participant.clock.setTimeout(() => {
            if (this.#pending.has(pending))
              this.#wrong ??= `${pending.what} has not settled within ${deadlineMs} ms`;
          }, deadlineMs + GRACE_MS);
    try {
      return await promise;
    } finally {
      this.#pending.delete(pending);
      participant.clock.clearTimeout(timer);
    }
  }

  /** Whether nobody who lives waits for anything. */
  get allSettled(): boolean {
    for (const { participant } of this.#pending) if (!participant.clock.dead) return false;
    return true;
  }

  step(): string | undefined {
    return this.#wrong;
  }

  end(): string | undefined {
    for (const { what, participant } of this.#pending) {
      if (!participant.clock.dead && !what.endsWith('waiting for the lock')) return `${what} never settled`;
    }
    return undefined;
  }

  closed(): string | undefined {
    for (const { what, participant } of this.#pending) {
      if (!participant.clock.dead) return `${what} never settled, though its session is closed`;
    }
    return undefined;
  }
}
