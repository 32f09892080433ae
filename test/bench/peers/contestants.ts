/** Who contends: Holdfast as people install it, and those of the peers that this machine has. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
  checkPeerPackages,
  compileForCurator,
  compileForGoZk,
  debianVersion,
  PYTHON,
} from '../../setup/peers-installation.mjs';
import { root, textOf } from '../../setup/source-files.js';
import type { Peer } from './contest.js';

const major = (version: string) => version.replace(/^v?(\d+).*/, '$1');
/** The Node that is supported, beside the one that runs this, which may be older and slower. */
const CURRENT_NODE = '24.21.0';
const SAME_NODE = major(CURRENT_NODE) === major(process.version);

/** Holdfast on the Node that runs this. */
export const OURS = `Holdfast, Node ${major(process.version)}`;
/** Holdfast on the current Node, where that is another one. */
export const OURS_ON_CURRENT_NODE = SAME_NODE ? null : `Holdfast, Node ${major(CURRENT_NODE)}`;
/** All of ours. */
export const ours: readonly string[] = OURS_ON_CURRENT_NODE === null ? [OURS] : [OURS, OURS_ON_CURRENT_NODE];
export const CURATOR = 'Curator';
export const GO_ZK = 'go-zk';
export const KAZOO = 'kazoo';

const here = join(root, 'test/bench/peers');

function run(command: string, args: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stderr}`);
  return stdout;
}

/** Holdfast in `folder` as npm lays it out: the packed package, beside the two that it needs. */
export function installOurs(folder: string): Peer {
  const packed = run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  run('tar', ['-xzf', join(folder, filename), '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'holdfast'));
  for (const name of ['rxjs', 'xstate', 'tslib'])
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  cpSync(join(here, 'holdfast-contestant.mjs'), join(folder, 'holdfast-contestant.mjs'));
  return {
    name: OURS,
    command: [process.execPath, join(folder, 'holdfast-contestant.mjs')],
    warmUpSeconds: 3,
  };
}

/** The same, on the current Node, which comes from npm; nobody, where that is the one that runs this. */
export function onCurrentNode({ command: [, ...script], warmUpSeconds }: Peer, folder: string): Peer[] {
  if (OURS_ON_CURRENT_NODE === null) return [];
  const name = `node-${process.platform}-${process.arch}`;
  run('npm', ['install', '--no-save', '--prefix', join(folder, 'node'), `${name}@${CURRENT_NODE}`]);
  const node = join(folder, 'node/node_modules', name, 'bin/node');
  return [{ name: OURS_ON_CURRENT_NODE, command: [node, ...script], warmUpSeconds }];
}

/** The others, built in `folder`. Throws, with what to do, when something is missing. */
export async function buildPeers(folder: string): Promise<Peer[]> {
  checkPeerPackages();
  const [curator, goZk] = await Promise.all([
    compileForCurator(join(here, 'CuratorContestant.java'), folder),
    compileForGoZk(join(here, 'go-zk'), folder),
  ]);
  return [
    { name: CURATOR, command: ['java', ...curator], warmUpSeconds: 8 },
    { name: GO_ZK, command: [goZk], warmUpSeconds: 1 },
    { name: KAZOO, command: [PYTHON, join(here, 'kazoo_contestant.py')], warmUpSeconds: 1 },
  ];
}

/** Node alone, with a session: the same Node as one of ours. */
export function bareStart({ name, command: [node = ''] }: Peer): Peer {
  return {
    name: `${name.replace('Holdfast, ', '')} and a session, nothing else`,
    command: [node, join(here, 'bare-start.mjs')],
    warmUpSeconds: 0,
  };
}

/** What was measured, for people. */
export function versions(): string {
  const { version } = JSON.parse(textOf('package.json')) as { version: string };
  const peers = [
    ['Curator', 'libcurator-recipes-java'],
    ['go-zk', 'golang-github-samuel-go-zookeeper-dev'],
    ['Go', 'golang-go'],
    ['kazoo', 'python3-kazoo'],
    ['Java', 'openjdk-17-jre-headless'],
    ['ZooKeeper', 'libzookeeper-java'],
  ].map(([name = '', debian = '']) => `${name} ${debianVersion(debian)}`);
  const node = SAME_NODE ? '' : ` and ${CURRENT_NODE}`;
  return `Holdfast ${version} on Node ${process.versions.node}${node}; Debian's ${peers.join(', ')}`;
}
