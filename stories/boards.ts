/** Boards drawn by hand, for stories of what is hard to come by: each as it would have been folded from a server's pictures. */
import type { ContenderInLine, Contention } from '../src/contention-facts.js';
import { type Board, BoardKeeper, emptyBoard, type LockCard } from '../src/dashboard/board.js';
import { line, picture } from '../test/dashboard/pictures.js';

/** When the page was opened, epoch ms: what is drawn by hand happened before. */
export const NOW = Date.now();

const NAMES = ['anna', 'ben', 'chloe', 'dmitri', 'elif', 'femi', 'greta', 'hiro', 'ines', 'jonas'];

/** So many owners, `anna` first; those after `jonas` are numbered. */
export function owners(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const round = Math.floor(index / NAMES.length);
    return `${NAMES[index % NAMES.length] ?? ''}${round === 0 ? '' : `-${round}`}`;
  });
}

/** A line of these owners, the holder first, who came 3 seconds after each other and the last one 2 seconds ago. */
export function lineOf(
  path: string,
  names: readonly string[],
  facts: (owner: string) => Partial<ContenderInLine> = () => ({}),
): Contention {
  return line(path, names, (owner) => {
    const place = names.indexOf(owner);
    return {
      host: `app-${(place % 3) + 1}`,
      pid: 4_000 + place,
      sinceMs: NOW - 2_000 - (names.length - 1 - place) * 3_000,
      session: `0x1000${place.toString(16).padStart(4, '0')}`,
      ...facts(owner),
    };
  });
}

/** A board of these lines, as they are now. */
export function boardOf(...lines: readonly Contention[]): Board {
  return new BoardKeeper(emptyBoard('/locks')).add(picture(NOW, lines));
}

/** The same board, not heard from any more for 20 seconds. */
export function staleBoardOf(...lines: readonly Contention[]): Board {
  const keeper = new BoardKeeper(emptyBoard('/locks'));
  keeper.add(picture(NOW - 20_000, lines));
  return keeper.add(picture(NOW - 20_000, [], 'stale'));
}

/** What a lock has been through when its owners took turns for the last minute, `seconds` each. */
export function cardAfterTurns(path: string, names: readonly string[], seconds = 4): LockCard {
  const keeper = new BoardKeeper(emptyBoard('/locks'));
  const turns = Math.floor(60 / seconds);
  for (let turn = turns; turn >= 0; turn -= 1) {
    const atMs = NOW - turn * seconds * 1_000;
    const first = (turns - turn) % names.length;
    // Somebody stays away now and then, so that the line is not always as long.
    const present = [...names.slice(first), ...names.slice(0, first)].slice(0, names.length - (turn % 3));
    const came = new Map(present.map((owner, place) => [owner, atMs - place * 700 - 300]));
    const facts = (owner: string) => ({ sinceMs: came.get(owner) ?? atMs, host: 'app-1', pid: 4_100 });
    keeper.add(picture(atMs, [line(path, present, facts)]));
    const granted = { grantedMs: atMs + 8 };
    const written = (owner: string) => ({ ...facts(owner), ...(owner === present[0] ? granted : {}) });
    keeper.add(picture(atMs + 9, [line(path, present, written)]));
  }
  const card = keeper.board.cards.get(path);
  if (card === undefined) throw new Error(`${path} has a line`);
  return card;
}

/** Two owners, each with what the other wants. */
export const DEADLOCK = [
  lineOf('/locks/orders', ['anna', 'ben'], (owner) => ({ host: 'app-1', pid: owner === 'anna' ? 1 : 2 })),
  lineOf('/locks/billing', ['ben', 'anna'], (owner) => ({ host: 'app-1', pid: owner === 'anna' ? 1 : 2 })),
] as const;
