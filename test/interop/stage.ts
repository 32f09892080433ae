/** A server, a process for each other language, and a path: what a test in this folder has to work with. */
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { dial } from '#dial';
import { systemClock } from '../../src/clock.js';
import { type ConnectOptions, type Contention, connect, type Session } from '../../src/index.js';
import type { ZooKeeperClient } from '../../src/zookeeper/client.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import type { PeerCommands } from '../setup/peers-installation.mjs';
import { type Contender, foreign, ours } from './contender.js';
import { type Party, Peer } from './peer.js';

/** A server that all of them talk to. */
export interface Server {
  readonly connectString: string;
  close?(): Promise<void>;
}

const CONNECT_DEADLINE_MS = 20_000;
const encoder = new TextEncoder();
let counter = 0;

export class Stage {
  readonly connectString: string;
  /** A path of this test alone; it does not exist. */
  readonly path: string;
  /** What tests look with. */
  readonly client: ZooKeeperClient;
  /** What tests watch lines with; it stands in none. */
  readonly session: Session;
  readonly #peers: ReadonlyMap<keyof PeerCommands, Peer>;
  readonly #parties: Party[] = [];
  readonly #sessions: Session[] = [];
  #named = 0;

  constructor(connectString: string, peers: ReadonlyMap<keyof PeerCommands, Peer>) {
    this.connectString = connectString;
    this.#peers = peers;
    counter += 1;
    this.path = `/holdfast-interop/${process.pid}-${counter}/line`;
    this.session = this.open();
    this.client = wireClient(dial)({
      connectString,
      sessionTimeoutMs: 20_000,
      maxReplyBytes: 1 << 24,
      auth: [],
      clock: systemClock,
      random: Math.random,
    });
  }

  async start(): Promise<void> {
    await this.client.connect({ deadlineMs: CONNECT_DEADLINE_MS });
  }

  /** A session of ours. */
  open(options: ConnectOptions = {}): Session {
    const session = connect(this.connectString, options);
    this.#sessions.push(session);
    return session;
  }

  /** A party of another language, connected. */
  async party(kind: keyof PeerCommands): Promise<Party> {
    this.#named += 1;
    const party = await this.#peerOf(kind).party(`${kind}-${counter}-${this.#named}`);
    this.#parties.push(party);
    return party;
  }

  /** Somebody to hold a plain lock. */
  async contender(kind: keyof PeerCommands | 'ours'): Promise<Contender> {
    if (kind !== 'ours') return foreign(await this.party(kind));
    this.#named += 1;
    return ours(`ours-${counter}-${this.#named}`, this.open(), this.client);
  }

  /** Makes `path` and what is above it, persistent. */
  async make(path: string, data = ''): Promise<void> {
    const parts = path.split('/').slice(1);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const bytes = encoder.encode(depth === parts.length ? data : '');
      await this.client.create(`/${parts.slice(0, depth).join('/')}`, bytes).catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== 'NodeExists') throw error;
      });
    }
  }

  async read(path: string): Promise<string> {
    return new TextDecoder().decode((await this.client.getData(path)).data);
  }

  /** The line at `path` once it is as wanted. */
  line(wanted: (line: Contention) => boolean, path = this.path): Promise<Contention> {
    return firstValueFrom(this.session.contention(path).pipe(filter(wanted)));
  }

  /** The line once so many stand in it. */
  async lineOf(count: number, path = this.path): Promise<Contention> {
    return this.line(({ contenders }) => contenders.length === count, path);
  }

  /** Resolves when there is no node at `path`. */
  async gone(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.client
        .exists(path, ({ type }) => {
          if (type === 'deleted') resolve();
        })
        .then((stat) => {
          if (stat === null) resolve();
        }, reject);
    });
  }

  /** Resolves when the path has so many children, whatever they are. */
  async childCount(path: string, count: number): Promise<void> {
    await this.line(({ contenders, foreign }) => contenders.length + foreign.length === count, path);
  }

  async clear(): Promise<void> {
    await Promise.all(this.#parties.map((party) => party.close()));
    await Promise.all(this.#sessions.map((session) => session.close()));
    await this.client.close();
  }

  #peerOf(kind: keyof PeerCommands): Peer {
    const peer = this.#peers.get(kind);
    if (peer === undefined) throw new Error(`${kind} was not started`);
    return peer;
  }
}

/** Sets up what every test of a file needs; the stage of the running one is what the result returns. */
export function prepare(
  start: () => Promise<Server>,
  kinds: readonly (keyof PeerCommands)[] = ['curator', 'kazoo', 'goZk'],
): () => Stage {
  let server: Server | undefined;
  let stage: Stage;
  const peers = new Map<keyof PeerCommands, Peer>();
  beforeAll(async () => {
    server = await start();
    for (const kind of kinds) peers.set(kind, new Peer(kind, server.connectString));
  });
  afterAll(async () => {
    await Promise.all([...peers.values()].map((peer) => peer.kill()));
    await server?.close?.();
  });
  beforeEach(async () => {
    stage = new Stage(server?.connectString ?? '', peers);
    await stage.start();
  });
  afterEach(async () => {
    await stage.clear();
  });
  return () => stage;
}
