/**
 * The thirty defects of the Go lock that this package re-imagines, each as the sentence that is true here instead. In virtual
 * time, on the embedded ZooKeeper.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeClaim } from '../src/claim-data.js';
import { systemClock } from '../src/clock.js';
import { connect, LockError, type Ownership, ZooKeeperError } from '../src/index.js';
import { lineOf, verdictOf } from '../src/queue.js';
import { opcode } from '../src/zookeeper/records.js';
import { VirtualEnsemble } from './setup/virtual-ensemble.js';

const PATH = '/locks/orders';
const bytes = (text: string) => new TextEncoder().encode(text);

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const outsider = () => ensemble.outsider();

describe('safety', () => {
  it('K01: the time to live counts from the grant, not from the queueing', async () => {
    const first = await ensemble.held(PATH);
    const second = ensemble.lock(PATH, { ttlMs: 3_000 }).acquire();
    const third = ensemble.lock(PATH, { ttlMs: 3_000 }).acquire();
    await ensemble.clock.advance(8_000);
    await ensemble.until(first.release());
    const lease = await ensemble.until(second);
    await ensemble.clock.advance(2_900);
    expect(lease.isHeld()).toBe(true);
    expect((await ensemble.until(third)).isHeld()).toBe(true);
    expect(lease.isHeld()).toBe(false);
  });

  it('K02: a live waiter past its own time to live keeps its place; only a holder is purged', async () => {
    const first = await ensemble.held(PATH);
    const order: string[] = [];
    const second = ensemble
      .lock(PATH, { ttlMs: 1_000 })
      .acquire()
      .then((lease) => {
        order.push('second');
        return lease;
      });
    await ensemble.clock.advance(5_000);
    const third = ensemble
      .lock(PATH, { ttlMs: 1_000 })
      .acquire()
      .then((lease) => {
        order.push('third');
        return lease;
      });
    await ensemble.clock.advance(5_000);
    expect(ensemble.claims(PATH)).toHaveLength(3);
    await ensemble.until(first.release());
    await ensemble.until((await ensemble.until(second)).release());
    await ensemble.until(third);
    expect(order).toEqual(['second', 'third']);
  });

  it('K03: a holder that is purged, expired or deleted is told', async () => {
    const heard: Ownership[] = [];
    ensemble.lock(PATH).subscribe({ next: (ownership) => heard.push(ownership), error: () => undefined });
    await ensemble.clock.advance(100);
    const [claimPath = ''] = ensemble.claims(PATH);
    ensemble.zookeeper.deleteNode(claimPath);
    await ensemble.clock.settle();
    expect(heard.at(-1)).toMatchObject({ status: 'expired', reason: 'node-deleted' });
    ensemble
      .lock('/locks/other')
      .subscribe({ next: (ownership) => heard.push(ownership), error: () => undefined });
    await ensemble.clock.settle();
    for (const { id } of ensemble.zookeeper.sessions()) ensemble.zookeeper.expireSession(id);
    await ensemble.clock.advance(1_000);
    expect(heard.at(-1)).toMatchObject({ status: 'expired', reason: 'session-expired' });
  });

  it('K04: an empty listing is never "we have the lock"', () => {
    expect(verdictOf(lineOf([]), '_c_g-lock-0000000000')).toEqual({ kind: 'missing' });
  });

  it("K05: past the counter's end the line keeps its order, and one holds", async () => {
    const lock = ensemble.lock(PATH);
    await ensemble.until(ensemble.until(lock.acquire()).then((lease) => lease.release()));
    ensemble.zookeeper.faults.setSequence(PATH, 2_147_483_645);
    const order: number[] = [];
    const leases = Array.from({ length: 6 }, async (_, index) => {
      const lease = await ensemble.lock(PATH).acquire();
      order.push(index);
      expect(ensemble.zookeeper.nodes().some(({ path }) => path === lease.claimPath)).toBe(true);
      await lease.release();
    });
    await ensemble.until(Promise.all(leases));
    expect(order).toHaveLength(6);
  });

  it('K06: nobody releases a lock without saying who he is', async () => {
    const lock = ensemble.lock(PATH, { ownerKey: 'user' });
    const lease = await ensemble.until(lock.acquire({ context: { user: 'alice' } }));
    await expect(lock.release({})).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
    await expect(lock.release({ context: {} })).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
    expect(lease.isHeld()).toBe(true);
  });

  it('K07: a late release of a lost lease does not touch the next holder on the same object', async () => {
    const lock = ensemble.lock(PATH);
    const lost = await ensemble.until(lock.acquire());
    ensemble.zookeeper.deleteNode(lost.claimPath);
    const next = await ensemble.until(lock.acquire());
    await ensemble.until(lost.release());
    expect(next.isHeld()).toBe(true);
    expect(ensemble.claims(PATH)).toEqual([next.claimPath]);
  });

  it('K08: purging somebody else changes nothing about what this object holds', async () => {
    const lock = ensemble.lock(PATH);
    const mine = await ensemble.until(lock.acquire({ owner: 'me' }));
    const stuck = (await outsider()).create(`/locks/stuck`, bytes(''));
    await ensemble.until(stuck);
    expect(lock.owner).toBe('me');
    expect(mine.isHeld()).toBe(true);
    await ensemble.until(lock.release({ owner: 'me' }));
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('K09: releasing what is gone already succeeds, and the owner may acquire again', async () => {
    const lock = ensemble.lock(PATH);
    const lease = await ensemble.until(lock.acquire({ owner: 'me' }));
    ensemble.zookeeper.deleteNode(lease.claimPath);
    await ensemble.until(lease.release());
    expect(lock.owner).toBeUndefined();
    expect((await ensemble.until(lock.acquire({ owner: 'me' }))).isHeld()).toBe(true);
  });

  it('K10: a contender whose clock is an hour off purges nobody', async () => {
    const holder = await ensemble.held(PATH, { ttlMs: 8_000 });
    const waiting = ensemble.lock(PATH, { ttlMs: 8_000 }, { wallSkewMs: 3_600_000 }).acquire();
    await ensemble.clock.advance(7_900);
    expect(holder.isHeld()).toBe(true);
    await ensemble.until(waiting);
    expect(holder.isHeld()).toBe(false);
  });

  it('K11: a claim without a time to live says a deadline that nobody reaches', async () => {
    const { claimPath } = await ensemble.held(PATH);
    const node = ensemble.zookeeper.nodes().find(({ path }) => path === claimPath);
    expect(new TextDecoder().decode(node?.data)).toContain('"ttl_deadline":"9999-12-31T23:59:59Z"');
  });

  it('K12: a claim of a dying session is never taken for our own', async () => {
    const lock = ensemble.lock(PATH);
    await ensemble.until(lock.acquire().then((lease) => lease.release()));
    ensemble.zookeeper.faults.delayEphemeralDeletion(5_000);
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.create2);
    ensemble.zookeeper.faults.refuseConnections(true);
    const acquiring = lock.acquire();
    await ensemble.clock.settle();
    const [first] = ensemble.zookeeper.sessions();
    expect(ensemble.claims(PATH)).toHaveLength(1);
    ensemble.zookeeper.expireSession(first?.id ?? '');
    ensemble.zookeeper.faults.refuseConnections(false);
    const lease = await ensemble.until(acquiring);
    const claim = ensemble.zookeeper.nodes().find(({ path }) => path === lease.claimPath);
    expect(claim?.ephemeralOwner).not.toBe(first?.id);
  });
});

describe('liveness', () => {
  it("K13: a session over a client of one's own keeps time to live and owner key", async () => {
    const lock = ensemble.lock(PATH, { ttlMs: 2_000, ownerKey: 'user' });
    const lease = await ensemble.until(lock.acquire({ context: { user: 'alice' } }));
    expect(lease.owner).toBe('alice');
    await ensemble.clock.advance(2_000);
    expect(lease.isHeld()).toBe(false);
  });

  it('K14: a waiter that already stands in line ends a holder that outlives its time', async () => {
    const client = await outsider();
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    await ensemble.until(
      client.create(`${PATH}/_c_x-lock-`, bytes('{"v":1,"ttl_ms":4000}'), { mode: 'ephemeralSequential' }),
    );
    const lease = await ensemble.until(ensemble.lock(PATH).acquire());
    expect(lease.isHeld()).toBe(true);
  });

  it('K15: what a timed-out acquire made is deleted, also when the connection was down at that moment', async () => {
    const holder = await ensemble.held(PATH);
    const waiting = ensemble.lock(PATH).acquire({ timeoutMs: 1_000 });
    await ensemble.clock.settle();
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await expect(ensemble.until(waiting)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(ensemble.claims(PATH)).toHaveLength(2);
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.clock.advance(5_000);
    expect(ensemble.claims(PATH)).toEqual([holder.claimPath]);
  });

  it('K16: the deadline and the signal settle on time while nobody answers, and an aborted signal asks for nothing', async () => {
    const lock = ensemble.lock(PATH);
    await ensemble.until(lock.acquire().then((lease) => lease.release()));
    ensemble.zookeeper.faults.freeze();
    const started = ensemble.clock.now();
    const controller = new AbortController();
    const aborted = lock.acquire({ signal: controller.signal });
    const timed = lock.acquire({ timeoutMs: 1_000 });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(ensemble.until(timed)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(ensemble.clock.now() - started).toBe(1_000);
    await expect(lock.acquire({ signal: controller.signal })).rejects.toThrow('enough');
    ensemble.zookeeper.faults.thaw();
    await ensemble.clock.advance(20_000);
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('K17: a healthy waiter survives any number of wake-ups', async () => {
    const leases = [];
    const waiting = [];
    for (let index = 0; index < 12; index += 1)
      waiting.push(ensemble.lock(PATH).acquire({ timeoutMs: 60_000 }));
    for (const each of waiting) {
      const lease = await ensemble.until(each);
      leases.push(lease);
      await ensemble.until(lease.release());
    }
    expect(leases).toHaveLength(12);
  });

  it('K18: a waiter whose claim was deleted is told just that', async () => {
    await ensemble.held(PATH);
    const waiting = ensemble.lock(PATH).acquire();
    await ensemble.clock.settle();
    const [, second = ''] = ensemble.claims(PATH).sort((a, b) => a.slice(-10).localeCompare(b.slice(-10)));
    ensemble.zookeeper.deleteNode(second);
    await expect(ensemble.until(waiting)).rejects.toMatchObject({ code: 'CLAIM_DELETED' });
  });

  it('K19: a claim whose data nobody can read is waited for like any other', async () => {
    const client = await outsider();
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    const theirs = await ensemble.until(
      client.create(`${PATH}/_c_x-lock-`, bytes('\u0000not json'), { mode: 'ephemeralSequential' }),
    );
    const waiting = ensemble.lock(PATH, { ttlMs: 1_000 }).acquire();
    await ensemble.clock.advance(5_000);
    expect(ensemble.claims(PATH)).toHaveLength(2);
    await ensemble.until(client.delete(theirs.path, -1));
    expect((await ensemble.until(waiting)).isHeld()).toBe(true);
  });

  it('K20: children that are no contenders block nobody', async () => {
    const client = await outsider();
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    for (const name of ['team-1', 'a-0000000000', 'lock-7'])
      await ensemble.until(client.create(`${PATH}/${name}`, bytes('')));
    expect((await ensemble.held(PATH)).isHeld()).toBe(true);
  });

  it('K21: parents are made when needed, and a path that cannot be one is refused with the remedy', async () => {
    await ensemble.until(ensemble.held('/a/b/c').then((lease) => lease.release()));
    ensemble.zookeeper.deleteNode('/a');
    expect((await ensemble.held('/a/b/c')).isHeld()).toBe(true);
    for (const path of ['', '/', 'locks', '/locks/', '/a//b', '/a/../b', '/a\u0000b', '/zookeeper/x']) {
      expect(() => ensemble.lock(path), path).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
  });

  it('K22: of two simultaneous acquisitions of one owner the second is refused, whatever an owner may be', async () => {
    const lock = ensemble.lock(PATH);
    const first = lock.acquire({ owner: 'me' });
    await expect(lock.acquire({ owner: 'me' })).rejects.toMatchObject({ code: 'ALREADY_OWN_LOCK' });
    await ensemble.until(first);
    const strange = { owner: ['me'] as unknown as string };
    await expect(lock.acquire(strange)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('performance and operations', () => {
  it('K26: a chroot that is not there is said to be missing', async () => {
    const session = connect('a:2181/app', { client: ensemble.zookeeper.client(), clock: ensemble.clock });
    await expect(ensemble.until(session.lock(PATH).acquire())).rejects.toThrow(
      'the chroot of the connect string does not exist',
    );
    await ensemble.until(session.close());
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

  it('K24: an uncontended acquire and release are three requests', async () => {
    const lock = ensemble.lock(PATH);
    await ensemble.until(lock.acquire().then((lease) => lease.release()));
    const received = () => ensemble.zookeeper.server.counters.packetsReceived;
    const before = received();
    await ensemble.until(lock.acquire().then((lease) => lease.release()));
    expect(received() - before).toBe(3);
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

  it('K27: permissions are put on the claim and on the parents as they are made', async () => {
    const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
    const auth = [{ scheme: 'digest', auth: 'me:secret' }];
    const lease = await ensemble.until(ensemble.lock('/private/x', { acl }, { auth }).acquire());
    const stranger = await outsider();
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
    const lock = ensemble.lock(PATH, { acl: [] });
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
    expect(systemClock.now()).toBeGreaterThan(0);
  });
});
