/** What the demo's workers did, added up: grants, hand-overs, overlaps, tokens. No I/O. */
import { percentile } from '../dashboard/board.js';
import type { TraceRecord } from '../inspect/trace.js';

/** One line that a worker prints. */
export interface WorkerRecord {
  readonly worker: string;
  /** Nanoseconds of CLOCK_MONOTONIC, as text. */
  readonly atNs: string;
  readonly kind: 'heard' | 'enter' | 'exit' | 'trouble';
  readonly path: string;
  readonly status?: string;
  readonly detail?: string;
  readonly token?: string;
  readonly message?: string;
}

/** What a worker's line says: what it did, or a step of its statechart. */
export type WorkerLine = WorkerRecord | { readonly kind: 'traced'; readonly record: TraceRecord };

/** The sums. */
export interface Summary {
  readonly grants: number;
  readonly handOverP50Ms: number | null;
  readonly handOverP99Ms: number | null;
  /** Times at which two workers were inside one lock: must be 0. */
  readonly overlaps: number;
  /** Whether every grant of a path had a larger token than the one before. */
  readonly tokensGrow: boolean;
}

interface Stay {
  readonly worker: string;
  readonly enterNs: bigint;
  readonly token: bigint;
  exitNs: bigint | null;
}

/** Records of several processes arrive out of order by milliseconds; so many stays back are compared. */
const WINDOW = 32;
/** The newest hand-overs that percentiles are taken of. */
const SAMPLES = 10_000;

/** Adds records up. */
export class Ledger {
  readonly #stays = new Map<string, Stay[]>();
  readonly #waitingSince = new Map<string, bigint>();
  readonly #grantsByWorker = new Map<string, number>();
  readonly #statuses = new Map<string, { path: string; status: string }>();
  readonly #handOversMs: number[] = [];
  #grants = 0;
  #overlaps = 0;
  #tokensGrow = true;

  /** Takes one record in. */
  add(record: WorkerRecord): void {
    const at = BigInt(record.atNs);
    const { worker, path } = record;
    const stays = this.#stays.get(path) ?? [];
    this.#stays.set(path, stays);
    switch (record.kind) {
      case 'heard':
        this.#statuses.set(worker, { path, status: record.status ?? '' });
        if (record.status === 'waitingOnPredecessor' && !this.#waitingSince.has(worker))
          this.#waitingSince.set(worker, at);
        return;
      case 'enter':
        this.#enter(stays, { worker, enterNs: at, token: BigInt(record.token ?? 0), exitNs: null });
        return;
      case 'exit': {
        const stay = stays.findLast((each) => each.worker === worker && each.exitNs === null);
        if (stay === undefined) return;
        stay.exitNs = at;
        const index = stays.indexOf(stay);
        const next = stays[index + 1];
        if (next !== undefined) this.#compare(stay, next);
        return;
      }
      case 'trouble':
        this.#statuses.set(worker, { path, status: record.message ?? 'trouble' });
        return;
    }
  }

  /** What a worker is at. */
  workerLine(worker: string): { path: string; status: string; grants: number } {
    return {
      path: '',
      status: 'starting',
      ...this.#statuses.get(worker),
      grants: this.#grantsByWorker.get(worker) ?? 0,
    };
  }

  /** The sums so far. */
  summary(): Summary {
    return {
      grants: this.#grants,
      handOverP50Ms: percentile(this.#handOversMs, 0.5),
      handOverP99Ms: percentile(this.#handOversMs, 0.99),
      overlaps: this.#overlaps,
      tokensGrow: this.#tokensGrow,
    };
  }

  #enter(stays: Stay[], stay: Stay): void {
    this.#grants += 1;
    this.#grantsByWorker.set(stay.worker, (this.#grantsByWorker.get(stay.worker) ?? 0) + 1);
    const later = stays.findIndex((each) => each.enterNs > stay.enterNs);
    const index = later === -1 ? stays.length : later;
    stays.splice(index, 0, stay);
    const before = stays[index - 1];
    if (before !== undefined && before.exitNs !== null) this.#compare(before, stay);
    if (stays.length > WINDOW) stays.shift();
  }

  /** Two neighbours of which the first has ended. */
  #compare(before: Stay, after: Stay): void {
    const { exitNs } = before;
    if (exitNs === null) return;
    if (after.enterNs < exitNs) this.#overlaps += 1;
    if (after.token <= before.token) this.#tokensGrow = false;
    const waitingSince = this.#waitingSince.get(after.worker);
    if (waitingSince !== undefined && waitingSince < exitNs && after.enterNs >= exitNs) {
      this.#handOversMs.push(Number(after.enterNs - exitNs) / 1e6);
      if (this.#handOversMs.length > SAMPLES) this.#handOversMs.shift();
    }
    this.#waitingSince.delete(after.worker);
  }
}
