/**
 * Published bugs of other locks (docs/guarantees.md, T21–T30): waking, watching, waiting. Each title is the sentence that is
 * true here instead. In virtual time, on the embedded ZooKeeper.
 */
import { config, firstValueFrom, Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease, Ownership } from '../../src/index.js';
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

/** The claims in the order of their numbers. */
const claimsInLine = () => ensemble.claims(PATH).sort((a, b) => a.slice(-10).localeCompare(b.slice(-10)));

describe('a waiter', () => {
  it('T21: whose predecessor goes between the listing and the watch is not left waiting', async () => {
    const holder = await ensemble.held(PATH);
    ensemble.beforeNext('getData', () => {
      ensemble.zookeeper.deleteNode(holder.claimPath);
    });
    const lease = await ensemble.until(ensemble.lock(PATH).acquire(), 1_000);
    expect(lease.isHeld()).toBe(true);
  });

  it('T22: whose predecessor goes while the answer to its watch is on the way is woken all the same', async () => {
    const holder = await ensemble.held(PATH);
    const session = ensemble.session();
    await ensemble.until(session.lock('/locks/warm').acquire());
    ensemble.zookeeper.faults.delayReplies(200);
    const waiting = session.lock(PATH).acquire();
    // 200 ms for the place in line, then 200 for the watch: it is set by now, and not answered yet.
    await ensemble.clock.advance(300);
    ensemble.zookeeper.deleteNode(holder.claimPath);
    expect((await ensemble.until(waiting, 1_000)).isHeld()).toBe(true);
  });

  it('T22: is not held up by a subscriber that throws, and neither is anybody else', async () => {
    let thrown = 0;
    const reports = new Subject<unknown>();
    const reported: unknown[] = [];
    reports.subscribe((error) => reported.push(error));
    config.onUnhandledError = (error) => {
      reports.next(error);
    };
    try {
      const session = ensemble.session();
      const own = new Error('a subscriber’s own');
      const careless = session.lock(PATH).subscribe({
        next: () => {
          thrown += 1;
          throw own;
        },
        error: () => undefined,
      });
      await ensemble.clock.settle();
      const waiting = session.lock(PATH).acquire();
      await ensemble.clock.advance(100);
      expect(claimsInLine()).toHaveLength(2);
      careless.unsubscribe();
      expect((await ensemble.until(waiting, 1_000)).isHeld()).toBe(true);
      // RxJS reports each on a real timer of its own: while one is still to come, this hook must not be taken back.
      while (reported.length < thrown) await firstValueFrom(reports);
      expect(new Set(reported)).toEqual(new Set([own]));
    } finally {
      config.onUnhandledError = null;
    }
  });

  it('T23: looks again after a reconnect, though its watch was answered for nobody', async () => {
    const holder = await ensemble.held(PATH);
    const session = ensemble.session();
    const waiting = session.lock(PATH).acquire();
    await ensemble.clock.advance(1_000);
    const [, waiter] = ensemble.zookeeper.sessions();
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut(waiter?.id);
    ensemble.zookeeper.deleteNode(holder.claimPath);
    // The watches that the client sets again are lost on the way.
    ensemble.zookeeper.faults.loseNextRequest(({ type }) => type === opcode.setWatches2);
    ensemble.zookeeper.faults.refuseConnections(false);
    expect((await ensemble.until(waiting, 5_000)).isHeld()).toBe(true);
  });

  it('T24: waits for nobody who came later, whatever they want', async () => {
    const client = await ensemble.outsider();
    const holder = await ensemble.held(PATH);
    const waiting = ensemble.lock(PATH).acquire();
    await ensemble.clock.settle();
    for (const name of ['x__WRIT__', 'x__READ__', '_c_x-lock-'])
      await ensemble.until(
        client.create(`${PATH}/${name}`, new Uint8Array(), { mode: 'ephemeralSequential' }),
      );
    await ensemble.until(holder.release());
    expect((await ensemble.until(waiting, 1_000)).isHeld()).toBe(true);
  });

  it('T25: whose predecessor gives up is not first while an older one holds', async () => {
    const holder = await ensemble.held(PATH);
    const controller = new AbortController();
    const second = ensemble.lock(PATH).acquire({ signal: controller.signal });
    await ensemble.clock.settle();
    const granted: Lease[] = [];
    const third = ensemble.lock(PATH).acquire();
    void third.then((lease) => granted.push(lease));
    await ensemble.clock.advance(1_000);
    controller.abort(new Error('no more'));
    await expect(second).rejects.toThrow('no more');
    await ensemble.clock.advance(1_000);
    expect([granted.length, holder.isHeld()]).toEqual([0, true]);
    await ensemble.until(holder.release());
    expect((await ensemble.until(third)).isHeld()).toBe(true);
  });

  it('T26: that gave up while it was asking is not granted by the late answer, whose claim is withdrawn', async () => {
    const session = ensemble.session();
    await ensemble.until(
      session
        .lock(PATH)
        .acquire()
        .then((lease) => lease.release()),
    );
    const heard: Ownership['status'][] = [];
    ensemble.zookeeper.faults.delayReplies(500);
    const subscription = session.lock(PATH).subscribe({
      next: ({ status }) => heard.push(status),
      error: () => undefined,
    });
    await ensemble.clock.advance(100);
    subscription.unsubscribe();
    expect(ensemble.claims(PATH)).toHaveLength(1);
    await ensemble.clock.advance(5_000);
    expect(heard).toEqual(['idle', 'creatingNode']);
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('T26: of two that lose and find their connections again and again, one holds', async () => {
    const locks = [ensemble.lock(PATH), ensemble.lock(PATH)];
    const leases = locks.map((lock) => lock.acquire());
    for (let round = 0; round < 10; round += 1) {
      ensemble.zookeeper.faults.cut();
      await ensemble.clock.advance(700);
      expect(ensemble.claims(PATH).length).toBeLessThanOrEqual(2);
    }
    const first = await ensemble.until(Promise.race(leases));
    expect(first.isHeld()).toBe(true);
    await ensemble.until(first.release());
    const both = await ensemble.until(Promise.all(leases));
    expect(both.map((lease) => lease.isHeld()).sort()).toEqual([false, true]);
  });
});

describe('the deadline', () => {
  it('T27: of one acquisition is no other’s', async () => {
    const holder = await ensemble.held(PATH);
    const lock = ensemble.lock(PATH);
    const controller = new AbortController();
    const aborted = lock.acquire({ signal: controller.signal });
    const patient = lock.acquire();
    await ensemble.clock.settle();
    controller.abort(new Error('only this one'));
    await expect(aborted).rejects.toThrow('only this one');
    await ensemble.until(holder.release());
    expect((await ensemble.until(patient)).isHeld()).toBe(true);
  });

  it('T27: is one, however often the waiter is woken', async () => {
    const holder = await ensemble.held(PATH);
    const lock = ensemble.lock(PATH);
    for (let place = 0; place < 3; place += 1) {
      const controller = new AbortController();
      const quitter = ensemble.lock(PATH).acquire({ signal: controller.signal });
      quitter.catch(() => undefined);
      ensemble.clock.setTimeout(
        () => {
          controller.abort(new Error('gone'));
        },
        900 - place * 300,
      );
      await ensemble.clock.settle();
    }
    const asked = ensemble.clock.now();
    await expect(ensemble.until(lock.acquire({ timeoutMs: 1_000 }))).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
    });
    expect(ensemble.clock.now() - asked).toBe(1_000);
    expect(holder.isHeld()).toBe(true);
  });

  it('T28: comes on time while the server is silent, and the signal at once', async () => {
    await ensemble.held(PATH);
    const session = ensemble.session();
    await ensemble.until(session.lock('/locks/warm').acquire());
    const controller = new AbortController();
    const waiting = session.lock(PATH).acquire({ signal: controller.signal });
    await ensemble.clock.settle();
    ensemble.zookeeper.faults.silence();
    const asked = ensemble.clock.now();
    await expect(ensemble.until(session.lock(PATH).acquire({ timeoutMs: 30_000 }))).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
    });
    expect(ensemble.clock.now() - asked).toBe(30_000);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(ensemble.clock.now() - asked).toBe(30_000);
  });
});

describe('asking', () => {
  it('T29: after the session was closed is refused at once, by every entry', async () => {
    const session = ensemble.session();
    const lock = session.lock(PATH, { owner: 'me' });
    const lease = await ensemble.until(lock.acquire());
    await ensemble.until(session.close());
    const before = ensemble.clock.now();
    const closed = { code: 'SESSION_CLOSED' };
    await expect(lock.acquire()).rejects.toMatchObject(closed);
    await expect(lock.tryAcquire()).rejects.toMatchObject(closed);
    await expect(lock.entries()).rejects.toMatchObject(closed);
    await expect(session.linesUnder('/')).rejects.toMatchObject(closed);
    expect(() => session.lock(PATH)).toThrow(expect.objectContaining(closed));
    const errors: unknown[] = [];
    lock.subscribe({ error: (error: unknown) => errors.push(error) });
    expect(errors).toMatchObject([closed]);
    await expect(lease.renew()).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'closed' });
    await expect(lease.commit([])).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await lease.release();
    expect(ensemble.clock.now()).toBe(before);
  });

  it('T30: ends in an answer when everything is gone after a reconnect: who held hears so, who waited hears so', async () => {
    const heard: Ownership[] = [];
    ensemble.lock(PATH).subscribe({ next: (ownership) => heard.push(ownership), error: () => undefined });
    await ensemble.clock.advance(100);
    const waiting = ensemble.lock(PATH).acquire();
    await ensemble.clock.advance(1_000);
    ensemble.zookeeper.faults.cut();
    ensemble.zookeeper.deleteNode('/locks');
    await expect(ensemble.until(waiting, 5_000)).rejects.toMatchObject({ code: 'CLAIM_DELETED' });
    await ensemble.clock.advance(1_000);
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'node-deleted' });
    expect((await ensemble.held(PATH)).isHeld()).toBe(true);
  });
});
