/**
 * The one home of time. Everything that waits or measures takes a {@link Clock}; nothing else in this
 * package may name `setTimeout`, `Date.now` or `performance.now`.
 */

/** A moment, read on both clocks at once: neither alone survives a laptop's sleep and a wall-clock change. */
export interface Instant {
  /** Milliseconds on a clock that never goes back; may stand still while the machine sleeps. */
  readonly monotonicMs: number;
  /** Milliseconds since the epoch, as the machine believes. */
  readonly wallMs: number;
}

/** Time as this package uses it. XState takes the same object as its clock. */
export interface Clock {
  /** Monotonic milliseconds; the origin is arbitrary. */
  now(): number;
  /** Epoch milliseconds. */
  wallNow(): number;
  /** Calls `fn` once, `delayMs` from now. The handle is opaque and goes to {@link Clock.clearTimeout}. */
  setTimeout(fn: (...args: never[]) => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** Reads both clocks of `clock`. */
export function instant(clock: Clock): Instant {
  return { monotonicMs: clock.now(), wallMs: clock.wallNow() };
}

/**
 * Milliseconds since `since`: the larger of what the two clocks say. The monotonic clock stops while the
 * machine sleeps (T38), the wall clock may be set; believing the larger can only make a holder give up early.
 */
export function elapsedMs(clock: Clock, since: Instant): number {
  return Math.max(clock.now() - since.monotonicMs, clock.wallNow() - since.wallMs);
}

/** Longest delay a timer takes without firing at once (32-bit milliseconds); longer ones are clamped to it. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout: (fn, delayMs) => setTimeout(fn, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS)),
  clearTimeout: (handle) => {
    clearTimeout(handle as ReturnType<typeof setTimeout> | undefined);
  },
};
