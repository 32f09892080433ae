/**
 * One native object, which is one connection: a session outlives it and takes the next. Here are the rules that keep the
 * process alive; each was learnt from a crash or a hang of the package's C library:
 *
 * - nothing happens on its stack: every callback leaves through `setImmediate`, for until the native call has returned, the
 *   number of a closed socket is free to be taken and still registered with libuv;
 * - after every request its state is read: a send that failed has closed the socket behind libuv's back, and the object must be
 *   closed in the same tick, before libuv looks;
 * - it is closed only where that does not end the session by accident, nor block: connected, closing says good-bye to the server
 *   and waits for the answer, so the server is asked first whether it is there;
 * - no watcher is given to it: its own leak for ever. It tells every change by one event.
 */
import { type Clock, type Instant, instant } from '../clock.js';
import type { Stat } from './client.js';
import { ZooKeeperError, type ZooKeeperErrorCode } from './errors.js';
import { Heartbeat, type Traffic } from './heartbeat.js';
import {
  closeCode,
  type NativeChange,
  type NativeHandle,
  type NativeModule,
  nativeState,
} from './native-binding.js';
import { authentication, existence } from './native-operations.js';
import {
  type NativeAnswer,
  type NativeOperation,
  NativeRequest,
  type NativeRequestParts,
} from './native-request.js';
import type { WatchTable } from './watch-table.js';

/** The session that connections share. */
export interface NativeSessionRecord {
  /** `'0'` before the first connection. */
  id: string;
  password: string;
  timeoutMs: number;
}

/** Who hears of a connection. Nothing is told from inside a call to it, but `ended` by {@link NativeConnection.send}. */
export interface NativeConnectionHost {
  /** It takes requests. `fresh`: a new native object, which knows of no watch. */
  opened(fresh: boolean): void;
  /** The server knew of us when this was sent. */
  acknowledged(sent: Instant): void;
  /** An answer showed this. */
  seen(stat: Stat): void;
  changed(change: NativeChange, serverPath: string, replayed: boolean): void;
  /** It may come back by itself; until then it takes no requests. */
  doubted(cause: Error): void;
  ended(reason: 'dropped' | 'expired' | 'authFailed', cause: Error): void;
}

export interface NativeConnectionOptions {
  readonly module: NativeModule;
  /** As the user named the server. */
  readonly server: string;
  /** Its address and port, without a name. */
  readonly address: string;
  readonly clock: Clock;
  readonly session: NativeSessionRecord;
  readonly watches: WatchTable;
  readonly identities: readonly { readonly scheme: string; readonly auth: string }[];
  readonly attemptTimeoutMs: number;
  readonly host: NativeConnectionHost;
}

/** Answers that say the connection is gone and the outcome unknown, and what that was. */
const LOSSES: Readonly<Record<number, ZooKeeperErrorCode | undefined>> = {
  [-2]: 'ProtocolViolation',
  [-4]: 'ConnectionLoss',
  [-7]: 'OperationTimeout',
  [-112]: 'SessionExpired',
  [-116]: 'ConnectionLoss',
  [-118]: 'SessionMoved',
};
const INVALID_STATE = -9;
const NO_NODE = -101;
const AUTH_FAILED = -115;
const CHANGES = ['created', 'deleted', 'changed', 'child'] as const;
const LARGEST_INT32 = 2_147_483_647;

/** The root is always there, and everybody may ask whether it is. */
const PING = existence('/', false);

const ignore = (): void => undefined;

export class NativeConnection {
  readonly #options: NativeConnectionOptions;
  readonly #handle: NativeHandle;
  readonly #pending = new Set<NativeRequest>();
  readonly #traffic: Traffic;
  #phase: 'connecting' | 'open' | 'doubted' | 'leaving' | 'over' = 'connecting';
  #fresh = true;
  #news: (() => void)[] = [];
  #interrupted = false;
  #heartbeat: Heartbeat | undefined;
  /** Since it was opened: when the newest acknowledged request was sent. */
  #acknowledged: Instant = { monotonicMs: 0, wallMs: 0 };
  readonly #attempt: unknown;
  #gone: () => void = ignore;
  /** Has answered something: the way to this server works. */
  proven = false;

  /** @throws ZooKeeperError when the attempt fails at once. */
  constructor(options: NativeConnectionOptions) {
    this.#options = options;
    const { module: Native, address, clock, session, identities, attemptTimeoutMs, host } = options;
    const zookeeper = new Native();
    this.#handle = zookeeper.native;
    zookeeper.on('connect', () => {
      this.#later(() => {
        this.#connected();
      });
    });
    zookeeper.on('connecting', () => {
      this.#later(() => {
        this.#interrupted = true;
      });
    });
    zookeeper.on('close', (_client, code) => {
      this.#later(() => {
        this.#closedItself(code);
      });
    });
    for (const change of CHANGES) {
      zookeeper.on(change, (_client, path) => {
        this.#later(() => {
          this.#traffic.receivedMs = clock.now();
          host.changed(change, path, this.#phase !== 'open');
        });
      });
    }
    this.#traffic = { sentMs: clock.now(), receivedMs: clock.now() };
    zookeeper.init({
      connect: address,
      timeout: session.timeoutMs,
      debug_level: 0,
      response_counter_limit: LARGEST_INT32,
      ...(session.id === '0' ? {} : { client_id: session.id, client_password: session.password }),
    });
    if (this.#handle.state === nativeState.none) {
      this.#handle.close();
      throw this.#fault('ConnectionLoss', 'the connection was refused');
    }
    // All of this waits for the connection, and fails with it: the native object tells of no attempt that failed.
    for (const { scheme, auth } of identities) this.#ask(authentication(scheme, auth), ignore);
    this.#probe(() => {
      this.#open();
    });
    this.#attempt = clock.setTimeout(() => {
      // Connected, it is the server's turn, and the native object's to lose patience.
      if (this.#phase === 'connecting' && this.#handle.state !== nativeState.connected)
        this.#end('dropped', this.#fault('OperationTimeout', `no answer within ${attemptTimeoutMs} ms`));
    }, attemptTimeoutMs);
  }

  /** Whether it takes requests. */
  get open(): boolean {
    return this.#phase === 'open';
  }

  get server(): string {
    return this.#options.server;
  }

  /** What has no answer yet, in the order of sending. */
  outstanding(): Iterable<NativeRequest> {
    return this.#pending;
  }

  /** Sends, and notices at once when that fails. */
  send(parts: NativeRequestParts): void {
    const request = new NativeRequest(parts);
    const { clock } = this.#options;
    // A native object that lost its server keeps what it is given for the next one; we do not.
    if (this.#phase === 'open' && this.#handle.state !== nativeState.connected) {
      request.fail('NotSent');
      this.#lost(this.#fault('ConnectionLoss', 'the connection was lost'));
      return;
    }
    request.sent = instant(clock);
    this.#traffic.sentMs = request.sent.monotonicMs;
    this.#pending.add(request);
    const refusal = request.operation.call(this.#handle, (code, answer) => {
      this.#later(() => {
        this.#settle(request, code, answer);
      });
    });
    if (refusal !== 0) {
      this.#pending.delete(request);
      if (refusal === INVALID_STATE) request.fail('NotSent');
      else request.failNumbered(refusal);
    }
    if (this.#phase !== 'connecting' && this.#handle.state === nativeState.sendFailed)
      this.#lost(this.#fault('ConnectionLoss', 'a request could not be sent'));
  }

  /** Fails what users wait for. */
  failAll(code: ZooKeeperErrorCode, cause: Error): void {
    for (const request of [...this.#pending]) {
      if (request.internal) continue;
      this.#pending.delete(request);
      request.fail(code, cause);
    }
  }

  /**
   * Ends the session, and this; `gone` is called when the server has heard it, or the connection is lost, which may be at once.
   * Until then it asks for an answer, for closing would block until there is one.
   */
  leave(gone: () => void = ignore): void {
    this.#gone = gone;
    if (this.#phase === 'leaving') return;
    if (this.#phase === 'over') {
      gone();
      return;
    }
    this.#stopTimers();
    this.#phase = 'leaving';
    if (this.#handle.state !== nativeState.connected) this.#finish();
    else {
      this.#probe(() => {
        this.#finish();
      });
    }
  }

  /** All that is done on the native stack. */
  #later(news: () => void): void {
    if (this.#news.push(news) > 1) return;
    setImmediate(() => {
      const all = this.#news;
      this.#news = [];
      for (const tell of all) tell();
      if (!this.#interrupted) return;
      // Last, for what the loss did to requests says more about it.
      this.#interrupted = false;
      this.#lost(this.#fault('ConnectionLoss', 'the connection was lost'));
    });
  }

  /** Asks for nothing but an answer. */
  #probe(answered: () => void): Instant {
    const sent = instant(this.#options.clock);
    this.#ask(PING, answered);
    return sent;
  }

  /** One of our own: whoever waits is not told of its failure, but of the connection's. */
  #ask(operation: NativeOperation, answered: () => void): void {
    this.send({
      operation,
      path: undefined,
      serverPath: '',
      internal: true,
      resolve: answered,
      reject: ignore,
    });
  }

  #connected(): void {
    // A second time without a word of the loss before: it went by itself, and what was asked with it.
    if (this.#phase === 'open') this.#lost(this.#fault('ConnectionLoss', 'the connection was lost'));
  }

  #open(): void {
    if (this.#phase !== 'connecting' && this.#phase !== 'doubted') return;
    const { clock, session, host } = this.#options;
    const { client_id: id, client_password: password, timeout } = this.#handle;
    if (timeout > 0) Object.assign(session, { id, password, timeoutMs: timeout });
    this.#stopTimers();
    this.#phase = 'open';
    this.#acknowledged = instant(clock);
    this.#heartbeat = new Heartbeat({
      clock,
      timeoutMs: session.timeoutMs,
      traffic: this.#traffic,
      acknowledged: () => this.#acknowledged,
      ping: () => this.#probe(() => this.#heartbeat?.pong()),
      oldestSentMs: () => this.#pending.values().next().value?.sent.monotonicMs,
      dead: (code, detail) => {
        this.#lost(this.#fault(code, detail));
      },
    });
    const fresh = this.#fresh;
    this.#fresh = false;
    host.opened(fresh);
  }

  #settle(request: NativeRequest, code: number, answer: NativeAnswer | undefined): void {
    if (!this.#pending.has(request)) return;
    const { host, watches } = this.#options;
    const loss = LOSSES[code];
    if (loss !== undefined) {
      this.#lost(this.#fault(loss, `the native client answered ${code}`));
      this.#pending.delete(request);
      return;
    }
    this.#pending.delete(request);
    if (code === AUTH_FAILED) {
      this.#end('authFailed', this.#fault('AuthFailed', 'the identity was refused'));
      request.fail(request.operation.name === 'addAuth' ? 'AuthFailed' : 'SessionEnded');
      return;
    }
    this.#traffic.receivedMs = this.#options.clock.now();
    this.proven = true;
    this.#acknowledged = request.sent;
    host.acknowledged(request.sent);
    const { operation, watcher, serverPath } = request;
    if (code === NO_NODE && operation.absentWatch !== undefined) {
      if (watcher !== undefined) watches.add(operation.absentWatch, serverPath, watcher);
      request.resolve(null);
    } else if (code !== 0 || answer === undefined) {
      request.failNumbered(code);
    } else {
      if (answer.stat !== undefined) host.seen(answer.stat);
      if (operation.watch !== undefined && watcher !== undefined)
        watches.add(operation.watch, serverPath, watcher);
      if (answer.value instanceof ZooKeeperError) request.reject(answer.value);
      else request.resolve(answer.value);
    }
  }

  /** The connection is gone, or not to be believed. */
  #lost(cause: Error): void {
    switch (this.#phase) {
      case 'over':
        return;
      case 'leaving':
        this.#finish();
        return;
      case 'connecting':
      case 'open':
      case 'doubted':
        if (this.#handle.state !== nativeState.connected) this.#end('dropped', cause);
        else this.#doubt(cause);
    }
  }

  /**
   * The native object holds on to a connection that we do not believe in, or has one again already: closing it would end the
   * session. Whether it is good for anything, an answer will say; every request gets one, or fails.
   */
  #doubt(cause: Error): void {
    this.#stopTimers();
    if (this.#phase === 'open') {
      this.#phase = 'doubted';
      this.#options.host.doubted(cause);
    }
    this.#pending.clear();
    this.#probe(() => {
      this.#open();
    });
  }

  #end(reason: 'dropped' | 'expired' | 'authFailed', cause: Error): void {
    if (this.#phase === 'over') return;
    const leaving = this.#phase === 'leaving';
    this.#finish();
    if (!leaving) this.#options.host.ended(reason, cause);
  }

  #closedItself(code: number): void {
    if (code === closeCode.expired)
      this.#end('expired', this.#fault('SessionExpired', 'the server does not know the session any more'));
    else if (code === closeCode.authFailed)
      this.#end('authFailed', this.#fault('AuthFailed', 'the identity was refused'));
  }

  #finish(): void {
    this.#stopTimers();
    this.#phase = 'over';
    this.#handle.close();
    this.#gone();
  }

  #stopTimers(): void {
    this.#heartbeat?.stop();
    this.#options.clock.clearTimeout(this.#attempt);
  }

  #fault(code: ZooKeeperErrorCode, detail: string): ZooKeeperError {
    return new ZooKeeperError(code, 'connection', undefined, { detail: `${this.server}: ${detail}` });
  }
}
