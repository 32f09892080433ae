/** Everything a history leaves to chance, repeatable from one number. */
import { seededRandom } from '../../src/embedded/seeded-random.js';

export class Chance {
  /** A number in [0, 1). */
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  happens(probability: number): boolean {
    return this.random() < probability;
  }

  between(least: number, most: number): number {
    return least + this.random() * (most - least);
  }

  /** A whole number, both ends included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.random() * choices.length)];
    if (choice === undefined) throw new Error('there is nothing to choose from');
    return choice;
  }

  /** One of the keys, each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    throw new Error('there is nothing to choose from');
  }

  /** Chance of its own, so that one part's draws do not move another's. */
  branch(): Chance {
    return new Chance(Math.floor(this.random() * 4_294_967_296));
  }

  /** 32 hex digits with dashes, as GUIDs are written. */
  guid(): string {
    const hex = Array.from({ length: 8 }, () => this.whole(0, 0xffff).toString(16).padStart(4, '0')).join('');
    return [8, 12, 16, 20, 32].map((end, index, ends) => hex.slice(ends[index - 1] ?? 0, end)).join('-');
  }
}
