/** Speaks `@statelyai/inspect`'s protocol (XState 5's inspector, 0.7), so that its viewers show locks. Needs no package of it. */
import type { Observable, Subscription } from 'rxjs';
import type { DefinedState, MachineDefinition } from './definition.js';
import type { StateValue, TraceRecord } from './trace.js';

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
 * Its relay and its adapters keep the last 200 messages for viewers that come late. A lock is registered again before its next
 * news once so many others were sent, so that a viewer has the chart of whatever it hears news of.
 */
const REGISTERED_FOR = 150;

/** A lock that is not over. */
interface Forwarded {
  readonly machine: string;
  readonly name: string;
  snapshot: { readonly status: 'active'; readonly value: StateValue | undefined; readonly context: object };
  /** The number of the message that registered it last. */
  registered: number;
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
  const actors = new Map<string, Forwarded>();
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
  const register = (actor: string, at: number, forwarded: Forwarded) => {
    const definition = definitions.get(forwarded.machine);
    send(actor, at, {
      type: '@xstate.actor',
      name: forwarded.name,
      snapshot: forwarded.snapshot,
      definition: definition === undefined ? undefined : JSON.stringify(configurationOf(definition)),
      parentId: undefined,
    });
    forwarded.registered = count;
  };
  return records$.subscribe((record) => {
    if (record.kind === 'definition') {
      definitions.set(record.machine, record.definition);
      return;
    }
    const { actor, at } = record;
    if (record.kind === 'started') {
      const { machine, name } = record;
      const value = definitions.get(machine)?.initial;
      const forwarded: Forwarded = {
        machine,
        name,
        snapshot: { status: 'active', value, context: {} },
        registered: 0,
      };
      actors.set(actor, forwarded);
      register(actor, at, forwarded);
      return;
    }
    const known = actors.get(actor);
    if (known === undefined) return;
    if (count - known.registered >= REGISTERED_FOR) register(actor, at, known);
    switch (record.kind) {
      case 'event':
        send(actor, at, { type: '@xstate.event', event: record.event, sourceId: undefined });
        return;
      case 'snapshot':
        known.snapshot = { status: 'active', value: record.value, context: record.context };
        send(actor, at, {
          type: '@xstate.snapshot',
          event: { type: record.after },
          snapshot: known.snapshot,
        });
        return;
      case 'stopped':
        actors.delete(actor);
        send(actor, at, {
          type: '@xstate.snapshot',
          event: { type: 'xstate.stop' },
          snapshot: { ...known.snapshot, status: 'done' },
        });
    }
  });
}
