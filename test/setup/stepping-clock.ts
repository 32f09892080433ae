/**
 * A virtual clock that goes from deadline to deadline: every timer runs at its own time, and whatever it set off
 * in microtasks runs before the next one. XState's SimulatedClock jumps to the end first, which hides races.
 */
import type { Clock } from '../../src/clock.js';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/** So many timers in one step mean that something arms itself without letting time pass. */
const RUNAWAY_COUNT = 1_000_000;

export class SteppingClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #timers = new Map<number, Timer>();

  constructor(options: { readonly wallMs?: number } = {}) {
    this.#wallOffsetMs = options.wallMs ?? Date.UTC(2026, 0, 1);
  }

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  setTimeout(fn: (...args: never[]) => void, delayMs: number): unknown {
    this.#order += 1;
    const order = this.#order;
    const dueMs = this.#nowMs + (delayMs > 0 ? delayMs : 0);
    this.#timers.set(order, { dueMs, order, fn });
    return order;
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number);
  }

  /** How many timers wait: 0 when nothing is left behind. */
  get pendingCount(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, on {@link SteppingClock.now}'s scale. */
  get nextDueMs(): number | undefined {
    return this.#next()?.dueMs;
  }

  /** Runs every microtask there is, and what they cause; no time passes. */
  async settle(): Promise<void> {
    // A macrotask runs only when no microtask is left.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }

  /** Runs the next timer and what it sets off, unless it is due after `endMs`; says whether it did. */
  async step(endMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const timer = this.#next();
    if (timer === undefined || timer.dueMs > endMs) return false;
    this.#fire(timer);
    await this.settle();
    return true;
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.settle();
    for (let fired = 0; fired < RUNAWAY_COUNT; fired += 1) {
      if (!(await this.step(endMs))) {
        this.#nowMs = endMs;
        return;
      }
    }
    throw new Error(`${RUNAWAY_COUNT} timers fired within ${ms} ms of virtual time`);
  }

  /**
   * Lets time pass until `promise` is settled, deadline by deadline, and hands on its outcome.
   * @throws when that takes more than `limitMs` of virtual time, or no timer is left that could settle it.
   */
  async until<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    const endMs = this.#nowMs + limitMs;
    const state = { settled: false };
    const mark = (): void => {
      state.settled = true;
    };
    promise.then(mark, mark);
    await this.settle();
    while (!state.settled) {
      const timer = this.#next();
      if (timer === undefined) throw new Error('no timer is left that could settle the promise');
      if (timer.dueMs > endMs) throw new Error(`not settled within ${limitMs} ms of virtual time`);
      this.#fire(timer);
      await this.settle();
    }
    return promise;
  }

  /** Sets the wall clock forward or back; the monotonic clock and the timers do not notice. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** As on a machine whose event loop stood still: time passes, nothing runs; what is overdue runs at the next step. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer.order);
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    timer.fn();
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers.values()) {
      // Timers are kept in the order they were set, so an equal one that comes later stays later.
      if (next === undefined || timer.dueMs < next.dueMs) next = timer;
    }
    return next;
  }
}
