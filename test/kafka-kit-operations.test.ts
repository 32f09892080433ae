/**
 * The defects of the Go lock that this package re-imagines, each as the sentence that is true here instead: K23 to K30,
 * performance and operations. In virtual time, on the embedded ZooKeeper.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decodeClaim } from '../src/claim-data.js';
import { connect, LockError, ZooKeeperError } from '../src/index.js';
import { VirtualEnsemble } from './setup/virtual-ensemble.js';

const PATH = '/locks/orders';

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

it("K23: a hand-over takes no time but the network's", async () => {
  const first = await ensemble.held(PATH);
  const second = ensemble.lock(PATH).acquire();
  await ensemble.clock.settle();
  const before = ensemble.clock.now();
  void first.release();
  await ensemble.clock.settle();
  expect((await second).isHeld()).toBe(true);
  expect(ensemble.clock.now()).toBe(before);
});

it('K24: an uncontended acquire and release are three requests, and two when they come again and again', async () => {
  const received = () => ensemble.zookeeper.server.counters.packetsReceived;
  const lock = ensemble.lock(PATH);
  const asked: number[] = [];
  for (let cycle = 0; cycle < 5; cycle += 1) {
    const before = received();
    await ensemble.until(lock.acquire().then((lease) => lease.release()));
    asked.push(received() - before);
  }
  // The first makes the path; the second asks to hear of its end.
  expect(asked.slice(1)).toEqual([4, 2, 2, 2]);
});

it('K25: asking for the owner waits for nobody', async () => {
  const lock = ensemble.lock(PATH);
  await ensemble.until(lock.acquire({ owner: 'me' }));
  ensemble.zookeeper.faults.freeze();
  void lock.entries().catch(() => undefined);
  expect(lock.owner).toBe('me');
  ensemble.zookeeper.faults.thaw();
});

it("K26: several hosts, a session of one's own length, and a close that leaves nothing", async () => {
  const session = connect('a:2181,b:2181', {
    client: ensemble.zookeeper.client(),
    clock: ensemble.clock,
    sessionTimeoutMs: 5_000,
  });
  await ensemble.until(session.lock(PATH).acquire());
  expect(ensemble.zookeeper.sessions().map(({ timeoutMs }) => timeoutMs)).toContain(5_000);
  const before = ensemble.zookeeper.sessions().length;
  await ensemble.until(session.close());
  expect(ensemble.zookeeper.sessions()).toHaveLength(before - 1);
});

it('K26: a chroot that is not there is said to be missing', async () => {
  const session = connect('a:2181/app', { client: ensemble.zookeeper.client(), clock: ensemble.clock });
  await expect(ensemble.until(session.lock(PATH).acquire())).rejects.toThrow(
    'the chroot of the connect string does not exist',
  );
  await ensemble.until(session.close());
});

it('K27: permissions are put on the claim and on the parents as they are made', async () => {
  const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
  const auth = [{ scheme: 'digest', auth: 'me:secret' }];
  const lease = await ensemble.until(ensemble.lock('/private/x', { acl }, { auth }).acquire());
  const stranger = await ensemble.outsider();
  await expect(ensemble.until(stranger.getData(lease.claimPath))).rejects.toMatchObject({ code: 'NoAuth' });
  await expect(ensemble.until(ensemble.lock('/private/x').acquire())).rejects.toMatchObject({
    code: 'LOCKING_FAILED',
  });
});

it('K28: watches do not pile up', async () => {
  await ensemble.held(PATH);
  const lock = ensemble.lock(PATH);
  await ensemble.clock.advance(1_000);
  const before = ensemble.zookeeper.watchCount();
  for (let round = 0; round < 20; round += 1) {
    await expect(ensemble.until(lock.acquire({ timeoutMs: 400 }))).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
    });
  }
  await ensemble.clock.advance(1_000);
  expect(ensemble.zookeeper.watchCount()).toBe(before);
});

it('K29: errors have codes, keep their cause, and an owner is set once', async () => {
  const lock = ensemble.lock(PATH, { acl: [{ permissions: 31, scheme: 'no-such-scheme', id: 'me' }] });
  const error: unknown = await ensemble.until(lock.acquire()).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LockError);
  expect((error as LockError).code).toBe('LOCKING_FAILED');
  expect((error as LockError).cause).toBeInstanceOf(ZooKeeperError);
  const other = ensemble.lock(PATH);
  other.setOwner('me');
  expect(() => {
    other.setOwner('you');
  }).toThrow(expect.objectContaining({ code: 'OWNER_ALREADY_SET' }));
  const lease = await ensemble.until(ensemble.lock(PATH).acquire());
  const data = ensemble.zookeeper.nodes().find(({ path }) => path === lease.claimPath)?.data;
  expect(decodeClaim(data ?? new Uint8Array()).owner).toBeUndefined();
});

it('K30: the line can be watched, and empty parents go', async () => {
  const session = ensemble.session();
  const lengths: number[] = [];
  const subscription = session
    .contention(PATH)
    .subscribe({ next: (line) => lengths.push(line.contenders.length) });
  const lease = await ensemble.held(PATH);
  await ensemble.clock.settle();
  await ensemble.until(lease.release());
  await ensemble.clock.settle();
  subscription.unsubscribe();
  expect(lengths).toContain(1);
  expect(lengths.at(-1)).toBe(0);
  ensemble.zookeeper.faults.reapContainers();
  expect(ensemble.claims('/locks')).toEqual([]);
});
