/**
 * A follower before its leader, as reference E2 tells of it: a replica that lags, answers reads and pings by itself, forwards the
 * rest, and tells the leader whom it heard only in its answers to the leader's pings, every half tick. Cut off, it goes on answering
 * until it notices (T37). Built from the embedded server's own parts.
 */

import type { Clock } from '../../src/clock.js';
import type { ZooKeeperServer } from '../../src/embedded/server.js';
import {
  type ConnectionServer,
  type IncomingRequest,
  type Peer,
  ServerConnection,
  type Sink,
  type Verdict,
} from '../../src/embedded/server-connection.js';
import { readMulti } from '../../src/embedded/transaction.js';
import { WatchTable } from '../../src/embedded/watch-table.js';
import { readWriteRequest } from '../../src/embedded/write-requests.js';
import { type Transaction, ZnodeTree } from '../../src/embedded/znode-tree.js';
import { JuteReader } from '../../src/zookeeper/jute.js';
import { ConnectRequest, opcode } from '../../src/zookeeper/records.js';
import { Channel } from './channel.js';

/** What the leader is asked; everything else a follower answers by itself. */
const FORWARDED: ReadonlySet<number> = new Set([
  opcode.create,
  opcode.create2,
  opcode.createContainer,
  opcode.createTtl,
  opcode.delete,
  opcode.setData,
  opcode.setAcl,
  opcode.multi,
  opcode.sync,
  opcode.closeSession,
]);

/** A frame's length, then a request's xid. */
const LENGTH_BYTES = 4;
const TYPE_AT = 8;
const BODY_AT = 12;

export interface FollowerOptions {
  readonly clock: Clock;
  readonly leader: ZooKeeperServer;
  /** Everything the leader committed, oldest first. */
  readonly log: readonly Transaction[];
  readonly tickMs: number;
  /** Without a word from the leader for so many ticks it gives its clients up. */
  readonly syncLimit: number;
  readonly sequenceStart: number;
  readonly latencyMs: () => number;
  readonly verdict: (request: IncomingRequest) => Verdict;
}

type Writes = ReturnType<ConnectionServer['write']>;
type Transactions = ReturnType<ConnectionServer['writeAll']>;

export class Follower implements ConnectionServer {
  readonly tree: ZnodeTree;
  readonly watches = new WatchTable<ServerConnection>();
  readonly counters = { packetsReceived: 0, packetsSent: 0 };
  readonly longestFrameBytes = 1_048_575;
  readonly verdict: (request: IncomingRequest) => Verdict;
  readonly toLeader: Channel;
  readonly fromLeader: Channel;
  readonly options: FollowerOptions;
  readonly #connections = new Set<FollowerConnection>();
  readonly #noted = new Set<string>();
  /** Added to every hop to the leader and back. */
  slowMs = 0;
  #applied = 0;
  #heardMs = 0;
  #up = true;
  #lagging = false;
  readonly #late: (() => void)[] = [];
  #relayTimer: unknown;
  /** The leader's answer to the frame that is being finished. */
  answer: unknown;

  constructor(options: FollowerOptions) {
    this.options = options;
    this.tree = new ZnodeTree(options.sequenceStart);
    this.verdict = options.verdict;
    const latencyMs = () => options.latencyMs() + this.slowMs;
    this.toLeader = new Channel(options.clock, latencyMs);
    this.fromLeader = new Channel(options.clock, latencyMs);
    this.#relay();
  }

  /** There is something it has not heard of yet. */
  get lags(): boolean {
    return this.#applied < this.options.log.length;
  }

  open(sink: Sink): Peer | undefined {
    if (!this.#up) return undefined;
    const connection = new FollowerConnection(this, sink);
    this.#connections.add(connection);
    return connection;
  }

  /** What each of its connections watches. */
  get watched(): { readonly sessionId: string; readonly paths: readonly string[] }[] {
    return [...this.#connections].map(({ inner }) => ({
      sessionId: inner.sessionId,
      paths: this.watches.pathsOf(inner),
    }));
  }

  /** The leader committed. */
  committed(): void {
    if (!this.#up) return;
    const until = this.options.log.length;
    this.fromLeader.send(() => {
      this.inOrder(() => {
        this.#apply(until);
      });
    });
  }

  /** Commits and the leader's answers, in the order they came; what is behind waits while the replica lags. */
  inOrder(act: () => void): void {
    if (this.#lagging) this.#late.push(act);
    else act();
  }

  /** The replica falls behind; pings are still answered. */
  lag(): void {
    this.#lagging = true;
  }

  catchUp(): void {
    this.#lagging = false;
    for (let act = this.#late.shift(); act !== undefined; act = this.#late.shift()) act();
  }

  /** Heard from a client: the leader will learn of it with the next relay. */
  note(sessionId: string): void {
    if (sessionId !== '0') this.#noted.add(sessionId);
  }

  /** Gives its clients up: killed, or it noticed that it is alone. */
  shutDown(): void {
    if (!this.#up) return;
    this.#up = false;
    this.toLeader.drop();
    this.fromLeader.drop();
    this.#late.length = 0;
    this.#lagging = false;
    this.#noted.clear();
    for (const connection of [...this.#connections]) connection.end();
  }

  /** With the leader again, and caught up. */
  rejoin(): void {
    this.catchUp();
    this.toLeader.flow();
    this.fromLeader.flow();
    this.#heardMs = this.options.clock.now();
    if (this.#up) return;
    this.#up = true;
    this.#apply(this.options.log.length);
  }

  /** Cut off from the leader, without a word. */
  isolate(): void {
    this.toLeader.stall();
    this.fromLeader.stall();
  }

  close(): void {
    this.options.clock.clearTimeout(this.#relayTimer);
  }

  forget(connection: FollowerConnection): void {
    this.#connections.delete(connection);
  }

  greet(): ReturnType<ConnectionServer['greet']> {
    return this.answer as ReturnType<ConnectionServer['greet']>;
  }

  touch(): boolean {
    return true;
  }

  write(): Writes {
    return this.answer as Writes;
  }

  writeAll(): Transactions {
    return this.answer as Transactions;
  }

  useUpZxid(): void {
    this.options.leader.useUpZxid();
  }

  endSession(): void {
    // The leader has.
  }

  left(connection: ServerConnection): void {
    this.watches.removeAll(connection);
  }

  served(): void {
    // The leader's counters are the leader's business.
  }

  #apply(until: number): void {
    for (; this.#applied < until; this.#applied += 1) {
      const transaction = this.options.log[this.#applied];
      if (transaction === undefined) return;
      for (const change of this.tree.replay(transaction).changes) {
        for (const connection of this.watches.trigger(change)) connection.notify(change, transaction.zxid);
      }
    }
  }

  /** The leader's ping, and in its answer whom this follower heard since the last one (LearnerHandler, case PING). */
  #relay(): void {
    const { clock, leader, tickMs, syncLimit } = this.options;
    this.#relayTimer = clock.setTimeout(() => {
      this.#relay();
      if (!this.#up || this.toLeader.stalled) {
        if (this.#up && clock.now() - this.#heardMs > syncLimit * tickMs) this.shutDown();
        return;
      }
      if (this.#connections.size === 0) {
        this.#heardMs = clock.now();
        return;
      }
      this.fromLeader.send(() => {
        this.#heardMs = clock.now();
        const heard = [...this.#noted];
        this.#noted.clear();
        this.toLeader.send(() => {
          for (const sessionId of heard) leader.touch(sessionId);
        });
      });
    }, tickMs / 2);
  }
}

/** Frames in order; a request that the leader must be asked holds up those behind it, as CommitProcessor does. */
class FollowerConnection implements Peer {
  readonly #follower: Follower;
  readonly inner: ServerConnection;
  readonly #queue: Uint8Array[] = [];
  #asking = false;
  /** What the leader knows this connection by: it closes it when the session ends or moves. */
  readonly #atLeader: ServerConnection;

  constructor(follower: Follower, sink: Sink) {
    this.#follower = follower;
    this.inner = new ServerConnection(follower, sink, '127.0.0.1');
    const stand = {
      sessionId: '0',
      close: () => {
        follower.options.leader.left(this.#atLeader);
        follower.fromLeader.send(() => {
          this.end();
        });
      },
    };
    this.#atLeader = stand as unknown as ServerConnection;
  }

  receive(bytes: Uint8Array): void {
    this.#follower.note(this.inner.sessionId);
    this.#queue.push(bytes);
    this.#serve();
  }

  closed(): void {
    this.inner.closed();
    this.#queue.length = 0;
    this.#follower.forget(this);
  }

  /** From this side. */
  end(): void {
    this.inner.close();
    this.#queue.length = 0;
    this.#follower.forget(this);
  }

  #serve(): void {
    while (!this.#asking) {
      const frame = this.#queue[0];
      if (frame === undefined) return;
      const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
      if (view.getInt32(0) !== frame.byteLength - LENGTH_BYTES) throw new Error('a write is not one frame');
      if (this.inner.sessionId === '0') this.#greet(frame);
      else if (FORWARDED.has(view.getInt32(TYPE_AT))) this.#forward(view.getInt32(TYPE_AT), frame);
      else this.#finish();
    }
  }

  #greet(frame: Uint8Array): void {
    const request = ConnectRequest.read(new JuteReader(frame.subarray(LENGTH_BYTES)));
    if (this.#follower.lags && request.lastZxidSeen > this.#follower.tree.lastZxid) {
      // A client that has seen more than this replica is sent on.
      this.#follower.answer = undefined;
      this.#finish();
      return;
    }
    this.#ask(() => {
      const greeting = this.#follower.options.leader.greet(this.#atLeader, request);
      if (greeting !== undefined) Object.assign(this.#atLeader, { sessionId: greeting.sessionId });
      return greeting;
    }, request.sessionId !== '0');
  }

  #forward(type: number, frame: Uint8Array): void {
    const { leader } = this.#follower.options;
    const { sessionId } = this.inner;
    this.#ask(() => {
      if (leader.connectionOf(sessionId) !== this.#atLeader) {
        const alive = leader.sessions().some(({ id }) => id === sessionId);
        const refusal = alive ? 'SessionMoved' : 'SessionExpired';
        return type === opcode.multi ? { failed: refusal, at: 0 } : refusal;
      }
      const reader = new JuteReader(frame.subarray(BODY_AT));
      const requester = { sessionId, identities: [] };
      if (type === opcode.sync) return undefined;
      if (type === opcode.closeSession) {
        leader.endSession(sessionId);
        return undefined;
      }
      try {
        if (type === opcode.multi) return leader.writeAll(readMulti(reader) ?? [], requester);
        const request = readWriteRequest(type, reader);
        if (request === undefined) throw new Error(`request ${type} is no write`);
        return leader.write(request, requester);
      } finally {
        leader.served();
      }
    });
  }

  /**
   * Asks the leader; the answer comes behind everything that was committed before it. `ahead`: it is no commit, so it does not wait
   * for a replica that lags (a session's revalidation, in Learner).
   */
  #ask(atLeader: () => unknown, ahead = false): void {
    const { toLeader, fromLeader } = this.#follower;
    this.#asking = true;
    toLeader.send(() => {
      const answer = atLeader();
      const answered = () => {
        this.#asking = false;
        if (this.#queue.length === 0) return;
        this.#follower.answer = answer;
        this.#finish();
        this.#serve();
      };
      fromLeader.send(() => {
        if (ahead) answered();
        else this.#follower.inOrder(answered);
      });
    });
  }

  #finish(): void {
    const frame = this.#queue.shift();
    if (frame !== undefined) this.inner.receive(frame);
  }
}
