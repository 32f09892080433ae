/** Which label a lock's figures have. Each value costs the collector some hundred series for ever, so there is a bound to them. */
import type { Labels } from './instruments.js';

/** Where locks are counted that came after the bound, or whose label could not be had. */
const OTHER = 'other';

/** See the file's head. */
export class LockLabels {
  readonly #label: ((path: string) => string) | undefined;
  readonly #most: number;
  readonly #known = new Map<string, Labels>();
  readonly #none: Labels = {};

  /** Without `label` there is no label. At most `most` values besides `other`. */
  constructor(label: ((path: string) => string) | undefined, most: number) {
    this.#label = label;
    this.#most = most;
  }

  /** Those that are there from the start. */
  get always(): readonly Labels[] {
    return this.#label === undefined ? [this.#none] : [];
  }

  of(path: string): Labels {
    if (this.#label === undefined) return this.#none;
    const value = this.#valueOf(path);
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#most && value !== OTHER) return this.#remember(OTHER);
    return this.#remember(value);
  }

  #remember(value: string): Labels {
    const labels = this.#known.get(value) ?? { lock: value };
    this.#known.set(value, labels);
    return labels;
  }

  /** The caller's function runs where locks do their work: whatever it does, they go on. */
  #valueOf(path: string): string {
    try {
      const value: unknown = this.#label?.(path);
      return typeof value === 'string' ? value : OTHER;
    } catch {
      return OTHER;
    }
  }
}
