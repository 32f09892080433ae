/** What several processes said of their stays with locks, and whether that is a history of locks. Pure. */
import type { ConnectOptions } from '../../src/index.js';

/** What a worker is told to do. Times in milliseconds, chances from 0 to 1. */
export interface WorkerTask {
  readonly worker: string;
  readonly seed: number;
  readonly connectString: string;
  readonly connect: ConnectOptions;
  readonly paths: readonly string[];
  /** One for each path. */
  readonly counterFiles: readonly string[];
  /** How often an acquire has a deadline of less than a second. */
  readonly impatience: number;
  readonly shortStayMs: number;
  /** How often a stay is long. */
  readonly longStays: number;
  readonly longStayMs: number;
  readonly pauseMs: number;
}

/** One line of a worker. */
export type HistoryRecord = { readonly worker: string; readonly atNs: string } & (
  | { readonly kind: 'enter'; readonly stay: string; readonly path: string; readonly token: string }
  | { readonly kind: 'believes' | 'adding' | 'added' | 'stopped'; readonly stay: string }
  | { readonly kind: 'write'; readonly stay: string; readonly path: string; readonly token: string }
  | { readonly kind: 'left'; readonly stay: string; readonly path: string; readonly done: boolean }
  | { readonly kind: 'refused'; readonly path: string; readonly code: string }
  | { readonly kind: 'served'; readonly path: string }
  | { readonly kind: 'connected'; readonly server: string }
  | { readonly kind: 'session'; readonly state: string }
  | { readonly kind: 'bye' }
);

/** From the first to the last moment at which a holder believed that it held. */
export interface Stay {
  readonly stay: string;
  readonly worker: string;
  readonly path: string;
  readonly token: bigint;
  readonly firstNs: bigint;
  lastNs: bigint;
  adding: boolean;
  added: boolean;
  left: boolean;
}

/** Two that believed at one time: `earlier` still did after `later` had entered. */
export interface Overlap {
  readonly earlier: Stay;
  readonly later: Stay;
  readonly excessMs: number;
}

/** Adds up, and judges. */
export class History {
  readonly stays = new Map<string, Stay>();
  /** How acquires that failed did, by code. */
  readonly refusals = new Map<string, number>();
  /** `worker path` of whoever was served in the last round. */
  readonly served = new Set<string>();
  /** Writes that came too late, which the register refused. */
  refusedWrites = 0;
  sessionsLost = 0;
  readonly #highest = new Map<string, bigint>();

  add(record: HistoryRecord): void {
    switch (record.kind) {
      case 'enter': {
        const { stay, worker, path } = record;
        const atNs = BigInt(record.atNs);
        const token = BigInt(record.token);
        const entered = { stay, worker, path, token, firstNs: atNs, lastNs: atNs };
        this.stays.set(stay, { ...entered, adding: false, added: false, left: false });
        return;
      }
      case 'believes':
      case 'adding':
      case 'added': {
        const stay = this.stays.get(record.stay)!;
        // What was added is said later than the look that allowed it.
        if (record.kind !== 'added') stay.lastNs = BigInt(record.atNs);
        if (record.kind !== 'believes') stay[record.kind] = true;
        return;
      }
      case 'left': {
        const stay = this.stays.get(record.stay);
        if (stay !== undefined) stay.left = true;
        return;
      }
      case 'refused':
        this.refusals.set(record.code, (this.refusals.get(record.code) ?? 0) + 1);
        return;
      case 'served':
        this.served.add(`${record.worker} ${record.path}`);
        return;
      case 'session':
        if (record.state === 'lost') this.sessionsLost += 1;
        return;
      case 'write':
      case 'stopped':
      case 'connected':
      case 'bye':
        return;
    }
  }

  /** The register behind each path: takes a write unless it has seen a larger token. */
  write(path: string, token: bigint): boolean {
    const accepted = token >= (this.#highest.get(path) ?? 0n);
    if (accepted) this.#highest.set(path, token);
    else this.refusedWrites += 1;
    return accepted;
  }

  /** Stays with `path` as they began. */
  at(path: string): Stay[] {
    return [...this.stays.values()]
      .filter((stay) => stay.path === path)
      .sort((a, b) => (a.firstNs < b.firstNs ? -1 : 1));
  }

  get paths(): string[] {
    return [...new Set([...this.stays.values()].map(({ path }) => path))];
  }

  /** At most one holder, by the holders' own belief. */
  overlaps(): Overlap[] {
    return this.paths.flatMap((path) => {
      let longest: Stay | undefined;
      return this.at(path).flatMap((later) => {
        const earlier = longest;
        if (longest === undefined || later.lastNs > longest.lastNs) longest = later;
        if (earlier === undefined || earlier.lastNs < later.firstNs) return [];
        return [{ earlier, later, excessMs: Number(earlier.lastNs - later.firstNs) / 1e6 }];
      });
    });
  }

  /** Every later holder's token is larger. */
  tokensOutOfOrder(): string[] {
    return this.paths.flatMap((path) => {
      const stays = this.at(path);
      return stays.slice(1).flatMap((later, index) => {
        const earlier = stays[index]!;
        return later.token > earlier.token ? [] : [`${path}: ${later.stay} after ${earlier.stay}`];
      });
    });
  }

  /** The counter is what was added; a worker that was killed while adding may have added or not. */
  miscounted(path: string, counter: number): string[] {
    const stays = this.at(path);
    const added = stays.filter((stay) => stay.added).length;
    const perhaps = stays.filter((stay) => stay.adding && !stay.added).length;
    if (counter >= added && counter <= added + perhaps) return [];
    return [`${path}: ${added} were added, and perhaps ${perhaps} more, but the counter says ${counter}`];
  }

  /** How often another worker entered after one had left. */
  get handOvers(): number {
    return this.paths
      .map((path) => {
        const stays = this.at(path);
        return stays.slice(1).filter((stay, index) => stay.worker !== stays[index]!.worker).length;
      })
      .reduce((sum, each) => sum + each, 0);
  }
}
