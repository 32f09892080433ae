/**
 * Published bugs of other locks (docs/guarantees.md, T31–T44, T49): session time. Each title is the sentence that is true here
 * instead. In virtual time, on the embedded ZooKeeper.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ownership, SessionState } from '../../src/index.js';
import { opcode } from '../../src/zookeeper/records.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';
/** What `VirtualEnsemble` asks for, and how long a holder trusts it: the drift of 1 % off. */
const SESSION_MS = 10_000;
const BOUND_MS = 9_900;

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

/** The virtual moment at which `promise` settles. */
const momentOf = (promise: Promise<unknown>) => promise.then(() => ensemble.clock.now());
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

describe('a holder', () => {
  it('T31: hears of the end of its session by its stream and by its signal, and is told when it asks', async () => {
    const heard: Ownership[] = [];
    ensemble.lock(PATH).subscribe({ next: (ownership) => heard.push(ownership), error: () => undefined });
    await ensemble.clock.settle();
    const [held] = heard.flatMap((ownership) => (ownership.status === 'held' ? [ownership.lease] : []));
    const signal = held?.signal;
    ensemble.zookeeper.expireSession(ensemble.zookeeper.sessions()[0]?.id ?? '');
    await ensemble.clock.advance(1_000);
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'session-expired' });
    expect(signal?.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'session-expired' });
    expect(held?.isHeld()).toBe(false);
  });

  it('T32: counts from the send of the last answered request, not from the loss of the connection', async () => {
    const lease = await ensemble.held(PATH);
    const lost = momentOf(aborted(lease.signal));
    await ensemble.clock.advance(30_000);
    const lastPing = ensemble.clock.now();
    // From here on nothing is answered; that is noticed after two thirds of the session.
    ensemble.zookeeper.faults.silence();
    ensemble.zookeeper.faults.refuseConnections(true);
    const lostAt = await ensemble.until(lost);
    expect(lostAt).toBeLessThanOrEqual(lastPing + BOUND_MS);
    expect(lostAt).toBeGreaterThan(lastPing + BOUND_MS - SESSION_MS / 4 - 1);
  });

  it('T33: that is cut off for good knows that it is over before anybody else is granted', async () => {
    const lease = await ensemble.held(PATH);
    const lost = momentOf(aborted(lease.signal));
    const session = ensemble.zookeeper.sessions()[0]?.id ?? '';
    const granted = momentOf(ensemble.lock(PATH).acquire());
    await ensemble.clock.advance(5_000);
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut(session);
    expect(await ensemble.until(lost)).toBeLessThan(await ensemble.until(granted));
  });

  it('T34: notices a silent peer within two thirds of the session, though nothing closed the connection', async () => {
    const states: SessionState['kind'][] = [];
    const session = ensemble.session();
    session.state.subscribe(({ kind }) => states.push(kind));
    await ensemble.until(session.lock(PATH).acquire());
    ensemble.zookeeper.faults.silence();
    await ensemble.clock.advance((SESSION_MS * 2) / 3 + 1);
    expect(states).toEqual(['connecting', 'connected', 'suspended']);
  });

  it('T36: is never replaced by a new session on its behalf: renewing and committing are refused', async () => {
    const lock = ensemble.lock(PATH);
    const lease = await ensemble.until(lock.acquire());
    const client = await ensemble.outsider();
    await ensemble.until(client.create('/data', new Uint8Array()));
    ensemble.zookeeper.expireSession(ensemble.zookeeper.sessions()[0]?.id ?? '');
    await ensemble.clock.advance(2_000);
    // The same handle has a session again.
    await ensemble.until(lock.entries());
    await expect(lease.renew()).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await expect(
      lease.commit([{ type: 'setData', path: '/data', data: new Uint8Array([1]) }]),
    ).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect((await ensemble.until(client.exists('/data')))?.version).toBe(0);
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('T38: that slept finds its lease over, though its monotonic clock stood still', async () => {
    const lease = await ensemble.held(PATH);
    ensemble.clock.jumpWall(BOUND_MS - 1);
    expect(lease.isHeld()).toBe(true);
    ensemble.clock.jumpWall(1);
    expect(lease.isHeld()).toBe(false);
  });

  it('T39: whose event loop stood still is told when it asks, before any timer has run', async () => {
    const lease = await ensemble.held(PATH);
    ensemble.clock.stall(BOUND_MS);
    expect(() => {
      lease.assertHeld();
    }).toThrow(expect.objectContaining({ code: 'LOCK_LOST', reason: 'validity-passed' }));
  });

  it.each<[string, () => void]>([
    [
      'its event loop stood still',
      () => {
        ensemble.clock.stall(BOUND_MS);
      },
    ],
    [
      'the machine slept',
      () => {
        ensemble.clock.jumpWall(BOUND_MS);
      },
    ],
  ])(
    'T39, T44: that was told so because %s is never held again, whatever is answered later',
    async (_, happen) => {
      const lease = await ensemble.held(PATH);
      const { signal } = lease;
      happen();
      expect(lease.isHeld()).toBe(false);
      expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', reason: 'validity-passed' });
      await ensemble.clock.advance(SESSION_MS);
      expect(lease.isHeld()).toBe(false);
      expect(ensemble.claims(PATH)).toEqual([]);
    },
  );

  it('T44: that lost its lock does not get it back by renewing: it stands in line again, under a larger token', async () => {
    const lock = ensemble.lock(PATH);
    const lost = await ensemble.until(lock.acquire());
    ensemble.zookeeper.deleteNode(lost.claimPath);
    await expect(ensemble.until(lost.renew())).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(ensemble.claims(PATH)).toEqual([]);
    const next = await ensemble.until(lock.acquire());
    expect(next.fencingToken).toBeGreaterThan(lost.fencingToken);
    expect(lost.isHeld()).toBe(false);
  });
});

describe('a session', () => {
  it('T35: is told with its number, and the end of one never after the beginning of the next', async () => {
    const states: SessionState[] = [];
    const session = ensemble.session();
    session.state.subscribe((state) => states.push(state));
    for (let round = 0; round < 4; round += 1) {
      await ensemble.clock.advance(500);
      for (const { id } of ensemble.zookeeper.sessions()) ensemble.zookeeper.expireSession(id);
      ensemble.zookeeper.faults.cut();
      await ensemble.clock.advance(2_000);
    }
    const lost = states.filter(({ kind }) => kind === 'lost');
    expect(lost.map(({ sessionNumber }) => sessionNumber)).toEqual([1, 2, 3, 4]);
    const numbers = states.map(({ sessionNumber }) => sessionNumber);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });
});

describe('a grant', () => {
  it('T40: does not come to a claim whose session ended in the wait, though the line was read before', async () => {
    const holder = await ensemble.until(ensemble.lock(PATH, {}, { sessionTimeoutMs: 20_000 }).acquire());
    const waiting = ensemble.lock(PATH).acquire();
    await ensemble.clock.advance(1_000);
    const waiter = ensemble.zookeeper.sessions().find(({ timeoutMs }) => timeoutMs === SESSION_MS)?.id ?? '';
    ensemble.zookeeper.faults.delayEphemeralDeletion(5_000);
    ensemble.zookeeper.faults.delayReplies(300);
    ensemble.zookeeper.expireSession(waiter);
    void holder.release();
    const lease = await ensemble.until(waiting);
    const claim = ensemble.zookeeper.nodes().find(({ path }) => path === lease.claimPath);
    expect(claim?.ephemeralOwner).not.toBe(waiter);
    expect(ensemble.claims(PATH)).toEqual([lease.claimPath]);
  });

  it('T40: that a stalled process reads too late is no grant', async () => {
    const session = ensemble.session();
    const lock = session.lock(PATH);
    await ensemble.until(lock.acquire().then((lease) => lease.release()));
    ensemble.zookeeper.faults.delayReplies(100);
    const waiting = lock.acquire();
    await ensemble.clock.settle();
    // The answer was given in time, and lies unread for longer than the session is good for.
    ensemble.clock.stall(BOUND_MS);
    ensemble.zookeeper.faults.delayReplies(0);
    await expect(ensemble.until(waiting)).rejects.toMatchObject({
      code: 'LOCK_LOST',
      reason: 'validity-passed',
    });
    await ensemble.clock.advance(1_000);
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('T40: read too late is told as over to a subscriber who asks nothing', async () => {
    const heard: Ownership[] = [];
    const session = ensemble.session();
    const lock = session.lock(PATH);
    await ensemble.until(lock.acquire().then((lease) => lease.release()));
    ensemble.zookeeper.faults.delayReplies(100);
    lock.subscribe({ next: (ownership) => heard.push(ownership), error: () => undefined });
    await ensemble.clock.settle();
    ensemble.clock.stall(BOUND_MS);
    ensemble.zookeeper.faults.delayReplies(0);
    await ensemble.clock.advance(SESSION_MS);
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'validity-passed' });
  });

  it('T49: after a reconnect rests on a listing behind a sync', async () => {
    const holder = await ensemble.held(PATH);
    const session = ensemble.session();
    const waiting = session.lock(PATH).acquire();
    await ensemble.clock.advance(1_000);
    const asked: string[] = [];
    const names = Object.entries(opcode);
    ensemble.zookeeper.faults.loseNextRequest(({ type, sessionId }) => {
      if (sessionId !== ensemble.zookeeper.sessions()[0]?.id)
        asked.push(names.find(([, number]) => number === type)?.[0] ?? '');
      return false;
    });
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(2_000);
    expect(asked.slice(asked.indexOf('sync'), asked.indexOf('sync') + 2)).toEqual(['sync', 'getChildren2']);
    expect(asked.filter((name) => name === 'getChildren2')).toHaveLength(1);
    await ensemble.until(holder.release());
    await ensemble.until(waiting);
  });
});
