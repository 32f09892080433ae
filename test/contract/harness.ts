/** What the contract suite is run against, and what its tests share. Every wait is for an event; the test's own timeout is the deadline. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type {
  Acl,
  ClientCapabilities,
  ClientFactory,
  ClientOptions,
  ConnectionState,
  WatchEvent,
  Watcher,
  ZooKeeperClient,
} from '../../src/zookeeper/client.js';
import { ZooKeeperError } from '../../src/zookeeper/errors.js';
import { TcpProxy } from '../setup/tcp-proxy.js';

/** One client on one server. */
export interface Harness {
  readonly factory: ClientFactory;
  /** One `host:port`, without a chroot. */
  readonly connectString: string;
  /** The shortest session that the server grants. */
  readonly leastSessionMs: number;
  /** What a client says of a server that refuses. Default: the system's ECONNREFUSED. */
  readonly refusal?: string;
  close?(): Promise<void>;
}

/** Long enough that nothing expires while a test takes its time. */
export const LONG_SESSION_MS = 10_000;
export const CONNECT_DEADLINE_MS = 20_000;
export const NO_BYTES = new Uint8Array(0);

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What a test has to work with; made anew for each, and cleared away after it. */
export class Ground {
  /** A node of this test alone. */
  readonly root = `/contract-${randomUUID()}`;
  readonly harness: Harness;
  readonly #clients: ZooKeeperClient[] = [];
  readonly #proxies: TcpProxy[] = [];

  constructor(harness: Harness) {
    this.harness = harness;
  }

  /** A client that is not connecting yet. */
  client(options: Partial<ClientOptions> = {}): ZooKeeperClient {
    const client = this.harness.factory({
      connectString: this.harness.connectString,
      sessionTimeoutMs: LONG_SESSION_MS,
      maxReplyBytes: 16 * 1024 * 1024,
      auth: [],
      clock: systemClock,
      random: () => 0.5,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  async connected(options: Partial<ClientOptions> = {}): Promise<ZooKeeperClient> {
    const client = this.client(options);
    await client.connect({ deadlineMs: CONNECT_DEADLINE_MS });
    return client;
  }

  /** A proxy in front of the server. */
  async proxy(): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(this.harness.connectString);
    this.#proxies.push(proxy);
    return proxy;
  }

  async clear(): Promise<void> {
    const sweeper = await this.connected();
    await removeAll(sweeper, this.root);
    // In this order: a client that blocks until its server has answered would block the proxy in between.
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}

/** Sets up what every file of the contract needs; the ground of the running test is what the result returns. */
export function prepare(start: () => Promise<Harness>): () => Ground {
  let harness: Harness;
  let ground: Ground;
  beforeAll(async () => {
    harness = await start();
  });
  afterAll(async () => {
    await harness.close?.();
  });
  beforeEach(async () => {
    ground = new Ground(harness);
    const client = await ground.connected();
    await client.create(ground.root, NO_BYTES);
    await client.close();
  });
  afterEach(async () => {
    await ground.clear();
  });
  return () => ground;
}

async function removeAll(client: ZooKeeperClient, path: string): Promise<void> {
  const { children } = await client.getChildren(path);
  await Promise.all(children.map((name) => removeGrown(client, `${path}/${name}`)));
  await ignoring(client.delete(path, -1), 'NoNode', 'NotEmpty');
}

/** Most nodes have no children; only those that do cost a second request. */
async function removeGrown(client: ZooKeeperClient, path: string): Promise<void> {
  const failure = await ignoring(client.delete(path, -1), 'NoNode', 'NotEmpty');
  if (failure?.code === 'NotEmpty') await removeAll(client, path);
}

async function ignoring(work: Promise<unknown>, ...codes: string[]): Promise<ZooKeeperError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof ZooKeeperError && codes.includes(error.code)) return error;
    throw error;
  }
}

/** The error that `work` rejects with; it must be one of ours. */
export async function failureOf(work: Promise<unknown>): Promise<ZooKeeperError> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  expect(outcome, 'a rejection was expected').toHaveProperty('error');
  const { error } = outcome as { error: unknown };
  expect(error).toBeInstanceOf(ZooKeeperError);
  return error as ZooKeeperError;
}

/** Whether the client has this capability. Where it has not, `attempt` must be refused for that reason, with nothing done. */
export async function can(
  client: ZooKeeperClient,
  capability: keyof ClientCapabilities,
  attempt: () => Promise<unknown>,
): Promise<boolean> {
  if (client.capabilities[capability]) return true;
  const failure = await failureOf(attempt());
  expect(failure).toMatchObject({ code: 'NotSupported', outcome: 'notApplied', retryable: false });
  expect(failure.message).toContain('use the wire client');
  return false;
}

/** Makes a node with these permissions: at once, or, by a client that cannot, in a second step. */
export async function createWithAcl(
  client: ZooKeeperClient,
  path: string,
  data: Uint8Array,
  acl: readonly Acl[],
): Promise<void> {
  const create = () => client.create(path, data, { acl });
  if (await can(client, 'aclOnCreate', create)) {
    await create();
    return;
  }
  expect(await client.exists(path)).toBeNull();
  await client.create(path, data);
  await client.setAcl(path, acl, 0);
}

type StateOf<K> = Extract<ConnectionState, { kind: K }>;

/** The next state of this kind; one that stands already does not count. */
export function nextState<K extends ConnectionState['kind']>(
  client: ZooKeeperClient,
  kind: K,
): Promise<StateOf<K>> {
  return new Promise((resolve) => {
    const stop = client.onState((state) => {
      if (state.kind !== kind) return;
      stop();
      resolve(state as StateOf<K>);
    });
  });
}

/** Keeps what a watcher hears, and lets a test wait for more. */
export class WatchLog {
  readonly events: WatchEvent[] = [];
  readonly #waiting: { count: number; resolve: () => void }[] = [];
  readonly watcher: Watcher = (event) => {
    this.events.push(event);
    for (const { count, resolve } of this.#waiting) if (this.events.length >= count) resolve();
  };

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  /** Resolves when so many events came altogether. */
  heard(count: number): Promise<void> {
    if (this.events.length >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
    });
  }
}
