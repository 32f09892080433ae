/** Prometheus' text format, read back: what a scrape sees. */

/** One line: a name, its labels, a number. */
interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Everything that a scrape sees. */
export class Exposition {
  readonly #series: readonly Series[];

  constructor(series: readonly Series[]) {
    this.#series = series;
  }

  get size(): number {
    return this.#series.length;
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#series.map(({ name }) => name));
  }

  /** The one series with this name and exactly these labels, `le` aside unless it is given. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const found = this.#series.filter(
      (each) =>
        each.name === name &&
        Object.keys(each.labels).length === Object.keys(labels).length &&
        Object.entries(labels).every(([label, value]) => each.labels[label] === value),
    );
    if (found.length > 1) throw new Error(`${name} is told ${found.length} times`);
    return found[0]?.value;
  }

  /** All series of this name together. */
  sum(name: string): number {
    return this.#series.filter((each) => each.name === name).reduce((sum, { value }) => sum + value, 0);
  }

  /** Every value of a label, sorted. */
  labels(label: string): string[] {
    const values = this.#series.map(({ labels }) => labels[label]).filter((value) => value !== undefined);
    return [...new Set(values)].sort();
  }
}

/** Reads a scrape. */
export function exposed(text: string): Exposition {
  const series = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): Series => {
      const parts = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (parts === null) throw new Error(`not a line of Prometheus' text format: ${line}`);
      const [, name = '', labels = '', value = ''] = parts;
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', each = '']) => [
        key,
        each,
      ]);
      return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
    });
  return new Exposition(series);
}
