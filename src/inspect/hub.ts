/**
 * One tap on XState's `inspect`, one memory: who looks late still sees every lock's chart, its last state and the steps
 * before it. Nothing leaves it but {@link TraceRecord}s.
 */
import type { Observable } from 'rxjs';
import type { InspectionEvent } from 'xstate';
import { type Clock, systemClock } from '../clock.js';
import { definitionOf } from './definition.js';
import { TraceMemory } from './memory.js';
import {
  type RedactionOptions,
  recordedContext,
  recordedEvent,
  type StateValue,
  type TraceRecord,
} from './trace.js';

/** How much is kept. */
export interface InspectionHubOptions extends RedactionOptions {
  /** The last so many records are kept for viewers that come late. Default 2,000. */
  readonly keepRecords?: number;
  readonly clock?: Pick<Clock, 'wallNow'>;
}

/** See {@link inspectLocks}. */
export interface InspectionHub {
  /** Goes into `connect(…, { inspect })`, or into XState's own `createActor(…, { inspect })`. */
  readonly inspect: (event: InspectionEvent) => void;
  /** What is known now, oldest first, and then everything as it happens. Never completes. */
  readonly records$: Observable<TraceRecord>;
}

/** What is used of an actor; its logic says which machine it runs. */
interface InspectedRef {
  readonly sessionId: string;
  readonly id?: string;
  readonly logic?: { readonly id?: string; readonly config?: object };
}

/**
 * Makes a hub. Locks that are over are forgotten when their records are.
 *
 * ```ts
 * const hub = inspectLocks();
 * const session = connect('127.0.0.1:2181', { inspect: hub.inspect });
 * hub.records$.subscribe((record) => console.log(JSON.stringify(record)));
 * ```
 */
export function inspectLocks(options: InspectionHubOptions = {}): InspectionHub {
  const { keepRecords = 2_000, clock = systemClock } = options;
  const memory = new TraceMemory(keepRecords);

  const begin = (ref: InspectedRef): boolean => {
    const machine = ref.logic?.id;
    const config = ref.logic?.config;
    if (machine === undefined || config === undefined) return false;
    if (!memory.hasDefinition(machine))
      memory.add({ kind: 'definition', machine, definition: definitionOf({ id: machine, config }) });
    const name = ref.id ?? ref.sessionId;
    memory.add({ kind: 'started', actor: ref.sessionId, machine, name, at: clock.wallNow() });
    return true;
  };

  const inspect = (event: InspectionEvent) => {
    const ref = event.actorRef as unknown as InspectedRef;
    // Slots are actors too: what they say comes to the machine as an event.
    if (ref.sessionId !== event.rootId) return;
    if (event.type !== '@xstate.event' && event.type !== '@xstate.snapshot') return;
    const actor = ref.sessionId;
    if (!memory.hasActor(actor) && !begin(ref)) return;
    const at = clock.wallNow();
    if (event.type === '@xstate.event') {
      memory.add({ kind: 'event', actor, at, event: recordedEvent(event.event) });
      return;
    }
    const { value, context, status } = event.snapshot as unknown as {
      value?: StateValue;
      context?: object;
      status: string;
    };
    memory.add({
      kind: 'snapshot',
      actor,
      at,
      value: value ?? status,
      context: recordedContext(context ?? {}, options),
      after: event.event.type,
    });
    if (status !== 'active') memory.add({ kind: 'stopped', actor, at });
  };
  return { inspect, records$: memory.records$ };
}
