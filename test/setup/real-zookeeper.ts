/**
 * A real Apache ZooKeeper as a child process. As a vitest global setup it starts the one that a run shares and
 * provides its address: `inject('zookeeper')`. Tests that kill or freeze a server start their own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';
import { ensureBuilt } from '../../src/cli/bootstrap.mjs';
import { findInstallation, REMEDY } from './zookeeper-installation.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the real ZooKeeper that this run shares. Keep to paths of your own on it. */
    zookeeper: string;
  }
}

/** How a server of ours differs from one as shipped. Everything is chosen so that expiry can be waited for. */
export interface RealZooKeeperOptions {
  /** ZooKeeper's unit of time. Default 500: sessions expire at most one tick late. */
  readonly tickTimeMs?: number;
  /** Default 1,000: the shortest session is two ticks. */
  readonly minSessionTimeoutMs?: number;
  /** Default 60,000. */
  readonly maxSessionTimeoutMs?: number;
  /** How often empty containers are reaped. Default 1,000 (as shipped: 60,000), so that tests meet vanishing parents. */
  readonly containerCheckIntervalMs?: number;
  /** More lines for zoo.cfg. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** More Java system properties. */
  readonly properties?: Readonly<Record<string, string | number>>;
  /** Files that `config` and `properties` name, by name and contents: they lie where the server runs. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A server and its life. Its data outlives {@link RealZooKeeper.kill}, not {@link RealZooKeeper.stop}. */
export interface RealZooKeeper {
  /** `127.0.0.1:port`, the same after a restart. */
  readonly connectString: string;
  readonly port: number;
  /** The Java process; undefined while it is dead. */
  readonly pid: number | undefined;
  /** Ends the process and resolves when it has gone. Default SIGKILL: nothing is said to anybody. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Stops the process in its tracks: connections stay, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port and data, killing it first if it lives; resolves when it serves. */
  restart(): Promise<void>;
  /** What the server answers to a four-letter word. */
  fourLetterWord(word: string): Promise<string>;
  /** Kills it and removes its data. Calling it again does nothing. */
  stop(): Promise<void>;
}

/** A loaded machine may take this long to start Java. */
const START_DEADLINE_MS = 60_000;
const PROBE_PAUSE_MS = 50;

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP listener has a port');
  return address.port;
}

function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    connect(port, '127.0.0.1')
      .on('data', (chunk) => (answer += chunk.toString('utf8')))
      .on('error', reject)
      .on('close', () => {
        resolve(answer);
      })
      .end(word);
  });
}

/**
 * A shell that outlives us by a moment: when our end of its pipe closes, however we ended, it kills the process it
 * was last told of and removes the folder. Ctrl-C in the terminal does not reach it.
 */
function startUndertaker(folder: string): ChildProcess {
  const script = 'pid=; while read -r line; do pid=$line; done; [ -z "$pid" ] || kill -9 "$pid"; rm -rf "$0"';
  const undertaker = spawn('/bin/sh', ['-c', script, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // It may be gone before its pipe is: no news for anybody.
  undertaker.stdin.on('error', () => undefined);
  return undertaker;
}

/** Starts a server of your own on a free loopback port; resolves when it serves. Stop it when done. */
export async function startRealZooKeeper(options: RealZooKeeperOptions = {}): Promise<RealZooKeeper> {
  const installation = findInstallation();
  if (installation === undefined) throw new Error(REMEDY);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-zookeeper-'));
  const undertaker = startUndertaker(folder);
  const port = await freePort();
  const config = {
    tickTime: options.tickTimeMs ?? 500,
    minSessionTimeout: options.minSessionTimeoutMs ?? 1_000,
    maxSessionTimeout: options.maxSessionTimeoutMs ?? 60_000,
    dataDir: folder,
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    maxClientCnxns: 0,
    'admin.enableServer': false,
    '4lw.commands.whitelist': '*',
    extendedTypesEnabled: true,
    ...options.config,
  };
  const properties = {
    // Data in a folder that is thrown away needs no fsync.
    'zookeeper.forceSync': 'no',
    'zookeeper.admin.enableServer': false,
    'zookeeper.extendedTypesEnabled': true,
    'znode.container.checkIntervalMs': options.containerCheckIntervalMs ?? 1_000,
    'org.slf4j.simpleLogger.defaultLogLevel': 'warn',
    ...options.properties,
  };
  const configFile = join(folder, 'zoo.cfg');
  await writeFile(
    configFile,
    Object.entries(config)
      .map(([key, value]) => `${key}=${String(value)}\n`)
      .join(''),
  );
  for (const [name, contents] of Object.entries(options.files ?? {}))
    await writeFile(join(folder, name), contents, { mode: 0o600 });
  const args = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    ...Object.entries(properties).map(([key, value]) => `-D${key}=${String(value)}`),
    '-cp',
    installation.classPath,
    'org.apache.zookeeper.server.ZooKeeperServerMain',
    configFile,
  ];

  let java: ChildProcess | undefined;
  let lastWords = '';

  async function start(): Promise<void> {
    const child = spawn(installation?.java ?? 'java', args, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    java = child;
    undertaker.stdin?.write(`${child.pid ?? ''}\n`);
    const remember = (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString('utf8')).slice(-4_000);
    };
    child.stdout.on('data', remember);
    child.stderr.on('data', remember);
    child.once('exit', () => {
      undertaker.stdin?.write('\n');
      if (java === child) java = undefined;
    });
    await serving(child);
  }

  /** Resolves when the server answers as one that serves. Asked again and again: it announces nothing. */
  async function serving(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_DEADLINE_MS;
    while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
      const answer = await ask(port, 'srvr').catch(() => '');
      if (answer.startsWith('Zookeeper version')) return;
      await delay(PROBE_PAUSE_MS);
    }
    await kill();
    throw new Error(
      `ZooKeeper (${installation?.from ?? ''}) did not start on port ${String(port)}:\n${lastWords}`,
    );
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = java;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  const server: RealZooKeeper = {
    connectString: `127.0.0.1:${String(port)}`,
    port,
    get pid() {
      return java?.pid;
    },
    kill,
    freeze: () => void java?.kill('SIGSTOP'),
    thaw: () => void java?.kill('SIGCONT'),
    async restart() {
      await kill();
      await start();
    },
    fourLetterWord: (word) => ask(port, word),
    async stop() {
      await kill();
      undertaker.stdin?.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** Vitest's global setup: the server that a run shares. HOLDFAST_TEST_ZOOKEEPER=host:port uses a running one. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await ensureBuilt(); // Tests of the command and of the package use what is built.
  const given = process.env['HOLDFAST_TEST_ZOOKEEPER'];
  if (given) {
    project.provide('zookeeper', given);
    return () => Promise.resolve();
  }
  const server = await startRealZooKeeper();
  project.provide('zookeeper', server.connectString);
  return () => server.stop();
}
