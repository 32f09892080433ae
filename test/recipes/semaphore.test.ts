/** So many at once, in Curator's layout, in virtual time on the embedded ZooKeeper. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SemaphoreLease } from '../../src/index.js';
import { opcode } from '../../src/zookeeper/records.js';
import { listen } from '../setup/listening.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/semaphores/builds';
const LEASES = `${PATH}/leases`;
const LOCKS = `${PATH}/locks`;

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const semaphore = (size: number, options = {}) => ensemble.session().semaphore(PATH, size, options);
const left = () => [...ensemble.claims(LEASES), ...ensemble.claims(LOCKS)];
const acquired = (size: number, permits = 1) => ensemble.until(semaphore(size).acquire({ permits }));
const sizeIn = async () => {
  const outsider = await ensemble.outsider();
  return [...(await ensemble.until(outsider.getData(PATH))).data];
};

describe('a semaphore', () => {
  it('is held by as many as it has permits, and by one more when one is given back', async () => {
    const first = await acquired(2);
    await acquired(2);
    const third = listen(semaphore(2));
    await ensemble.clock.advance(1_000);
    expect(third.statuses().at(-1)).toBe('waitingOnPredecessor');
    await ensemble.until(first.release());
    await ensemble.clock.advance(100);
    expect(third.held().isHeld()).toBe(true);
    expect(ensemble.claims(LEASES)).toHaveLength(2);
    third.subscription.unsubscribe();
    await ensemble.clock.advance(100);
    expect(ensemble.claims(LEASES)).toHaveLength(1);
  });

  it("stands in Curator's layout, and keeps nobody in the line but those who wait", async () => {
    await acquired(2);
    expect(ensemble.claims(LEASES)).toEqual([
      expect.stringMatching(/^\/semaphores\/builds\/leases\/_c_[0-9a-f-]{36}-lease-\d{10}$/),
    ]);
    await ensemble.clock.advance(100);
    expect(ensemble.claims(LOCKS)).toEqual([]);
    await acquired(2);
    semaphore(2).subscribe({ error: () => undefined });
    await ensemble.clock.advance(100);
    expect(ensemble.claims(LOCKS)).toEqual([
      expect.stringMatching(/^\/semaphores\/builds\/locks\/_c_[0-9a-f-]{36}-lock-\d{10}$/),
    ]);
  });

  it('wakes whoever waits, whichever permit is given back (a lock with a bigger number does not)', async () => {
    const [a, b] = [await acquired(2), await acquired(2)];
    const c = semaphore(2).acquire();
    const d = semaphore(2).acquire();
    await ensemble.clock.advance(100);
    await ensemble.until(a.release());
    await ensemble.until((await ensemble.until(c)).release());
    expect((await ensemble.until(d)).isHeld()).toBe(true);
    expect(b.isHeld()).toBe(true);
  });

  it('counts every child, whoever made it', async () => {
    const lease = await acquired(2);
    const outsider = await ensemble.outsider();
    const { path: theirs } = await ensemble.until(
      outsider.create(`${LEASES}/_c_6b0e0dd0-63a7-4d3c-9a0e-0d1d3f2a1b4c-lease-`, new Uint8Array(), {
        mode: 'ephemeralSequential',
      }),
    );
    const waiting = semaphore(2).acquire();
    await ensemble.clock.advance(1_000);
    expect(ensemble.claims(LEASES)).toHaveLength(3);
    await ensemble.until(outsider.delete(theirs, -1));
    expect((await ensemble.until(waiting)).isHeld()).toBe(true);
    expect(lease.isHeld()).toBe(true);
  });

  it('gives several permits at once, all or nothing, and is fair to whoever asks for many', async () => {
    const first = await acquired(3, 2);
    expect([first.permits, first.claimPaths.length, ensemble.claims(LEASES).length]).toEqual([2, 2, 2]);
    const many = listen(semaphore(3).permits(3));
    await ensemble.clock.advance(100);
    const few = listen(semaphore(3));
    await ensemble.clock.advance(1_000);
    expect([many.statuses().at(-1), few.statuses().at(-1)]).toEqual([
      'waitingOnPredecessor',
      'waitingOnPredecessor',
    ]);
    await ensemble.until(first.release());
    await ensemble.clock.advance(100);
    expect(many.held().permits).toBe(3);
    expect(few.statuses().at(-1)).toBe('waitingOnPredecessor');
    many.subscription.unsubscribe();
    await ensemble.clock.advance(100);
    expect(few.held().permits).toBe(1);
  });

  it('never lets more hold than it has permits, whoever comes and goes', async () => {
    const holding = new Set<number>();
    let most = 0;
    const workers = Array.from({ length: 6 }, async (_, worker) => {
      for (let round = 0; round < 5; round += 1) {
        const permits = 1 + ((worker + round) % 3);
        const lease = await semaphore(3).acquire({ permits });
        const held = Array.from({ length: permits }, (__, each) => worker * 10 + each);
        for (const each of held) holding.add(each);
        most = Math.max(most, holding.size);
        await new Promise<void>((resolve) => ensemble.clock.setTimeout(resolve, 50));
        for (const each of held) holding.delete(each);
        await lease.release();
      }
    });
    await ensemble.until(Promise.all(workers));
    expect(most).toBe(3);
    await ensemble.clock.advance(100);
    expect(left()).toEqual([]);
  });

  it('has no fencing token: its holders overlap', async () => {
    expect('fencingToken' in (await acquired(2))).toBe(false);
  });

  it('T15: leaves no permit behind when time runs out, in the line or before the permits', async () => {
    await acquired(1);
    const first = semaphore(1).acquire({ timeoutMs: 500 });
    const second = semaphore(1).acquire({ timeoutMs: 400 });
    await expect(ensemble.until(second)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT', path: PATH });
    await expect(ensemble.until(first)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT', path: PATH });
    await ensemble.clock.advance(100);
    expect(left()).toHaveLength(1);
  });

  it('T15: leaves no permit behind when its wait is aborted, or its listing is refused an answer', async () => {
    await acquired(2);
    await acquired(2);
    const controller = new AbortController();
    const waiting = semaphore(2).acquire({ permits: 2, signal: controller.signal });
    await ensemble.clock.advance(100);
    expect(ensemble.claims(LEASES)).toHaveLength(4);
    const reason = new Error('enough');
    ensemble.zookeeper.faults.loseNextRequest(({ type }) => type === opcode.delete);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await ensemble.clock.advance(3_000);
    expect(left()).toHaveLength(2);
  });

  it('T16: a late release touches nobody else', async () => {
    const asked = semaphore(1);
    const first = await ensemble.until(asked.acquire());
    ensemble.zookeeper.deleteNode(first.claimPaths[0] ?? '');
    const second = await ensemble.until(asked.acquire());
    await ensemble.until(first.release());
    expect(second.isHeld()).toBe(true);
    expect(ensemble.claims(LEASES)).toEqual(second.claimPaths);
  });

  it.each([
    { fault: 'loseNextReply' as const, nth: 1 },
    { fault: 'loseNextReply' as const, nth: 2 },
    { fault: 'loseNextReply' as const, nth: 3 },
    { fault: 'loseNextRequest' as const, nth: 1 },
    { fault: 'loseNextRequest' as const, nth: 2 },
    { fault: 'loseNextRequest' as const, nth: 3 },
  ])(
    'takes no permit twice when the answer to a create is lost ($fault, create $nth)',
    async ({ fault, nth }) => {
      await ensemble.until((await acquired(3)).release());
      let seen = 0;
      ensemble.zookeeper.faults[fault](({ type }) => type === opcode.create2 && (seen += 1) === nth);
      const lease = await acquired(3, 2);
      await ensemble.clock.advance(3_000);
      expect([...ensemble.claims(LEASES)].sort()).toEqual([...lease.claimPaths].sort());
      expect(ensemble.claims(LOCKS)).toEqual([]);
    },
  );

  it('begins again under the same deadline when the session of a waiter goes', async () => {
    const holder = await acquired(1);
    const waiting = semaphore(1).acquire({ timeoutMs: 60_000 });
    await ensemble.clock.advance(100);
    const [gate = ''] = ensemble.claims(LOCKS);
    ensemble.zookeeper.expireSession(
      ensemble.zookeeper.nodes().find(({ path }) => path === gate)?.ephemeralOwner ?? '',
    );
    await ensemble.clock.advance(3_000);
    expect(ensemble.claims(LEASES)).toHaveLength(2);
    await ensemble.until(holder.release());
    const lease = await ensemble.until(waiting);
    await ensemble.clock.advance(100);
    expect(left()).toEqual(lease.claimPaths);
  });

  it('hears of a permit that was given back while it was cut off', async () => {
    const holder = await acquired(1);
    const waiting = semaphore(1).acquire();
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    ensemble.zookeeper.deleteNode(holder.claimPaths[0] ?? '');
    await ensemble.clock.advance(500);
    ensemble.zookeeper.faults.refuseConnections(false);
    expect((await ensemble.until(waiting)).isHeld()).toBe(true);
  });

  it('stays held over a cut, with somebody else waiting', async () => {
    const holder = listen(semaphore(1));
    await ensemble.clock.advance(100);
    semaphore(1).subscribe({ error: () => undefined });
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(3_000);
    expect(holder.heard.at(-1)).toMatchObject({ status: 'held', connection: 'confirmed' });
  });

  it('tells that a permit is lost, and gives the others back', async () => {
    const holder = listen(semaphore(3).permits(2));
    await ensemble.clock.advance(100);
    const lease = holder.held();
    const { signal } = lease;
    ensemble.zookeeper.deleteNode(lease.claimPaths[1] ?? '');
    await ensemble.clock.advance(100);
    expect(holder.heard.at(-1)).toMatchObject({ status: 'expired', reason: 'node-deleted' });
    expect(holder.ends).toEqual(['completed']);
    expect([signal.aborted, lease.isHeld(), left()]).toEqual([true, false, []]);
  });

  it('tells that its session is over', async () => {
    const holder = listen(semaphore(2));
    await ensemble.clock.advance(100);
    ensemble.zookeeper.expireSession(ensemble.zookeeper.sessions()[0]?.id ?? '');
    await ensemble.clock.advance(100);
    expect(holder.statuses().at(-1)).toBe('expired');
  });

  it('ends with SESSION_CLOSED for whoever learned its size in the moment the session was closed', async () => {
    await acquired(2);
    const session = ensemble.session();
    const acquiring = session.semaphore(PATH, 2).acquire();
    ensemble.beforeNext('getData', () => void session.close());
    await expect(ensemble.until(acquiring)).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
  });

  it('is null to those who would not wait, while it is busy only', async () => {
    const asked = semaphore(2);
    const first = await ensemble.until(asked.tryAcquire());
    expect(first?.permits).toBe(1);
    expect(await ensemble.until(asked.tryAcquire({ permits: 2 }))).toBeNull();
    const second: SemaphoreLease | null = await ensemble.until(asked.tryAcquire());
    expect(second?.isHeld()).toBe(true);
    expect(await ensemble.until(asked.tryAcquire())).toBeNull();
    await ensemble.clock.advance(100);
    expect(ensemble.claims(LEASES)).toHaveLength(2);
  });
});

describe('its size', () => {
  it("is kept in the path's data as Curator's SharedCount keeps it", async () => {
    await acquired(260);
    expect(await sizeIn()).toEqual([0, 0, 1, 4]);
  });

  it('is one for all: another is refused, and leaves nothing behind', async () => {
    const lease = await acquired(2);
    await expect(ensemble.until(semaphore(3).acquire())).rejects.toMatchObject({
      code: 'SEMAPHORE_SIZE',
      size: 2,
      path: PATH,
    });
    await expect(ensemble.until(semaphore(3).tryAcquire())).rejects.toMatchObject({ code: 'SEMAPHORE_SIZE' });
    const listener = listen(semaphore(1));
    await ensemble.clock.advance(100);
    expect(listener.ends).toMatchObject([{ code: 'SEMAPHORE_SIZE' }]);
    expect(left()).toEqual(lease.claimPaths);
  });

  it('may be another once nobody uses it any more', async () => {
    await ensemble.until((await acquired(2)).release());
    await ensemble.clock.advance(100);
    while (ensemble.zookeeper.faults.reapContainers() > 0);
    expect((await acquired(3)).isHeld()).toBe(true);
    expect(await sizeIn()).toEqual([0, 0, 0, 3]);
  });

  it('is said once when two say it first, and a path that Curator made has it added', async () => {
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/semaphores', new Uint8Array()));
    await ensemble.until(outsider.create(PATH, new Uint8Array()));
    await ensemble.until(Promise.all([semaphore(2).acquire(), semaphore(2).acquire()]));
    expect(await sizeIn()).toEqual([0, 0, 0, 2]);
  });

  it("leaves a stranger's data alone, and warns", async () => {
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/semaphores', new Uint8Array()));
    await ensemble.until(outsider.create(PATH, new TextEncoder().encode('192.168.0.7')));
    const warnings: string[] = [];
    const logger = { debug() {}, info() {}, warn: (text: string) => warnings.push(text), error() {} };
    const lease = await ensemble.until(ensemble.session({ logger }).semaphore(PATH, 2).acquire());
    expect(lease.isHeld()).toBe(true);
    expect(warnings[0]).toContain(PATH);
    expect(await sizeIn()).toEqual([...new TextEncoder().encode('192.168.0.7')]);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31])('is not %s', (size) => {
    expect(() => semaphore(size)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it.each([0, -1, 1.5, 4, Number.NaN])(
    'is not exceeded: %s permits are refused, and nothing is made',
    async (permits) => {
      await expect(semaphore(3).acquire({ permits })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        path: PATH,
      });
      const listener = listen(semaphore(3).permits(permits));
      expect(listener.ends).toMatchObject([{ code: 'INVALID_ARGUMENT' }]);
      await ensemble.clock.advance(100);
      expect(ensemble.zookeeper.nodes()).toEqual([]);
    },
  );
});
