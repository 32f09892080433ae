/** The servers of one history: a leader, and followers if there are any. Clients reach them by name. */
import type { Clock } from '../../src/clock.js';
import { createEmbeddedZooKeeper, type EmbeddedZooKeeper, type FaultPlan } from '../../src/embedded/index.js';
import type { Peer, Sink } from '../../src/embedded/server-connection.js';
import type { Transaction } from '../../src/embedded/znode-tree.js';
import { Follower } from './follower.js';

export interface EnsembleOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly followers: number;
  readonly tickMs: number;
  readonly syncLimit: number;
  readonly faults: FaultPlan;
  readonly containerCheckMs: number;
  /** One hop between servers. */
  readonly latencyMs: () => number;
  readonly onTransaction: (transaction: Transaction) => void;
}

const LEADER = 'leader';

export class Ensemble {
  readonly zookeeper: EmbeddedZooKeeper;
  readonly followers: readonly Follower[];
  readonly #log: Transaction[];

  private constructor(zookeeper: EmbeddedZooKeeper, followers: readonly Follower[], log: Transaction[]) {
    this.zookeeper = zookeeper;
    this.followers = followers;
    this.#log = log;
  }

  static async start(options: EnsembleOptions): Promise<Ensemble> {
    const { clock, seed, tickMs, syncLimit, faults, latencyMs } = options;
    const log: Transaction[] = [];
    let followers: readonly Follower[] = [];
    const zookeeper = await createEmbeddedZooKeeper({
      clock,
      seed,
      tickMs,
      faults,
      port: false,
      containerCheckMs: options.containerCheckMs,
      // Creates that come within a hop of each other are in flight together.
      defer: (fn) => clock.setTimeout(fn, latencyMs()),
      onTransaction: (transaction) => {
        log.push(transaction);
        for (const follower of followers) follower.committed();
        options.onTransaction(transaction);
      },
    });
    followers = Array.from(
      { length: options.followers },
      () =>
        new Follower({
          clock,
          leader: zookeeper.server,
          log,
          tickMs,
          syncLimit,
          sequenceStart: faults.sequenceStart ?? 0,
          latencyMs,
          verdict: zookeeper.faults.verdict,
        }),
    );
    return new Ensemble(zookeeper, followers, log);
  }

  /** The names that a client may be given. */
  get hosts(): readonly string[] {
    return [LEADER, ...this.followers.map((_, index) => `follower-${index + 1}`)];
  }

  /** Opens a connection at the server of that name. */
  open(host: string, sink: Sink): Peer | undefined {
    if (host === LEADER) return this.zookeeper.faults.open(sink);
    return this.followers[Number(host.slice(host.indexOf('-') + 1)) - 1]?.open(sink);
  }

  /** As SIGSTOP does to the leader. */
  freeze(): void {
    this.zookeeper.faults.freeze();
    for (const follower of this.followers) follower.toLeader.stall();
  }

  thaw(): void {
    this.zookeeper.faults.thaw();
    for (const follower of this.followers) follower.toLeader.flow();
  }

  /** Everything works again. */
  heal(): void {
    this.zookeeper.faults.heal();
    for (const follower of this.followers) follower.rejoin();
  }

  /** Watches left at any server. */
  get watchCount(): number {
    return this.followers.reduce((sum, { watches }) => sum + watches.count, this.zookeeper.watchCount());
  }

  async close(): Promise<void> {
    for (const follower of this.followers) follower.close();
    await this.zookeeper.close();
    this.#log.length = 0;
  }
}
