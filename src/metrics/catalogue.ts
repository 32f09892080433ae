/** Every metric, said once: what it counts, in which unit, under which labels. Both exports and the tests of the pages read this. */

import type { ExpiryReason, Failure } from '../../machines/lock-machine.js';
import type { SessionState } from '../zookeeper/supervisor.js';

/** What a metric is. `now`: a number of things at this moment, which may be added up; `most`: the largest of them. */
export type MetricKind = 'counter' | 'histogram' | 'now' | 'most';

/** One metric. */
export interface Metric {
  readonly kind: MetricKind;
  /** `s`, or what is counted, in braces, as OpenTelemetry writes it. */
  readonly unit: string;
  readonly help: string;
  /** What it tells of: our own acquisitions, sessions, or lines as everybody sees them. Locks and lines have the label `lock`. */
  readonly of: 'locks' | 'sessions' | 'lines';
  /** The one label besides, with every value that it can have. */
  readonly label?: readonly [name: string, values: readonly string[]];
  /** A histogram's upper bounds. */
  readonly bounds?: readonly number[];
}

/** Seconds that people wait and work. */
const LONG = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600];
/** Seconds that a few round trips take. */
const SHORT = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const PLACES = [0, 1, 2, 5, 10, 20, 50, 100, 1000];

/** Every word of a union: one that is missing, or one too many, does not compile. */
const every = <Word extends string>(words: Readonly<Record<Word, true>>): readonly string[] =>
  Object.keys(words);

const OUTCOMES = every<'acquired' | 'withdrawn' | Exclude<Failure['kind'], 'not-released'>>({
  acquired: true,
  withdrawn: true,
  aborted: true,
  busy: true,
  timeout: true,
  'claim-deleted': true,
  'session-lost': true,
  unreachable: true,
  refused: true,
  closed: true,
});
const REASONS = every<ExpiryReason>({
  'session-expired': true,
  'validity-passed': true,
  suspended: true,
  ttl: true,
  'node-deleted': true,
  revoked: true,
  closed: true,
});
const SESSION_STATES = every<SessionState['kind']>({
  connecting: true,
  connected: true,
  suspended: true,
  lost: true,
  closed: true,
});

const metrics = {
  'holdfast.acquisitions': {
    kind: 'counter',
    of: 'locks',
    unit: '{acquisition}',
    help: 'Acquisitions that ended in the lock or without it.',
    label: ['outcome', OUTCOMES],
  },
  'holdfast.wait': {
    kind: 'histogram',
    of: 'locks',
    unit: 's',
    help: 'From asking for a lock to holding it.',
    bounds: LONG,
  },
  'holdfast.hold': {
    kind: 'histogram',
    of: 'locks',
    unit: 's',
    help: 'From holding a lock to releasing or losing it.',
    bounds: LONG,
  },
  'holdfast.hand_over': {
    kind: 'histogram',
    of: 'locks',
    unit: 's',
    help: 'From hearing that the one ahead is gone to holding.',
    bounds: SHORT,
  },
  'holdfast.queue_position': {
    kind: 'histogram',
    of: 'locks',
    unit: '{contender}',
    help: 'How many stood ahead when a place in line was had; 0 is a free lock.',
    bounds: PLACES,
  },
  'holdfast.losses': {
    kind: 'counter',
    of: 'locks',
    unit: '{loss}',
    help: 'Locks that were held and lost.',
    label: ['reason', REASONS],
  },
  'holdfast.suspensions': {
    kind: 'counter',
    of: 'locks',
    unit: '{suspension}',
    help: 'Times that a held lock was cut off from ZooKeeper.',
  },
  'holdfast.locks': {
    kind: 'now',
    of: 'locks',
    unit: '{lock}',
    help: 'Acquisitions of this process, by what they do now.',
    label: ['state', ['asking', 'waiting', 'held', 'suspended', 'withdrawing']],
  },
  'holdfast.oldest_wait': {
    kind: 'most',
    of: 'locks',
    unit: 's',
    help: 'How long the longest waiting acquisition has waited by now; 0 when none waits.',
  },
  'holdfast.oldest_hold': {
    kind: 'most',
    of: 'locks',
    unit: 's',
    help: 'How long the longest held lock has been held by now; 0 when none is held.',
  },
  'holdfast.session_changes': {
    kind: 'counter',
    of: 'sessions',
    unit: '{change}',
    help: 'Times that a session came into a state.',
    label: ['state', SESSION_STATES],
  },
  'holdfast.sessions': {
    kind: 'now',
    of: 'sessions',
    unit: '{session}',
    help: 'Sessions by the state they are in.',
    label: ['state', ['connecting', 'connected', 'suspended', 'lost']],
  },
  'holdfast.queue_length': {
    kind: 'most',
    of: 'lines',
    unit: '{contender}',
    help: 'How many stand in the longest line, the holder included.',
  },
  'holdfast.contenders': {
    kind: 'now',
    of: 'lines',
    unit: '{contender}',
    help: 'How many stand in all lines together, holders included.',
  },
  'holdfast.hand_overs': {
    kind: 'counter',
    of: 'lines',
    unit: '{hand_over}',
    help: 'Times that one holder followed another.',
  },
  'holdfast.lines': {
    kind: 'now',
    of: 'lines',
    unit: '{line}',
    help: 'Lines that are watched; stale: cut off, and the other figures of lines are missing.',
    label: ['freshness', ['live', 'stale']],
  },
} as const satisfies Record<string, Metric>;

type Named = typeof metrics;
type OfKind<K extends MetricKind> = {
  [N in keyof Named]: Named[N]['kind'] extends K ? N : never;
}[keyof Named];

export type MetricName = keyof Named;
export type CounterName = OfKind<'counter'>;
export type HistogramName = OfKind<'histogram'>;
export type GaugeName = OfKind<'now' | 'most'>;

/** By OpenTelemetry's name. */
export const METRICS: Readonly<Record<MetricName, Metric>> = metrics;

/** All of one kind. */
export function metricsOf(...kinds: readonly MetricKind[]): (readonly [MetricName, Metric])[] {
  return (Object.entries(METRICS) as [MetricName, Metric][]).filter(([, { kind }]) => kinds.includes(kind));
}

/**
 * What Prometheus calls it. This is also what OpenTelemetry's own exporters to Prometheus make of the name, so that one dashboard
 * fits both.
 */
export function prometheusName(name: MetricName): string {
  const { kind, unit } = METRICS[name];
  return name.replaceAll('.', '_') + (unit === 's' ? '_seconds' : '') + (kind === 'counter' ? '_total' : '');
}
