/** A claim that outlives its session, in virtual time on the embedded ZooKeeper. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/index.js';
import { opcode } from '../../src/zookeeper/records.js';
import { listen } from '../setup/listening.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/migration';

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const durable = (owner: string, options = {}, session: Session = ensemble.session()) =>
  session.lock(PATH, { ephemeral: false, owner, ...options });
const acquired = (owner: string, options = {}) => ensemble.until(durable(owner, options).acquire());
const nodeAt = (path: string) => ensemble.zookeeper.nodes().find((node) => node.path === path);
const claims = () => ensemble.claims(PATH);

describe('a durable lock', () => {
  it('stays locked when its session ends, and when its process does', async () => {
    const session = ensemble.session();
    const lease = await ensemble.until(durable('ada', {}, session).acquire());
    expect(nodeAt(lease.claimPath)?.ephemeralOwner).toBe('0');
    ensemble.zookeeper.expireSession(ensemble.zookeeper.sessions()[0]?.id ?? '');
    await ensemble.clock.advance(5_000);
    expect([lease.isHeld(), claims()]).toEqual([true, [lease.claimPath]]);
    await ensemble.until(session.close());
    await ensemble.clock.advance(60_000);
    expect(claims()).toEqual([lease.claimPath]);
    expect(await ensemble.until(ensemble.lock(PATH).tryAcquire())).toBeNull();
  });

  it('is released by its lease, whatever the session: the next in line holds, with a larger token', async () => {
    const lease = await acquired('ada');
    const next = ensemble.lock(PATH).acquire();
    await ensemble.clock.advance(100);
    ensemble.zookeeper.expireSession(ensemble.zookeeper.sessions()[0]?.id ?? '');
    await ensemble.clock.advance(3_000);
    await ensemble.until(lease.release());
    const after = await ensemble.until(next);
    expect(after.fencingToken).toBeGreaterThan(lease.fencingToken);
    expect([lease.isHeld(), claims()]).toEqual([false, [after.claimPath]]);
  });

  it('keeps its place when the persistent claim takes the ephemeral one’s: nobody behind holds in that moment', async () => {
    await ensemble.until((await ensemble.held(PATH)).release());
    const slow = ensemble.session();
    await ensemble.until((await ensemble.until(slow.lock('/locks/warm').acquire())).release());
    ensemble.zookeeper.faults.delayReplies(2_000, ensemble.zookeeper.sessions()[1]?.id);
    const ours = durable('ada', {}, slow).acquire();
    await ensemble.clock.advance(100);
    // It queues behind the ephemeral claim, and watches both: whose deletion, seen alone, is the grant.
    const behind = listen(ensemble.lock(PATH));
    await ensemble.clock.advance(1_000);
    expect(behind.heard.at(-1)).toMatchObject({ status: 'waitingOnPredecessor', position: 1 });
    const lease = await ensemble.until(ours);
    await ensemble.clock.advance(1_000);
    expect(behind.statuses()).not.toContain('held');
    expect(claims()).toHaveLength(2);
    await ensemble.until(lease.release());
    await ensemble.clock.advance(5_000);
    expect(behind.held().fencingToken).toBeGreaterThan(lease.fencingToken);
  });

  it('keeps its place though the answer to that is lost', async () => {
    const first = await ensemble.held(PATH);
    const ours = durable('ada').acquire();
    await ensemble.clock.advance(100);
    const behind = listen(ensemble.lock(PATH));
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.multi);
    await ensemble.until(first.release());
    const lease = await ensemble.until(ours);
    expect([lease.isHeld(), behind.statuses().includes('held'), claims().length]).toEqual([true, false, 2]);
  });

  it('blocks nobody while it waits: the claim of one who dies in line goes with his session', async () => {
    const first = await ensemble.held(PATH);
    const session = ensemble.session();
    const waiting = durable('ada', {}, session).acquire();
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    await ensemble.clock.advance(100);
    const last = ensemble.lock(PATH).acquire();
    await ensemble.clock.advance(100);
    await ensemble.until(session.close());
    await rejected;
    await ensemble.until(first.release());
    expect((await ensemble.until(last)).isHeld()).toBe(true);
  });

  it.each(['loseNextReply', 'loseNextRequest'] as const)(
    'is won once, whatever answer is lost (%s)',
    async (fault) => {
      await ensemble.until((await ensemble.held(PATH)).release());
      for (const type of [opcode.create2, opcode.multi]) {
        ensemble.zookeeper.faults[fault]((request) => request.type === type);
        const lease = await acquired('ada');
        await ensemble.clock.advance(3_000);
        expect([lease.isHeld(), claims()]).toEqual([true, [lease.claimPath]]);
        ensemble.zookeeper.faults[fault]((request) => request.type === opcode.delete);
        await ensemble.until(lease.release());
        expect(claims()).toEqual([]);
      }
    },
  );

  it('leaves nothing behind when it is given up, also in the moment it is won', async () => {
    await ensemble.held(PATH).then((lease) => ensemble.until(lease.release()));
    const controller = new AbortController();
    ensemble.beforeNext('multi', () => {
      controller.abort(new Error('enough'));
    });
    await expect(ensemble.until(durable('ada').acquire({ signal: controller.signal }))).rejects.toThrow(
      'enough',
    );
    await ensemble.clock.advance(1_000);
    expect(claims()).toEqual([]);
    const holder = await ensemble.held(PATH);
    await expect(ensemble.until(durable('ada').acquire({ timeoutMs: 300 }))).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
    });
    expect(await ensemble.until(durable('ada').tryAcquire())).toBeNull();
    await ensemble.clock.advance(1_000);
    expect(claims()).toEqual([holder.claimPath]);
  });

  it('tells as a stream how it goes, and is released when unsubscribed', async () => {
    const listener = listen(durable('ada'));
    await ensemble.clock.advance(100);
    expect(listener.held().owner).toBe('ada');
    listener.subscription.unsubscribe();
    await ensemble.clock.advance(100);
    expect(claims()).toEqual([]);
  });

  it('is lost when somebody breaks it, heard at once or at the reconnect', async () => {
    for (const cut of [false, true]) {
      const listener = listen(durable('ada'));
      await ensemble.clock.advance(100);
      const lease = listener.held();
      const { signal } = lease;
      if (cut) {
        ensemble.zookeeper.faults.refuseConnections(true);
        ensemble.zookeeper.faults.cut();
        await ensemble.clock.advance(20_000);
        expect(lease.isHeld()).toBe(true);
      }
      ensemble.zookeeper.deleteNode(lease.claimPath);
      ensemble.zookeeper.faults.refuseConnections(false);
      await ensemble.clock.advance(5_000);
      expect(listener.heard.at(-1)).toMatchObject({ status: 'expired', reason: 'node-deleted' });
      expect([signal.aborted, lease.isHeld()]).toEqual([true, false]);
    }
  });

  it('is told to be lost to this process by closing the session, and stays for the owner', async () => {
    const session = ensemble.session();
    const listener = listen(durable('ada', {}, session));
    await ensemble.clock.advance(100);
    await ensemble.until(session.close());
    expect(listener.heard.at(-1)).toMatchObject({ status: 'expired', reason: 'closed' });
    expect(claims()).toHaveLength(1);
  });

  it('applies a transaction only while the claim is there', async () => {
    const lease = await acquired('ada');
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/data', new Uint8Array()));
    await ensemble.until(lease.commit([{ type: 'setData', path: '/data', data: new Uint8Array([1]) }]));
    ensemble.beforeNext('multi', () => {
      ensemble.zookeeper.deleteNode(lease.claimPath);
    });
    await expect(
      ensemble.until(lease.commit([{ type: 'setData', path: '/data', data: new Uint8Array([2]) }])),
    ).rejects.toMatchObject({ code: 'LOCK_LOST' });
  });

  it('is refused at the end of the counter, where a claim cannot keep its place', async () => {
    const holder = await ensemble.held(PATH);
    ensemble.zookeeper.faults.setSequence(PATH, 2_147_483_647);
    const waiting = durable('ada').acquire();
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'LOCKING_FAILED' });
    await ensemble.clock.advance(100);
    await ensemble.until(holder.release());
    await ensemble.clock.advance(1_000);
    await rejected;
    expect(claims()).toEqual([]);
  });

  it('is refused at the call where the client has no transactions', () => {
    const session = ensemble.session({
      client: (options) => {
        const client = ensemble.zookeeper.client()(options);
        return Object.defineProperty(client, 'capabilities', {
          value: { ...client.capabilities, multi: false },
        });
      },
    });
    expect(() => durable('ada', {}, session)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('transactions') as string,
      }),
    );
  });

  it.each([
    { owner: undefined },
    { owner: '' },
    { owner: 'ada', ephemeral: 'no' },
    { owner: 'ada', ttlMs: 0 },
  ])('refuses $owner, $ephemeral, $ttlMs at the call', (options) => {
    expect(() => durable('ada', options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('resuming', () => {
  it('takes up the claim of the same owner after a crash, with a larger token and no gap', async () => {
    const crashed = ensemble.session();
    const before = await ensemble.until(durable('ada', {}, crashed).acquire());
    await ensemble.until(crashed.close());
    const waiter = ensemble.lock(PATH).acquire();
    await ensemble.clock.advance(100);
    const lease = await ensemble.until(durable('ada').resume());
    expect(lease?.claimPath).toBe(before.claimPath);
    expect(lease?.fencingToken).toBeGreaterThan(before.fencingToken);
    await ensemble.until(lease?.release() ?? Promise.reject(new Error('it is resumed')));
    expect((await ensemble.until(waiter)).fencingToken).toBeGreaterThan(lease?.fencingToken ?? 0n);
  });

  it('takes it from a process that still lives, which hears so and can release it no more (T16)', async () => {
    const listener = listen(durable('ada'));
    await ensemble.clock.advance(100);
    const old = listener.held();
    const lease = await ensemble.until(durable('ada').resume());
    await ensemble.clock.advance(100);
    expect(listener.heard.at(-1)).toMatchObject({ status: 'expired', reason: 'revoked' });
    await ensemble.until(old.release());
    await ensemble.clock.advance(1_000);
    expect([old.isHeld(), lease?.isHeld(), claims()]).toEqual([false, true, [lease?.claimPath]]);
  });

  it('is not undone by a release that does not know of it yet', async () => {
    const old = await acquired('ada');
    ensemble.zookeeper.faults.silence(ensemble.zookeeper.sessions()[0]?.id);
    const lease = await ensemble.until(durable('ada').resume());
    const releasing = old.release();
    ensemble.zookeeper.faults.speak(ensemble.zookeeper.sessions()[0]?.id);
    await ensemble.until(releasing);
    expect([lease?.isHeld(), claims()]).toEqual([true, [lease?.claimPath]]);
  });

  it('gives nothing to another owner, from an empty line, or from a lock that is not durable', async () => {
    expect(await ensemble.until(durable('ada').resume())).toBeNull();
    const plain = await ensemble.until(ensemble.lock(PATH, { owner: 'ada' }).acquire());
    expect(await ensemble.until(durable('ada').resume())).toBeNull();
    await ensemble.until(plain.release());
    const lease = await acquired('ada');
    expect(await ensemble.until(durable('bob').resume())).toBeNull();
    expect(lease.isHeld()).toBe(true);
  });

  it.each(['loseNextReply', 'loseNextRequest'] as const)(
    'counts once, whatever answer is lost (%s)',
    async (fault) => {
      const before = await acquired('ada');
      ensemble.zookeeper.faults[fault](({ type }) => type === opcode.setData);
      const lease = await ensemble.until(durable('ada').resume());
      expect([lease?.isHeld(), (lease?.fencingToken ?? 0n) - before.fencingToken]).toEqual([true, 1n]);
    },
  );
});

describe('a time to live', () => {
  it('ends a durable lock whose holder never comes back, once somebody waits', async () => {
    const session = ensemble.session();
    const lease = await ensemble.until(durable('ada', { ttlMs: 10_000 }, session).acquire());
    await ensemble.until(session.close());
    const next = ensemble.lock(PATH).acquire();
    await ensemble.clock.advance(9_000);
    expect(claims()).toHaveLength(2);
    const after = await ensemble.until(next);
    expect(claims()).toEqual([after.claimPath]);
    expect(after.claimPath).not.toBe(lease.claimPath);
  });

  it('is told to the holder before anybody else may hold, and its claim is withdrawn', async () => {
    const listener = listen(durable('ada', { ttlMs: 5_000 }));
    await ensemble.clock.advance(100);
    const lease = listener.held();
    expect(lease.validUntil).toBeLessThanOrEqual(ensemble.clock.wallNow() + 5_000);
    await ensemble.clock.advance(4_000);
    await ensemble.until(lease.renew());
    await ensemble.clock.advance(4_000);
    expect(lease.isHeld()).toBe(true);
    await ensemble.clock.advance(1_500);
    expect(listener.heard.at(-1)).toMatchObject({ status: 'expired', reason: 'ttl' });
    await ensemble.clock.advance(100);
    expect(claims()).toEqual([]);
  });

  it('begins anew with a resumption', async () => {
    const session = ensemble.session();
    await ensemble.until(durable('ada', { ttlMs: 10_000 }, session).acquire());
    await ensemble.until(session.close());
    const waiting = listen(ensemble.lock(PATH));
    await ensemble.clock.advance(8_000);
    const lease = await ensemble.until(durable('ada', { ttlMs: 10_000 }).resume());
    await ensemble.clock.advance(8_000);
    expect([lease?.isHeld(), waiting.statuses().at(-1)]).toEqual([true, 'waitingOnPredecessor']);
    await ensemble.until(lease?.release() ?? Promise.resolve());
  });
});
