/** The words of contention: who stands in a line, and what a line is at one moment. No behaviour. */
import type { Contender } from './queue.js';

/** Somebody in line. What its client did not write is missing. */
export interface ContenderInLine extends Contender {
  readonly path: string;
  /** 0 holds, unless readers share. */
  readonly position: number;
  readonly owner?: string;
  readonly host?: string;
  readonly pid?: number;
  /** What a client that writes no JSON wrote instead: Curator the address of its host, kazoo its identifier. */
  readonly label?: string;
  /** When it came, by the leader's clock, epoch ms. */
  readonly sinceMs: number;
  /** When its grant was written, by the leader's clock, epoch ms; absent where the client writes none. */
  readonly grantedMs?: number;
  /** When the time to live that it gave itself is over, by the leader's clock, epoch ms. */
  readonly endsMs?: number;
  /** Other clients in this line do not see it, nor it them: it and another may hold at once. docs/interop.md has the remedy. */
  readonly unseen?: true;
  /** Its session, hex; `'0'` for a claim that outlives sessions. */
  readonly session: string;
  readonly czxid: bigint;
}

/** A line at one moment. */
export interface Contention {
  readonly path: string;
  /** The first in line. Where it reads, every reader up to the first writer holds as well. */
  readonly holder: ContenderInLine | null;
  /** In the order they will hold, the holder included. */
  readonly contenders: readonly ContenderInLine[];
  /** Children that do not stand in line. */
  readonly foreign: readonly string[];
  /** Clients that do not see each other stand in this line: two may hold at once. Those who are not seen say so (`unseen`). */
  readonly unsafeMix: boolean;
  /** When it was last known to be so, epoch ms. */
  readonly asOf: number;
  /** `stale`: cut off since; the line may have changed. */
  readonly freshness: 'live' | 'stale';
}
