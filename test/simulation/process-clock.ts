/**
 * Time as one process has it: a crystal a little off, a wall clock that may be set, an event loop that may stand still, a machine
 * that may sleep. Timers and inputs that fall due meanwhile come late, in any order that a real event loop could choose.
 */
import type { Clock } from '../../src/clock.js';
import type { Chance } from './chance.js';

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
  handle: unknown;
}

export class ProcessClock implements Clock {
  readonly #world: Clock;
  readonly #chance: Chance;
  readonly #rate: number;
  readonly #timers = new Map<number, Timer>();
  #nextTimer = 0;
  #startMs: number;
  #asleepSinceMs: number | null = null;
  #wallOffsetMs = 0;
  /** Why nothing runs: one for the event loop, one for sleep. */
  #held = 0;
  #wokeMs = Number.NEGATIVE_INFINITY;
  #dead = false;
  readonly #overdueTimers: number[] = [];
  readonly #inputs: (() => void)[] = [];

  /** @param rate seconds of this process per second of the world. */
  constructor(world: Clock, chance: Chance, rate: number) {
    this.#world = world;
    this.#chance = chance;
    this.#rate = rate;
    this.#startMs = world.now();
  }

  now(): number {
    return ((this.#asleepSinceMs ?? this.#world.now()) - this.#startMs) * this.#rate;
  }

  wallNow(): number {
    return this.#world.wallNow() + this.#world.now() * (this.#rate - 1) + this.#wallOffsetMs;
  }

  setTimeout(run: (...args: never[]) => void, delayMs: number): unknown {
    if (this.#dead) return undefined;
    this.#nextTimer += 1;
    const timer: Timer = { dueMs: this.now() + Math.max(0, delayMs), run, handle: undefined };
    this.#timers.set(this.#nextTimer, timer);
    this.#arm(this.#nextTimer, timer);
    return this.#nextTimer;
  }

  clearTimeout(handle: unknown): void {
    this.#world.clearTimeout(this.#timers.get(handle as number)?.handle);
    this.#timers.delete(handle as number);
  }

  /** Whether its code runs now. */
  get awake(): boolean {
    return this.#held === 0 && !this.#dead;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** When its code last went on after it had stood still, on the world's clock. */
  get wokeMs(): number {
    return this.#wokeMs;
  }

  /** Something came in: handled now, or as soon as the event loop turns again. */
  whenAwake(handle: () => void): void {
    if (this.#dead) return;
    if (this.#held > 0) this.#inputs.push(handle);
    else handle();
  }

  /** The event loop stands still until the way back is called. */
  block(): () => void {
    return this.#hold();
  }

  /** The machine sleeps: the monotonic clock stops, the wall clock does not. */
  suspend(): () => void {
    if (this.#asleepSinceMs !== null) return () => undefined;
    this.#asleepSinceMs = this.#world.now();
    for (const timer of this.#timers.values()) this.#world.clearTimeout(timer.handle);
    const goOn = this.#hold();
    return () => {
      if (this.#asleepSinceMs === null) return;
      this.#startMs += this.#world.now() - this.#asleepSinceMs;
      this.#asleepSinceMs = null;
      for (const [number, timer] of this.#timers) {
        if (!this.#overdueTimers.includes(number)) this.#arm(number, timer);
      }
      goOn();
    };
  }

  /** Somebody sets the wall clock. */
  setWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Nothing of it runs any more. */
  kill(): void {
    this.#dead = true;
    for (const timer of this.#timers.values()) this.#world.clearTimeout(timer.handle);
    this.#timers.clear();
    this.#inputs.length = 0;
  }

  #arm(number: number, timer: Timer): void {
    if (this.#asleepSinceMs !== null) return;
    // A hair later, so that no rounding makes a timer early.
    const delayMs = Math.max(0, (timer.dueMs - this.now()) / this.#rate) + 1e-6;
    timer.handle = this.#world.setTimeout(() => {
      if (this.#held > 0) this.#overdueTimers.push(number);
      else this.#fire(number);
    }, delayMs);
  }

  #fire(number: number): void {
    const timer = this.#timers.get(number);
    this.#timers.delete(number);
    timer?.run();
  }

  #hold(): () => void {
    this.#held += 1;
    let holding = true;
    return () => {
      if (!holding || this.#dead) return;
      holding = false;
      this.#held -= 1;
      this.#wokeMs = this.#world.now();
      if (this.#held === 0) this.#catchUp();
    };
  }

  /** Timers keep their order, and so do inputs; how the two mix is chance. */
  #catchUp(): void {
    const timers = this.#overdueTimers.splice(0);
    const inputs = this.#inputs.splice(0);
    while (timers.length + inputs.length > 0) {
      const timerNext = inputs.length === 0 || (timers.length > 0 && this.#chance.happens(0.5));
      const number = timerNext ? timers.shift() : undefined;
      const input = timerNext ? undefined : inputs.shift();
      this.#world.setTimeout(() => {
        if (this.#dead) return;
        if (this.#held > 0) {
          if (number !== undefined) this.#overdueTimers.push(number);
          if (input !== undefined) this.#inputs.push(input);
        } else if (number !== undefined) this.#fire(number);
        else input?.();
      }, 0);
    }
  }
}
