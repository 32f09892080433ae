// @ts-check
/**
 * `npm run simulate -- --runs N [--seed S] [--workload W] [--profile P] [--mutant M]`: N histories from seed S on, of locks and
 * everything that is built from them unless `--workload` says of what. One history alone is told
 * event by event. The exit code is 1 when a guarantee broke, and the last lines say how to see it again.
 */

import process, { hrtime, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import './load.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    workload: { type: 'string' },
    profile: { type: 'string' },
    mutant: { type: 'string' },
  },
});
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
