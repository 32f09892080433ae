/** What a reader of OpenTelemetry's SDK collects, and that its exporters to Prometheus would call it as prom-client does. */

import { metrics as telemetry } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { expect, it } from 'vitest';
import { METRICS, type MetricName } from '../../src/metrics/catalogue.js';
import { openTelemetryMetrics } from '../../src/metrics/index.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

/** A provider of its own, and what it has collected when asked. */
function start() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  // Collects when it is told to; its own turn comes in an hour.
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const collect = async (): Promise<Map<string, MetricData>> => {
    exporter.reset();
    await reader.forceFlush();
    const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    return new Map(
      found.flatMap(({ metrics }) => metrics).map((each) => [each.descriptor.name, each] as const),
    );
  };
  return {
    meter: provider.getMeter('holdfast'),
    collect,
    [Symbol.asyncDispose]: () => provider.shutdown(),
  };
}

/** The figure with exactly these attributes. */
function value(metric: MetricData | undefined, attributes: Readonly<Record<string, string>> = {}): unknown {
  const points: readonly { attributes: object; value: unknown }[] = metric?.dataPoints ?? [];
  return points.find((point) => JSON.stringify(point.attributes) === JSON.stringify(attributes))?.value;
}

it('a hand-over, a loss and a suspension arrive in the reader with their exact figures', async () => {
  await using sdk = start();
  await using ensemble = await VirtualEnsemble.start();
  const metrics = openTelemetryMetrics({ meter: sdk.meter, clock: ensemble.clock });
  const { inspect } = metrics;
  const session = ensemble.session({ inspect });
  metrics.watch(session);
  metrics.watchLines(session.contentionUnder('/locks'));
  const anna = await ensemble.until(ensemble.lock('/locks/a', {}, { inspect }).acquire());
  const asked = session.lock('/locks/a').acquire();
  await ensemble.clock.advance(4_000);
  const waiting = await sdk.collect();
  expect(value(waiting.get('holdfast.oldest_wait'))).toBe(4);
  expect(value(waiting.get('holdfast.locks'), { state: 'waiting' })).toBe(1);
  expect(value(waiting.get('holdfast.queue_length'))).toBe(2);
  expect(value(waiting.get('holdfast.sessions'), { state: 'connected' })).toBe(1);

  await anna.release();
  await ensemble.until(asked);
  ensemble.zookeeper.faults.cut();
  await ensemble.clock.advance(2_000);
  await session.close();
  await ensemble.clock.advance(100);
  const over = await sdk.collect();
  expect(value(over.get('holdfast.wait'))).toMatchObject({ count: 2, sum: 4 });
  expect(value(over.get('holdfast.hold'))).toMatchObject({ count: 2, sum: 6 });
  expect(value(over.get('holdfast.hand_over'))).toMatchObject({ count: 1 });
  expect(value(over.get('holdfast.acquisitions'), { outcome: 'acquired' })).toBe(2);
  expect(value(over.get('holdfast.losses'), { reason: 'closed' })).toBe(1);
  expect(value(over.get('holdfast.losses'), { reason: 'ttl' })).toBe(0);
  expect(value(over.get('holdfast.suspensions'))).toBe(1);
  expect(value(over.get('holdfast.hand_overs'))).toBe(1);
  expect(value(over.get('holdfast.locks'), { state: 'held' })).toBe(0);
  metrics.close();
  await ensemble.until(ensemble.lock('/locks/b', {}, { inspect }).acquire());
  const closed = await sdk.collect();
  expect(value(closed.get('holdfast.locks'), { state: 'held' })).toBe(0);
  expect(value(closed.get('holdfast.acquisitions'), { outcome: 'acquired' })).toBe(2);
});

it('every metric is told with its unit, and histograms with their bounds', async () => {
  await using sdk = start();
  await using ensemble = await VirtualEnsemble.start();
  const metrics = openTelemetryMetrics({ meter: sdk.meter, clock: ensemble.clock, label: () => 'orders' });
  const session = ensemble.session({ inspect: metrics.inspect });
  metrics.watch(session);
  metrics.watchLines(session.contentionUnder('/locks'));
  const first = await ensemble.until(session.lock('/locks/a').acquire());
  const second = session.lock('/locks/a').acquire();
  await ensemble.clock.advance(10);
  await first.release();
  await (await ensemble.until(second)).release();
  await ensemble.clock.advance(10);
  const collected = await sdk.collect();
  expect([...collected.keys()].sort()).toEqual(Object.keys(METRICS).sort());
  for (const [name, { descriptor, dataPointType, dataPoints }] of collected) {
    const { unit, bounds, of } = METRICS[name as MetricName];
    expect([name, descriptor.unit]).toEqual([name, unit]);
    if (of !== 'sessions')
      expect(dataPoints.map(({ attributes }) => attributes['lock'])).toEqual(dataPoints.map(() => 'orders'));
    if (dataPointType === DataPointType.HISTOGRAM)
      expect(dataPoints[0]?.value.buckets.boundaries).toEqual(bounds);
  }
  metrics.close();
});

it('lines that are cut off are said to be stale', async () => {
  await using sdk = start();
  await using ensemble = await VirtualEnsemble.start();
  const metrics = openTelemetryMetrics({ meter: sdk.meter, clock: ensemble.clock });
  metrics.watchLines(ensemble.session().contentionUnder('/locks'));
  await ensemble.held('/locks/a');
  await ensemble.clock.advance(100);
  await sdk.collect();
  ensemble.zookeeper.faults.refuseConnections(true);
  ensemble.zookeeper.faults.cut();
  await ensemble.clock.advance(100);
  const cut = await sdk.collect();
  ensemble.zookeeper.faults.refuseConnections(false);
  expect(value(cut.get('holdfast.lines'), { freshness: 'stale' })).toBe(1);
  expect(value(cut.get('holdfast.lines'), { freshness: 'live' })).toBe(0);
  metrics.close();
});

it('a meter that goes nowhere costs no lock anything', async () => {
  await using ensemble = await VirtualEnsemble.start();
  const metrics = openTelemetryMetrics({ meter: telemetry.getMeter('holdfast') });
  const lock = ensemble.lock('/locks/a', {}, { inspect: metrics.inspect });
  await (await ensemble.until(lock.acquire())).release();
  metrics.close();
});

it('a meter that is none is refused', () => {
  expect(() => openTelemetryMetrics({ meter: {} as never })).toThrow(/meter/);
});
