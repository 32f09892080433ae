// @ts-check
/**
 * Finds the npm package `zookeeper`, the native client's, or installs it: compiled, in a folder of its own, for it is an
 * optional peer and no dependency of ours. Node alone runs it; `node test/setup/native-installation.mjs` installs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process, { argv, env, getuid, versions } from 'node:process';
import { fileURLToPath } from 'node:url';

/** The one that `src/zookeeper/native-client.ts` was written against. */
const VERSION = '7.3.0';

/** One for every version of Node's binary interface: what is compiled for one is not loaded by another. */
const FOLDER = fileURLToPath(
  new URL(`../../node_modules/.cache/zookeeper-${VERSION}-node-${versions.modules}/`, import.meta.url),
);

/** What to do when it is not there. */
export const NATIVE_REMEDY =
  `The tests of the native client need the npm package zookeeper ${VERSION}, which is compiled when it is installed: install ` +
  'make, g++ and python3, then run `node test/setup/native-installation.mjs`.';

/** The folder whose packages have it, or undefined. It is good as NODE_PATH. */
export function findNativePackages() {
  const packages = join(FOLDER, 'node_modules');
  return existsSync(join(packages, 'zookeeper/build/Release/zookeeper.node')) ? packages : undefined;
}

/** What the package exports. Throws when it is not there. */
export function loadNativePackage() {
  if (findNativePackages() === undefined) throw new Error(NATIVE_REMEDY);
  return createRequire(FOLDER)('zookeeper');
}

/** Debian's tools for compiling, where they are missing and it is ours to install them. */
function ensureCompiler() {
  const present = ['make', 'g++', 'python3'].every(
    (tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0,
  );
  if (present || !existsSync('/etc/debian_version') || getuid?.() !== 0) return;
  /** @type {import('node:child_process').SpawnSyncOptions} */
  const quietly = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  spawnSync('apt-get', ['update'], quietly);
  spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', 'make', 'g++', 'python3'], quietly);
}

/**
 * Installs and compiles it, whatever npm is set to do about scripts; what goes wrong is printed.
 * @returns {boolean} Whether it is there.
 */
export function installNativePackage() {
  ensureCompiler();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), '{ "private": true }\n');
  const quietly = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['install', ...quietly, '--ignore-scripts=false', '--foreground-scripts', `zookeeper@${VERSION}`],
    { cwd: FOLDER, encoding: 'utf8' },
  );
  const installed = status === 0 && findNativePackages() !== undefined;
  if (!installed) process.stderr.write(`${stdout}\n${stderr}\n`);
  return installed;
}

if (argv[1] === fileURLToPath(import.meta.url) && findNativePackages() === undefined) {
  if (!installNativePackage()) {
    process.stderr.write(`${NATIVE_REMEDY}\n`);
    process.exitCode = 1;
  }
}
