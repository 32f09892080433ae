import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LockOptions, Ownership } from '../../src/index.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

describe('an owner', () => {
  it('is found by the owner key in the context, as a record or a map', async () => {
    const lock = ensemble.lock(PATH, { ownerKey: 'user' });
    const lease = await ensemble.until(lock.acquire({ context: { user: 'alice' } }));
    expect(lease.owner).toBe('alice');
    await expect(lock.release({ context: { user: 'bob' } })).rejects.toMatchObject({
      code: 'NOT_LOCK_OWNER',
    });
    await ensemble.until(lock.release({ context: { user: 'alice' } }));
  });

  it('is found in an AsyncLocalStorage, by acquire, by release and by subscribing', async () => {
    const requests = new AsyncLocalStorage<Record<string, unknown> | Map<string, unknown>>();
    const lock = ensemble.lock(PATH, { ownerKey: 'user', ownerContext: requests });
    const lease = await requests.run({ user: 'alice' }, () => ensemble.until(lock.acquire()));
    expect(lease.owner).toBe('alice');
    await requests.run(new Map([['user', 'bob']]), async () => {
      await expect(lock.release()).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
    });
    await expect(lock.release()).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
    await requests.run(new Map([['user', 'alice']]), () => ensemble.until(lock.release()));
    const subscription = requests.run({ user: 'carol' }, () => lock.subscribe());
    await ensemble.clock.settle();
    expect(lock.owner).toBe('carol');
    subscription.unsubscribe();
  });

  it('given by name goes before the one in the context of the moment', async () => {
    const requests = new AsyncLocalStorage<Record<string, unknown>>();
    const lock = ensemble.lock(PATH, { ownerKey: 'user', ownerContext: requests });
    const lease = await requests.run({ user: 'alice' }, () =>
      ensemble.until(lock.acquire({ owner: 'batch' })),
    );
    expect(lease.owner).toBe('batch');
  });

  it('cannot be looked for without a key', () => {
    const ownerContext = new AsyncLocalStorage<Record<string, unknown>>();
    expect(() => ensemble.lock(PATH, { ownerContext })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  it('who has the lock is told so with the lease that he has, or with none while he still waits', async () => {
    const lock = ensemble.lock(PATH, { owner: 'me' });
    const waiting = lock.acquire();
    await expect(lock.acquire()).rejects.toMatchObject({ code: 'ALREADY_OWN_LOCK', lease: null });
    const lease = await ensemble.until(waiting);
    await expect(lock.acquire()).rejects.toMatchObject({ code: 'ALREADY_OWN_LOCK', lease });
  });
});

describe('acquisitions that are counted', () => {
  const counting = (options: LockOptions = {}) =>
    ensemble.lock(PATH, { reentrancy: 'count', owner: 'me', ...options });

  it('of one owner share a grant and a claim, which goes with the last of them', async () => {
    const lock = counting();
    const first = await ensemble.until(lock.acquire());
    const second = await ensemble.until(lock.acquire());
    expect(second).not.toBe(first);
    expect(second.claimPath).toBe(first.claimPath);
    expect(second.fencingToken).toBe(first.fencingToken);
    await first.release();
    await first.release();
    expect([first.isHeld(), second.isHeld()]).toEqual([false, true]);
    expect(ensemble.claims(PATH)).toEqual([second.claimPath]);
    await ensemble.until(second.release());
    expect(second.isHeld()).toBe(false);
    expect(ensemble.claims(PATH)).toEqual([]);
    expect(lock.owner).toBeUndefined();
  });

  it('of different owners exclude each other, and those without an owner everybody', async () => {
    const lock = ensemble.lock(PATH, { reentrancy: 'count' });
    const mine = await ensemble.until(lock.acquire({ owner: 'me' }));
    expect(await ensemble.until(lock.tryAcquire({ owner: 'you' }))).toBeNull();
    expect(await ensemble.until(lock.tryAcquire())).toBeNull();
    await ensemble.until(mine.release());
    const nobody = await ensemble.until(lock.acquire());
    expect(await ensemble.until(lock.tryAcquire())).toBeNull();
    await ensemble.until(nobody.release());
  });

  it('are released one by one by their owner, and by nobody else', async () => {
    const lock = counting();
    await ensemble.until(lock.acquire());
    await ensemble.until(lock.acquire());
    await expect(lock.release({ owner: 'you' })).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
    await ensemble.until(lock.release({ owner: 'me' }));
    expect(ensemble.claims(PATH)).toHaveLength(1);
    await ensemble.until(lock.release({ owner: 'me' }));
    expect(ensemble.claims(PATH)).toEqual([]);
    await expect(lock.release({ owner: 'me' })).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
  });

  it('are all lost together, each with its reason', async () => {
    const lock = counting();
    const heard: Ownership[] = [];
    lock.subscribe({ next: (ownership) => heard.push(ownership) });
    await ensemble.clock.settle();
    const lease = await ensemble.until(lock.acquire());
    const { signal } = lease;
    ensemble.zookeeper.deleteNode(lease.claimPath);
    await ensemble.clock.advance(100);
    expect(heard.at(-1)).toMatchObject({ status: 'expired', reason: 'node-deleted' });
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'node-deleted' });
    expect(() => {
      lease.assertHeld();
    }).toThrow(expect.objectContaining({ code: 'LOCK_LOST' }));
    expect((await ensemble.until(lock.acquire())).isHeld()).toBe(true);
  });

  it('wait in one place, which stays while anybody wants it, each by his own deadline and signal', async () => {
    const holder = await ensemble.held(PATH);
    const lock = counting();
    const impatient = lock.acquire({ timeoutMs: 1_000 });
    const controller = new AbortController();
    const aborted = lock.acquire({ signal: controller.signal });
    const patient = lock.acquire({ timeoutMs: 60_000 });
    await ensemble.clock.settle();
    expect(ensemble.claims(PATH)).toHaveLength(2);
    expect(await ensemble.until(lock.tryAcquire())).toBeNull();
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(ensemble.until(impatient)).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: expect.stringContaining('1 of 2 ahead') as string,
    });
    expect(ensemble.claims(PATH)).toHaveLength(2);
    await ensemble.until(holder.release());
    const lease = await ensemble.until(patient);
    await ensemble.until(lease.release());
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('leave nothing in line when the last of them gives up', async () => {
    const holder = await ensemble.held(PATH);
    const lock = counting();
    const waiting = [lock.acquire({ timeoutMs: 500 }), lock.acquire({ timeoutMs: 1_000 })];
    for (const each of waiting)
      await expect(ensemble.until(each)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    await ensemble.clock.settle();
    expect(ensemble.claims(PATH)).toEqual([holder.claimPath]);
  });

  it('hear where things stand when they join, then every change', async () => {
    const lock = counting();
    const lease = await ensemble.until(lock.acquire());
    const statuses: string[] = [];
    let completed = false;
    lock.subscribe({
      next: ({ status }) => statuses.push(status),
      complete: () => {
        completed = true;
      },
    });
    expect(statuses).toEqual([]);
    await ensemble.clock.settle();
    expect(statuses).toEqual(['held']);
    await lease.release();
    await ensemble.until(lock.release({ owner: 'me' }));
    expect(statuses).toEqual(['held', 'releasing', 'released']);
    expect(completed).toBe(true);
  });

  it("end with the first one's time to live", async () => {
    const lock = counting({ ttlMs: 2_000 });
    const first = await ensemble.until(lock.acquire());
    await ensemble.clock.advance(1_500);
    const second = await ensemble.until(lock.acquire());
    await ensemble.clock.advance(600);
    expect([first.isHeld(), second.isHeld()]).toEqual([false, false]);
  });

  it('lets a session that is closed end them all', async () => {
    const session = ensemble.session();
    const lock = session.lock(PATH, { reentrancy: 'count', owner: 'me' });
    const leases = [await ensemble.until(lock.acquire()), await ensemble.until(lock.acquire())];
    await ensemble.until(session.close());
    expect(leases.map((lease) => lease.isHeld())).toEqual([false, false]);
    await Promise.all(leases.map((lease) => lease.release()));
  });
});
