/** Out to OpenTelemetry, whose meter is given: nothing of its packages is imported. */
import { checkMethods, checkOptions } from '../arguments.js';
import { type GaugeName, METRICS, type MetricName, metricsOf } from './catalogue.js';
import type { Labels } from './instruments.js';
import { type LockMetrics, type LockMetricsOptions, measureLocks } from './lock-metrics.js';

/** What an instrument of OpenTelemetry is made with. */
export interface InstrumentOptions {
  description: string;
  unit: string;
  advice?: { explicitBucketBoundaries: number[] };
}

/** Where an observable instrument's figures go when they are collected. */
export interface InstrumentResult {
  observe(value: number, attributes: Labels): void;
}

/** As much of an observable instrument as is used. */
export interface ObservableInstrument {
  addCallback(callback: (result: InstrumentResult) => void): void;
  removeCallback(callback: (result: InstrumentResult) => void): void;
}

/** As much of a meter of `@opentelemetry/api` 1.9 as is used. */
export interface OpenTelemetryMeter {
  createCounter(name: string, options: InstrumentOptions): { add(value: number, attributes: Labels): void };
  createHistogram(
    name: string,
    options: InstrumentOptions,
  ): { record(value: number, attributes: Labels): void };
  createObservableUpDownCounter(name: string, options: InstrumentOptions): ObservableInstrument;
  createObservableGauge(name: string, options: InstrumentOptions): ObservableInstrument;
}

/** How locks are measured for OpenTelemetry. */
export interface OpenTelemetryMetricsOptions extends LockMetricsOptions {
  /** `metrics.getMeter('holdfast')` of `@opentelemetry/api`, or of a provider of your own. */
  readonly meter: OpenTelemetryMeter;
}

/**
 * Measures locks with OpenTelemetry. One is enough, for all sessions.
 *
 * ```ts
 * import { metrics as telemetry } from '@opentelemetry/api';
 * const metrics = openTelemetryMetrics({ meter: telemetry.getMeter('holdfast') });
 * const session = connect('127.0.0.1:2181', { inspect: metrics.inspect });
 * metrics.watch(session);
 * ```
 *
 * Get the meter after the program has set its meter provider. Throws `INVALID_ARGUMENT` for an option that cannot be meant.
 */
export function openTelemetryMetrics(options: OpenTelemetryMetricsOptions): LockMetrics {
  const { meter } = checkOptions(options);
  checkMethods('meter', meter, [
    'createCounter',
    'createHistogram',
    'createObservableUpDownCounter',
    'createObservableGauge',
  ]);
  const optionsOf = (name: MetricName): InstrumentOptions => {
    const { help, unit, bounds } = METRICS[name];
    const advice = bounds && { advice: { explicitBucketBoundaries: [...bounds] } };
    return { description: help, unit, ...advice };
  };
  return measureLocks(options, (read) => {
    const counters = new Map(
      metricsOf('counter').map(([name]) => [name, meter.createCounter(name, optionsOf(name))]),
    );
    const histograms = new Map(
      metricsOf('histogram').map(([name]) => [name, meter.createHistogram(name, optionsOf(name))]),
    );
    const stops = metricsOf('now', 'most').map(([name, { kind }]) => {
      const observable =
        kind === 'now'
          ? meter.createObservableUpDownCounter(name, optionsOf(name))
          : meter.createObservableGauge(name, optionsOf(name));
      const callback = (result: InstrumentResult) => {
        for (const [value, labels] of read(name as GaugeName)) result.observe(value, labels);
      };
      observable.addCallback(callback);
      return () => {
        observable.removeCallback(callback);
      };
    });
    return {
      add: (metric, amount, labels) => counters.get(metric)?.add(amount, labels),
      record: (metric, value, labels) => histograms.get(metric)?.record(value, labels),
      close: () => {
        for (const stop of stops) stop();
      },
    };
  });
}
