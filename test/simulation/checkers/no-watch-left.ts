/**
 * No watch is left behind at any server: not on what nobody waits for any more, and none once every attempt is over; but for one of a
 * process on the path of a lock that it uses, which tells it the end of what it knows of the line.
 */
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
    return this.#watchesOf(participant).others.filter(
      (watched) =>
        !mine.some(({ paths }) => paths.some((path) => watched === path || watched.startsWith(`${path}/`))),
    );
  }

  /** What a process watches: once each, the paths of its locks, a semaphore's mutex included; and everything else. */
  #watchesOf(participant: Participant): { known: Set<string>; others: string[] } {
    const paths = new Set(
      this.#world.attempts
        .filter((attempt) => attempt.participant === participant)
        .flatMap((attempt) => attempt.paths.flatMap((path) => [path, `${path}/locks`])),
    );
    const known = new Set<string>();
    const others: string[] = [];
    for (const watched of this.#world.watchedBy(participant)) {
      if (paths.has(watched) && !known.has(watched)) known.add(watched);
      else others.push(watched);
    }
    return { known, others };
  }

  end(): string | undefined {
    if (this.#world.attempts.some((attempt) => attempt.pending)) return undefined;
    const known = this.#world.participants.reduce(
      (sum, participant) => sum + this.#watchesOf(participant).known.size,
      0,
    );
    const left = this.#world.ensemble.watchCount - known;
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
