/**
 * A standalone ZooKeeper server without its sockets and without its disk. Requests are served the moment they
 * arrive, in the order they arrive, as the real one's single pipeline does; nothing here is chance.
 */
import type { Clock } from '../clock.js';
import type { ZooKeeperErrorCode } from '../zookeeper/errors.js';
import type { ConnectRequest, ConnectResponse, Of } from '../zookeeper/records.js';
import {
  type ConnectionServer,
  type IncomingRequest,
  type Peer,
  ServerConnection,
  type Sink,
  type Verdict,
} from './server-connection.js';
import { type SessionInfo, type SessionLimits, Sessions } from './sessions.js';
import { performMulti } from './transaction.js';
import { WatchTable } from './watch-table.js';
import { perform, type Requester, type WriteRequest, type Written } from './write-requests.js';
import { CONTAINER_OWNER, isEphemeralOwner, ttlOfOwner } from './znode.js';
import { type Transaction, ZnodeTree } from './znode-tree.js';

export interface ServerOptions extends SessionLimits {
  readonly clock: Clock;
  /** Numbers in [0, 1): session ids and passwords. */
  readonly random: () => number;
  /** Longer requests end their connection (`jute.maxbuffer`). */
  readonly longestFrameBytes: number;
  /** How often empty containers and nodes past their TTL are looked for. */
  readonly containerCheckMs: number;
  /** How long a container may stand without ever having had a child; 0 is for ever. */
  readonly neverUsedContainerMs: number;
  /** Whether nodes with a TTL can be made (`zookeeper.extendedTypesEnabled`). */
  readonly ttlAllowed: boolean;
  /** Asked of every request; absent: serve. */
  readonly verdict?: ((request: IncomingRequest) => Verdict) | undefined;
  /** Given the sequence number that every later parent starts at; absent: 0. */
  readonly sequenceStart?: number | undefined;
  /** Told of every transaction, in order: what a lagging replica is fed with. */
  readonly onTransaction?: ((transaction: Transaction) => void) | undefined;
  /** Runs something once the current turn's requests have been served. Default `queueMicrotask`. */
  readonly defer?: ((fn: () => void) => void) | undefined;
}

export class ZooKeeperServer implements ConnectionServer {
  readonly tree: ZnodeTree;
  readonly watches = new WatchTable<ServerConnection>();
  readonly counters = { packetsReceived: 0, packetsSent: 0 };
  readonly longestFrameBytes: number;
  readonly verdict: ((request: IncomingRequest) => Verdict) | undefined;
  readonly #options: ServerOptions;
  readonly #clock: Clock;
  readonly #sessions: Sessions;
  readonly #connections = new Set<ServerConnection>();
  readonly #bySession = new Map<string, ServerConnection>();
  readonly #startedMs: number;
  #expiryTimer: unknown;
  #expiryDueMs = Number.POSITIVE_INFINITY;
  #containerTimer: unknown;
  #settling = false;
  #frozen = false;
  #closed = false;
  /** Sessions that are over while their ephemerals still stand (a fault), with the timers that will take them. */
  readonly #lingering = new Map<string, unknown>();
  /** Fault: how long the ephemerals of an expired session outlive it. */
  ephemeralDelayMs = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.tree = new ZnodeTree(options.sequenceStart);
    this.#clock = options.clock;
    this.#startedMs = options.clock.now();
    this.#sessions = new Sessions(options, options.random);
    this.longestFrameBytes = options.longestFrameBytes;
    this.verdict = options.verdict;
  }

  get uptimeMs(): number {
    return this.#clock.now() - this.#startedMs;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get connections(): Iterable<ServerConnection> {
    return this.#connections;
  }

  sessions(): SessionInfo[] {
    return this.#sessions.all();
  }

  /** The connection that a session is on at present. */
  connectionOf(sessionId: string): ServerConnection | undefined {
    return this.#bySession.get(sessionId);
  }

  /** Opens a connection: its frames go to `sink`, its bytes come through what is returned. */
  connect(sink: Sink, address = '127.0.0.1'): Peer {
    const connection = new ServerConnection(this, sink, address);
    if (this.#closed) connection.close();
    else this.#connections.add(connection);
    return connection;
  }

  /** Ends a session now, whatever its timeout says. `false` when there is none. */
  expire(sessionId: string): boolean {
    if (!this.#sessions.remove(sessionId)) return false;
    const delayMs = this.ephemeralDelayMs;
    if (delayMs > 0) {
      const timer = this.#clock.setTimeout(() => {
        this.sweep(sessionId);
      }, delayMs);
      this.#lingering.set(sessionId, timer);
    } else {
      this.#deleteEphemerals(sessionId);
    }
    this.#bySession.get(sessionId)?.close();
    return true;
  }

  /** Deletes the ephemerals that a fault let outlive their session; of all such sessions when none is named. */
  sweep(sessionId?: string): void {
    for (const id of sessionId === undefined ? [...this.#lingering.keys()] : [sessionId]) {
      const timer = this.#lingering.get(id);
      if (!this.#lingering.delete(id)) continue;
      this.#clock.clearTimeout(timer);
      this.#deleteEphemerals(id);
    }
  }

  /** Fault: see {@link Sessions.skew}. */
  skewExpiry(sessionId: string, byMs: number): boolean {
    const known = this.#sessions.skew(sessionId, byMs);
    this.#armExpiry();
    return known;
  }

  /** Fault: no session expires and nothing is reaped until {@link thaw}; what comes in is the caller's to hold back. */
  freeze(): void {
    this.#frozen = true;
  }

  /** What fell due meanwhile happens at once, before anything that was held back is served. */
  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#expireDue();
  }

  /** Deletes a node and everything below it, as an administrator would. `false` when there is none. */
  deleteTree(path: string): boolean {
    const node = this.tree.get(path);
    if (node === undefined) return false;
    for (const name of [...node.children]) this.deleteTree(`${path === '/' ? '' : path}/${name}`);
    return this.#transact(() => {
      this.tree.apply({ type: 'delete', path });
      return true;
    });
  }

  /** Deletes the containers and TTL nodes that a periodic check would, now; how many. */
  reap(): number {
    const nowMs = this.#clock.wallNow();
    const candidates = [...this.tree.reapable].filter((path) => this.#isReapable(path, nowMs));
    for (const path of candidates) {
      this.#transact(() => {
        this.tree.apply({ type: 'delete', path });
      });
    }
    return candidates.length;
  }

  /** Ends every connection and timer. Sessions and nodes stay to be looked at. */
  close(): void {
    this.#closed = true;
    this.#clock.clearTimeout(this.#expiryTimer);
    this.#clock.clearTimeout(this.#containerTimer);
    for (const timer of this.#lingering.values()) this.#clock.clearTimeout(timer);
    this.#lingering.clear();
    for (const connection of [...this.#connections]) connection.close();
  }

  greet(
    connection: ServerConnection,
    { lastZxidSeen, timeoutMs: asked, sessionId, password }: Of<typeof ConnectRequest>,
  ): Of<typeof ConnectResponse> | undefined {
    // A client that has seen more than we have must not see less: it is sent on to another server.
    if (lastZxidSeen > this.tree.lastZxid) return undefined;
    const now = this.#clock.now();
    const timeoutMs = this.#sessions.negotiated(asked);
    if (sessionId === '0') {
      const created = this.#sessions.create(timeoutMs, now);
      this.useUpZxid();
      this.#bySession.set(created.id, connection);
      this.#armExpiry(this.#sessions.expiryOf(created.id));
      return { protocolVersion: 0, timeoutMs, sessionId: created.id, password: created.password };
    }
    // The real server ends the session's other connection before it has looked at the password.
    this.#bySession.get(sessionId)?.close();
    if (!this.#sessions.resume(sessionId, password, timeoutMs, now)) {
      return { protocolVersion: 0, timeoutMs: 0, sessionId: '0', password: new Uint8Array(16) };
    }
    this.#bySession.set(sessionId, connection);
    this.#armExpiry(this.#sessions.expiryOf(sessionId));
    return { protocolVersion: 0, timeoutMs, sessionId, password };
  }

  touch(sessionId: string): boolean {
    return this.#sessions.touch(sessionId, this.#clock.now());
  }

  write(request: WriteRequest, requester: Requester): Written | ZooKeeperErrorCode {
    this.#begin();
    const written = perform(request, requester, this.tree, this.#options.ttlAllowed);
    if (typeof written === 'string') this.tree.rollback();
    else this.#commit();
    return written;
  }

  writeAll(
    requests: readonly WriteRequest[],
    requester: Requester,
  ): ReturnType<ConnectionServer['writeAll']> {
    this.#begin();
    const outcome = performMulti(requests, requester, this.tree, this.#options.ttlAllowed);
    if ('failed' in outcome) this.tree.rollback();
    else this.#commit();
    return outcome;
  }

  useUpZxid(): void {
    this.#begin();
    this.#commit();
  }

  endSession(sessionId: string): void {
    this.#sessions.remove(sessionId);
    this.#deleteEphemerals(sessionId);
  }

  left(connection: ServerConnection): void {
    this.#connections.delete(connection);
    this.watches.removeAll(connection);
    const { sessionId } = connection;
    if (this.#bySession.get(sessionId) === connection) this.#bySession.delete(sessionId);
  }

  served(): void {
    if (this.#settling || !this.tree.hasUncommitted) return;
    this.#settling = true;
    (this.#options.defer ?? queueMicrotask)(() => {
      this.#settling = false;
      this.tree.settleCounters();
    });
  }

  #begin(): void {
    this.tree.begin(this.tree.lastZxid + 1n, this.#clock.wallNow());
  }

  #commit(): void {
    const transaction = this.tree.commit();
    this.#options.onTransaction?.(transaction);
    for (const change of transaction.changes) {
      for (const connection of this.watches.trigger(change)) connection.notify(change, transaction.zxid);
    }
    if (this.tree.reapable.size > 0) this.#armContainerCheck();
  }

  #transact<T>(act: () => T): T {
    this.#begin();
    const result = act();
    this.#commit();
    return result;
  }

  /** One transaction for all of them, also when there are none. */
  #deleteEphemerals(sessionId: string): void {
    this.#transact(() => {
      for (const path of this.tree.ephemeralsOf(sessionId)) this.tree.apply({ type: 'delete', path });
    });
  }

  #armExpiry(dueMs = this.#sessions.nextExpiryMs()): void {
    if (dueMs === undefined || dueMs >= this.#expiryDueMs || this.#closed) return;
    this.#clock.clearTimeout(this.#expiryTimer);
    this.#expiryDueMs = dueMs;
    this.#expiryTimer = this.#clock.setTimeout(() => {
      this.#expireDue();
    }, dueMs - this.#clock.now());
  }

  #expireDue(): void {
    this.#expiryDueMs = Number.POSITIVE_INFINITY;
    if (this.#frozen) return;
    for (const id of this.#sessions.due(this.#clock.now())) this.expire(id);
    this.#armExpiry();
  }

  /** A timer only while there is something to look at, at whole intervals since the start all the same. */
  #armContainerCheck(): void {
    if (this.#containerTimer !== undefined || this.#closed) return;
    const { containerCheckMs } = this.#options;
    this.#containerTimer = this.#clock.setTimeout(
      () => {
        this.#containerTimer = undefined;
        if (!this.#frozen) this.reap();
        if (this.tree.reapable.size > 0) this.#armContainerCheck();
      },
      containerCheckMs - (this.uptimeMs % containerCheckMs),
    );
  }

  /** ContainerManager.getCandidates. */
  #isReapable(path: string, nowMs: number): boolean {
    const node = this.tree.get(path);
    if (node === undefined || node.children.size > 0 || isEphemeralOwner(node.owner)) return false;
    const unchangedMs = nowMs - node.mtimeMs;
    if (node.owner !== CONTAINER_OWNER)
      return unchangedMs > (ttlOfOwner(node.owner) ?? Number.POSITIVE_INFINITY);
    const { neverUsedContainerMs } = this.#options;
    return this.tree.wasUsed(node) || (neverUsedContainerMs > 0 && unchangedMs > neverUsedContainerMs);
  }
}
