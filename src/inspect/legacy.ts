/**
 * Speaks the protocol of `@xstate/inspect` 0.8, which is tied to XState 4, for XState 5 machines: existing receivers show locks.
 * Needs neither that package nor XState 4 (docs/decisions/002).
 */
import type { Observable, Subscription } from 'rxjs';
import type { DefinedState, DefinedTransition } from './definition.js';
import {
  EMPTY_TRACE,
  type RecordedEvent,
  type StateValue,
  type Trace,
  type TraceRecord,
  withRecord,
} from './trace.js';

/** What goes to the receiver: `machine`, `state` and `event` are JSON in text, as `@xstate/inspect` sends them. */
export type LegacyMessage =
  | {
      readonly type: 'service.register';
      readonly id: string;
      readonly sessionId: string;
      readonly parent: undefined;
      readonly machine: string;
      readonly state: string;
    }
  | { readonly type: 'service.state'; readonly sessionId: string; readonly state: string }
  | { readonly type: 'service.event'; readonly sessionId: string; readonly event: string }
  | { readonly type: 'service.stop'; readonly sessionId: string };

/** See {@link legacyXStateInspect}. */
export interface LegacyInspection {
  /** What the receiver said, parsed. Only its greeting, `xstate.inspecting`, is acted upon: a viewer sends no events to locks. */
  receive(message: { readonly type: string }): void;
  stop(): void;
}

const four = (each: DefinedTransition) => ({
  target: each.target,
  cond: each.guard,
  actions: each.actions,
  // XState 4 leaves and enters a state again unless told otherwise; XState 5 does so only when told.
  internal: each.reenter !== true,
});

const fourByEvent = (on: Readonly<Record<string, readonly DefinedTransition[]>> | undefined) =>
  on === undefined
    ? undefined
    : Object.fromEntries(Object.entries(on).map(([event, each]) => [event, each.map(four)]));

/** XState 4's configuration. */
function fourConfiguration(state: DefinedState): Record<string, unknown> {
  return {
    id: state.id,
    type: state.type,
    initial: state.initial,
    tags: state.tags,
    entry: state.entry,
    exit: state.exit,
    on: fourByEvent(state.on),
    after: fourByEvent(state.after),
    always: state.always?.map(four),
    invoke: state.invoke?.map(({ id, slot, onDone, onError }) => ({
      id,
      src: slot,
      onDone: onDone?.map(four),
      onError: onError?.map(four),
    })),
    states:
      state.states === undefined
        ? undefined
        : Object.fromEntries(state.states.map((each) => [each.key, fourConfiguration(each)])),
  };
}

const scxml = (event: RecordedEvent) => ({
  name: event.type,
  data: event,
  $$type: 'scxml',
  type: 'external',
});

function fourState(actor: string, value: StateValue, context: object, event: RecordedEvent, done: boolean) {
  return JSON.stringify({
    value,
    context,
    event,
    _event: scxml(event),
    _sessionid: actor,
    actions: [],
    activities: {},
    meta: {},
    events: [],
    children: {},
    transitions: [],
    configuration: [],
    tags: [],
    done,
    changed: true,
  });
}

/**
 * Tells a receiver of `@xstate/inspect` (`createWebSocketReceiver`, `createWindowReceiver`) everything that a hub tells. `post` sends one
 * message to it, as JSON over a WebSocket or as it is to a window. Nothing is sent before the receiver has greeted; then it hears
 * what it missed.
 */
export function legacyXStateInspect(
  records$: Observable<TraceRecord>,
  post: (message: LegacyMessage) => void,
): LegacyInspection {
  let trace: Trace = EMPTY_TRACE;
  let greeted = false;
  const registered = new Set<string>();

  const register = (actor: string) => {
    const known = trace.actors[actor];
    const definition = known === undefined ? undefined : trace.definitions[known.machine];
    const last = known?.steps.findLast(({ value }) => value !== '');
    if (known === undefined || definition === undefined || last === undefined || registered.has(actor))
      return;
    registered.add(actor);
    const context = last.context;
    post({
      type: 'service.register',
      id: known.name,
      sessionId: actor,
      parent: undefined,
      machine: JSON.stringify({ ...fourConfiguration(definition), id: definition.id, context }),
      state: fourState(actor, last.value, context, last.event, false),
    });
  };

  const subscription: Subscription = records$.subscribe((record) => {
    trace = withRecord(trace, record, 2);
    if (!greeted) return;
    switch (record.kind) {
      case 'event':
        if (registered.has(record.actor))
          post({
            type: 'service.event',
            sessionId: record.actor,
            event: JSON.stringify(scxml(record.event)),
          });
        return;
      case 'snapshot': {
        if (!registered.has(record.actor)) {
          register(record.actor);
          return;
        }
        const { actor, value, context, after } = record;
        post({
          type: 'service.state',
          sessionId: actor,
          state: fourState(actor, value, context, { type: after }, false),
        });
        return;
      }
      case 'stopped':
        if (registered.delete(record.actor)) post({ type: 'service.stop', sessionId: record.actor });
        return;
      case 'definition':
      case 'started':
    }
  });
  return {
    receive({ type }) {
      if (type !== 'xstate.inspecting') return;
      greeted = true;
      // A receiver that came back has forgotten everything.
      registered.clear();
      for (const [actor, { stoppedAt }] of Object.entries(trace.actors))
        if (stoppedAt === null) register(actor);
    },
    stop: () => {
      subscription.unsubscribe();
    },
  };
}
