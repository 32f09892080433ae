/** What goes from the dashboard's server to its page: a board at first, then what changed. 64-bit numbers travel as text. */
import type { ContentionUnder } from '../contention.js';
import type { Contention } from '../contention-facts.js';
import type { Board, LockCard } from './board.js';

/** A change of some lines; null: the path is gone. */
export interface WireChange {
  readonly asOf: number;
  readonly freshness: Board['freshness'];
  readonly lines: readonly (readonly [path: string, line: Contention | null])[];
}

/** What the page is told besides: what it may do. */
export interface WireHello {
  readonly board: Board;
  readonly connectString: string;
  /** Whether claims may be broken from here. */
  readonly allowBreak: boolean;
  /** Whether holders may be asked from here to give up. */
  readonly allowRevoke: boolean;
  /** The server's clock, epoch ms: ages are counted in it. */
  readonly nowMs: number;
}

type Sent = Omit<WireHello, 'board'> & {
  readonly board: Omit<Board, 'cards'> & { readonly cards: readonly (readonly [string, LockCard])[] };
};

const replacer = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
const reviver = (key: string, value: unknown) =>
  key === 'czxid' && typeof value === 'string' && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;

export function writeHello({ board, ...rest }: WireHello): string {
  const sent: Sent = { ...rest, board: { ...board, cards: [...board.cards] } };
  return JSON.stringify(sent, replacer);
}

export function readHello(text: string): WireHello {
  const { board, ...rest } = JSON.parse(text, reviver) as Sent;
  return { ...rest, board: { ...board, cards: new Map(board.cards) } };
}

export function writeChange(change: WireChange): string {
  return JSON.stringify(change, replacer);
}

/** As `BoardKeeper.add` takes it. */
export function readChange(text: string): Pick<ContentionUnder, 'lines' | 'changed' | 'freshness' | 'asOf'> {
  const { asOf, freshness, lines } = JSON.parse(text, reviver) as WireChange;
  const present = lines.flatMap(([path, line]) => (line === null ? [] : [[path, line] as const]));
  return { asOf, freshness, changed: lines.map(([path]) => path), lines: new Map(present) };
}
