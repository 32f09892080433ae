import { expect, test } from 'vitest';
import { SteppingClock } from '../setup/stepping-clock.js';

test('timers run in the order of their deadlines, each at its own time, microtasks in between', async () => {
  const clock = new SteppingClock();
  const log: string[] = [];
  const note = (what: string) => () => {
    log.push(`${what} at ${clock.now()}`);
    void Promise.resolve()
      .then(() => undefined)
      .then(() => log.push(`after ${what}`));
  };
  clock.setTimeout(note('late'), 20);
  clock.setTimeout(note('early'), 10);
  clock.setTimeout(note('early too'), 10);
  await clock.advance(30);
  expect(log).toEqual([
    'early at 10',
    'after early',
    'early too at 10',
    'after early too',
    'late at 20',
    'after late',
  ]);
  expect(clock.now()).toBe(30);
  expect(clock.pendingCount).toBe(0);
});

test('a timer set by a timer runs in the same step when it is due in it', async () => {
  const clock = new SteppingClock();
  const times: number[] = [];
  const again = (): void => {
    times.push(clock.now());
    clock.setTimeout(again, 4);
  };
  again();
  await clock.advance(10);
  expect(times).toEqual([0, 4, 8]);
  expect(clock.nextDueMs).toBe(12);
});

test('a cleared timer does not run', async () => {
  const clock = new SteppingClock();
  const handle = clock.setTimeout(() => {
    throw new Error('ran');
  }, 5);
  clock.clearTimeout(handle);
  await clock.advance(10);
  expect(clock.now()).toBe(10);
});

test('the wall clock jumps alone', async () => {
  const clock = new SteppingClock({ wallMs: 1_000_000 });
  clock.jumpWall(-1_000);
  await clock.advance(5);
  expect([clock.now(), clock.wallNow()]).toEqual([5, 999_005]);
});

test('after a stall what is overdue runs late, at the time that it is by then', async () => {
  const clock = new SteppingClock();
  const times: number[] = [];
  clock.setTimeout(() => times.push(clock.now()), 10);
  clock.stall(100);
  expect(times).toEqual([]);
  await clock.advance(0);
  expect(times).toEqual([100]);
});

test('until() goes only as far as the promise needs, and says when nothing can settle it', async () => {
  const clock = new SteppingClock();
  const settled = new Promise<string>((resolve) => {
    clock.setTimeout(() => {
      resolve('done');
    }, 50);
  });
  clock.setTimeout(() => undefined, 500);
  expect(await clock.until(settled)).toBe('done');
  expect(clock.now()).toBe(50);
  await expect(clock.until(new Promise(() => undefined), 100)).rejects.toThrow('not settled within 100 ms');
  await clock.advance(1_000);
  await expect(clock.until(new Promise(() => undefined))).rejects.toThrow('no timer is left');
});
