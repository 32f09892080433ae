/** What lies between what is seen and where it goes: two verbs to tell, one to be asked. */
import { type CounterName, type GaugeName, type HistogramName, type Metric, metricsOf } from './catalogue.js';

/** Name and value. Those of one lock, or of one group of locks, are one and the same object. */
export type Labels = Readonly<Record<string, string>>;

/** Where figures go as they come. */
export interface Instruments {
  add(metric: CounterName, amount: number, labels: Labels): void;
  record(metric: HistogramName, value: number, labels: Labels): void;
  close(): void;
}

/** One figure of a moment. */
export type Reading = readonly [value: number, labels: Labels];

/** What holds at this moment: asked for when somebody collects, and never otherwise. */
export type Read = (metric: GaugeName) => Iterable<Reading>;

/** A counter that is first seen at 1 has not grown, says Prometheus: all that can be counted is there at 0 from the start. */
export function beginCounters(instruments: Instruments, of: Metric['of'], labels: Labels): void {
  for (const [name, metric] of metricsOf('counter')) {
    if (metric.of !== of) continue;
    const [label, values] = metric.label ?? ['', ['']];
    for (const value of values)
      instruments.add(name as CounterName, 0, label === '' ? labels : { ...labels, [label]: value });
  }
}
