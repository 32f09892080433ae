import { describe, expect, it } from 'vitest';
import { LateCalls } from '../src/late-calls.js';
import { SteppingClock } from './setup/stepping-clock.js';

describe('late calls', () => {
  it('come each after its own delay, in order, from one timer', async () => {
    const clock = new SteppingClock();
    const calls = new LateCalls(clock, 5);
    const heard: string[] = [];
    const say = (what: string) => () => heard.push(`${what} at ${clock.now()}`);
    calls.add(say('first'));
    await clock.advance(2);
    calls.add(say('second'));
    calls.add(say('third'));
    expect(clock.pendingCount).toBe(1);
    await clock.advance(10);
    expect(heard).toEqual(['first at 5', 'second at 7', 'third at 7']);
    expect(clock.pendingCount).toBe(0);
  });

  it('may ask for another one', async () => {
    const clock = new SteppingClock();
    const calls = new LateCalls(clock, 5);
    const heard: number[] = [];
    calls.add(() => {
      heard.push(clock.now());
      calls.add(() => heard.push(clock.now()));
    });
    await clock.advance(20);
    expect(heard).toEqual([5, 10]);
  });
});
