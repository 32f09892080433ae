/** One direction of one connection: first in, first out, each message after a delay of its own. */
import type { Clock } from '../../src/clock.js';

export class Channel {
  readonly #clock: Clock;
  readonly #latencyMs: () => number;
  readonly #underWay: (() => void)[] = [];
  /** Deliveries that fell due while nothing moved. */
  #overdue = 0;
  #stalled = false;

  constructor(clock: Clock, latencyMs: () => number) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
  }

  /** `arrive` runs at the other end. */
  send(arrive: () => void): void {
    this.#underWay.push(arrive);
    this.#clock.setTimeout(() => {
      this.#deliver();
    }, this.#latencyMs());
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  /** Nothing arrives any more, and nobody is told. */
  stall(): void {
    this.#stalled = true;
  }

  /** What was held up arrives, one after the other. */
  flow(): void {
    if (!this.#stalled) return;
    this.#stalled = false;
    for (; this.#overdue > 0; this.#overdue -= 1) {
      this.#clock.setTimeout(() => {
        this.#deliver();
      }, 0);
    }
  }

  /** What is under way is lost. */
  drop(): void {
    this.#underWay.length = 0;
    this.#overdue = 0;
  }

  /** Whichever delivery falls due first brings the oldest message, so that none overtakes another. */
  #deliver(): void {
    if (this.#stalled) this.#overdue += 1;
    else this.#underWay.shift()?.();
  }
}
