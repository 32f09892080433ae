import { expect, it } from 'vitest';
import { opcode } from '../../src/zookeeper/records.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/a';

/** How often the server is asked for a line from now on. */
function countListings(ensemble: VirtualEnsemble): () => number {
  let count = 0;
  ensemble.zookeeper.faults.loseNextRequest(({ type }) => {
    if (type === opcode.getChildren2) count += 1;
    return false;
  });
  return () => count;
}

it('a line is listed once for all who join it at one moment, and each learns its own place', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const session = ensemble.session();
  await (await ensemble.until(session.lock(PATH).acquire())).release();
  const listings = countListings(ensemble);
  const positions: number[] = [];
  const lock = session.lock(PATH);
  const subscriptions = Array.from({ length: 100 }, () =>
    lock.subscribe((ownership) => {
      if (ownership.status === 'waitingOnPredecessor' && ownership.predecessor === null)
        positions.push(ownership.position);
    }),
  );
  await ensemble.clock.advance(100);
  expect(positions.sort((a, b) => a - b)).toEqual(Array.from({ length: 99 }, (_, index) => index + 1));
  expect(listings()).toBe(1);
  for (const subscription of subscriptions) subscription.unsubscribe();
});

it('who joins a moment later lists for itself: a listing is of no use to a claim that it does not show', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const session = ensemble.session();
  const first = await ensemble.until(session.lock(PATH).acquire());
  const listings = countListings(ensemble);
  const second = session.lock(PATH).acquire();
  await Promise.resolve();
  const third = session.lock(PATH).acquire();
  await ensemble.clock.advance(100);
  expect(listings()).toBe(2);
  for (const lease of [first, await release(second), await release(third)]) expect(lease).toBeDefined();

  async function release(next: typeof second) {
    await first.release();
    const lease = await ensemble.until(next);
    await lease.release();
    return lease;
  }
});

it('who knows how fast a line moves looks at it ahead of its turn, and lists nothing between one holder and the next', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const sessions = [ensemble.session(), ensemble.session(), ensemble.session()];
  const locks = sessions.map((session) => session.lock(PATH));
  const turn = async (lease: { release(): Promise<void> } | undefined) => {
    await ensemble.clock.advance(1_000);
    await ensemble.until(lease?.release() ?? Promise.resolve());
  };
  // Each waits for a second, and so learns the pace.
  for (const lock of locks) {
    const ahead = await ensemble.until(sessions[0]!.lock(PATH).acquire());
    const waiting = lock.acquire();
    await turn(ahead);
    await turn(await ensemble.until(waiting));
  }
  const [first, second, third] = locks.map((lock) => lock.acquire());
  await turn(await ensemble.until(first!));
  const holder = await ensemble.until(second!);
  await ensemble.clock.advance(700);
  const listings = countListings(ensemble);
  await ensemble.until(holder.release());
  expect((await ensemble.until(third!)).isHeld()).toBe(true);
  expect(listings()).toBe(0);
});
