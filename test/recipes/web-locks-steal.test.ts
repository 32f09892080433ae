/** A web lock is stolen: who is robbed, who waits on, and what becomes of a thief on a bad day. In virtual time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session, WebLock, WebLockMode } from '../../src/index.js';
import { opcode } from '../../src/zookeeper/records.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';
import { minded, work } from './web-lock-work.js';

const STEAL = { steal: true } as const;

let ensemble: VirtualEnsemble;
let ada: Session;
let bob: Session;
let eve: Session;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
  [ada, bob, eve] = [ensemble.session(), ensemble.session(), ensemble.session()];
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const settle = () => ensemble.clock.advance(50);
const claims = () => ensemble.zookeeper.nodes().filter(({ ephemeralOwner }) => ephemeralOwner !== '0');
const isTransaction = ({ type }: { readonly type: number }) => type === opcode.multi;

/** Asks for `orders`, and lets everything arrive. */
async function asked(session: Session, options: { mode?: WebLockMode; steal?: boolean } = {}) {
  const { callback, seen, finish } = work('done');
  const promise = minded(session.locks.request('orders', options, callback));
  await settle();
  return { promise, seen, finish, token: () => seen[0]?.fencingToken ?? 0n };
}
const begun = (all: readonly { readonly seen: readonly unknown[] }[]) => all.map(({ seen }) => seen.length);
const robbed = {
  name: 'AbortError',
  cause: { code: 'LOCK_LOST', reason: 'node-deleted' },
};

describe('a thief', () => {
  it('holds at once, ahead of those who wait, and whom it robs hears an AbortError', async () => {
    const holder = await asked(ada);
    const waiting = await asked(bob);
    const thief = await asked(eve, STEAL);
    expect(begun([holder, waiting, thief])).toEqual([1, 0, 1]);
    await expect(ensemble.until(holder.promise)).rejects.toMatchObject(robbed);
    expect(holder.seen[0]?.signal.aborted).toBe(true);
    thief.finish();
    expect(await ensemble.until(thief.promise)).toBe('done');
    await settle();
    expect(begun([waiting])).toEqual([1]);
    waiting.finish();
    expect(await ensemble.until(waiting.promise)).toBe('done');
  });

  it('has a larger token than whom it robs, and a smaller one than those who asked before it and hold after it', async () => {
    const holder = await asked(ada);
    const waiting = await asked(bob);
    const thief = await asked(eve, STEAL);
    thief.finish();
    await ensemble.until(thief.promise);
    await settle();
    expect(thief.token()).toBeGreaterThan(holder.token());
    expect(waiting.token()).toBeGreaterThan(thief.token());
    waiting.finish();
    await ensemble.until(waiting.promise);
  });

  it('leaves a callback that it robs to its work, and the line to those who wait', async () => {
    const holder = await asked(ada);
    const thief = await asked(eve, STEAL);
    expect(claims()).toHaveLength(1);
    holder.finish();
    await settle();
    expect(claims()).toHaveLength(1);
    thief.finish();
    await ensemble.until(thief.promise);
    expect(claims()).toEqual([]);
  });

  it('robs all who share, and nobody who waits behind them', async () => {
    const readers = [await asked(ada, { mode: 'shared' }), await asked(bob, { mode: 'shared' })];
    const waiting = [await asked(ada), await asked(bob, { mode: 'shared' })];
    const thief = await asked(eve, STEAL);
    for (const { promise } of readers)
      await expect(ensemble.until(promise)).rejects.toMatchObject({ name: 'AbortError' });
    expect(begun([...waiting, thief])).toEqual([0, 0, 1]);
    for (const each of [thief, ...waiting]) {
      each.finish();
      expect(await ensemble.until(each.promise)).toBe('done');
    }
  });

  it('waits for nobody where nobody holds, and is served like any other', async () => {
    const thief = await asked(eve, STEAL);
    const next = await asked(ada);
    expect(begun([thief, next])).toEqual([1, 0]);
    thief.finish();
    next.finish();
    expect(await ensemble.until(Promise.all([thief.promise, next.promise]))).toEqual(['done', 'done']);
  });

  it('is robbed by the next one, also one of its own session', async () => {
    const first = await asked(eve, STEAL);
    const second = await asked(bob, STEAL);
    const third = await asked(bob, STEAL);
    for (const { promise } of [first, second])
      await expect(ensemble.until(promise)).rejects.toMatchObject(robbed);
    expect([first, second, third].map(({ token }) => token())).toEqual(
      [first, second, third].map(({ token }) => token()).sort((a, b) => (a < b ? -1 : 1)),
    );
    third.finish();
    await ensemble.until(third.promise);
    expect(claims()).toEqual([]);
  });

  it('is one of many at the same moment, of whom one holds at last and each other one is robbed', async () => {
    const holder = await asked(ada);
    const thieves = [ada, bob, eve, ada, bob, eve].map((session) => {
      const { callback, seen, finish } = work('done');
      return { promise: minded(session.locks.request('orders', STEAL, callback)), seen, finish };
    });
    await ensemble.clock.advance(2_000);
    const { held, pending } = await ensemble.until(ada.locks.query());
    expect([held.length, pending.length, claims().length]).toEqual([1, 0, 1]);
    for (const { finish } of thieves) finish();
    const outcomes = await ensemble.until(Promise.allSettled(thieves.map(({ promise }) => promise)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ name: 'AbortError' });
    await expect(holder.promise).rejects.toMatchObject(robbed);
  });

  it('is in the snapshot as the holder, and who waits behind it as pending, in order', async () => {
    await asked(ada);
    const waiting = [await asked(bob), await asked(ada, { mode: 'shared' })];
    const thief = await asked(eve, STEAL);
    const { held, pending } = await ensemble.until(bob.locks.query());
    expect(held).toHaveLength(1);
    expect(held[0]).toMatchObject({ name: 'orders', mode: 'exclusive' });
    expect(pending.map(({ mode }) => mode)).toEqual(['exclusive', 'shared']);
    for (const each of [thief, ...waiting]) each.finish();
    await ensemble.until(Promise.all([thief, ...waiting].map(({ promise }) => promise)));
  });

  it('is first also where the numbers are at their end', async () => {
    const late = await VirtualEnsemble.start({ faults: { sequenceStart: 2_147_483_645 } });
    const session = late.session();
    const order: string[] = [];
    const tokens: bigint[] = [];
    const promises: Promise<unknown>[] = [];
    const ask = async (name: string, options: object, until?: Promise<unknown>) => {
      const callback = (lock: WebLock | null) => {
        order.push(name);
        tokens.push(lock?.fencingToken ?? 0n);
        return until;
      };
      promises.push(minded(session.locks.request('orders', options, callback)));
      await late.clock.advance(200);
    };
    const [held, stolen] = [work('held'), work('stolen')];
    await ask('holder', {}, held.callback(null));
    for (const name of ['second', 'third', 'fourth']) await ask(name, {});
    await ask('thief', STEAL, stolen.callback(null));
    await ask('last', {});
    expect(order).toEqual(['holder', 'thief']);
    stolen.finish();
    await late.until(Promise.allSettled(promises));
    expect(order).toEqual(['holder', 'thief', 'second', 'third', 'fourth', 'last']);
    expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)));
    await late[Symbol.asyncDispose]();
  });
});

/** The next transaction is applied, nobody hears of it, and whoever asked stays cut off. */
function loseTransactionAndConnection(): void {
  const { faults } = ensemble.zookeeper;
  faults.loseNextReply((request) => {
    if (!isTransaction(request)) return false;
    faults.refuseConnections(true);
    return true;
  });
}

describe('a thief on a bad day', () => {
  it.each(['loseNextReply', 'loseNextRequest'] as const)(
    'whose transaction goes unanswered (%s) looks what came of it, and holds once',
    async (fault) => {
      const holder = await asked(ada);
      const waiting = await asked(bob);
      ensemble.zookeeper.faults[fault](isTransaction);
      const thief = await asked(eve, STEAL);
      await ensemble.clock.advance(3_000);
      expect(begun([holder, waiting, thief])).toEqual([1, 0, 1]);
      await expect(ensemble.until(holder.promise)).rejects.toMatchObject(robbed);
      thief.finish();
      await ensemble.until(thief.promise);
      await settle();
      waiting.finish();
      await ensemble.until(waiting.promise);
      expect(claims()).toEqual([]);
    },
  );

  it('whose session ends before it knows rejects with AbortError, robs nobody else, and leaves nothing', async () => {
    await asked(ada);
    const waiting = await asked(bob);
    const before = new Set(claims().map(({ ephemeralOwner }) => ephemeralOwner));
    loseTransactionAndConnection();
    const { promise, seen } = await asked(eve, STEAL);
    const session = claims().find(({ ephemeralOwner }) => !before.has(ephemeralOwner))?.ephemeralOwner ?? '';
    ensemble.zookeeper.expireSession(session);
    ensemble.zookeeper.faults.refuseConnections(false);
    await expect(ensemble.until(promise)).rejects.toMatchObject({
      name: 'AbortError',
      cause: { code: 'LOCK_LOST', reason: 'session-expired' },
    });
    await ensemble.clock.advance(3_000);
    expect([seen.length, ...begun([waiting])]).toEqual([0, 1]);
    expect(claims()).toHaveLength(1);
    waiting.finish();
    await ensemble.until(waiting.promise);
  });

  it('that is robbed before it knows that it held rejects with AbortError, and robs nobody back', async () => {
    await asked(ada);
    loseTransactionAndConnection();
    const first = await asked(eve, STEAL);
    const second = await asked(bob, STEAL);
    expect(begun([first, second])).toEqual([0, 1]);
    ensemble.zookeeper.faults.refuseConnections(false);
    await expect(ensemble.until(first.promise)).rejects.toMatchObject({
      name: 'AbortError',
      cause: { code: 'CLAIM_DELETED' },
    });
    await settle();
    expect(second.seen[0]?.signal.aborted).toBe(false);
    second.finish();
    expect(await ensemble.until(second.promise)).toBe('done');
  });

  it('finds that its victim has just left, and robs who holds now', async () => {
    const holder = await asked(ada);
    const next = await asked(bob);
    const [held] = claims();
    ensemble.beforeNext('multi', () => ensemble.zookeeper.expireSession(held?.ephemeralOwner ?? ''));
    const thief = await asked(eve, STEAL);
    await ensemble.clock.advance(500);
    expect(begun([thief])).toEqual([1]);
    for (const { promise } of [holder, next])
      await expect(ensemble.until(promise)).rejects.toMatchObject({ name: 'AbortError' });
    thief.finish();
    await ensemble.until(thief.promise);
    expect(claims()).toEqual([]);
  });

  it('robs the reader too who begins to read because a writer left in that moment', async () => {
    const reading = await asked(ada, { mode: 'shared' });
    await asked(bob);
    const writer = claims().at(-1);
    const behind = await asked(ada, { mode: 'shared' });
    ensemble.beforeNext('multi', () => ensemble.zookeeper.expireSession(writer?.ephemeralOwner ?? ''));
    const thief = await asked(eve, STEAL);
    await ensemble.clock.advance(500);
    expect(begun([thief])).toEqual([1]);
    for (const { promise } of [reading, behind])
      await expect(ensemble.until(promise)).rejects.toMatchObject({ name: 'AbortError' });
    thief.finish();
    await ensemble.until(thief.promise);
  });

  it('leaves a line alone where a plain lock stands, and takes its own claim back', async () => {
    const plain = await ensemble.until(ada.lock('/web-locks/orders').acquire());
    await expect(ensemble.until((await asked(eve, STEAL)).promise)).rejects.toMatchObject({
      code: 'LOCKING_FAILED',
      message: expect.stringContaining('plain lock') as string,
    });
    await settle();
    expect(claims().map(({ path }) => path)).toEqual([plain.claimPath]);
    expect(plain.isHeld()).toBe(true);
    await ensemble.until(plain.release());
  });

  it('with a client that has no transactions is refused with NotSupportedError', async () => {
    const factory = ensemble.zookeeper.client();
    const session = ensemble.session({
      client: (options) => {
        const client = factory(options);
        Object.defineProperty(client, 'capabilities', { value: { ...client.capabilities, multi: false } });
        return client;
      },
    });
    await expect(session.locks.request('orders', STEAL, () => 1)).rejects.toMatchObject({
      name: 'NotSupportedError',
    });
    expect(await ensemble.until(session.locks.request('orders', () => 1))).toBe(1);
  });
});

describe('the grant', () => {
  it('is written again when its answer is lost, and the callback is called once', async () => {
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.setData);
    const holder = await asked(ada);
    await ensemble.clock.advance(3_000);
    expect(begun([holder])).toEqual([1]);
    const thief = await asked(eve, STEAL);
    expect(thief.token()).toBeGreaterThan(holder.token());
    thief.finish();
    await ensemble.until(thief.promise);
  });

  it('that comes too late, for somebody stole the lock, calls no callback', async () => {
    const second = ensemble.session();
    await settle();
    let thief: Promise<unknown> = Promise.resolve();
    const stolen = work('stolen');
    const { callback, seen } = work('never');
    ensemble.beforeNext('setData', () => {
      const [claim] = claims();
      ensemble.zookeeper.expireSession(claim?.ephemeralOwner ?? '');
      thief = minded(second.locks.request('orders', STEAL, stolen.callback));
    });
    const late = minded(ada.locks.request('orders', callback));
    await expect(ensemble.until(late)).rejects.toMatchObject({ name: 'AbortError' });
    await settle();
    expect([seen.length, stolen.seen.length]).toEqual([0, 1]);
    stolen.finish();
    await ensemble.until(thief);
  });

  it('is not waited for by whoever gives up, whose reason is handed on as it is', async () => {
    const controller = new AbortController();
    ensemble.beforeNext('setData', () => {
      ensemble.zookeeper.faults.silence();
    });
    const { callback, seen } = work('never');
    const request = minded(ada.locks.request('orders', { signal: controller.signal }, callback));
    await ensemble.clock.advance(1_000);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(request).rejects.toBe(reason);
    ensemble.zookeeper.faults.speak();
    await ensemble.clock.advance(1_000);
    expect([seen, claims()]).toEqual([[], []]);
  });

  it('of a request with the signal of a lease rejects with the very reason of that one', async () => {
    const lease = await ensemble.until(bob.lock('/locks/a').acquire());
    const holder = await asked(ada);
    const waiting = minded(ada.locks.request('orders', { signal: lease.signal }, () => 'never'));
    await settle();
    await ensemble.until(eve.breakClaim(lease.claimPath, { by: 'ops' }));
    await settle();
    await expect(waiting).rejects.toBe(lease.signal.reason);
    holder.finish();
    await ensemble.until(holder.promise);
  });
});

describe('a name', () => {
  it('may have a thousand letters; one that is too long for a path is refused', async () => {
    const long = 'ä'.repeat(170);
    expect(await ensemble.until(ada.locks.request(long, (lock) => lock?.name === long))).toBe(true);
    for (const name of ['ä'.repeat(171), 'x'.repeat(1_025), 'x'.repeat(1 << 20)])
      await expect(ada.locks.request(name, () => 1)).rejects.toMatchObject({ name: 'NotSupportedError' });
    expect(await ensemble.until(ada.locks.request('x'.repeat(1_024), () => 1))).toBe(1);
  });
});
