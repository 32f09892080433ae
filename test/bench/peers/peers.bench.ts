/** `npm run bench:peers`: Holdfast beside Curator, go-zk and kazoo on one real server. Writes docs/benchmarks-peers.md. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, it } from 'vitest';
import { missingPeerPackages } from '../../setup/peers-installation.mjs';
import { type RealZooKeeper, startRealZooKeeper } from '../../setup/real-zookeeper.js';
import { root } from '../../setup/source-files.js';
import { installOnDebian } from '../../setup/zookeeper-installation.mjs';
import type { Peer } from './contest.js';
import { buildPeers, installOurs, onCurrentNode, versions } from './contestants.js';
import { Report } from './report.js';
import { type Extent, Scenarios } from './scenarios.js';

const extent: Extent = { rounds: 12, share: 1, manySessions: 1_000, queued: 10_000 };
/** Contestants that rest longer than a container lives would make their parents anew, a thousand of them at once. */
const CONTAINER_CHECK_MS = 3_600_000;

let folder = '';
let peers: Peer[] = [];
const servers: RealZooKeeper[] = [];

/** A server as people run it, but for how long containers live, and when its log is written through to the disk. */
async function server(forceSync: 'yes' | 'no'): Promise<string> {
  const started = await startRealZooKeeper({
    asShipped: true,
    containerCheckIntervalMs: CONTAINER_CHECK_MS,
    properties: { 'zookeeper.forceSync': forceSync },
  });
  servers.push(started);
  return started.connectString;
}

beforeAll(async () => {
  const missing = missingPeerPackages();
  if (missing.length > 0) installOnDebian(...missing);
  folder = mkdtempSync(join(tmpdir(), 'holdfast-peers-'));
  const holdfast = installOurs(folder);
  peers = [holdfast, ...onCurrentNode(holdfast, folder), ...(await buildPeers(folder))];
});

afterAll(async () => {
  await Promise.all(servers.map((each) => each.stop()));
  rmSync(folder, { recursive: true, force: true });
});

it('measures Holdfast beside its peers', async () => {
  const report = new Report();
  report.part('Without fsync: what the libraries cost, not the disk', '');
  await new Scenarios(report, peers, await server('no'), extent).all();
  report.part('With fsync, on this disk', ', with fsync');
  await new Scenarios(report, peers, await server('yes'), extent).whatWaitsForTheDisk();
  writeFileSync(join(root, 'docs/benchmarks-peers.md'), report.text(versions()));
});
