/** What a screen shows, folded from pictures of the lines. */
import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  BoardKeeper,
  boards,
  byTrouble,
  deadlocksOn,
  emptyBoard,
  longestWaitMs,
  nameOf,
  percentile,
  REMEMBERED,
  waitingIn,
} from '../../src/dashboard/board.js';
import { line, picture } from './pictures.js';

const keeper = () => new BoardKeeper(emptyBoard('/locks'));
const spans = (kept: BoardKeeper, path = '/locks/a') =>
  kept.board.cards.get(path)?.spans.map(({ who, fromMs, untilMs }) => [who, fromMs, untilMs]);

describe('who held, and when', () => {
  it('begins before we looked for who is there at first, and when it was seen for all others', () => {
    const kept = keeper();
    kept.add(picture(1_000, [line('/locks/a', ['anna', 'ben'])]));
    expect(spans(kept)).toEqual([['anna', null, null]]);
    kept.add(picture(1_500, [line('/locks/a', ['ben'])]));
    kept.add(picture(1_700, [line('/locks/a', [])]));
    expect(spans(kept)).toEqual([
      ['anna', null, 1_500],
      ['ben', 1_500, 1_700],
    ]);
  });

  it('goes on while only those behind come and go', () => {
    const kept = keeper();
    kept.add(picture(1_000, [line('/locks/a', [])]));
    kept.add(picture(1_100, [line('/locks/a', ['anna'])]));
    kept.add(picture(1_200, [line('/locks/a', ['anna', 'ben'])]));
    kept.add(picture(1_300, [line('/locks/a', ['anna'])]));
    expect(spans(kept)).toEqual([['anna', 1_100, null]]);
  });

  it('ends with what is known when the connection goes, and is not told across the gap', () => {
    const kept = keeper();
    kept.add(picture(1_000, [line('/locks/a', ['anna', 'ben'])]));
    kept.add(picture(2_000, [], 'stale'));
    expect(spans(kept)).toEqual([['anna', null, 2_000]]);
    expect(kept.board.freshness).toBe('stale');
    expect(kept.board.cards.get('/locks/a')?.line.freshness).toBe('stale');
    kept.add(picture(9_000, [line('/locks/a', ['ben'])]));
    expect(spans(kept)).toEqual([
      ['anna', null, 2_000],
      ['ben', null, null],
    ]);
    expect(kept.board.cards.get('/locks/a')?.handOvers).toEqual([]);
  });

  it('is remembered so far back and no farther', () => {
    const kept = keeper();
    kept.add(picture(0, [line('/locks/a', [])]));
    for (let at = 1; at <= 3 * REMEMBERED; at += 1)
      kept.add(picture(at, [line('/locks/a', [`owner-${at}`, ...(at % 2 === 0 ? ['ben'] : [])])]));
    const card = kept.board.cards.get('/locks/a');
    expect(card?.spans).toHaveLength(REMEMBERED);
    expect(card?.handOvers).toHaveLength(REMEMBERED);
    expect(card?.lengths).toHaveLength(REMEMBERED);
    expect(card?.spans.at(-1)?.who).toBe(`owner-${3 * REMEMBERED}`);
  });
});

describe('the length of a line', () => {
  it('is written down when it changes, the holder counted', () => {
    const kept = keeper();
    const owners = [['anna'], ['anna', 'ben'], ['ben', 'carl'], ['carl']];
    for (const [index, each] of owners.entries()) kept.add(picture(index, [line('/locks/a', each)]));
    expect(kept.board.cards.get('/locks/a')?.lengths).toEqual([
      { atMs: 0, length: 1 },
      { atMs: 1, length: 2 },
      { atMs: 3, length: 1 },
    ]);
  });
});

describe('a hand-over', () => {
  it('is told with how long one held, the other waited, and its grant took to be written', () => {
    const kept = keeper();
    const since = (owner: string) => ({ sinceMs: owner === 'ben' ? 1_200 : 1_000 });
    kept.add(picture(900, [line('/locks/a', [])]));
    kept.add(picture(1_000, [line('/locks/a', ['anna'], since)]));
    kept.add(picture(1_200, [line('/locks/a', ['anna', 'ben'], since)]));
    kept.add(picture(1_500, [line('/locks/a', ['ben'], since)]));
    expect(kept.board.cards.get('/locks/a')?.handOvers).toEqual([
      { atMs: 1_500, heldMs: 500, waitedMs: 300, latencyMs: null },
    ]);
    kept.add(picture(1_508, [line('/locks/a', ['ben'], (owner) => ({ ...since(owner), grantedMs: 1_505 }))]));
    expect(kept.board.cards.get('/locks/a')?.handOvers).toEqual([
      { atMs: 1_500, heldMs: 500, waitedMs: 300, latencyMs: 8 },
    ]);
  });
});

describe('going on from what somebody else folded', () => {
  it('comes to the same board as having been there from the start', () => {
    const pictures = [
      picture(1_000, [line('/locks/a', ['anna', 'ben'])]),
      picture(1_100, [line('/locks/b', ['carl'])]),
      picture(1_500, [line('/locks/a', ['ben', 'dora'])]),
      picture(1_600, [line('/locks/a', ['ben', 'dora'], () => ({ grantedMs: 1_590 })), '/locks/b']),
      picture(1_900, [line('/locks/a', ['dora'])]),
    ];
    for (const [cut] of pictures.entries()) {
      const first = keeper();
      for (const each of pictures.slice(0, cut + 1)) first.add(each);
      const second = new BoardKeeper(first.board);
      for (const each of pictures.slice(cut + 1)) {
        first.add(each);
        second.add(each);
      }
      expect(second.board, `gone on after picture ${cut}`).toEqual(first.board);
    }
  });

  it('takes nobody for new who was there before, when that was cut off', () => {
    const first = keeper();
    first.add(picture(1_000, [line('/locks/a', ['anna'])]));
    first.add(picture(1_100, [], 'stale'));
    const second = new BoardKeeper(first.board);
    second.add(picture(5_000, [line('/locks/a', ['ben'])]));
    expect(spans(second)?.at(-1)).toEqual(['ben', null, null]);
  });
});

describe('a board', () => {
  it('drops a path that has gone, and changes no other card', () => {
    const kept = keeper();
    const before = kept.add(picture(0, [line('/locks/a', ['anna']), line('/locks/b', ['ben'])]));
    const after = kept.add(picture(1, ['/locks/a']));
    expect([...after.cards.keys()]).toEqual(['/locks/b']);
    expect(after.cards.get('/locks/b')).toBe(before.cards.get('/locks/b'));
    expect(before.cards.size).toBe(2);
  });

  it('is one for each picture, folded anew for each subscriber', () => {
    const board$ = boards(of(picture(0, [line('/locks/a', ['anna'])]), picture(5, [line('/locks/a', [])])));
    for (let subscriber = 0; subscriber < 2; subscriber += 1) {
      const told: unknown[] = [];
      board$.subscribe(({ asOf, cards }) => told.push([asOf, cards.get('/locks/a')?.spans.length]));
      expect(told).toEqual([
        [0, 1],
        [5, 1],
      ]);
    }
  });
});

describe('trouble', () => {
  const board = () => {
    const kept = keeper();
    const since = (sinceMs: number) => () => ({ sinceMs });
    kept.add(
      picture(100_000, [
        line('/locks/free', []),
        line('/locks/quiet', ['anna'], since(0)),
        line('/locks/long', ['anna', 'ben', 'carl'], since(99_500)),
        line('/locks/old', ['anna', 'ben'], since(10_000)),
        line('/locks/short', ['anna', 'ben'], since(99_900)),
        line('/locks/alike', ['anna', 'ben'], since(99_900)),
      ]),
    );
    return kept.board;
  };

  it('comes first: the longest wait, then the longest line, then by name', () => {
    expect(byTrouble(board(), 100_000, []).map(({ line: { path } }) => path)).toEqual([
      '/locks/old',
      '/locks/long',
      '/locks/alike',
      '/locks/short',
      '/locks/quiet',
      '/locks/free',
    ]);
  });

  it('is worst in a deadlock, which is seen across the lines', () => {
    const kept = keeper();
    const since = (sinceMs: number) => () => ({ sinceMs });
    kept.add(
      picture(100_000, [
        line('/locks/old', ['eve', 'mallory'], since(0)),
        line('/locks/x', ['anna', 'ben'], since(99_900)),
        line('/locks/y', ['ben', 'anna'], since(99_900)),
      ]),
    );
    const knots = deadlocksOn(kept.board);
    expect(knots).toHaveLength(1);
    expect(byTrouble(kept.board, 100_000, knots).map((card) => card.line.path)).toEqual([
      '/locks/x',
      '/locks/y',
      '/locks/old',
    ]);
  });

  it('is not that readers hold together: only who is behind them waits', () => {
    const kinds = { anna: 'read', ben: 'read', carl: 'write', dora: 'read' } as const;
    const kept = keeper();
    kept.add(
      picture(10_000, [
        line('/locks/a', Object.keys(kinds), (owner) => ({
          kind: kinds[owner as keyof typeof kinds],
          sinceMs: owner === 'carl' ? 7_000 : 1_000 * (owner === 'dora' ? 9 : 1),
        })),
      ]),
    );
    const [card] = kept.board.cards.values();
    expect(waitingIn(card!.line).map(({ owner }) => owner)).toEqual(['carl', 'dora']);
    expect(longestWaitMs(card!, 10_000)).toBe(3_000);
  });
});

it.each([
  [{ owner: 'anna', label: '10.0.0.7', host: 'db1', pid: 7 }, 'anna'],
  [{ owner: undefined, label: '10.0.0.7', host: 'db1' }, '10.0.0.7'],
  [{ owner: undefined, host: 'db1', pid: 7 }, 'db1:7'],
  [{ owner: undefined, host: 'db1' }, 'db1'],
  [{ owner: undefined }, 'lock-anna'],
])('a claim that says %j is called %s', ({ owner, ...facts }, name) => {
  const [claim] = line('/locks/a', ['anna'], () => facts).contenders;
  if (owner === undefined) Reflect.deleteProperty(claim!, 'owner');
  expect(nameOf(claim!)).toBe(name);
});

it.each([
  [[], 0.5, null],
  [[3], 0.99, 3],
  [[4, 1, 3, 2], 0.5, 2],
  [Array.from({ length: 100 }, (_, index) => index + 1), 0.99, 99],
] as const)('of %j the fraction %d does not exceed %s', (values, fraction, most) => {
  expect(percentile(values, fraction)).toBe(most);
});
