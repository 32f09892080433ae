/** What every checker is: one guarantee, looked after from the start of a history to its end. */
import type { Transaction } from '../../../src/embedded/znode-tree.js';
import type { Ownership } from '../../../src/ownership.js';
import type { Attempt } from '../attempt.js';

/** A guarantee did not hold. Its `name` is the guarantee's. */
export class BrokenGuarantee extends Error {
  constructor(guarantee: string, detail: string) {
    super(detail);
    this.name = guarantee;
  }
}

export interface Checker {
  /** The sentence that must stay true. */
  readonly guarantee: string;
  /** The leader committed. */
  committed?(transaction: Transaction): void;
  /** An attempt was given its lease. */
  granted?(attempt: Attempt): void;
  /** A subscriber heard something. */
  heard?(attempt: Attempt, news: Ownership<unknown> | 'completed' | 'errored'): void;
  /** Something happened, and everything that it set off has happened too. Says what is wrong. */
  step?(): string | undefined;
  /** All is quiet, everything healed, every attempt should be over and every session is still open. Says what is wrong. */
  end?(): string | undefined;
  /** Every session is closed and the servers are down. Says what is wrong. */
  closed?(): string | undefined;
}
