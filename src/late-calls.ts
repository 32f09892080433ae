/**
 * Calls back a little later, with one timer for many: most leases are over before their call is due, and a timer of
 * its own would cost each of them more than the call.
 */
import type { Clock } from './clock.js';

/** All calls come `delayMs` after they were asked for, in that order. They cannot be taken back: the callee looks whether it still cares. */
export class LateCalls {
  readonly #clock: Clock;
  readonly #delayMs: number;
  #waiting: { readonly dueMs: number; readonly call: () => void }[] = [];

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  add(call: () => void): void {
    if (this.#waiting.push({ dueMs: this.#clock.now() + this.#delayMs, call }) === 1)
      this.#arm(this.#delayMs);
  }

  #arm(delayMs: number): void {
    this.#clock.setTimeout(() => {
      this.#run();
    }, delayMs);
  }

  #run(): void {
    const now = this.#clock.now();
    const first = this.#waiting.findIndex(({ dueMs }) => dueMs > now);
    const due = this.#waiting.splice(0, first === -1 ? this.#waiting.length : first);
    // Before the calls, which may add more: whoever finds the list empty sets the timer.
    const [next] = this.#waiting;
    if (next !== undefined) this.#arm(Math.max(1, next.dueMs - now));
    for (const { call } of due) call();
  }
}
