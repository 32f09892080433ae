/**
 * Calls back a little later, with one timer for many: most leases, and most waits, are over before their call is due, and a timer of
 * its own would cost each of them more than the call.
 */
import type { Clock } from './clock.js';

/** Whoever is called; asks itself whether it still cares. */
export interface LateCallee {
  due(): void;
}

/** Of the delay: so much later a call may come, so that those who ask one after the other are called together. */
const LATENESS = 0.25;

/** All calls come in the order they were asked for: `delayMs` later, or up to a quarter more. */
export class LateCalls {
  readonly #clock: Clock;
  readonly #delayMs: number;
  /** By whom, when; in the order of their time. */
  readonly #waiting = new Map<LateCallee, number>();
  #timer: unknown = null;

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** Whoever asks again is called once, that much later than now. */
  add(callee: LateCallee): void {
    this.#waiting.delete(callee);
    this.#waiting.set(callee, this.#clock.now() + this.#delayMs);
    if (this.#timer === null) this.#arm(this.#delayMs);
  }

  /** Takes the call back. Nothing is kept of it, nor a process alive when it was the last. */
  forget(callee: LateCallee): void {
    if (!this.#waiting.delete(callee) || this.#waiting.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null;
      this.#run();
    }, delayMs);
  }

  #run(): void {
    const now = this.#clock.now();
    const due: LateCallee[] = [];
    for (const [callee, dueMs] of this.#waiting) {
      // A timer may fire a fraction of a millisecond early.
      if (dueMs >= now + 1) {
        // Before the calls, which may add more: whoever finds no timer sets one.
        this.#arm(Math.max(this.#delayMs * LATENESS, dueMs - now));
        break;
      }
      this.#waiting.delete(callee);
      due.push(callee);
    }
    for (const callee of due) callee.due();
  }
}
