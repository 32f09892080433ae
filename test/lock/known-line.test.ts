import { expect, it } from 'vitest';
import { KnownLines } from '../../src/known-lines.js';
import { Listing } from '../../src/line-listing.js';
import { latchRule, lockRule, type QueueRule } from '../../src/queue.js';
import { MOST_PATHS } from '../../src/recent-paths.js';
import type { ZooKeeperClient } from '../../src/zookeeper/client.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/a';
const nothing = new Uint8Array(0);
/** What the server is asked from now on; each call begins anew. */
function requestsOf(ensemble: VirtualEnsemble): () => string[] {
  const asked = ensemble.requests();
  return () => asked.splice(0);
}

type Lockable = { acquire(): Promise<{ release(): Promise<void> }> };

const cycle = (ensemble: VirtualEnsemble, lock: Lockable) =>
  ensemble.until(lock.acquire().then((lease) => lease.release()));

/** A lock whose line is known: it was alone there, time and again. */
async function familiar(ensemble: VirtualEnsemble) {
  const lock = ensemble.lock(PATH);
  for (let cycles = 0; cycles < 3; cycles += 1) await cycle(ensemble, lock);
  return { lock, asked: requestsOf(ensemble) };
}

const SHORT = ['create2', 'delete'];
const LISTED = ['create2', 'getChildren2', 'delete'];

it('who comes back to a line that nobody joined since asks for its claim and for the end of it, and nothing else', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const lock = ensemble.lock(PATH);
  await cycle(ensemble, lock);
  const asked = requestsOf(ensemble);
  await cycle(ensemble, lock);
  expect(asked()).toEqual(['create2', 'getChildren2', 'exists', 'delete']);
  for (let cycles = 0; cycles < 3; cycles += 1) {
    await cycle(ensemble, lock);
    expect(asked()).toEqual(SHORT);
  }
});

it('every lock of the session on the path knows it', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const session = ensemble.session();
  for (let cycles = 0; cycles < 3; cycles += 1) await cycle(ensemble, session.lock(PATH));
  const asked = requestsOf(ensemble);
  await cycle(ensemble, session.readWriteLock(PATH).writeLock);
  await cycle(ensemble, session.lock(PATH));
  expect(asked()).toEqual([...SHORT, ...SHORT]);
});

it('whoever came in between is seen, and waited for', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { lock, asked } = await familiar(ensemble);
  const other = await ensemble.held(PATH);
  asked();
  const waiting = lock.acquire();
  await ensemble.clock.advance(1_000);
  expect(asked().slice(0, 2)).toEqual(['create2', 'getChildren2']);
  expect(ensemble.claims(PATH)).toHaveLength(2);
  await ensemble.until(other.release());
  expect((await ensemble.until(waiting)).isHeld()).toBe(true);
});

it('whoever came and went is one look at the line, and then it is known again', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { lock, asked } = await familiar(ensemble);
  await cycle(ensemble, ensemble.lock(PATH));
  asked();
  await cycle(ensemble, lock);
  expect(asked()).toEqual(LISTED);
  await cycle(ensemble, lock);
  await cycle(ensemble, lock);
  expect(asked()).toEqual([...LISTED, ...SHORT]);
});

it('any znode made there is looked at, whatever its name', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { lock, asked } = await familiar(ensemble);
  const outsider = await ensemble.outsider();
  await ensemble.until(outsider.create(`${PATH}/config`, nothing));
  asked();
  await cycle(ensemble, lock);
  expect(asked()).toEqual(LISTED);
  await ensemble.until(outsider.close());
});

it('a line of its own making is not empty: two of one session do not hold at once', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { lock } = await familiar(ensemble);
  const first = await ensemble.until(lock.acquire());
  let second = false;
  const waiting = lock.acquire({ owner: 'second' }).then((lease) => {
    second = true;
    return lease;
  });
  await ensemble.clock.advance(1_000);
  expect(second).toBe(false);
  await ensemble.until(first.release());
  await ensemble.until((await ensemble.until(waiting)).release());
});

it('two who are asked for at once are one behind the other', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { lock } = await familiar(ensemble);
  const order: string[] = [];
  const use = async (owner: string) => {
    const lease = await lock.acquire({ owner });
    order.push(`${owner} holds`);
    await lease.renew();
    order.push(`${owner} leaves`);
    await lease.release();
  };
  await ensemble.until(Promise.all([use('a'), use('b')]));
  expect(order).toEqual(['a holds', 'a leaves', 'b holds', 'b leaves']);
});

it('a path made anew counts anew: the same number there is not the next one', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { lock } = await familiar(ensemble);
  const outsider = await ensemble.outsider();
  ensemble.zookeeper.deleteNode(PATH);
  await ensemble.until(outsider.create(PATH, nothing, { mode: 'container' }));
  // Three cycles were number 0, 1 and 2.
  for (const left of [true, true, false]) {
    const { path } = await ensemble.until(
      outsider.create(`${PATH}/_c_0-lock-`, nothing, { mode: 'ephemeralSequential' }),
    );
    if (left) await ensemble.until(outsider.delete(path, -1));
  }
  const waiting = lock.acquire();
  await ensemble.clock.advance(1_000);
  expect(ensemble.claims(PATH).map((path) => path.slice(-10))).toEqual(['0000000002', '0000000003']);
  let held = false;
  void waiting.then(() => {
    held = true;
  });
  await ensemble.clock.advance(1_000);
  expect(held).toBe(false);
  await ensemble.until(outsider.close());
  await ensemble.until((await ensemble.until(waiting)).release());
});

it('what was known of a line goes with the connection', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { lock, asked } = await familiar(ensemble);
  ensemble.zookeeper.faults.cut();
  await ensemble.clock.advance(5_000);
  asked();
  await cycle(ensemble, lock);
  expect(asked()).toEqual(LISTED);
});

it("what was known of a line goes when the path's data is changed, and comes back", async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { lock, asked } = await familiar(ensemble);
  const outsider = await ensemble.outsider();
  await ensemble.until(outsider.setData(PATH, new TextEncoder().encode('news'), -1));
  asked();
  await cycle(ensemble, lock);
  await cycle(ensemble, lock);
  await cycle(ensemble, lock);
  expect(asked()).toEqual([...LISTED, 'create2', 'getChildren2', 'exists', 'delete', ...SHORT]);
  await ensemble.until(outsider.close());
});

it('nothing is known of a line while the session looks on at it, and again when it stops', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const session = ensemble.session();
  const lock = session.lock(PATH);
  for (let cycles = 0; cycles < 3; cycles += 1) await cycle(ensemble, lock);
  const asked = requestsOf(ensemble);
  const looking = session.contention(PATH).subscribe();
  await ensemble.clock.advance(100);
  const begun = asked();
  // Ours goes before the onlooker's comes: a server before 3.9 would take both away.
  expect(begun.indexOf('removeWatches')).toBeLessThan(begun.indexOf('addWatch'));
  expect(begun).toContain('removeWatches');
  for (let cycles = 0; cycles < 3; cycles += 1) await cycle(ensemble, lock);
  const then = asked();
  expect(then.filter((name) => name === 'exists')).toEqual([]);
  expect(then.filter((name) => name === 'getChildren2')).toHaveLength(3);
  looking.unsubscribe();
  await ensemble.clock.advance(100);
  for (let cycles = 0; cycles < 2; cycles += 1) await cycle(ensemble, lock);
  asked();
  await cycle(ensemble, lock);
  expect(asked()).toEqual(SHORT);
});

it("at the counter's end a number says nothing", async () => {
  await using ensemble = await VirtualEnsemble.start({ faults: { sequenceStart: 2_147_483_644 } });
  const { lock, asked } = await familiar(ensemble);
  for (let cycles = 0; cycles < 3; cycles += 1) {
    asked();
    await cycle(ensemble, lock);
    expect(asked()).toContain('getChildren2');
  }
});

/** Somebody made this claim by hand, with a number that the server has not given out. */
async function handmade(ensemble: VirtualEnsemble, number: string): Promise<ZooKeeperClient> {
  const outsider = await ensemble.outsider();
  await ensemble.until(outsider.create(`${PATH}/_c_0-lock-${number}`, nothing, { mode: 'ephemeral' }));
  return outsider;
}

it('whoever stands behind with a number made by hand is first when the numbers come there', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const lock = ensemble.lock(PATH);
  await cycle(ensemble, lock);
  const outsider = await handmade(ensemble, '0000000005');
  const asked = requestsOf(ensemble);
  // Numbers 2, 3 and 4; its creation was counted.
  for (let cycles = 0; cycles < 3; cycles += 1) await cycle(ensemble, lock);
  expect(asked()).toEqual([...LISTED, 'create2', 'getChildren2', 'exists', 'delete', ...SHORT]);
  let held = false;
  const waiting = lock.acquire().then((lease) => {
    held = true;
    return lease;
  });
  await ensemble.clock.advance(1_000);
  expect(held).toBe(false);
  await ensemble.until(outsider.close());
  await ensemble.until((await ensemble.until(waiting)).release());
});

it('who was first before a long line is first again, and does not list it a third time', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const lock = ensemble.lock(PATH);
  await cycle(ensemble, lock);
  const outsider = await handmade(ensemble, '0000700000');
  for (let cycles = 0; cycles < 2; cycles += 1) await cycle(ensemble, lock);
  const asked = requestsOf(ensemble);
  await cycle(ensemble, lock);
  expect(asked()).toEqual(SHORT);
  await ensemble.until(outsider.close());
});

/** What is known after two claims, alone and one after the other, as `rule` reads the line. */
async function knownAfterTwo(ensemble: VirtualEnsemble, paths: readonly string[], rule: QueueRule) {
  const client = await ensemble.outsider();
  const known = new KnownLines(client);
  await ensemble.until(Promise.all(paths.map((path) => client.create(path, nothing))));
  for (const path of paths) {
    const { stat } = await ensemble.until(client.getChildren(path));
    for (const number of [0, 1]) {
      const name = `_c_0-${rule.label}000000000${number}`;
      known.noteListed(path, rule, name, { kind: 'holds', queueLength: 1 }, new Listing([name], stat.czxid));
      known.noteGone(path, name);
    }
  }
  await ensemble.clock.advance(100);
  return { client, known };
}

it('a line is known as it was read: who reads other names looks himself', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const { client, known } = await knownAfterTwo(ensemble, ['/a'], latchRule);
  expect(known.expectAt('/a', latchRule)).not.toBeNull();
  expect(known.expectAt('/a', lockRule)).toBeNull();
  await ensemble.until(client.close());
});

it('so many lines are known and watched, those used last, and no more', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const paths = Array.from({ length: MOST_PATHS + 5 }, (_, index) => `/p${index}`);
  const { client, known } = await knownAfterTwo(ensemble, paths, lockRule);
  expect(known.expectAt('/p4', lockRule)).toBeNull();
  expect(known.expectAt('/p5', lockRule)).not.toBeNull();
  expect(ensemble.zookeeper.watchCount()).toBe(MOST_PATHS);
  await ensemble.until(client.close());
});
