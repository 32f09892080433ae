/** The lines as everybody sees them: what is told, when, and what it costs. In virtual time on the embedded ZooKeeper. */
import type { Observable, Subscription } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import type { ContentionUnder } from '../../src/contention.js';
import { type HandOverNews, handOvers } from '../../src/index.js';
import type { ClientFactory } from '../../src/zookeeper/client.js';
import { bytes, memoryClient, NO_DATA } from '../embedded/connected-client.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const subscriptions: Subscription[] = [];
afterEach(() => {
  for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
});

/** Everything that a stream told so far. */
function heard<T>(stream: Observable<T>): T[] {
  const told: T[] = [];
  subscriptions.push(
    stream.subscribe({
      next: (each) => told.push(each),
      error: (error: unknown) => {
        throw error;
      },
    }),
  );
  return told;
}

const owners = (picture: ContentionUnder | undefined, path: string) =>
  picture?.lines.get(path)?.contenders.map(({ owner, label }) => owner ?? label ?? '?');

/** An older server's client: it has no persistent watches. */
const withoutAddWatch =
  (factory: ClientFactory): ClientFactory =>
  (options) => {
    const client = factory(options);
    return Object.defineProperty(client, 'capabilities', {
      value: { ...client.capabilities, addWatch: false },
    });
  };

async function someLines(ensemble: VirtualEnsemble) {
  const anna = ensemble.lock('/locks/a', { owner: 'anna' });
  const ben = ensemble.lock('/locks/a', { owner: 'ben' });
  const lease = await ensemble.until(anna.acquire());
  const waiting = ben.acquire();
  // Some tests end before it is his turn.
  waiting.catch(() => undefined);
  await ensemble.clock.advance(100);
  return { lease, waiting };
}

describe.each(['recursive', 'children'] as const)('contention under a root, by %s watches', (watching) => {
  const observe = (ensemble: VirtualEnsemble, root = '/locks') => {
    const factory = ensemble.zookeeper.client();
    const client = watching === 'recursive' ? factory : withoutAddWatch(factory);
    return ensemble.session({ client }).contentionUnder(root);
  };

  it('tells who stands where, in one first picture', async () => {
    await using ensemble = await VirtualEnsemble.start();
    await someLines(ensemble);
    await ensemble.held('/locks/deep/b', { owner: 'carl' });
    const told = heard(observe(ensemble));
    await ensemble.clock.advance(100);
    expect(told).toHaveLength(1);
    expect(told[0]?.watching).toBe(watching);
    expect([...(told[0]?.lines.keys() ?? [])].sort()).toEqual(['/locks/a', '/locks/deep/b']);
    expect(owners(told[0], '/locks/a')).toEqual(['anna', 'ben']);
    expect(told[0]?.lines.get('/locks/a')?.holder?.owner).toBe('anna');
  });

  it('tells of arrivals, hand-overs and the end of a line, each path by itself', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const { lease, waiting } = await someLines(ensemble);
    const told = heard(observe(ensemble));
    await ensemble.clock.advance(100);
    await lease.release();
    const next = await ensemble.until(waiting);
    await ensemble.clock.advance(100);
    expect(owners(told.at(-1), '/locks/a')).toEqual(['ben']);
    await next.release();
    await ensemble.clock.advance(100);
    expect(told.at(-1)?.lines.get('/locks/a')?.contenders).toEqual([]);
    await ensemble.held('/locks/new/c', { owner: 'dora' });
    await ensemble.clock.advance(100);
    expect(owners(told.at(-1), '/locks/new/c')).toEqual(['dora']);
    expect(told.at(-1)?.changed).toEqual(['/locks/new/c']);
  });

  it('says that it is stale while cut off, and the whole truth again afterwards', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const { lease } = await someLines(ensemble);
    const told = heard(observe(ensemble));
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(10);
    expect(told.at(-1)?.freshness).toBe('stale');
    expect(told.at(-1)?.lines.get('/locks/a')?.freshness).toBe('stale');
    const admin = ensemble.zookeeper.nodes().find(({ path }) => path === lease.claimPath);
    expect(admin).toBeDefined();
    ensemble.zookeeper.faults.refuseConnections(false);
    const other = await memoryClient(ensemble.zookeeper, { clock: ensemble.clock });
    await other.delete(lease.claimPath, -1);
    await ensemble.clock.advance(5_000);
    expect(told.at(-1)?.freshness).toBe('live');
    expect(owners(told.at(-1), '/locks/a')).toEqual(['ben']);
    await other.close();
  });

  it('shows after a reconnect what a holder wrote while it was cut off, in lines at any depth', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const lease = await ensemble.held('/locks/deep/a', { ttlMs: 60_000 });
    const told = heard(observe(ensemble));
    await ensemble.clock.advance(1_000);
    const ends = () => told.at(-1)?.lines.get('/locks/deep/a')?.holder?.endsMs ?? 0;
    const before = ends();
    const watcher = ensemble.zookeeper.sessions().at(-1)?.id;
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut(watcher);
    await ensemble.clock.advance(10);
    expect(told.at(-1)?.freshness).toBe('stale');
    await ensemble.until(lease.renew());
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.clock.advance(5_000);
    expect(told.at(-1)?.freshness).toBe('live');
    expect(ends() - before).toBe(1_010);
    await lease.release();
  });

  it('waits for a root that is not there yet', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const told = heard(observe(ensemble));
    await ensemble.clock.advance(100);
    expect(told.map(({ lines }) => lines.size)).toEqual([0]);
    await ensemble.held('/locks/a', { owner: 'anna' });
    await ensemble.clock.advance(100);
    expect(owners(told.at(-1), '/locks/a')).toEqual(['anna']);
  });

  it('forgets a lock path that is deleted', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const { lease, waiting } = await someLines(ensemble);
    const told = heard(observe(ensemble));
    await ensemble.clock.advance(100);
    await lease.release();
    await (await ensemble.until(waiting)).release();
    await ensemble.clock.advance(10);
    ensemble.zookeeper.faults.reapContainers();
    await ensemble.clock.advance(100);
    expect(told.at(-1)?.lines.has('/locks/a')).toBe(false);
  });

  it('shows what other clients wrote for their claims, and reports what does not stand in line', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const other = await memoryClient(ensemble.zookeeper, { clock: ensemble.clock });
    await other.create('/locks', NO_DATA);
    await other.create('/locks/shared', NO_DATA);
    await other.create('/locks/shared/_c_x-lock-', bytes('10.0.0.7'), { mode: 'ephemeralSequential' });
    await other.create('/locks/shared/config', NO_DATA);
    const told = heard(observe(ensemble));
    await ensemble.clock.advance(100);
    expect(owners(told.at(-1), '/locks/shared')).toEqual(['10.0.0.7']);
    expect(told.at(-1)?.lines.get('/locks/shared')?.foreign).toEqual(['config']);
    await other.close();
  });

  it('leaves no watch behind', async () => {
    await using ensemble = await VirtualEnsemble.start();
    await someLines(ensemble);
    const before = ensemble.zookeeper.server.watches.count;
    heard(observe(ensemble));
    await ensemble.clock.advance(100);
    expect(ensemble.zookeeper.server.watches.count).toBeGreaterThan(before);
    for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
    await ensemble.clock.advance(100);
    expect(ensemble.zookeeper.server.watches.count).toBe(before);
  });
});

describe("a lock's own contention", () => {
  it('tells who holds and who waits behind, in order, and every change', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const { lease, waiting } = await someLines(ensemble);
    const lock = ensemble.lock('/locks/a', { owner: 'carl' });
    const told = heard(lock.contention);
    await ensemble.clock.advance(100);
    lock.acquire().catch(() => undefined);
    await ensemble.clock.advance(100);
    await ensemble.until(lease.release());
    await ensemble.until(waiting);
    await ensemble.clock.advance(100);
    const lines = told.map(({ holder, contenders }) => [holder?.owner, contenders.map(({ owner }) => owner)]);
    expect(lines[0]).toEqual(['anna', ['anna', 'ben']]);
    expect(lines).toContainEqual(['anna', ['anna', 'ben', 'carl']]);
    expect(lines.at(-1)).toEqual(['ben', ['ben', 'carl']]);
    expect(told.at(-1)).toMatchObject({ path: '/locks/a', freshness: 'live', unsafeMix: false });
  });
});

describe('a recursive watch', () => {
  it('costs one request for a claim that comes and none for one that goes', async () => {
    await using ensemble = await VirtualEnsemble.start();
    await someLines(ensemble);
    const told = heard(ensemble.session().contentionUnder('/locks'));
    await ensemble.clock.advance(100);
    const other = await memoryClient(ensemble.zookeeper, { clock: ensemble.clock });
    const received = () => ensemble.zookeeper.server.counters.packetsReceived;
    const before = received();
    const made = await other.create('/locks/a/_c_y-lock-', NO_DATA, { mode: 'ephemeralSequential' });
    await ensemble.clock.advance(0);
    expect(received() - before).toBe(2);
    expect(told.at(-1)?.lines.get('/locks/a')?.contenders).toHaveLength(3);
    await other.delete(made.path, -1);
    await ensemble.clock.advance(0);
    expect(received() - before).toBe(3);
    expect(told.at(-1)?.lines.get('/locks/a')?.contenders).toHaveLength(2);
    await other.close();
  });

  it('shows the time to live once the grant is written', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const told = heard(ensemble.session().contentionUnder('/locks'));
    const lease = await ensemble.held('/locks/a', { owner: 'anna', ttlMs: 5_000 });
    await ensemble.clock.advance(50);
    const holder = told.at(-1)?.lines.get('/locks/a')?.holder;
    expect(holder?.grantedMs).toBeGreaterThan(0);
    expect(holder?.endsMs).toBe((holder?.grantedMs ?? 0) + 5_000);
    await lease.release();
  });
});

describe('hand-overs', () => {
  it('say who followed whom, how long one held, and how long the next had waited', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const told: HandOverNews[] = heard(handOvers(ensemble.session().contentionUnder('/locks')));
    await ensemble.clock.advance(100);
    const { lease, waiting } = await someLines(ensemble);
    await ensemble.clock.advance(900);
    await lease.release();
    await ensemble.until(waiting);
    await ensemble.clock.advance(10);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ type: 'handOver', path: '/locks/a' });
    const handOver = told[0] as Extract<HandOverNews, { type: 'handOver' }>;
    expect([handOver.from.owner, handOver.to?.owner]).toEqual(['anna', 'ben']);
    expect(handOver.heldMs).toBe(1_000);
    expect(handOver.waitedMs).toBe(1_000);
  });

  it('tell how long the next holder took to write its grant', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const told: HandOverNews[] = heard(handOvers(ensemble.session().contentionUnder('/locks')));
    await ensemble.clock.advance(100);
    const first = await ensemble.held('/locks/a', { owner: 'anna' });
    const waiting = ensemble.lock('/locks/a', { owner: 'ben', ttlMs: 60_000 }).acquire();
    await ensemble.clock.advance(100);
    await first.release();
    await ensemble.until(waiting);
    await ensemble.clock.advance(10);
    expect(told.map(({ type }) => type)).toEqual(['handOver', 'grantWritten']);
  });

  it('do not guess about the time before they looked', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const { lease } = await someLines(ensemble);
    const told: HandOverNews[] = heard(handOvers(ensemble.session().contentionUnder('/locks')));
    await ensemble.clock.advance(100);
    await lease.release();
    await ensemble.clock.advance(10);
    expect(told[0]).toMatchObject({ heldMs: null });
  });
});
