/**
 * Several exclusive locks, all or nothing (T56): asked for in the order of their paths, so that no two callers wait for each
 * other in a circle, under one deadline, and given back in the reverse order.
 */
import { Observable } from 'rxjs';
import type { LockSettings } from '../acquisition.js';
import { checkOptionalDuration, checkOptions, checkOwner } from '../arguments.js';
import { InvalidArgumentError } from '../errors.js';
import type { Lease } from '../lease.js';
import type { Ownership } from '../ownership.js';
import { claiming, inTurn, type JointRequest, jointly, leaseFrom, leaseOrNull } from './joint-acquisition.js';
import { JointLease, type JointLeaseParts } from './joint-lease.js';

/** How to acquire. */
export interface JointAcquireOptions {
  /** What others see as the owner. */
  readonly owner?: string;
  /** Milliseconds from the call until `LOCK_TIMEOUT`, for everything together. Default: what the recipe was made with. */
  readonly timeoutMs?: number;
  /** Rejects with the signal's reason; nothing is left in line. */
  readonly signal?: AbortSignal;
}

/** What a multi-lock is made from. @internal */
export interface MultiLockParts {
  /** One for each path, checked. */
  readonly locks: readonly LockSettings<Lease>[];
  readonly owner: string | undefined;
  readonly timeoutMs: number | null;
}

/** All of several locks. Lost as one: the loss of one gives the others back. */
export class MultiLease extends JointLease<Lease> {
  /** Each path's lease, with the fencing token for what that path guards. Release the whole, not a part: a part's release is all's. */
  readonly leases: ReadonlyMap<string, Lease>;

  /** @internal */
  constructor(parts: JointLeaseParts<Lease>) {
    super(parts);
    this.leases = new Map(parts.leases.map((lease) => [lease.path, lease]));
  }
}

/**
 * Several locks as one. **It can be lost while you work**, as a lock can. Cold as a lock is: each subscription stands in line
 * for itself, and gives everything up when unsubscribed.
 */
export class MultiLock extends Observable<Ownership<MultiLease>> {
  /** In the order in which they are asked for. */
  readonly paths: readonly string[];
  readonly #parts: MultiLockParts;
  readonly #path: string;

  /** @internal Use `session.multiLock(paths)`. */
  constructor(parts: MultiLockParts) {
    const locks = inOrder(parts.locks);
    const { owner, timeoutMs } = parts;
    super((subscriber) => this.#ownership({ owner, timeoutMs, noWait: false }).subscribe(subscriber));
    this.#parts = { ...parts, locks };
    this.paths = locks.map(({ path }) => path);
    this.#path = this.paths.join(' + ');
  }

  /**
   * Stands in line until all of them are held. Rejects as {@link Lock.acquire} does; `CLAIM_DELETED` also when one that was held
   * already is deleted by somebody. Whatever the outcome, nothing is left in line but a lease's claims.
   */
  async acquire(options: JointAcquireOptions = {}): Promise<MultiLease> {
    return leaseFrom(this.#ownership(this.#request(options, false)), this.#path, options.signal);
  }

  /** As {@link acquire}, but resolves with null as soon as somebody is ahead at one of them. */
  async tryAcquire(options: JointAcquireOptions = {}): Promise<MultiLease | null> {
    return leaseOrNull(this.#ownership(this.#request(options, true)), this.#path, options.signal);
  }

  #request(options: JointAcquireOptions, noWait: boolean): JointRequest {
    const { owner, timeoutMs } = checkOptions(options, this.#path);
    return {
      owner: owner === undefined ? this.#parts.owner : checkOwner('owner', owner, this.#path),
      timeoutMs: checkOptionalDuration('timeoutMs', timeoutMs, 0, this.#path) ?? this.#parts.timeoutMs,
      noWait,
    };
  }

  #ownership(request: JointRequest): Observable<Ownership<MultiLease>> {
    const { locks } = this.#parts;
    const [settings] = locks;
    if (settings === undefined) throw new Error('a multi-lock has a lock; please report this');
    const path = this.#path;
    return jointly({
      ...request,
      session: settings.session,
      path,
      attempt: () => inTurn(locks.map((lock) => claiming(lock, request))),
      lease: (leases) =>
        new MultiLease({
          path,
          leases,
          owner: request.owner,
          onDisposeError: (error) => {
            settings.logger.error(`${path}: ${String(error)}`);
          },
        }),
    });
  }
}

/** By path, as every process sorts them: by code unit, not by language. */
function inOrder(locks: readonly LockSettings<Lease>[]): LockSettings<Lease>[] {
  const sorted = [...locks].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  if (sorted.length === 0) throw new InvalidArgumentError('paths', [], 'give at least one lock path');
  for (const [index, { path }] of sorted.entries()) {
    if (path === sorted[index + 1]?.path)
      throw new InvalidArgumentError(
        'paths',
        path,
        'it is there twice, and would wait for itself; leave one out',
        path,
      );
  }
  return sorted;
}
