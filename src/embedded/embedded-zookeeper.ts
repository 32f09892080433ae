/** Puts the server, its faults and its ways in together. */
import { canListen, listen } from '#listen';
import type { Clock } from '../clock.js';
import { systemClock } from '../clock.js';
import type { ClientFactory } from '../zookeeper/client.js';
import { ZooKeeperError } from '../zookeeper/errors.js';
import { wireClient } from '../zookeeper/wire-client.js';
import { type Defer, pipeDial } from './client.js';
import { FaultControls, type FaultPlan } from './faults.js';
import { answerWord, figures } from './four-letter-words.js';
import { seededRandom } from './seeded-random.js';
import { ZooKeeperServer } from './server.js';
import type { SessionInfo } from './sessions.js';
import { statOf } from './znode.js';
import type { Transaction } from './znode-tree.js';

/** How an embedded server differs from a stock one. */
export interface EmbeddedZooKeeperOptions {
  /** TCP port on `host`; 0 (the default in Node) takes a free one, `false` (the default in a page) listens on none. */
  readonly port?: number | false;
  /** Where to listen; default `127.0.0.1`. Anything wider lets anybody in: this server is for development and tests. */
  readonly host?: string;
  /** Session ids, passwords and faults come from it; default: from the clock. */
  readonly seed?: number;
  readonly faults?: FaultPlan;
  /** Default the machine's own; a test passes one that it moves. */
  readonly clock?: Clock;
  /** The server's unit of time, milliseconds; default 2,000. Sessions end at whole ticks, rounded up. */
  readonly tickMs?: number;
  /** The shortest session timeout granted, milliseconds; default 2 ticks. */
  readonly minSessionTimeoutMs?: number;
  /** The longest session timeout granted, milliseconds; default 20 ticks. */
  readonly maxSessionTimeoutMs?: number;
  /** How often empty containers and outlived TTL nodes are removed, milliseconds; default 60,000. */
  readonly containerCheckMs?: number;
  /** How long a container may wait for its first child, milliseconds; default 0: for ever. */
  readonly neverUsedContainerMs?: number;
  /** Whether nodes with a TTL can be made; default true (a stock server: only with `extendedTypesEnabled`). */
  readonly ttlNodes?: boolean;
  /** Longer requests end their connection; default 1,048,575 as `jute.maxbuffer`. */
  readonly maxRequestBytes?: number;
  /** For simulations: runs each hop of the in-process pipes, in whatever order; default `queueMicrotask`. */
  readonly defer?: Defer;
  /** For simulations: told of every transaction in order; what a lagging replica is fed with. */
  readonly onTransaction?: (transaction: Transaction) => void;
}

/** A node as {@link EmbeddedZooKeeper.nodes} tells of it. */
export interface NodeInfo {
  readonly path: string;
  readonly data: Uint8Array;
  /** The owning session; `'0'` for none. */
  readonly ephemeralOwner: string;
  readonly czxid: bigint;
}

/** A running server: how to reach it, buttons for what goes wrong, and a look inside. */
export interface EmbeddedZooKeeper {
  /** `127.0.0.1:<port>`, or `embedded` where it listens on none. */
  readonly connectString: string;
  /** The port it listens on, if it does. */
  readonly port: number | undefined;
  /** Makes clients in this process that reach it without a socket, whatever connect string they are given. */
  client(): ClientFactory;
  /** Ends a session as if its timeout had passed. `false`: there is no such session. */
  expireSession(id: string): boolean;
  readonly faults: FaultControls;
  /** Everything that is there, but for `/` and `/zookeeper`. */
  nodes(): NodeInfo[];
  /** Deletes a node and all below it, as an administrator would. `false`: there is no such node. */
  deleteNode(path: string): boolean;
  sessions(): SessionInfo[];
  /** Watches that clients have left here. */
  watchCount(): number;
  /** The figures of the four-letter word `mntr`, by name. */
  counters(): Readonly<Record<string, number>>;
  /** The server itself, for simulations that stand between it and its clients. */
  readonly server: ZooKeeperServer;
  /** Ends connections, port and timers. What is inside can still be looked at. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_TICK_MS = 2_000;
/** `jute.maxbuffer`'s default: 0xfffff. */
const DEFAULT_REQUEST_BYTES = 1_048_575;
const DEFAULT_CONTAINER_CHECK_MS = 60_000;

/**
 * Starts a ZooKeeper inside this process, for development, tests and pages: one server, all in memory. It answers
 * what Apache ZooKeeper answers; it keeps nothing when it ends, so never put anything of value in it.
 * Rejects when the port cannot be had.
 */
export async function createEmbeddedZooKeeper(
  options: EmbeddedZooKeeperOptions = {},
): Promise<EmbeddedZooKeeper> {
  checkOptions(options);
  const {
    port = canListen ? 0 : false,
    host = '127.0.0.1',
    clock = systemClock,
    tickMs = DEFAULT_TICK_MS,
  } = options;
  const seed = options.seed ?? clock.wallNow();
  const faults = new FaultControls(options.faults ?? {}, seededRandom(seed ^ 0x5eed), clock);
  const server = new ZooKeeperServer({
    clock,
    random: seededRandom(seed),
    tickMs,
    minTimeoutMs: options.minSessionTimeoutMs ?? 2 * tickMs,
    maxTimeoutMs: options.maxSessionTimeoutMs ?? 20 * tickMs,
    longestFrameBytes: options.maxRequestBytes ?? DEFAULT_REQUEST_BYTES,
    containerCheckMs: options.containerCheckMs ?? DEFAULT_CONTAINER_CHECK_MS,
    neverUsedContainerMs: options.neverUsedContainerMs ?? 0,
    ttlAllowed: options.ttlNodes ?? true,
    verdict: faults.verdict,
    sequenceStart: options.faults?.sequenceStart,
    defer: options.defer,
    onTransaction: options.onTransaction,
  });
  faults.govern(server);
  const listening =
    port === false
      ? undefined
      : await listen({
          port,
          host,
          open: (sink, address) => faults.open(sink, address),
          answerWord: (word) => answerWord(word, server),
        });
  const close = async (): Promise<void> => {
    faults.heal();
    server.close();
    // Also those whose end was still on its way.
    faults.cut();
    await listening?.close();
  };
  return {
    connectString: listening === undefined ? 'embedded' : `${bracketed(host)}:${listening.port}`,
    port: listening?.port,
    client: () => wireClient(pipeDial((sink) => faults.open(sink), options.defer)),
    expireSession: (id) => server.expire(id),
    faults,
    nodes: () => nodesOf(server),
    deleteNode: (path) => server.deleteTree(path),
    sessions: () => server.sessions(),
    watchCount: () => server.watches.count,
    counters: () => figures(server),
    server,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function nodesOf({ tree }: ZooKeeperServer): NodeInfo[] {
  const nodes: NodeInfo[] = [];
  for (const path of tree.paths()) {
    const node = tree.get(path);
    if (node === undefined || node.path === '/' || /^\/zookeeper(\/|$)/.test(path)) continue;
    const { ephemeralOwner, czxid } = statOf(node);
    nodes.push({ path, data: node.data ?? new Uint8Array(0), ephemeralOwner, czxid });
  }
  return nodes;
}

/** The least that each number may be; `seed` may be any, the rest are counts of something. */
const LEAST: Readonly<Partial<Record<keyof EmbeddedZooKeeperOptions, number>>> = {
  seed: Number.NEGATIVE_INFINITY,
  tickMs: 1,
  minSessionTimeoutMs: 1,
  maxSessionTimeoutMs: 1,
  containerCheckMs: 1,
  neverUsedContainerMs: 0,
  maxRequestBytes: 1,
};

function checkOptions(options: EmbeddedZooKeeperOptions): void {
  if (typeof options !== 'object' || (options as unknown) === null)
    refuse(`the options are ${said(options)}; give an object, or nothing`);
  const { port, host, faults = {} } = options;
  if (port !== undefined && port !== false && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
    refuse(`port is ${said(port)}; give 1 to 65535, 0 for a free one, or false for none`);
  if (host !== undefined && (typeof host !== 'string' || host === ''))
    refuse(`host is ${said(host)}; give a name or address such as "127.0.0.1"`);
  for (const [name, least] of Object.entries(LEAST)) {
    const value = options[name as keyof typeof LEAST];
    if (value !== undefined && !(Number.isFinite(value) && Number(value) >= least))
      refuse(`${name} is ${said(value)}; give a number${Number.isFinite(least) ? `, ${least} or more` : ''}`);
  }
  if (typeof faults !== 'object' || (faults as unknown) === null)
    refuse(`faults is ${said(faults)}; give a plan such as { loseReply: 0.01 }`);
  const { delay, ephemeralDelayMs, sequenceStart, ...probabilities } = faults;
  for (const [name, value] of Object.entries({ ...probabilities, delay: delay?.probability })) {
    if (value !== undefined && !(Number.isFinite(value) && value >= 0 && value <= 1))
      refuse(`faults.${name} is ${said(value)}; give a probability from 0 to 1`);
  }
  for (const [name, value] of Object.entries({ delay: delay?.upToMs, ephemeralDelayMs, sequenceStart })) {
    if (value !== undefined && !(Number.isFinite(value) && value >= 0))
      refuse(`faults.${name} is ${said(value)}; give a number, 0 or more`);
  }
}

const said = (value: unknown) => (typeof value === 'number' ? String(value) : JSON.stringify(value));

function refuse(detail: string): never {
  throw new ZooKeeperError('BadArguments', 'createEmbeddedZooKeeper', undefined, { detail });
}
