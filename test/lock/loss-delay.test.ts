/** Whoever ended without releasing is waited out (docs/decisions/020). In virtual time, on the embedded ZooKeeper. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LockOptions, Ownership, Session } from '../../src/index.js';
import { opcode } from '../../src/zookeeper/records.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';
const MARK = `${PATH}/unreleased-lock-99999999999`;
const DELAY_MS = 5_000;
const MINDING: LockOptions = { lossDelayMs: DELAY_MS };

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const settle = () => ensemble.clock.settle();
const minding = (options: LockOptions = {}, session: Session = ensemble.session()) =>
  session.lock(PATH, { ...MINDING, ...options });
const nodes = () => ensemble.claims(PATH);
const claims = () => nodes().filter((path) => path !== MARK);
const newestSession = () => ensemble.zookeeper.sessions().at(-1)?.id ?? '';

/** A holder, and how it ends without a word. */
async function holder(options: LockOptions = {}) {
  const lease = await ensemble.until(minding(options).acquire());
  const sessionId = newestSession();
  return { lease, sessionId, end: () => ensemble.zookeeper.expireSession(sessionId) };
}

/** A holder that is gone. */
async function lost(options: LockOptions = {}) {
  const { lease, end } = await holder(options);
  end();
  await settle();
  return lease;
}

/** What a subscriber hears, and when it first heard that it holds. */
function listen(options: LockOptions = {}, session?: Session) {
  const heard: Ownership[] = [];
  let heldMs: number | null = null;
  const subscription = minding(options, session).subscribe({
    next: (ownership) => {
      heard.push(ownership);
      if (ownership.status === 'held') heldMs ??= ensemble.clock.now();
    },
    error: () => undefined,
  });
  return {
    subscription,
    heldMs: () => heldMs,
    last: () => heard.at(-1),
    statuses: () => heard.map(({ status }) => status).filter((status, at, all) => status !== all[at - 1]),
  };
}

/** How long `acquire` takes from now. */
async function waitMs(waiting: Promise<unknown>, sinceMs = ensemble.clock.now()): Promise<number> {
  await ensemble.until(waiting, 60_000);
  return ensemble.clock.now() - sinceMs;
}

describe('a holder that ends without releasing', () => {
  it('is waited out: the next one holds so long after it found out, and not before', async () => {
    const { lease, end } = await holder({ owner: 'alice' });
    const next = listen();
    await ensemble.clock.advance(1_000);
    const endedMs = ensemble.clock.now();
    end();
    await settle();
    expect(claims()).toHaveLength(1);
    expect(next.last()).toMatchObject({
      status: 'waitingOnPredecessor',
      position: 0,
      queueLength: 1,
      predecessor: { path: lease.claimPath, readable: true, owner: 'alice' },
      delayedUntil: ensemble.clock.wallNow() + DELAY_MS,
    });
    await ensemble.clock.advance(DELAY_MS - 100);
    expect(next.heldMs()).toBeNull();
    await ensemble.clock.advance(200);
    expect((next.heldMs() ?? 0) - endedMs).toBeGreaterThanOrEqual(DELAY_MS);
    expect(next.statuses()).toEqual(['idle', 'creatingNode', 'waitingOnPredecessor', 'held']);
  });

  it('is waited out by whoever asks only afterwards, as well', async () => {
    await lost();
    await ensemble.clock.advance(60_000);
    expect(await waitMs(minding().acquire())).toBeGreaterThanOrEqual(DELAY_MS);
  });

  it.each([
    [
      'its claim was deleted',
      async () => {
        const { lease } = await holder();
        ensemble.zookeeper.deleteNode(lease.claimPath);
      },
    ],
    [
      'its time to live was over',
      async () => {
        await holder({ ttlMs: 500 });
        await ensemble.clock.advance(600);
      },
    ],
    [
      'its session was closed under it',
      async () => {
        const session = ensemble.session();
        await ensemble.until(minding({}, session).acquire());
        await ensemble.until(session.close());
      },
    ],
    [
      'its connection went, where that ends it',
      async () => {
        const { lease, sessionId } = await holder({ onSuspend: 'standard' });
        ensemble.zookeeper.faults.cut(sessionId);
        await ensemble.clock.advance(1_000);
        expect(lease.isHeld()).toBe(false);
      },
    ],
  ])('is waited out when %s', async (_, end) => {
    await end();
    await settle();
    expect(nodes()).toEqual([MARK]);
    expect(await waitMs(minding().acquire())).toBeGreaterThanOrEqual(DELAY_MS);
  });

  it('is waited out once: after a release by the one who did, nobody waits', async () => {
    await lost();
    const lease = await ensemble.until(minding().acquire(), DELAY_MS + 1_000);
    await ensemble.until(lease.release());
    expect(await waitMs(minding().acquire())).toBeLessThan(100);
  });

  it('is waited out again when the next one ends so too', async () => {
    await lost();
    await ensemble.until(minding().acquire(), DELAY_MS + 1_000);
    ensemble.zookeeper.expireSession(newestSession());
    await settle();
    expect(await waitMs(minding().acquire())).toBeGreaterThanOrEqual(DELAY_MS);
  });

  it('keeps those further behind waiting for the one who waits it out, and for nothing else', async () => {
    const { end } = await holder();
    const second = listen();
    await settle();
    const third = listen();
    await settle();
    end();
    await ensemble.clock.advance(DELAY_MS + 100);
    expect([second.last()?.status, third.last()?.status]).toEqual(['held', 'waitingOnPredecessor']);
    const releasedMs = ensemble.clock.now();
    second.subscription.unsubscribe();
    await settle();
    expect((third.heldMs() ?? 0) - releasedMs).toBeLessThan(100);
  });

  it('is waited out by each as long as its own option says, and by one with 0 not at all', async () => {
    await lost();
    expect(await waitMs(minding({ lossDelayMs: 1_000 }).acquire())).toBeLessThan(2_000);
    ensemble.zookeeper.expireSession(newestSession());
    await settle();
    expect(await waitMs(minding({ lossDelayMs: 0 }).acquire())).toBeLessThan(100);
    ensemble.zookeeper.expireSession(newestSession());
    await settle();
    expect(nodes()).toEqual([MARK]);
  });

  it('is nothing to locks without the option, which leave no mark either', async () => {
    await lost();
    const seen = ensemble.requests();
    const { claimPath, release } = await ensemble.held(PATH).then((lease) => ({
      claimPath: lease.claimPath,
      release: () => lease.release(),
    }));
    expect(claims()).toEqual([claimPath]);
    await ensemble.until(release());
    expect(seen).toEqual(['create2', 'getChildren2', 'delete']);
    expect(nodes()).toEqual([MARK]);
  });

  it('is nothing to whoever finds its mark deleted by hand', async () => {
    await lost();
    ensemble.zookeeper.deleteNode(MARK);
    expect(await waitMs(minding().acquire())).toBeLessThan(100);
  });
});

describe('a clean release', () => {
  it('delays nobody, neither who waits nor who asks later', async () => {
    const { lease } = await holder();
    const next = listen();
    await ensemble.clock.advance(1_000);
    const releasedMs = ensemble.clock.now();
    await ensemble.until(lease.release());
    await settle();
    expect((next.heldMs() ?? 0) - releasedMs).toBeLessThan(100);
    next.subscription.unsubscribe();
    await settle();
    expect(nodes()).toEqual([]);
    expect(await waitMs(minding().acquire())).toBeLessThan(100);
  });

  it('costs one request more before the grant, and none at the release', async () => {
    const session = ensemble.session();
    await ensemble.until(session.lock('/locks/warm').acquire());
    await ensemble.until((await ensemble.until(minding({}, session).acquire())).release());
    const seen = ensemble.requests();
    const lease = await ensemble.until(minding({}, session).acquire());
    await ensemble.until(lease.release());
    expect(seen).toEqual(['create2', 'getChildren2', 'multi', 'multi']);
    expect(nodes()).toEqual([]);
  });

  it('says "held" straight after "creatingNode" where nobody is in the way', async () => {
    const first = listen();
    await settle();
    expect(first.statuses()).toEqual(['idle', 'creatingNode', 'held']);
    first.subscription.unsubscribe();
    await settle();
    expect(first.statuses()).toEqual(['idle', 'creatingNode', 'held']);
    expect(nodes()).toEqual([]);
  });

  it('releases also when somebody deleted the mark, or put something under it', async () => {
    const { lease } = await holder();
    ensemble.zookeeper.deleteNode(MARK);
    await ensemble.until(lease.release());
    expect(nodes()).toEqual([]);
    const { lease: second } = await holder();
    const client = await ensemble.outsider();
    await ensemble.until(client.create(`${MARK}/note`, new Uint8Array(0)));
    await ensemble.until(second.release());
    expect(claims()).toEqual([`${MARK}/note`]);
  });

  it('is none when somebody had deleted the claim: the mark stays', async () => {
    const { lease } = await holder();
    const next = listen();
    await settle();
    ensemble.zookeeper.deleteNode(lease.claimPath);
    await ensemble.until(lease.release());
    await settle();
    expect(next.last()).toMatchObject({ status: 'waitingOnPredecessor', position: 0 });
    await ensemble.clock.advance(DELAY_MS + 100);
    expect(next.last()?.status).toBe('held');
  });

  it('comes to the same when its answer is lost', async () => {
    const { lease } = await holder();
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.multi);
    await ensemble.until(lease.release());
    expect(nodes()).toEqual([]);
  });

  it('is repeated when it was lost on the way', async () => {
    const { lease } = await holder();
    ensemble.zookeeper.faults.loseNextRequest(({ type }) => type === opcode.multi);
    await ensemble.until(lease.release());
    expect(nodes()).toEqual([]);
  });
});

describe('whoever leaves its mark', () => {
  it.each(['loseNextReply', 'loseNextRequest', 'cutAfterNextReply'] as const)(
    'holds without a delay though that meets a fault (%s)',
    async (fault) => {
      ensemble.zookeeper.faults[fault](({ type }) => type === opcode.multi);
      expect(await waitMs(minding().acquire())).toBeLessThan(DELAY_MS);
      expect(nodes()).toHaveLength(2);
    },
  );

  it('takes it along when it gives up before it holds, whether or not it knows that it is there', async () => {
    const giveUp = new AbortController();
    const waiting = minding().acquire({ signal: giveUp.signal });
    waiting.catch(() => undefined);
    ensemble.beforeNext('multi', () => {
      ensemble.zookeeper.faults.silence();
    });
    await ensemble.clock.advance(100);
    expect(nodes()).toHaveLength(2);
    giveUp.abort(new Error('changed my mind'));
    await settle();
    ensemble.zookeeper.faults.speak();
    await ensemble.clock.advance(100);
    expect(nodes()).toEqual([]);
  });

  it('is told that somebody deleted its claim, and leaves no mark then', async () => {
    const waiting = minding().acquire();
    ensemble.beforeNext('multi', () => {
      ensemble.zookeeper.deleteNode(claims()[0] ?? '');
    });
    await expect(ensemble.until(waiting)).rejects.toMatchObject({ code: 'CLAIM_DELETED' });
    expect(nodes()).toEqual([]);
  });

  it('says in it whose it is', async () => {
    const { lease } = await holder({ owner: 'alice' });
    const client = await ensemble.outsider();
    const { data, stat } = await ensemble.until(client.getData(MARK));
    expect(JSON.parse(new TextDecoder().decode(data))).toMatchObject({
      czxid: (lease.fencingToken >> 10n).toString(),
      claim: lease.claimPath.slice(PATH.length + 1),
      owner_id: 'alice',
    });
    expect(stat.ephemeralOwner).toBe('0');
  });
});

describe('whoever waits a loss out', () => {
  it('ends by its deadline, with an error that says what it waited for, and leaves the mark to the next', async () => {
    await lost({ owner: 'alice' });
    const sinceMs = ensemble.clock.now();
    const waiting = minding({ timeoutMs: 2_000 }).acquire();
    await expect(ensemble.until(waiting, 10_000)).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: expect.stringMatching(
        /the holder before \(alice.*ended without releasing.*lossDelayMs/,
      ) as string,
    });
    expect(ensemble.clock.now() - sinceMs).toBe(2_000);
    await settle();
    expect(nodes()).toEqual([MARK]);
  });

  it('ends by the deadline of each of its acquisitions, where they are counted', async () => {
    await lost({ owner: 'alice' });
    const lock = minding({ reentrancy: 'count' });
    const waiting = lock.acquire({ owner: 'bob', timeoutMs: 2_000 });
    await expect(ensemble.until(waiting, 10_000)).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: expect.stringMatching(/alice.*ended without releasing/) as string,
    });
    await settle();
    expect(nodes()).toEqual([MARK]);
  });

  it('gives its place up when it is unsubscribed, and leaves the mark to the next', async () => {
    await lost();
    const first = listen();
    await ensemble.clock.advance(1_000);
    first.subscription.unsubscribe();
    await settle();
    expect(nodes()).toEqual([MARK]);
    expect(await waitMs(minding().acquire())).toBeGreaterThanOrEqual(DELAY_MS);
  });

  it('fails at once when somebody deletes its claim', async () => {
    await lost();
    const waiting = minding().acquire();
    waiting.catch(() => undefined);
    await ensemble.clock.advance(1_000);
    ensemble.zookeeper.deleteNode(claims()[0] ?? '');
    await expect(ensemble.until(waiting, 1_000)).rejects.toMatchObject({ code: 'CLAIM_DELETED' });
    expect(nodes()).toEqual([MARK]);
  });

  it('stands in line again when its session is lost, and goes on from when it found out', async () => {
    await lost();
    const sinceMs = ensemble.clock.now();
    const waiting = minding().acquire();
    await ensemble.clock.advance(2_000);
    ensemble.zookeeper.expireSession(newestSession());
    const tookMs = await waitMs(waiting, sinceMs);
    expect(tookMs).toBeGreaterThanOrEqual(DELAY_MS);
    expect(tookMs).toBeLessThan(DELAY_MS + 1_000);
  });

  it.each([
    [0, 'at once'],
    [2_000, 'in the middle'],
    [DELAY_MS - 1, 'as it ends'],
  ])('waits no longer for a cut after %i ms, %s', async (afterMs) => {
    await lost();
    const sinceMs = ensemble.clock.now();
    const waiting = minding().acquire();
    await ensemble.clock.advance(afterMs);
    ensemble.zookeeper.faults.cut();
    const tookMs = await waitMs(waiting, sinceMs);
    expect(tookMs).toBeGreaterThanOrEqual(DELAY_MS);
    expect(tookMs).toBeLessThan(DELAY_MS + 1_500);
  });

  it.each(['multi', 'sync', 'getData'] as const)(
    'waits neither less nor much longer though the first or the second %s is not answered',
    async (request) => {
      for (const fault of ['loseNextReply', 'loseNextRequest'] as const) {
        for (const skip of [0, 1]) {
          await lost();
          let left = skip;
          ensemble.zookeeper.faults[fault](({ type }) => type === opcode[request] && (left -= 1) < 0);
          const sinceMs = ensemble.clock.now();
          const waiting = minding().acquire();
          await ensemble.until(waiting, 60_000);
          const tookMs = ensemble.clock.now() - sinceMs;
          expect(tookMs, `${fault} ${skip}`).toBeGreaterThanOrEqual(DELAY_MS);
          expect(tookMs, `${fault} ${skip}`).toBeLessThan(DELAY_MS + 1_500);
          await ensemble.until((await waiting).release());
          expect(nodes()).toEqual([]);
        }
      }
    },
  );

  it('holds without waiting on when somebody deletes the mark and puts none there', async () => {
    await lost();
    const first = listen();
    await ensemble.clock.advance(1_000);
    ensemble.zookeeper.deleteNode(MARK);
    // It is looked at when the time is over, or at the next reconnect.
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(1_500);
    expect(first.last()?.status).toBe('held');
  });

  it('waits out a mark that says nothing, and one that it may not read', async () => {
    const client = await ensemble.outsider();
    await ensemble.until((await ensemble.until(minding().acquire())).release());
    await ensemble.until(client.create(MARK, new TextEncoder().encode('what?')));
    const lease = minding().acquire();
    expect(await waitMs(lease)).toBeGreaterThanOrEqual(DELAY_MS);
    await ensemble.until((await lease).release());
    const acl = [{ permissions: 31, scheme: 'digest', id: 'ann:zz7ZZgNAhIpBM2dfgzU6F5iY9rk=' }];
    await ensemble.until(client.create(MARK, new Uint8Array(0), { acl }));
    const first = listen();
    await ensemble.clock.advance(1_000);
    expect(first.last()).toMatchObject({ predecessor: { path: MARK, readable: false } });
    await ensemble.clock.advance(DELAY_MS);
    expect(first.last()?.status).toBe('held');
  });

  it('does not, when it would not wait; but a session that asks again and again has waited in the end', async () => {
    await lost();
    const lock = minding();
    const sinceMs = ensemble.clock.now();
    let lease = await ensemble.until(lock.tryAcquire());
    expect(lease).toBeNull();
    while (lease === null) {
      expect(claims()).toEqual([]);
      await ensemble.clock.advance(500);
      lease = await ensemble.until(lock.tryAcquire());
    }
    expect(ensemble.clock.now() - sinceMs).toBeGreaterThanOrEqual(DELAY_MS);
    expect(ensemble.clock.now() - sinceMs).toBeLessThan(DELAY_MS + 1_000);
  });
});

it('a lock is refused the option at the call where the client has no transactions', () => {
  const factory = ensemble.zookeeper.client();
  const session = ensemble.session({
    client: (options) => {
      const client = factory(options);
      return Object.defineProperty(client, 'capabilities', {
        value: { ...client.capabilities, multi: false },
      });
    },
  });
  expect(() => minding({}, session)).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/lossDelayMs is 5000: .*transactions.*wire client/) as string,
    }),
  );
});

describe('a mark', () => {
  it('stands in nobody’s line, and is no stranger there', async () => {
    await lost();
    const session = ensemble.session();
    const watcher = session.lock(PATH);
    const entries = await ensemble.until(watcher.entries());
    expect(entries.ids).toEqual([]);
    const lines = await ensemble.until(session.linesUnder('/locks'));
    expect(lines).toEqual([]);
    const seen: { readonly contenders: number; readonly foreign: readonly string[] }[] = [];
    const watching = session.contention(PATH).subscribe(({ contenders, foreign }) => {
      seen.push({ contenders: contenders.length, foreign });
    });
    await settle();
    const lease = await ensemble.until(minding().acquire(), 60_000);
    await ensemble.until(lease.release());
    await settle();
    watching.unsubscribe();
    expect(seen).toEqual([0, 1, 0].map((contenders) => ({ contenders, foreign: [] })));
    await expect(ensemble.until(session.breakClaim(MARK, { by: 'ops' }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('keeps its lock path from being reaped, and lets it be when it is gone', async () => {
    await lost();
    expect(ensemble.zookeeper.faults.reapContainers()).toBe(0);
    const lease = await ensemble.until(minding().acquire(), 60_000);
    await ensemble.until(lease.release());
    expect(ensemble.zookeeper.faults.reapContainers()).toBeGreaterThan(0);
    expect(nodes()).toEqual([]);
  });
});
