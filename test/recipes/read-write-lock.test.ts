import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LockOptions, Ownership, ReadWriteLock } from '../../src/index.js';
import { contenderOf } from '../../src/queue.js';
import { opcode } from '../../src/zookeeper/records.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/report';

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

/** A read/write lock in a session of its own. */
const open = (options: LockOptions = {}): ReadWriteLock => ensemble.session().readWriteLock(PATH, options);
const kinds = () => ensemble.claims(PATH).map((path) => contenderOf(path.slice(PATH.length + 1))?.kind);

/** Stands in line, and says when it holds. */
const standing = async (acquire: () => Promise<{ release: () => Promise<void> }>) => {
  const state = { held: false };
  const lease = acquire().then((held) => {
    state.held = true;
    return held;
  });
  await ensemble.clock.settle();
  return { state, lease };
};
const reader = () => standing(() => open().readLock.acquire());
const writer = () => standing(() => open().writeLock.acquire());

describe('readers and writers', () => {
  it("stand in line under Curator's names", async () => {
    const { readLock, writeLock } = open();
    const reading = await ensemble.until(readLock.acquire());
    expect(reading.claimPath).toMatch(/^\/locks\/report\/_c_[0-9a-f-]{36}-__READ__0000000000$/);
    const writing = writeLock.acquire();
    await ensemble.until(reading.release());
    expect((await ensemble.until(writing)).claimPath).toMatch(/\/_c_[0-9a-f-]{36}-__WRIT__0000000001$/);
  });

  it('read together, write alone, and take turns in the order of asking', async () => {
    const first = await reader();
    const second = await reader();
    expect([first.state.held, second.state.held]).toEqual([true, true]);
    const third = await writer();
    const late = await reader();
    expect([third.state.held, late.state.held]).toEqual([false, false]);
    await ensemble.until((await first.lease).release());
    await ensemble.clock.settle();
    expect(third.state.held).toBe(false);
    await ensemble.until((await second.lease).release());
    const writing = await ensemble.until(third.lease);
    expect(late.state.held).toBe(false);
    await ensemble.until(writing.release());
    await ensemble.until(late.lease);
  });

  it('wake all readers at once when the writer ahead of them leaves', async () => {
    const writing = await writer();
    const readers = [await reader(), await reader(), await reader()];
    await ensemble.until((await writing.lease).release());
    await ensemble.clock.settle();
    expect(readers.map(({ state }) => state.held)).toEqual([true, true, true]);
  });

  it('let a reader go on waiting for the writer that moves up when the one ahead gives up', async () => {
    const holder = await reader();
    const controller = new AbortController();
    const impatient = open().writeLock.acquire({ signal: controller.signal });
    await ensemble.clock.settle();
    const behind = await reader();
    expect(behind.state.held).toBe(false);
    controller.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    await ensemble.until(behind.lease);
    expect(holder.state.held).toBe(true);
  });

  it('count a plain lock on the path as a writer', async () => {
    const plain = await ensemble.held(PATH);
    const reading = await reader();
    expect(reading.state.held).toBe(false);
    await ensemble.until(plain.release());
    const lease = await ensemble.until(reading.lease);
    expect(await ensemble.until(ensemble.lock(PATH).tryAcquire())).toBeNull();
    await ensemble.until(lease.release());
  });

  it('tell a waiting reader whom it waits for', async () => {
    await ensemble.until(open({ owner: 'alice' }).writeLock.acquire());
    const heard: Ownership<never>[] = [];
    const subscription = open().readLock.subscribe({
      next: (ownership) => heard.push(ownership as Ownership<never>),
    });
    await ensemble.clock.settle();
    expect(heard.at(-1)).toMatchObject({
      status: 'waitingOnPredecessor',
      position: 1,
      predecessor: { owner: 'alice' },
    });
    subscription.unsubscribe();
  });

  it('end a writer that outlives its time to live, behind readers as well', async () => {
    const session = ensemble.session();
    await ensemble.until(
      session
        .readWriteLock(PATH)
        .readLock.acquire()
        .then((lease) => lease.release()),
    );
    const client = ensemble.zookeeper.client()({
      connectString: 'embedded',
      sessionTimeoutMs: 20_000,
      maxReplyBytes: 1 << 20,
      auth: [],
      clock: ensemble.clock,
      random: () => 0.5,
    });
    await ensemble.until(client.connect({ deadlineMs: 1_000 }));
    const stuck = new TextEncoder().encode('{"v":1,"ttl_ms":2000}');
    for (const guid of ['a', 'b'])
      await ensemble.until(
        client.create(`${PATH}/_c_${guid}-__READ__`, stuck, { mode: 'ephemeralSequential' }),
      );
    expect((await ensemble.until(open().writeLock.acquire())).isHeld()).toBe(true);
  });

  it('give readers no token, and a writer a larger one than the writer before', async () => {
    const { readLock, writeLock } = open();
    const reading = await ensemble.until(readLock.acquire());
    // @ts-expect-error Readers have no order among each other, so the type has no token either.
    expect(reading.fencingToken).toBeUndefined();
    await ensemble.until(reading.release());
    const first = await ensemble.until(writeLock.acquire());
    await ensemble.until(first.release());
    expect((await ensemble.until(writeLock.acquire())).fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it('survive a cut: a reader among readers is confirmed again', async () => {
    const first = await reader();
    const heard: string[] = [];
    open().readLock.subscribe({
      next: (ownership) => {
        heard.push(ownership.status === 'held' ? ownership.connection : ownership.status);
      },
    });
    await ensemble.clock.settle();
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(2_000);
    expect(heard.slice(-3)).toEqual(['suspended', 'revalidating', 'confirmed']);
    expect(first.state.held).toBe(true);
  });
});

describe('an owner on both sides', () => {
  it('is refused the upgrade, and told why, by the lease and by the lock', async () => {
    const lock = open({ owner: 'me' });
    const lease = await ensemble.until(lock.readLock.acquire());
    await expect(lease.upgrade()).rejects.toMatchObject({
      code: 'UPGRADE_REFUSED',
      message: expect.stringContaining('it would wait for itself') as string,
    });
    await expect(lock.writeLock.acquire()).rejects.toMatchObject({ code: 'UPGRADE_REFUSED', path: PATH });
    expect(kinds()).toEqual(['read']);
    await ensemble.until(lease.release());
    await ensemble.until(lock.writeLock.acquire());
  });

  it('who writes and asks to read is handed the lease that can be downgraded', async () => {
    const lock = open({ owner: 'me' });
    const lease = await ensemble.until(lock.writeLock.acquire());
    await expect(lock.readLock.acquire()).rejects.toMatchObject({ code: 'ALREADY_OWN_LOCK', lease });
  });
});

describe('a downgrade (T48)', () => {
  it('keeps the place: readers behind get in, a queued writer does not', async () => {
    const { writeLock } = open();
    const writing = await ensemble.until(writeLock.acquire());
    const early = await reader();
    const queued = await writer();
    const reading = await ensemble.until(writing.downgrade());
    await ensemble.clock.settle();
    expect(reading.claimPath.slice(-18)).toBe(`__READ__${writing.claimPath.slice(-10)}`);
    expect([writing.isHeld(), reading.isHeld()]).toEqual([false, true]);
    expect([early.state.held, queued.state.held]).toEqual([true, false]);
    await ensemble.until((await early.lease).release());
    await ensemble.clock.settle();
    expect(queued.state.held).toBe(false);
    await ensemble.until(reading.release());
    await ensemble.until(queued.lease);
  });

  it('is told to the write lock as a release, and moves the owner to the read lock', async () => {
    const { readLock, writeLock } = open({ owner: 'me' });
    const statuses: string[] = [];
    const subscription = writeLock.subscribe({ next: ({ status }) => statuses.push(status) });
    await ensemble.clock.settle();
    const found = writeLock.ownedBy('me')?.lease;
    const reading = await ensemble.until(found?.downgrade() ?? Promise.reject(new Error('not held')));
    subscription.unsubscribe();
    await ensemble.clock.settle();
    expect(statuses).toEqual(['idle', 'creatingNode', 'held', 'releasing', 'released']);
    expect([writeLock.owner, readLock.owner]).toEqual([undefined, 'me']);
    expect(reading.isHeld()).toBe(true);
    await ensemble.until(readLock.release({ owner: 'me' }));
    expect(kinds()).toEqual([]);
  });

  it('asked for twice is one', async () => {
    const writing = await ensemble.until(open().writeLock.acquire());
    const both = Promise.all([writing.downgrade(), writing.downgrade()]);
    const [first, second] = await ensemble.until(both);
    expect(second).toBe(first);
    expect(kinds()).toEqual(['read']);
  });

  it('by somebody who no longer holds is LOCK_LOST, and leaves nothing behind', async () => {
    const { writeLock } = open();
    const released = await ensemble.until(writeLock.acquire());
    await ensemble.until(released.release());
    await expect(released.downgrade()).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'released' });
    const broken = await ensemble.until(writeLock.acquire());
    ensemble.zookeeper.deleteNode(broken.claimPath);
    await expect(ensemble.until(broken.downgrade())).rejects.toMatchObject({
      code: 'LOCK_LOST',
      reason: 'node-deleted',
    });
    await ensemble.clock.advance(1_000);
    expect(kinds()).toEqual([]);
    expect(broken.isHeld()).toBe(false);
  });

  it('whose reader has gone already is LOCK_LOST', async () => {
    const writing = await ensemble.until(open().writeLock.acquire());
    const reading = await ensemble.until(writing.downgrade());
    await ensemble.until(reading.release());
    await expect(writing.downgrade()).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'released' });
  });

  it('is refused while other acquisitions of the owner share the lease, which stays', async () => {
    const { writeLock } = open({ owner: 'me', reentrancy: 'count' });
    const first = await ensemble.until(writeLock.acquire());
    const second = await ensemble.until(writeLock.acquire());
    await expect(first.downgrade()).rejects.toMatchObject({ code: 'DOWNGRADE_REFUSED' });
    expect(first.isHeld()).toBe(true);
    await second.release();
    expect((await ensemble.until(first.downgrade())).isHeld()).toBe(true);
  });

  it('that ZooKeeper refuses leaves the write lease as it was', async () => {
    const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
    const session = ensemble.session({ auth: [{ scheme: 'digest', auth: 'me:secret' }] });
    const writing = await ensemble.until(session.readWriteLock(PATH, { acl }).writeLock.acquire());
    const client = ensemble.zookeeper.client()({
      connectString: 'embedded',
      sessionTimeoutMs: 20_000,
      maxReplyBytes: 1 << 20,
      auth: [{ scheme: 'digest', auth: new TextEncoder().encode('me:secret') }],
      clock: ensemble.clock,
      random: () => 0.5,
    });
    await ensemble.until(client.connect({ deadlineMs: 1_000 }));
    await ensemble.until(client.setAcl(PATH, [{ permissions: 27, scheme: 'world', id: 'anyone' }], -1));
    await expect(ensemble.until(writing.downgrade())).rejects.toMatchObject({ code: 'DOWNGRADE_REFUSED' });
    expect(writing.isHeld()).toBe(true);
    expect(kinds()).toEqual(['write']);
  });

  it('whose answer is lost is looked for, and happens once', async () => {
    const writing = await ensemble.until(open().writeLock.acquire());
    const queued = await writer();
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.multi);
    const reading = await ensemble.until(writing.downgrade());
    expect(reading.isHeld()).toBe(true);
    expect(kinds().sort()).toEqual(['read', 'write']);
    expect(queued.state.held).toBe(false);
    await ensemble.until(reading.release());
    await ensemble.until(queued.lease);
  });

  it('that the end of the session overtakes is LOCK_LOST, and the next session stands nowhere', async () => {
    const session = ensemble.session();
    const writing = await ensemble.until(session.readWriteLock(PATH).writeLock.acquire());
    const queued = await writer();
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    const downgrading = writing.downgrade();
    downgrading.catch(() => undefined);
    await ensemble.clock.advance(100);
    const [owner] = ensemble.zookeeper.nodes().filter(({ path }) => path === writing.claimPath);
    ensemble.zookeeper.expireSession(owner?.ephemeralOwner ?? '');
    ensemble.zookeeper.faults.refuseConnections(false);
    await expect(ensemble.until(downgrading)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await ensemble.until(queued.lease);
    await ensemble.clock.advance(5_000);
    expect(kinds()).toEqual(['write']);
  });

  it("keeps the place at the counter's end, where numbers order nothing", async () => {
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    ensemble.zookeeper.faults.setSequence(PATH, 2_147_483_646);
    const writing = await ensemble.until(open().writeLock.acquire());
    const queued = await writer();
    const early = await reader();
    const reading = await ensemble.until(writing.downgrade());
    await ensemble.clock.advance(1_000);
    expect([reading.isHeld(), queued.state.held, early.state.held]).toEqual([true, false, false]);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(2_000);
    expect([reading.isHeld(), queued.state.held]).toEqual([true, false]);
    await ensemble.until(reading.release());
    const next = await ensemble.until(queued.lease);
    await ensemble.until(next.release());
    await ensemble.until(early.lease);
  });
});
