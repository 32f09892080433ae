/** What docs/metrics.md and the Grafana dashboard say of the metrics is what is exported: no panel stays empty for a typing error. */
import prometheus from 'prom-client';
import { describe, expect, it } from 'vitest';
import { promMetrics } from '../../src/metrics/index.js';
import { textOf } from '../setup/source-files.js';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

interface Exported {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

/** What a registry has, and by which labels: asked of prom-client itself. */
async function exportedMetrics(): Promise<Map<string, Exported>> {
  const registry = new prometheus.Registry();
  promMetrics({ client: prometheus, registry });
  const labelsOf = (name: string) =>
    (registry.getSingleMetric(name) as unknown as { readonly labelNames: readonly string[] }).labelNames;
  const metrics = await registry.getMetricsAsJSON();
  return new Map(
    metrics.map(({ name, type }) => [name, { name, type: String(type), labels: labelsOf(name) }]),
  );
}

const exported = await exportedMetrics();

/** What is wrong with a query: a metric that is not there, a histogram without its series, a label that it has not. */
function mistakesIn(query: string): string[] {
  return [...query.matchAll(/\b(holdfast_\w+)(?:\{([^}]*)\})?/g)].flatMap(
    ([, series = '', selector = '']) => {
      const name = series.replace(/_(bucket|sum|count)$/, '');
      const metric = exported.get(name) ?? exported.get(series);
      if (metric === undefined) return [`${series} is not exported`];
      if ((metric.type === 'histogram') !== (metric.name !== series)) return [`${series} has no such series`];
      const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, by = '']) => by.split(/,\s*/));
      const selected = [...selector.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label);
      return [...grouped, ...selected]
        .filter((label) => ![...metric.labels, 'le', 'instance'].includes(label))
        .map((label) => `${series} has no label ${label}`);
    },
  );
}

describe('the Grafana dashboard', () => {
  const dashboard = JSON.parse(textOf('docs/grafana-dashboard.json')) as {
    readonly title: string;
    readonly schemaVersion: number;
    readonly panels: readonly Panel[];
    readonly templating: { readonly list: readonly { readonly definition?: string }[] };
  };
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

  it('asks only for what is exported, by labels that it has', () => {
    expect(queries.flatMap(mistakesIn)).toEqual([]);
    const lists = dashboard.templating.list.flatMap(({ definition = '' }) => mistakesIn(definition));
    expect(lists).toEqual([]);
  });

  it('leaves no metric out', () => {
    const shown = [...exported.keys()].filter((name) => queries.some((query) => query.includes(name)));
    expect(shown.sort()).toEqual([...exported.keys()].sort());
  });

  it('has panels with an id of their own, a title and an explanation, and none on top of another', () => {
    const panels = dashboard.panels;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, title, description = '' } of panels)
      if (type !== 'row') expect([title, description.length > 10]).toEqual([title, true]);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });
});

describe('docs/metrics.md', () => {
  const page = textOf('docs/metrics.md');

  it('has a row for every metric, with its kind and its labels', () => {
    const rows = [...page.matchAll(/^\| `(holdfast_\w+)` \| (\w+) \| ([^|]*) \|/gm)];
    const told = rows.map(([, name = '', type, labels = '']) => ({
      name,
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
    }));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect(told.sort(byName)).toEqual([...exported.values()].sort(byName));
  });

  it('alerts on what is exported, by labels that it has', () => {
    const rules = [...page.matchAll(/^ +expr: (.*)$/gm)].map(([, rule = '']) => rule);
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.flatMap(mistakesIn)).toEqual([]);
  });

  it('names every outcome, reason and state that a label can have', async () => {
    const registry = new prometheus.Registry();
    promMetrics({ client: prometheus, registry });
    const values = [...(await registry.metrics()).matchAll(/(?:outcome|reason|state)="([^"]+)"/g)];
    expect(values.map(([, value]) => value).filter((value) => !page.includes(`\`${value ?? ''}\``))).toEqual(
      [],
    );
  });
});
