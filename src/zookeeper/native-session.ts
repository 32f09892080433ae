/**
 * One session over many native objects: which host is next and when, what every new object is asked to watch, and the states in
 * their order. It ends in `lost` or `closed` and stays there.
 */
import type { Instant } from '../clock.js';
import type { ClientOptions, ConnectionState, Stat, WatchEvent, Watcher } from './client.js';
import { parseConnectString } from './connect-string.js';
import { ZooKeeperError } from './errors.js';
import { HostRotation } from './host-rotation.js';
import type { NativeChange, NativeModule } from './native-binding.js';
import {
  NativeConnection,
  type NativeConnectionHost,
  type NativeSessionRecord,
} from './native-connection.js';
import { existence, listing } from './native-operations.js';
import type { NativeOperation } from './native-request.js';
import { WatchTable } from './watch-table.js';
import { withoutChroot } from './znode-path.js';

/** The addresses of a name. */
export type LookUp = (name: string) => Promise<readonly string[]>;

/** An identity as the native client takes it: text. */
export interface NativeIdentity {
  readonly scheme: string;
  readonly auth: string;
}

const typeOfChange: Readonly<Record<NativeChange, WatchEvent['type']>> = {
  created: 'created',
  deleted: 'deleted',
  changed: 'dataChanged',
  child: 'childrenChanged',
};

/** Until the server has granted one, the native client times itself by the session it asks for: of less, nothing comes. */
const LEAST_SESSION_MS = 500;

const NEVER: Instant = { monotonicMs: Number.NEGATIVE_INFINITY, wallMs: Number.NEGATIVE_INFINITY };

export class NativeSession implements NativeConnectionHost {
  readonly chroot: string;
  readonly watches = new WatchTable();
  readonly #module: NativeModule;
  readonly #lookUp: LookUp;
  readonly #options: ClientOptions;
  readonly #hosts: HostRotation;
  readonly #record: NativeSessionRecord;
  readonly #identities: NativeIdentity[];
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  readonly #whenOver: (() => void)[] = [];
  #state: ConnectionState = { kind: 'connecting' };
  #connection: NativeConnection | undefined;
  #lastAcknowledged = NEVER;
  #lookUps = 0;
  #pause: unknown;
  #everConnected = false;
  #closing = false;
  #lastFailure: Error | undefined;
  /** The newest transaction that any answer showed: what happened later may have been missed. */
  #seenZxid = 0n;
  /** While watches are set again: what had been seen when the connection went. */
  #missedSince: bigint | undefined;

  constructor(
    module: NativeModule,
    lookUp: LookUp,
    options: ClientOptions,
    identities: readonly NativeIdentity[],
  ) {
    const { hosts, chroot } = parseConnectString(options.connectString);
    this.chroot = chroot;
    this.#module = module;
    this.#lookUp = lookUp;
    this.#options = options;
    this.#hosts = new HostRotation(hosts, options.random);
    this.#record = { id: '0', password: '', timeoutMs: Math.max(LEAST_SESSION_MS, options.sessionTimeoutMs) };
    this.#identities = [...identities];
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
    return this.#lastAcknowledged;
  }

  /** Why the last connection or attempt failed. */
  get lastFailure(): Error | undefined {
    return this.#lastFailure;
  }

  /** The connection that takes requests now. */
  get connection(): NativeConnection | undefined {
    return this.#connection?.open === true && !this.#closing ? this.#connection : undefined;
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

  /** Tries the next host, unless the session is over. */
  start(): void {
    if (this.#connection !== undefined || this.over) return;
    const { host, port } = this.#hosts.next();
    this.#lookUp(host).then(
      (addresses) => {
        const address = addresses[this.#lookUps % addresses.length] ?? host;
        this.#lookUps += 1;
        this.#connect(`${host}:${port}`, `${address}:${port}`);
      },
      (cause: unknown) => {
        if (!this.over) this.#retry(cause instanceof Error ? cause : new Error(String(cause)));
      },
    );
  }

  /** From now on sent on every connect. */
  addIdentity(identity: NativeIdentity): void {
    this.#identities.push(identity);
  }

  /** Forgets a watcher, also one whose registration is still on its way. The server's watch stays until it fires, to nobody. */
  forget(path: string, watcher: Watcher): void {
    this.watches.forget(path, watcher);
    for (const request of this.#connection?.outstanding() ?? [])
      if (request.serverPath === path && request.watcher === watcher) request.watcher = undefined;
  }

  /** Says good-bye, and is over when that is heard, the connection goes, or `deadlineMs` passes. */
  close(deadlineMs: number): Promise<void> {
    if (this.#state.kind === 'lost' || this.#state.kind === 'closed') return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenOver.push(resolve);
      if (this.#closing) return;
      const polite = this.connection;
      this.#closing = true;
      const end = (): void => {
        this.#finish({ kind: 'closed' }, new ZooKeeperError('Closed', 'close'));
      };
      if (polite === undefined) {
        end();
        return;
      }
      const timer = this.#options.clock.setTimeout(end, deadlineMs);
      this.#whenOver.push(() => {
        this.#options.clock.clearTimeout(timer);
      });
      polite.leave(end);
    });
  }

  opened(fresh: boolean): void {
    const connection = this.#connection as NativeConnection;
    if (fresh) this.#watchAgain(connection);
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

  acknowledged(sent: Instant): void {
    this.#lastAcknowledged = sent;
  }

  seen({ czxid, mzxid, pzxid }: Stat): void {
    for (const zxid of [czxid, mzxid, pzxid]) if (zxid > this.#seenZxid) this.#seenZxid = zxid;
  }

  changed(change: NativeChange, serverPath: string, replayed: boolean): void {
    const type = typeOfChange[change];
    const path = withoutChroot(this.chroot, serverPath);
    if (path === undefined) return;
    for (const watcher of this.watches.take(type, serverPath)) {
      // A hop each: in order with the answers, and one that throws takes nobody along.
      queueMicrotask(() => {
        watcher({ type, path, replayed });
      });
    }
  }

  doubted(cause: Error): void {
    this.#lastFailure = cause;
    if (this.#state.kind === 'connected') this.#become({ kind: 'suspended', cause });
    this.#connection?.failAll('ConnectionLoss', cause);
  }

  ended(reason: 'dropped' | 'expired' | 'authFailed', cause: Error): void {
    if (reason !== 'dropped') {
      this.#finish({ kind: 'lost', reason, cause }, cause);
      return;
    }
    if (this.#connection?.proven === true) this.#hosts.proven();
    this.#missedSince ??= this.#seenZxid;
    this.doubted(cause);
    this.#retry(cause);
  }

  #connect(server: string, address: string): void {
    if (this.over) return;
    try {
      this.#connection = new NativeConnection({
        module: this.#module,
        server,
        address,
        clock: this.#options.clock,
        session: this.#record,
        watches: this.watches,
        identities: this.#identities,
        attemptTimeoutMs: this.#hosts.attemptTimeoutMs(this.#record.timeoutMs),
        host: this,
      });
    } catch (cause) {
      this.#retry(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  #retry(cause: Error): void {
    this.#connection = undefined;
    this.#lastFailure = cause;
    // Never at once: the native object before this one is closed by libuv in its own time.
    this.#pause = this.#options.clock.setTimeout(() => {
      this.start();
    }, this.#hosts.failed(this.#record.timeoutMs) ?? 0);
  }

  /**
   * What setWatches does, by reading: a new native object knows of no watch. Who finds that something happened since the last
   * answer before the loss is told so, as of a replay; for everybody else the reading sets the watch.
   */
  #watchAgain(connection: NativeConnection): void {
    const since = this.#missedSince ?? this.#seenZxid;
    let awaited = 1;
    const done = (): void => {
      awaited -= 1;
      if (awaited === 0 && this.#connection === connection) this.#missedSince = undefined;
    };
    const look = (
      serverPath: string,
      operation: NativeOperation,
      judge: (found: Stat | null) => NativeChange | undefined,
    ): void => {
      awaited += 1;
      connection.send({
        operation,
        path: withoutChroot(this.chroot, serverPath),
        serverPath,
        internal: true,
        resolve: (found) => {
          const change = judge(statIn(found));
          if (change !== undefined) this.changed(change, serverPath, true);
          done();
        },
        // May not be read any more: whoever watched must look for himself.
        reject: () => {
          this.changed('deleted', serverPath, true);
          done();
        },
      });
    };
    for (const batch of this.watches.batches(Number.POSITIVE_INFINITY)) {
      for (const path of batch.dataWatches)
        look(path, existence(path, true), (found) =>
          found === null ? 'deleted' : found.mzxid > since ? 'changed' : undefined,
        );
      for (const path of batch.existsWatches)
        look(path, existence(path, true), (found) => (found === null ? undefined : 'created'));
      for (const path of batch.childWatches)
        look(path, { ...listing(path, true, Number.POSITIVE_INFINITY), absentWatch: 'exists' }, (found) =>
          found === null ? 'deleted' : found.pzxid > since ? 'child' : undefined,
        );
    }
    done();
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
    connection?.failAll('SessionEnded', cause);
    connection?.leave();
    for (const resolve of this.#whenOver.splice(0)) resolve();
  }
}

/** The stat in an answer of {@link existence} or {@link listing}. */
function statIn(found: unknown): Stat | null {
  if (found === null) return null;
  return (found as { readonly stat?: Stat }).stat ?? (found as Stat);
}
