/** Several locks as one (T56), in virtual time on the embedded ZooKeeper. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MultiLease } from '../../src/index.js';
import { opcode } from '../../src/zookeeper/records.js';
import { listen } from '../setup/listening.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const A = '/locks/a';
const B = '/locks/b';
const C = '/locks/c';

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const claims = () => [A, B, C].flatMap((path) => ensemble.claims(path));
const paths = (lease: MultiLease) => [...lease.leases.keys()];
const multi = (given: readonly string[], options = {}) => ensemble.session().multiLock(given, options);

describe('a multi-lock', () => {
  it('holds every path, each with its token, and gives all of them back', async () => {
    const lease = await ensemble.until(multi([C, A, B]).acquire({ owner: 'ada' }));
    expect(paths(lease)).toEqual([A, B, C]);
    expect(claims()).toEqual(lease.claimPaths);
    expect(lease.owner).toBe('ada');
    for (const path of [A, B, C]) {
      expect(lease.leases.get(path)?.fencingToken).toBeGreaterThan(0n);
      expect(await ensemble.until(ensemble.lock(path).tryAcquire())).toBeNull();
    }
    await ensemble.until(lease.release());
    expect([lease.isHeld(), claims()]).toEqual([false, []]);
  });

  it('tells its way as a lock does, and gives everything up when unsubscribed', async () => {
    const holder = await ensemble.held(B);
    const listener = listen(multi([B, A]));
    await ensemble.clock.advance(100);
    expect(listener.statuses()).toContain('waitingOnPredecessor');
    expect(claims()).toHaveLength(3);
    await ensemble.until(holder.release());
    await ensemble.clock.advance(100);
    expect([...new Set(listener.statuses())]).toEqual([
      'idle',
      'creatingNode',
      'waitingOnPredecessor',
      'held',
    ]);
    expect(listener.heard.filter(({ status }) => status === 'held')).toHaveLength(1);
    listener.subscription.unsubscribe();
    await ensemble.clock.advance(100);
    expect(claims()).toEqual([]);
  });

  it('completes with "released" when its lease is given back', async () => {
    const listener = listen(multi([A, B]));
    await ensemble.clock.advance(100);
    await ensemble.until(listener.held().release());
    await ensemble.clock.advance(100);
    expect(listener.statuses().slice(-2)).toEqual(['releasing', 'released']);
    expect(listener.ends).toEqual(['completed']);
  });

  it('T56: of two callers with the same paths in another order comes to both, one after the other', async () => {
    const turns = [
      [A, B, C],
      [C, B, A],
      [B, C, A],
    ].map(async (order) => {
      for (let round = 0; round < 3; round += 1) {
        const lease = await multi(order).acquire();
        expect(claims().filter((path) => lease.claimPaths.includes(path))).toHaveLength(3);
        await lease.release();
      }
    });
    await ensemble.until(Promise.all(turns));
    expect(claims()).toEqual([]);
  });

  it('T56: has one deadline for everything, and leaves nothing behind when it passes', async () => {
    const holders = [await ensemble.held(A), await ensemble.held(C)];
    const started = ensemble.clock.now();
    const acquiring = multi([A, B, C]).acquire({ timeoutMs: 1_000 });
    await ensemble.clock.advance(600);
    await ensemble.until(holders[0]!.release());
    await expect(ensemble.until(acquiring)).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      path: `${A} + ${B} + ${C}`,
    });
    expect(ensemble.clock.now() - started).toBe(1_000);
    await ensemble.clock.advance(100);
    expect(claims()).toEqual([holders[1]!.claimPath]);
  });

  it('T56: ends at the first that is refused, and asks for none after it', async () => {
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/locks', new Uint8Array()));
    await ensemble.until(
      outsider.create(B, new Uint8Array(), { acl: [{ permissions: 1, scheme: 'world', id: 'anyone' }] }),
    );
    await expect(ensemble.until(multi([A, B, C]).acquire())).rejects.toMatchObject({
      code: 'LOCKING_FAILED',
      path: B,
    });
    await ensemble.clock.advance(100);
    expect(claims()).toEqual([]);
    expect(ensemble.zookeeper.nodes().some(({ path }) => path === C)).toBe(false);
  });

  it('is lost as one: the loss of one gives the others back', async () => {
    const listener = listen(multi([A, B]));
    await ensemble.clock.advance(100);
    const lease = listener.held();
    const { signal } = lease;
    ensemble.zookeeper.deleteNode(ensemble.claims(A)[0] ?? '');
    await ensemble.clock.advance(100);
    expect(listener.heard.at(-1)).toMatchObject({ status: 'expired', reason: 'node-deleted' });
    expect(listener.ends).toEqual(['completed']);
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', path: A });
    expect(() => {
      lease.assertHeld();
    }).toThrow(expect.objectContaining({ code: 'LOCK_LOST', reason: 'node-deleted' }));
    expect(claims()).toEqual([]);
  });

  it('begins again under the same deadline when its session goes while it waits', async () => {
    const session = ensemble.session();
    const holder = await ensemble.until(session.lock(B).acquire());
    const waiting = ensemble.session();
    const acquiring = waiting.multiLock([A, B]).acquire({ timeoutMs: 60_000 });
    await ensemble.clock.advance(100);
    const [before] = ensemble.claims(A);
    const owner = ensemble.zookeeper.nodes().find(({ path }) => path === before)?.ephemeralOwner ?? '';
    ensemble.zookeeper.expireSession(owner);
    await ensemble.clock.advance(3_000);
    expect(ensemble.claims(A)).toHaveLength(1);
    expect(ensemble.claims(A)).not.toEqual([before]);
    await ensemble.until(holder.release());
    const lease = await ensemble.until(acquiring);
    expect(claims()).toEqual(lease.claimPaths);
  });

  it('fails when somebody deletes a claim that it has already, while it waits for the rest', async () => {
    const holder = await ensemble.held(B);
    const listener = listen(multi([A, B]));
    await ensemble.clock.advance(100);
    ensemble.zookeeper.deleteNode(ensemble.claims(A)[0] ?? '');
    await ensemble.clock.advance(100);
    expect(listener.statuses().at(-1)).toBe('failed');
    expect(listener.ends).toMatchObject([{ code: 'CLAIM_DELETED' }]);
    expect(claims()).toEqual([holder.claimPath]);
  });

  it.each(['loseNextReply', 'loseNextRequest'] as const)(
    'is made once of each claim, whatever answer is lost (%s)',
    async (fault) => {
      await ensemble.until(
        multi([A, B])
          .acquire()
          .then((lease) => lease.release()),
      );
      for (const nth of [1, 2]) {
        let seen = 0;
        ensemble.zookeeper.faults[fault](({ type }) => type === opcode.create2 && (seen += 1) === nth);
        const lease = await ensemble.until(multi([A, B]).acquire());
        expect(claims()).toEqual(lease.claimPaths);
        await ensemble.until(lease.release());
      }
    },
  );

  it("rejects with the signal's own reason, and gives all its places up", async () => {
    await ensemble.held(B);
    const controller = new AbortController();
    const acquiring = multi([A, B]).acquire({ signal: controller.signal });
    await ensemble.clock.advance(100);
    const reason = new Error('changed my mind');
    controller.abort(reason);
    await expect(acquiring).rejects.toBe(reason);
    await expect(multi([A]).acquire({ signal: controller.signal })).rejects.toBe(reason);
    await ensemble.clock.advance(100);
    expect(claims()).toHaveLength(1);
  });

  it('is null to those who would not wait, and leaves nothing behind', async () => {
    const holder = await ensemble.held(B);
    expect(await ensemble.until(multi([A, B]).tryAcquire())).toBeNull();
    await ensemble.clock.advance(100);
    expect(claims()).toEqual([holder.claimPath]);
    await ensemble.until(holder.release());
    expect((await ensemble.until(multi([A, B]).tryAcquire()))?.isHeld()).toBe(true);
  });

  it('stays held over a cut, and says so', async () => {
    const listener = listen(multi([A, B]));
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(3_000);
    const connections = listener.heard.flatMap((ownership) =>
      ownership.status === 'held' ? [ownership.connection] : [],
    );
    expect(connections[0]).toBe('confirmed');
    expect(connections).toContain('suspended');
    expect(connections.at(-1)).toBe('confirmed');
  });

  it('applies a transaction only while every claim is there', async () => {
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/data', new Uint8Array()));
    const lease = await ensemble.until(multi([A, B]).acquire());
    const write = { type: 'setData', path: '/data', data: new Uint8Array([1]) } as const;
    expect(await ensemble.until(lease.commit([write]))).toMatchObject([{ type: 'setData' }]);
    await expect(
      ensemble.until(lease.commit([{ type: 'check', path: '/data', version: 9 }])),
    ).rejects.toMatchObject({
      code: 'COMMIT_REFUSED',
      failedIndex: 0,
    });
    ensemble.beforeNext('multi', () => {
      ensemble.zookeeper.deleteNode(ensemble.claims(B)[0] ?? '');
    });
    await expect(ensemble.until(lease.commit([write]))).rejects.toMatchObject({ code: 'LOCK_LOST', path: B });
  });

  it.each([
    { given: [], says: 'at least one' },
    { given: [A, B, A], says: 'twice' },
    { given: [A, 'b'], says: "start it with '/'" },
  ])('refuses $given at the call', ({ given, says }) => {
    expect(() => multi(given)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(says) as string }),
    );
  });

  it('ends with the session, and is not to be had after it', async () => {
    const session = ensemble.session();
    const lock = session.multiLock([A, B]);
    const listener = listen(lock);
    await ensemble.clock.advance(100);
    await ensemble.until(session.close());
    await ensemble.clock.advance(100);
    expect(listener.heard.at(-1)).toMatchObject({ status: 'expired', reason: 'closed' });
    await expect(ensemble.until(lock.acquire())).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    expect(() => session.multiLock([A])).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }));
  });
});
