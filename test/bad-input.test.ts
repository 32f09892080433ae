/** What cannot be meant is refused where it is said: a typed error with the value and the remedy, and nothing is sent. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEmbeddedZooKeeper } from '../src/embedded/index.js';
import { connect, type MultiLease, type Session, type SharedLease, whileHeld } from '../src/index.js';
import { VirtualEnsemble } from './setup/virtual-ensemble.js';

/** Somebody without a compiler. */
const untyped = (value: unknown) => value as never;
const invalid = (words: string): unknown =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(words) as string });

let ensemble: VirtualEnsemble;
let session: Session;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
  session = ensemble.session();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

describe('connect refuses', () => {
  it.each<[unknown, string]>([
    ['', 'names no host'],
    ['a:0', 'not 1 to 65535'],
    ['a:70000', 'not 1 to 65535'],
    ['a:1,,b:2', 'empty entry'],
    ['a:1/../b', 'relative segment'],
    [undefined, 'undefined'],
    [5, '5'],
  ])('the connect string %j', (connectString, words) => {
    expect(() => connect(untyped(connectString))).toThrow(invalid(words));
  });

  it.each<[string, unknown, string]>([
    ['sessionTimeoutMs', Number.NaN, 'NaN'],
    ['sessionTimeoutMs', 1.5, '1.5'],
    ['sessionTimeoutMs', -1, '-1'],
    ['connectTimeoutMs', Number.POSITIVE_INFINITY, 'Infinity'],
    ['connectTimeoutMs', '5', '"5"'],
    ['clockDrift', 2, '0 to 0.5'],
    ['guardMs', -1, '-1'],
    ['heartbeat', 'both', 'ping, quorum'],
    ['tickMs', 0, '0'],
    ['maxReplyBytes', Number.NaN, 'whole number'],
    ['client', 'native', 'factory'],
    ['clock', {}, 'wallNow'],
    ['logger', { warn() {} }, 'debug, info, error'],
    ['auth', 'user:password', 'digest'],
  ])('%s %j', (name, value, words) => {
    const refused = () => connect('a:2181', { [name]: value });
    expect(refused).toThrow(invalid(name));
    expect(refused).toThrow(invalid(words));
  });

  it('options that are none', () => {
    expect(() => connect('a:2181', untyped(null))).toThrow(invalid('options is null'));
  });
});

describe('a session refuses', () => {
  it.each<[unknown, string]>([
    ['', "'/locks/orders'"],
    ['/', 'root'],
    ['locks', "start it with '/'"],
    ['/locks/', "the '/' at the end"],
    ['/a//b', 'empty name'],
    ['/a/../b', "'..'"],
    ['/a\u0001b', 'control character'],
    ['/zookeeper/quota', 'belongs to the server'],
    [undefined, 'undefined'],
    [7, '7'],
  ])('the path %j', (path, words) => {
    expect(() => session.lock(untyped(path))).toThrow(invalid(words));
    expect(() => session.readWriteLock(untyped(path))).toThrow(invalid(words));
    expect(() => session.semaphore(untyped(path), 1)).toThrow(invalid(words));
    expect(() => session.multiLock([untyped(path)])).toThrow(invalid(words));
    expect(() => session.contention(untyped(path))).toThrow(invalid(words));
  });

  it.each<[string, unknown, string]>([
    ['ttlMs', 0, 'from 1'],
    ['ttlMs', Number.NaN, 'NaN'],
    ['ttlMs', 1e15, '2147483647'],
    ['timeoutMs', -1, '-1'],
    ['owner', '', 'not empty'],
    ['owner', 5, '5'],
    ['ownerKey', '', 'not empty'],
    ['onSuspend', 'never', 'bounded, standard, session'],
    ['acl', [], 'give a list'],
    ['acl', [{ permissions: 32, scheme: 'world', id: 'anyone' }], 'acl[0].permissions'],
    ['reentrancy', 'allow', 'reject, count'],
    ['localHandover', 64, '{ max: 64 }'],
    ['localHandover', null, '{ max: 64 }'],
    ['localHandover', {}, '1 to 1023'],
    ['localHandover', { max: 0 }, '1 to 1023'],
    ['localHandover', { max: 1_024 }, '1 to 1023'],
    ['localHandover', { max: 2.5 }, '1 to 1023'],
    ['localHandover', { max: '64' }, '1 to 1023'],
    ['lossDelayMs', -1, '0 to 2147483647'],
    ['lossDelayMs', '15s', '0 to 2147483647'],
    ['lossDelayMs', Number.NaN, '0 to 2147483647'],
    ['lossDelayMs', 2 ** 31, '0 to 2147483647'],
    ['ownerContext', {}, 'getStore'],
  ])('a lock with %s %j, and names its path', (name, value, words) => {
    const refused = () => session.lock('/locks/orders', { [name]: value });
    expect(refused).toThrow(invalid(name));
    expect(refused).toThrow(invalid(words));
    expect(refused).toThrow(expect.objectContaining({ path: '/locks/orders' }));
  });

  it('a claim that is handed on, with a time to live', () => {
    const localHandover = { max: 64 };
    expect(() => session.lock('/locks/orders', { localHandover, ttlMs: 1_000 })).toThrow(invalid('ttlMs'));
  });

  it('a delay after losses, with a claim that is handed on', () => {
    const lossDelayMs = 1_000;
    const both = () => session.lock('/locks/orders', { lossDelayMs, localHandover: { max: 64 } });
    expect(both).toThrow(invalid('localHandover'));
  });

  const recipes: Readonly<Record<string, (options: never) => unknown>> = {
    readWriteLock: (options) => session.readWriteLock('/locks/orders', options),
    multiLock: (options) => session.multiLock(['/locks/orders'], options),
    semaphore: (options) => session.semaphore('/locks/orders', 2, options),
    election: (options) => session.election('/locks/orders', options),
    barrier: (options) => session.barrier('/locks/orders', options),
    doubleBarrier: (options) => session.doubleBarrier('/locks/orders', 2, options),
    durableLock: (options: object) =>
      session.lock('/locks/orders', untyped({ ephemeral: false, owner: 'me', ...options })),
  };
  const given = {
    ephemeral: false,
    ttlMs: 1_000,
    reentrancy: 'count',
    ownerKey: 'user',
    ownerContext: { getStore: () => undefined },
    owner: 'me',
    onSuspend: 'standard',
    localHandover: { max: 64 },
    lossDelayMs: 1_000,
  };
  const forPlainLocks = ['localHandover', 'lossDelayMs'] as const;
  const forLocks = [
    'ephemeral',
    'ttlMs',
    'reentrancy',
    'ownerKey',
    'ownerContext',
    ...forPlainLocks,
  ] as const;

  it.each<[string, readonly (keyof typeof given)[]]>([
    ['readWriteLock', ['ephemeral', ...forPlainLocks]],
    ['multiLock', forLocks],
    ['semaphore', forLocks],
    ['election', [...forLocks, 'owner']],
    ['barrier', [...forLocks, 'owner', 'onSuspend']],
    ['doubleBarrier', [...forLocks, 'owner', 'onSuspend']],
    ['durableLock', ['reentrancy', 'ownerKey', 'ownerContext', 'onSuspend', ...forPlainLocks]],
  ])('options that a %s would ignore', (name, ignored) => {
    for (const option of ignored) {
      const refused = () => recipes[name]?.(untyped({ [option]: given[option] }));
      expect(refused).toThrow(invalid(option));
      expect(refused).toThrow(invalid('leave it out'));
    }
    expect(() => recipes[name]?.(untyped(name === 'durableLock' ? {} : { ephemeral: true }))).not.toThrow();
  });

  it.each([0, -1, 1.5, Number.NaN, '2'])('%j permits', (permits) => {
    expect(() => session.semaphore('/locks/orders', untyped(permits))).toThrow(invalid('permits'));
  });

  it.each<[unknown, string]>([
    ['/a', 'list'],
    [[], 'paths'],
    [['/a', '/a'], '/a'],
  ])('the paths %j', (paths, words) => {
    expect(() => session.multiLock(untyped(paths))).toThrow(invalid(words));
  });

  it('a root that is no path', () => {
    expect(() => session.linesUnder('locks')).toThrow(invalid('root'));
    expect(() => session.contentionUnder('locks')).toThrow(invalid('root'));
  });
});

describe('an acquisition is refused', () => {
  it.each<[unknown, string]>([
    [null, 'options is null'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs is NaN'],
    [{ timeoutMs: '5' }, 'timeoutMs is "5"'],
    [{ owner: '' }, 'owner is ""'],
    [{ context: { user: 5 } }, 'context.user is 5'],
    [{ signal: {} }, 'signal'],
  ])('with %j, and asks for nothing', async (options, words) => {
    const lock = session.lock('/locks/orders', { ownerKey: 'user' });
    await expect(lock.acquire(untyped(options))).rejects.toEqual(invalid(words));
    await expect(lock.tryAcquire(untyped(options))).rejects.toEqual(invalid(words));
    if (words.startsWith('context')) return;
    for (const other of [session.multiLock(['/locks/a', '/locks/b']), session.semaphore('/locks/c', 2)]) {
      await expect(other.acquire(untyped(options))).rejects.toEqual(invalid(words));
      await expect(other.tryAcquire(untyped(options))).rejects.toEqual(invalid(words));
    }
    await ensemble.clock.advance(1_000);
    expect(ensemble.zookeeper.nodes()).toEqual([]);
  });

  it('to be released by nobody in particular', async () => {
    const lock = session.lock('/locks/orders');
    await expect(lock.release()).rejects.toMatchObject({ code: 'NOT_LOCK_OWNER' });
    await expect(lock.release(untyped(null))).rejects.toEqual(invalid('options is null'));
    await expect(lock.release({ owner: '' })).rejects.toEqual(invalid('owner is ""'));
  });
});

describe('a lease refuses', () => {
  it.each<[unknown, string]>([
    [undefined, 'operations is undefined'],
    ['x', 'operations is "x"'],
    [[null], 'operations is a list'],
  ])('the transaction %j, and is held all the same', async (operations, words) => {
    const lease = await ensemble.until(session.lock('/locks/orders').acquire());
    await expect(lease.commit(untyped(operations))).rejects.toEqual(invalid(words));
    expect(lease.isHeld()).toBe(true);
  });

  it.each<[unknown, string]>([
    [{ type: 'rename', path: '/a' }, 'type rename'],
    [{ type: 'delete' }, 'the path'],
    [{ type: 'setData', path: '/a', data: 'text' }, 'not a Uint8Array'],
  ])('the operation %j, by its place', async (operation, words) => {
    const lease = await ensemble.until(session.lock('/locks/orders').acquire());
    await expect(ensemble.until(lease.commit([untyped(operation)]))).rejects.toMatchObject({
      code: 'COMMIT_REFUSED',
      failedIndex: 0,
      message: expect.stringContaining(words) as string,
    });
  });
});

describe("a stranger's claim", () => {
  const PATH = '/locks/orders';
  const GUID = '6b0e0dd0-63a7-4d3c-9a0e-0d1d3f2a1b4c';
  const bytes = (text: string) => new TextEncoder().encode(text);

  /** Takes every kind of place in line behind the stranger, in turn. */
  const asking = {
    'a lock': () => session.lock(PATH).acquire(),
    'a reader': () => session.readWriteLock(PATH).readLock.acquire(),
    'a writer': () => session.readWriteLock(PATH).writeLock.acquire(),
    'several locks': () => session.multiLock([PATH, '/locks/zebra']).acquire(),
  };

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['no text', new Uint8Array([0xff, 0xfe, 0x00, 0x80])],
    ['half of a JSON object', bytes('{"owner_id": "x", ')],
    ['JSON that is no object', bytes('[1, null, "x"]')],
    [
      'fields of other types',
      bytes('{"owner_id": 5, "ttl_deadline": "soon", "timestamp": [], "ttl": "long", "revoke": 7}'),
    ],
    ['a deadline long ago that is no time', bytes('{"ttl_deadline": "0000-99-99T99:99:99Z", "ttl": -1}')],
  ])('that says %s is waited for, shown, left alone, and followed', async (_, data) => {
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/locks', new Uint8Array()));
    await ensemble.until(outsider.create(PATH, new Uint8Array()));
    for (const ask of Object.values(asking)) {
      const { path: theirs } = await ensemble.until(
        outsider.create(`${PATH}/_c_${GUID}-lock-`, data, { mode: 'ephemeralSequential' }),
      );
      const acquiring: Promise<SharedLease | MultiLease> = ask();
      await ensemble.clock.advance(30_000);
      expect(ensemble.claims(PATH)).toHaveLength(2);
      const [line] = await ensemble.until(session.linesUnder('/locks'));
      expect(line?.contenders.map(({ path }) => path)[0]).toBe(theirs);
      expect(ensemble.claims(PATH)).toContain(theirs);
      await ensemble.until(outsider.delete(theirs, -1));
      const lease = await ensemble.until(acquiring);
      expect(lease.isHeld()).toBe(true);
      await ensemble.until(lease.release());
      expect([...ensemble.claims(PATH), ...ensemble.claims('/locks/zebra')]).toEqual([]);
    }
  });

  it('is broken and asked for as any other, whatever it says', async () => {
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/locks', new Uint8Array()));
    await ensemble.until(outsider.create(PATH, new Uint8Array()));
    const claim = () =>
      ensemble.until(
        outsider.create(`${PATH}/_c_${GUID}-lock-`, new Uint8Array([0xff]), { mode: 'ephemeralSequential' }),
      );
    const broken = await ensemble.until(session.breakClaim((await claim()).path, { by: 'ann', why: 'test' }));
    expect(broken.owner).toBeUndefined();
    const revoking = session.revoke((await claim()).path, { by: 'ann', why: 'test', graceMs: 1_000 });
    await expect(ensemble.until(revoking)).resolves.toMatchObject({ by: 'ann' });
    expect(ensemble.claims(PATH)).toEqual([]);
  });
});

it('work that is no function is refused where it is given', () => {
  expect(() => whileHeld(untyped(undefined))).toThrow(invalid('work'));
});

describe('an embedded ZooKeeper refuses', () => {
  it.each<[unknown, string]>([
    [null, 'options'],
    [{ port: '1' }, 'port is "1"'],
    [{ port: 65_536 }, 'port is 65536'],
    [{ host: '' }, 'host is ""'],
    [{ tickMs: 0 }, 'tickMs is 0'],
    [{ seed: Number.NaN }, 'seed is NaN'],
    [{ minSessionTimeoutMs: -1 }, 'minSessionTimeoutMs is -1'],
    [{ maxRequestBytes: Number.NaN }, 'maxRequestBytes is NaN'],
    [{ faults: { loseReply: 2 } }, 'faults.loseReply is 2'],
    [{ faults: { delay: { probability: 1, upToMs: -1 } } }, 'faults.delay is -1'],
    [{ faults: 'many' }, 'faults is "many"'],
  ])('%j', async (options, words) => {
    await expect(createEmbeddedZooKeeper(untyped(options))).rejects.toMatchObject({
      code: 'BadArguments',
      message: expect.stringContaining(words) as string,
    });
  });
});
