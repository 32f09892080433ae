/** The recipes on a real ZooKeeper, in a process with a session for each party. */
import { filter, firstValueFrom, shareReplay } from 'rxjs';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { connect, type LeaderView, type Session } from '../../src/index.js';
import { freshPath } from '../lock/behaviour.js';

const sessions: Session[] = [];
const open = (): Session => {
  const session = connect(inject('zookeeper'), { sessionTimeoutMs: 4_000 });
  sessions.push(session);
  return session;
};
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

describe('a semaphore on a real ZooKeeper', () => {
  it('never lets more hold than it has permits, and serves everybody', async () => {
    const path = freshPath('semaphore');
    let holding = 0;
    let most = 0;
    let served = 0;
    const workers = Array.from({ length: 5 }, async (_, worker) => {
      const semaphore = open().semaphore(path, 3);
      for (let round = 0; round < 6; round += 1) {
        const permits = 1 + ((worker + round) % 3);
        const lease = await semaphore.acquire({ permits });
        holding += permits;
        most = Math.max(most, holding);
        await lease.renew();
        holding -= permits;
        await lease.release();
        served += 1;
      }
    });
    await Promise.all(workers);
    expect([most <= 3, served]).toEqual([true, 30]);
  });

  it('gives the permits of a session that closed to the next, and refuses another size', async () => {
    const path = freshPath('semaphore-closed');
    const first = open();
    await first.semaphore(path, 2).acquire({ permits: 2 });
    const waiting = open().semaphore(path, 2).acquire({ permits: 2 });
    await expect(open().semaphore(path, 3).acquire()).rejects.toMatchObject({
      code: 'SEMAPHORE_SIZE',
      size: 2,
    });
    await first.close();
    expect((await waiting).isHeld()).toBe(true);
  });
});

describe('a multi-lock on a real ZooKeeper', () => {
  it('of callers with the same paths in any order comes to all, one after the other', async () => {
    const root = freshPath('multi');
    const paths = ['a', 'b', 'c'].map((name) => `${root}/${name}`);
    let holding = 0;
    const turns = [0, 1, 2].map(async (shift) => {
      const lock = open().multiLock([...paths.slice(shift), ...paths.slice(0, shift)]);
      for (let round = 0; round < 4; round += 1) {
        const lease = await lock.acquire();
        holding += 1;
        expect(holding).toBe(1);
        await lease.renew();
        holding -= 1;
        await lease.release();
      }
    });
    await Promise.all(turns);
    expect(
      (
        await open()
          .lock(paths[0] ?? '')
          .entries()
      ).ids,
    ).toEqual([]);
  });
});

describe('an election on a real ZooKeeper', () => {
  it('tells every candidate who leads and what was proclaimed, and passes on', async () => {
    const path = freshPath('election');
    const first = open();
    const ada = await first.election(path, { id: 'ada' }).campaign();
    await ada.proclaim('at 10.0.0.7');
    const view$ = open()
      .election(path, { id: 'bob' })
      .leader$.pipe(shareReplay({ bufferSize: 1, refCount: true }));
    const until = (wanted: (view: LeaderView) => boolean) => firstValueFrom(view$.pipe(filter(wanted)));
    const candidacy = view$.subscribe();
    expect(await until(({ value }) => value !== null)).toMatchObject({
      leader: { id: 'ada' },
      leading: false,
      value: 'at 10.0.0.7',
    });
    await first.close();
    expect(await until(({ leading }) => leading)).toMatchObject({ leader: { id: 'bob' }, value: null });
    candidacy.unsubscribe();
    const seen = open().election(path).observe();
    await firstValueFrom(seen.pipe(filter(({ leader }) => leader === null)));
  });
});

describe('barriers on a real ZooKeeper', () => {
  it('hold back until they are lowered', async () => {
    const path = freshPath('barrier');
    await open().barrier(path).raise();
    const waiting = open().barrier(path).wait({ timeoutMs: 30_000 });
    await expect(open().barrier(path).wait({ timeoutMs: 50 })).rejects.toMatchObject({
      code: 'BARRIER_TIMEOUT',
    });
    await open().barrier(path).lower();
    await waiting;
  });

  it('let a group begin and end together, round after round', async () => {
    const path = freshPath('double-barrier');
    let inside = 0;
    const members = Array.from({ length: 3 }, async () => {
      const barrier = open().doubleBarrier(path, 3);
      for (let round = 0; round < 4; round += 1) {
        const passage = await barrier.enter({ timeoutMs: 30_000 });
        inside += 1;
        await passage.leave({ timeoutMs: 30_000 });
        expect(inside).toBeGreaterThanOrEqual(3 * (round + 1));
      }
    });
    await Promise.all(members);
    expect(inside).toBe(12);
  });
});

describe('a durable lock on a real ZooKeeper', () => {
  it('outlives its session, is resumed by its owner, and then goes to those who wait, in order', async () => {
    const path = freshPath('durable');
    const crashed = open();
    const before = await crashed.lock(path, { ephemeral: false, owner: 'ada' }).acquire();
    const waiting = open().lock(path).acquire();
    await crashed.close();
    expect(await open().lock(path).tryAcquire()).toBeNull();
    const lease = await open().lock(path, { ephemeral: false, owner: 'ada' }).resume();
    expect([lease?.claimPath, (lease?.fencingToken ?? 0n) > before.fencingToken]).toEqual([
      before.claimPath,
      true,
    ]);
    await lease?.release();
    const after = await waiting;
    expect(after.fencingToken).toBeGreaterThan(lease?.fencingToken ?? 0n);
    await after.release();
  });

  it('is held by one at a time, durable or not', async () => {
    const path = freshPath('durable-line');
    let holding = 0;
    let served = 0;
    const turn = async (acquire: () => Promise<{ renew(): Promise<void>; release(): Promise<void> }>) => {
      for (let round = 0; round < 8; round += 1) {
        const lease = await acquire();
        holding += 1;
        expect(holding).toBe(1);
        await lease.renew();
        holding -= 1;
        served += 1;
        await lease.release();
      }
    };
    const plain = [open(), open()].map((session) => turn(() => session.lock(path).acquire()));
    const durable = ['ada', 'bob'].map((owner) => {
      const lock = open().lock(path, { ephemeral: false, owner });
      return turn(() => lock.acquire());
    });
    await Promise.all([...plain, ...durable]);
    expect(served).toBe(32);
  });
});
