// @ts-check
/**
 * `node test/simulation/try-mutants.mjs [name…]`: runs histories with each rule switched off until a checker finds it, and writes one
 * line of JSON each. In a process of its own, for the altered sources are loaded next to each other.
 */
import process, { argv, stdout } from 'node:process';
import './load.mjs';
import { MUTANTS } from './mutants.mjs';

/** So many histories are enough to find each of them. */
const MOST_RUNS = 500;

Error.stackTraceLimit = 0;
/** An altered product may throw where nobody catches: that is its own business, the checkers are asked. */
process.on('unhandledRejection', () => undefined);
process.on('uncaughtException', () => undefined);

const names = argv.length > 2 ? argv.slice(2) : Object.keys(MUTANTS);
for (const mutant of names) {
  const { checker, workload, profile, firstSeed = 1 } = MUTANTS[mutant] ?? {};
  /** @type {{ mutant: string, runs: number, seed?: number, message?: string, error?: string }} */
  const told = { mutant, runs: 0 };
  try {
    const { runHistory } = await import(`./history.ts?mutant=${encodeURIComponent(mutant)}`);
    for (let seed = firstSeed; told.runs < MOST_RUNS && told.seed === undefined; seed += 1) {
      const { broken } = await runHistory(seed, { workload, profile, only: checker });
      told.runs += 1;
      if (broken !== null) Object.assign(told, { seed, message: broken.message });
    }
  } catch (error) {
    told.error = error instanceof Error ? error.message : String(error);
  }
  stdout.write(`${JSON.stringify(told)}\n`);
}
