/** Barriers in Curator's layouts, in virtual time on the embedded ZooKeeper. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BarrierState, DoubleBarrierState } from '../../src/index.js';
import { admit, memberRule } from '../../src/recipes/barrier-round.js';
import type { ClientFactory } from '../../src/zookeeper/client.js';
import { opcode } from '../../src/zookeeper/records.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const PATH = '/barriers/release';
const READY = `${PATH}/ready`;

let ensemble: VirtualEnsemble;
beforeEach(async () => {
  ensemble = await VirtualEnsemble.start();
});
afterEach(async () => {
  await ensemble[Symbol.asyncDispose]();
});

const nodes = () => ensemble.zookeeper.nodes().map(({ path }) => path);
/** Whether a promise has settled by now. */
function watch(promise: Promise<unknown>) {
  const state = { settled: false };
  const settle = () => {
    state.settled = true;
  };
  promise.then(settle, settle);
  return state;
}

describe('a barrier', () => {
  const barrier = (options = {}) => ensemble.session().barrier(PATH, options);

  it('holds back whoever waits until it is lowered', async () => {
    await ensemble.until(barrier().raise());
    const waiting = [barrier().wait(), barrier().wait()];
    const states = waiting.map(watch);
    await ensemble.clock.advance(1_000);
    expect(states.map(({ settled }) => settled)).toEqual([false, false]);
    await ensemble.until(barrier().lower());
    await ensemble.until(Promise.all(waiting));
    expect(nodes()).not.toContain(PATH);
  });

  it('holds nobody back where none is raised', async () => {
    await ensemble.until(barrier().wait());
    expect(nodes()).toEqual([]);
  });

  it("is a persistent znode at the path, as Curator's, so it outlives whoever raised it", async () => {
    const session = ensemble.session();
    await ensemble.until(session.barrier(PATH).raise());
    await ensemble.until(session.close());
    expect(ensemble.zookeeper.nodes().find(({ path }) => path === PATH)?.ephemeralOwner).toBe('0');
    const outsider = await ensemble.outsider();
    const waiting = barrier().wait();
    await ensemble.clock.advance(100);
    await ensemble.until(outsider.delete(PATH, -1));
    await ensemble.until(waiting);
  });

  it('may be raised twice and lowered twice', async () => {
    await ensemble.until(Promise.all([barrier().raise(), barrier().raise()]));
    await ensemble.until(Promise.all([barrier().lower(), barrier().lower()]));
    await ensemble.until(barrier().lower());
    expect(nodes()).not.toContain(PATH);
  });

  it.each(['loseNextReply', 'loseNextRequest'] as const)(
    'is raised and lowered whatever answer is lost (%s)',
    async (fault) => {
      const ours = barrier();
      await ensemble.until(ours.raise());
      ensemble.zookeeper.faults[fault](({ type }) => type === opcode.delete);
      await ensemble.until(ours.lower());
      expect(nodes()).not.toContain(PATH);
      ensemble.zookeeper.faults[fault](({ type }) => type === opcode.create2);
      await ensemble.until(ours.raise());
      expect(nodes()).toContain(PATH);
    },
  );

  it('that somebody raised anew is not lowered by a deletion whose answer was lost', async () => {
    const ours = barrier();
    await ensemble.until(ours.raise());
    const outsider = await ensemble.outsider();
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.delete);
    ensemble.zookeeper.faults.refuseConnections(true);
    const lowering = ours.lower();
    await ensemble.clock.advance(100);
    expect(nodes()).not.toContain(PATH);
    await ensemble.until(outsider.create(PATH, new Uint8Array()));
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.until(lowering);
    expect(nodes()).toContain(PATH);
  });

  it('tells whether it is raised, now and after every change', async () => {
    const seen: BarrierState[] = [];
    const subscription = barrier().subscribe((state) => seen.push(state));
    await ensemble.clock.advance(100);
    await ensemble.until(barrier().raise());
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(3_000);
    await ensemble.until(barrier().lower());
    await ensemble.clock.advance(100);
    subscription.unsubscribe();
    expect(seen.map(({ status, freshness }) => `${status} ${freshness}`)).toEqual([
      'lowered live',
      'raised live',
      'raised stale',
      'raised live',
      'lowered live',
    ]);
  });

  it('that was lowered while those who wait were cut off lets them go on when they are back', async () => {
    await ensemble.until(barrier().raise());
    const waiting = barrier().wait();
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.refuseConnections(true);
    ensemble.zookeeper.faults.cut();
    await ensemble.clock.advance(20_000);
    ensemble.zookeeper.deleteNode(PATH);
    ensemble.zookeeper.faults.refuseConnections(false);
    await ensemble.until(waiting);
  });

  it('is waited for until a deadline, or until a signal', async () => {
    await ensemble.until(barrier().raise());
    const started = ensemble.clock.now();
    await expect(ensemble.until(barrier({ timeoutMs: 700 }).wait())).rejects.toMatchObject({
      code: 'BARRIER_TIMEOUT',
      path: PATH,
    });
    expect(ensemble.clock.now() - started).toBe(700);
    const controller = new AbortController();
    const waiting = barrier().wait({ signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(barrier().wait({ signal: controller.signal })).rejects.toBe(reason);
    await expect(barrier().wait({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('is waited for no longer than its session lives', async () => {
    await ensemble.until(barrier().raise());
    const session = ensemble.session();
    const waiting = session.barrier(PATH).wait();
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    await ensemble.clock.advance(100);
    await ensemble.until(session.close());
    await rejected;
  });
});

describe('a double barrier', () => {
  const barrier = (members: number, options = {}) => ensemble.session().doubleBarrier(PATH, members, options);
  const enter = (members: number, options = {}) => barrier(members, options).enter();
  const inside = () => ensemble.claims(PATH).filter((path) => path !== READY);

  it('lets its members begin together, and end together', async () => {
    const early = [enter(3), enter(3)];
    const states = early.map(watch);
    await ensemble.clock.advance(1_000);
    expect(states.map(({ settled }) => settled)).toEqual([false, false]);
    const passages = await ensemble.until(Promise.all([...early, enter(3)]));
    const leaving = passages.slice(0, 2).map((passage) => passage.leave());
    const left = leaving.map(watch);
    await ensemble.clock.advance(1_000);
    expect([left.map(({ settled }) => settled), inside()]).toEqual([
      [false, false],
      [passages[2]?.claimPath],
    ]);
    await ensemble.until(Promise.all([...leaving, passages[2]?.leave()]));
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it("stands in Curator's layout: an ephemeral child for each, and `ready` when enough are there", async () => {
    const first = enter(2);
    await ensemble.clock.advance(100);
    expect(ensemble.claims(PATH)).toEqual([
      expect.stringMatching(/^\/barriers\/release\/_c_[0-9a-f-]{36}-member-\d{10}$/),
    ]);
    await ensemble.until(Promise.all([first, enter(2)]));
    expect(ensemble.claims(PATH)).toContain(READY);
    expect(ensemble.zookeeper.nodes().find(({ path }) => path === READY)?.ephemeralOwner).toBe('0');
  });

  it("begins with Curator's members: by their number, and by their `ready`", async () => {
    const outsider = await ensemble.outsider();
    const first = enter(2);
    await ensemble.clock.advance(100);
    await ensemble.until(
      outsider.create(`${PATH}/6b0e0dd0-63a7-4d3c-9a0e-0d1d3f2a1b4c`, new Uint8Array(), {
        mode: 'ephemeral',
      }),
    );
    const passage = await ensemble.until(first);
    expect(nodes()).toContain(READY);
    const leaving = passage.leave();
    const state = watch(leaving);
    await ensemble.clock.advance(1_000);
    expect(state.settled).toBe(false);
    await ensemble.until(outsider.delete(`${PATH}/6b0e0dd0-63a7-4d3c-9a0e-0d1d3f2a1b4c`, -1));
    await ensemble.until(leaving);
    const second = enter(9);
    await ensemble.clock.advance(100);
    await ensemble.until(outsider.create(READY, new Uint8Array()));
    expect((await ensemble.until(second)).isHeld()).toBe(true);
  });

  it('works round after round on one path, however fast a member comes back', async () => {
    let rounds = 0;
    const run = async () => {
      const ours = barrier(3);
      for (let round = 0; round < 4; round += 1) {
        const passage = await ours.enter();
        rounds += 1;
        await passage.leave();
      }
    };
    await ensemble.until(Promise.all([run(), run(), run()]));
    expect(rounds).toBe(12);
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('does not keep a slow leaver for those who came back meanwhile', async () => {
    const [slow, fast] = await ensemble.until(Promise.all([enter(2), enter(2)]));
    const session = ensemble.zookeeper.nodes().find(({ path }) => path === slow.claimPath)?.ephemeralOwner;
    const leaving = slow.leave();
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.delayReplies(500, session);
    await ensemble.until(fast.leave());
    const again = enter(2);
    await ensemble.clock.advance(100);
    expect(inside()).toHaveLength(1);
    await ensemble.until(leaving);
    await ensemble.until(Promise.all([again, enter(2)]));
  });

  it('does not open for one by the `ready` that a dead round left', async () => {
    const [a, b] = await ensemble.until(Promise.all([enter(2), enter(2)]));
    for (const passage of [a, b]) ensemble.zookeeper.deleteNode(passage.claimPath);
    expect(ensemble.claims(PATH)).toEqual([READY]);
    const alone = enter(2);
    const state = watch(alone);
    await ensemble.clock.advance(1_000);
    expect(state.settled).toBe(false);
    await ensemble.until(Promise.all([alone, enter(2)]));
  });

  it('does not open for one by the `ready` of those who have gone, though another one stands there', async () => {
    const gone = await ensemble.until(Promise.all([enter(3), enter(3), enter(3)]));
    await ensemble.until(Promise.all(gone.map((passage) => passage.release())));
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create(`${PATH}/somebody`, new Uint8Array(), { mode: 'ephemeral' }));
    expect(ensemble.claims(PATH)).toContain(READY);
    const early = enter(3);
    const state = watch(early);
    await ensemble.clock.advance(1_000);
    expect([state.settled, ensemble.claims(PATH).includes(READY)]).toEqual([false, false]);
    await ensemble.until(Promise.all([early, enter(3)]));
  });

  it("does not open for one by what Curator's members left, whatever they wrote into it", async () => {
    const outsider = await ensemble.outsider();
    await ensemble.until(outsider.create('/barriers', new Uint8Array()));
    await ensemble.until(outsider.create(PATH, new Uint8Array()));
    await ensemble.until(outsider.create(READY, new TextEncoder().encode('127.0.0.1')));
    const alone = enter(2);
    const state = watch(alone);
    await ensemble.clock.advance(1_000);
    expect([state.settled, ensemble.claims(PATH).includes(READY)]).toEqual([false, false]);
    await ensemble.until(Promise.all([alone, enter(2)]));
  });

  it('works round after round with a client that has no transactions', async () => {
    const withoutTransactions: ClientFactory = (options) => {
      const client = ensemble.zookeeper.client()(options);
      return Object.defineProperty(client, 'capabilities', {
        value: { ...client.capabilities, multi: false },
      });
    };
    const open = () => ensemble.session({ client: withoutTransactions }).doubleBarrier(PATH, 2);
    const [a, b] = await ensemble.until(Promise.all([open().enter(), open().enter()]));
    const late = await ensemble.until(open().enter());
    const leaving = [a, b, late].map((passage) => passage.leave());
    await ensemble.until(Promise.all(leaving));
    expect(ensemble.claims(PATH)).toEqual([]);
    const gone = await ensemble.until(Promise.all([open().enter(), open().enter()]));
    await ensemble.until(Promise.all(gone.map((passage) => passage.release())));
    const early = open().enter();
    const state = watch(early);
    await ensemble.clock.advance(1_000);
    expect([state.settled, ensemble.claims(PATH).includes(READY)]).toEqual([false, false]);
    await ensemble.until(Promise.all([early, open().enter()]));
  });

  it('is entered also where another identity keeps `ready` to itself', async () => {
    const outsider = await ensemble.outsider();
    const readOnly = { acl: [{ permissions: 1, scheme: 'world', id: 'anyone' }] };
    for (const path of ['/barriers', PATH]) await ensemble.until(outsider.create(path, new Uint8Array()));
    await ensemble.until(outsider.create(READY, new Uint8Array(), readOnly));
    const early = enter(3);
    await ensemble.clock.advance(100);
    expect(ensemble.claims(PATH)).toEqual([expect.stringContaining('-member-')]);
    await ensemble.until(outsider.create(READY, new Uint8Array(), readOnly));
    const passages = await ensemble.until(Promise.all([early, enter(3)]));
    await ensemble.until(Promise.all(passages.map((passage) => passage.leave())));
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('is open while anybody is inside, also one who came late', async () => {
    const [a, b, c] = await ensemble.until(Promise.all([enter(3), enter(3), enter(3)]));
    await ensemble.until(Promise.all([a.release(), b.release()]));
    const d = await ensemble.until(enter(3));
    await ensemble.until(c.release());
    expect((await ensemble.until(enter(3))).isHeld()).toBe(true);
    expect(d.isHeld()).toBe(true);
  });

  it('is not left without one who came while it was open and could not look in time', async () => {
    const passages = await ensemble.until(Promise.all([enter(2), enter(2)]));
    const late = barrier(2);
    await ensemble.clock.advance(100);
    ensemble.zookeeper.faults.loseNextReply(({ type }) => type === opcode.create2);
    ensemble.zookeeper.faults.refuseConnections(true);
    const entering = late.enter();
    await ensemble.clock.advance(100);
    const leaving = passages.map((passage) => passage.leave());
    const states = leaving.map(watch);
    await ensemble.clock.advance(1_000);
    expect([states.map(({ settled }) => settled), inside()]).toEqual([
      [false, false],
      [expect.stringContaining('-member-')],
    ]);
    ensemble.zookeeper.faults.refuseConnections(false);
    const passage = await ensemble.until(entering);
    await ensemble.until(Promise.all([passage.leave(), ...leaving]));
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('is left by one whose session has gone without those who wait for the next round', async () => {
    const session = ensemble.session();
    const passages = await ensemble.until(Promise.all([session.doubleBarrier(PATH, 2).enter(), enter(2)]));
    const [gone, other] = passages;
    const owner = ensemble.zookeeper.nodes().find(({ path }) => path === gone.claimPath)?.ephemeralOwner;
    ensemble.zookeeper.expireSession(owner ?? '');
    await ensemble.until(other.release());
    const next = enter(2);
    await ensemble.clock.advance(3_000);
    expect(inside()).toHaveLength(1);
    await ensemble.until(gone.leave());
    await ensemble.until(Promise.all([next, session.doubleBarrier(PATH, 2).enter()]));
  });

  it('gives back the `ready` of a round that a late deletion of the last one hit', async () => {
    const [client, others] = await Promise.all([ensemble.outsider(), ensemble.outsider()]);
    for (const path of ['/barriers', PATH, READY])
      await ensemble.until(client.create(path, new Uint8Array()));
    const { path, stat } = await ensemble.until(
      client.create(`${PATH}/a`, new Uint8Array(), { mode: 'ephemeral' }),
    );
    const claim = { path, name: 'a', czxid: stat?.czxid ?? 0n, sessionId: '', createdMs: 0, heardAtMs: 0 };
    const wholeRound = async () => {
      await others.delete(READY, -1);
      await others.create(`${PATH}/b`, new Uint8Array(), { mode: 'ephemeral' });
      await others.create(READY, new Uint8Array());
      await others.delete(`${PATH}/b`, -1);
    };
    const send = client.multi.bind(client);
    client.multi = async (operations) => {
      client.multi = send;
      await wholeRound();
      return send(operations);
    };
    const round = { path: PATH, rule: memberRule(2), acl: undefined };
    const verdict = await ensemble.until(admit(client, round, claim, ['a', 'ready']));
    expect(verdict.kind).toBe('holds');
    expect(ensemble.claims(PATH)).toEqual([path, READY]);
  });

  it('counts one whose session ended as one who left, and tells him', async () => {
    const passages = await ensemble.until(Promise.all([enter(2), enter(2)]));
    const [gone, stays] = passages;
    const { signal } = gone;
    const leaving = stays.leave();
    await ensemble.clock.advance(100);
    ensemble.zookeeper.expireSession(
      ensemble.zookeeper.nodes().find(({ path }) => path === gone.claimPath)?.ephemeralOwner ?? '',
    );
    await ensemble.until(leaving);
    await ensemble.clock.advance(100);
    expect([signal.aborted, gone.isHeld()]).toEqual([true, false]);
    await ensemble.until(gone.leave());
  });

  it('is entered anew under the same deadline by one whose session went while he waited', async () => {
    const waiting = enter(2, { timeoutMs: 60_000 });
    await ensemble.clock.advance(100);
    const [before = ''] = inside();
    ensemble.zookeeper.expireSession(ensemble.zookeeper.sessions()[0]?.id ?? '');
    await ensemble.clock.advance(3_000);
    expect(inside()).toHaveLength(1);
    expect(inside()).not.toEqual([before]);
    await ensemble.until(Promise.all([waiting, enter(2)]));
  });

  it.each(['loseNextReply', 'loseNextRequest'] as const)(
    'counts a member once, whatever answer is lost (%s)',
    async (fault) => {
      for (const type of [opcode.create2, opcode.getChildren2, opcode.exists, opcode.multi]) {
        const waiting = enter(2);
        await ensemble.clock.advance(100);
        ensemble.zookeeper.faults[fault]((request) => request.type === type);
        const passages = await ensemble.until(Promise.all([waiting, enter(2)]));
        expect([...inside()].sort()).toEqual(passages.map(({ claimPath }) => claimPath).sort());
        ensemble.zookeeper.faults[fault]((request) => request.type === opcode.delete);
        ensemble.zookeeper.faults[fault]((request) => request.type === opcode.multi);
        await ensemble.until(Promise.all(passages.map((passage) => passage.leave())));
        expect(ensemble.claims(PATH)).toEqual([]);
      }
    },
  );

  it('is left by one whose deadline passes or who gives up, waiting to begin', async () => {
    await expect(ensemble.until(enter(2, { timeoutMs: 500 }))).rejects.toMatchObject({
      code: 'BARRIER_TIMEOUT',
      message: expect.stringContaining('1 of 2 were there') as string,
    });
    const controller = new AbortController();
    const waiting = barrier(2).enter({ signal: controller.signal });
    await ensemble.clock.advance(100);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await ensemble.clock.advance(100);
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('is left by one whose deadline passes or who gives up, waiting to end', async () => {
    const [a, b, c] = await ensemble.until(Promise.all([enter(3), enter(3), enter(3)]));
    await expect(ensemble.until(a.leave({ timeoutMs: 500 }))).rejects.toMatchObject({
      code: 'BARRIER_TIMEOUT',
    });
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(b.leave({ signal: controller.signal })).rejects.toThrow('enough');
    await ensemble.clock.advance(100);
    expect(inside()).toEqual([c.claimPath]);
    await ensemble.until(c.leave());
    expect(ensemble.claims(PATH)).toEqual([]);
  });

  it('tells how many are there', async () => {
    const seen: DoubleBarrierState[] = [];
    const subscription = barrier(2).subscribe((state) => seen.push(state));
    await ensemble.clock.advance(100);
    const passages = [enter(2)];
    await ensemble.clock.advance(100);
    passages.push(enter(2));
    const entered = await ensemble.until(Promise.all(passages));
    await ensemble.clock.advance(100);
    expect(seen.map(({ present }) => present).slice(0, 2)).toEqual([0, 1]);
    expect(seen.at(-1)).toMatchObject({ present: 2, members: 2, open: true });
    await ensemble.until(Promise.all(entered.map((passage) => passage.leave())));
    await ensemble.clock.advance(100);
    expect(seen.at(-1)).toMatchObject({ present: 0, open: false });
    subscription.unsubscribe();
  });

  it.each([0, -1, 1.5, Number.NaN])('has no %s members', (members) => {
    expect(() => barrier(members)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', path: PATH }));
  });
});
