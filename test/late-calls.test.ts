import { describe, expect, it } from 'vitest';
import { LateCalls } from '../src/late-calls.js';
import { SteppingClock } from './setup/stepping-clock.js';

/** Node counts its timers from when its loop last looked. */
class EarlyClock extends SteppingClock {
  #now = 0;
  #timer: () => void = () => undefined;
  override now(): number {
    return this.#now;
  }
  override setTimeout(timer: () => void): unknown {
    this.#timer = timer;
    return undefined;
  }
  fire(atMs: number): void {
    this.#now = atMs;
    this.#timer();
  }
}

describe('late calls', () => {
  it('come each after its own delay, in order, from one timer', async () => {
    const clock = new SteppingClock();
    const calls = new LateCalls(clock, 5);
    const heard: string[] = [];
    const say = (what: string) => ({ due: () => heard.push(`${what} at ${clock.now()}`) });
    calls.add(say('first'));
    await clock.advance(2);
    calls.add(say('second'));
    calls.add(say('third'));
    expect(clock.pendingCount).toBe(1);
    await clock.advance(10);
    expect(heard).toEqual(['first at 5', 'second at 7', 'third at 7']);
    expect(clock.pendingCount).toBe(0);
  });

  it('come together to those who asked within a quarter of the delay', async () => {
    const clock = new SteppingClock();
    const calls = new LateCalls(clock, 20);
    const heard: string[] = [];
    const say = (what: string) => ({ due: () => heard.push(`${what} at ${clock.now()}`) });
    for (const what of ['first', 'second', 'third', 'fourth']) {
      calls.add(say(what));
      await clock.advance(2);
    }
    await clock.advance(50);
    expect(heard).toEqual(['first at 20', 'second at 25', 'third at 25', 'fourth at 30']);
  });

  it('come at once where a timer fired a little early', () => {
    const clock = new EarlyClock();
    const calls = new LateCalls(clock, 20);
    const heard: number[] = [];
    calls.add({ due: () => heard.push(clock.now()) });
    clock.fire(19.4);
    expect(heard).toEqual([19.4]);
  });

  it('may ask for another one', async () => {
    const clock = new SteppingClock();
    const calls = new LateCalls(clock, 5);
    const heard: number[] = [];
    const last = { due: () => heard.push(clock.now()) };
    calls.add({
      due: () => {
        heard.push(clock.now());
        calls.add(last);
      },
    });
    await clock.advance(20);
    expect(heard).toEqual([5, 10]);
  });

  it('are not made to whoever took them back, and leave no timer when nobody is left', async () => {
    const clock = new SteppingClock();
    const calls = new LateCalls(clock, 5);
    const heard: string[] = [];
    const first = { due: () => heard.push('first') };
    const second = { due: () => heard.push('second') };
    calls.add(first);
    await clock.advance(1);
    calls.add(second);
    calls.forget(first);
    await clock.advance(20);
    expect(heard).toEqual(['second']);
    calls.add(first);
    calls.forget(first);
    expect(clock.pendingCount).toBe(0);
    calls.add(second);
    await clock.advance(20);
    expect(heard).toEqual(['second', 'second']);
  });

  it('come once, and later, to whoever asks again', async () => {
    const clock = new SteppingClock();
    const calls = new LateCalls(clock, 5);
    const heard: number[] = [];
    const callee = { due: () => heard.push(clock.now()) };
    calls.add(callee);
    await clock.advance(3);
    calls.add(callee);
    await clock.advance(20);
    expect(heard).toEqual([8]);
  });
});
