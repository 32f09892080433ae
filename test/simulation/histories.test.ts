/** A few histories of every kind; `npm run simulate -- --runs N` runs as many as one likes. */
import { expect, it } from 'vitest';
import { type Report, runHistory } from './history.js';
import { PROFILES, type ProfileName } from './profiles.js';

const CLEAN = (Object.keys(PROFILES) as ProfileName[]).filter(
  (name) => !PROFILES[name].profile.overlapAllowed,
);
const RUNS = 8;

/** What broke, and the command that shows it again. */
const told = ({ broken, seed, profile }: Report): string[] =>
  broken === null
    ? []
    : [`${broken.name}: ${broken.message}; npm run simulate -- --seed ${seed} --profile ${profile}`];

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

it('the same seed is the same history, to the last event', async () => {
  const once = await runHistory(7, { profile: 'everything', trace: true });
  const again = await runHistory(7, { profile: 'everything', trace: true });
  expect(once.trace.length).toBeGreaterThan(50);
  expect(again.trace).toEqual(once.trace);
});
