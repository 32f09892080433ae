/** That the benchmarks work, at a hundredth of their length. What they measure is not looked at. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { root, textOf } from '../setup/source-files.js';
import { buildPeers, installOurs, OURS, OURS_ON_CURRENT_NODE, versions } from './peers/contestants.js';
import { Report } from './peers/report.js';
import { Scenarios } from './peers/scenarios.js';

it('tells what a lock costs, and where the time goes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const script = join(root, 'test/bench/lock-bench.mjs');
  const report = join(folder, 'benchmarks.md');
  const args = ['--expose-gc', script, inject('zookeeper'), '1', '0.02', report];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const text = readFileSync(report, 'utf8');
  const headings = [...text.matchAll(/^##+ (.*)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(
    [...textOf('docs/benchmarks.md').matchAll(/^##+ (.*)$/gm)].map(([, heading]) => heading),
  );
  expect(text).toMatch(/^Requests per cycle at the server: \*\*2\.\d\d\*\*/m);
}, 180_000);

it('tells in a table what every contestant came to, and in another what was reached', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-peers-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const peers = [installOurs(folder), ...(await buildPeers(folder))];
  const report = new Report(() => undefined);
  const extent = { rounds: 1, share: 0.02, manySessions: 20, queued: 200 };
  await new Scenarios(report, peers, inject('zookeeper'), extent).all();
  const text = report.text(versions());
  for (const { name } of peers) expect(text.split(`\n| ${name} | `).length).toBeGreaterThanOrEqual(14);
  expect(text).toMatch(/\| uncontended: requests per cycle \| at most 3 \| (yes|\*\*no\*\*): [\d.]+ \|/);
  // Only one of ours contends here.
  if (OURS_ON_CURRENT_NODE !== null)
    expect(text).toMatch(/\| uncontended: requests per cycle \|.*\| – \| – \|$/m);
  expect(peers[0]?.name).toBe(OURS);
}, 180_000);
