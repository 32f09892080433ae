// @ts-check
/**
 * Finds a real Apache ZooKeeper on this machine, or installs Debian's. Node alone runs it: `npm test` asks before
 * any package exists.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { env, getuid } from 'node:process';

/**
 * @typedef {object} Installation
 * @property {string} java The command that runs Java.
 * @property {string} classPath
 * @property {string} from Where it was found, for people.
 */

/** Where Debian's packages put their jars, and those that the server needs. */
const DEBIAN_JARS = '/usr/share/java';
const SERVER_JARS = [
  'zookeeper',
  'zookeeper-jute',
  'slf4j-api',
  'slf4j-simple',
  'snappy-java',
  'metrics-core',
  // Debian's netty-all.jar is empty.
  ...['buffer', 'codec', 'common', 'handler', 'resolver', 'transport'].map((part) => `netty-${part}`),
  ...['epoll', 'unix-common'].map((part) => `netty-transport-native-${part}`),
  'commons-cli',
].map((name) => join(DEBIAN_JARS, `${name}.jar`));

/** What to do when there is none. */
export const REMEDY =
  'The tests need a real Apache ZooKeeper: set HOLDFAST_TEST_ZOOKEEPER=host:port to use a running one, set ' +
  'ZOOKEEPER_HOME to an unpacked release (with Java 8 or later installed), or, on Debian, run `apt-get install zookeeper`.';

/** The Java command, or undefined. */
function findJava() {
  const java = env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';
  return spawnSync(java, ['-version'], { stdio: 'ignore' }).status === 0 ? java : undefined;
}

/** @param {string} folder */
const jarsIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.jar'))
        .map((name) => join(folder, name))
    : [];

/**
 * The server's files, or undefined when this machine has none.
 * @returns {Installation | undefined}
 */
export function findInstallation() {
  const java = findJava();
  if (java === undefined) return undefined;
  const home = env['ZOOKEEPER_HOME'];
  if (home) {
    const jars = [...jarsIn(join(home, 'lib')), ...jarsIn(home)];
    return jars.some((jar) => /zookeeper-[\d.]+\.jar$/.test(jar))
      ? { java, classPath: jars.join(':'), from: 'ZOOKEEPER_HOME' }
      : undefined;
  }
  return SERVER_JARS.every((jar) => existsSync(jar))
    ? { java, classPath: SERVER_JARS.join(':'), from: "Debian's package" }
    : undefined;
}

/**
 * Installs Debian's packages; returns false where that is not ours to do: not Debian, or not root.
 * @param {string[]} packages
 * @returns {boolean}
 */
export function installOnDebian(...packages) {
  if (!existsSync('/etc/debian_version') || getuid?.() !== 0) return false;
  /** @type {import('node:child_process').SpawnSyncOptions} */
  const quietly = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  return (
    spawnSync('apt-get', ['update'], quietly).status === 0 &&
    spawnSync('apt-get', install, quietly).status === 0
  );
}
