/**
 * The default client: the ZooKeeper protocol over whatever the given {@link Dial} opens. Here are the port's
 * methods and the checks of their arguments; connections and reconnecting are in `wire-session.ts`.
 */
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
import { identitiesFault } from './authentication.js';
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
import { createKind, createOperations, operations, writeAcl, writeCreate } from './operations.js';
import { addWatchMode, opcode, reservedXid } from './records.js';
import { type Operation, Request } from './request.js';
import { readTransaction, writeTransaction } from './transaction.js';
import type { Dial } from './transport.js';
import { WireSession } from './wire-session.js';
import { pathFault, withChroot } from './znode-path.js';

const capabilities: ClientCapabilities = {
  aclOnCreate: true,
  multi: true,
  removeWatches: true,
  addWatch: true,
  create2: true,
  container: true,
  ttl: true,
  tls: true,
  childProcessSafe: true,
};

const CLOSE_DEADLINE_MS = 2_000;
/** Where the transaction ids begin; a test of their wrap begins near the end. */
const FIRST_XID = 1;

/**
 * Makes clients that reach their servers through `dial`: `socket.ts` has one for TCP and one for TLS, the embedded
 * server one that stays in memory. Given the same clock, chance and bytes, a client does the same things.
 * @throws ZooKeeperError `BadArguments` from the factory when the connect string cannot be meant.
 */
export function wireClient(
  dial: Dial,
  { firstXid = FIRST_XID }: { readonly firstXid?: number } = {},
): ClientFactory {
  return (options) => new WireClient(dial, options, firstXid);
}

class WireClient implements ZooKeeperClient {
  readonly capabilities = capabilities;
  readonly #session: WireSession;
  readonly #first: FirstConnection;
  readonly #creates: ReturnType<typeof createOperations>;

  constructor(dial: Dial, options: ClientOptions, firstXid: number) {
    const fault = optionsFault(options);
    if (fault !== undefined)
      throw new ZooKeeperError('BadArguments', 'connect', undefined, { detail: fault });
    this.#session = new WireSession(dial, options, firstXid);
    this.#first = new FirstConnection(this.#session, options);
    this.#creates = createOperations(this.#session.chroot);
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
    const operation = this.#creates[createKind(mode)];
    const serverPath = this.#begin(operation, path);
    writeCreate(this.#session.writer, serverPath, data, mode, acl, ttlMs);
    return this.#finish(operation, path, serverPath);
  }

  delete(path: string, version: number): Promise<void> {
    const fault = pathFault(path) ?? versionFault(version);
    if (fault !== undefined) return refuse('delete', path, fault);
    const serverPath = this.#beginWithPath(operations.delete, path);
    this.#session.writer.int32(version);
    return this.#finish(operations.delete, path, serverPath);
  }

  exists(path: string, watcher?: Watcher): Promise<Stat | null> {
    return this.#read(operations.exists, path, watcher);
  }

  getData(path: string, watcher?: Watcher): Promise<{ data: Uint8Array; stat: Stat }> {
    return this.#read(operations.getData, path, watcher);
  }

  getChildren(path: string, watcher?: Watcher): Promise<{ children: string[]; stat: Stat }> {
    return this.#read(operations.getChildren, path, watcher);
  }

  setData(path: string, data: Uint8Array, version: number): Promise<Stat> {
    const fault = pathFault(path) ?? dataFault(data) ?? versionFault(version);
    if (fault !== undefined) return refuse('setData', path, fault);
    const serverPath = this.#beginWithPath(operations.setData, path);
    this.#session.writer.bytes(data);
    this.#session.writer.int32(version);
    return this.#finish(operations.setData, path, serverPath);
  }

  getAcl(path: string): Promise<{ acl: Acl[]; stat: Stat }> {
    const fault = pathFault(path);
    if (fault !== undefined) return refuse('getAcl', path, fault);
    return this.#finish(operations.getAcl, path, this.#beginWithPath(operations.getAcl, path));
  }

  setAcl(path: string, acl: readonly Acl[], version: number): Promise<Stat> {
    const fault = pathFault(path) ?? aclFault(acl) ?? versionFault(version);
    if (fault !== undefined) return refuse('setAcl', path, fault);
    const serverPath = this.#beginWithPath(operations.setAcl, path);
    writeAcl(this.#session.writer, acl);
    this.#session.writer.int32(version);
    return this.#finish(operations.setAcl, path, serverPath);
  }

  sync(path: string): Promise<void> {
    const fault = pathFault(path);
    if (fault !== undefined) return refuse('sync', path, fault);
    return this.#finish(operations.sync, path, this.#beginWithPath(operations.sync, path));
  }

  multi(parts: readonly TransactionOperation[]): Promise<TransactionResult[]> {
    for (const [index, part] of parts.entries()) {
      const fault = partFault(part);
      if (fault !== undefined) return refuse('multi', part.path, fault, index);
    }
    const { chroot } = this.#session;
    const copy = [...parts];
    const operation: Operation = {
      name: 'multi',
      type: opcode.multi,
      decode: (reader) => readTransaction(reader, copy, chroot),
    };
    this.#begin(operation, '/');
    writeTransaction(this.#session.writer, copy, chroot);
    return this.#finish(operation, undefined, '');
  }

  addWatch(path: string, mode: 'persistent' | 'persistentRecursive', watcher: Watcher): Promise<void> {
    const fault =
      pathFault(path) ?? (Object.hasOwn(addWatchMode, mode) ? undefined : `cannot be watched as ${mode}`);
    if (fault !== undefined) return refuse('addWatch', path, fault);
    const operation = mode === 'persistent' ? operations.addPersistentWatch : operations.addRecursiveWatch;
    const serverPath = this.#beginWithPath(operation, path);
    this.#session.writer.int32(addWatchMode[mode]);
    return this.#finish(operation, path, serverPath, watcher);
  }

  removeWatch(path: string, watcher: Watcher): void {
    if (pathFault(path) !== undefined) return;
    const serverPath = withChroot(this.#session.chroot, path);
    for (const type of this.#session.forget(serverPath, watcher)) {
      if (this.#session.connection === undefined) return;
      this.#beginWithPath(operations.removeWatches, path);
      this.#session.writer.int32(type);
      this.#finish(operations.removeWatches, path, serverPath).catch(() => undefined);
    }
  }

  addAuth(scheme: string, auth: Uint8Array): Promise<void> {
    const session = this.#session;
    const identity = { scheme, auth };
    const detail = identitiesFault([...session.identities, identity]);
    if (detail !== undefined)
      return Promise.reject(new ZooKeeperError('BadArguments', 'addAuth', undefined, { detail }));
    const { connection } = session;
    if (connection === undefined) return this.#refuseUnsent('addAuth', undefined);
    const { operation, frame } = session.addIdentity(identity);
    return new Promise((resolve, reject) => {
      const settle = resolve as (value: unknown) => void;
      const request = new Request(operation, undefined, '', undefined, settle, reject);
      request.xid = reservedXid.auth;
      connection.send(request, frame);
    });
  }

  close({ deadlineMs = CLOSE_DEADLINE_MS }: { readonly deadlineMs?: number } = {}): Promise<void> {
    const fault = deadlineFault(deadlineMs);
    if (fault !== undefined)
      return Promise.reject(new ZooKeeperError('BadArguments', 'close', undefined, { detail: fault }));
    return this.#session.close(deadlineMs);
  }

  #read<T>(operation: Operation, path: string, watcher: Watcher | undefined): Promise<T> {
    const fault = pathFault(path);
    if (fault !== undefined) return refuse(operation.name, path, fault);
    const serverPath = this.#beginWithPath(operation, path);
    this.#session.writer.boolean(watcher !== undefined);
    return this.#finish(operation, path, serverPath, watcher);
  }

  /** Starts the message; the body follows, then {@link WireClient.#finish}, without anything in between. */
  #begin(operation: Operation, path: string): string {
    const { writer } = this.#session;
    writer.clear();
    writer.int32(this.#session.nextXid); // taken when the request is sent
    writer.int32(operation.type);
    return withChroot(this.#session.chroot, path);
  }

  #beginWithPath(operation: Operation, path: string): string {
    const serverPath = this.#begin(operation, path);
    this.#session.writer.string(serverPath);
    return serverPath;
  }

  #finish<T>(
    operation: Operation,
    path: string | undefined,
    serverPath: string,
    watcher?: Watcher,
  ): Promise<T> {
    const session = this.#session;
    const { connection } = session;
    if (connection === undefined) return this.#refuseUnsent(operation.name, path);
    return new Promise((resolve, reject) => {
      const request = new Request(
        operation,
        path,
        serverPath,
        watcher,
        resolve as (value: unknown) => void,
        reject,
      );
      request.xid = session.takeXid();
      connection.send(request, session.writer.toFrame());
    });
  }

  #refuseUnsent(operation: string, path: string | undefined): Promise<never> {
    return Promise.reject(new ZooKeeperError(this.#session.over ? 'Closed' : 'NotSent', operation, path));
  }
}

function partFault(part: TransactionOperation): string | undefined {
  switch (part.type) {
    case 'create': {
      const { data, mode = 'persistent', acl, ttlMs } = part;
      return (
        createFault(mode, ttlMs) ??
        pathFault(part.path, isSequential(mode)) ??
        (data === undefined ? undefined : dataFault(data)) ??
        (acl === undefined ? undefined : aclFault(acl))
      );
    }
    case 'setData':
      return pathFault(part.path) ?? dataFault(part.data) ?? versionFault(part.version ?? -1);
    case 'delete':
    case 'check':
      return pathFault(part.path) ?? versionFault(part.version ?? -1);
    default:
      return `was given an operation of type ${String((part as { type: unknown }).type)}`;
  }
}
