/** What a session remembers by path: of those used last, for a process may use paths without end. */

/** So many are remembered. */
export const MOST_PATHS = 1_000;

/** A map that forgets what was set longest ago. */
export class RecentPaths<Remembered> {
  /** In the order of their use. */
  readonly #byPath = new Map<string, Remembered>();
  readonly #forgotten: (path: string, remembered: Remembered) => void;

  /** `forgotten` hears of whatever had to make room. */
  constructor(forgotten: (path: string, remembered: Remembered) => void = () => undefined) {
    this.#forgotten = forgotten;
  }

  get(path: string): Remembered | undefined {
    return this.#byPath.get(path);
  }

  /** Set anew, it is the last to be forgotten. */
  set(path: string, remembered: Remembered): void {
    this.#byPath.delete(path);
    this.#byPath.set(path, remembered);
    if (this.#byPath.size <= MOST_PATHS) return;
    for (const [oldest, its] of this.#byPath) {
      this.#byPath.delete(oldest);
      this.#forgotten(oldest, its);
      return;
    }
  }

  delete(path: string): void {
    this.#byPath.delete(path);
  }
}
