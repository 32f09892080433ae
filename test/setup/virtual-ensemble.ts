/** An embedded ZooKeeper and its sessions in virtual time: nothing waits for real, and everything happens in a known order. */
import type { Clock } from '../../src/clock.js';
import {
  createEmbeddedZooKeeper,
  type EmbeddedZooKeeper,
  type EmbeddedZooKeeperOptions,
} from '../../src/embedded/index.js';
import {
  type ConnectOptions,
  connect,
  type Lease,
  type Lock,
  type LockOptions,
  type Session,
} from '../../src/index.js';
import type { ZooKeeperClient } from '../../src/zookeeper/client.js';
import { opcode } from '../../src/zookeeper/records.js';
import { SteppingClock } from './stepping-clock.js';

export class VirtualEnsemble implements AsyncDisposable {
  readonly clock = new SteppingClock();
  readonly zookeeper: EmbeddedZooKeeper;
  readonly #sessions: Session[] = [];

  private constructor(zookeeper: EmbeddedZooKeeper, clock: SteppingClock) {
    this.zookeeper = zookeeper;
    this.clock = clock;
  }

  static async start(
    options: Omit<EmbeddedZooKeeperOptions, 'clock' | 'port'> = {},
  ): Promise<VirtualEnsemble> {
    const clock = new SteppingClock();
    return new VirtualEnsemble(
      await createEmbeddedZooKeeper({ tickMs: 1_000, seed: 1, ...options, clock, port: false }),
      clock,
    );
  }

  /** A session of its own; `wallSkewMs` sets its wall clock off. */
  session({ wallSkewMs = 0, ...options }: ConnectOptions & { readonly wallSkewMs?: number } = {}): Session {
    const { clock } = this;
    const skewed: Clock = {
      now: () => clock.now(),
      wallNow: () => clock.wallNow() + wallSkewMs,
      setTimeout: (fn, delayMs) => clock.setTimeout(fn, delayMs),
      clearTimeout: (handle) => {
        clock.clearTimeout(handle);
      },
    };
    const session = connect('embedded', {
      client: this.zookeeper.client(),
      clock: wallSkewMs === 0 ? clock : skewed,
      sessionTimeoutMs: 10_000,
      guardMs: 0,
      ...options,
    });
    this.#sessions.push(session);
    return session;
  }

  /** A lock in a session of its own. */
  lock(
    path: string,
    options: LockOptions = {},
    session: Parameters<VirtualEnsemble['session']>[0] = {},
  ): Lock {
    return this.session(session).lock(path, options);
  }

  /** Somebody with a connected client of his own, who looks at the znodes and meddles with them. */
  async outsider(): Promise<ZooKeeperClient> {
    const client = this.zookeeper.client()({
      connectString: 'embedded',
      sessionTimeoutMs: 20_000,
      maxReplyBytes: 1 << 24,
      auth: [],
      clock: this.clock,
      random: () => 0.5,
    });
    await this.until(client.connect({ deadlineMs: 1_000 }));
    return client;
  }

  /** Runs `then` once, when the next request of this kind has reached the server and is not served yet. */
  beforeNext(request: keyof typeof opcode, then: () => void): void {
    let done = false;
    this.zookeeper.faults.loseNextRequest(({ type }) => {
      if (!done && type === opcode[request]) {
        done = true;
        then();
      }
      return false;
    });
  }

  /** The names of the requests that reach the server from now on, pings left out; they are added as they come. */
  requests(): string[] {
    const seen: string[] = [];
    this.zookeeper.faults.loseNextRequest(({ type }) => {
      if (type !== opcode.ping)
        seen.push(Object.entries(opcode).find(([, code]) => code === type)?.[0] ?? '?');
      return false;
    });
    return seen;
  }

  /** Settles `promise` by letting time pass, as little as it takes. */
  until<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.clock.until(promise, limitMs);
  }

  /** The names of the claims under `path`. */
  claims(path: string): string[] {
    return this.zookeeper
      .nodes()
      .map((node) => node.path)
      .filter((each) => each.startsWith(`${path}/`));
  }

  /** A lease that is held now. */
  async held(path: string, options: LockOptions = {}): Promise<Lease> {
    return this.until(this.lock(path, options).acquire());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.zookeeper.faults.speak();
    const closing = Promise.all(this.#sessions.map((session) => session.close()));
    await this.until(closing);
    await this.zookeeper.close();
  }
}
