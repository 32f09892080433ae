/** What the server writes, the page reads. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ContenderInLine, Contention } from '../../src/contention-facts.js';
import { BoardKeeper, emptyBoard } from '../../src/dashboard/board.js';
import { readChange, readHello, writeChange, writeHello } from '../../src/dashboard/wire.js';
import { line, picture } from './pictures.js';

const text = fc.string({ unit: 'binary', maxLength: 12 });
/** Text that could be taken for a number of 64 bits. */
const word = fc.oneof(
  text,
  fc.bigInt({ min: 0n }).map((number) => `${number}n`),
);
const time = fc.integer({ min: 0, max: 4e12 });

const contender: fc.Arbitrary<ContenderInLine> = fc.record(
  {
    name: word,
    path: word,
    sequence: fc.integer(),
    kind: fc.constantFrom('exclusive', 'read', 'write'),
    dialect: fc.constantFrom('curator', 'kazoo'),
    position: fc.nat(),
    sinceMs: time,
    session: word,
    czxid: fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
    owner: word,
    host: word,
    pid: fc.nat(),
    label: word,
    grantedMs: time,
    endsMs: time,
  },
  {
    requiredKeys: ['name', 'path', 'sequence', 'kind', 'dialect', 'position', 'sinceMs', 'session', 'czxid'],
  },
);

const contention: fc.Arbitrary<Contention> = fc
  .record({
    path: word,
    contenders: fc.array(contender, { maxLength: 3 }),
    foreign: fc.array(word, { maxLength: 2 }),
    unsafeMix: fc.boolean(),
    asOf: time,
    freshness: fc.constantFrom('live', 'stale'),
  })
  .map((each) => ({ ...each, holder: each.contenders[0] ?? null }));

it('carries a change as it is, numbers of 64 bits and what looks like them included', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(contention, { maxLength: 4, selector: ({ path }) => path }),
      fc.uniqueArray(
        text.map((each) => `gone ${each}`),
        { maxLength: 2 },
      ),
      time,
      (lines, gone, asOf) => {
        const read = readChange(
          writeChange({
            asOf,
            freshness: 'live',
            lines: [
              ...lines.map((each) => [each.path, each] as const),
              ...gone.map((path) => [path, null] as const),
            ],
          }),
        );
        expect(read.asOf).toBe(asOf);
        expect(read.changed).toEqual([...lines.map(({ path }) => path), ...gone]);
        expect([...read.lines]).toEqual(lines.map((each) => [each.path, each]));
      },
    ),
  );
});

it('carries a board with everything remembered, from which the page folds on as the server does', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(contention, time), { maxLength: 6 }), (pictures) => {
      const kept = new BoardKeeper(emptyBoard('/locks'));
      for (const [each, at] of pictures) kept.add(picture(at, [each]));
      const hello = {
        board: kept.board,
        connectString: 'zk1:2181',
        allowBreak: true,
        allowRevoke: false,
        nowMs: 5,
      };
      const read = readHello(writeHello(hello));
      expect(read).toEqual(hello);
      const next = picture(4e12, [line('/locks/a', ['anna'])]);
      expect(new BoardKeeper(read.board).add(next)).toEqual(new BoardKeeper(kept.board).add(next));
    }),
  );
});
