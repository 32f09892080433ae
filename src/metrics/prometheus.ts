/** Out to prom-client, which is given, not imported: whoever collects otherwise need not have it. */
import { checkMethods, checkOptions } from '../arguments.js';
import { InvalidArgumentError } from '../errors.js';
import {
  type GaugeName,
  METRICS,
  type Metric,
  type MetricName,
  metricsOf,
  prometheusName,
} from './catalogue.js';
import type { Labels } from './instruments.js';
import { type LockMetrics, type LockMetricsOptions, measureLocks } from './lock-metrics.js';

/** What a metric of prom-client is made from. */
export interface PrometheusConfiguration<R> {
  name: string;
  help: string;
  labelNames: string[];
  registers: R[];
  aggregator?: 'sum' | 'max';
}

/** As much of prom-client's registry as is used. */
export interface PrometheusRegistry {
  getSingleMetric(name: string): unknown;
  removeSingleMetric(name: string): void;
}

/** As much of prom-client 15 as is used: the module itself fits. */
export interface PrometheusClient<R> {
  readonly Counter: new (
    configuration: PrometheusConfiguration<R>,
  ) => {
    inc(labels: Labels, value: number): void;
  };
  readonly Histogram: new (
    configuration: PrometheusConfiguration<R> & { buckets: number[] },
  ) => { observe(labels: Labels, value: number): void };
  readonly Gauge: new (
    configuration: PrometheusConfiguration<R> & { collect: () => void },
  ) => { set(labels: Labels, value: number): void; reset(): void };
  readonly register: R;
}

/** How locks are measured for Prometheus. */
export interface PromMetricsOptions<R> extends LockMetricsOptions {
  /** The module `prom-client`. */
  readonly client: PrometheusClient<R>;
  /** Default: `client.register`. */
  readonly registry?: R;
}

const labelNames = ({ of, label }: Metric): string[] => [
  ...(of === 'sessions' ? [] : ['lock']),
  ...(label === undefined ? [] : [label[0]]),
];

/**
 * Measures locks with prom-client. One for each registry is enough, for all sessions.
 *
 * ```ts
 * import client from 'prom-client';
 * const metrics = promMetrics({ client });
 * const session = connect('127.0.0.1:2181', { inspect: metrics.inspect });
 * metrics.watch(session);
 * ```
 *
 * Throws `INVALID_ARGUMENT` for an option that cannot be meant, and for a registry that has these metrics already.
 */
export function promMetrics<R extends PrometheusRegistry>(options: PromMetricsOptions<R>): LockMetrics {
  const { client, registry = client.register } = checkOptions(options);
  checkMethods('client', client, ['Counter', 'Histogram', 'Gauge']);
  checkMethods('registry', registry, ['getSingleMetric', 'removeSingleMetric']);
  const taken = metricsOf('counter')[0];
  if (taken !== undefined && registry.getSingleMetric(prometheusName(taken[0])) !== undefined)
    throw new InvalidArgumentError(
      'registry',
      registry,
      'it has these metrics already: give the same inspect to all sessions, or close() the metrics before',
    );
  const configurationOf = (name: MetricName): PrometheusConfiguration<R> => ({
    name: prometheusName(name),
    help: METRICS[name].help,
    labelNames: labelNames(METRICS[name]),
    registers: [registry],
  });
  return measureLocks(options, (read) => {
    const counters = new Map(
      metricsOf('counter').map(([name]) => [name, new client.Counter(configurationOf(name))]),
    );
    const histograms = new Map(
      metricsOf('histogram').map(([name, { bounds = [] }]) => [
        name,
        new client.Histogram({ ...configurationOf(name), buckets: [...bounds] }),
      ]),
    );
    for (const [name, { kind }] of metricsOf('now', 'most')) {
      const gauge = new client.Gauge({
        ...configurationOf(name),
        aggregator: kind === 'now' ? 'sum' : 'max',
        collect: () => {
          // What is not told now is not so any more.
          gauge.reset();
          for (const [value, labels] of read(name as GaugeName)) gauge.set(labels, value);
        },
      });
    }
    return {
      add: (metric, amount, labels) => counters.get(metric)?.inc(labels, amount),
      record: (metric, value, labels) => histograms.get(metric)?.observe(labels, value),
      close: () => {
        for (const name of Object.keys(METRICS) as MetricName[])
          registry.removeSingleMetric(prometheusName(name));
      },
    };
  });
}
