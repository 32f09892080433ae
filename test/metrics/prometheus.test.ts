/** What Prometheus reads after something real happened to locks, in virtual time: every figure is exact. */
import prometheus from 'prom-client';
import { describe, expect, it } from 'vitest';
import { promMetrics } from '../../src/metrics/index.js';
import { type Exposition, exposed } from '../setup/exposition.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

type Options = Omit<Parameters<typeof promMetrics>[0], 'client' | 'registry'>;

/** An ensemble, and metrics of a registry of their own. */
async function start(options: Options = {}) {
  const ensemble = await VirtualEnsemble.start();
  const registry = new prometheus.Registry();
  const metrics = promMetrics({ client: prometheus, registry, clock: ensemble.clock, ...options });
  const read = async (): Promise<Exposition> => exposed(await registry.metrics());
  const inspect = metrics.inspect;
  const dispose = () => ensemble[Symbol.asyncDispose]();
  return { ensemble, registry, metrics, read, inspect, [Symbol.asyncDispose]: dispose };
}

describe('locks of this process', () => {
  it('are counted from the first to the last: who waited how long, held how long, and was handed what', async () => {
    await using measured = await start();
    const { ensemble, read, inspect } = measured;
    const anna = await ensemble.until(ensemble.lock('/locks/a', {}, { inspect }).acquire());
    const asked = ensemble.lock('/locks/a', {}, { inspect }).acquire();
    await ensemble.clock.advance(4_000);
    const waiting = await read();
    expect(waiting.value('holdfast_locks', { state: 'held' })).toBe(1);
    expect(waiting.value('holdfast_locks', { state: 'waiting' })).toBe(1);
    expect(waiting.value('holdfast_oldest_wait_seconds')).toBe(4);
    expect(waiting.value('holdfast_oldest_hold_seconds')).toBe(4);
    expect(waiting.value('holdfast_wait_seconds_count')).toBe(1);

    await anna.release();
    const ben = await ensemble.until(asked);
    await ensemble.clock.advance(2_000);
    await ben.release();
    const over = await read();
    expect(over.value('holdfast_acquisitions_total', { outcome: 'acquired' })).toBe(2);
    expect(over.value('holdfast_wait_seconds_count')).toBe(2);
    expect(over.value('holdfast_wait_seconds_sum')).toBe(4);
    expect(over.value('holdfast_hold_seconds_count')).toBe(2);
    expect(over.value('holdfast_hold_seconds_sum')).toBe(6);
    expect(over.value('holdfast_hand_over_seconds_count')).toBe(1);
    expect(over.value('holdfast_queue_position_bucket', { le: '0' })).toBe(1);
    expect(over.value('holdfast_queue_position_bucket', { le: '1' })).toBe(2);
    expect(over.sum('holdfast_losses_total')).toBe(0);
    expect(over.sum('holdfast_locks')).toBe(0);
    expect(over.value('holdfast_oldest_wait_seconds')).toBe(0);
  });

  it('are there at zero before anything happened, so that the first loss is a growth', async () => {
    await using measured = await start();
    const first = await measured.read();
    expect(first.value('holdfast_losses_total', { reason: 'session-expired' })).toBe(0);
    expect(first.value('holdfast_suspensions_total')).toBe(0);
    expect(first.value('holdfast_acquisitions_total', { outcome: 'timeout' })).toBe(0);
    expect(first.value('holdfast_session_changes_total', { state: 'lost' })).toBe(0);
  });

  it('that are lost are counted by the reason', async () => {
    await using measured = await start();
    const { ensemble, read, inspect } = measured;
    const byHand = await ensemble.until(ensemble.lock('/locks/a', {}, { inspect }).acquire());
    const byTime = await ensemble.until(ensemble.lock('/locks/b', { ttlMs: 1_000 }, { inspect }).acquire());
    const session = ensemble.session({ inspect });
    await ensemble.until(session.lock('/locks/c').acquire());
    // The watch on our own claim is armed late.
    await ensemble.clock.advance(500);
    const outsider = await ensemble.outsider();
    await outsider.delete(byHand.claimPath, -1);
    await ensemble.clock.advance(2_000);
    expect(byTime.isHeld()).toBe(false);
    await session.close();
    const seen = await read();
    const losses = (reason: string) => seen.value('holdfast_losses_total', { reason });
    expect(['node-deleted', 'ttl', 'closed'].map(losses)).toEqual([1, 1, 1]);
    expect(seen.sum('holdfast_losses_total')).toBe(3);
    expect(seen.value('holdfast_hold_seconds_count')).toBe(3);
    expect(seen.sum('holdfast_locks')).toBe(0);
    await outsider.close();
  });

  it('that are cut off are suspended, each time, and held again when they are confirmed', async () => {
    await using measured = await start();
    const { ensemble, read, inspect } = measured;
    const lease = await ensemble.until(ensemble.lock('/locks/a', {}, { inspect }).acquire());
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(100);
    const cut = await read();
    expect(cut.value('holdfast_suspensions_total')).toBe(1);
    expect(cut.value('holdfast_locks', { state: 'suspended' })).toBe(1);
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.clock.advance(5_000);
    expect(lease.isHeld()).toBe(true);
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(30_000);
    ensemble.zookeeper.faults.refuseConnections(false);
    const lost = await read();
    expect(lost.value('holdfast_suspensions_total')).toBe(2);
    expect(lost.value('holdfast_losses_total', { reason: 'validity-passed' })).toBe(1);
  });

  it('that are not obtained are counted by what came of them', async () => {
    await using measured = await start();
    const { ensemble, read, inspect } = measured;
    const lease = await ensemble.held('/locks/a');
    const lock = ensemble.lock('/locks/a', {}, { inspect });
    expect(await ensemble.until(lock.tryAcquire())).toBeNull();
    await expect(ensemble.until(lock.acquire({ timeoutMs: 1_000 }))).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
    });
    const abort = new AbortController();
    const aborted = lock.acquire({ signal: abort.signal });
    const subscription = lock.subscribe();
    await ensemble.clock.advance(100);
    abort.abort(new Error('enough'));
    subscription.unsubscribe();
    await expect(aborted).rejects.toThrow('enough');
    await ensemble.clock.advance(100);
    const seen = await read();
    const outcomes = ['busy', 'timeout', 'aborted', 'withdrawn'].map((outcome) =>
      seen.value('holdfast_acquisitions_total', { outcome }),
    );
    expect(outcomes).toEqual([1, 1, 1, 1]);
    expect(seen.sum('holdfast_acquisitions_total')).toBe(4);
    expect(seen.value('holdfast_wait_seconds_count')).toBeUndefined();
    await lease.release();
  });

  it('of every kind are measured: readers, writers, permits, and several as one', async () => {
    await using measured = await start({ label: (path) => path });
    const { ensemble, read, inspect } = measured;
    const session = ensemble.session({ inspect });
    const reading = await ensemble.until(session.readWriteLock('/locks/report').readLock.acquire());
    const permit = await ensemble.until(session.semaphore('/pool', 2).acquire());
    const joint = await ensemble.until(session.multiLock(['/locks/a', '/locks/b']).acquire());
    const seen = await read();
    const held = ['/locks/report', '/pool/leases', '/locks/a', '/locks/b'].map((lock) =>
      seen.value('holdfast_locks', { lock, state: 'held' }),
    );
    expect(held).toEqual([1, 1, 1, 1]);
    await Promise.all([reading, permit, joint].map((each) => each.release()));
    expect((await read()).sum('holdfast_locks')).toBe(0);
  });
});

describe('the label of a lock', () => {
  it('is not there unless asked for: many paths make no more series than one', async () => {
    await using measured = await start();
    const { ensemble, read, inspect } = measured;
    const session = ensemble.session({ inspect });
    const after = async (path: string) => {
      await (await ensemble.until(session.lock(path).acquire())).release();
      return (await read()).size;
    };
    const one = await after('/locks/first');
    let many = 0;
    for (let index = 0; index < 20; index += 1) many = await after(`/locks/order-${index}`);
    expect(many).toBe(one);
    expect((await read()).labels('lock')).toEqual([]);
  });

  it('has at most so many values, and other for the rest, for a function that throws and for one that gives no text', async () => {
    const label = (path: string): string => {
      if (path.endsWith('bad')) throw new Error('no such kind');
      return path.endsWith('worse') ? (undefined as unknown as string) : path;
    };
    await using measured = await start({ label, mostLabels: 2 });
    const { ensemble, read, inspect } = measured;
    const session = ensemble.session({ inspect });
    for (const name of ['a', 'bad', 'b', 'c', 'worse', 'd', 'a'])
      await (await ensemble.until(session.lock(`/locks/${name}`).acquire())).release();
    const seen = await read();
    const acquired = (lock: string) =>
      seen.value('holdfast_acquisitions_total', { lock, outcome: 'acquired' });
    expect(seen.labels('lock')).toEqual(['/locks/a', 'other']);
    expect([acquired('/locks/a'), acquired('other')]).toEqual([2, 5]);
  });
});

describe('sessions', () => {
  it('are counted by their state, and every change of it; one that is closed is gone', async () => {
    await using measured = await start();
    const { ensemble, metrics, read } = measured;
    const [one, other] = [ensemble.session(), ensemble.session()];
    for (const each of [one, other]) metrics.watch(each);
    await ensemble.clock.advance(100);
    expect((await read()).value('holdfast_sessions', { state: 'connected' })).toBe(2);
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(100);
    expect((await read()).value('holdfast_sessions', { state: 'suspended' })).toBe(2);
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.clock.advance(60_000);
    await other.close();
    const seen = await read();
    const changes = ['connected', 'suspended', 'lost', 'closed'].map((state) =>
      seen.value('holdfast_session_changes_total', { state }),
    );
    expect(changes).toEqual([4, 2, 0, 1]);
    expect(seen.sum('holdfast_sessions')).toBe(1);
  });
});

describe('lines', () => {
  it('are measured as everybody sees them, holders of other programs included', async () => {
    await using measured = await start();
    const { ensemble, metrics, read } = measured;
    metrics.watchLines(ensemble.session().contentionUnder('/locks'));
    const first = await ensemble.held('/locks/a');
    const second = ensemble.lock('/locks/a').acquire();
    const third = ensemble.lock('/locks/a').acquire();
    third.catch(() => undefined);
    const alone = await ensemble.held('/locks/b');
    await ensemble.clock.advance(100);
    const before = await read();
    expect(before.value('holdfast_lines', { freshness: 'live' })).toBe(2);
    expect(before.value('holdfast_queue_length')).toBe(3);
    expect(before.value('holdfast_contenders')).toBe(4);
    expect(before.value('holdfast_hand_overs_total')).toBe(0);
    await first.release();
    await ensemble.until(second);
    await alone.release();
    await ensemble.clock.advance(100);
    const after = await read();
    expect(after.value('holdfast_queue_length')).toBe(2);
    expect(after.value('holdfast_contenders')).toBe(2);
    expect(after.value('holdfast_hand_overs_total')).toBe(1);
  });

  it('that are cut off are stale, and what was known of them is not told as if it were so', async () => {
    await using measured = await start();
    const { ensemble, metrics, read } = measured;
    metrics.watchLines(ensemble.session().contentionUnder('/locks'));
    await ensemble.held('/locks/a');
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(100);
    const cut = await read();
    expect(cut.value('holdfast_lines', { freshness: 'stale' })).toBe(1);
    expect(cut.value('holdfast_lines', { freshness: 'live' })).toBe(0);
    expect(cut.value('holdfast_queue_length')).toBeUndefined();
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.clock.advance(5_000);
    expect((await read()).value('holdfast_queue_length')).toBe(1);
  });

  it('that may not be listed are told to the logger, and stop nothing', async () => {
    const told: string[] = [];
    await using measured = await start({ logger: { warn: (line) => told.push(line) } });
    const { ensemble, metrics, read } = measured;
    const outsider = await ensemble.outsider();
    await outsider.create('/secret', new Uint8Array(0), {
      acl: [{ permissions: 16, scheme: 'world', id: 'anyone' }],
    });
    metrics.watchLines(ensemble.session().contentionUnder('/secret'));
    await ensemble.clock.advance(100);
    expect(told).toEqual([expect.stringMatching(/^lines are not measured any more: .*NoAuth/)]);
    expect((await read()).value('holdfast_lines', { freshness: 'live' })).toBeUndefined();
    await outsider.close();
  });
});

describe('measuring', () => {
  it('keeps nothing of locks and sessions that are over', async () => {
    await using measured = await start();
    const { ensemble, metrics, read, inspect } = measured;
    for (let round = 0; round < 5; round += 1) {
      const session = ensemble.session({ inspect });
      metrics.watch(session);
      metrics.watchLines(session.contentionUnder('/locks'));
      await ensemble.until(session.lock('/locks/a').acquire());
      const waiting = session.lock('/locks/a').acquire();
      const refused = expect(waiting).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
      await ensemble.clock.advance(100);
      await session.close();
      await refused;
      await ensemble.clock.advance(100);
    }
    const seen = await read();
    expect(seen.sum('holdfast_locks')).toBe(0);
    expect(seen.sum('holdfast_sessions')).toBe(0);
    expect(seen.sum('holdfast_lines')).toBe(0);
    expect(seen.value('holdfast_acquisitions_total', { outcome: 'closed' })).toBe(5);
  });

  it('ends with close(): no metric stays in the registry, no stream stays subscribed, and locks go on', async () => {
    await using measured = await start();
    const { ensemble, registry, metrics, inspect } = measured;
    const session = ensemble.session({ inspect });
    const subscriptions = [metrics.watch(session), metrics.watchLines(session.contentionUnder('/locks'))];
    const lease = await ensemble.until(session.lock('/locks/a').acquire());
    metrics.close();
    expect(subscriptions.map(({ closed }) => closed)).toEqual([true, true]);
    expect(await registry.metrics()).toBe('\n');
    await lease.release();
    promMetrics({ client: prometheus, registry }).close();
  });

  it('reaches no lock when it fails: it is said once, and the lock goes on', async () => {
    const told: string[] = [];
    await using ensemble = await VirtualEnsemble.start();
    const registry = new prometheus.Registry();
    class FullCounter {
      inc(_labels: object, amount: number): void {
        if (amount > 0) throw new Error('full');
      }
    }
    const metrics = promMetrics({
      client: { ...prometheus, Counter: FullCounter },
      registry,
      logger: { warn: (line) => told.push(line) },
    });
    const lock = ensemble.lock('/locks/a', {}, { inspect: metrics.inspect });
    for (let round = 0; round < 2; round += 1) await (await ensemble.until(lock.acquire())).release();
    expect(told).toEqual(['a lock could not be measured: Error: full']);
  });

  it('refuses a registry that has the metrics already, and options that cannot be meant', () => {
    const registry = new prometheus.Registry();
    const client = prometheus;
    const metrics = promMetrics({ client, registry });
    expect(() => promMetrics({ client, registry })).toThrow(/has these metrics already/);
    metrics.close();
    expect(() => promMetrics({ client, registry, mostLabels: 0 })).toThrow(/mostLabels/);
    expect(() => promMetrics({ client, registry, label: 'orders' as never })).toThrow(/label/);
    expect(() => promMetrics({ client: {} as never, registry })).toThrow(/client/);
  });
});
