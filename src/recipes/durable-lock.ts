/**
 * A lock whose claim outlives its session. It is waited for as any lock is, by an ephemeral claim, so that nobody who dies in line
 * blocks it; the moment it is won, one transaction puts a persistent claim with the same number in the ephemeral one's place.
 */
import { catchError, concatMap, from, Observable, of, switchMap, takeWhile, throwError } from 'rxjs';
import type { LockSettings } from '../acquisition.js';
import { checkOptionalDuration } from '../arguments.js';
import { decodeClaim, encodeClaim, newClaim } from '../claim-data.js';
import { ClaimRecord } from '../claim-record.js';
import { ClaimDeletedError, LockingFailedError } from '../errors.js';
import { Lease } from '../lease.js';
import { listInOrder } from '../line-listing.js';
import type { Ownership } from '../ownership.js';
import { claimPrefix, contenderOf, isPastCounterEnd, lockRule } from '../queue.js';
import { asking } from '../reading.js';
import type { Stat, ZooKeeperClient } from '../zookeeper/client.js';
import { isZooKeeperError } from '../zookeeper/errors.js';
import {
  aclOption,
  lookFor,
  MOST_RESUMPTIONS,
  type Tenure,
  tenureOf,
  waitingClaim,
  withdraw,
  withTenure,
} from './durable-claim.js';
import { type DurableLease, type Holding, holding } from './durable-lease.js';
import { BeginAgain, claiming, jointly, leaseFrom, leaseOrNull, type Step } from './joint-acquisition.js';

/** How to acquire. */
export interface DurableAcquireOptions {
  /** Milliseconds from the call until `LOCK_TIMEOUT`. Default: the lock's. */
  readonly timeoutMs?: number;
  /** Rejects with the signal's reason; nothing is left in line. */
  readonly signal?: AbortSignal;
}

/** What a durable lock is made from. @internal */
export interface DurableLockParts {
  readonly settings: Omit<LockSettings<Lease>, 'rule' | 'grant' | 'claimData'>;
  readonly owner: string;
  readonly ttlMs: number | null;
}

/**
 * **When its holder dies, it stays locked**: for ever, or until the time to live that it was given ends, until somebody resumes it as
 * the same owner, or breaks it. Use it only where that is what you want: for work that must not be begun by anybody else before this
 * owner, or a person, has looked at what was left.
 *
 * Cold as a lock is: each subscription stands in line for itself, and releases when unsubscribed.
 */
export class DurableLock extends Observable<Ownership<DurableLease>> {
  readonly path: string;
  /** Who may resume it. */
  readonly owner: string;
  readonly #parts: DurableLockParts;

  /** @internal Use `session.lock(path, { ephemeral: false, owner })`. */
  constructor(parts: DurableLockParts) {
    super((subscriber) => this.#acquiring(false, parts.settings.timeoutMs).subscribe(subscriber));
    this.#parts = parts;
    this.path = parts.settings.path;
    this.owner = parts.owner;
  }

  /**
   * Stands in line until it is held: also behind a claim of the same owner, which only {@link resume} takes up. Rejects as
   * {@link Lock.acquire} does; whatever the outcome, nothing is left but a lease's claim.
   */
  async acquire({ timeoutMs, signal }: DurableAcquireOptions = {}): Promise<DurableLease> {
    return leaseFrom(this.#acquiring(false, this.#limit(timeoutMs)), this.path, signal);
  }

  /** As {@link acquire}, but resolves with null at once when somebody is ahead. */
  async tryAcquire({ timeoutMs, signal }: DurableAcquireOptions = {}): Promise<DurableLease | null> {
    return leaseOrNull(this.#acquiring(true, this.#limit(timeoutMs)), this.path, signal);
  }

  /**
   * Takes up the claim that this owner holds, wherever he acquired it: after a crash, or from another process, whose lease is then
   * lost (`revoked`) as soon as it hears of it; the fencing token grows. Resolves with null when he holds none.
   *
   * **Two processes under one owner take it from each other**: give each its own, or see to it that the other is dead.
   */
  async resume({ timeoutMs, signal }: DurableAcquireOptions = {}): Promise<DurableLease | null> {
    const resuming = this.#ownership(this.#limit(timeoutMs), () => this.#resuming());
    return leaseOrNull(resuming, this.path, signal);
  }

  #limit(timeoutMs: number | undefined): number | null {
    return checkOptionalDuration('timeoutMs', timeoutMs, 0, this.path) ?? this.#parts.settings.timeoutMs;
  }

  #ownership(
    timeoutMs: number | null,
    attempt: () => Observable<Step<DurableLease>>,
  ): Observable<Ownership<DurableLease>> {
    const { session } = this.#parts.settings;
    return jointly<DurableLease, DurableLease>({
      owner: this.owner,
      noWait: false,
      timeoutMs,
      session,
      path: this.path,
      attempt,
      lease: ([lease]) => lease,
    });
  }

  #acquiring(noWait: boolean, timeoutMs: number | null): Observable<Ownership<DurableLease>> {
    const { settings, owner } = this.#parts;
    const { session, identity } = settings;
    return this.#ownership(timeoutMs, () => {
      const data = newClaim(identity, owner, session.sessionTimeoutMs, undefined);
      const gate = {
        ...settings,
        rule: lockRule,
        grant: (parts: ConstructorParameters<typeof Lease>[0]) => new Lease(parts),
        claimData: waitingClaim(data, session.clock.wallNow()),
      };
      return claiming(gate, { owner, noWait }).pipe(
        // Held is the end of the ephemeral claim: its deletion is sent behind the transaction, and finds nothing.
        takeWhile(({ status }) => status !== 'held', true),
        concatMap((ownership): Observable<Step<DurableLease>> => {
          if (ownership.status === 'held') return this.#persisting(ownership.lease);
          return ownership.status === 'failed' || ownership.status === 'expired'
            ? throwError(() => new BeginAgain())
            : of(ownership);
        }),
      );
    });
  }

  /** Puts the persistent claim in the ephemeral one's place. */
  #persisting(won: Lease): Observable<Step<DurableLease>> {
    const { settings, owner, ttlMs } = this.#parts;
    const { session, path, identity, newGuid, acl, logger } = settings;
    const { client } = session;
    const name = won.claimPath.slice(won.claimPath.lastIndexOf('/') + 1);
    const place = contenderOf(name);
    if (place === null || isPastCounterEnd(place))
      return throwError(
        () =>
          new LockingFailedError(
            path,
            'its counter is at its end, where a claim cannot keep its place; let all leave, and delete the path',
          ),
      );
    const holder = newGuid();
    const tenure: Tenure = { won: won.fencingToken >> 10n, resumed: 0, holder };
    const madeMs = session.clock.wallNow();
    const data = {
      ...withTenure(newClaim(identity, owner, session.sessionTimeoutMs, undefined), tenure),
      madeMs,
      ...(ttlMs === null ? {} : { ttlMs, ttlDeadlineMs: madeMs + ttlMs }),
    };
    const record = new ClaimRecord(session.clock, data);
    if (ttlMs !== null) record.startTerm(ttlMs);
    const claimPath = `${path}/${claimPrefix(holder)}${name.slice(name.lastIndexOf('lock-') + 'lock-'.length)}`;
    const made = (stat: Stat | null): Observable<Step<DurableLease>> =>
      stat === null
        ? throwError(() => new BeginAgain())
        : holding(this.#held(claimPath, stat, record, tenure));
    const swapping = client.multi([
      { type: 'delete', path: won.claimPath },
      { type: 'create', path: claimPath, data: encodeClaim(data), mode: 'persistent', ...aclOption(acl) },
    ]);
    const look = () => asking(session, path, (present) => lookFor(present, claimPath));
    const persisting$ = from(swapping).pipe(
      switchMap(([, created]) =>
        created?.type === 'create' && created.stat !== null ? of(created.stat) : look(),
      ),
      catchError((error: unknown) => {
        if (!isZooKeeperError(error)) return throwError(() => error);
        if (error.outcome === 'unknown') return look();
        if (error.code === 'NoNode') return throwError(() => new ClaimDeletedError(path, won.claimPath));
        if (error.retryable) return throwError(() => new BeginAgain());
        return throwError(() => new LockingFailedError(path, error.message, error));
      }),
      switchMap(made),
    );
    return new Observable((subscriber) => {
      let handedOver = false;
      const subscription = persisting$.subscribe({
        next: (step) => {
          handedOver = true;
          subscriber.next(step);
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          subscriber.complete();
        },
      });
      return () => {
        subscription.unsubscribe();
        if (handedOver) return;
        // Given up, or failed, while the answer was outstanding: no lease will release what may be there.
        asking(session, path, (present) => withdraw(present, claimPath, holder)).subscribe({
          error: (error: unknown) => {
            logger.error(`${claimPath} may stay: ${String(error)}`);
          },
        });
      };
    });
  }

  #resuming(): Observable<Step<DurableLease>> {
    const { settings, owner, ttlMs } = this.#parts;
    const { session, path, identity, newGuid } = settings;
    const holder = newGuid();
    let record: ClaimRecord | undefined;
    return asking(session, path, async (client) => {
      for (;;) {
        const found = await ownersClaim(client, path, owner);
        if (found === null)
          throw new LockingFailedError(path, `${JSON.stringify(owner)} holds no claim here`, undefined, true);
        const { claimPath, stat, data, tenure } = found;
        // Said before, and the answer was lost.
        if (tenure.holder === holder && record !== undefined)
          return this.#held(claimPath, stat, record, tenure);
        if (tenure.resumed >= MOST_RESUMPTIONS)
          throw new LockingFailedError(
            path,
            `it was resumed ${tenure.resumed} times: release it, and acquire it anew`,
          );
        const next: Tenure = { won: tenure.won, resumed: tenure.resumed + 1, holder };
        const nowMs = session.clock.wallNow();
        const ours = {
          ...withTenure({ ...data, ...identity }, next),
          ...(ttlMs === null ? {} : { ttlMs, ttlDeadlineMs: nowMs + ttlMs }),
        };
        record = new ClaimRecord(session.clock, ours);
        if (ttlMs !== null) record.startTerm(ttlMs);
        try {
          await client.setData(claimPath, encodeClaim(ours), stat.version);
          return this.#held(claimPath, stat, record, next);
        } catch (error) {
          if (!isZooKeeperError(error, 'BadVersion', 'NoNode')) throw error;
        }
      }
    }).pipe(switchMap((held) => holding(held)));
  }

  #held(claimPath: string, stat: Stat, record: ClaimRecord, tenure: Tenure): Holding {
    const { settings, owner, ttlMs } = this.#parts;
    const { session, path, logger } = settings;
    const claim = {
      path: claimPath,
      name: claimPath.slice(claimPath.lastIndexOf('/') + 1),
      czxid: stat.czxid,
      sessionId: '0',
      createdMs: stat.ctimeMs,
      heardAtMs: session.clock.now(),
    };
    return { session, lockPath: path, claim, record, tenure, owner, ttlMs, logger };
  }
}

/** The durable claim that holds the lock for `owner`; null when there is none. */
async function ownersClaim(client: ZooKeeperClient, path: string, owner: string) {
  const [first] = (await listInOrder(client, path)).contenders;
  if (first === undefined) return null;
  const claimPath = `${path}/${first.name}`;
  try {
    const { data, stat } = await client.getData(claimPath);
    const claim = decodeClaim(data);
    const tenure = tenureOf(claim);
    return tenure === null || claim.owner !== owner ? null : { claimPath, stat, data: claim, tenure };
  } catch (error) {
    if (isZooKeeperError(error, 'NoNode')) return null;
    throw error;
  }
}
