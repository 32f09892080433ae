/** `session.locks` does what the W3C's Web Locks say, for several sessions. In virtual time, on the embedded ZooKeeper. */
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import type { Session, WebLockManager } from '../../src/index.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';
import { minded, work } from './web-lock-work.js';

let ensemble: VirtualEnsemble;
let here: Session;
let there: Session;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
  here = ensemble.session();
  there = ensemble.session();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const settle = () => ensemble.clock.advance(50);
const claims = () => ensemble.zookeeper.nodes().filter(({ ephemeralOwner }) => ephemeralOwner !== '0');

describe('a request', () => {
  it('may be written for navigator.locks', async () => {
    expectTypeOf<WebLockManager>().toExtend<LockManager>();
    const manager: LockManager = here.locks;
    expect(await ensemble.until(manager.request('orders', (lock) => lock?.name))).toBe('orders');
  });

  it('holds until what its callback returned settles, and gives what that gives', async () => {
    const first = work('one');
    const second = work('two');
    const one = here.locks.request('orders', first.callback);
    await settle();
    const two = there.locks.request('orders', second.callback);
    await settle();
    expect([first.seen.length, second.seen.length]).toEqual([1, 0]);
    expect(first.seen[0]).toMatchObject({ name: 'orders', mode: 'exclusive' });
    first.finish();
    expect(await ensemble.until(one)).toBe('one');
    await settle();
    expect(second.seen).toHaveLength(1);
    second.finish();
    expect(await ensemble.until(two)).toBe('two');
    expect(claims()).toEqual([]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('passes on what its callback %s, and has given the lock back by then', async (_, callback) => {
    await expect(ensemble.until(minded(here.locks.request('orders', callback)))).rejects.toThrow('mine');
    expect(claims()).toEqual([]);
  });

  it('passes on an error of this package that its callback rejects with as it is', async () => {
    const lease = await ensemble.until(there.lock('/locks/a').acquire({ owner: 'ada' }));
    const callback = () =>
      lease.release().then(() => {
        lease.assertHeld();
      });
    await expect(ensemble.until(minded(here.locks.request('orders', callback)))).rejects.toMatchObject({
      code: 'LOCK_LOST',
    });
  });

  it('that is shared is held together with others like it, an exclusive one alone, in the order of asking', async () => {
    const [a, b, c, d] = [work(1), work(2), work(3), work(4)];
    const requests = [];
    for (const [session, mode, { callback }] of [
      [here, 'shared', a],
      [there, 'shared', b],
      [here, 'exclusive', c],
      [there, 'shared', d],
    ] as const) {
      requests.push(session.locks.request('orders', { mode }, callback));
      await settle();
    }
    const begun = () => [a, b, c, d].map(({ seen }) => seen.length);
    expect(begun()).toEqual([1, 1, 0, 0]);
    a.finish();
    b.finish();
    await settle();
    expect(begun()).toEqual([1, 1, 1, 0]);
    c.finish();
    await settle();
    expect(begun()).toEqual([1, 1, 1, 1]);
    d.finish();
    expect(await ensemble.until(Promise.all(requests))).toEqual([1, 2, 3, 4]);
  });

  it('with ifAvailable gets null where somebody is ahead, and leaves nothing in line', async () => {
    const holding = work('held');
    const held = here.locks.request('orders', holding.callback);
    await settle();
    const given: unknown[] = [];
    const result = await ensemble.until(
      there.locks.request('orders', { ifAvailable: true }, (lock) => {
        given.push(lock);
        return 'without';
      }),
    );
    expect([given, result, claims()]).toMatchObject([[null], 'without', [{}]]);
    holding.finish();
    await ensemble.until(held);
    const free = await ensemble.until(
      there.locks.request('orders', { ifAvailable: true }, (lock) => lock?.mode),
    );
    expect(free).toBe('exclusive');
  });

  it('whose signal aborts before the grant rejects with the reason, and leaves the line', async () => {
    const holding = work('held');
    const held = here.locks.request('orders', holding.callback);
    await settle();
    const controller = new AbortController();
    const never = work('never');
    const waiting = minded(there.locks.request('orders', { signal: controller.signal }, never.callback));
    await settle();
    controller.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    await settle();
    expect(claims()).toHaveLength(1);
    holding.finish();
    await ensemble.until(held);
    await settle();
    expect(never.seen).toEqual([]);
  });

  it('whose signal has aborted rejects with an AbortError; one that is granted does not mind the signal', async () => {
    const aborted = here.locks.request('orders', { signal: AbortSignal.abort() }, () => 'never');
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    const controller = new AbortController();
    const { callback, finish } = work('done');
    const granted = here.locks.request('orders', { signal: controller.signal }, callback);
    await settle();
    controller.abort();
    await settle();
    finish();
    expect(await ensemble.until(granted)).toBe('done');
  });

  it('that loses its lock rejects with AbortError at once, its callback hears it, and the next is served', async () => {
    const { callback, seen } = work('late');
    const lost = minded(here.locks.request('orders', callback));
    await settle();
    const next = there.locks.request('orders', (lock) => lock?.fencingToken);
    await settle();
    await ensemble.until(there.breakClaim(claims()[0]?.path ?? '', { by: 'ops' }));
    await expect(ensemble.until(lost)).rejects.toMatchObject({
      name: 'AbortError',
      cause: { code: 'LOCK_LOST', reason: 'node-deleted' },
    });
    expect(seen[0]?.signal.aborted).toBe(true);
    expect(await ensemble.until(next)).toBeGreaterThan(seen[0]?.fencingToken ?? 0n);
  });

  it('whose claim is deleted while it waits rejects with AbortError', async () => {
    const holding = work('held');
    const held = here.locks.request('orders', holding.callback);
    await settle();
    const waiting = minded(there.locks.request('orders', () => 'never'));
    await ensemble.clock.advance(300);
    await ensemble.until(here.breakClaim(claims()[1]?.path ?? '', { by: 'ops' }));
    await expect(ensemble.until(waiting)).rejects.toMatchObject({
      name: 'AbortError',
      cause: { code: 'CLAIM_DELETED' },
    });
    holding.finish();
    await ensemble.until(held);
  });

  it('of a closed session rejects with InvalidStateError, and so does what waited', async () => {
    const holding = work('held');
    const held = here.locks.request('orders', holding.callback);
    await settle();
    const waiting = minded(there.locks.request('orders', () => 'never'));
    await settle();
    await ensemble.until(there.close());
    await expect(ensemble.until(waiting)).rejects.toMatchObject({ name: 'InvalidStateError' });
    await expect(there.locks.request('orders', () => 1)).rejects.toMatchObject({ name: 'InvalidStateError' });
    await expect(there.locks.query()).rejects.toMatchObject({ name: 'InvalidStateError' });
    holding.finish();
    await ensemble.until(held);
  });

  it('may be for any name that a text can be', async () => {
    const names = [
      '',
      '.',
      '..',
      'a/b',
      'a.b',
      'ä 💥',
      '%u',
      '%2E',
      '\ud800',
      '\u0000',
      'zookeeper',
      '__proto__',
    ];
    const holding = names.map((name) => ({ name, ...work(name) }));
    const requests = holding.map(({ name, callback }) => here.locks.request(name, callback));
    await settle();
    const { held } = await ensemble.until(there.locks.query());
    expect(held.map(({ name }) => name).sort()).toEqual([...names].sort());
    for (const { finish } of holding) finish();
    expect(await ensemble.until(Promise.all(requests))).toEqual(names);
  });
});

describe('what cannot be meant', () => {
  const never = () => expect.unreachable();
  const { signal } = new AbortController();
  it.each([
    ['a name that starts with -', ['-orders', never], 'NotSupportedError'],
    ['steal with ifAvailable', ['orders', { steal: true, ifAvailable: true }, never], 'NotSupportedError'],
    ['steal of a shared lock', ['orders', { steal: true, mode: 'shared' }, never], 'NotSupportedError'],
    ['signal with steal', ['orders', { signal, steal: true }, never], 'NotSupportedError'],
    ['signal with ifAvailable', ['orders', { signal, ifAvailable: true }, never], 'NotSupportedError'],
    ['no callback', ['orders'], 'TypeError'],
    ['no callback behind options', ['orders', {}], 'TypeError'],
    ['a callback that is none', ['orders', {}, 'later'], 'TypeError'],
    ['a mode that is none', ['orders', { mode: 'write' }, never], 'TypeError'],
    ['null for a mode', ['orders', { mode: null }, never], 'TypeError'],
    ['a symbol for a name', [Symbol('orders'), never], 'TypeError'],
    ['a signal that is none', ['orders', { signal: {} }, never], 'TypeError'],
    ['options that are none', ['orders', 'shared', never], 'TypeError'],
  ])('is refused before anything is asked for: %s', async (_, given, name) => {
    const request = here.locks.request.bind(here.locks) as (...all: unknown[]) => Promise<unknown>;
    await expect(request(...given)).rejects.toMatchObject({ name });
    await settle();
    expect(claims()).toEqual([]);
  });
});

describe('query', () => {
  it('lists who holds and who waits, on all machines, by the session of each', async () => {
    const [reading, alsoReading, writing] = [work(1), work(2), work(3)];
    const requests = [
      here.locks.request('orders', { mode: 'shared' }, reading.callback),
      here.locks.request('stock', alsoReading.callback),
    ];
    await settle();
    requests.push(there.locks.request('orders', writing.callback));
    await settle();
    const [first, last] = [
      claims()[0]?.ephemeralOwner,
      claims().find(({ path }) => path.includes('WRIT') && path.includes('orders'))?.ephemeralOwner,
    ];
    const { held, pending } = await ensemble.until(there.locks.query());
    expect(held).toEqual(
      expect.arrayContaining([
        { name: 'orders', mode: 'shared', clientId: first },
        { name: 'stock', mode: 'exclusive', clientId: first },
      ]),
    );
    expect(held).toHaveLength(2);
    expect(pending).toEqual([{ name: 'orders', mode: 'exclusive', clientId: last }]);
    for (const each of [reading, alsoReading, writing]) each.finish();
    await ensemble.until(Promise.all(requests));
    expect(await ensemble.until(there.locks.query())).toEqual({ held: [], pending: [] });
  });

  it('leaves out what stands under the root and is no web lock', async () => {
    const lease = await ensemble.until(here.lock('/web-locks/%zz').acquire());
    expect(await ensemble.until(there.locks.query())).toEqual({ held: [], pending: [] });
    await ensemble.until(lease.release());
  });
});
