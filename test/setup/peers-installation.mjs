// @ts-check
/**
 * Finds what the other languages' clients need on this machine, and compiles the small programs of `test/interop/peers/` that
 * speak for them. Node alone runs it: `npm test` asks before any package exists.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCES = fileURLToPath(new URL('../interop/peers/', import.meta.url));
const JARS = '/usr/share/java';
const GO_PACKAGES = '/usr/share/gocode';

/** kazoo is a package of Debian's own Python, whichever comes first on the PATH. */
const PYTHON = '/usr/bin/python3';

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
 * Compiles them into `folder`, both languages at once: a second or two. Throws when something is missing.
 * @param {string} folder
 * @returns {Promise<PeerCommands>}
 */
export async function compilePeers(folder) {
  checkPeerPackages();
  const classPath = CLASS_PATH.join(':');
  const goProgram = join(folder, 'go-zk-peer');
  await Promise.all([
    execute('javac', ['-proc:none', '-cp', classPath, '-d', folder, join(SOURCES, 'CuratorPeer.java')]),
    execute('go', ['build', '-o', goProgram, '.'], {
      cwd: join(SOURCES, 'go-zk'),
      env: { ...env, GO111MODULE: 'off', GOPATH: GO_PACKAGES, GOCACHE: join(folder, 'go-cache') },
    }),
  ]);
  return {
    curator: {
      program: 'java',
      args: [
        '-Xmx128m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-cp',
        `${folder}:${classPath}`,
        'CuratorPeer',
      ],
    },
    kazoo: { program: PYTHON, args: [join(SOURCES, 'kazoo_peer.py')] },
    goZk: { program: goProgram, args: [] },
  };
}
