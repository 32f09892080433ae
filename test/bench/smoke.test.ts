/** That the benchmarks work, at a hundredth of their length. What they measure is not looked at. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { buildPeers, installOurs, OURS, versions } from './peers/contestants.js';
import { Report } from './peers/report.js';
import { Scenarios } from './peers/scenarios.js';

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
  for (const { name } of peers) expect(text.split(`\n| ${name} | `).length).toBeGreaterThanOrEqual(8);
  expect(text).toMatch(/\| uncontended: requests per cycle \| [\d.]+ \| at most 3 \|/);
  expect(peers[0]?.name).toBe(OURS);
}, 180_000);
