/** The handle for one ensemble: hands out locks, and says how the connection is. */

import { Observable } from 'rxjs';
import { canDial, dial } from '#dial';
import { identity, newGuid, random } from '#host';
import type { LockSettings } from './acquisition.js';
import {
  checkAcl,
  checkChoice,
  checkCount,
  checkDuration,
  checkFraction,
  checkFunction,
  checkIdentities,
  checkList,
  checkLocalHandover,
  checkLockPath,
  checkLossDelay,
  checkMethods,
  checkMinded,
  checkOptionalDuration,
  checkOptions,
  checkOwner,
  checkOwnerKey,
  type Minding,
  WITHOUT_TRANSACTIONS,
} from './arguments.js';
import { type AuditEntry, type BreakRequest, breakClaim, checkClaimPath, claimText } from './claim-break.js';
import { type RevokeOptions, revokeClaim } from './claim-revoke.js';
import { systemClock } from './clock.js';
import { checkConnectString, checkedTlsDial, supervise } from './connecting.js';
import {
  type Contention,
  type ContentionUnder,
  contention,
  contentionUnder,
  linesUnder,
} from './contention.js';
import { InvalidArgumentError, SessionClosedError } from './errors.js';
import { LateCalls } from './late-calls.js';
import { Lease, type LeaseParts, SharedLease } from './lease.js';
import { LocalLines } from './local-line.js';
import { Lock, type LockInspector, type LockParts } from './lock.js';
import { Paces } from './pace.js';
import { type Line, lockRule } from './queue.js';
import { readWhenConnected } from './reading.js';
import { Barrier } from './recipes/barrier.js';
import { DoubleBarrier } from './recipes/double-barrier.js';
import { DurableLock } from './recipes/durable-lock.js';
import { Election } from './recipes/election.js';
import { MultiLock } from './recipes/multi-lock.js';
import { ReadWriteLock } from './recipes/read-write-lock.js';
import { Semaphore } from './recipes/semaphore.js';
import { WebLockManager } from './recipes/web-locks.js';
import type {
  BarrierMakingOptions,
  ConnectOptions,
  DurableLockOptions,
  ElectionOptions,
  LockOptions,
  ReadWriteLockOptions,
  RecipeOptions,
} from './session-options.js';
import { FoundLosses } from './unclean-loss.js';
import type { Logger } from './zookeeper/session-port.js';
import type { SessionState, Supervisor } from './zookeeper/supervisor.js';
import { wireClient } from './zookeeper/wire-client.js';

/** Most leases are shorter; to watch the claim of one that is would cost it a request. */
const HELD_CLAIM_WATCH_DELAY_MS = 25;
/** Where the next deletion is no grant, whoever waits hears of its own claim's in time: most waits are over before. */
const WAITING_CLAIM_WATCH_DELAY_MS = 5_000;
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
/** The protocol's lengths and times are signed 32-bit numbers. */
const LARGEST_REPLY_BYTES = 2_147_483_647;
const LONGEST_SESSION_MS = 2_147_483_647;
const exclusive = (parts: LeaseParts) => new Lease(parts);
const shared = (parts: LeaseParts) => new SharedLease(parts);
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Connects to an ensemble, in the background: returns at once, and locks wait for the connection.
 *
 * `connectString` is `host:port,host:port/chroot`. Throws `INVALID_ARGUMENT` for anything that cannot be meant.
 */
export function connect(connectString: string, options: ConnectOptions = {}): Session {
  return new Session(connectString, options);
}

/** A connection to one ensemble, kept up until {@link Session.close}. One ZooKeeper session after another if need be. */
export class Session implements AsyncDisposable {
  /** How the connection is: the present state at once, then every change. */
  readonly state: Observable<SessionState>;
  /** The browser's `navigator.locks`, for everybody who talks to the same ZooKeeper; see {@link WebLockManager} for what may be lost. */
  readonly locks: WebLockManager = new WebLockManager({
    lock: (path, rule, grant) => this.#lock(path, {}, { rule, grant }),
    linesUnder: (root) => this.linesUnder(root),
    closed: () => this.#supervisor.closed,
    transacts: () => this.#supervisor.client.capabilities.multi,
  });
  readonly #supervisor: Supervisor;
  readonly #logger: Logger;
  readonly #inspect: LockInspector | undefined;
  readonly #reported = new Set<string>();
  readonly #lateCalls: LockSettings<SharedLease>['lateCalls'];
  readonly #paces = new Paces();
  readonly #localLines = new LocalLines();
  readonly #foundLosses = new FoundLosses();

  /** @internal Use {@link connect}. */
  constructor(connectString: string, options: ConnectOptions) {
    const { client, clock = systemClock, logger = silent } = checkOptions(options);
    this.#logger = checkMethods('logger', logger, ['debug', 'info', 'warn', 'error']);
    checkMethods('clock', clock, ['now', 'wallNow', 'setTimeout', 'clearTimeout']);
    this.#inspect = options.inspect;
    checkConnectString(connectString, client === undefined);
    if (client !== undefined) checkFunction('client', client, 'give a factory, as nativeClient() returns it');
    else if (!canDial)
      throw new InvalidArgumentError(
        'client',
        client,
        'a page opens no connections: give one, as embedded.client()',
      );
    const sessionTimeoutMs = checkCount(
      'sessionTimeoutMs',
      options.sessionTimeoutMs ?? 15_000,
      1,
      LONGEST_SESSION_MS,
    );
    const connectTimeoutMs = checkDuration('connectTimeoutMs', options.connectTimeoutMs ?? 30_000, 1);
    const clockDrift = checkFraction('clockDrift', options.clockDrift ?? 0.01, 0.5);
    const guardMs = checkOptionalDuration('guardMs', options.guardMs) ?? undefined;
    const kind = checkChoice('heartbeat', options.heartbeat ?? 'ping', ['ping', 'quorum']);
    const tickMs = checkDuration('tickMs', options.tickMs ?? 2_000, 1);
    const maxReplyBytes = checkCount(
      'maxReplyBytes',
      options.maxReplyBytes ?? MAX_REPLY_BYTES,
      1024,
      LARGEST_REPLY_BYTES,
    );
    const auth = checkIdentities(options.auth ?? []);
    const factory = client ?? wireClient(options.tls === undefined ? dial : checkedTlsDial(options.tls));
    this.#supervisor = supervise(factory, {
      client: {
        connectString,
        sessionTimeoutMs,
        maxReplyBytes,
        auth,
        clock,
        random,
        ...(options.tls === undefined ? {} : { tls: options.tls }),
      },
      connectTimeoutMs,
      clockDrift,
      guardMs,
      heartbeat: kind === 'quorum' ? { kind, tickMs } : { kind },
      logger: this.#logger,
    });
    this.#lateCalls = {
      held: new LateCalls(this.#supervisor.clock, HELD_CLAIM_WATCH_DELAY_MS),
      waiting: new LateCalls(this.#supervisor.clock, WAITING_CLAIM_WATCH_DELAY_MS),
    };
    this.state = new Observable((subscriber) =>
      this.#supervisor.onState((state) => {
        subscriber.next(state);
        if (state.kind === 'closed') subscriber.complete();
      }),
    );
  }

  /**
   * A lock on `path`. Nothing happens until it is subscribed to or acquired. Throws `INVALID_ARGUMENT` for a path or option
   * that cannot be meant, `SESSION_CLOSED` after {@link close}.
   *
   * **With `ephemeral: false` it stays locked when its holder dies**: see {@link DurableLock}.
   */
  lock(path: string, options?: LockOptions): Lock;
  lock(path: string, options: DurableLockOptions): DurableLock;
  lock(path: string, options: LockOptions | DurableLockOptions = {}): Lock | DurableLock {
    const { ephemeral = true } = checkOptions(options, path);
    checkChoice('ephemeral', ephemeral, [true, false], path);
    if (options.ephemeral !== false) return this.#lock(path, options, { rule: lockRule, grant: exclusive });
    if (!this.#supervisor.client.capabilities.multi) {
      throw new InvalidArgumentError('ephemeral', false, WITHOUT_TRANSACTIONS, path);
    }
    return new DurableLock({
      settings: this.#settings(path, options, 'durable'),
      owner: checkOwner('owner', options.owner, path),
      ttlMs: checkOptionalDuration('ttlMs', options.ttlMs, 1, path),
    });
  }

  /** A lock on `path` that readers hold together and a writer alone. Throws as {@link lock} does. */
  readWriteLock(path: string, options: ReadWriteLockOptions = {}): ReadWriteLock {
    return new ReadWriteLock(path, (rule, grant, admit) => this.#lock(path, options, { rule, grant, admit }));
  }

  /**
   * Several locks, all or nothing: asked for in the order of their paths under one deadline, lost as one. Throws as {@link lock}
   * does, and for a path that is there twice.
   */
  multiLock(paths: readonly string[], options: RecipeOptions = {}): MultiLock {
    checkOptions(options);
    const listed = checkList('paths', paths, "give a list such as ['/locks/a', '/locks/b']");
    return new MultiLock({
      locks: listed.map((path) => ({
        ...this.#settings(path, options, 'multiLock'),
        rule: lockRule,
        grant: exclusive,
      })),
      timeoutMs: checkOptionalDuration('timeoutMs', options.timeoutMs),
      owner: options.owner === undefined ? undefined : checkOwner('owner', options.owner),
    });
  }

  /**
   * A semaphore on `path`: `permits` may be held at once. All its users give the same number. Throws as {@link lock} does, and for a
   * number that is not 1 to 2,147,483,647.
   */
  semaphore(path: string, permits: number, options: RecipeOptions = {}): Semaphore {
    return new Semaphore({
      settings: { ...this.#settings(path, options, 'semaphore'), rule: lockRule, grant: shared },
      size: permits,
      owner: options.owner === undefined ? undefined : checkOwner('owner', options.owner, path),
    });
  }

  /**
   * An election at `path`, for which this process may stand or which it observes. The path's data is the leaders'. Throws as
   * {@link lock} does.
   */
  election(path: string, options: ElectionOptions = {}): Election {
    const ourselves = [identity.host, identity.pid].filter((part) => part !== undefined).join(':');
    const id = options.id ?? (ourselves || 'anonymous');
    return new Election({
      settings: this.#settings(path, options, 'election'),
      id: checkOwner('id', id, path),
    });
  }

  /** A barrier at `path`, which holds back whoever waits while it is raised. Throws as {@link lock} does. */
  barrier(path: string, options: BarrierMakingOptions = {}): Barrier {
    return new Barrier(this.#settings(path, options, 'barrier'));
  }

  /**
   * A double barrier at `path`: `members` begin together and end together. Throws as {@link lock} does, and for a number that is
   * not 1 to 1,000,000.
   */
  doubleBarrier(path: string, members: number, options: BarrierMakingOptions = {}): DoubleBarrier {
    return new DoubleBarrier(this.#settings(path, options, 'barrier'), members);
  }

  /** The line at `path` as everybody sees it, whoever stands in it. */
  contention(path: string): Observable<Contention> {
    checkLockPath(path);
    return contention(this.#supervisor, path);
  }

  /**
   * Deletes somebody's claim by force, at a lock, an election, a semaphore or a double barrier. **Its holder may go on working for a
   * moment**: it hears `expired('node-deleted')` (`'revoked'` if it was asked before) when its watch fires, and only fencing tokens keep its late
   * writes out. Leaves an entry under `/holdfast/audit`, which it resolves with.
   *
   * Rejects with `CLAIM_GONE` when there is no such claim, `LOCKING_FAILED` when this identity may not, or when the claim changed in
   * that moment, `INVALID_ARGUMENT` when no client's claim has such a name, whatever the znode is; with a `ZooKeeperError` when there is
   * no connection, or none at the answer (`outcome`).
   */
  async breakClaim(claim: string, request: BreakRequest): Promise<AuditEntry> {
    checkClaimPath(claim);
    checkOwner('by', request.by, claim);
    if (this.#supervisor.closed) throw new SessionClosedError(claim);
    return breakClaim(this.#supervisor.client, claim, request);
  }

  /**
   * Asks a claim's holder to give up, and breaks the claim when the grace is over. A holder of this package hears
   * `ownership.revokeRequested`, one of a lock of Curator its listener; anybody else hears nothing, and loses the claim. A candidate's id
   * gives way to the request until it is put back: other clients read that for a moment. Resolves with null when
   * the claim went by itself, else with the entry of the break, whose danger is {@link breakClaim}'s.
   *
   * Rejects with `CLAIM_GONE` when nobody holds this claim any more, `LOCKING_FAILED` when this identity may not ask or may not break,
   * `CONNECTION_FAILED`, `SESSION_CLOSED` (the request then stays, and nobody breaks), `INVALID_ARGUMENT`; with a `ZooKeeperError` when
   * the answer to the break was lost.
   */
  async revoke(claim: string, options: RevokeOptions): Promise<AuditEntry | null> {
    checkClaimPath(claim);
    const { by, why = '', graceMs = 30_000, onAsked = () => undefined } = checkOptions(options, claim);
    checkOwner('by', by, claim);
    if (typeof why !== 'string') throw new InvalidArgumentError('why', why, 'give a text', claim);
    checkDuration('graceMs', graceMs, 0, claim);
    if (this.#supervisor.closed) throw new SessionClosedError(claim);
    return revokeClaim(this.#supervisor, claim, { by, why, graceMs }, onAsked);
  }

  /** A claim's data as it is stored, as text; null when it has gone. Rejects with a `ZooKeeperError`. */
  async readClaim(claim: string): Promise<string | null> {
    checkLockPath(claim, 'claim');
    return claimText(this.#supervisor.client, claim);
  }

  /** Every line under `root`, live: for dashboards. `/` looks everywhere. */
  contentionUnder(root: string): Observable<ContentionUnder> {
    if (root !== '/') checkLockPath(root, 'root');
    return contentionUnder(this.#supervisor, root);
  }

  /** Every line under `root` as it is now; `/` looks everywhere. Rejects as {@link Lock.entries} does. */
  linesUnder(root: string): Promise<readonly Contention[]> {
    if (root !== '/') checkLockPath(root, 'root');
    return readWhenConnected(this.#supervisor, root, () => linesUnder(this.#supervisor, root));
  }

  /**
   * Ends the session. What was held is `expired('closed')`, what waited fails with `SESSION_CLOSED`, and the server deletes every
   * claim at once if it hears us, else when the session times out.
   */
  async close(): Promise<void> {
    await this.#supervisor.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #lock<L extends SharedLease>(
    path: string,
    options: LockOptions,
    kind: Pick<LockParts<L>, 'rule' | 'grant' | 'admit'>,
  ): Lock<L> {
    const settings = this.#settings(path, options, kind.rule === lockRule ? 'plain' : 'readersAndWriters');
    const max = checkLocalHandover(options, path);
    const lossDelayMs = checkLossDelay(options, path, this.#supervisor.client.capabilities.multi);
    return new Lock({
      ...settings,
      ...kind,
      localHandover: max === undefined ? undefined : { lines: this.#localLines, max },
      lossDelay: lossDelayMs === undefined ? undefined : { ms: lossDelayMs, found: this.#foundLosses },
      ttlMs: checkOptionalDuration('ttlMs', options.ttlMs, 1, path),
      ownerKey: checkOwnerKey(options, path),
      ownerContext: options.ownerContext,
      owner: options.owner === undefined ? undefined : checkOwner('owner', options.owner, path),
      reentrancy: checkChoice('reentrancy', options.reentrancy ?? 'reject', ['reject', 'count'], path),
      contention: this.contention(path),
    });
  }

  #settings(
    path: string,
    options: RecipeOptions,
    by: Minding,
  ): Omit<LockSettings<SharedLease>, 'rule' | 'grant'> {
    checkLockPath(path);
    checkMinded(checkOptions(options, path), path, by);
    if (this.#supervisor.closed) throw new SessionClosedError(path);
    const acl = checkAcl(options.acl, path);
    if (acl !== undefined && !this.#supervisor.client.capabilities.aclOnCreate) {
      throw new InvalidArgumentError(
        'acl',
        options.acl,
        'this client cannot apply it when it makes a node, and later is too late: use the wire client (leave `client` out of connect())',
        path,
      );
    }
    return {
      session: this.#supervisor,
      path,
      ttlMs: null,
      timeoutMs: checkOptionalDuration('timeoutMs', options.timeoutMs, 0, path),
      onSuspend: checkChoice(
        'onSuspend',
        options.onSuspend ?? 'bounded',
        ['bounded', 'standard', 'session'],
        path,
      ),
      acl,
      identity,
      newGuid,
      logger: this.#logger,
      lateCalls: this.#lateCalls,
      paces: this.#paces,
      inspect: this.#inspect,
      onLine: (line) => {
        this.#report(path, line);
      },
    };
  }

  #report(path: string, line: Line): void {
    if (line.unsafeMix && !this.#reported.has(path)) {
      this.#reported.add(path);
      const unseen = line.contenders.filter(({ dialect }) => dialect === 'kazoo').map(({ name }) => name);
      this.#logger.warn(
        `${path}: clients that do not see each other stand in this line, so two may hold at once: ${unseen.join(', ')} are kazoo's own names; give kazoo those of docs/interop.md`,
      );
    }
  }
}
