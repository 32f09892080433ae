/**
 * The defects of the Go lock that this package re-imagines, each as the sentence that is true here instead: K01 to K22, safety and
 * liveness. In virtual time, on the embedded ZooKeeper. K23 to K30 are in `kafka-kit-operations.test.ts`.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ownership } from '../src/index.js';
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

  it.each<[string, string, (claimPath: string) => void]>([
    ['deleted', 'node-deleted', (claimPath) => void ensemble.zookeeper.deleteNode(claimPath)],
    [
      'expired',
      'session-expired',
      () => {
        ensemble.zookeeper.faults.cut();
        for (const { id } of ensemble.zookeeper.sessions()) ensemble.zookeeper.expireSession(id);
      },
    ],
    // Longer than the time to live and the purger's margin: it is the holder's own count that tells, and first.
    ['purged', 'ttl', () => undefined],
  ])('K03: a holder that is %s is told, and why', async (_, reason, happen) => {
    const heard: Ownership[] = [];
    ensemble
      .lock(PATH, { ttlMs: 2_000 })
      .subscribe({ next: (ownership) => heard.push(ownership), error: () => undefined });
    await ensemble.clock.advance(100);
    happen(ensemble.claims(PATH)[0] ?? '');
    const next = ensemble.lock(PATH).acquire();
    await ensemble.until(next);
    expect(heard.at(-1)).toEqual({ status: 'expired', reason });
  });

  it('K04: an empty listing is never "we have the lock"', () => {
    expect(verdictOf(lineOf([]), '_c_g-lock-0000000000')).toEqual({ kind: 'missing' });
  });

  it("K05: past the counter's end the line keeps its order, and one holds", async () => {
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    ensemble.zookeeper.faults.setSequence(PATH, 2_147_483_645);
    const tokens: bigint[] = [];
    let holding = 0;
    const leases = Array.from({ length: 6 }, async () => {
      const lease = await ensemble.lock(PATH).acquire();
      holding += 1;
      expect(holding).toBe(1);
      tokens.push(lease.fencingToken);
      await new Promise<void>((resolve) => {
        ensemble.clock.setTimeout(resolve, 100);
      });
      holding -= 1;
      await lease.release();
    });
    await ensemble.until(Promise.all(leases));
    expect(tokens).toHaveLength(6);
    expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)));
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
    const client = await outsider();
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    const stuck = await ensemble.until(
      client.create(`${PATH}/_c_x-lock-`, bytes('{"v":1,"ttl_ms":1000}'), { mode: 'ephemeralSequential' }),
    );
    const lock = ensemble.lock(PATH);
    const mine = await ensemble.until(lock.acquire({ owner: 'me' }));
    expect(ensemble.claims(PATH)).not.toContain(stuck.path);
    expect([lock.owner, mine.isHeld()]).toEqual(['me', true]);
    await expect(lock.acquire({ owner: 'me' })).rejects.toMatchObject({
      code: 'ALREADY_OWN_LOCK',
      lease: mine,
    });
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
    const holder = await ensemble.held(PATH);
    const session = ensemble.session();
    const quitters: AbortController[] = [];
    for (let index = 0; index < 12; index += 1) {
      const controller = new AbortController();
      session
        .lock(PATH)
        .acquire({ signal: controller.signal })
        .catch(() => undefined);
      quitters.unshift(controller);
    }
    await ensemble.clock.settle();
    const listings: number[] = [];
    const waiting = session.lock(PATH);
    const subscription = waiting.subscribe({
      next: (ownership) => {
        if (ownership.status === 'waitingOnPredecessor') listings.push(ownership.position);
      },
      error: () => undefined,
    });
    await ensemble.clock.settle();
    for (const controller of quitters) {
      controller.abort(new Error('the one directly ahead leaves'));
      await ensemble.clock.advance(10);
    }
    expect([...new Set(listings)]).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    await ensemble.until(holder.release());
    await ensemble.clock.settle();
    expect(ensemble.claims(PATH)).toHaveLength(1);
    subscription.unsubscribe();
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
