/** Contenders of one process that share a claim (docs/decisions/019). In virtual time, on the embedded ZooKeeper. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease, Lock, LockOptions, Ownership, Session } from '../../src/index.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';
const SESSION_MS = 10_000;

let ensemble: VirtualEnsemble;
let session: Session;
let lock: Lock;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
  session = ensemble.session();
  lock = sharing();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const sharing = (options: LockOptions = {}) => session.lock(PATH, { localHandover: { max: 64 }, ...options });
const settle = () => ensemble.clock.settle();
const claims = () => ensemble.claims(PATH);
const held = (waiting: Promise<Lease> | undefined) => {
  if (waiting === undefined) throw new Error('so many did not ask');
  return ensemble.until(waiting, 60_000);
};
const release = (lease: Lease) => ensemble.until(lease.release());

/** Asks, and has it said who was granted in which order. */
function queue(names: readonly string[], through = lock) {
  const order: string[] = [];
  const leases = names.map(async (owner) => {
    const lease = await through.acquire({ owner });
    order.push(owner);
    return lease;
  });
  for (const each of leases) each.catch(() => undefined);
  return { order, leases };
}

/** What a subscriber hears. */
function listen(to = lock) {
  const heard: Ownership[] = [];
  const subscription = to.subscribe({ next: (ownership) => heard.push(ownership), error: () => undefined });
  return { heard, subscription, statuses: () => heard.map(({ status }) => status) };
}

const newestSession = () => ensemble.zookeeper.sessions().at(-1)?.id ?? '';

describe('contenders of one process', () => {
  it('hold one after the other in the order of their asking, on one claim', async () => {
    const first = await held(lock.acquire());
    const { order, leases } = queue(['a', 'b', 'c']);
    await settle();
    expect(claims()).toHaveLength(1);
    await release(first);
    for (const each of leases) {
      const lease = await held(each);
      expect(lease.claimPath).toBe(first.claimPath);
      await release(lease);
    }
    expect(order).toEqual(['a', 'b', 'c']);
    expect(claims()).toEqual([]);
  });

  it('are granted one at a time, each with a token larger than all before', async () => {
    const first = await held(lock.acquire());
    const { leases } = queue(['a', 'b', 'c']);
    let token = first.fencingToken;
    let before = first;
    for (const each of leases) {
      await release(before);
      const lease = await held(each);
      expect([before.isHeld(), lease.isHeld()]).toEqual([false, true]);
      expect(lease.fencingToken).toBe(token + 1n);
      token = lease.fencingToken;
      before = lease;
    }
    await release(before);
  });

  it('hand on without a request, but for one watch on the claim', async () => {
    const first = await held(lock.acquire());
    const { leases } = queue(['a', 'b', 'c']);
    await settle();
    const seen = ensemble.requests();
    await release(first);
    await release(await held(leases[0]));
    await release(await held(leases[1]));
    expect((await held(leases[2])).isHeld()).toBe(true);
    expect(seen).toEqual(['getData']);
  });

  it('hear where they stand, who is ahead of them, and that they hold, each on a stream of its own', async () => {
    const first = await held(lock.acquire({ owner: 'alice' }));
    const second = listen(sharing({ owner: 'bob' }));
    const third = listen(sharing({ owner: 'carol' }));
    await settle();
    expect(third.heard.at(-1)).toMatchObject({
      status: 'waitingOnPredecessor',
      position: 2,
      queueLength: 3,
      predecessor: { path: first.claimPath, owner: 'bob' },
    });
    await release(first);
    await settle();
    const holder = second.heard.at(-1);
    if (holder?.status !== 'held') throw new Error(`bob is ${String(holder?.status)}`);
    await release(holder.lease);
    await settle();
    expect(second.statuses()).toEqual([
      'idle',
      'creatingNode',
      'waitingOnPredecessor',
      'held',
      'releasing',
      'released',
    ]);
    expect(third.statuses().at(-1)).toBe('held');
    third.subscription.unsubscribe();
    await settle();
    expect(claims()).toEqual([]);
  });

  it('count the line outside into where they stand', async () => {
    const outside = await ensemble.held(PATH);
    const first = listen();
    await settle();
    const second = listen();
    await settle();
    expect(first.heard.at(-1)).toMatchObject({ position: 1, queueLength: 2 });
    expect(second.heard.at(-1)).toMatchObject({ position: 2, queueLength: 3 });
    await release(outside);
  });

  it('give the claim up after so many hand-overs, and whoever waits outside is next', async () => {
    lock = sharing({ localHandover: { max: 2 } });
    const order: string[] = [];
    const use = async (name: string, through: Lock) => {
      const lease = await through.acquire();
      order.push(name);
      await lease.release();
    };
    const first = await held(lock.acquire());
    const all = [...['a', 'b'].map((name) => use(name, lock)), use('outside', ensemble.lock(PATH))];
    await ensemble.clock.advance(100);
    all.push(...['c', 'd', 'e', 'f'].map((name) => use(name, lock)));
    await release(first);
    await ensemble.until(Promise.all(all));
    expect(order).toEqual(['a', 'b', 'outside', 'c', 'd', 'e', 'f']);
  });

  it('give the claim up after so many hand-overs though nobody waits outside', async () => {
    lock = sharing({ localHandover: { max: 2 } });
    const first = await held(lock.acquire());
    const { leases } = queue(['a', 'b', 'c']);
    await release(first);
    const paths: string[] = [];
    let token = first.fencingToken;
    for (const each of leases) {
      const lease = await held(each);
      paths.push(lease.claimPath);
      expect(lease.fencingToken).toBeGreaterThan(token);
      token = lease.fencingToken;
      await release(lease);
    }
    expect(paths.map((path) => path === first.claimPath)).toEqual([true, true, false]);
  });

  it('and others are granted ever larger tokens, whoever shares and whoever does not', async () => {
    const other = ensemble.session();
    const locks = [lock, ensemble.lock(PATH), other.lock(PATH, { localHandover: { max: 3 } }), lock];
    const tokens: bigint[] = [];
    const using = Array.from({ length: 40 }, async (_, index) => {
      const lease = await (locks[index % locks.length] as Lock).acquire();
      tokens.push(lease.fencingToken);
      await lease.release();
    });
    await ensemble.until(Promise.all(using));
    expect(tokens).toHaveLength(40);
    expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)));
    expect(new Set(tokens).size).toBe(40);
  });

  it('with other bounds, or other permissions, have claims of their own', async () => {
    const first = await held(lock.acquire());
    const open = [{ permissions: 31, scheme: 'world', id: 'anyone' }];
    const others = [sharing({ localHandover: { max: 5 } }), sharing({ acl: open }), session.lock(PATH)];
    const waiting = others.map((other) => other.acquire());
    await ensemble.clock.advance(100);
    expect(claims()).toHaveLength(4);
    await release(first);
    for (const each of waiting) await release(await held(each));
  });
});

describe('a contender that waits for its own', () => {
  it('leaves alone at its deadline, and those behind keep their places', async () => {
    const first = await held(lock.acquire());
    const { order, leases } = queue(['a']);
    const impatient = lock.acquire({ timeoutMs: 500 });
    const rejected = expect(impatient).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    const last = listen();
    await ensemble.clock.advance(499);
    expect(last.heard.at(-1)).toMatchObject({ position: 3 });
    await ensemble.clock.advance(1);
    await rejected;
    expect(last.heard.at(-1)).toMatchObject({ position: 2, queueLength: 3 });
    await release(first);
    for (const each of leases) await release(await held(each));
    await settle();
    expect([order, last.statuses().at(-1)]).toEqual([['a'], 'held']);
    last.subscription.unsubscribe();
  });

  it('leaves alone at its signal', async () => {
    const first = await held(lock.acquire());
    const controller = new AbortController();
    const aborted = expect(lock.acquire({ signal: controller.signal })).rejects.toThrow('no more');
    const { leases } = queue(['a']);
    await settle();
    controller.abort(new Error('no more'));
    await aborted;
    await release(first);
    for (const each of leases) await release(await held(each));
    expect(claims()).toEqual([]);
  });

  it('is told at once that it is busy, when it would not wait', async () => {
    const first = await held(lock.acquire());
    const seen = ensemble.requests();
    expect(await ensemble.until(lock.tryAcquire())).toBeNull();
    expect(seen).toEqual([]);
    await release(first);
    const lease = await ensemble.until(lock.tryAcquire());
    expect(lease?.isHeld()).toBe(true);
  });

  it('takes the place of the one ahead that gave up waiting, and not a new one', async () => {
    const outside = await ensemble.held(PATH);
    const controller = new AbortController();
    const first = lock.acquire({ signal: controller.signal });
    const aborted = expect(first).rejects.toThrow('no more');
    const { leases } = queue(['a']);
    await ensemble.clock.advance(100);
    const later = ensemble.lock(PATH).acquire();
    await ensemble.clock.advance(100);
    const [, claim] = claims();
    controller.abort(new Error('no more'));
    await aborted;
    await ensemble.clock.advance(100);
    expect(claims()).toHaveLength(3);
    await release(outside);
    const [a] = leases;
    const lease = await held(a);
    expect([lease.claimPath, lease.fencingToken % 1024n]).toEqual([claim, 0n]);
    await release(lease);
    await release(await held(later));
  });

  it('makes a claim of its own when the one ahead gave up before it had any', async () => {
    ensemble.zookeeper.faults.delayReplies(200);
    const refused = expect(lock.acquire({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    const { leases } = queue(['a']);
    await ensemble.clock.advance(100);
    await refused;
    for (const each of leases) await release(await held(each));
  });

  it('waits on when the session is lost and another follows, in the old order', async () => {
    const first = listen();
    await settle();
    const { order, leases } = queue(['a', 'b']);
    await settle();
    ensemble.zookeeper.expireSession(newestSession());
    await ensemble.clock.advance(1_000);
    expect(first.heard.at(-1)).toEqual({ status: 'expired', reason: 'session-expired' });
    for (const each of leases) await release(await held(each));
    expect(order).toEqual(['a', 'b']);
  });

  it('hears that the session was closed, as the holder does', async () => {
    const first = listen();
    await settle();
    const waiting = expect(lock.acquire()).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    await settle();
    await ensemble.until(session.close());
    await waiting;
    expect(first.heard.at(-1)).toEqual({ status: 'expired', reason: 'closed' });
  });

  it('has its turn when the holder has it no more by its policy, once the server said that the claim is there', async () => {
    const first = listen(sharing({ onSuspend: 'standard' }));
    await settle();
    const { leases } = queue(['a']);
    await settle();
    const seen = ensemble.requests();
    ensemble.zookeeper.faults.cut(newestSession());
    await settle();
    expect(first.heard.at(-1)).toEqual({ status: 'expired', reason: 'suspended' });
    const [a] = leases;
    const lease = await held(a);
    expect(seen).toEqual(expect.arrayContaining(['sync', 'getChildren2']));
    expect(lease.fencingToken % 1024n).toBe(1n);
    await release(lease);
    expect(claims()).toEqual([]);
  });

  it('is not granted the claim of a process that slept too long, before the server has said so', async () => {
    const first = await held(sharing({ onSuspend: 'session' }).acquire());
    const second = listen();
    await settle();
    ensemble.clock.jumpWall(SESSION_MS);
    const releasing = first.release();
    await settle();
    expect(second.statuses()).not.toContain('expired');
    await ensemble.until(releasing);
    await ensemble.clock.advance(100);
    expect(second.statuses().at(-1)).toBe('held');
    second.subscription.unsubscribe();
  });
});

describe('a claim that is handed on', () => {
  it('and deleted by somebody is lost to its holder alone: who waits makes another', async () => {
    const first = await held(lock.acquire());
    const second = listen();
    const { leases } = queue(['b']);
    await settle();
    await release(first);
    await settle();
    expect(second.statuses().at(-1)).toBe('held');
    ensemble.zookeeper.deleteNode(first.claimPath);
    await ensemble.clock.advance(10);
    expect(second.heard.at(-1)).toEqual({ status: 'expired', reason: 'node-deleted' });
    const [b] = leases;
    const lease = await held(b);
    expect(lease.claimPath).not.toBe(first.claimPath);
    expect(lease.fencingToken).toBeGreaterThan(first.fencingToken + 1n);
    await release(lease);
  });

  it('is not handed on any more once it is known to be gone', async () => {
    const first = await held(lock.acquire());
    const { leases } = queue(['a']);
    await ensemble.clock.advance(10);
    ensemble.zookeeper.deleteNode(first.claimPath);
    // In the moment in which its deletion is told.
    await expect(ensemble.until(first.renew())).rejects.toMatchObject({ code: 'LOCK_LOST' });
    const [a] = leases;
    const lease = await held(a);
    expect(lease.claimPath).not.toBe(first.claimPath);
    await release(lease);
  });

  it('and deleted while it waits fails whoever made it, and nobody else', async () => {
    const outside = await ensemble.held(PATH);
    const first = expect(lock.acquire()).rejects.toMatchObject({ code: 'CLAIM_DELETED' });
    const { leases } = queue(['a', 'b']);
    await ensemble.clock.advance(1_000);
    const claim = claims().find((path) => path !== outside.claimPath) ?? '';
    ensemble.zookeeper.deleteNode(claim);
    await ensemble.clock.advance(10);
    await first;
    await release(outside);
    for (const each of leases) await release(await held(each));
  });

  it('is given up, not handed on, once somebody asked for it', async () => {
    const heard = listen();
    const { leases } = queue(['a']);
    await ensemble.clock.advance(100);
    const operator = ensemble.session();
    const [claim] = claims();
    const revoking = operator.revoke(claim ?? '', { by: 'ops', graceMs: 5_000 });
    await ensemble.clock.advance(100);
    const told = heard.heard.at(-1);
    if (told?.status !== 'held') throw new Error(`it is ${String(told?.status)}`);
    expect(told.revokeRequested).toMatchObject({ by: 'ops' });
    heard.subscription.unsubscribe();
    expect(await ensemble.until(revoking)).toBeNull();
    const [a] = leases;
    const lease = await held(a);
    expect(lease.claimPath).not.toBe(claim);
    await release(lease);
  });

  it('that was asked for is heard of by whoever has it then', async () => {
    const first = await held(lock.acquire());
    const second = listen();
    await settle();
    await release(first);
    await settle();
    void ensemble
      .session()
      .revoke(first.claimPath, { by: 'ops', graceMs: 60_000 })
      .catch(() => undefined);
    await ensemble.clock.advance(100);
    expect(second.heard.at(-1)).toMatchObject({ status: 'held', revokeRequested: { by: 'ops' } });
    second.subscription.unsubscribe();
    await ensemble.clock.advance(100);
  });

  it('whose deletion is refused fails its release, and those behind stand behind it', async () => {
    lock = sharing({ localHandover: { max: 1 } });
    const first = await held(lock.acquire());
    const { leases } = queue(['a', 'b']);
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.setAcl(PATH, [{ permissions: 31 - 8, scheme: 'world', id: 'anyone' }], -1));
    await release(first);
    const [a, b] = leases;
    await expect(ensemble.until((await held(a)).release())).rejects.toMatchObject({
      code: 'UNLOCKING_FAILED',
    });
    await ensemble.clock.advance(1_000);
    expect(claims()).toHaveLength(2);
    ensemble.zookeeper.deleteNode(first.claimPath);
    const lease = await held(b);
    expect(lease.isHeld()).toBe(true);
  });

  it('survives a cut connection with its holder, and is handed on afterwards', async () => {
    const first = await held(lock.acquire());
    const { leases } = queue(['a', 'b']);
    await settle();
    ensemble.zookeeper.faults.cut(newestSession());
    await ensemble.clock.advance(1_000);
    expect(first.isHeld()).toBe(true);
    await release(first);
    for (const each of leases) {
      const lease = await held(each);
      expect(lease.claimPath).toBe(first.claimPath);
      await release(lease);
    }
    expect(claims()).toEqual([]);
  });

  it('released while there is no connection is nobody’s until there is one', async () => {
    const first = await held(lock.acquire());
    const second = listen();
    await settle();
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut(newestSession());
    await settle();
    const releasing = first.release();
    await ensemble.clock.advance(1_000);
    expect(second.statuses().at(-1)).not.toBe('held');
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.until(releasing);
    await ensemble.clock.advance(1_000);
    expect(second.statuses().at(-1)).toBe('held');
    second.subscription.unsubscribe();
  });

  it('leaves no timer behind', async () => {
    await release(await held(lock.acquire()));
    await ensemble.clock.advance(1_000);
    const before = ensemble.clock.pendingCount;
    const first = await held(lock.acquire());
    const { leases } = queue(['a', 'b', 'c']);
    await release(first);
    for (const each of leases) await release(await held(each));
    await ensemble.clock.advance(1_000);
    expect(ensemble.clock.pendingCount).toBe(before);
  });
});

describe('an owner among contenders that share a claim', () => {
  it('who has the lock, or waits for it, is refused a second time', async () => {
    const lease = await held(lock.acquire({ owner: 'alice' }));
    const { leases } = queue(['bob']);
    await expect(lock.acquire({ owner: 'alice' })).rejects.toMatchObject({ code: 'ALREADY_OWN_LOCK', lease });
    await expect(lock.acquire({ owner: 'bob' })).rejects.toMatchObject({
      code: 'ALREADY_OWN_LOCK',
      lease: null,
    });
    await ensemble.until(lock.release({ owner: 'alice' }));
    await held(leases[0]);
    expect(lock.owner).toBe('bob');
    await ensemble.until(lock.release({ owner: 'bob' }));
  });

  it('whose acquisitions are counted hands on with the last of them', async () => {
    const counted = sharing({ reentrancy: 'count' });
    const first = await held(counted.acquire({ owner: 'alice' }));
    const second = listen();
    const again = await held(counted.acquire({ owner: 'alice' }));
    expect(again.fencingToken).toBe(first.fencingToken);
    await release(first);
    await settle();
    expect(second.statuses().at(-1)).toBe('waitingOnPredecessor');
    await release(again);
    await settle();
    expect(second.statuses().at(-1)).toBe('held');
    second.subscription.unsubscribe();
  });
});
