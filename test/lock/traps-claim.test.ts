/**
 * Published bugs of other locks (docs/guarantees.md, T01–T20): acting on a znode that is not ours, and leaving one behind. Each
 * title is the sentence that is true here instead. In virtual time, on the embedded ZooKeeper.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ownership } from '../../src/index.js';
import { opcode } from '../../src/zookeeper/records.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

/** The lock path is there, so that what follows is one create and one listing. */
const madeBefore = () => ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
const onlySession = () => ensemble.zookeeper.sessions()[0]?.id ?? '';
const sessionOf = (claimPath: string) =>
  ensemble.zookeeper.nodes().find(({ path }) => path === claimPath)?.ephemeralOwner;

describe('a claim', () => {
  it('T01: of a session that is over is waited for like anybody else’s, however long the server still lists it', async () => {
    ensemble.zookeeper.faults.delayEphemeralDeletion(5_000);
    const lock = ensemble.lock(PATH);
    const before = await ensemble.until(lock.acquire());
    ensemble.zookeeper.expireSession(onlySession());
    await ensemble.clock.settle();
    expect(before.isHeld()).toBe(false);
    const again = lock.acquire();
    await ensemble.clock.advance(4_000);
    expect(ensemble.claims(PATH)).toHaveLength(2);
    const lease = await ensemble.until(again);
    expect(ensemble.claims(PATH)).toEqual([lease.claimPath]);
  });

  it('T02: that a lost answer left in a session that is over is not adopted by the next one', async () => {
    const lock = ensemble.lock(PATH);
    await ensemble.until(lock.acquire().then((lease) => lease.release()));
    const ended = onlySession();
    ensemble.zookeeper.faults.delayEphemeralDeletion(5_000);
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.create2);
    ensemble.zookeeper.faults.refuseConnections(true);
    const acquiring = lock.acquire();
    await ensemble.clock.settle();
    const [orphan = ''] = ensemble.claims(PATH);
    ensemble.zookeeper.expireSession(ended);
    ensemble.zookeeper.faults.refuseConnections(false);
    const lease = await ensemble.until(acquiring);
    expect(sessionOf(lease.claimPath)).not.toBe(ended);
    expect(lease.claimPath).not.toBe(orphan);
    expect(ensemble.claims(PATH)).toEqual([lease.claimPath]);
  });

  it('T02: that bears our name and is another session’s is deleted and not adopted', async () => {
    const other = await ensemble.outsider();
    await madeBefore();
    const acquiring = ensemble.lock(PATH);
    await ensemble.until(acquiring.entries());
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.create2);
    const waiting = acquiring.acquire();
    await ensemble.clock.settle();
    const [ours = ''] = ensemble.claims(PATH);
    ensemble.zookeeper.deleteNode(ours);
    await ensemble.until(other.create(ours, new Uint8Array(), { mode: 'ephemeral' }));
    ensemble.zookeeper.faults.refuseConnections(false);
    const lease = await ensemble.until(waiting);
    expect(lease.claimPath).not.toBe(ours);
    expect(ensemble.claims(PATH)).toEqual([lease.claimPath]);
  });

  it('T03: that went while its holder was cut off is missed at the reconnect', async () => {
    const heard: Ownership[] = [];
    ensemble.lock(PATH).subscribe({ next: (ownership) => heard.push(ownership), error: () => undefined });
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.settle();
    ensemble.zookeeper.deleteNode(ensemble.claims(PATH)[0] ?? '');
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.clock.advance(2_000);
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'node-deleted' });
  });

  it('T04: bears a name that never comes again, so a late release touches nobody who stands under the same number', async () => {
    const lost = await ensemble.held(PATH);
    ensemble.zookeeper.deleteNode(PATH);
    const next = await ensemble.held(PATH);
    const sequence = (path: string) => path.slice(-10);
    expect(sequence(next.claimPath)).toBe(sequence(lost.claimPath));
    await ensemble.until(lost.release());
    expect(ensemble.claims(PATH)).toEqual([next.claimPath]);
  });

  it('T05: that is not in the listing does not hold, though the listing is empty', async () => {
    await madeBefore();
    ensemble.beforeNext('getChildren2', () => {
      ensemble.zookeeper.deleteNode(ensemble.claims(PATH)[0] ?? '');
    });
    await expect(ensemble.until(ensemble.lock(PATH).acquire())).rejects.toMatchObject({
      code: 'CLAIM_DELETED',
    });
  });

  it.each([
    { when: 'was applied', fault: 'loseNextReply' as const },
    { when: 'never arrived', fault: 'loseNextRequest' as const },
  ])('T06, T07: is one, whether the create whose answer was lost $when', async ({ fault }) => {
    const lock = ensemble.lock(PATH);
    await ensemble.until(lock.acquire().then((lease) => lease.release()));
    ensemble.zookeeper.faults[fault](({ type }) => type === opcode.create2);
    const lease = await ensemble.until(lock.acquire());
    expect(lease.isHeld()).toBe(true);
    expect(ensemble.claims(PATH)).toEqual([lease.claimPath]);
  });

  it('T08: of a waiter stays the only one over any number of reconnects', async () => {
    const holder = await ensemble.held(PATH);
    const waiting = ensemble.lock(PATH).acquire();
    await ensemble.clock.settle();
    const claims = ensemble.claims(PATH);
    expect(claims).toHaveLength(2);
    for (let round = 0; round < 5; round += 1) {
      ensemble.zookeeper.faults.cut();
      await ensemble.clock.advance(2_000);
      expect(ensemble.claims(PATH)).toEqual(claims);
    }
    await ensemble.until(holder.release());
    expect(claims).toContain((await ensemble.until(waiting)).claimPath);
  });

  it('T09: is named afresh for every session, never by adding to the name it had', async () => {
    const holder = await ensemble.until(ensemble.lock(PATH, {}, { sessionTimeoutMs: 20_000 }).acquire());
    const waiting = ensemble.lock(PATH).acquire();
    await ensemble.clock.settle();
    const names = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const claim = ensemble.claims(PATH).find((path) => path !== holder.claimPath) ?? '';
      expect(claim).toMatch(/^\/locks\/orders\/_c_[0-9a-f-]{36}-lock-\d{10}$/);
      names.add(claim);
      ensemble.zookeeper.expireSession(sessionOf(claim) ?? '');
      await ensemble.clock.advance(2_000);
    }
    expect(names.size).toBe(3);
    await ensemble.until(holder.release());
    await ensemble.until(waiting);
  });

  it('T10: stands under parents that somebody else made in the same moment', async () => {
    const first = ensemble.lock(PATH).acquire();
    const second = ensemble.lock(PATH).acquire();
    await ensemble.until((await ensemble.until(Promise.race([first, second]))).release());
    const leases = await ensemble.until(Promise.all([first, second]));
    expect(leases.map((lease) => lease.path)).toEqual([PATH, PATH]);
  });
});

describe('nothing is left in line', () => {
  it('T12: by a second abort while the first is still cleaning up', async () => {
    const holder = await ensemble.held(PATH);
    const lock = ensemble.lock(PATH);
    const first = new AbortController();
    const waiting = lock.acquire({ signal: first.signal });
    await ensemble.clock.settle();
    ensemble.zookeeper.faults.loseNextRequest(({ type }) => type === opcode.delete);
    first.abort(new Error('first'));
    await expect(waiting).rejects.toThrow('first');
    const second = new AbortController();
    const again = lock.acquire({ signal: second.signal });
    second.abort(new Error('second'));
    await expect(again).rejects.toThrow('second');
    await ensemble.clock.advance(5_000);
    expect(ensemble.claims(PATH)).toEqual([holder.claimPath]);
  });

  it('T13: by a refusal to wait whose clean-up met a cut', async () => {
    const holder = await ensemble.held(PATH);
    const lock = ensemble.lock(PATH);
    ensemble.zookeeper.faults.loseNextRequest(({ type }) => type === opcode.delete);
    expect(await ensemble.until(lock.tryAcquire())).toBeNull();
    await ensemble.clock.advance(5_000);
    expect(ensemble.claims(PATH)).toEqual([holder.claimPath]);
  });

  it('T14: by a release that met a cut, which is over when the claim is gone and not before', async () => {
    const heard: string[] = [];
    const lock = ensemble.lock(PATH, { owner: 'me' });
    const lease = await ensemble.until(lock.acquire());
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    void lease.release().then(() => heard.push('released'));
    await ensemble.clock.advance(1_000);
    expect([lease.isHeld(), heard, ensemble.claims(PATH)]).toEqual([false, [], [lease.claimPath]]);
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.clock.advance(3_000);
    expect([heard, ensemble.claims(PATH)]).toEqual([['released'], []]);
  });

  it('T15: by an acquire whose create was answered and whose listing was not, and that ended there', async () => {
    await madeBefore();
    ensemble.beforeNext('getChildren2', () => {
      ensemble.zookeeper.faults.refuseConnections(true);
    });
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.getChildren2);
    const acquiring = ensemble.lock(PATH).acquire({ timeoutMs: 500 });
    await ensemble.clock.settle();
    expect(ensemble.claims(PATH)).toHaveLength(1);
    await expect(ensemble.until(acquiring)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.clock.advance(5_000);
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('T16: and nothing taken, by the late release of a lease whose lock is another’s by now', async () => {
    const lock = ensemble.lock(PATH);
    const first = await ensemble.until(lock.acquire({ owner: 'first' }));
    ensemble.zookeeper.deleteNode(first.claimPath);
    const second = await ensemble.until(lock.acquire({ owner: 'second' }));
    await ensemble.until(first.release());
    await expect(lock.release({ owner: 'first' })).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
    expect([lock.owner, second.isHeld()]).toEqual(['second', true]);
    expect(ensemble.claims(PATH)).toEqual([second.claimPath]);
  });

  it('T17: and nothing taken, by the release of what was never acquired', async () => {
    const holder = await ensemble.until(ensemble.lock(PATH).acquire({ owner: 'holder' }));
    const lock = ensemble.lock(PATH);
    await expect(lock.release({ owner: 'holder' })).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
    await ensemble.clock.advance(1_000);
    expect(holder.isHeld()).toBe(true);
    expect(ensemble.claims(PATH)).toEqual([holder.claimPath]);
  });

  it('T18: by asking again and again without waiting', async () => {
    const holder = await ensemble.held(PATH);
    const lock = ensemble.lock(PATH);
    for (let round = 0; round < 20; round += 1) expect(await ensemble.until(lock.tryAcquire())).toBeNull();
    await ensemble.clock.advance(1_000);
    expect(ensemble.claims(PATH)).toEqual([holder.claimPath]);
    expect(ensemble.zookeeper.sessions()).toHaveLength(2);
  });

  it('T19: but watches neither, by waits that end in any way', async () => {
    const session = ensemble.session();
    await ensemble.until(session.lock('/locks/warm').acquire());
    await ensemble.clock.advance(1_000);
    const before = ensemble.zookeeper.watchCount();
    for (let round = 0; round < 5; round += 1) {
      const holder = await ensemble.until(session.lock(PATH).acquire());
      const won = session.lock(PATH).acquire();
      const late = session.lock(PATH).acquire({ timeoutMs: 400 });
      const controller = new AbortController();
      const aborted = session.lock(PATH).acquire({ signal: controller.signal });
      await ensemble.clock.advance(300);
      controller.abort(new Error('enough'));
      await expect(aborted).rejects.toThrow('enough');
      await expect(ensemble.until(late)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
      await ensemble.until(holder.release());
      await ensemble.until((await ensemble.until(won)).release());
    }
    await ensemble.clock.advance(1_000);
    expect(ensemble.zookeeper.watchCount()).toBe(before);
  });

  it('T20: not even the lock path, which the server reaps and an acquisition in that moment makes again', async () => {
    await madeBefore();
    while (ensemble.zookeeper.faults.reapContainers() > 0);
    expect(ensemble.zookeeper.nodes()).toEqual([]);
    ensemble.beforeNext('createContainer', () => {
      // The parents are there by the time of the second create, and are gone again before it.
      ensemble.beforeNext('create2', () => {
        ensemble.zookeeper.deleteNode('/locks');
      });
    });
    expect((await ensemble.held(PATH)).isHeld()).toBe(true);
  });
});
