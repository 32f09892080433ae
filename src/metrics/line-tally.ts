/** Lines as everybody sees them, whoever stands there. Cut off, it says so and nothing else: an old length is a wrong one. */
import type { Observable, Subscription } from 'rxjs';
import type { ContentionUnder } from '../contention.js';
import { beginHandOvers, handOversIn } from '../hand-overs.js';
import { beginCounters, type Instruments, type Labels, type Reading } from './instruments.js';
import type { LockLabels } from './lock-labels.js';

/** See the file's head. */
export class LineTally {
  readonly #instruments: Instruments;
  readonly #labels: LockLabels;
  readonly #pictures = new Map<object, ContentionUnder>();
  readonly #begun = new Set<Labels>();

  constructor(instruments: Instruments, labels: LockLabels) {
    this.#instruments = instruments;
    this.#labels = labels;
  }

  /** Goes on until the stream ends; `failed` hears the error that it ends with. */
  watch(lines$: Observable<ContentionUnder>, failed: (error: unknown) => void): Subscription {
    const watch = {};
    const holdings = beginHandOvers();
    const subscription = lines$.subscribe({
      next: (picture) => {
        this.#pictures.set(watch, picture);
        for (const path of picture.changed) this.#of(path);
        for (const news of handOversIn(holdings, picture))
          if (news.type === 'handOver' && news.to !== null)
            this.#instruments.add('holdfast.hand_overs', 1, this.#of(news.path));
      },
      error: failed,
    });
    subscription.add(() => this.#pictures.delete(watch));
    return subscription;
  }

  #of(path: string): Labels {
    const labels = this.#labels.of(path);
    if (!this.#begun.has(labels)) {
      this.#begun.add(labels);
      beginCounters(this.#instruments, 'lines', labels);
    }
    return labels;
  }

  *lines(): Generator<Reading> {
    for (const freshness of ['live', 'stale'] as const)
      for (const [labels, { lines }] of this.#sums(freshness)) yield [lines, { ...labels, freshness }];
  }

  *longest(): Generator<Reading> {
    if (this.#live) for (const [labels, { longest }] of this.#sums('live')) yield [longest, labels];
  }

  *contenders(): Generator<Reading> {
    if (this.#live) for (const [labels, { contenders }] of this.#sums('live')) yield [contenders, labels];
  }

  get #live(): boolean {
    return [...this.#pictures.values()].every(({ freshness }) => freshness === 'live');
  }

  /** What the lines that are `freshness` come to. Labels that had lines once are at 0. */
  #sums(freshness: 'live' | 'stale'): Map<Labels, Sums> {
    const found = new Map(
      [...this.#begun].map((labels) => [labels, { lines: 0, longest: 0, contenders: 0 }]),
    );
    for (const picture of this.#pictures.values())
      for (const [path, { contenders }] of picture.freshness === freshness ? picture.lines : []) {
        const sums = found.get(this.#of(path));
        if (sums === undefined) continue;
        sums.lines += 1;
        sums.longest = Math.max(sums.longest, contenders.length);
        sums.contenders += contenders.length;
      }
    return found;
  }
}

interface Sums {
  lines: number;
  longest: number;
  contenders: number;
}
