/** What is remembered of traced machines, bounded: who looks late still sees every live one's chart, last state and latest steps. */
import { Observable } from 'rxjs';
import type { TraceRecord } from './trace.js';

interface Watched {
  readonly started: TraceRecord;
  last: TraceRecord | null;
  /** The number of its newest kept record. */
  newest: number;
}

/** See {@link TraceMemory.records$}. */
export class TraceMemory {
  /** What is known now, oldest first, and then everything as it happens. Never completes. */
  readonly records$: Observable<TraceRecord>;
  readonly #keepRecords: number;
  readonly #listeners = new Set<(record: TraceRecord) => void>();
  readonly #definitions = new Map<string, TraceRecord>();
  readonly #actors = new Map<string, Watched>();
  /** Actors that have stopped, in that order. */
  readonly #over: string[] = [];
  /** A ring: record number n stands at n modulo its length. */
  readonly #kept: TraceRecord[] = [];
  #next = 0;

  /** Keeps the last so many records. */
  constructor(keepRecords: number) {
    this.#keepRecords = keepRecords;
    this.records$ = new Observable((subscriber) => {
      for (const record of this.#known()) subscriber.next(record);
      const listener = (record: TraceRecord) => {
        subscriber.next(record);
      };
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    });
  }

  hasDefinition(machine: string): boolean {
    return this.#definitions.has(machine);
  }

  hasActor(actor: string): boolean {
    return this.#actors.has(actor);
  }

  /** Remembers and tells. A definition that is known already, and records of unknown actors, are dropped. */
  add(record: TraceRecord): void {
    if (record.kind === 'definition') {
      if (this.#definitions.has(record.machine)) return;
      this.#definitions.set(record.machine, record);
    } else if (record.kind === 'started') {
      this.#actors.set(record.actor, { started: record, last: null, newest: this.#next });
    } else {
      const watched = this.#actors.get(record.actor);
      if (watched === undefined) return;
      if (record.kind !== 'event') watched.last = record;
      this.#kept[this.#next % this.#keepRecords] = record;
      watched.newest = this.#next;
      this.#next += 1;
      if (record.kind === 'stopped') {
        this.#over.push(record.actor);
        this.#forgetOld();
      }
    }
    for (const listener of this.#listeners) listener(record);
  }

  #forgetOld(): void {
    for (let oldest = this.#over[0]; oldest !== undefined; oldest = this.#over[0]) {
      const watched = this.#actors.get(oldest);
      if (watched !== undefined && watched.newest >= this.#next - this.#keepRecords) return;
      this.#actors.delete(oldest);
      this.#over.shift();
    }
  }

  *#known(): Generator<TraceRecord> {
    yield* this.#definitions.values();
    const first = Math.max(0, this.#next - this.#keepRecords);
    for (const { started, last, newest } of this.#actors.values()) {
      yield started;
      // Its own records have left the ring: the last state at least is told.
      if (newest < first && last !== null) yield last;
    }
    for (let index = first; index < this.#next; index += 1) {
      const record = this.#kept[index % this.#keepRecords];
      if (record !== undefined) yield record;
    }
  }
}
