/**
 * Published bugs of other locks (docs/guarantees.md, T45–T56): order, names, size, time to live. Each title is the sentence that
 * is true here instead. In virtual time, on the embedded ZooKeeper.
 */
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClientFactory, type Lease, ZooKeeperError } from '../../src/index.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/locks/orders';
const nothing = new Uint8Array();

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

describe('the line', () => {
  it.each([2_147_483_640, 2_147_483_646, 2_147_483_647])(
    'T45: is in the order of asking, with one holder, from number %i on',
    async (sequence) => {
      await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
      ensemble.zookeeper.faults.setSequence(PATH, sequence);
      const session = ensemble.session();
      await ensemble.until(session.lock('/locks/warm').acquire());
      const order: number[] = [];
      const holding = new Set<Lease>();
      const all = Array.from({ length: 12 }, async (_, index) => {
        const lease = await session.lock(PATH).acquire();
        holding.add(lease);
        expect(holding.size).toBe(1);
        order.push(index);
        await new Promise<void>((resolve) => {
          ensemble.clock.setTimeout(resolve, 50);
        });
        holding.delete(lease);
        await lease.release();
      });
      await ensemble.until(Promise.all(all));
      expect(order).toEqual(Array.from({ length: 12 }, (_, index) => index));
    },
  );

  it('T46: passes over children that are no contenders, and shows them', async () => {
    const client = await ensemble.outsider();
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    for (const name of ['config', 'team-0000000000', '_c_x-lock-77', 'lock-x'])
      await ensemble.until(client.create(`${PATH}/${name}`, nothing));
    const session = ensemble.session();
    expect((await ensemble.until(session.lock(PATH).acquire())).isHeld()).toBe(true);
    const line = await ensemble.until(
      firstValueFrom(session.contention(PATH).pipe(filter(({ holder }) => holder !== null))),
    );
    expect([...line.foreign].sort()).toEqual(['_c_x-lock-77', 'config', 'lock-x', 'team-0000000000']);
  });

  it('T47: that is longer than an answer may be is refused, typed, and nothing of ours stays in it', async () => {
    const client = await ensemble.outsider();
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    for (let index = 0; index < 40; index += 1)
      await ensemble.until(client.create(`${PATH}/somebody-elses-node-number-${index}`, nothing));
    const before = ensemble.claims(PATH).length;
    const lock = ensemble.lock(PATH, {}, { maxReplyBytes: 1_024 });
    await expect(ensemble.until(lock.acquire())).rejects.toMatchObject({
      code: 'LOCKING_FAILED',
      cause: { code: 'ReplyTooLarge' },
    });
    await ensemble.clock.advance(1_000);
    expect(ensemble.claims(PATH)).toHaveLength(before);
  });

  it('T51: shows whose session a claim is, also of a claim that its session left behind', async () => {
    ensemble.zookeeper.faults.delayEphemeralDeletion(60_000);
    const lock = ensemble.lock(PATH);
    await ensemble.until(lock.acquire({ owner: 'left behind' }));
    const [ended] = ensemble.zookeeper.sessions();
    ensemble.zookeeper.expireSession(ended?.id ?? '');
    await ensemble.clock.advance(1_000);
    const session = ensemble.session();
    const [line] = await ensemble.until(session.linesUnder('/'));
    expect(line?.holder).toMatchObject({ session: ended?.id, owner: 'left behind' });
    expect(ensemble.zookeeper.sessions().map(({ id }) => id)).not.toContain(ended?.id);
  });
});

describe('an answer that is no answer:', () => {
  /** The next request of that kind is answered with `code`, as the real server does it when a session moves. */
  const refusingOnce = (request: 'create' | 'delete', code: 'SessionMoved' | 'Throttled'): ClientFactory => {
    let left = 1;
    return (options) => {
      const client = ensemble.zookeeper.client()(options);
      const ask = client[request].bind(client) as (path: string, ...others: unknown[]) => Promise<unknown>;
      return Object.assign(client, {
        [request]: (path: string, ...others: unknown[]) =>
          left-- > 0 ? Promise.reject(new ZooKeeperError(code, request, path)) : ask(path, ...others),
      });
    };
  };

  it.each([
    ['SessionMoved', 'create'],
    ['Throttled', 'create'],
    ['SessionMoved', 'delete'],
    ['Throttled', 'delete'],
  ] as const)('T50: %s is asked again, for a %s', async (code, request) => {
    await ensemble.until(ensemble.held(PATH).then((lease) => lease.release()));
    const lock = ensemble.lock(PATH, {}, { client: refusingOnce(request, code) });
    const lease = await ensemble.until(lock.acquire());
    expect(ensemble.claims(PATH)).toEqual([lease.claimPath]);
    await ensemble.until(lease.release());
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('T50: a create without a stat takes the claim’s token from the claim', async () => {
    const withoutStat: ClientFactory = (options) => {
      const client = ensemble.zookeeper.client()(options);
      const create = client.create.bind(client);
      return Object.assign(client, {
        create: async (...request: Parameters<typeof create>) => ({
          ...(await create(...request)),
          stat: null,
        }),
      });
    };
    const lease = await ensemble.until(ensemble.lock(PATH, {}, { client: withoutStat }).acquire());
    const claim = ensemble.zookeeper.nodes().find(({ path }) => path === lease.claimPath);
    expect(lease.fencingToken >> 10n).toBe(claim?.czxid);
  });
});

describe('a lease', () => {
  it('T53: of every later holder has a larger token, though the lock path was deleted in between', async () => {
    const tokens: bigint[] = [];
    for (let round = 0; round < 4; round += 1) {
      const lease = await ensemble.held(PATH);
      tokens.push(lease.fencingToken);
      if (round % 2 === 0) await ensemble.until(lease.release());
      else ensemble.zookeeper.deleteNode('/locks');
    }
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => (a < b ? -1 : 1)));
  });

  it('T53: that is over writes nothing, though its holder has not noticed', async () => {
    const client = await ensemble.outsider();
    await ensemble.until(client.create('/data', nothing));
    const lease = await ensemble.held(PATH);
    ensemble.zookeeper.deleteNode(lease.claimPath);
    expect(lease.isHeld()).toBe(true);
    await expect(
      ensemble.until(lease.commit([{ type: 'setData', path: '/data', data: new Uint8Array([1]) }])),
    ).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'node-deleted' });
    expect((await ensemble.until(client.exists('/data')))?.version).toBe(0);
  });

  it('T54: is handed out only while it is good for something', async () => {
    const session = ensemble.session();
    await ensemble.until(session.lock('/locks/warm').acquire());
    // The server answers, and slower than the lock lasts by itself.
    ensemble.zookeeper.faults.delayReplies(500);
    const lease = await ensemble.until(session.lock(PATH, { ttlMs: 1_000 }).acquire());
    expect(lease.isHeld()).toBe(true);
    expect(lease.validUntil - ensemble.clock.wallNow()).toBeGreaterThan(900);
  });

  it('T54: that is over is released at once, also where nobody answers', async () => {
    const lease = await ensemble.held(PATH, { ttlMs: 1_000 });
    await ensemble.clock.advance(1_000);
    expect(lease.isHeld()).toBe(false);
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.freeze();
    const before = ensemble.clock.now();
    await ensemble.until(lease.release());
    expect(ensemble.clock.now()).toBe(before);
    ensemble.zookeeper.faults.thaw();
  });

  it('T54: disposed of where ZooKeeper refuses does not hide the error of its block', async () => {
    const logged: string[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (message: string) => logged.push(message) };
    const readOnly: ClientFactory = (options) => {
      const client = ensemble.zookeeper.client()(options);
      return Object.assign(client, {
        delete: (path: string) => Promise.reject(new ZooKeeperError('NoAuth', 'delete', path)),
      });
    };
    const lock = ensemble.lock(PATH, {}, { client: readOnly, logger });
    const block = async () => {
      await using lease = await ensemble.until(lock.acquire());
      lease.assertHeld();
      throw new Error('of the block');
    };
    await expect(block()).rejects.toThrow('of the block');
    expect(logged.join()).toContain('could not be released');
  });

  it('T55: lasts as long on a clock that is a day off, for its holder and for who waits behind him', async () => {
    const session = { wallSkewMs: -86_400_000 };
    const lock = ensemble.lock(PATH, { ttlMs: 4_000 }, session);
    const lease = await ensemble.until(lock.acquire());
    const granted = ensemble.clock.now();
    const waiting = ensemble.lock(PATH, {}, { wallSkewMs: 86_400_000 }).acquire();
    await ensemble.clock.advance(3_999);
    expect(lease.isHeld()).toBe(true);
    await ensemble.until(waiting);
    expect(ensemble.clock.now() - granted).toBeGreaterThanOrEqual(4_000);
    expect(ensemble.clock.now() - granted).toBeLessThanOrEqual(5_100);
  });
});
