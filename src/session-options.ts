/** What people give a session, and what it hands out. Types only. */
import type { Clock } from './clock.js';
import type { LockInspector, OwnerContextStore } from './lock.js';
import type { Acl, ClientFactory, TlsOptions } from './zookeeper/client.js';
import type { Logger } from './zookeeper/session-port.js';

/** How to connect. Times in milliseconds. */
export interface ConnectOptions {
  /** Asked of the server, which grants between 2 and 20 of its ticks (4 to 40 s by default). Default 15,000. */
  readonly sessionTimeoutMs?: number;
  /** How long an ensemble may stay unreachable before whoever waits hears `CONNECTION_FAILED`. Default 30,000. */
  readonly connectTimeoutMs?: number;
  /**
   * Options for `node:tls` (`ca`, `cert`, `key`, …); the connection is then encrypted, and the server's certificate and name are
   * checked. A server that fails the check counts as unreachable: whoever waits hears `CONNECTION_FAILED`, with the reason as its cause.
   */
  readonly tls?: TlsOptions;
  /**
   * Who we are, proved on every connection before anything else is asked. `{ scheme: 'sasl', auth: 'user:password' }` is SASL
   * DIGEST-MD5: a wrong password ends the session (`lost`, reason `authFailed`). `{ scheme: 'digest', auth: 'user:password' }` is
   * ZooKeeper's own: no server knows a wrong password, it only makes another identity. **It sends the password as it is: use TLS.**
   */
  readonly auth?: readonly { readonly scheme: string; readonly auth: string | Uint8Array }[];
  /** Another client: `embedded.client()`, `nativeClient()` from `holdfast/native` (docs/native-client.md), or one of your own. Default: the wire client. */
  readonly client?: ClientFactory;
  /** By how much the rates of this clock and the server's may differ. Default 0.01. */
  readonly clockDrift?: number;
  /** Taken off the validity bound; 0 is enough on a standalone server. Default: the larger of 2,000 and a tenth of the session, at most a quarter. */
  readonly guardMs?: number;
  /**
   * Whose answers say that the session lives. `ping` (default): the server we talk to; through a follower that is cut off from
   * its leader the bound may then come too late, by the server's `syncLimit` (docs/guarantees.md). `quorum`: a transaction through the
   * leader every tenth of the session, which closes that gap, at the price of that many writes per session.
   */
  readonly heartbeat?: 'ping' | 'quorum';
  /** With `heartbeat: 'quorum'`: the servers' `tickTime`, or more. Default 2,000, and never more than half a session. */
  readonly tickMs?: number;
  /** Larger answers are refused with a typed error. Default 16 MiB. */
  readonly maxReplyBytes?: number;
  /** Default: the machine's. A test brings its own. */
  readonly clock?: Clock;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Hears what every lock's machine does: `inspectLocks().inspect` of `holdfast/inspect`. */
  readonly inspect?: LockInspector;
}

/** How whatever is acquired behaves. Times in milliseconds. */
export interface RecipeOptions {
  /** The owner of acquisitions that name none. */
  readonly owner?: string;
  /** From asking to `LOCK_TIMEOUT`. Default: for ever. */
  readonly timeoutMs?: number;
  /**
   * What ends a held lock when the connection goes: `bounded` (default) the validity bound; `standard` the loss itself;
   * `session` only the session's end, which may be after somebody else was granted the lock: rely on the token then.
   */
  readonly onSuspend?: 'bounded' | 'standard' | 'session';
  /** Permissions of the claims, and of the parents that are made. Default: everybody may do everything. */
  readonly acl?: readonly Acl[];
}

/** How a candidacy behaves. */
export interface ElectionOptions extends Omit<RecipeOptions, 'owner'> {
  /** What others see of this candidate, in Curator as well. Default: host and process id. */
  readonly id?: string;
}

/** How a barrier behaves: how long is waited at most, and who may do what to its znodes. */
export type BarrierMakingOptions = Pick<RecipeOptions, 'timeoutMs' | 'acl'>;

/** How a lock behaves. Times in milliseconds. */
export interface LockOptions extends RecipeOptions {
  /** The claim goes with its session. With `false` it outlives it: see {@link DurableLockOptions}. */
  readonly ephemeral?: true;
  /** The lock ends by itself so long after each grant, unless renewed. Default: it does not. */
  readonly ttlMs?: number;
  /** Which entry of `context` names the owner. */
  readonly ownerKey?: string;
  /** Where to look for the owner when a call names none: an `AsyncLocalStorage`, whose store has an entry `ownerKey`. */
  readonly ownerContext?: OwnerContextStore;
  /**
   * What a second acquisition of one owner through this object gets: `reject` (default) `ALREADY_OWN_LOCK`, which carries the lease
   * he has; `count` the same grant: each acquisition is released for itself, the claim goes with the last, a loss ends
   * all, and a time to live goes on counting from the first.
   */
  readonly reentrancy?: 'reject' | 'count';
  /**
   * **Prefers this process: others wait longer.** Acquisitions of one session at one path share a claim, and each hands it on to
   * the next without asking the server, at most `max` times (1 to 1,023) in a row; then it is given up, and whoever waits
   * outside has his turn, also when nobody does. Each has a lease and a fencing token of its own. The claim says the owner of
   * whoever made it, so that is whom others see. Only those with the same `max` and `acl` share. Not with `ttlMs`. Default: off.
   */
  readonly localHandover?: { readonly max: number };
  /**
   * After a holder that ended without releasing (its session was lost, its claim deleted, its process killed, its time to live over), nobody is told
   * `held` before so much time has passed since he found out, by his own clock; after a clean release there is no delay. For
   * work that goes on for a while after its lock is gone, and cannot be refused by its fencing token. It takes that all who ask for the path do so with this
   * option (each has its own time; 0 waits for nobody, and lets others wait): whoever does not, and any other client, leaves no mark
   * when it ends, and waits for none. One request more before each grant. Not with `localHandover`. Default: no delay (Consul's `lock-delay`;
   * docs/decisions/020).
   */
  readonly lossDelayMs?: number;
}

/** How a lock behaves that readers share: as {@link LockOptions}, without `localHandover` and `lossDelayMs`. */
export type ReadWriteLockOptions = Omit<LockOptions, 'localHandover' | 'lossDelayMs'>;

/** How a lock whose claim outlives its session behaves. */
export interface DurableLockOptions extends Pick<RecipeOptions, 'timeoutMs' | 'acl'> {
  readonly ephemeral: false;
  /** Who holds it, and may resume it. */
  readonly owner: string;
  /**
   * The lock ends by itself so long after the grant, the resumption or the last renewal, if anybody waits for it: the one safety net
   * for a holder that never comes back. Default: it does not.
   */
  readonly ttlMs?: number;
}
