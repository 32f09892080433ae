/**
 * One session over many connections: which host is next and when, what every new connection is told first, and
 * the states in their order. It ends in `lost` or `closed` and stays there.
 */
import type { Instant } from '../clock.js';
import { beginProof, type ClientIdentity, type Proof } from './authentication.js';
import type { ClientOptions, ConnectionState, Watcher } from './client.js';
import { parseConnectString } from './connect-string.js';
import { Connection, type ConnectionHost, type EndReason, type SessionRecord } from './connection.js';
import { ZooKeeperError } from './errors.js';
import { HostRotation } from './host-rotation.js';
import { JuteWriter } from './jute.js';
import { operations, setWatchesFrame } from './operations.js';
import { reservedXid } from './records.js';
import { type Operation, Request } from './request.js';
import type { Dial } from './transport.js';
import { changeOfEvent, removalTypes, type WatchKind, WatchTable } from './watch-table.js';
import { withoutChroot } from './znode-path.js';

/** Half a quarter of the packet limit that servers have by default (1 MiB). */
const WATCH_BATCH_BYTES = 131_072;
const LARGEST_XID = 2_147_483_647;

const ignore = (): void => undefined;

export class WireSession implements ConnectionHost {
  readonly chroot: string;
  readonly watches = new WatchTable();
  readonly writer = new JuteWriter(1024);
  readonly #options: ClientOptions;
  readonly #dial: Dial;
  readonly #hosts: HostRotation;
  readonly #record: SessionRecord;
  readonly #identities: ClientIdentity[];
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  #state: ConnectionState = { kind: 'connecting' };
  #connection: Connection | undefined;
  #nextXid: number;
  #pause: unknown;
  #everConnected = false;
  #lastFailure: Error | undefined;
  #closing = false;
  readonly #whenOver: (() => void)[] = [];

  constructor(dial: Dial, options: ClientOptions, firstXid: number) {
    const { hosts, chroot } = parseConnectString(options.connectString);
    this.chroot = chroot;
    this.#dial = dial;
    this.#options = options;
    this.#hosts = new HostRotation(hosts, options.random);
    this.#identities = [...options.auth];
    this.#nextXid = firstXid;
    this.#record = {
      id: '0',
      password: new Uint8Array(16),
      timeoutMs: options.sessionTimeoutMs,
      lastZxidSeen: 0n,
      // Never: no bound counted from here allows anything.
      acknowledgedMonotonicMs: Number.NEGATIVE_INFINITY,
      acknowledgedWallMs: Number.NEGATIVE_INFINITY,
    };
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get sessionId(): string {
    return this.#record.id;
  }

  get negotiatedTimeoutMs(): number {
    return this.#record.timeoutMs;
  }

  get lastAcknowledged(): Instant {
    return { monotonicMs: this.#record.acknowledgedMonotonicMs, wallMs: this.#record.acknowledgedWallMs };
  }

  /** Why the last connection or attempt failed. */
  get lastFailure(): Error | undefined {
    return this.#lastFailure;
  }

  /** The connection that takes requests now. */
  get connection(): Connection | undefined {
    const connection = this.#connection;
    return connection?.open === true && !this.#closing && connection.inTouch() ? connection : undefined;
  }

  /** No more requests: `lost`, `closed`, or on the way there. */
  get over(): boolean {
    return this.#closing || this.#state.kind === 'lost' || this.#state.kind === 'closed';
  }

  listen(listener: (state: ConnectionState) => void): () => void {
    const entry = (state: ConnectionState): void => {
      listener(state);
    };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Dials the next host, unless the session is over. */
  start(): void {
    if (this.#connection !== undefined || this.over) return;
    const address = this.#hosts.next();
    try {
      this.#connection = new Connection({
        dial: this.#dial,
        address,
        clock: this.#options.clock,
        session: this.#record,
        watches: this.watches,
        attemptTimeoutMs: this.#hosts.attemptTimeoutMs(this.#record.timeoutMs),
        maxReplyBytes: this.#options.maxReplyBytes,
        authentication: this.#identities.map((identity) => {
          const { operation, frame } = beginProof(identity, this.#options.random);
          return { request: this.#internal(operation, reservedXid.auth), frame };
        }),
        host: this,
      });
    } catch (cause) {
      this.#retry(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  /** What {@link WireSession.takeXid} will say. */
  get nextXid(): number {
    return this.#nextXid;
  }

  /** The xid of the next ordinary request: 1 to 2147483647, and around (T52). */
  takeXid(): number {
    const xid = this.#nextXid;
    this.#nextXid = xid === LARGEST_XID ? 1 : xid + 1;
    return xid;
  }

  /** Proved anew on every connection, before anything else is asked. */
  get identities(): readonly ClientIdentity[] {
    return this.#identities;
  }

  /** From now on proved on every connection; the proof is for the one there is. */
  addIdentity(identity: ClientIdentity): Proof {
    this.#identities.push(identity);
    return beginProof(identity, this.#options.random);
  }

  /**
   * Says good-bye on the connection there is, and is over when that is heard, the connection goes, or
   * `deadlineMs` passes. Without a connection it is over at once.
   */
  close(deadlineMs: number): Promise<void> {
    if (this.#state.kind === 'lost' || this.#state.kind === 'closed') return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenOver.push(resolve);
      if (this.#closing) return;
      // Also on one that is of no use for more: good-bye is worth a try.
      const connection = this.#connection?.open === true ? this.#connection : undefined;
      this.#closing = true;
      if (connection === undefined) {
        this.#finish({ kind: 'closed' }, new ZooKeeperError('Closed', 'close'));
        return;
      }
      const end = (): void => {
        this.#finish({ kind: 'closed' }, new ZooKeeperError('Closed', 'close'));
      };
      const timer = this.#options.clock.setTimeout(end, deadlineMs);
      this.#whenOver.push(() => {
        this.#options.clock.clearTimeout(timer);
      });
      const request = new Request(operations.close, undefined, '', undefined, end, end);
      request.xid = this.takeXid();
      this.writer.clear();
      this.writer.int32(request.xid);
      this.writer.int32(operations.close.type);
      connection.send(request, this.writer.toFrame());
    });
  }

  granted(sessionId: string, password: Uint8Array, timeoutMs: number): boolean {
    if (this.#record.id !== '0' && this.#record.id !== sessionId) return false;
    this.#record.id = sessionId;
    this.#record.password = password;
    this.#record.timeoutMs = timeoutMs;
    return true;
  }

  opened(): void {
    const connection = this.#connection as Connection;
    const relativeZxid = this.#record.lastZxidSeen;
    for (const batch of this.watches.batches(WATCH_BATCH_BYTES)) {
      const request = this.#internal({ ...operations.setWatches, type: batch.type }, reservedXid.setWatches);
      connection.send(request, setWatchesFrame(batch, relativeZxid));
    }
    const resumed = this.#everConnected;
    this.#everConnected = true;
    this.#become({
      kind: 'connected',
      sessionId: this.#record.id,
      negotiatedTimeoutMs: this.#record.timeoutMs,
      resumed,
      server: connection.server,
    });
  }

  notified(type: number, path: string, replayed: boolean): void {
    const change = changeOfEvent[type];
    const visible = withoutChroot(this.chroot, path);
    if (change === undefined || visible === undefined) return;
    const event = { type: change, path: visible, replayed };
    for (const watcher of this.watches.take(change, path)) {
      // A hop each: off the transport's stack, in order with the answers, and one that throws takes nobody along.
      queueMicrotask(() => {
        watcher(event);
      });
    }
  }

  ended(reason: EndReason, cause: Error): void {
    if (reason !== 'dropped') {
      this.#finish({ kind: 'lost', reason, cause }, cause);
      return;
    }
    if (this.#closing) {
      this.#finish({ kind: 'closed' }, cause);
      return;
    }
    const connection = this.#connection;
    if (connection?.proven === true) this.#hosts.proven();
    if (this.#state.kind === 'connected') this.#become({ kind: 'suspended', cause });
    connection?.failAll('ConnectionLoss', cause);
    this.#retry(cause);
  }

  /**
   * Forgets a watcher, also one whose registration is still on its way.
   * @returns what to remove at the server (`watcherType`), where nobody else is left to hear it.
   */
  forget(path: string, watcher: Watcher): number[] {
    const gone: WatchKind[] = this.watches.forget(path, watcher);
    const left: WatchKind[] = this.watches.kindsAt(path);
    for (const request of this.connection?.outstanding() ?? []) {
      const kind = request.operation.watch;
      if (request.serverPath !== path || request.watcher === undefined || kind === undefined) continue;
      if (request.watcher === watcher) {
        request.watcher = undefined;
        gone.push(kind);
      } else {
        left.push(kind);
      }
    }
    return removalTypes(gone, left);
  }

  #retry(cause: Error): void {
    this.#connection = undefined;
    this.#lastFailure = cause;
    const pauseMs = this.#hosts.failed(this.#record.timeoutMs);
    if (pauseMs === undefined) {
      this.start();
      return;
    }
    this.#pause = this.#options.clock.setTimeout(() => {
      this.start();
    }, pauseMs);
  }

  #internal(operation: Operation, xid: number): Request {
    const request = new Request(operation, undefined, '', undefined, ignore, ignore);
    request.xid = xid;
    return request;
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    queueMicrotask(() => {
      for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener(state);
    });
  }

  #finish(state: ConnectionState, cause: Error): void {
    if (this.#state.kind === 'lost' || this.#state.kind === 'closed') return;
    this.#options.clock.clearTimeout(this.#pause);
    const connection = this.#connection;
    this.#connection = undefined;
    this.watches.clear();
    this.#become(state);
    connection?.destroy();
    connection?.failAll('SessionEnded', cause);
    for (const resolve of this.#whenOver.splice(0)) resolve();
  }
}
