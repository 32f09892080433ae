/**
 * Three real ZooKeeper servers on loopback, with a bad network between them and before them. Each server's own zoo.cfg names
 * a proxy for every port of the two others, so that each direction between two of them can be taken away.
 */
import { once } from 'node:events';
import { TcpProxy } from '../setup/tcp-proxy.js';
import {
  fourLetterWord,
  freePorts,
  PROBE_PATIENCE_MS,
  ZooKeeperProcess,
} from '../setup/zookeeper-process.js';

/** How the servers keep time. */
export interface EnsembleOptions {
  /** Sessions of 2 to 20 of these. Default 400. */
  readonly tickTimeMs?: number;
  /** Ticks after which a follower and a leader that hear nothing of each other notice. Default 5. */
  readonly syncLimit?: number;
}

/** What a server says that it is. */
export type Mode = 'leader' | 'follower' | 'none';

const SERVERS = 3;
const HEAP_MB = 96;
/** Elections of several seconds happen on a loaded machine. */
const SERVING_DEADLINE_MS = 120_000;
const PROBE_PAUSE_MS = 50;

/** One server, and the clients' way to it. */
export class EnsembleServer {
  readonly id: number;
  readonly process: ZooKeeperProcess;
  /** The proxy that clients connect through. */
  readonly door: TcpProxy;

  constructor(id: number, process: ZooKeeperProcess, door: TcpProxy) {
    this.id = id;
    this.process = process;
    this.door = door;
  }

  /** `none` while it is down or has no quorum. */
  async mode(): Promise<Mode> {
    if (this.process.pid === undefined) return 'none';
    const answer = await fourLetterWord(this.process.port, 'srvr', PROBE_PATIENCE_MS).catch(() => '');
    const mode = /^Mode: (leader|follower)$/m.exec(answer)?.[1];
    return mode === 'leader' || mode === 'follower' ? mode : 'none';
  }
}

/** A way from one server to a port of another. */
interface PeerLink {
  readonly from: number;
  readonly to: number;
  readonly proxy: TcpProxy;
}

/** See the file's head. Stop it when done. */
export class Ensemble implements AsyncDisposable {
  readonly tickTimeMs: number;
  readonly syncLimit: number;
  readonly servers: readonly EnsembleServer[];
  readonly #links: readonly PeerLink[];

  private constructor(
    options: Required<EnsembleOptions>,
    servers: readonly EnsembleServer[],
    links: readonly PeerLink[],
  ) {
    this.tickTimeMs = options.tickTimeMs;
    this.syncLimit = options.syncLimit;
    this.servers = servers;
    this.#links = links;
  }

  /** Resolves when all three serve. */
  static async start({ tickTimeMs = 400, syncLimit = 5 }: EnsembleOptions = {}): Promise<Ensemble> {
    const ids = Array.from({ length: SERVERS }, (_, index) => index + 1);
    const ports = await freePorts(SERVERS * 3);
    const port = (id: number, of: 'client' | 'quorum' | 'election') =>
      ports[(id - 1) * 3 + ['client', 'quorum', 'election'].indexOf(of)]!;
    const links: PeerLink[] = [];
    const servers: EnsembleServer[] = [];
    const ensemble = new Ensemble({ tickTimeMs, syncLimit }, servers, links);
    const way = async (from: number, to: number, of: 'quorum' | 'election') => {
      if (from === to) return port(to, of);
      // A new leader listens a moment after the others know of it. Nobody waits for a port of the dead.
      const patienceMs = of === 'quorum' ? tickTimeMs * 5 : 0;
      const proxy = await TcpProxy.start(`127.0.0.1:${port(to, of)}`, { patienceMs });
      links.push({ from, to, proxy });
      return proxy.port;
    };
    try {
      for (const id of ids) {
        const peers: Record<string, string> = {};
        for (const to of ids)
          peers[`server.${to}`] = `127.0.0.1:${await way(id, to, 'quorum')}:${await way(id, to, 'election')}`;
        const process = await ZooKeeperProcess.prepare({
          port: port(id, 'client'),
          main: 'quorum.QuorumPeerMain',
          heapMb: HEAP_MB,
          files: { myid: String(id) },
          config: { tickTime: tickTimeMs, syncLimit, initLimit: 10, ...peers },
          properties: {
            'znode.container.checkIntervalMs': 1_000,
            // As shipped, a server that looks for a leader asks less and less often, at last every minute.
            'zookeeper.fastleader.maxNotificationInterval': 1_000,
          },
        });
        const door = await TcpProxy.start(`127.0.0.1:${process.port}`);
        servers.push(new EnsembleServer(id, process, door));
      }
      await Promise.all(servers.map((server) => server.process.start()));
      await ensemble.serving();
    } catch (error) {
      await ensemble.stop();
      throw error;
    }
    return ensemble;
  }

  /** Through the doors of all, or of the given ones. */
  connectString(servers: readonly EnsembleServer[] = this.servers): string {
    return servers.map(({ door }) => door.connectString).join(',');
  }

  /** Resolves when every server serves, with one leader among them. Asked again and again: they announce nothing. */
  async serving(servers: readonly EnsembleServer[] = this.servers): Promise<void> {
    const deadline = Date.now() + SERVING_DEADLINE_MS;
    let modes: Mode[] = [];
    while (Date.now() < deadline) {
      modes = await Promise.all(servers.map((server) => server.mode()));
      const leaders = modes.filter((mode) => mode === 'leader').length;
      if (!modes.includes('none') && (leaders === 1 || servers.length < SERVERS)) return;
      await pause();
    }
    throw new Error(`the ensemble does not serve after ${SERVING_DEADLINE_MS} ms: ${modes.join(', ')}`);
  }

  /** The one that leads now. */
  async leader(): Promise<EnsembleServer> {
    return (await this.#by('leader'))[0]!;
  }

  async followers(): Promise<EnsembleServer[]> {
    return this.#by('follower');
  }

  /** Who listens behind this address of a door. */
  behind(connectString: string): EnsembleServer | undefined {
    return this.servers.find(({ door }) => door.connectString === connectString);
  }

  /** Nothing that this server and the others say to each other arrives any more; clients still reach it. */
  cutOff(server: EnsembleServer): void {
    for (const { proxy } of this.#linksOf(server)) proxy.weather.blackhole = true;
  }

  /** The servers reach each other again, on new connections. */
  rejoin(): void {
    for (const { proxy } of this.#links) {
      if (!proxy.weather.blackhole) continue;
      proxy.weather.blackhole = false;
      proxy.cut();
    }
  }

  /** Everything as at the start: running, thawed, connected. Resolves when all serve. */
  async heal(): Promise<void> {
    this.rejoin();
    for (const { door, process } of this.servers) {
      if (door.weather.blackhole) door.cut();
      Object.assign(door.weather, { blackhole: false, refuse: false, replyDelayMs: 0, segmentBytes: 0 });
      door.letGo();
      process.thaw();
      if (process.pid === undefined) await process.start();
    }
    await this.serving();
  }

  /** Kills all and removes their data. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.process.stop()));
    await Promise.all(this.servers.map((server) => server.door.close()));
    await Promise.all(this.#links.map(({ proxy }) => proxy.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #by(wanted: Mode): Promise<EnsembleServer[]> {
    await this.serving();
    const modes = await Promise.all(this.servers.map((server) => server.mode()));
    return this.servers.filter((_, index) => modes[index] === wanted);
  }

  #linksOf({ id }: EnsembleServer): PeerLink[] {
    return this.#links.filter(({ from, to }) => from === id || to === id);
  }
}

async function pause(): Promise<void> {
  await once(AbortSignal.timeout(PROBE_PAUSE_MS), 'abort');
}
