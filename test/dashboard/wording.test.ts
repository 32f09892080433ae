/** How a screen says times and lines. */
import { expect, it } from 'vitest';
import { BoardKeeper, emptyBoard } from '../../src/dashboard/board.js';
import {
  counted,
  duration,
  figure,
  heldForMs,
  holderNames,
  sentenceFor,
} from '../../src/dashboard/wording.js';
import { line, picture } from './pictures.js';

const cardOf = (...pictures: readonly ReturnType<typeof picture>[]) => {
  const kept = new BoardKeeper(emptyBoard('/locks'));
  for (const each of pictures) kept.add(each);
  return kept.board.cards.get('/locks/a')!;
};

it.each([
  [-5, '0.0 s'],
  [400, '0.4 s'],
  [9_949, '9.9 s'],
  [9_999, '9.9 s'],
  [12_900, '12 s'],
  [59_999, '59 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
  [76 * 3_600_000, '3 d 4 h'],
])('%d ms last %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

it.each([
  [null, '–'],
  [7.6, '8 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [1_234, '1.2 s'],
  [59_990, '1 min'],
  [180_000, '3 min'],
  [3_599_000, '1 h'],
  [7_200_000, '2 h'],
])('as a figure %s is %s', (ms, words) => {
  expect(figure(ms)).toBe(words);
});

it('counts one and many', () => {
  expect([counted(1, 'lock'), counted(3, 'lock'), counted(1, 'waits', 'wait')]).toEqual([
    '1 lock',
    '3 locks',
    '1 waits',
  ]);
});

it('says a free lock, a lone holder, and a line with its longest wait', () => {
  const since = () => ({ sinceMs: 1_000 });
  expect(sentenceFor(cardOf(picture(0, [line('/locks/a', [])])), 5_000)).toBe('/locks/a: free');
  expect(sentenceFor(cardOf(picture(0, [line('/locks/a', ['anna'], since)])), 5_000)).toBe(
    '/locks/a: held by anna for 4.0 s, nobody waits',
  );
  expect(sentenceFor(cardOf(picture(0, [line('/locks/a', ['anna', 'ben'], since)])), 13_000)).toBe(
    '/locks/a: held by anna for 12 s, 1 waits, the longest for 12 s',
  );
});

it('counts holding from when it was seen to begin, else from the written grant, else from when it came', () => {
  const seen = cardOf(picture(0, [line('/locks/a', [])]), picture(3_000, [line('/locks/a', ['anna'])]));
  expect(heldForMs(seen, 5_000)).toBe(2_000);
  const granted = cardOf(picture(4_500, [line('/locks/a', ['anna'], () => ({ grantedMs: 4_000 }))]));
  expect(heldForMs(granted, 5_000)).toBe(1_000);
  expect(heldForMs(cardOf(picture(4_500, [line('/locks/a', ['anna'])])), 5_000)).toBe(5_000);
  expect(heldForMs(cardOf(picture(0, [line('/locks/a', [])])), 5_000)).toBeNull();
});

it('names everybody who holds: readers side by side, up to the first writer', () => {
  const reading = (...readers: readonly string[]) =>
    line('/locks/a', [...readers, 'writer', 'late'], (owner) => ({
      kind: owner === 'writer' ? 'write' : 'read',
    }));
  expect(holderNames(line('/locks/a', ['anna', 'ben']))).toBe('anna');
  expect(holderNames(reading('anna', 'ben'))).toBe('anna, ben');
  expect(holderNames(reading('a', 'b', 'c', 'd', 'e'))).toBe('a, b, c +2');
  expect(holderNames(reading())).toBe('writer');
  expect(holderNames(line('/locks/a', []))).toBe('');
  const seen = cardOf(picture(0, [reading('anna', 'ben')]));
  expect(sentenceFor(seen, 5_000)).toMatch(/^\/locks\/a: held by anna, ben for 5.0 s, 2 wait,/);
});
