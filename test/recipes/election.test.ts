/** Who leads, in Curator's LeaderLatch layout, in virtual time on the embedded ZooKeeper. */
import { firstValueFrom } from 'rxjs';
import { repeat } from 'rxjs/operators';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LeaderView, type Observed, whileHeld } from '../../src/index.js';
import { opcode } from '../../src/zookeeper/records.js';
import { listen } from '../setup/listening.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/elections/scheduler';

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const election = (id: string, options = {}) => ensemble.session().election(PATH, { id, ...options });
const elected = (id: string) => ensemble.until(election(id).campaign());

/** What a stream of views told. */
function see<T extends Observed>(views$: { subscribe: ReturnType<typeof election>['leader$']['subscribe'] }) {
  const seen: T[] = [];
  const ends: unknown[] = [];
  const subscription = views$.subscribe({
    next: (view) => seen.push(view as unknown as T),
    error: (error: unknown) => ends.push(error),
    complete: () => ends.push('completed'),
  });
  return { seen, ends, subscription, last: () => seen.at(-1) };
}
const observe = (id = 'nobody') =>
  see<Observed>(election(id).observe() as unknown as ReturnType<typeof election>['leader$']);

describe('an election', () => {
  it('is led by whoever stands first, then by the next when he resigns, with a larger token', async () => {
    const ada = await elected('ada');
    const bob = listen(election('bob'));
    await ensemble.clock.advance(100);
    expect(bob.statuses().at(-1)).toBe('waitingOnPredecessor');
    await ensemble.until(ada.release());
    await ensemble.clock.advance(100);
    expect(bob.held().fencingToken).toBeGreaterThan(ada.fencingToken);
    expect([ada.isHeld(), bob.held().id]).toEqual([false, 'bob']);
    bob.subscription.unsubscribe();
    await ensemble.clock.advance(100);
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it("stands in Curator's layout, with the id as data", async () => {
    const { claimPath } = await elected('host-7');
    expect(claimPath).toMatch(/^\/elections\/scheduler\/_c_[0-9a-f-]{36}-latch-\d{10}$/);
    const outsider = await ensemble.outsider();
    const { data } = await ensemble.until(outsider.getData(claimPath));
    expect(new TextDecoder().decode(data)).toBe('host-7');
  });

  it("stands behind Curator's latches, and ignores what is none", async () => {
    await ensemble.until((await elected('first')).release());
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create(`${PATH}/lock-0000000000`, new Uint8Array()));
    const { path: theirs } = await ensemble.until(
      outsider.create(
        `${PATH}/_c_6b0e0dd0-63a7-4d3c-9a0e-0d1d3f2a1b4c-latch-`,
        new TextEncoder().encode('java-1'),
        {
          mode: 'ephemeralSequential',
        },
      ),
    );
    const ours = see<LeaderView>(election('ours').leader$);
    await ensemble.clock.advance(100);
    expect(ours.last()).toMatchObject({ leader: { id: 'java-1', claimPath: theirs }, leading: false });
    await ensemble.until(outsider.delete(theirs, -1));
    await ensemble.clock.advance(100);
    expect(ours.last()).toMatchObject({ leader: { id: 'ours' }, leading: true });
  });

  it('tells every candidate who leads and whether it is him', async () => {
    const ada = see<LeaderView>(election('ada').leader$);
    await ensemble.clock.advance(100);
    const bob = see<LeaderView>(election('bob').leader$);
    await ensemble.clock.advance(100);
    expect(ada.last()).toMatchObject({ leader: { id: 'ada' }, leading: true, leadership: { id: 'ada' } });
    expect(bob.last()).toMatchObject({ leader: { id: 'ada' }, leading: false, leadership: null });
    ada.subscription.unsubscribe();
    await ensemble.clock.advance(100);
    expect(bob.last()).toMatchObject({ leader: { id: 'bob' }, leading: true });
    expect(bob.seen.every(({ leader, leading }) => leading === (leader?.id === 'bob'))).toBe(true);
  });

  it('T03: tells a leader that his own node is gone, and ends', async () => {
    const view = see<LeaderView>(election('ada').leader$);
    await ensemble.clock.advance(100);
    const leadership = view.last()?.leadership;
    ensemble.zookeeper.deleteNode(leadership?.claimPath ?? '');
    await ensemble.clock.advance(100);
    expect(view.last()).toMatchObject({
      leading: false,
      leadership: null,
      leader: null,
      lost: 'node-deleted',
    });
    expect([view.ends, leadership?.isHeld()]).toEqual([['completed'], false]);
  });

  it('T03: does not take the node of a session that is over for its own', async () => {
    ensemble.zookeeper.faults.delayEphemeralDeletion(5_000);
    const view = see<LeaderView>(election('ada').leader$.pipe(repeat()));
    await ensemble.clock.advance(100);
    const before = view.last()?.leader?.claimPath;
    ensemble.zookeeper.expireSession(ensemble.zookeeper.sessions()[0]?.id ?? '');
    await ensemble.clock.advance(3_000);
    expect(ensemble.claims(PATH)).toHaveLength(2);
    expect(view.last()).toMatchObject({ leading: false, leader: { claimPath: before } });
    await ensemble.clock.advance(5_000);
    expect(view.last()).toMatchObject({ leading: true });
    expect(view.last()?.leader?.claimPath).not.toBe(before);
    view.subscription.unsubscribe();
  });

  it('gives a candidate whose session went a new place, under the same deadline', async () => {
    const ada = await elected('ada');
    const waiting = election('bob').campaign({ timeoutMs: 60_000 });
    await ensemble.clock.advance(100);
    const before = ensemble.claims(PATH).find((path) => path !== ada.claimPath) ?? '';
    ensemble.zookeeper.expireSession(
      ensemble.zookeeper.nodes().find(({ path }) => path === before)?.ephemeralOwner ?? '',
    );
    await ensemble.clock.advance(3_000);
    await ensemble.until(ada.release());
    expect((await ensemble.until(waiting)).claimPath).not.toBe(before);
  });

  it.each(['loseNextReply', 'loseNextRequest'] as const)(
    'has one node for one candidate, whatever answer is lost (%s)',
    async (fault) => {
      await ensemble.until((await elected('first')).release());
      ensemble.zookeeper.faults[fault](({ type }) => type === opcode.create2);
      const ada = await elected('ada');
      expect(ensemble.claims(PATH)).toEqual([ada.claimPath]);
    },
  );

  it('is given up by a deadline and by a signal, and nothing is left', async () => {
    const ada = await elected('ada');
    await expect(ensemble.until(election('bob').campaign({ timeoutMs: 300 }))).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      path: PATH,
    });
    const controller = new AbortController();
    const waiting = election('eve').campaign({ signal: controller.signal });
    await ensemble.clock.advance(100);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await ensemble.clock.advance(100);
    expect(ensemble.claims(PATH)).toEqual([ada.claimPath]);
  });

  it('runs work only while it leads', async () => {
    const leader = firstValueFrom(
      election('ada').pipe(whileHeld(({ id, fencingToken }) => [`${id} ${fencingToken > 0n}`])),
    );
    expect(await ensemble.until(leader)).toBe('ada true');
    await ensemble.clock.advance(100);
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it.each([{ id: '' }, { id: 7 }])('refuses the id $id', ({ id }) => {
    expect(() => election(id as string)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('a proclamation', () => {
  it('is heard by everybody, by those who come late too, and goes with its leader', async () => {
    const early = observe();
    const ada = await elected('ada');
    await ensemble.until(ada.proclaim('http://10.0.0.7:80'));
    const bob = see<LeaderView>(election('bob').leader$);
    const late = observe();
    await ensemble.clock.advance(100);
    const told = { leader: { id: 'ada', claimPath: ada.claimPath }, value: 'http://10.0.0.7:80' };
    for (const listener of [early, bob, late]) expect(listener.last()).toMatchObject(told);
    await ensemble.until(ada.proclaim('moved'));
    await ensemble.clock.advance(100);
    for (const listener of [early, bob, late]) expect(listener.last()).toMatchObject({ value: 'moved' });
    await ensemble.until(ada.release());
    await ensemble.clock.advance(100);
    for (const listener of [early, bob, late]) {
      expect(listener.last()).toMatchObject({ leader: { id: 'bob' }, value: null });
    }
  });

  it.each(['loseNextReply', 'loseNextRequest'] as const)(
    'is said again until the answer is known (%s)',
    async (fault) => {
      const ada = await elected('ada');
      ensemble.zookeeper.faults[fault](({ type }) => type === opcode.multi);
      await ensemble.until(ada.proclaim('hello'));
      const seen = observe();
      await ensemble.clock.advance(100);
      expect(seen.last()).toMatchObject({ value: 'hello', freshness: 'live' });
    },
  );

  it('is refused to one who leads no more, though he does not know it yet', async () => {
    const ada = await elected('ada');
    const waiting = election('bob').campaign();
    await ensemble.clock.advance(100);
    ensemble.beforeNext('multi', () => {
      ensemble.zookeeper.deleteNode(ada.claimPath);
    });
    await expect(ensemble.until(ada.proclaim('too late'))).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await ensemble.until((await ensemble.until(waiting)).proclaim('mine'));
    const seen = observe();
    await ensemble.clock.advance(100);
    expect(seen.last()).toMatchObject({ leader: { id: 'bob' }, value: 'mine' });
  });

  it('ends with LOCK_LOST when the leadership ends while the server is out of reach', async () => {
    const ada = await elected('ada');
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(100);
    await expect(ensemble.until(ada.proclaim('anybody?'))).rejects.toMatchObject({ code: 'LOCK_LOST' });
    ensemble.zookeeper.faults.refuseConnections(false);
  });
});

describe('an observer', () => {
  it('sees an election that is not there yet, is cut off, and comes back', async () => {
    const seen = observe();
    await ensemble.clock.advance(100);
    expect(seen.last()).toMatchObject({ leader: null, value: null, freshness: 'live' });
    const ada = await elected('ada');
    await ensemble.clock.advance(100);
    expect(seen.last()).toMatchObject({ leader: { id: 'ada' } });
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(10);
    expect(seen.last()).toMatchObject({ leader: { id: 'ada' }, freshness: 'stale' });
    ensemble.zookeeper.deleteNode(ada.claimPath);
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.clock.advance(3_000);
    expect(seen.last()).toMatchObject({ leader: null, freshness: 'live' });
  });

  it('sees the next leader after the path itself was taken away', async () => {
    const seen = observe();
    await ensemble.until((await elected('ada')).release());
    await ensemble.clock.advance(100);
    while (ensemble.zookeeper.faults.reapContainers() > 0);
    await ensemble.clock.advance(100);
    await ensemble.until((await elected('bob')).proclaim('here'));
    await ensemble.clock.advance(100);
    expect(seen.last()).toMatchObject({ leader: { id: 'bob' }, value: 'here' });
  });

  it("sees no value in a stranger's data", async () => {
    const ada = await elected('ada');
    const outsider = await ensemble.outsider();
    const seen = observe();
    for (const text of [
      '10.0.0.1',
      '{"leader":"somebody","value":"x"}',
      'null',
      `{"leader":"${ada.claimPath}"}`,
    ]) {
      await ensemble.until(outsider.setData(PATH, new TextEncoder().encode(text), -1));
      await ensemble.clock.advance(100);
      expect(seen.last()).toMatchObject({ leader: { id: 'ada' }, value: null });
    }
  });

  it('leaves no watch behind, and completes with the session', async () => {
    const session = ensemble.session();
    await ensemble.until(session.lock('/locks/warm').acquire());
    await ensemble.clock.advance(1_000);
    const before = ensemble.zookeeper.watchCount();
    const other = await elected('ada');
    await ensemble.clock.advance(1_000);
    const withLeader = ensemble.zookeeper.watchCount();
    for (let round = 0; round < 3; round += 1) {
      const subscription = session.election(PATH, { id: 'x' }).observe().subscribe();
      await ensemble.clock.advance(100);
      subscription.unsubscribe();
      await ensemble.clock.advance(100);
    }
    expect(ensemble.zookeeper.watchCount()).toBe(withLeader);
    await ensemble.until(other.release());
    const ended: string[] = [];
    session
      .election(PATH, { id: 'x' })
      .observe()
      .subscribe({ complete: () => ended.push('completed') });
    await ensemble.until(session.close());
    expect([ended, before > 0]).toEqual([['completed'], true]);
  });
});
