/**
 * A counted lock, in the layout of Curator's InterProcessSemaphoreV2: a mutex at `<path>/locks` orders those who ask, and every
 * child of `<path>/leases` is a permit in use. It is a recipe of its own and not a lock with a bigger number: where the nth in
 * line watches one ahead of it, a permit that others give back wakes nobody.
 */
import { combineLatest, concat, ignoreElements, map, Observable, throwError } from 'rxjs';
import type { LockSettings } from '../acquisition.js';
import { checkCount, checkOptionalDuration, checkOptions, checkOwner } from '../arguments.js';
import { InvalidArgumentError } from '../errors.js';
import type { SharedLease } from '../lease.js';
import type { Ownership } from '../ownership.js';
import { everyChild, lockRule, PERMIT_LABEL, type QueueRule } from '../queue.js';
import { asking } from '../reading.js';
import {
  atOnce,
  claiming,
  type JointRequest,
  jointly,
  leaseFrom,
  leaseOrNull,
  type Step,
  through,
} from './joint-acquisition.js';
import { JointLease, type JointLeaseParts } from './joint-lease.js';
import type { JointAcquireOptions } from './multi-lock.js';
import { agreeOnSize, LARGEST_SIZE } from './semaphore-size.js';

/** How to acquire. */
export interface SemaphoreAcquireOptions extends JointAcquireOptions {
  /** How many, all or nothing: 1 (default) to the semaphore's size. */
  readonly permits?: number;
}

/** What a semaphore is made from. @internal */
export interface SemaphoreParts {
  readonly settings: LockSettings<SharedLease>;
  readonly size: number;
  readonly owner: string | undefined;
}

/** Curator's rule: there are not more leases than permits. All children count, whoever made them. */
const permitRule = (size: number): QueueRule => ({
  label: PERMIT_LABEL,
  lineOf: everyChild,
  holdsByPresence: true,
  verdictOf: ({ contenders }, claimName) => {
    if (!contenders.some(({ name }) => name === claimName)) return { kind: 'missing' };
    const queueLength = contenders.length;
    if (queueLength <= size) return { kind: 'holds', queueLength };
    return {
      kind: 'waits',
      watch: 'children',
      predecessor: '',
      position: queueLength - size,
      queueLength,
      behindHolder: false,
      inherits: false,
    };
  },
});

/**
 * Permits that are held. **They can be lost while you work**, all of them at once. There is no fencing token: holders overlap,
 * so no order among them means anything. What must be fenced wants a lock.
 */
export class SemaphoreLease extends JointLease<SharedLease> {
  /** How many. */
  readonly permits: number;

  /** @internal */
  constructor(parts: JointLeaseParts<SharedLease>) {
    super(parts);
    this.permits = parts.leases.length;
  }
}

/**
 * So many may hold at once. Cold as a lock is: each subscription asks for one permit, and gives it back when unsubscribed;
 * {@link Semaphore.permits} asks for several.
 *
 * While it waits, `position` counts those ahead in the line of those who ask; for the first of them, the permits that are still to
 * be given back. Whoever asks for many is not overtaken by those who ask for few.
 */
export class Semaphore extends Observable<Ownership<SemaphoreLease>> {
  /** The semaphore's path. */
  readonly path: string;
  /** How many permits there are. */
  readonly size: number;
  readonly #parts: SemaphoreParts;
  readonly #gate: LockSettings<SharedLease>;
  readonly #leases: LockSettings<SharedLease>;

  /** @internal Use `session.semaphore(path, permits)`. */
  constructor(parts: SemaphoreParts) {
    super((subscriber) => this.permits(1).subscribe(subscriber));
    const { settings } = parts;
    const { path } = settings;
    this.#parts = parts;
    this.path = path;
    this.size = checkCount('permits', parts.size, 1, LARGEST_SIZE, path);
    this.#gate = { ...settings, path: `${path}/locks`, rule: lockRule };
    this.#leases = { ...settings, path: `${path}/leases`, rule: permitRule(this.size) };
  }

  /** So many permits as a stream, all or nothing. Errors with `INVALID_ARGUMENT` for more than there are. */
  permits(count: number): Observable<Ownership<SemaphoreLease>> {
    const { owner, settings } = this.#parts;
    return this.#ownership(count, { owner, timeoutMs: settings.timeoutMs, noWait: false });
  }

  /**
   * Waits until so many permits are free, all or nothing, in the order of asking.
   *
   * Rejects as {@link Lock.acquire} does; `INVALID_ARGUMENT` for more permits than there are or fewer than one, `SEMAPHORE_SIZE` when
   * others use the path with another size. Whatever the outcome, nothing is left at the path but a lease's claims.
   */
  async acquire(options: SemaphoreAcquireOptions = {}): Promise<SemaphoreLease> {
    return leaseFrom(this.#asked(options, false), this.path, options.signal);
  }

  /**
   * As {@link acquire}, but resolves with null when not so many are free. Does not stand in line; of two that try in the same moment
   * for the last permit, both may hear null.
   */
  async tryAcquire(options: SemaphoreAcquireOptions = {}): Promise<SemaphoreLease | null> {
    return leaseOrNull(this.#asked(options, true), this.path, options.signal);
  }

  #asked(options: SemaphoreAcquireOptions, noWait: boolean) {
    const { permits, owner, timeoutMs } = checkOptions(options, this.path);
    return this.#ownership(permits ?? 1, {
      owner: owner === undefined ? this.#parts.owner : checkOwner('owner', owner, this.path),
      timeoutMs:
        checkOptionalDuration('timeoutMs', timeoutMs, 0, this.path) ?? this.#parts.settings.timeoutMs,
      noWait,
    });
  }

  #ownership(count: number, request: JointRequest): Observable<Ownership<SemaphoreLease>> {
    const { path, size } = this;
    const { settings } = this.#parts;
    if (!Number.isInteger(count) || count < 1 || count > size) {
      return throwError(
        () =>
          new InvalidArgumentError(
            'permits',
            count,
            `give a whole number from 1 to ${size}, which is all there are`,
            path,
          ),
      );
    }
    const agreed$ = asking(settings.session, path, (client) => agreeOnSize(client, settings, size));
    // Asked again beside the leases: the znode that says the size may have gone, with everybody else, before ours kept it.
    const taking = (): Observable<Step<SharedLease>> => {
      const claims = Array.from({ length: count }, () => claiming(this.#leases, request));
      return combineLatest([atOnce(claims), agreed$]).pipe(map(([step]) => step));
    };
    return jointly({
      ...request,
      session: settings.session,
      path,
      attempt: () =>
        concat(
          agreed$.pipe(ignoreElements()),
          request.noWait ? taking() : through(claiming(this.#gate, request), taking),
        ),
      lease: (leases) =>
        new SemaphoreLease({
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
