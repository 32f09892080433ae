import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ownership, Session } from '../../src/index.js';
import { Pace, Paces } from '../../src/pace.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

type Waiting = Extract<Ownership, { status: 'waitingOnPredecessor' }>;

/** Stands in line and keeps what it hears of it. */
const waiter = async (session: Session, owner: string) => {
  const heard: Ownership[] = [];
  const subscription = session.lock(PATH, { owner }).subscribe({ next: (news) => heard.push(news) });
  await ensemble.clock.settle();
  return { heard, subscription, last: () => heard.at(-1) as Waiting };
};

describe('a waiter hears', () => {
  it('its position, the length of the queue and whom it waits for, as of the last listing', async () => {
    const session = ensemble.session();
    const first = await waiter(session, 'alice');
    const second = await waiter(session, 'bob');
    const third = await waiter(session, 'carol');
    expect(third.last()).toMatchObject({
      position: 2,
      queueLength: 3,
      predecessor: { owner: 'bob' },
      asOf: ensemble.clock.wallNow(),
    });
    await ensemble.clock.advance(700);
    second.subscription.unsubscribe();
    await ensemble.clock.settle();
    expect(third.last()).toMatchObject({
      position: 1,
      queueLength: 2,
      predecessor: { owner: 'alice' },
      asOf: ensemble.clock.wallNow(),
    });
    first.subscription.unsubscribe();
    third.subscription.unsubscribe();
  });

  it('no estimate before anything was seen to move', async () => {
    await ensemble.held(PATH);
    const { last, subscription } = await waiter(ensemble.session(), 'me');
    expect(last().estimatedWaitMs).toBeNull();
    subscription.unsubscribe();
  });

  it('an estimate from how long its own session held the lock before', async () => {
    const session = ensemble.session();
    const lease = await ensemble.until(session.lock(PATH).acquire());
    await ensemble.clock.advance(3_000);
    await ensemble.until(lease.release());
    await ensemble.held(PATH);
    const first = await waiter(session, 'first');
    const second = await waiter(session, 'second');
    expect([first.last().estimatedWaitMs, second.last().estimatedWaitMs]).toEqual([3_000, 6_000]);
    first.subscription.unsubscribe();
    second.subscription.unsubscribe();
  });

  it('an estimate from the places it gained itself, in the same news that tells of them', async () => {
    const holder = await ensemble.held(PATH);
    const ahead = await waiter(ensemble.session(), 'ahead');
    const { last, subscription } = await waiter(ensemble.session(), 'me');
    await ensemble.clock.advance(2_000);
    ahead.subscription.unsubscribe();
    await ensemble.clock.settle();
    expect(last()).toMatchObject({ position: 1, estimatedWaitMs: 2_000 });
    expect(holder.isHeld()).toBe(true);
    subscription.unsubscribe();
  });

  it('all that for no request', async () => {
    const session = ensemble.session();
    const lease = await ensemble.until(session.lock(PATH).acquire());
    const before = ensemble.zookeeper.server.counters.packetsReceived;
    const { heard, subscription } = await waiter(session, 'me');
    // Create and list; then the watch on the predecessor, whose data says whose it is; then the watch on its own claim.
    expect(ensemble.zookeeper.server.counters.packetsReceived - before).toBe(4);
    expect(heard.at(-1)).toMatchObject({ predecessor: { pid: process.pid } });
    subscription.unsubscribe();
    await ensemble.until(lease.release());
  });
});

describe('the pace of a line', () => {
  it('is the mean time of a place, in which what is older counts for less', () => {
    const pace = new Pace();
    expect(pace.estimateMs(1)).toBeNull();
    pace.note(1, 1_000);
    pace.note(3, 3_000);
    expect(pace.estimateMs(2)).toBe(2_000);
    for (let times = 0; times < 50; times += 1) pace.note(1, 10);
    expect(pace.estimateMs(1)).toBeLessThan(50);
  });

  it('is forgotten when a thousand other paths came since', () => {
    const paces = new Paces();
    const first = paces.at('/first');
    const kept = paces.at('/kept');
    for (let index = 0; index < 999; index += 1) {
      paces.at(`/other/${index}`);
      expect(paces.at('/kept')).toBe(kept);
    }
    expect(paces.at('/first')).not.toBe(first);
  });
});
