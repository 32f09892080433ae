// @ts-check
/**
 * Finds what the other languages' clients need on this machine, and compiles small programs of ours that speak for them: those of
 * `test/interop/peers/`, and the benchmark's. Node alone runs it: `npm test` asks before any package exists.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCES = fileURLToPath(new URL('../interop/peers/', import.meta.url));
const JARS = '/usr/share/java';
const GO_PACKAGES = '/usr/share/gocode';

/** kazoo is a package of Debian's own Python, whichever comes first on the PATH. */
export const PYTHON = '/usr/bin/python3';

/** What Curator needs to run. */
const CLASS_PATH = [
  'curator-client',
  'curator-framework',
  'curator-recipes',
  'zookeeper',
  'zookeeper-jute',
  'guava',
  'slf4j-api',
  'slf4j-nop',
  ...['buffer', 'common', 'handler', 'transport'].map((part) => `netty-${part}`),
].map((name) => join(JARS, `${name}.jar`));

/** @param {string} program */
const isThere = (program) => spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;

/**
 * Debian's packages, and how to tell that what we need of each is there.
 * @type {Record<string, () => boolean>}
 */
const PACKAGES = {
  'default-jdk-headless': () => isThere('javac') && isThere('java'),
  'libcurator-recipes-java': () => CLASS_PATH.every((jar) => existsSync(jar)),
  'python3-kazoo': () => existsSync(PYTHON) && existsSync('/usr/lib/python3/dist-packages/kazoo/client.py'),
  'golang-go': () => isThere('go'),
  'golang-github-samuel-go-zookeeper-dev': () =>
    existsSync(join(GO_PACKAGES, 'src/github.com/samuel/go-zookeeper/zk/lock.go')),
};

/** What to do when something is missing. */
const REMEDY =
  "The tests beside other languages' clients need Debian's packages of them: on Debian, as root, run `apt-get install " +
  `${Object.keys(PACKAGES).join(' ')}\`.`;

/** Those of Debian's packages that are not here. */
export const missingPeerPackages = () =>
  Object.entries(PACKAGES).flatMap(([name, present]) => (present() ? [] : [name]));

/** Throws, with what to do, when something is missing. */
export function checkPeerPackages() {
  const missing = missingPeerPackages();
  if (missing.length > 0) throw new Error(`${REMEDY} Missing: ${missing.join(', ')}.`);
}

/**
 * How to run a peer; the connect string and the session timeout in milliseconds follow the arguments.
 * @typedef {object} PeerCommand
 * @property {string} program
 * @property {string[]} args
 *
 * @typedef {object} PeerCommands
 * @property {PeerCommand} curator
 * @property {PeerCommand} kazoo
 * @property {PeerCommand} goZk
 */

const execute = promisify(execFile);

/**
 * Compiles a program that uses Curator into `folder`; returns the arguments with which Java runs it.
 * @param {string} source
 * @param {string} folder
 */
export async function compileForCurator(source, folder) {
  const classPath = CLASS_PATH.join(':');
  await execute('javac', ['-proc:none', '-cp', classPath, '-d', folder, source]);
  return ['-cp', `${folder}:${classPath}`, basename(source, '.java')];
}

/**
 * Compiles the Go program in the folder `source` into `folder`; returns where it is.
 * @param {string} source
 * @param {string} folder
 */
export async function compileForGoZk(source, folder) {
  const program = join(folder, 'go-zk-peer');
  await execute('go', ['build', '-o', program, '.'], {
    cwd: source,
    env: { ...env, GO111MODULE: 'off', GOPATH: GO_PACKAGES, GOCACHE: join(folder, 'go-cache') },
  });
  return program;
}

/**
 * Compiles them into `folder`, both languages at once: a second or two. Throws when something is missing.
 * @param {string} folder
 * @returns {Promise<PeerCommands>}
 */
export async function compilePeers(folder) {
  checkPeerPackages();
  const [curator, goZk] = await Promise.all([
    compileForCurator(join(SOURCES, 'CuratorPeer.java'), folder),
    compileForGoZk(join(SOURCES, 'go-zk'), folder),
  ]);
  return {
    curator: {
      program: 'java',
      args: ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...curator],
    },
    kazoo: { program: PYTHON, args: [join(SOURCES, 'kazoo_peer.py')] },
    goZk: { program: goZk, args: [] },
  };
}

/** What version Debian's package has. @param {string} name */
export function debianVersion(name) {
  const { stdout } = spawnSync('dpkg-query', ['--show', '--showformat=${Version}', name], {
    encoding: 'utf8',
  });
  return stdout;
}
