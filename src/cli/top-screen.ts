/** The screen of `holdfast top`, as text: what is drawn, not how. */
import {
  type Board,
  byTrouble,
  deadlocksOn,
  type LockCard,
  longestWaitMs,
  percentile,
  waitingIn,
} from '../dashboard/board.js';
import { counted, duration, figure, heldForMs, holderNames } from '../dashboard/wording.js';
import type { Deadlock } from '../wait-for-graph.js';
import type { Ink } from './ink.js';

/** Where it is drawn. `rows` Infinity: nothing is left out. */
export interface Frame {
  readonly columns: number;
  readonly rows: number;
}

/** One lock's figures, milliseconds; null where they are not known. */
export interface LockFigures {
  readonly heldForMs: number | null;
  readonly waiting: number;
  readonly longestWaitMs: number;
  readonly heldP50Ms: number | null;
  readonly heldP99Ms: number | null;
}

/** The figures of a card. */
export function figuresOf(card: LockCard, nowMs: number): LockFigures {
  const held = card.handOvers.flatMap(({ heldMs }) => (heldMs === null ? [] : [heldMs]));
  return {
    heldForMs: heldForMs(card, nowMs),
    waiting: waitingIn(card.line).length,
    longestWaitMs: longestWaitMs(card, nowMs),
    heldP50Ms: percentile(held, 0.5),
    heldP99Ms: percentile(held, 0.99),
  };
}

/** Who waits for whom, in a circle: `ada waits at /locks/b for grace, grace waits at /locks/a for ada`. */
export function deadlockText({ circle }: Deadlock): string {
  return circle
    .map(({ waiter, blocker, path }) => `${waiter.name} waits at ${path} for ${blocker.name}`)
    .join(', ');
}

/** What others wrote into ZooKeeper must not command a terminal. */
const printable = (text: string) => text.replace(/\p{C}/gu, '\u00b7');

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

/** Text that keeps its end, where paths differ. */
const cutStart = (text: string, columns: number) =>
  text.length <= columns ? text : `…${text.slice(text.length - columns + 1)}`;

const NUMBERS = [
  { title: 'held for', width: 8, of: (each: LockFigures) => figure(each.heldForMs) },
  {
    title: 'waiting',
    width: 7,
    of: (each: LockFigures) => (each.waiting === 0 ? '–' : String(each.waiting)),
  },
  {
    title: 'longest',
    width: 7,
    of: (each: LockFigures) => (each.waiting === 0 ? '–' : figure(each.longestWaitMs)),
  },
  { title: 'held p50', width: 8, of: (each: LockFigures) => figure(each.heldP50Ms) },
  { title: 'p99', width: 6, of: (each: LockFigures) => figure(each.heldP99Ms) },
] as const;

/** In a narrow terminal the last columns are left out, so that names keep this much. */
const NAMES_NEED = 24;

/** Deadlocks may fill a third of the screen: the rest is for the locks, those in one first. */
const mostKnots = ({ rows }: Frame) => Math.max(2, Math.floor(rows / 3));

/** The lines of the screen: none longer than `columns`, and fewer than `rows`, so that nothing scrolls. */
export function topLines(board: Board, target: string, wallNowMs: number, frame: Frame, ink: Ink): string[] {
  const stale = board.freshness === 'stale';
  // What is not heard of does not go on: its clocks stand.
  const nowMs = stale ? board.asOf : wallNowMs;
  const knots = deadlocksOn(board);
  const cards = byTrouble(board, nowMs, knots);
  const width = frame.columns - 2;
  const held = cards.filter(({ line }) => line.holder !== null).length;
  const waits = cards.reduce((sum, { line }) => sum + waitingIn(line).length, 0);
  const title = `${board.root} · ${target} · ${counted(cards.length, 'lock')} · ${held} held · ${counted(waits, 'waits', 'wait')}`;
  const out = ['', `  ${ink.strong('holdfast top')}  ${ink.faint(cut(printable(title), width - 14))}`];
  if (stale) {
    const text =
      board.asOf === 0
        ? 'Nothing seen yet: waiting for ZooKeeper.'
        : `CUT OFF: this is ${duration(wallNowMs - board.asOf)} old, and may have changed.`;
    out.push(`  ${ink.strong(cut(text, width))}`);
  }
  const told = knots.length <= mostKnots(frame) ? knots.length : mostKnots(frame) - 1;
  for (const knot of knots.slice(0, told)) {
    out.push(`  ${ink.strong(cut(`DEADLOCK: ${printable(deadlockText(knot))}`, width))}`);
  }
  if (told < knots.length)
    out.push(`  ${ink.strong(cut(`and ${counted(knots.length - told, 'more deadlock')}`, width))}`);
  out.push('');
  if (cards.length === 0) {
    if (board.asOf !== 0) out.push(ink.faint(cut('  No lock here has a claim.', frame.columns)), '');
    return out;
  }

  let numbers: readonly (typeof NUMBERS)[number][] = NUMBERS;
  const forNames = () => width - numbers.reduce((sum, column) => sum + column.width + 2, 0) - 4;
  while (numbers.length > 1 && forNames() < NAMES_NEED) numbers = numbers.slice(0, -1);
  const names = cards.map(({ line }) => ({
    lock: printable(
      board.root !== '/' && line.path.startsWith(`${board.root}/`)
        ? line.path.slice(board.root.length + 1)
        : line.path,
    ),
    holder: printable(holderNames(line)) || 'free',
  }));
  const longest = (pick: (each: (typeof names)[number]) => string, least: number) =>
    names.reduce((most, each) => Math.max(most, pick(each).length), least);
  const room = Math.max(8, forNames());
  const wanted = [longest(({ lock }) => lock, 4), longest(({ holder }) => holder, 6)] as const;
  const half = Math.floor(room / 2);
  const lockWidth = Math.min(wanted[0], Math.max(half, room - wanted[1]));
  const holderWidth = Math.min(wanted[1], Math.max(room - lockWidth, 1));

  const heading = numbers.map((column) => `  ${column.title.padStart(column.width)}`).join('');
  out.push(
    ink.faint(
      cut(`  ${'lock'.padEnd(lockWidth)}    ${'holder'.padEnd(holderWidth)}${heading}`, frame.columns),
    ),
  );
  const space = Math.max(1, frame.rows - out.length - 3);
  const shown = cards.length <= space ? cards.length : Math.max(1, space - 1);
  for (const [index, card] of cards.slice(0, shown).entries()) {
    const { lock, holder } = names[index] as (typeof names)[number];
    const figures = figuresOf(card, nowMs);
    const who = `${card.line.holder === null ? '○' : '●'} ${cut(holder, holderWidth).padEnd(holderWidth)}`;
    const tail = numbers.map((column) => `  ${column.of(figures).padStart(column.width)}`).join('');
    const head = `  ${cutStart(lock, lockWidth).padEnd(lockWidth)}  `;
    out.push(
      `${head}${card.line.holder === null ? ink.faint(who) : ink.accent(who)}${cut(tail, frame.columns - head.length - who.length)}`,
    );
  }
  if (shown < cards.length)
    out.push(
      ink.faint(cut(`  and ${counted(cards.length - shown, 'lock')} with less trouble`, frame.columns)),
    );
  out.push('');
  return out;
}
