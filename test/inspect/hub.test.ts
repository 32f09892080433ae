/** What viewers are told of locks: everything they need to explain one, early or late, and nothing that is nobody's business. */
import { firstValueFrom, type Observable, type Subscription } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { lockMachine } from '../../machines/index.js';
import {
  definitionOf,
  EMPTY_TRACE,
  inspectLocks,
  parseTrace,
  type Trace,
  type TracedActor,
  type TraceRecord,
  withRecord,
} from '../../src/inspect/index.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const subscriptions: Subscription[] = [];
afterEach(() => {
  for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
});

function records(records$: Observable<TraceRecord>): TraceRecord[] {
  const told: TraceRecord[] = [];
  subscriptions.push(records$.subscribe((record) => told.push(record)));
  return told;
}

const trace = (told: readonly TraceRecord[]): Trace =>
  told.reduce((sum, each) => withRecord(sum, each), EMPTY_TRACE);
const only = (told: readonly TraceRecord[]): TracedActor | undefined => Object.values(trace(told).actors)[0];
const topLevel = (actor: TracedActor | undefined) =>
  actor?.steps
    .map(({ value }) => (typeof value === 'string' ? value : Object.keys(value)[0]))
    .filter((value, index, all) => value !== all[index - 1]);

describe('the hub', () => {
  it('tells the chart, and every step of a lock with the event that led there', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const hub = inspectLocks({ clock: ensemble.clock });
    const told = records(hub.records$);
    const lease = await ensemble.until(ensemble.lock('/locks/a', {}, { inspect: hub.inspect }).acquire());
    await lease.release();
    const seen = only(told);
    expect(told[0]).toMatchObject({ kind: 'definition', machine: 'lock' });
    expect(seen?.name).toBe('/locks/a');
    expect(topLevel(seen)).toEqual(['idle', 'creatingNode', 'held', 'releasing', 'released']);
    expect(seen?.steps.find(({ value }) => JSON.stringify(value).includes('held'))?.event).toMatchObject({
      type: 'xstate.done.actor.createClaim',
      verdict: 'holds',
    });
    expect(seen?.stoppedAt).not.toBeNull();
  });

  it('tells who looks late the chart, the last state, and the steps before it', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const hub = inspectLocks({ clock: ensemble.clock });
    const first = await ensemble.held('/locks/a', { owner: 'anna' });
    const waiting = ensemble.lock('/locks/a', {}, { inspect: hub.inspect }).acquire();
    waiting.catch(() => undefined);
    await ensemble.clock.advance(1_000);
    const late = only(records(hub.records$));
    expect(topLevel(late)?.at(-1)).toBe('waitingOnPredecessor');
    expect(late?.steps.length).toBeGreaterThan(2);
    expect(late?.steps.at(-1)?.context).toMatchObject({ position: 1, queueLength: 2 });
    await first.release();
  });

  it('tells the last state of a lock whose steps are no longer kept', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const hub = inspectLocks({ clock: ensemble.clock, keepRecords: 10 });
    const session = ensemble.session({ inspect: hub.inspect });
    await ensemble.until(session.lock('/locks/old').acquire());
    await ensemble.clock.advance(100);
    for (let round = 0; round < 9; round += 1) {
      await (await ensemble.until(session.lock('/locks/new').acquire())).release();
    }
    const told = trace(records(hub.records$));
    const old = Object.values(told.actors).find(({ name }) => name === '/locks/old');
    expect(topLevel(old)).toEqual(['held']);
    expect(Object.keys(told.actors).length).toBeLessThan(5);
  });

  it('says why a lock was lost', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const hub = inspectLocks({ clock: ensemble.clock });
    const told = records(hub.records$);
    const lease = await ensemble.until(ensemble.lock('/locks/a', {}, { inspect: hub.inspect }).acquire());
    ensemble.zookeeper.faults.silence();
    await ensemble.clock.advance(30_000);
    expect(lease.isHeld()).toBe(false);
    const lost = only(told)?.steps.find(({ context }) => context['expiredBecause'] !== undefined);
    expect(lost).toMatchObject({
      event: { type: 'validity.passed' },
      context: { expiredBecause: 'validity-passed' },
    });
  });

  it('keeps to itself what claims say of their owners, unless asked', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const secret = 'owner-4711';
    const quiet = inspectLocks({ clock: ensemble.clock });
    const open = inspectLocks({ clock: ensemble.clock, claimData: true });
    const holder = await ensemble.held('/locks/a', { owner: secret });
    for (const { inspect } of [quiet, open]) {
      ensemble
        .lock('/locks/a', { owner: secret }, { inspect, auth: [{ scheme: 'digest', auth: 'u:pass-word' }] })
        .acquire()
        .catch(() => undefined);
    }
    await ensemble.clock.advance(1_000);
    const [quietly, openly] = [quiet, open].map((hub) => JSON.stringify(records(hub.records$)));
    expect(quietly).not.toContain(secret);
    expect(openly).toContain(secret);
    expect(`${quietly}${openly}`).not.toContain('pass-word');
    await holder.release();
  });
});

describe('a trace', () => {
  it('survives its way through a file, line by line', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const hub = inspectLocks({ clock: ensemble.clock });
    const told = records(hub.records$);
    await (await ensemble.until(ensemble.lock('/locks/a', {}, { inspect: hub.inspect }).acquire())).release();
    const file = told.map((record) => `${JSON.stringify(record)}\n`).join('');
    expect(trace(parseTrace(file))).toEqual(trace(told));
  });

  it('names the line that is none', () => {
    expect(() => parseTrace('{"kind":"stopped","actor":"x:1","at":1}\nnonsense')).toThrow('line 2');
    expect(() => parseTrace('{"kind":"other"}')).toThrow('line 1');
  });
});

describe('the definition', () => {
  it("keeps the document's order and the names of guards", () => {
    const definition = definitionOf(lockMachine);
    expect(definition.states?.map(({ key }) => key)).toEqual([
      'idle',
      'creatingNode',
      'waitingOnPredecessor',
      'held',
      'releasing',
      'released',
      'expired',
      'failed',
    ]);
    expect(JSON.stringify(definition)).toContain('"guard":"sessionUp"');
  });

  it('is told once for all locks', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const hub = inspectLocks({ clock: ensemble.clock });
    const session = ensemble.session({ inspect: hub.inspect });
    for (const path of ['/a', '/b']) await ensemble.until(session.lock(path).acquire());
    const told = records(hub.records$);
    expect(told.filter(({ kind }) => kind === 'definition')).toHaveLength(1);
    expect(await firstValueFrom(hub.records$)).toMatchObject({ kind: 'definition' });
  });
});
