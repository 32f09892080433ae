// @ts-check
/**
 * `npm run simulate -- --runs N`: many histories, each from its seed; `--help` says what else. The exit code is 1 when a guarantee
 * broke, and the last lines say how to see it again.
 */

import process, { hrtime, stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';

const USAGE = `usage: npm run simulate -- [--runs N] [--seed S] [--workload W] [--profile P] [--mutant M]

Plays N histories (default 1) from seed S (default 1) on, of locks and everything that is built from them.
One history alone is told event by event. The exit code is 1 when a guarantee broke, 64 for bad usage.

  --workload W  what people do, as in test/simulation/workloads/index.ts; default: what the seed says
  --profile P   how they do it and what goes wrong, as in test/simulation/profiles.ts; default: what the seed says
  --mutant M    with this fault put into the sources, as in test/simulation/mutants.mjs
`;

const { values } = given();
if (values.help) {
  stdout.write(USAGE);
  process.exit(0);
}
await import('./load.mjs');
const { MUTANTS } = await import('./mutants.mjs');
const { PROFILES } = await import('./profiles.ts');
const { WORKLOADS } = await import('./workloads/index.ts');
for (const [name, known] of Object.entries({ workload: WORKLOADS, profile: PROFILES, mutant: MUTANTS })) {
  const value = values[/** @type {'workload' | 'profile' | 'mutant'} */ (name)];
  if (value !== undefined && !Object.hasOwn(known, value))
    refuse(
      `--${name} is "${value}": give one of ${Object.keys(known)
        .map((one) => `'${one}'`)
        .join(', ')}`,
    );
}

/** @param {string} why @returns {never} */
function refuse(why) {
  stderr.write(`${why}\n\n${USAGE}`);
  process.exit(64);
}

function given() {
  try {
    const parsed = parseArgs({
      options: {
        runs: { type: 'string', default: '1' },
        seed: { type: 'string', default: '1' },
        workload: { type: 'string' },
        profile: { type: 'string' },
        mutant: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    for (const name of /** @type {const} */ (['runs', 'seed'])) {
      const text = parsed.values[name];
      if (!/^\d+$/.test(text)) throw new TypeError(`--${name} is "${text}": give a whole number`);
    }
    return parsed;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

// Stacks are for one history alone.
if (values.runs !== '1') Error.stackTraceLimit = 0;
const runs = Number(values.runs);
const first = Number(values.seed);
const { profile, mutant } = values;

const { runHistory, workloadOf } = await import(
  `./history.ts${mutant === undefined ? '' : `?mutant=${encodeURIComponent(mutant)}`}`
);
const before = process.cpuUsage();
const began = hrtime.bigint();
let seed = first;
const flags = `${values.workload === undefined ? '' : ` --workload ${values.workload}`}${profile === undefined ? '' : ` --profile ${profile}`}${mutant === undefined ? '' : ` --mutant '${mutant}'`}`;
/** @param {unknown} error */
const fail = (error) => {
  stdout.write(`${String(error)}\nTo see it again: npm run simulate -- --seed ${seed}${flags}\n`);
  process.exit(1);
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

/** @type {Record<string, number>} */
const totals = {
  attempts: 0,
  grants: 0,
  virtualMs: 0,
  refused: 0,
  refusedInGoodFaith: 0,
  overlaps: 0,
  shared: 0,
};
/** @type {Record<string, number>} */
const byProfile = {};
/** @type {Record<string, number>} */
const byWorkload = {};
let broken = 0;
for (; seed < first + runs; seed += 1) {
  const report = await runHistory(seed, {
    workload: values.workload ?? workloadOf(seed),
    profile,
    trace: runs === 1,
  });
  for (const line of report.trace) stdout.write(`${line}\n`);
  for (const key of /** @type {const} */ ([
    'attempts',
    'grants',
    'virtualMs',
    'refused',
    'refusedInGoodFaith',
    'overlaps',
    'shared',
  ]))
    totals[key] = (totals[key] ?? 0) + Number(report[key]);
  byProfile[report.profile] = (byProfile[report.profile] ?? 0) + 1;
  byWorkload[report.workload] = (byWorkload[report.workload] ?? 0) + 1;
  if ((seed - first + 1) % 10_000 === 0)
    stdout.write(`${seed - first + 1} histories so far, ${broken} broken\n`);
  if (report.broken !== null) {
    broken += 1;
    stdout.write(
      `seed ${seed} (${report.workload}, ${report.profile}): ${report.broken.name}: ${report.broken.message}\n`,
    );
    stdout.write(`  npm run simulate -- --seed ${seed}${flags}\n`);
    if (broken >= 20) break;
  }
}
const seconds = Number(hrtime.bigint() - began) / 1e9;
const { user, system } = process.cpuUsage(before);
const busy = (user + system) / 1e6;
stdout.write(
  `${runs} histories, ${broken} broken, ${seconds.toFixed(1)} s, ${(runs / seconds).toFixed(0)}/s, ${busy.toFixed(1)} s of processor; ${JSON.stringify(totals)}\n`,
);
stdout.write(`${JSON.stringify(byWorkload)}\n${JSON.stringify(byProfile)}\n`);
process.exitCode = broken > 0 ? 1 : 0;
