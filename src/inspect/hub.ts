/**
 * One tap on XState's `inspect`, one memory: who looks late still sees every lock's chart, its last state and the steps
 * before it. Nothing leaves it but {@link TraceRecord}s.
 */
import { Observable } from 'rxjs';
import type { InspectionEvent } from 'xstate';
import { type Clock, systemClock } from '../clock.js';
import { definitionOf } from './definition.js';
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

interface Watched {
  readonly started: TraceRecord;
  last: TraceRecord | null;
  /** The number of its newest kept record. */
  newest: number;
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
  const listeners = new Set<(record: TraceRecord) => void>();
  const definitions = new Map<string, TraceRecord>();
  const actors = new Map<string, Watched>();
  /** Actors that have stopped, in that order. */
  const over: string[] = [];
  /** A ring: record number n stands at n modulo its length. */
  const kept: TraceRecord[] = [];
  let next = 0;

  const tell = (record: TraceRecord, watched?: Watched) => {
    if (watched !== undefined) {
      kept[next % keepRecords] = record;
      watched.newest = next;
      next += 1;
    }
    for (const listener of listeners) listener(record);
  };

  const begin = (ref: InspectedRef): Watched | undefined => {
    const machine = ref.logic?.id;
    const config = ref.logic?.config;
    if (machine === undefined || config === undefined) return undefined;
    if (!definitions.has(machine)) {
      const record: TraceRecord = {
        kind: 'definition',
        machine,
        definition: definitionOf({ id: machine, config }),
      };
      definitions.set(machine, record);
      tell(record);
    }
    const started: TraceRecord = {
      kind: 'started',
      actor: ref.sessionId,
      machine,
      name: ref.id ?? ref.sessionId,
      at: clock.wallNow(),
    };
    const watched: Watched = { started, last: null, newest: next };
    actors.set(ref.sessionId, watched);
    tell(started);
    return watched;
  };

  const forgetOld = () => {
    for (let oldest = over[0]; oldest !== undefined; oldest = over[0]) {
      const watched = actors.get(oldest);
      if (watched !== undefined && watched.newest >= next - keepRecords) return;
      actors.delete(oldest);
      over.shift();
    }
  };

  const inspect = (event: InspectionEvent) => {
    const ref = event.actorRef as unknown as InspectedRef;
    // Slots are actors too: what they say comes to the machine as an event.
    if (ref.sessionId !== event.rootId) return;
    if (event.type !== '@xstate.event' && event.type !== '@xstate.snapshot') return;
    const actor = ref.sessionId;
    const watched = actors.get(actor) ?? begin(ref);
    if (watched === undefined) return;
    const at = clock.wallNow();
    if (event.type === '@xstate.event') {
      tell({ kind: 'event', actor, at, event: recordedEvent(event.event) }, watched);
      return;
    }
    const { value, context, status } = event.snapshot as unknown as {
      value?: StateValue;
      context?: object;
      status: string;
    };
    const snapshot: TraceRecord = {
      kind: 'snapshot',
      actor,
      at,
      value: value ?? status,
      context: recordedContext(context ?? {}, options),
      after: event.event.type,
    };
    watched.last = snapshot;
    tell(snapshot, watched);
    if (status !== 'active') {
      watched.last = { kind: 'stopped', actor, at };
      tell(watched.last, watched);
      over.push(actor);
      forgetOld();
    }
  };

  const records$ = new Observable<TraceRecord>((subscriber) => {
    for (const definition of definitions.values()) subscriber.next(definition);
    const first = Math.max(0, next - keepRecords);
    for (const { started, last, newest } of actors.values()) {
      subscriber.next(started);
      // Its own records have left the ring: the last state at least is told.
      if (newest < first && last !== null) subscriber.next(last);
    }
    for (let index = first; index < next; index += 1) {
      const record = kept[index % keepRecords];
      if (record !== undefined) subscriber.next(record);
    }
    const listener = (record: TraceRecord) => {
      subscriber.next(record);
    };
    listeners.add(listener);
    return () => listeners.delete(listener);
  });
  return { inspect, records$ };
}
