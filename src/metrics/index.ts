/** Measuring locks: for Prometheus, for OpenTelemetry. No logic. */
export type { LockMetrics, LockMetricsOptions } from './lock-metrics.js';
export {
  type InstrumentOptions,
  type InstrumentResult,
  type ObservableInstrument,
  type OpenTelemetryMeter,
  type OpenTelemetryMetricsOptions,
  openTelemetryMetrics,
} from './open-telemetry.js';
export {
  type PrometheusClient,
  type PrometheusConfiguration,
  type PrometheusRegistry,
  type PromMetricsOptions,
  promMetrics,
} from './prometheus.js';
