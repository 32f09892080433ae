/** Asking a holder to give up, and what becomes of one that does not. In virtual time, on the embedded ZooKeeper. */
import type { Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Lease,
  type Ownership,
  RevokeRequestedError,
  type Session,
  type WebLock,
} from '../../src/index.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';
const REQUEST = { by: 'ops', why: 'maintenance', graceMs: 5_000 };

let ensemble: VirtualEnsemble;
let operator: Session;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
  operator = ensemble.session();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

/** A holder, and what it hears; `hears` is called with each request. */
async function holder(lock: Observable<Ownership>, hears: (lease: Lease) => void = () => undefined) {
  const heard: Ownership[] = [];
  const subscription = lock.subscribe({
    next: (ownership) => {
      heard.push(ownership);
      if (ownership.status === 'held' && ownership.revokeRequested !== null) hears(ownership.lease);
    },
    error: () => undefined,
  });
  await ensemble.clock.advance(300);
  return { heard, subscription, requests: () => requestsIn(heard) };
}

const requestsIn = (heard: readonly Ownership[]) =>
  heard.flatMap((each) => (each.status === 'held' && each.revokeRequested ? [each.revokeRequested] : []));
const onlyClaim = () => ensemble.claims(PATH)[0] ?? '';
const said = (claim: string) => ensemble.until(operator.readClaim(claim));
const audits = () => ensemble.claims('/holdfast/audit');
const REQUESTED = '/holdfast/audit/revoke-0000000000';

describe('a holder that is asked to give up', () => {
  it('hears who asks and why, and has done so when it lets go within the grace: nothing is broken', async () => {
    const { heard, requests } = await holder(ensemble.lock(PATH), (lease) => void lease.release());
    expect(await ensemble.until(operator.revoke(onlyClaim(), REQUEST))).toBeNull();
    expect(requests()).toEqual([REQUEST]);
    await ensemble.clock.settle();
    expect(heard.at(-1)).toEqual({ status: 'released' });
    expect(audits()).toEqual([REQUESTED]);
    expect(JSON.parse((await said(REQUESTED)) ?? '')).toMatchObject({ by: 'ops', why: 'maintenance' });
  });

  it('loses the claim when the grace is over, hears that it was revoked, and the audit says by whom', async () => {
    const { heard } = await holder(ensemble.lock(PATH));
    const next = ensemble.lock(PATH).acquire();
    await ensemble.clock.settle();
    const claim = onlyClaim();
    const revoking = operator.revoke(claim, REQUEST);
    await ensemble.clock.advance(4_900);
    expect(heard.at(-1)?.status).toBe('held');
    const entry = await ensemble.until(revoking);
    expect(entry).toMatchObject({ claim, by: 'ops', why: 'maintenance' });
    expect(audits().sort()).toEqual([entry?.path, REQUESTED]);
    await ensemble.clock.settle();
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'revoked' });
    expect((await ensemble.until(next)).isHeld()).toBe(true);
  });

  it('finds out by its lease as well that it was revoked', async () => {
    const leases: Lease[] = [];
    await holder(ensemble.lock(PATH), (lease) => leases.push(lease));
    await ensemble.until(operator.revoke(onlyClaim(), { ...REQUEST, graceMs: 100 }));
    await ensemble.clock.settle();
    expect(() => leases[0]?.assertHeld()).toThrow('revoked');
  });

  it('that was cut off when it was asked hears it once it is back', async () => {
    const { requests, heard } = await holder(ensemble.lock(PATH));
    const claim = onlyClaim();
    const session = ensemble.zookeeper.nodes().find(({ path }) => path === claim)?.ephemeralOwner;
    await ensemble.until(operator.readClaim(claim));
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut(session);
    await ensemble.clock.settle();
    const revoking = operator.revoke(claim, REQUEST);
    await ensemble.clock.settle();
    expect(requests()).toEqual([]);
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.until(revoking);
    await ensemble.clock.settle();
    expect(requests().at(-1)).toEqual(REQUEST);
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'revoked' });
  });

  it('hears a request of the time when it waited as soon as it holds', async () => {
    const first = await ensemble.held(PATH);
    const { heard, requests } = await holder(ensemble.lock(PATH));
    const waiting = ensemble.claims(PATH).find((path) => path !== first.claimPath) ?? '';
    const revoking = operator.revoke(waiting, REQUEST);
    await ensemble.clock.settle();
    await ensemble.until(first.release());
    await ensemble.clock.settle();
    expect(requests()).toEqual([REQUEST]);
    await ensemble.until(revoking);
    await ensemble.clock.settle();
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'revoked' });
  });

  it('keeps the request in its claim when it renews, which does not save it', async () => {
    let renewed: Promise<void> = Promise.resolve();
    const { heard, requests } = await holder(ensemble.lock(PATH, { ttlMs: 60_000 }), (lease) => {
      renewed = lease.renew();
    });
    const claim = onlyClaim();
    const revoking = operator.revoke(claim, REQUEST);
    await ensemble.clock.settle();
    await renewed;
    expect(JSON.parse((await said(claim)) ?? '')).toMatchObject({ revoke: REQUEST, ttl_ms: 60_000 });
    expect(await ensemble.until(revoking)).toMatchObject({ by: 'ops' });
    await ensemble.clock.settle();
    expect(requests()).toEqual([REQUEST]);
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'revoked' });
  });

  it('of several locks hears it when one of them is asked for, and loses all', async () => {
    const heard: Ownership<unknown>[] = [];
    ensemble
      .session()
      .multiLock(['/locks/a', '/locks/b'])
      .subscribe({ next: (ownership) => heard.push(ownership), error: () => undefined });
    await ensemble.clock.advance(300);
    const [claim = ''] = ensemble.claims('/locks/b');
    await ensemble.until(operator.revoke(claim, { ...REQUEST, graceMs: 1_000 }));
    await ensemble.clock.settle();
    expect(heard).toContainEqual(
      expect.objectContaining({ status: 'held', revokeRequested: { ...REQUEST, graceMs: 1_000 } }),
    );
    expect(heard.at(-1)).toMatchObject({ status: 'expired', reason: 'revoked' });
    expect(ensemble.claims('/locks/a')).toEqual([]);
  });

  it('hears it as well when its claim outlives sessions, once, whatever else is written to the claim', async () => {
    const lock = ensemble.session().lock(PATH, { ephemeral: false, owner: 'ada', ttlMs: 60_000 });
    let renewed: Promise<void> = Promise.resolve();
    const { heard, requests } = await holder(lock, (lease) => {
      renewed = lease.renew();
    });
    const revoking = operator.revoke(onlyClaim(), REQUEST);
    await ensemble.clock.settle();
    await ensemble.until(renewed);
    expect(await ensemble.until(revoking)).toMatchObject({ owner: 'ada' });
    await ensemble.clock.settle();
    expect(requests()).toEqual([REQUEST]);
    expect(heard.at(-1)).toMatchObject({ status: 'expired', reason: 'revoked' });
  });

  it('and one whose claim is broken without a word are told apart', async () => {
    const { heard } = await holder(ensemble.lock(PATH));
    await ensemble.until(operator.breakClaim(onlyClaim(), { by: 'ops' }));
    await ensemble.clock.settle();
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'node-deleted' });
  });
});

describe('a lease that nobody subscribed for', () => {
  /** What becomes of it is told by others. */
  const ask = (claim: string, request: object = {}) => {
    operator.revoke(claim, { ...REQUEST, ...request }).catch(() => undefined);
    return ensemble.clock.settle();
  };

  it('says who asks for it, aborts its revokeSignal with that, and is held until it is released', async () => {
    const lease = await ensemble.held(PATH);
    const { revokeSignal } = lease;
    await ensemble.clock.settle();
    expect([lease.revokeRequested, revokeSignal.aborted]).toEqual([null, false]);
    revokeSignal.addEventListener('abort', () => void lease.release());
    const revoking = operator.revoke(lease.claimPath, REQUEST);
    expect(await ensemble.until(revoking)).toBeNull();
    expect(lease.revokeRequested).toEqual(REQUEST);
    expect(revokeSignal.reason).toBeInstanceOf(RevokeRequestedError);
    expect(revokeSignal.reason).toMatchObject({ code: 'REVOKE_REQUESTED', path: PATH, ...REQUEST });
    expect(String(revokeSignal.reason)).toContain('ops asks for /locks/orders (maintenance)');
    expect(lease.signal.aborted).toBe(false);
  });

  it('has aborted for whoever asks for the signal late, and says the last request of several', async () => {
    const lease = await ensemble.held(PATH);
    await ensemble.clock.settle();
    await ask(lease.claimPath);
    await ask(lease.claimPath, { by: 'eve', why: '' });
    await ensemble.clock.advance(50);
    expect(lease.isHeld()).toBe(true);
    expect(lease.revokeSignal.aborted).toBe(true);
    expect(lease.revokeRequested).toMatchObject({ by: 'eve' });
    await ensemble.until(lease.release());
  });

  it('says a request of the time when it waited', async () => {
    const first = await ensemble.held(PATH);
    const waiting = ensemble.lock(PATH).acquire();
    await ensemble.clock.advance(300);
    await ask(ensemble.claims(PATH).find((path) => path !== first.claimPath) ?? '');
    await ensemble.until(first.release());
    const lease = await ensemble.until(waiting);
    expect(lease.revokeRequested).toEqual(REQUEST);
    expect(lease.revokeSignal.aborted).toBe(true);
    await ensemble.until(lease.release());
  });

  it.each([
    [
      'that shares its grant',
      async () => {
        const lock = ensemble.lock(PATH, { reentrancy: 'count', owner: 'ada' });
        await ensemble.until(lock.acquire());
        return ensemble.until(lock.acquire());
      },
    ],
    [
      'that outlives its session',
      () => ensemble.until(ensemble.session().lock(PATH, { ephemeral: false, owner: 'ada' }).acquire()),
    ],
    ['of several locks', () => ensemble.until(ensemble.session().multiLock(['/locks/a', PATH]).acquire())],
  ])('%s hears it too', async (_, acquire) => {
    const lease = await acquire();
    const heard: unknown[] = [];
    lease.revokeSignal.addEventListener('abort', () => heard.push(lease.revokeSignal.reason));
    await ensemble.clock.advance(50);
    await ask(onlyClaim());
    await ensemble.clock.advance(50);
    expect(heard).toMatchObject([{ code: 'REVOKE_REQUESTED', by: 'ops' }]);
    expect(lease.revokeRequested).toEqual(REQUEST);
    await ensemble.until(lease.release());
  });

  it('of a web lock hears it in its callback', async () => {
    const { locks } = ensemble.session();
    const heard = locks.request('orders', async (lock) => {
      const { revokeSignal } = lock as WebLock;
      await new Promise((resolve) => {
        revokeSignal.addEventListener('abort', resolve, { once: true });
      });
      return (revokeSignal.reason as RevokeRequestedError).by;
    });
    await ensemble.clock.advance(50);
    await ensemble.until(operator.revoke(ensemble.claims('/web-locks/orders')[0] ?? '', REQUEST));
    expect(await ensemble.until(heard)).toBe('ops');
  });
});

describe('between this package and Curator', () => {
  it.each([undefined, 60_000])(
    '__REVOKE__ is heard, and what our claim said is put back (ttl %s)',
    async (ttlMs) => {
      const options = ttlMs === undefined ? { owner: 'ada' } : { owner: 'ada', ttlMs };
      const { requests } = await holder(ensemble.lock(PATH, options));
      const other = await ensemble.outsider();
      const claim = onlyClaim();
      const before = JSON.parse((await said(claim)) ?? '') as object;
      await ensemble.until(other.setData(claim, new TextEncoder().encode('__REVOKE__'), -1));
      await ensemble.clock.settle();
      expect(requests()).toEqual([{ by: 'a client of Curator', why: '' }]);
      expect(JSON.parse((await said(claim)) ?? '')).toEqual({
        ...before,
        revoke: { by: 'a client of Curator', why: '' },
      });
    },
  );

  it.each([
    ['an address', '192.168.0.1'],
    ['nothing', ''],
    ['what nobody can parse', '{"half'],
  ])('__REVOKE__ is what a claim that says %s gets', async (_, data) => {
    const other = await ensemble.outsider();
    await ensemble.held(PATH).then((lease) => ensemble.until(lease.release()));
    const { path } = await ensemble.until(
      other.create(`${PATH}/_c_00000000-0000-4000-8000-000000000000-lock-`, new TextEncoder().encode(data), {
        mode: 'ephemeralSequential',
      }),
    );
    const revoking = operator.revoke(path, REQUEST);
    await ensemble.clock.settle();
    expect(await said(path)).toBe('__REVOKE__');
    expect(await ensemble.until(revoking)).toMatchObject({ claim: path, owner: undefined });
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('a claim of the Go package keeps what it says', async () => {
    const other = await ensemble.outsider();
    await ensemble.held(PATH).then((lease) => ensemble.until(lease.release()));
    const go = {
      timestamp: '2026-11-23T10:00:00.123456789Z',
      ttl_deadline: '2026-11-23T10:00:30.123456789Z',
      owner_id: 'broker-7',
    };
    const { path } = await ensemble.until(
      other.create(`${PATH}/lock-`, new TextEncoder().encode(JSON.stringify(go)), {
        mode: 'ephemeralSequential',
      }),
    );
    const revoking = operator.revoke(path, REQUEST);
    await ensemble.clock.settle();
    expect(JSON.parse((await said(path)) ?? '')).toEqual({ ...go, revoke: REQUEST });
    expect(await ensemble.until(revoking)).toMatchObject({ owner: 'broker-7' });
  });
});

describe('revoke', () => {
  it('of a claim that has gone says so, and leaves nothing', async () => {
    const lease = await ensemble.held(PATH);
    await ensemble.until(lease.release());
    await expect(ensemble.until(operator.revoke(lease.claimPath, REQUEST))).rejects.toMatchObject({
      code: 'CLAIM_GONE',
    });
    expect([ensemble.claims(PATH), audits()]).toEqual([[], []]);
  });

  it('breaks nothing when its own session is closed within the grace', async () => {
    const lease = await ensemble.held(PATH);
    const revoking = operator.revoke(lease.claimPath, REQUEST);
    const outcome = expect(revoking).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    await ensemble.clock.advance(1_000);
    await ensemble.until(operator.close());
    await outcome;
    await ensemble.clock.advance(10_000);
    expect(lease.isHeld()).toBe(true);
  });

  it('says when it has asked, and goes on over a cut of its own connection', async () => {
    const lease = await ensemble.held(PATH);
    let asked = false;
    const onAsked = () => {
      asked = true;
    };
    const revoking = operator.revoke(lease.claimPath, { ...REQUEST, onAsked });
    await ensemble.clock.settle();
    expect(asked).toBe(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(1_000);
    await ensemble.until(lease.release());
    expect(await ensemble.until(revoking, 2_000)).toBeNull();
  });

  it.each([
    ['/locks/orders/', REQUEST, 'claim'],
    ['/locks/orders/lock-0000000001', { ...REQUEST, by: '' }, 'by'],
    ['/locks/orders/lock-0000000001', { ...REQUEST, graceMs: -1 }, 'graceMs'],
    ['/locks/orders/lock-0000000001', { ...REQUEST, why: 7 }, 'why'],
    ['/locks/orders/lock-0000000001', null, 'options'],
  ])('refuses %j with %j: %s cannot be meant', async (claim, options, name) => {
    await expect(operator.revoke(claim, options as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(name) as string,
    });
  });
});
