/**
 * The client over the npm package `zookeeper` 7.3.0, behind the same port as the wire client. The package is an optional peer,
 * named in this file only. It can do less, and has faults of its own: `docs/native-client.md` says which, and when to use it.
 */
import { lookup } from 'node:dns/promises';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import type { Instant } from '../clock.js';
import {
  aclFault,
  createFault,
  dataFault,
  deadlineFault,
  isSequential,
  optionsFault,
  refuse,
  versionFault,
} from './arguments.js';
import type {
  Acl,
  ClientCapabilities,
  ClientFactory,
  ClientOptions,
  ConnectionState,
  Created,
  CreateOptions,
  Stat,
  TransactionOperation,
  TransactionResult,
  Watcher,
  ZooKeeperClient,
} from './client.js';
import { OPEN_ACL } from './client.js';
import { ZooKeeperError } from './errors.js';
import { FirstConnection } from './first-connection.js';
import type { NativeModule } from './native-binding.js';
import {
  authentication,
  catchingUp,
  creation,
  deletion,
  existence,
  listing,
  permissions,
  permitting,
  reading,
  writing,
} from './native-operations.js';
import type { NativeOperation } from './native-request.js';
import { type LookUp, type NativeIdentity, NativeSession } from './native-session.js';
import { pathFault, withChroot } from './znode-path.js';

const capabilities: ClientCapabilities = {
  aclOnCreate: false,
  multi: false,
  removeWatches: false,
  addWatch: false,
  create2: false,
  container: true,
  ttl: true,
  tls: false,
  childProcessSafe: false,
};

const CLOSE_DEADLINE_MS = 2_000;
/** The binding hands a time to live over as 32 bits. */
const LONGEST_TTL_MS = 2_147_483_647;
const USE_THE_OTHER = 'use the wire client (leave `client` out of connect())';

/** How to find the npm package. */
export interface NativeClientOptions {
  /**
   * What `zookeeper` exports, where this package cannot find it by itself: `import ZooKeeper from 'zookeeper'`.
   * Default: looked up by that name.
   */
  readonly zookeeper?: unknown;
}

/**
 * Makes clients over the npm package `zookeeper`: `connect('…', { client: nativeClient() })`.
 *
 * **It can do less than the default client, and some of its faults cannot be mended from outside**: start no child processes
 * while connected, and use it in the main thread only.
 *
 * @throws ZooKeeperError `NotSupported` when the package is not installed or not built, or this is no main thread; its message
 * names the remedy. The factory throws `BadArguments` for options that cannot be meant.
 */
export function nativeClient({ zookeeper }: NativeClientOptions = {}): ClientFactory {
  if (!isMainThread)
    throw notSupported(
      'nativeClient',
      `the npm package zookeeper brings the process down when a worker thread ends: ${USE_THE_OTHER}, or connect in the main thread`,
    );
  const module = zookeeper === undefined ? load() : zookeeper;
  if (typeof module !== 'function')
    throw notSupported(
      'nativeClient',
      `the option zookeeper is a ${typeof module}: give what "import ZooKeeper from 'zookeeper'" gives`,
    );
  return (options) => new NativeClient(module as NativeModule, options);
}

function load(): unknown {
  try {
    return createRequire(import.meta.url)('zookeeper');
  } catch (cause) {
    const missing = (cause as { readonly code?: unknown }).code === 'MODULE_NOT_FOUND';
    throw notSupported(
      'nativeClient',
      missing
        ? 'the npm package zookeeper is not installed: run npm install zookeeper@7.3.0 (on Linux it is compiled: make, g++ and python3 are needed)'
        : 'the npm package zookeeper is installed, but not built for this Node (was it installed with --ignore-scripts?): install make, g++ and python3, allow its install script, and run npm rebuild zookeeper',
      cause,
    );
  }
}

/** The addresses of a name, looked up off this thread: the package would do it on it. */
const lookUp: LookUp = async (name) =>
  isIP(name) === 0 ? (await lookup(name, { all: true })).map(({ address }) => address) : [name];

class NativeClient implements ZooKeeperClient {
  readonly capabilities = capabilities;
  readonly #session: NativeSession;
  readonly #first: FirstConnection;
  readonly #maxReplyBytes: number;

  constructor(module: NativeModule, options: ClientOptions) {
    const fault = optionsFault(options);
    if (fault !== undefined)
      throw new ZooKeeperError('BadArguments', 'connect', undefined, { detail: fault });
    const identities = options.auth.map(({ scheme, auth }) => identityOf(scheme, auth));
    this.#session = new NativeSession(module, lookUp, options, identities);
    this.#first = new FirstConnection(this.#session, options);
    this.#maxReplyBytes = options.maxReplyBytes;
  }

  get state(): ConnectionState {
    return this.#session.state;
  }

  get sessionId(): string {
    return this.#session.sessionId;
  }

  get negotiatedTimeoutMs(): number {
    return this.#session.negotiatedTimeoutMs;
  }

  get lastAcknowledged(): Instant {
    return this.#session.lastAcknowledged;
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    return this.#session.listen(listener);
  }

  connect(options: { readonly deadlineMs: number; readonly signal?: AbortSignal }): Promise<void> {
    return this.#first.make(options);
  }

  create(path: string, data: Uint8Array, options: CreateOptions = {}): Promise<Created> {
    const { mode = 'persistent', acl = OPEN_ACL, ttlMs } = options;
    const fault =
      createFault(mode, ttlMs) ?? pathFault(path, isSequential(mode)) ?? dataFault(data) ?? aclFault(acl);
    if (fault !== undefined) return refuse('create', path, fault);
    if (!isOpen(acl))
      return this.#unable('create', 'applies no ACL when it creates a node: use setAcl after it, or', path);
    if (ttlMs !== undefined && ttlMs > LONGEST_TTL_MS)
      return this.#unable('create', `knows no time to live above ${LONGEST_TTL_MS} ms: give less, or`, path);
    const { chroot } = this.#session;
    return this.#send(creation(withChroot(chroot, path), data, mode, ttlMs, chroot), path);
  }

  delete(path: string, version: number): Promise<void> {
    const fault = pathFault(path) ?? versionFault(version);
    if (fault !== undefined) return refuse('delete', path, fault);
    return this.#send(deletion(this.#serverPath(path), version), path);
  }

  exists(path: string, watcher?: Watcher): Promise<Stat | null> {
    const fault = pathFault(path);
    if (fault !== undefined) return refuse('exists', path, fault);
    return this.#send(existence(this.#serverPath(path), watcher !== undefined), path, watcher);
  }

  getData(path: string, watcher?: Watcher): Promise<{ data: Uint8Array; stat: Stat }> {
    const fault = pathFault(path);
    if (fault !== undefined) return refuse('getData', path, fault);
    const operation = reading(this.#serverPath(path), watcher !== undefined, this.#maxReplyBytes);
    return this.#send(operation, path, watcher);
  }

  setData(path: string, data: Uint8Array, version: number): Promise<Stat> {
    const fault = pathFault(path) ?? dataFault(data) ?? versionFault(version);
    if (fault !== undefined) return refuse('setData', path, fault);
    return this.#send(writing(this.#serverPath(path), data, version), path);
  }

  getChildren(path: string, watcher?: Watcher): Promise<{ children: string[]; stat: Stat }> {
    const fault = pathFault(path);
    if (fault !== undefined) return refuse('getChildren', path, fault);
    const operation = listing(this.#serverPath(path), watcher !== undefined, this.#maxReplyBytes);
    return this.#send(operation, path, watcher);
  }

  getAcl(path: string): Promise<{ acl: Acl[]; stat: Stat }> {
    const fault = pathFault(path);
    if (fault !== undefined) return refuse('getAcl', path, fault);
    return this.#send(permissions(this.#serverPath(path)), path);
  }

  setAcl(path: string, acl: readonly Acl[], version: number): Promise<Stat> {
    const fault = pathFault(path) ?? aclFault(acl) ?? versionFault(version);
    if (fault !== undefined) return refuse('setAcl', path, fault);
    // The binding keeps the answer's stat to itself; what is read right behind it shows it or what came later.
    const setting = this.#send<undefined>(permitting(this.#serverPath(path), acl, version), path);
    const reading = this.#send<Stat | null>(existence(this.#serverPath(path), false), path);
    return Promise.all([setting, reading]).then(([, stat]) => {
      if (stat === null) throw new ZooKeeperError('NoNode', 'setAcl', path, { outcome: 'unknown' });
      return stat;
    });
  }

  sync(path: string): Promise<void> {
    const fault = pathFault(path);
    if (fault !== undefined) return refuse('sync', path, fault);
    return this.#send(catchingUp(this.#serverPath(path)), path);
  }

  multi(_operations: readonly TransactionOperation[]): Promise<TransactionResult[]> {
    return this.#unable('multi', 'has no transactions:');
  }

  addWatch(path: string, _mode: 'persistent' | 'persistentRecursive', _watcher: Watcher): Promise<void> {
    return this.#unable('addWatch', 'has one-shot watches only: set one with every read, or', path);
  }

  removeWatch(path: string, watcher: Watcher): void {
    if (pathFault(path) === undefined) this.#session.forget(this.#serverPath(path), watcher);
  }

  addAuth(scheme: string, auth: Uint8Array): Promise<void> {
    const fault = dataFault(auth);
    if (fault !== undefined) return refuse('addAuth', undefined, fault);
    let identity: NativeIdentity;
    try {
      identity = identityOf(scheme, auth);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is one of ours
      return Promise.reject(error);
    }
    if (this.#session.connection !== undefined) this.#session.addIdentity(identity);
    return this.#send(authentication(identity.scheme, identity.auth), undefined);
  }

  close({ deadlineMs = CLOSE_DEADLINE_MS }: { readonly deadlineMs?: number } = {}): Promise<void> {
    const fault = deadlineFault(deadlineMs);
    if (fault !== undefined)
      return Promise.reject(new ZooKeeperError('BadArguments', 'close', undefined, { detail: fault }));
    return this.#session.close(deadlineMs);
  }

  #serverPath(path: string): string {
    return withChroot(this.#session.chroot, path);
  }

  #send<T>(operation: NativeOperation, path: string | undefined, watcher?: Watcher): Promise<T> {
    const { connection } = this.#session;
    if (connection === undefined)
      return Promise.reject(
        new ZooKeeperError(this.#session.over ? 'Closed' : 'NotSent', operation.name, path),
      );
    return new Promise((resolve, reject) => {
      connection.send({
        operation,
        path,
        serverPath: path === undefined ? '' : this.#serverPath(path),
        watcher,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
    });
  }

  #unable(operation: string, what: string, path?: string): Promise<never> {
    if (this.#session.over) return Promise.reject(new ZooKeeperError('Closed', operation, path));
    return Promise.reject(
      notSupported(operation, `the native client ${what} ${USE_THE_OTHER}`, undefined, path),
    );
  }
}

function notSupported(operation: string, detail: string, cause?: unknown, path?: string): ZooKeeperError {
  return new ZooKeeperError('NotSupported', operation, path, { detail, cause });
}

function isOpen(acl: readonly Acl[]): boolean {
  const [first, ...others] = acl;
  const [open] = OPEN_ACL;
  return (
    others.length === 0 &&
    first?.permissions === open?.permissions &&
    first?.scheme === open?.scheme &&
    first?.id === open?.id
  );
}

/** @throws ZooKeeperError `NotSupported` for bytes that are no text. */
function identityOf(scheme: string, auth: Uint8Array): NativeIdentity {
  if (typeof scheme !== 'string' || scheme === '')
    throw new ZooKeeperError('BadArguments', 'addAuth', undefined, {
      detail: 'the scheme is empty; it is a word like "digest"',
    });
  try {
    return { scheme, auth: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(auth) };
  } catch {
    // Without its cause: that might show the secret.
    throw notSupported('addAuth', `the native client takes identities as UTF-8 text only: ${USE_THE_OTHER}`);
  }
}
