/**
 * A real Apache ZooKeeper as a child process. As a vitest global setup it starts the one that a run shares and
 * provides its address: `inject('zookeeper')`. Tests that kill or freeze a server start their own.
 */
import type { TestProject } from 'vitest/node';
import { ensureBuilt } from '../../src/cli/bootstrap.mjs';
import { fourLetterWord, freePorts, ZooKeeperProcess } from './zookeeper-process.js';

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
  /** Java as it comes, and a gigabyte for it: for measurements, which are to be of a server as people run it. Default: one that starts fast. */
  readonly asShipped?: boolean;
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

/** Starts a server of your own on a free loopback port; resolves when it serves. Stop it when done. */
export async function startRealZooKeeper(options: RealZooKeeperOptions = {}): Promise<RealZooKeeper> {
  const [port = 0] = await freePorts(1);
  const server = await ZooKeeperProcess.prepare({
    port,
    main: 'ZooKeeperServerMain',
    heapMb: options.asShipped === true ? 1_024 : 512,
    ...(options.asShipped === true ? { jvm: [] } : {}),
    config: {
      tickTime: options.tickTimeMs ?? 500,
      minSessionTimeout: options.minSessionTimeoutMs ?? 1_000,
      maxSessionTimeout: options.maxSessionTimeoutMs ?? 60_000,
      ...options.config,
    },
    properties: {
      'znode.container.checkIntervalMs': options.containerCheckIntervalMs ?? 1_000,
      ...options.properties,
    },
    files: options.files ?? {},
  });
  const start = async () => {
    await server.start();
    await server.serving();
  };
  try {
    await start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    connectString: `127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    kill: (signal) => server.kill(signal),
    freeze: () => {
      server.freeze();
    },
    thaw: () => {
      server.thaw();
    },
    restart: start,
    fourLetterWord: (word) => fourLetterWord(port, word),
    stop: () => server.stop(),
  };
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
