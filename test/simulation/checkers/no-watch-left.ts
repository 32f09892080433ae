/**
 * No watch is left behind at any server: not on what nobody waits for any more, and none once every attempt is over; but for one of a
 * process on the path of a lock that it uses, which tells it the end of what it knows of the line.
 */
import type { Attempt } from '../attempt.js';
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
    const lockPaths = this.#lockPaths((attempt) => attempt.participant === participant);
    return this.#world.watched
      .filter(({ sessionId }) => sessionId === participant.sessionId)
      .flatMap(({ paths }) => paths.filter((path) => !lockPaths.has(path)))
      .filter(
        (watched) =>
          !mine.some(({ paths }) => paths.some((path) => watched === path || watched.startsWith(`${path}/`))),
      );
  }

  /** The paths of locks, a semaphore's mutex included, for which somebody asked. */
  #lockPaths(by: (attempt: Attempt) => boolean = () => true): Set<string> {
    return new Set(
      this.#world.attempts
        .filter(by)
        .flatMap(({ paths }) => paths.flatMap((path) => [path, `${path}/locks`])),
    );
  }

  end(): string | undefined {
    if (this.#world.attempts.some((attempt) => attempt.pending)) return undefined;
    const lockPaths = this.#lockPaths();
    // One for each connection and path; a second one there, of whatever kind, is left over.
    const known = this.#world.watched.flatMap(({ paths }) => paths.filter((path) => lockPaths.has(path)));
    const left = this.#world.ensemble.watchCount - known.length;
    return left === 0 ? undefined : `${left} watches are left at the servers`;
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
