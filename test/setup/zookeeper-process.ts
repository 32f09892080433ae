/** Apache ZooKeeper as a Java process of ours, and its folder: both go when we do, however we end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Undertaker } from './undertaker.js';
import { findInstallation, REMEDY } from './zookeeper-installation.mjs';

/** What one process is started with. */
export interface ZooKeeperProcessOptions {
  /** Where clients connect, on loopback. */
  readonly port: number;
  /** A server by itself, or one of several. */
  readonly main: 'ZooKeeperServerMain' | 'quorum.QuorumPeerMain';
  readonly heapMb: number;
  /** Default: starts fast, and stays slower than a server that compiles all it can. */
  readonly jvm?: readonly string[];
  /** Lines of zoo.cfg; folder, port and what every server of ours has are there already. */
  readonly config: Readonly<Record<string, string | number | boolean>>;
  /** Java system properties, likewise. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** Files that lie where it runs, by name and contents. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A loaded machine may take this long to start Java. */
const START_DEADLINE_MS = 60_000;
const PROBE_PAUSE_MS = 50;
/** A server that has just begun to listen may keep a four-letter word for ever, and serve others meanwhile (seen with 3.8.0). */
export const PROBE_PATIENCE_MS = 1_000;

/** Below the range that outgoing connections take theirs from: a server that is down for a while finds its port again. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** Loopback ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const probes = [];
  while (probes.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    const probe = createServer();
    const listening = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (listening) probes.push({ probe, port });
  }
  for (const { probe } of probes) probe.close();
  await Promise.all(probes.map(({ probe }) => once(probe, 'close')));
  return probes.map(({ port }) => port);
}

/** What the server on `port` answers to a four-letter word; what it has by then, when it falls silent for `patienceMs`. */
export function fourLetterWord(port: number, word: string, patienceMs = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1');
    socket
      .setTimeout(patienceMs, () => socket.destroy())
      .on('data', (chunk) => (answer += chunk.toString('utf8')))
      .on('error', reject)
      .on('close', () => {
        resolve(answer);
      })
      .end(word);
  });
}

/** See the file's head. Its data outlives {@link ZooKeeperProcess.kill}, not {@link ZooKeeperProcess.stop}. */
export class ZooKeeperProcess {
  readonly port: number;
  readonly #folder: string;
  readonly #undertaker: Undertaker;
  readonly #java: string;
  readonly #arguments: readonly string[];
  readonly #from: string;
  #child: ChildProcess | undefined;
  #lastWords = '';

  private constructor(
    port: number,
    folder: string,
    installation: { java: string; from: string },
    args: readonly string[],
  ) {
    this.port = port;
    this.#folder = folder;
    this.#java = installation.java;
    this.#from = installation.from;
    this.#arguments = args;
    this.#undertaker = new Undertaker(folder);
  }

  /** Lays out the folder. Nothing runs before {@link start}; {@link stop} it in any case. */
  static async prepare(options: ZooKeeperProcessOptions): Promise<ZooKeeperProcess> {
    const installation = findInstallation();
    if (installation === undefined) throw new Error(REMEDY);
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-zookeeper-'));
    const config = {
      dataDir: folder,
      clientPort: options.port,
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
    return new ZooKeeperProcess(options.port, folder, installation, [
      `-Xmx${options.heapMb}m`,
      ...(options.jvm ?? ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']),
      ...Object.entries(properties).map(([key, value]) => `-D${key}=${String(value)}`),
      '-cp',
      installation.classPath,
      `org.apache.zookeeper.server.${options.main}`,
      configFile,
    ]);
  }

  /** The Java process; undefined while it is dead. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it on the same port and data, killing it first if it lives. {@link serving} says when it serves. */
  async start(): Promise<void> {
    await this.kill();
    const child = spawn(this.#java, this.#arguments, {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#undertaker.watch(child.pid);
    const remember = (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString('utf8')).slice(-4_000);
    };
    child.stdout.on('data', remember);
    child.stderr.on('data', remember);
    child.once('exit', () => {
      this.#undertaker.forget(child.pid);
      if (this.#child === child) this.#child = undefined;
    });
  }

  /** Resolves when it answers as one that serves. Asked again and again: it announces nothing. */
  async serving(): Promise<void> {
    const child = this.#child;
    const deadline = Date.now() + START_DEADLINE_MS;
    while (child !== undefined && this.#child === child && Date.now() < deadline) {
      const answer = await fourLetterWord(this.port, 'srvr', PROBE_PATIENCE_MS).catch(() => '');
      if (answer.startsWith('Zookeeper version')) return;
      await delay(PROBE_PAUSE_MS);
    }
    await this.kill();
    throw new Error(`ZooKeeper (${this.#from}) did not start on port ${this.port}:\n${this.#lastWords}`);
  }

  /** Ends the process and resolves when it has gone. Default SIGKILL: nothing is said to anybody. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** Stops the process in its tracks: connections stay, nothing answers. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Kills it and removes its data. Calling it again does nothing. */
  async stop(): Promise<void> {
    await this.kill();
    await this.#undertaker.dismiss();
  }
}
