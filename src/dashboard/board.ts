/**
 * What a screen shows, folded from pictures of the lines: each lock with its line, and a bounded memory of who held it, how
 * long its line was, and how long holding and waiting took. Pure; the server and the page fold alike.
 */
import { defer, map, type Observable } from 'rxjs';
import type { ContentionUnder } from '../contention.js';
import type { ContenderInLine, Contention } from '../contention-facts.js';
import { beginHandOvers, type Holdings, handOversIn } from '../hand-overs.js';
import { type Deadlock, deadlocks, waitForGraph } from '../wait-for-graph.js';

/** Somebody's time with a lock. `untilMs` null: still. `fromMs` null: it began before we looked. */
export interface HoldSpan {
  readonly who: string;
  readonly claim: string;
  readonly fromMs: number | null;
  readonly untilMs: number | null;
}

/** How long the line was from `atMs` on, the holder included. */
export interface LengthSample {
  readonly atMs: number;
  readonly length: number;
}

/** One hand-over's figures, milliseconds; null where they could not be seen. */
export interface HandOverSample {
  readonly atMs: number;
  readonly heldMs: number | null;
  readonly waitedMs: number | null;
  readonly latencyMs: number | null;
}

/** One lock on the screen. */
export interface LockCard {
  readonly line: Contention;
  readonly spans: readonly HoldSpan[];
  readonly lengths: readonly LengthSample[];
  readonly handOvers: readonly HandOverSample[];
}

/** Everything on the screen. */
export interface Board {
  readonly root: string;
  readonly cards: ReadonlyMap<string, LockCard>;
  readonly asOf: number;
  /** `stale`: the server, or ZooKeeper behind it, is not heard; what is shown is as of `asOf`. */
  readonly freshness: 'live' | 'stale';
}

/** So many of each are remembered for a lock. */
export const REMEMBERED = 60;

/** How a claim is called on a screen: by its owner, else by what its client wrote, else by its process, else by its name. */
export function nameOf({ owner, label, host, pid, name }: ContenderInLine): string {
  if (owner !== undefined) return owner;
  if (label !== undefined) return label;
  return host === undefined ? name : `${host}${pid === undefined ? '' : `:${pid}`}`;
}

/** A board before anything was seen. */
export function emptyBoard(root: string): Board {
  return { root, cards: new Map(), asOf: 0, freshness: 'stale' };
}

const lastOf = <T>(list: readonly T[], added: T): T[] => [...list.slice(1 - REMEMBERED), added];

function spansAfter(
  spans: readonly HoldSpan[],
  { holder }: Contention,
  atMs: number,
  before: boolean,
): readonly HoldSpan[] {
  const open = spans.at(-1);
  if (open?.untilMs === null && open.claim === holder?.path) return spans;
  const closed = open?.untilMs === null ? [...spans.slice(0, -1), { ...open, untilMs: atMs }] : spans;
  if (holder === null) return closed;
  return lastOf(closed, {
    who: nameOf(holder),
    claim: holder.path,
    fromMs: before ? null : atMs,
    untilMs: null,
  });
}

function cardAfter(card: LockCard | undefined, line: Contention, atMs: number, before: boolean): LockCard {
  const { contenders } = line;
  const lengths = card?.lengths ?? [];
  return {
    line,
    spans: spansAfter(card?.spans ?? [], line, atMs, before),
    lengths:
      lengths.at(-1)?.length === contenders.length
        ? lengths
        : lastOf(lengths, { atMs, length: contenders.length }),
    handOvers: card?.handOvers ?? [],
  };
}

/** Folds pictures into boards; keeps what it needs to compare with the next. */
export class BoardKeeper {
  #board: Board;
  readonly #holdings: Holdings = beginHandOvers();

  /** `board`: what somebody else has folded so far, to go on from. */
  constructor(board: Board) {
    this.#board = board;
    if (board.freshness === 'stale') return;
    this.#holdings.looking = true;
    for (const [path, { line, spans }] of board.cards) {
      const beganMs = spans.at(-1)?.fromMs ?? null;
      if (line.holder !== null)
        this.#holdings.byPath.set(path, {
          holder: line.holder,
          beganMs,
          written: beganMs === null || line.holder.grantedMs !== undefined,
        });
    }
  }

  get board(): Board {
    return this.#board;
  }

  add(picture: Pick<ContentionUnder, 'lines' | 'changed' | 'freshness' | 'asOf'>): Board {
    const { lines, changed, freshness, asOf } = picture;
    const before = !this.#holdings.looking;
    const cards = new Map(this.#board.cards);
    if (freshness === 'stale') {
      // Who holds in between is not seen: what was open ends with what was known.
      for (const [path, card] of cards) {
        const spans = card.spans.map((span) => (span.untilMs === null ? { ...span, untilMs: asOf } : span));
        cards.set(path, { ...card, spans, line: { ...card.line, freshness } });
      }
    } else {
      for (const path of changed) {
        const line = lines.get(path);
        if (line === undefined) cards.delete(path);
        else cards.set(path, cardAfter(cards.get(path), line, asOf, before));
      }
    }
    for (const news of handOversIn(this.#holdings, picture)) {
      const card = cards.get(news.path);
      if (card === undefined) continue;
      cards.set(news.path, { ...card, handOvers: samplesAfter(card.handOvers, news) });
    }
    this.#board = { ...this.#board, cards, asOf, freshness };
    return this.#board;
  }
}

function samplesAfter(
  samples: readonly HandOverSample[],
  news: ReturnType<typeof handOversIn>[number],
): readonly HandOverSample[] {
  if (news.type === 'handOver') {
    const { atMs, heldMs, waitedMs } = news;
    return lastOf(samples, { atMs, heldMs, waitedMs, latencyMs: null });
  }
  const last = samples.at(-1);
  if (last === undefined) return samples;
  return [...samples.slice(0, -1), { ...last, latencyMs: news.latencyMs }];
}

/** Boards from `session.contentionUnder(root)`, one for each picture. */
export function boards(contention$: Observable<ContentionUnder>): Observable<Board> {
  return defer(() => {
    let keeper: BoardKeeper | null = null;
    return contention$.pipe(
      map((picture) => {
        keeper ??= new BoardKeeper(emptyBoard(picture.root));
        return keeper.add(picture);
      }),
    );
  });
}

/** Who waits for whom in a circle, across everything on the board. */
export function deadlocksOn(board: Board): Deadlock[] {
  return deadlocks(waitForGraph([...board.cards.values()].map(({ line }) => line)));
}

/** The value that `fraction` of `values` do not exceed; null for none. */
export function percentile(values: readonly number[], fraction: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * fraction) - 1)] ?? null;
}

/** Who holds: the first, or, behind a reader, every reader up to the first writer. */
export function holdersOf({ contenders }: Contention): readonly ContenderInLine[] {
  const writer = contenders.findIndex(({ kind }) => kind !== 'read');
  return writer === -1 ? contenders : contenders.slice(0, Math.max(1, writer));
}

/** Who stands in line and does not hold. */
export function waitingIn(line: Contention): readonly ContenderInLine[] {
  return line.contenders.slice(holdersOf(line).length);
}

/** The longest that anybody at a lock has been waiting, in the time of the lock's own claims; 0 when nobody waits. */
export function longestWaitMs({ line }: LockCard, nowMs: number): number {
  return waitingIn(line).reduce((longest, { sinceMs }) => Math.max(longest, nowMs - sinceMs), 0);
}

/** Locks by trouble: those in a deadlock first, then the longest wait, then the longest line, then by name. */
export function byTrouble(board: Board, nowMs: number, knots: readonly Deadlock[]): LockCard[] {
  const knotted = new Set(knots.flatMap(({ circle }) => circle.map(({ path }) => path)));
  const trouble = (card: LockCard) => [
    knotted.has(card.line.path) ? 1 : 0,
    // Whole seconds, so that the order is as calm as what it shows.
    Math.floor(longestWaitMs(card, nowMs) / 1_000),
    card.line.contenders.length,
  ];
  const ranked = [...board.cards.values()].map((card) => ({ card, rank: trouble(card) }));
  ranked.sort((a, b) => {
    for (const [index, rank] of a.rank.entries()) {
      const difference = (b.rank[index] ?? 0) - rank;
      if (difference !== 0) return difference;
    }
    return a.card.line.path < b.card.line.path ? -1 : 1;
  });
  return ranked.map(({ card }) => card);
}
