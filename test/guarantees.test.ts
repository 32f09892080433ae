/** Keeps the table of published traps in `docs/guarantees.md` true: complete, and naming only tests that are there and run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missingIn, namesOnlyTests, rowsUnder } from './setup/document-tables.js';
import { root, textOf } from './setup/source-files.js';
import { isTitle, testsOf } from './setup/test-titles.js';

const DOCUMENT = 'docs/guarantees.md';
const HEADING = '## Published traps';
const TRAP_COUNT = 56;

const rows = rowsUnder(textOf(DOCUMENT), HEADING).map((cells) => ({ number: cells[0] ?? '', cells }));

describe('the table of published traps', () => {
  it('has every number once, in order', () => {
    const wanted = Array.from({ length: TRAP_COUNT }, (_, index) => `T${String(index + 1).padStart(2, '0')}`);
    expect(rows.map(({ number }) => number)).toEqual(wanted);
  });

  it('has four cells in every row, none of them empty', () => {
    for (const { number, cells } of rows) {
      expect(cells, number).toHaveLength(4);
      for (const cell of cells) expect(cell, number).not.toBe('');
    }
  });

  it('names tests in every row, and nothing else, or says why the trap cannot apply', () => {
    for (const { number, cells } of rows) {
      const shown = cells[3] ?? '';
      if (/^cannot apply: .{10,}/.test(shown)) continue;
      expect(namesOnlyTests(shown), `${number}: ${shown}`).toBe(true);
    }
  });

  it.each(rows)('names for $number only tests that are there and run', ({ cells }) => {
    expect(missingIn(cells[3] ?? '')).toEqual([]);
  });

  it.each(rows)('names for $number only files that are there', ({ cells }) => {
    for (const [, file = ''] of (cells[2] ?? '').matchAll(/`((?:src|machines)\/[^`]+)`/g))
      expect(existsSync(join(root, file)), file).toBe(true);
  });
});

describe('a title', () => {
  it.each([
    ['ends on time', 'ends on time', true],
    ['ends on time', 'ends', false],
    ['is %s of %i', 'is one of 3', true],
    ['is %s of %i', 'is %s of %i', true],
    ['is $when', 'is made when asked', true],
    ['has at most … lines', 'has at most 400 lines', true],
    ['has (any) [odd].* marks', 'has (any) [odd].* marks', true],
    ['has . marks', 'has x marks', false],
  ])('%j is named by %j: %s', (title, named, yes) => {
    expect(isTitle(named, { title, runs: true })).toBe(yes);
  });

  it('is found however its test is written, and not in a comment or a string', () => {
    const text = `
      describe('of a group', () => {
        it('plain', () => {});
        test.each([1])("of a table of %i", () => {});
        it.each<[string]>([['a']])(\`from \${1} template\`, () => {});
        // it('in a comment', () => {});
        const text = "it('in a string')";
      });
    `;
    expect(testsOf(text).map(({ title }) => title)).toEqual(['plain', 'of a table of %i', 'from … template']);
  });

  const written = (silently: string): string[] => [
    `it.${silently}('this', () => {});`,
    `describe.${silently}('all', () => { it('this', () => {}); });`,
    `describe('some', () => { describe.${silently}('inner', () => { test.each([1])('this', () => {}); }); });`,
  ];
  it.each(['skip', 'todo'].flatMap(written))('of a test that does not run is known for one: %s', (text) => {
    expect(testsOf(text)).toEqual([{ title: 'this', runs: false }]);
  });
});
