/** The checker bites: each rule against a history that breaks it. */
import { describe, expect, it } from 'vitest';
import { History, type HistoryRecord } from './history.js';

const PATH = '/l';

/** A stay of `worker` from one moment to another, in nanoseconds. */
function stay(worker: string, token: number, fromNs: number, toNs: number): HistoryRecord[] {
  const name = `${worker}/${token}`;
  const record = { worker, stay: name };
  return [
    { ...record, kind: 'enter', path: PATH, token: String(token), atNs: String(fromNs) },
    { ...record, kind: 'adding', atNs: String(toNs) },
    { ...record, kind: 'added', atNs: String(toNs + 1) },
  ];
}

function historyOf(...records: HistoryRecord[][]): History {
  const history = new History();
  for (const record of records.flat()) history.add(record);
  return history;
}

describe('a history of stays', () => {
  it('is good when one comes after another with larger tokens, in whatever order it is told', () => {
    const history = historyOf(stay('b', 2, 20, 30), stay('a', 1, 0, 10), stay('a', 3, 31, 40));
    expect(history.overlaps()).toEqual([]);
    expect(history.tokensOutOfOrder()).toEqual([]);
    expect(history.miscounted(PATH, 3)).toEqual([]);
    expect(history.handOvers).toBe(2);
  });

  it('is bad when one enters while another believes, also one before the last', () => {
    const history = historyOf(stay('a', 1, 0, 100), stay('b', 2, 20, 30), stay('c', 3, 40, 50));
    expect(history.overlaps().map(({ earlier, later }) => earlier.stay + later.stay)).toEqual([
      'a/1b/2',
      'a/1c/3',
    ]);
  });

  it('is bad when a token does not grow', () => {
    expect(historyOf(stay('a', 5, 0, 10), stay('b', 4, 20, 30)).tokensOutOfOrder()).toHaveLength(1);
    expect(historyOf(stay('a', 5, 0, 10), stay('b', 5, 20, 30)).tokensOutOfOrder()).toHaveLength(1);
  });

  it('is bad when the counter lost an addition, but one that was killed while adding may have added or not', () => {
    const history = historyOf(stay('a', 1, 0, 10), stay('b', 2, 20, 30).slice(0, 2));
    expect([0, 1, 2, 3].map((counter) => history.miscounted(PATH, counter).length)).toEqual([1, 0, 0, 1]);
  });

  it('refuses a write with a smaller token than it has seen', () => {
    const history = new History();
    expect([4n, 4n, 7n, 5n].map((token) => history.write(PATH, token))).toEqual([true, true, true, false]);
    expect(history.refusedWrites).toBe(1);
  });
});
