/** Keeps the table of features in `docs/features.md` true: every row says what Holdfast has, and names tests that are there and run. */
import { describe, expect, it } from 'vitest';
import { missingIn, namesOnlyTests, rowsUnder } from './setup/document-tables.js';
import { textOf } from './setup/source-files.js';

const OTHERS = ['Curator', 'kazoo', 'go-zk', 'etcd', 'Redlock', 'Consul', 'Redisson'];
const document = textOf('docs/features.md');
const rows = rowsUnder(document, '## Table').map((cells) => ({ feature: cells[0] ?? '', cells }));

describe('the table of features', () => {
  it('compares with seven others, and leaves no cell empty', () => {
    expect(document).toContain(`| feature | Holdfast | shown by | ${OTHERS.join(' | ')} |`);
    expect(rows.length).toBeGreaterThanOrEqual(35);
    for (const { feature, cells } of rows) {
      expect(cells, feature).toHaveLength(3 + OTHERS.length);
      expect(cells, feature).not.toContain('');
    }
  });

  it('has every feature once', () => {
    const features = rows.map(({ feature }) => feature);
    expect([...new Set(features)]).toEqual(features);
  });

  it.each(rows)('says of $feature that it is there, or what there is instead', ({ cells }) => {
    expect(cells[1]).toMatch(/^(yes\b|no: .{20,})/);
  });

  it.each(rows)('names for $feature tests that are there and run, and nothing else', ({ cells }) => {
    const shown = cells[2] ?? '';
    expect(namesOnlyTests(shown), shown).toBe(true);
    expect(missingIn(shown)).toEqual([]);
  });
});
