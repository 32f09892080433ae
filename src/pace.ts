/**
 * How fast the line at a path moves, as far as one session has seen for itself: what estimates of a wait rest on. Costs no
 * request.
 */
import type { Clock } from './clock.js';
import { Lease } from './lease.js';
import type { Ownership } from './ownership.js';
import { RecentPaths } from './recent-paths.js';

/** What was seen before weighs so much against what is seen now: the last ten or so decide. */
const FADING = 0.9;

/** One line's pace. */
export class Pace {
  #places = 0;
  #elapsedMs = 0;

  /** So many places became free in that time. */
  note(places: number, elapsedMs: number): void {
    this.#places = this.#places * FADING + places;
    this.#elapsedMs = this.#elapsedMs * FADING + elapsedMs;
  }

  /** Milliseconds from one place to the next; null when none was ever seen to become free. */
  get placeMs(): number | null {
    return this.#places === 0 ? null : this.#elapsedMs / this.#places;
  }

  /** Milliseconds until `places` more are free; null when none was ever seen to become so. */
  estimateMs(places: number): number | null {
    const { placeMs } = this;
    return placeMs === null ? null : Math.round(placeMs * places);
  }
}

/** The paces of a session's lines. */
export class Paces {
  readonly #byPath = new RecentPaths<Pace>();

  at(path: string): Pace {
    const pace = this.#byPath.get(path) ?? new Pace();
    this.#byPath.set(path, pace);
    return pace;
  }
}

/** One acquisition on its way, as its line's pace sees it: the places it gains, and how long it holds alone. */
export class Progress {
  readonly #pace: Pace;
  readonly #clock: Clock;
  #waiting: { readonly places: number; readonly sinceMs: number } | null = null;
  #heldSinceMs: number | null = null;

  constructor(pace: Pace, clock: Clock) {
    this.#pace = pace;
    this.#clock = clock;
  }

  /** See {@link Pace.placeMs}. */
  get placeMs(): number | null {
    return this.#pace.placeMs;
  }

  /** So many are ahead now. Milliseconds until they may have left; null when nothing is known. */
  standAt(places: number): number | null {
    const before = this.#waiting;
    const nowMs = this.#clock.now();
    if (before !== null && places < before.places)
      this.#pace.note(before.places - places, nowMs - before.sinceMs);
    if (places !== before?.places) this.#waiting = { places, sinceMs: nowMs };
    return this.#pace.estimateMs(places);
  }

  /** Hears every change of its ownership. */
  hear(ownership: Ownership<unknown>): void {
    switch (ownership.status) {
      case 'held':
        if (this.#waiting !== null) this.standAt(0);
        this.#waiting = null;
        if (ownership.lease instanceof Lease) this.#heldSinceMs ??= this.#clock.now();
        return;
      case 'releasing':
      case 'expired':
        if (this.#heldSinceMs !== null) this.#pace.note(1, this.#clock.now() - this.#heldSinceMs);
        this.#heldSinceMs = null;
        return;
      case 'creatingNode':
        // A new place in line.
        this.#waiting = null;
        return;
      default:
    }
  }
}
