/** What the two inspection protocols are told, as their messages say it. The real receivers are tried in test/real/. */
import { describe, expect, it } from 'vitest';
import { inspectLocks, type LegacyMessage, legacyXStateInspect, toStately } from '../../src/inspect/index.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

interface StatelyMessage {
  readonly type: string;
  readonly name?: string;
  readonly definition?: string;
  readonly snapshot?: { readonly value?: unknown; readonly context?: object };
}

describe('the inspector of XState 5', () => {
  it('hears the actor with its chart, then each event and each state', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const hub = inspectLocks({ clock: ensemble.clock });
    const heard: StatelyMessage[] = [];
    const forwarding = toStately(hub.records$, { send: (event: StatelyMessage) => heard.push(event) });
    await (await ensemble.until(ensemble.lock('/locks/a', {}, { inspect: hub.inspect }).acquire())).release();
    forwarding.unsubscribe();
    expect(heard[0]).toMatchObject({ type: '@xstate.actor', name: '/locks/a' });
    expect(Object.keys((JSON.parse(heard[0]?.definition ?? '{}') as { states: object }).states)).toContain(
      'waitingOnPredecessor',
    );
    expect(heard.map(({ snapshot }) => snapshot?.value)).toContainEqual({ held: 'confirmed' });
    expect(JSON.stringify(heard)).not.toContain('acquisition');
  });
});

describe('a receiver of XState 4', () => {
  it('hears nothing before it has greeted, and then what it missed', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const hub = inspectLocks({ clock: ensemble.clock });
    const heard: LegacyMessage[] = [];
    const bridge = legacyXStateInspect(hub.records$, (message) => heard.push(message));
    const lease = await ensemble.until(ensemble.lock('/locks/a', {}, { inspect: hub.inspect }).acquire());
    expect(heard).toEqual([]);
    bridge.receive({ type: 'xstate.inspecting' });
    expect(heard).toMatchObject([{ type: 'service.register', id: '/locks/a' }]);
    await lease.release();
    expect(heard.map(({ type }) => type)).toContain('service.state');
    expect(heard.at(-1)?.type).toBe('service.stop');
    bridge.stop();
  });

  it('hears nothing that only a lock should: commands of a viewer are not passed on', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const hub = inspectLocks({ clock: ensemble.clock });
    const bridge = legacyXStateInspect(hub.records$, () => undefined);
    bridge.receive({ type: 'xstate.inspecting' });
    const lease = await ensemble.until(ensemble.lock('/locks/a', {}, { inspect: hub.inspect }).acquire());
    bridge.receive({ type: 'xstate.event' });
    expect(lease.isHeld()).toBe(true);
    await lease.release();
    bridge.stop();
  });
});
