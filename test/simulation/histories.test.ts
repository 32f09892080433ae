/** A few histories of every kind; `npm run simulate -- --runs N` runs as many as one likes. */
import { expect, it } from 'vitest';
import { type Report, runHistory } from './history.js';
import { PROFILES, type ProfileName } from './profiles.js';
import { WORKLOADS, type WorkloadName } from './workloads/index.js';

const CLEAN = (Object.keys(PROFILES) as ProfileName[]).filter(
  (name) => !PROFILES[name].profile.overlapAllowed,
);
const RUNS = 8;

/** What broke, and the command that shows it again. */
const told = ({ broken, seed, workload, profile }: Report): string[] =>
  broken === null
    ? []
    : [
        `${broken.name}: ${broken.message}; npm run simulate -- --seed ${seed} --workload ${workload} --profile ${profile}`,
      ];

it.each(CLEAN)('every guarantee holds in histories of the kind %s', async (profile) => {
  const broken: string[] = [];
  let grants = 0;
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const report = await runHistory(seed, { profile });
    broken.push(...told(report));
    grants += report.grants;
  }
  expect(broken).toEqual([]);
  expect(grants).toBeGreaterThan(RUNS);
});

const RECIPES = (Object.keys(WORKLOADS) as WorkloadName[]).filter((name) => name !== 'lock');

it.each(RECIPES)('every guarantee of a %s holds in histories of every kind', async (workload) => {
  const broken: string[] = [];
  let shared = 0;
  const kinds = CLEAN.filter(
    (name) => PROFILES[name].profile.webLocks === null && PROFILES[name].profile.lossDelayMs === null,
  );
  for (const [index, profile] of kinds.entries()) {
    for (let seed = 2 * index; seed < 2 * index + 2; seed += 1) {
      const report = await runHistory(seed, { workload, profile });
      broken.push(...told(report));
      shared += report.shared;
    }
  }
  expect(broken).toEqual([]);
  if (workload === 'read-write' || workload === 'semaphore') expect(shared).toBeGreaterThan(0);
});

it('the same seed is the same history, to the last event', async () => {
  for (const workload of ['lock', ...RECIPES] as const) {
    const once = await runHistory(7, { workload, profile: 'everything', trace: true });
    const again = await runHistory(7, { workload, profile: 'everything', trace: true });
    expect(once.trace.length, workload).toBeGreaterThan(20);
    expect(again.trace, workload).toEqual(once.trace);
  }
});
