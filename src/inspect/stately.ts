/** Speaks `@statelyai/inspect`'s protocol (XState 5's inspector, 0.7), so that its viewers show locks. Needs no package of it. */
import type { Observable, Subscription } from 'rxjs';
import type { DefinedState, MachineDefinition } from './definition.js';
import type { TraceRecord } from './trace.js';

/** What a `@statelyai/inspect` adapter is: `createWebSocketInspector(…).adapter`, `createBrowserInspector(…).adapter`. */
export interface StatelyAdapter {
  send(event: never): void;
}

const VERSION = '0.7.2';

/** XState 5's configuration as JSON: arrays of states become objects again. */
function configurationOf({ states, invoke, key: _key, ...rest }: DefinedState): Record<string, unknown> {
  return {
    ...rest,
    invoke: invoke?.map(({ slot, ...each }) => ({ ...each, src: slot })),
    ...(states === undefined
      ? {}
      : { states: Object.fromEntries(states.map((each) => [each.key, configurationOf(each)])) }),
  };
}

/**
 * Forwards everything that a hub tells to an inspector of `@statelyai/inspect`; contexts arrive redacted, as the hub tells them.
 * Give it the adapter, not the inspector's own `inspect`, which would send whole contexts. Unsubscribe to stop.
 *
 * ```ts
 * const { adapter } = createWebSocketInspector({ url: 'ws://127.0.0.1:8080' });
 * const forwarding = toStately(hub.records$, adapter);
 * ```
 */
export function toStately(records$: Observable<TraceRecord>, adapter: StatelyAdapter): Subscription {
  const definitions = new Map<string, MachineDefinition>();
  let count = 0;
  const send = (actor: string, at: number, fields: Record<string, unknown>) => {
    count += 1;
    const event = {
      ...fields,
      sessionId: actor,
      rootId: actor,
      createdAt: String(at),
      id: `holdfast-${count}`,
      _version: VERSION,
    };
    adapter.send(event as never);
  };
  return records$.subscribe((record) => {
    switch (record.kind) {
      case 'definition':
        definitions.set(record.machine, record.definition);
        return;
      case 'started': {
        const definition = definitions.get(record.machine);
        send(record.actor, record.at, {
          type: '@xstate.actor',
          name: record.name,
          snapshot: { status: 'active', value: definition?.initial, context: {} },
          definition: definition === undefined ? undefined : JSON.stringify(configurationOf(definition)),
          parentId: undefined,
        });
        return;
      }
      case 'event':
        send(record.actor, record.at, {
          type: '@xstate.event',
          event: record.event,
          sourceId: undefined,
        });
        return;
      case 'snapshot':
        send(record.actor, record.at, {
          type: '@xstate.snapshot',
          event: { type: record.after },
          snapshot: { status: 'active', value: record.value, context: record.context },
        });
        return;
      case 'stopped':
        send(record.actor, record.at, {
          type: '@xstate.snapshot',
          event: { type: 'xstate.stop' },
          snapshot: { status: 'done', context: {} },
        });
    }
  });
}
