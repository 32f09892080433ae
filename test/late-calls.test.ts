import { describe, expect, it } from 'vitest';
import { LateCalls } from '../src/late-calls.js';
import { SteppingClock } from './setup/stepping-clock.js';

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

  it('come at once where a timer fired a little early, as it may in Node', () => {
    let nowMs = 0;
    let fire: () => void = () => undefined;
    const calls = new LateCalls(
      {
        now: () => nowMs,
        wallNow: () => nowMs,
        setTimeout: (timer) => {
          fire = timer;
        },
        clearTimeout: () => undefined,
      },
      20,
    );
    const heard: number[] = [];
    calls.add({ due: () => heard.push(nowMs) });
    nowMs = 19.4;
    fire();
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
