/** A rule that moves takes its mutant along: said here at once, and not after minutes of histories. */
import { expect, it } from 'vitest';
import { textOf } from '../setup/source-files.js';
import { MUTANTS } from './mutants.mjs';

it.each(Object.entries(MUTANTS))('%s: its text is in the sources exactly once', (_, { replacements }) => {
  const moved = replacements.filter(({ file, from }) => textOf(file).split(from).length !== 2);
  expect(moved.map(({ file, from }) => `${file} no longer has this once; see mutants.mjs: ${from}`)).toEqual(
    [],
  );
});
