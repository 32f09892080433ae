/**
 * One connection from dial to loss: handshake, authentication, ping, timeouts, and answers matched to requests.
 * It never reconnects; what outlives it is in the {@link SessionRecord} and the watch table it is given.
 */
import type { Clock, Instant } from '../clock.js';
import { codeOfNumber, isZooKeeperError, ZooKeeperError, type ZooKeeperErrorCode } from './errors.js';
import { FrameReader } from './frames.js';
import { Heartbeat, type Traffic } from './heartbeat.js';
import { JuteReader, JuteWriter } from './jute.js';
import { ConnectRequest, ConnectResponse, opcode, reservedXid, WatcherEvent } from './records.js';
import { type Request, RequestQueue } from './request.js';
import type { Address, Dial, Transport } from './transport.js';
import type { WatchTable } from './watch-table.js';

/** A connect answer has 37 bytes; what claims more than this is not a ZooKeeper server. */
const HANDSHAKE_LIMIT_BYTES = 1024;

/** What a session remembers from one connection to the next. */
export interface SessionRecord {
  id: string;
  password: Uint8Array;
  timeoutMs: number;
  /** Sent on every connect, so that no server shows us an older state than we have seen. */
  lastZxidSeen: bigint;
  /** When the newest acknowledged request was sent. */
  acknowledgedMonotonicMs: number;
  acknowledgedWallMs: number;
}

/** Why a connection ended: `dropped` may be followed by another one, the others end the session. */
export type EndReason = 'dropped' | 'expired' | 'authFailed';

/** Whom a connection tells. Calls come on the transport's or the timer's stack. */
export interface ConnectionHost {
  /** The server took the session (again): these belong to it from now on. `false`: it is not the one we asked for. */
  granted(sessionId: string, password: Uint8Array, timeoutMs: number): boolean;
  /** Authenticated: requests may follow. */
  opened(): void;
  notified(type: number, path: string, replayed: boolean): void;
  /** Once. Outstanding requests are still to be settled: {@link Connection.failAll}. */
  ended(reason: EndReason, cause: Error): void;
}

export interface ConnectionOptions {
  readonly dial: Dial;
  readonly address: Address;
  readonly clock: Clock;
  readonly session: SessionRecord;
  readonly watches: WatchTable;
  /** From the dial to the last authentication answer. */
  readonly attemptTimeoutMs: number;
  readonly maxReplyBytes: number;
  /** Sent before anything else; all must be answered. */
  readonly authentication: readonly { readonly request: Request; readonly frame: Uint8Array }[];
  readonly host: ConnectionHost;
}

export class Connection {
  /** Has answered something after the handshake: the way to this server works. */
  proven = false;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #session: SessionRecord;
  readonly #reader: FrameReader;
  readonly #transport: Transport;
  #phase: 'handshake' | 'authentication' | 'open' | 'ended' = 'handshake';
  /** Requests in the order the server answers them; authentication is answered out of this order. */
  readonly #pending = new RequestQueue();
  readonly #authentications = new RequestQueue();
  readonly #traffic: Traffic = { sentMs: 0, receivedMs: 0 };
  #sentWallMs = 0;
  #watchBatches = 0;
  #heartbeat: Heartbeat | undefined;
  /** Until the connection is open. */
  readonly #attemptTimer: unknown;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#session = options.session;
    this.#reader = new FrameReader(
      {
        frame: (bytes) => {
          if (this.#phase === 'handshake') this.#handshake(bytes);
          else this.#reply(bytes);
        },
        oversize: (head, length) => {
          this.#oversize(head, length);
        },
      },
      HANDSHAKE_LIMIT_BYTES,
    );
    this.#transport = options.dial(options.address, {
      opened: () => {
        if (this.#phase !== 'ended') this.#sendHandshake();
      },
      received: (bytes) => {
        this.#received(bytes);
      },
      closed: (cause) => {
        this.#end('dropped', cause);
      },
    });
    this.#attemptTimer = this.#clock.setTimeout(() => {
      this.#end(
        'dropped',
        this.#fault('OperationTimeout', `no session within ${options.attemptTimeoutMs} ms`),
      );
    }, options.attemptTimeoutMs);
  }

  get server(): string {
    const { host, port } = this.#options.address;
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  get open(): boolean {
    return this.#phase === 'open';
  }

  /** See {@link Heartbeat.inTouch}. */
  inTouch(): boolean {
    return this.#heartbeat?.inTouch() ?? true;
  }

  /** Sends an ordinary request; `frame` carries the xid that `request` has. */
  send(request: Request, frame: Uint8Array): void {
    this.#write(frame);
    request.sentMonotonicMs = this.#traffic.sentMs;
    request.sentWallMs = this.#sentWallMs;
    if (request.xid === reservedXid.auth) {
      this.#authentications.push(request);
      return;
    }
    if (request.xid === reservedXid.setWatches) this.#watchBatches += 1;
    this.#pending.push(request);
  }

  /** Requests whose answer is outstanding, oldest first. */
  outstanding(): Iterable<Request> {
    return this.#pending;
  }

  /** Rejects whatever is outstanding. */
  failAll(code: 'ConnectionLoss' | 'SessionEnded', cause: Error): void {
    for (const queue of [this.#pending, this.#authentications]) {
      for (let request = queue.shift(); request !== undefined; request = queue.shift())
        request.fail(code, cause);
    }
  }

  /** Ends without telling the host. */
  destroy(): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#clock.clearTimeout(this.#attemptTimer);
    this.#heartbeat?.stop();
    this.#reader.stop();
    this.#transport.destroy();
  }

  #end(reason: EndReason, cause: Error): void {
    if (this.#phase === 'ended') return;
    this.destroy();
    this.#options.host.ended(reason, cause);
  }

  /** Ends because of the answer to `request`, which is already off the queue: states are told before rejections. */
  #endBefore(request: Request, code: ZooKeeperErrorCode, reason: EndReason, cause: Error): void {
    this.#end(reason, cause);
    request.fail(code, cause);
  }

  #fault(code: 'ProtocolViolation' | 'OperationTimeout', detail: string): ZooKeeperError {
    return new ZooKeeperError(code, 'connection', undefined, { detail: `${this.server}: ${detail}` });
  }

  #write(frame: Uint8Array): void {
    this.#traffic.sentMs = this.#clock.now();
    this.#sentWallMs = this.#clock.wallNow();
    this.#transport.write(frame);
  }

  #acknowledge(monotonicMs: number, wallMs: number): void {
    if (monotonicMs < this.#session.acknowledgedMonotonicMs) return;
    this.#session.acknowledgedMonotonicMs = monotonicMs;
    this.#session.acknowledgedWallMs = wallMs;
  }

  #received(bytes: Uint8Array): void {
    if (this.#phase === 'ended') return;
    this.#traffic.receivedMs = this.#clock.now();
    try {
      this.#reader.push(bytes);
    } catch (cause) {
      this.#end('dropped', cause instanceof Error ? cause : this.#fault('ProtocolViolation', String(cause)));
    }
  }

  #sendHandshake(): void {
    const writer = new JuteWriter();
    ConnectRequest.write(writer, {
      protocolVersion: 0,
      lastZxidSeen: this.#session.lastZxidSeen,
      timeoutMs: this.#session.timeoutMs,
      sessionId: this.#session.id,
      password: this.#session.password,
    });
    writer.boolean(false); // read-only servers are of no use to a lock
    this.#write(writer.toFrame());
  }

  #handshake(bytes: Uint8Array): void {
    const { sessionId, password, timeoutMs } = ConnectResponse.read(new JuteReader(bytes));
    if (sessionId === '0' || timeoutMs <= 0 || !this.#options.host.granted(sessionId, password, timeoutMs)) {
      const cause = new ZooKeeperError('SessionExpired', 'connection', undefined, {
        detail: `${this.server} does not know the session any more`,
      });
      this.#end('expired', cause);
      return;
    }
    this.#acknowledge(this.#traffic.sentMs, this.#sentWallMs);
    this.#reader.limitBytes = this.#options.maxReplyBytes;
    this.#phase = 'authentication';
    for (const { request, frame } of this.#options.authentication) this.send(request, frame);
    this.#openWhenAuthenticated();
  }

  #openWhenAuthenticated(): void {
    if (this.#phase !== 'authentication' || this.#authentications.length > 0) return;
    this.#phase = 'open';
    this.#clock.clearTimeout(this.#attemptTimer);
    this.#heartbeat = new Heartbeat({
      clock: this.#clock,
      timeoutMs: this.#session.timeoutMs,
      traffic: this.#traffic,
      acknowledged: () => ({
        monotonicMs: this.#session.acknowledgedMonotonicMs,
        wallMs: this.#session.acknowledgedWallMs,
      }),
      ping: () => this.#ping(),
      oldestSentMs: () => {
        const sent = [this.#pending, this.#authentications].map(({ first }) => first?.sentMonotonicMs);
        return Math.min(...sent.map((ms) => ms ?? Number.POSITIVE_INFINITY));
      },
      dead: (code, detail) => {
        this.#end('dropped', this.#fault(code, detail));
      },
    });
    this.#options.host.opened();
  }

  #reply(bytes: Uint8Array): void {
    const reader = new JuteReader(bytes);
    const xid = reader.int32();
    const zxid = reader.int64();
    const error = reader.int32();
    if (xid === reservedXid.notification) {
      const event = WatcherEvent.read(reader);
      this.#options.host.notified(event.type, event.path, this.#watchBatches > 0);
    } else if (xid === reservedXid.ping) {
      this.#pong();
    } else {
      this.#settle(this.#take(xid), zxid, error, reader);
    }
  }

  #pong(): void {
    const ping = this.#heartbeat?.pong();
    if (ping === undefined) throw this.#fault('ProtocolViolation', 'an answer to a ping that was not sent');
    this.proven = true;
    this.#acknowledge(ping.monotonicMs, ping.wallMs);
  }

  /** The server answers in order, so an answer is to the oldest request or a reply was lost on the way. */
  #take(xid: number): Request {
    const queue = xid === reservedXid.auth ? this.#authentications : this.#pending;
    if (queue.first?.xid !== xid) {
      const expected = queue.first === undefined ? 'none is outstanding' : `${queue.first.xid} was next`;
      throw this.#fault('ProtocolViolation', `an answer to request ${xid}, but ${expected}`);
    }
    return queue.shift() as Request;
  }

  #settle(request: Request, zxid: bigint, error: number, reader: JuteReader): void {
    const code = error === 0 ? undefined : codeOfNumber(error);
    if (code !== undefined && (code === 'SessionClosedRequireAuth' || request.xid === reservedXid.auth)) {
      this.#refused(request, code === 'SessionClosedRequireAuth' ? code : 'AuthFailed', undefined);
      return;
    }
    if (code === 'SessionExpired' || code === 'SessionMoved') {
      // Of no use as a sign of life. Whether the session is over is for the next connect to say.
      const detail = `answered by ${this.server}`;
      this.#endBefore(
        request,
        code,
        'dropped',
        new ZooKeeperError(code, 'connection', undefined, { detail }),
      );
      return;
    }
    // An identity is checked by the server we talk to alone. The leader has heard of us at the handshake.
    if (request.xid !== reservedXid.auth) this.#acknowledge(request.sentMonotonicMs, request.sentWallMs);
    if (zxid > this.#session.lastZxidSeen) this.#session.lastZxidSeen = zxid;
    if (request.xid === reservedXid.setWatches) this.#watchBatches -= 1;
    else if (request.xid !== reservedXid.auth) this.proven = true;
    const { operation } = request;
    if (request.xid === reservedXid.auth) {
      this.#authenticated(request, reader);
    } else if (code === undefined) {
      this.#resolve(request, reader);
    } else if (code === 'NoNode' && operation.absent !== undefined) {
      if (operation.absentWatch !== undefined && request.watcher !== undefined) {
        this.#options.watches.add(operation.absentWatch, request.serverPath, request.watcher);
      }
      request.resolve(operation.absent);
    } else if (request.xid === reservedXid.setWatches) {
      throw new ZooKeeperError(code, 'setWatches', undefined, { detail: `answered by ${this.server}` });
    } else {
      request.fail(code);
    }
  }

  /** The answer to one step of an authentication; what it decodes to is the next step, if there is one. */
  #authenticated(request: Request, reader: JuteReader): void {
    let next: unknown;
    try {
      next = request.operation.decode(reader);
    } catch (cause) {
      if (!isZooKeeperError(cause, 'AuthFailed')) throw cause;
      this.#refused(request, 'AuthFailed', cause);
      return;
    }
    if (next instanceof Uint8Array) {
      this.send(request, next);
    } else {
      request.resolve(undefined);
      this.#openWhenAuthenticated();
    }
  }

  #refused(
    request: Request,
    code: 'AuthFailed' | 'SessionClosedRequireAuth',
    cause: Error | undefined,
  ): void {
    const detail = `${this.server} refused the identity${cause === undefined ? '' : ` (${cause.message})`}`;
    const options = cause === undefined ? { detail } : { detail, cause };
    const fault = new ZooKeeperError(code, 'connection', undefined, options);
    this.#endBefore(request, code, 'authFailed', fault);
  }

  #resolve(request: Request, reader: JuteReader): void {
    const { operation } = request;
    let value: unknown;
    try {
      value = operation.decode(reader);
    } catch (cause) {
      if (cause instanceof ZooKeeperError && cause.code !== 'ProtocolViolation') {
        request.reject(cause);
        return;
      }
      const fault = cause instanceof Error ? cause : this.#fault('ProtocolViolation', String(cause));
      this.#endBefore(request, 'ConnectionLoss', 'dropped', fault);
      return;
    }
    if (operation.watch !== undefined && request.watcher !== undefined) {
      this.#options.watches.add(operation.watch, request.serverPath, request.watcher);
    }
    request.resolve(value);
  }

  #oversize(head: Uint8Array, length: number): void {
    if (this.#phase === 'handshake') {
      throw this.#fault(
        'ProtocolViolation',
        `not a ZooKeeper server: its first answer claims ${length} bytes`,
      );
    }
    const xid = new JuteReader(head).int32();
    if (xid < 0) throw this.#fault('ProtocolViolation', `a message ${xid} of ${length} bytes`);
    const request = this.#take(xid);
    this.#acknowledge(request.sentMonotonicMs, request.sentWallMs);
    this.proven = true;
    request.fail(
      'ReplyTooLarge',
      undefined,
      `${length} bytes; maxReplyBytes is ${this.#options.maxReplyBytes}`,
    );
  }

  #ping(): Instant {
    const writer = new JuteWriter(8);
    writer.int32(reservedXid.ping);
    writer.int32(opcode.ping);
    this.#write(writer.toFrame());
    return { monotonicMs: this.#traffic.sentMs, wallMs: this.#sentWallMs };
  }
}
