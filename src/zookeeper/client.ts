/**
 * The port: what a lock needs of a ZooKeeper client. One object is one ZooKeeper session; when that is over the
 * object is over, and nothing resurrects it (T36).
 *
 * Rules every implementation keeps, and `test/contract/` checks:
 * - requests issued without awaiting are served in the order they were issued;
 * - a request issued while there is no connection rejects with `NotSent`; nothing is queued for later;
 * - every promise settles: with the answer, or with a {@link ZooKeeperError} that says whether the outcome is known;
 * - no callback and no promise continuation runs inside the call that caused it, nor on a transport's stack;
 * - a watch event is delivered before the answer to any later request that could show the change.
 */
import type { Clock, Instant } from '../clock.js';

/** A znode's stat, with 64-bit numbers as `bigint`. */
export interface Stat {
  /** Transaction that created the node: unique, and growing over the whole ensemble. */
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly pzxid: bigint;
  /** Creation time by the leader's wall clock, epoch milliseconds. */
  readonly ctimeMs: number;
  /** Time of the last data change by the leader's wall clock, epoch milliseconds. */
  readonly mtimeMs: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** The owning session as {@link ZooKeeperClient.sessionId} writes it; `'0'` for none. */
  readonly ephemeralOwner: string;
  readonly dataLength: number;
  readonly numChildren: number;
}

/** What to make. `container` goes when its last child has; `…WithTtl` goes when unchanged and childless for `ttlMs`. */
export type CreateMode =
  | 'persistent'
  | 'persistentSequential'
  | 'ephemeral'
  | 'ephemeralSequential'
  | 'container'
  | 'persistentWithTtl'
  | 'persistentSequentialWithTtl';

/** A permission entry. `permissions` is the protocol's bit set: 1 read, 2 write, 4 create, 8 delete, 16 admin. */
export interface Acl {
  readonly permissions: number;
  /** `world`, `auth`, `digest`, `ip`, `x509`, `sasl`, … */
  readonly scheme: string;
  readonly id: string;
}

/** Everybody may do everything: what is used where no ACL is given. */
export const OPEN_ACL: readonly Acl[] = [{ permissions: 31, scheme: 'world', id: 'anyone' }];

/** What happened to a watched node. */
export interface WatchEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged';
  /** The node's path, without the chroot. */
  readonly path: string;
  /** The event was made up after a reconnect (by setWatches) and says that something changed, not when. */
  readonly replayed: boolean;
}

/** Called once for a one-shot watch, many times for a persistent one. It must not throw. */
export type Watcher = (event: WatchEvent) => void;

/** Where a client stands. `lost` and `closed` are final. */
export type ConnectionState =
  | { readonly kind: 'connecting' }
  | {
      readonly kind: 'connected';
      readonly sessionId: string;
      readonly negotiatedTimeoutMs: number;
      /** Connected before with the same session: every watch may have been missed; look again at everything. */
      readonly resumed: boolean;
      /** `host:port` of the server. */
      readonly server: string;
    }
  | { readonly kind: 'suspended'; readonly cause: ZooKeeperFailure }
  | { readonly kind: 'lost'; readonly reason: 'expired' | 'authFailed'; readonly cause: ZooKeeperFailure }
  | { readonly kind: 'closed' };

/** Why a connection or session went; kept as `cause` of what follows. */
export type ZooKeeperFailure = Error;

/** What a client can do beyond the least. What it cannot is refused with `NotSupported`. */
export interface ClientCapabilities {
  /** ACLs are applied in the same request that creates the node. */
  readonly aclOnCreate: boolean;
  readonly multi: boolean;
  readonly removeWatches: boolean;
  readonly addWatch: boolean;
  /** `create` answers with a stat. */
  readonly create2: boolean;
  readonly container: boolean;
  readonly ttl: boolean;
  readonly tls: boolean;
  /** The process may start child processes while connected (the native client's socket is inherited). */
  readonly childProcessSafe: boolean;
}

/** One operation of a transaction. Versions: −1 is any. */
export type TransactionOperation =
  | {
      readonly type: 'create';
      readonly path: string;
      readonly data?: Uint8Array;
      readonly mode?: CreateMode;
      readonly acl?: readonly Acl[];
      readonly ttlMs?: number;
    }
  | { readonly type: 'delete'; readonly path: string; readonly version?: number }
  | { readonly type: 'setData'; readonly path: string; readonly data: Uint8Array; readonly version?: number }
  | { readonly type: 'check'; readonly path: string; readonly version?: number };

/** The result of the operation at the same index. */
export type TransactionResult =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat | null }
  | { readonly type: 'delete' }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'check' };

/** How to make a node. */
export interface CreateOptions {
  /** Default `persistent`. */
  readonly mode?: CreateMode;
  /** Default {@link OPEN_ACL}. */
  readonly acl?: readonly Acl[];
  /** For the TTL modes: milliseconds, 1 to 2^40 − 1. */
  readonly ttlMs?: number;
}

/** What a node of ours became. */
export interface Created {
  /** The full path, with the sequence number if there is one. */
  readonly path: string;
  /** `null` from a client without `create2`. */
  readonly stat: Stat | null;
}

/** A way to one ZooKeeper session. */
export interface ZooKeeperClient {
  readonly capabilities: ClientCapabilities;
  readonly state: ConnectionState;
  /** Unsigned hex without leading zeros; `'0'` before the first connect. */
  readonly sessionId: string;
  /** What the server granted, milliseconds; what was asked for before the first connect. */
  readonly negotiatedTimeoutMs: number;
  /** When the newest acknowledged request (a ping included) was *sent*: the server knew of us at least then. */
  readonly lastAcknowledged: Instant;

  /** Tells of every later state. Returns the way to stop. Calls come in order and never from inside a method. */
  onState(listener: (state: ConnectionState) => void): () => void;

  /**
   * Starts connecting, and keeps trying; later losses reconnect by themselves. Resolves when first connected;
   * rejects when that has not happened after `deadlineMs` (the client is then closed), when the session is
   * refused, or with the signal's reason.
   */
  connect(options: { readonly deadlineMs: number; readonly signal?: AbortSignal }): Promise<void>;

  create(path: string, data: Uint8Array, options?: CreateOptions): Promise<Created>;
  /** `version` −1 deletes whatever version is there. */
  delete(path: string, version: number): Promise<void>;
  /** `null` when there is no such node; with a watcher, its creation is then watched. */
  exists(path: string, watcher?: Watcher): Promise<Stat | null>;
  /** Rejects with `NoNode`, and leaves no watch, when there is no such node. */
  getData(path: string, watcher?: Watcher): Promise<{ data: Uint8Array; stat: Stat }>;
  setData(path: string, data: Uint8Array, version: number): Promise<Stat>;
  /** Names, not paths, in no order, in a list that is the caller's to change; and the parent's stat. */
  getChildren(path: string, watcher?: Watcher): Promise<{ children: string[]; stat: Stat }>;
  getAcl(path: string): Promise<{ acl: Acl[]; stat: Stat }>;
  setAcl(path: string, acl: readonly Acl[], version: number): Promise<Stat>;
  /** The server we talk to catches up with the leader; a read issued after it sees all that was committed before. */
  sync(path: string): Promise<void>;
  /** All or nothing. The error's `failedIndex` names the operation that failed. */
  multi(operations: readonly TransactionOperation[]): Promise<TransactionResult[]>;
  /** Watches until removed. After a reconnect it replays nothing: look again at everything. */
  addWatch(path: string, mode: 'persistent' | 'persistentRecursive', watcher: Watcher): Promise<void>;
  /**
   * Forgets a watcher given before, of any kind, and tells the server when it was the last of its kind on the path.
   * Never rejects: a watch that cannot be removed can only fire to nobody.
   */
  removeWatch(path: string, watcher: Watcher): void;
  /** Adds an identity (scheme `digest`: `user:password`); sent again on every reconnect. Rejects with `AuthFailed`. */
  addAuth(scheme: string, auth: Uint8Array): Promise<void>;

  /**
   * Ends the session: its ephemerals go at once if the server hears it, else when the session expires. Resolves when
   * said and heard, or after `deadlineMs` (default 2,000). Outstanding requests reject with `SessionEnded`, later ones with `Closed`.
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

/** What a client is made from. */
export interface ClientOptions {
  readonly connectString: string;
  /** Asked of the server, which may grant less or more. */
  readonly sessionTimeoutMs: number;
  readonly maxReplyBytes: number;
  readonly auth: readonly { readonly scheme: string; readonly auth: Uint8Array }[];
  readonly clock: Clock;
  /** A number in [0, 1): chooses the order of hosts and the spread of retries. */
  readonly random: () => number;
  readonly tls?: TlsOptions;
}

/** Handed on to `node:tls` as they are, but for a `socket`, which is refused; typed loosely here because a page has no `node:tls`. */
export type TlsOptions = Readonly<Record<string, unknown>>;

/** Makes one client, not yet connecting. A session uses one after another. */
export type ClientFactory = (options: ClientOptions) => ZooKeeperClient;
