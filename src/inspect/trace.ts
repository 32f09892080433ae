/**
 * What is recorded of a machine, and what is not: no credentials, and no claim's data unless asked for. One record is one
 * line of JSON in a trace file, so that "why was it lost" can be answered later and elsewhere.
 */
import type { LockContext } from '../../machines/lock-machine.js';
import type { MachineDefinition } from './definition.js';

/** A state as XState writes it: `'held'`, `{ held: 'confirmed' }`. */
export type StateValue = string | { readonly [key: string]: StateValue | undefined };

/** What a viewer may know of a lock's memory. */
export type RecordedContext = Readonly<Record<string, string | number | boolean | null>>;

/** An event, by its name and the facts in it that are fit to be shown. */
export type RecordedEvent = Readonly<Record<string, string | number | boolean | null>> & {
  readonly type: string;
};

/** One line of a trace. `at` is epoch milliseconds, `actor` the machine's session id, unique in its process. */
export type TraceRecord =
  /** Comes before the first actor of its machine. */
  | { readonly kind: 'definition'; readonly machine: string; readonly definition: MachineDefinition }
  /** `name`: for a lock its path. */
  | {
      readonly kind: 'started';
      readonly actor: string;
      readonly machine: string;
      readonly name: string;
      readonly at: number;
    }
  | { readonly kind: 'event'; readonly actor: string; readonly at: number; readonly event: RecordedEvent }
  /** `after`: the event that led here. */
  | {
      readonly kind: 'snapshot';
      readonly actor: string;
      readonly at: number;
      readonly value: StateValue;
      readonly context: RecordedContext;
      readonly after: string;
    }
  | { readonly kind: 'stopped'; readonly actor: string; readonly at: number };

/** What may be recorded. */
export interface RedactionOptions {
  /** Owner, host and process of the claim ahead, as its client wrote them. Default false. */
  readonly claimData?: boolean;
}

const wordOf = (value: unknown): string =>
  value instanceof Error ? value.message : typeof value === 'string' ? value : '';

/** The facts of a lock's memory that explain it. */
export function recordedContext(
  context: Partial<LockContext>,
  { claimData = false }: RedactionOptions,
): RecordedContext {
  const { consultation, claim, predecessor, failure } = context;
  const verdict = consultation?.verdict;
  const seen: Record<string, string | number | boolean | null> = {};
  if (claim !== undefined) seen['claim'] = claim?.path ?? null;
  if (claim) seen['czxid'] = String(claim.czxid);
  if (context.sessionUp !== undefined) seen['sessionUp'] = context.sessionUp;
  if (context.mayExist === true) seen['mayExist'] = true;
  if (verdict !== undefined) seen['verdict'] = verdict.kind;
  if (verdict?.kind === 'waits') {
    seen['position'] = verdict.position;
    seen['predecessor'] = predecessor?.path ?? verdict.predecessor;
  }
  if (verdict !== undefined && verdict.kind !== 'missing') seen['queueLength'] = verdict.queueLength;
  if (claimData && predecessor) {
    if (predecessor.owner !== undefined) seen['predecessorOwner'] = predecessor.owner;
    if (predecessor.host !== undefined) seen['predecessorHost'] = predecessor.host;
    if (predecessor.pid !== undefined) seen['predecessorPid'] = predecessor.pid;
  }
  if (context.claimWatched === true) seen['claimWatched'] = true;
  if (context.cutSinceListing === true) seen['cutSinceListing'] = true;
  if (context.timeoutMs != null) seen['timeoutMs'] = context.timeoutMs;
  if (context.ttlMs != null) seen['ttlMs'] = context.ttlMs;
  if (context.onSuspend !== undefined) seen['onSuspend'] = context.onSuspend;
  if (context.expiredBecause) seen['expiredBecause'] = context.expiredBecause;
  if (failure) {
    seen['failure'] = failure.kind;
    const why = wordOf(failure.cause);
    if (why !== '') seen['failureCause'] = why;
  }
  return seen;
}

/** Facts of an event that are plain and say nothing of anybody's data. */
const EVENT_FACTS = ['sessionId', 'reason', 'because', 'witnessed', 'remainingMs'] as const;

/** An event, as it may be shown. A slot's result is told by its verdict, a failure by its message. */
export function recordedEvent(event: { readonly type: string }): RecordedEvent {
  const seen: Record<string, string | number | boolean | null> = {};
  const fields = event as Partial<Record<string, unknown>>;
  for (const fact of EVENT_FACTS) {
    const value = fields[fact];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      seen[fact] = value;
  }
  const verdict = (fields['output'] as { verdict?: { kind?: string } } | null | undefined)?.verdict?.kind;
  if (verdict !== undefined) seen['verdict'] = verdict;
  const why = wordOf(fields['error'] ?? fields['cause']);
  if (why !== '') seen['error'] = why;
  return { ...seen, type: event.type };
}

/** One lock of a trace: what it did, step by step. */
export interface TracedActor {
  readonly actor: string;
  readonly machine: string;
  readonly name: string;
  readonly startedAt: number;
  readonly stoppedAt: number | null;
  readonly steps: readonly TraceStep[];
}

/** A state, and the event that led there. */
export interface TraceStep {
  readonly at: number;
  readonly value: StateValue;
  readonly context: RecordedContext;
  readonly event: RecordedEvent;
}

/** A trace, put together: a viewer's model. Pure; add records in order. */
export interface Trace {
  readonly definitions: Readonly<Record<string, MachineDefinition>>;
  readonly actors: Readonly<Record<string, TracedActor>>;
}

export const EMPTY_TRACE: Trace = { definitions: {}, actors: {} };

/** `trace` with one record more; a record of an actor that was never started is left out. */
export function withRecord(trace: Trace, record: TraceRecord, keepSteps = 500): Trace {
  if (record.kind === 'definition')
    return { ...trace, definitions: { ...trace.definitions, [record.machine]: record.definition } };
  if (record.kind === 'started') {
    const { actor, machine, name, at } = record;
    const started = { actor, machine, name, startedAt: at, stoppedAt: null, steps: [] };
    return { ...trace, actors: { ...trace.actors, [actor]: started } };
  }
  const known = trace.actors[record.actor];
  if (known === undefined) return trace;
  const change = (next: TracedActor): Trace => ({
    ...trace,
    actors: { ...trace.actors, [record.actor]: next },
  });
  switch (record.kind) {
    case 'event':
      // Waits for the snapshot that it leads to: an event without one changed nothing.
      return change({ ...known, steps: withEvent(known.steps, record.at, record.event) });
    case 'snapshot': {
      const { at, value, context, after } = record;
      const last = known.steps.at(-1);
      const event = last?.event.type === after && last.value === '' ? last.event : { type: after };
      const before = last?.value === '' ? known.steps.slice(0, -1) : known.steps;
      return change({ ...known, steps: [...before, { at, value, context, event }].slice(-keepSteps) });
    }
    case 'stopped':
      return change({ ...known, stoppedAt: record.at });
  }
}

function withEvent(steps: readonly TraceStep[], at: number, event: RecordedEvent): readonly TraceStep[] {
  const before = steps.at(-1)?.value === '' ? steps.slice(0, -1) : steps;
  return [...before, { at, value: '', context: {}, event }];
}

/** `trace` without the actors that stopped longest ago, so that at most `keepStopped` of those are left. */
export function withoutOldest(trace: Trace, keepStopped: number): Trace {
  const stopped = Object.values(trace.actors).filter(({ stoppedAt }) => stoppedAt !== null);
  if (stopped.length <= keepStopped) return trace;
  stopped.sort((a, b) => (a.stoppedAt ?? 0) - (b.stoppedAt ?? 0));
  const dropped = new Set(stopped.slice(0, stopped.length - keepStopped).map(({ actor }) => actor));
  const actors = Object.entries(trace.actors).filter(([actor]) => !dropped.has(actor));
  return { ...trace, actors: Object.fromEntries(actors) };
}

/** Reads a trace file: one record a line. Throws with the line's number when one is not a record. */
export function parseTrace(text: string): TraceRecord[] {
  return text
    .split('\n')
    .map((line, index) => [line.trim(), index + 1] as const)
    .filter(([line]) => line !== '')
    .map(([line, number]) => {
      try {
        const record = JSON.parse(line) as TraceRecord | null;
        if (record !== null && KINDS.has(record.kind)) return record;
      } catch (cause) {
        throw new Error(`line ${number} of the trace is not JSON: record it with holdfast run --trace`, {
          cause,
        });
      }
      throw new Error(`line ${number} of the trace is not a record: record it with holdfast run --trace`);
    });
}

const KINDS = new Set<string>(['definition', 'started', 'event', 'snapshot', 'stopped']);
