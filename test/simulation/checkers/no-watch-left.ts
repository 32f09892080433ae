/** No watch is left behind at any server: not on what nobody waits for any more, and none once every attempt is over. */
import type { Participant } from '../participant.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';

/** Longer than any hop, once all is well. */
const LOOK_EVERY_MS = 2_000;

export class NoWatchLeft implements Checker {
  readonly guarantee = 'no watch left behind';
  readonly #world: World;
  readonly #seen = new Map<Participant, readonly string[]>();
  #nextLookMs = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Now and then, and only once what is under way has arrived. */
  step(): string | undefined {
    const now = this.#world.clock.now();
    if (now < this.#nextLookMs) return undefined;
    this.#nextLookMs = now + LOOK_EVERY_MS;
    for (const participant of this.#world.participants) {
      if (participant.clock.dead || participant.closed || !participant.supervisor.connected) continue;
      const left = this.#leftBy(participant);
      const before = this.#seen.get(participant) ?? [];
      this.#seen.set(participant, left);
      const stuck = left.find((path) => before.includes(path));
      if (
        stuck !== undefined &&
        now - this.#world.quietSinceMs > this.#world.sessionTimeoutMs + 2 * LOOK_EVERY_MS
      )
        return `${participant.name} still watches ${stuck}, though it waits for nothing there`;
    }
    return undefined;
  }

  #leftBy(participant: Participant): string[] {
    const mine = this.#world.attempts.filter(
      (attempt) => attempt.participant === participant && attempt.pending,
    );
    return this.#world
      .watchedBy(participant)
      .filter(
        (watched) =>
          !mine.some(({ paths }) => paths.some((path) => watched === path || watched.startsWith(`${path}/`))),
      );
  }

  end(): string | undefined {
    const { watchCount } = this.#world.ensemble;
    const pending = this.#world.attempts.some((attempt) => attempt.pending);
    return watchCount === 0 || pending ? undefined : `${watchCount} watches are left at the servers`;
  }
}

/** No timer is left behind once everything is closed. */
export class NoTimerLeft implements Checker {
  readonly guarantee = 'no timer left behind';
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  closed(): string | undefined {
    const { pendingCount } = this.#world.clock;
    return pendingCount === 0 ? undefined : `${pendingCount} timers are left`;
  }
}
