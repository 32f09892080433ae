/** How times and lines are said in words and figures, on screen and to screen readers. */
import type { Contention } from '../contention-facts.js';
import { holdersOf, type LockCard, longestWaitMs, nameOf, waitingIn } from './board.js';

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A figure for a narrow column: `–`, `8 ms`, `1.2 s`, `3 min`. */
export function figure(ms: number | null): string {
  if (ms === null) return '–';
  // Rounded first: what would round up to the next unit is said in it.
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 600) return `${(ms / 1_000).toFixed(1)} s`;
  return Math.round(ms / 60_000) < 60 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

/** `1 lock`, `3 locks`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

const NAMED = 3;

/** `anna`; where readers share, `anna, ben`, and of many `anna, ben, cleo +5`. Empty: nobody holds. */
export function holderNames(line: Contention): string {
  const holders = holdersOf(line);
  const more = holders.length - NAMED;
  return holders.slice(0, NAMED).map(nameOf).join(', ') + (more > 0 ? ` +${more}` : '');
}

/** How long the holder has held, or, where its beginning was not seen, has at least stood in line. */
export function heldForMs(card: LockCard, nowMs: number): number | null {
  const { holder } = card.line;
  if (holder === null) return null;
  const span = card.spans.at(-1);
  const since = span?.untilMs === null && span.claim === holder.path ? span.fromMs : null;
  return nowMs - (since ?? holder.grantedMs ?? holder.sinceMs);
}

/** One sentence for a screen reader. */
export function sentenceFor(card: LockCard, nowMs: number): string {
  const { line } = card;
  const held = heldForMs(card, nowMs);
  if (line.holder === null || held === null) return `${line.path}: free`;
  const waiting = waitingIn(line).length;
  const behind =
    waiting === 0
      ? 'nobody waits'
      : `${counted(waiting, 'waits', 'wait')}, the longest for ${duration(longestWaitMs(card, nowMs))}`;
  return `${line.path}: held by ${holderNames(line)} for ${duration(held)}, ${behind}`;
}
