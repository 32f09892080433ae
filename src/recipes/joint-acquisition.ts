/**
 * COMBINE: several claims under one deadline, all or nothing. Each claim is a lock machine of its own; here their ownership
 * streams are put together.
 */
import {
  catchError,
  combineLatest,
  concat,
  defer,
  distinctUntilChanged,
  EMPTY,
  filter,
  from,
  map,
  merge,
  Observable,
  of,
  ReplaySubject,
  retry,
  Subject,
  type Subscription,
  share,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  throwError,
} from 'rxjs';
import { LockAcquisition, type LockSettings } from '../acquisition.js';
import { checkSignal } from '../arguments.js';
import {
  ClaimDeletedError,
  LockError,
  LockingFailedError,
  LockLostError,
  LockTimeoutError,
  SessionClosedError,
} from '../errors.js';
import type { SharedLease } from '../lease.js';
import type { Ownership } from '../ownership.js';
import { deadline } from '../reading.js';
import type { SessionPort } from '../zookeeper/session-port.js';

type Status<S extends Ownership['status']> = Extract<Ownership, { readonly status: S }>;
/** How a part is held. */
export type Held = Pick<Status<'held'>, 'connection' | 'revokeRequested'>;

/** One claim that is held: a part of what is wanted. */
interface Grant<L extends SharedLease> {
  readonly lease: L;
  readonly held$: Observable<Held>;
}

type Lost = Status<'expired'> & { readonly claimPath: string };

/** How far it is: as {@link Ownership}, but failures are errors, and what is held is not one lease yet. */
export type Step<L extends SharedLease> =
  | Exclude<Ownership, { readonly status: 'held' | 'failed' | 'expired' }>
  | Lost
  | { readonly status: 'held'; readonly grants: readonly Grant<L>[] };

/** For whom, and whether to wait. */
export interface JointRequest {
  readonly owner: string | undefined;
  readonly timeoutMs: number | null;
  readonly noWait: boolean;
}

/** How a joint lease comes about. */
export interface JointPlan<J, L extends SharedLease> extends JointRequest {
  readonly session: SessionPort;
  /** For messages. */
  readonly path: string;
  /** One attempt at everything. Begun anew when the session's trouble took a part of it. */
  readonly attempt: () => Observable<Step<L>>;
  readonly lease: (leases: readonly [L, ...L[]]) => J;
  /** What the deadline's passing is told as, by what was waited for last; default: {@link LockTimeoutError}. */
  readonly late?: (waiting: Status<'waitingOnPredecessor'> | null) => LockError;
}

/** One claim's ownership. Errors with its failure; unsubscribing gives it up. */
export function claiming<L extends SharedLease>(
  settings: LockSettings<L>,
  { owner, noWait }: Omit<JointRequest, 'timeoutMs'>,
): Observable<Ownership<L>> {
  return new Observable((subscriber) => {
    const request = { owner, noWait, timeoutMs: null };
    const acquisition = new LockAcquisition(settings, request, (ownership) => {
      if (ownership.status === 'failed') {
        subscriber.error(ownership.error);
        return;
      }
      subscriber.next(ownership);
      if (ownership.status === 'released' || ownership.status === 'expired') subscriber.complete();
    });
    return () => {
      acquisition.release().catch((error: unknown) => {
        settings.logger.error(String(error));
      });
    };
  });
}

/** Follows `claim$` until it is held, and `next` for as long as it is. What came later is given back first. */
function whileHolding<L extends SharedLease>(
  claim$: Observable<Ownership<L>>,
  next: (grant: Grant<L>) => Observable<Step<L>>,
): Observable<Step<L>> {
  return new Observable((subscriber) => {
    const shared$ = claim$.pipe(share({ connector: () => new ReplaySubject(1) }));
    const held$ = shared$.pipe(filter((ownership) => ownership.status === 'held'));
    let following: Subscription | null = null;
    let claimPath = '';
    const claim = shared$
      .pipe(distinctUntilChanged((a, b) => a.status === 'held' && b.status === 'held'))
      .subscribe({
        next: (ownership) => {
          following?.unsubscribe();
          following = null;
          switch (ownership.status) {
            case 'held': {
              const { lease } = ownership;
              claimPath = lease.claimPath;
              // Lost in the moment it was won: the next news says so.
              if (!lease.isHeld()) return;
              following = next({ lease, held$ }).subscribe({
                next: (step) => {
                  subscriber.next(step);
                },
                error: (error: unknown) => {
                  subscriber.error(error);
                },
              });
              return;
            }
            case 'expired':
              subscriber.next({ ...ownership, claimPath });
              return;
            case 'failed':
              return;
            default:
              subscriber.next(ownership);
          }
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          subscriber.complete();
        },
      });
    return () => {
      following?.unsubscribe();
      claim.unsubscribe();
    };
  });
}

/** One after another: the next is asked for once those before it are held. */
export function inTurn<L extends SharedLease>(
  claims: readonly Observable<Ownership<L>>[],
  grants: readonly Grant<L>[] = [],
): Observable<Step<L>> {
  const [first, ...rest] = claims;
  if (first === undefined) return of({ status: 'held', grants });
  return whileHolding(first, (grant) => inTurn(rest, [...grants, grant]));
}

/** All in the same moment. */
export function atOnce<L extends SharedLease>(
  claims: readonly Observable<Ownership<L>>[],
): Observable<Step<L>> {
  return combineLatest(claims.map((claim$) => inTurn([claim$]))).pipe(map((steps) => summary(steps)));
}

/** What is told of many: the loss of one is the loss of all, and what is not held yet decides. */
function summary<L extends SharedLease>(steps: readonly Step<L>[]): Step<L> {
  const grants = steps.flatMap((step) => (step.status === 'held' ? step.grants : []));
  if (grants.length === steps.length) return { status: 'held', grants };
  const order = ['expired', 'releasing', 'waitingOnPredecessor', 'creatingNode', 'idle', 'released'] as const;
  const worst = order.flatMap((status) => steps.filter((step) => step.status === status))[0];
  return worst ?? { status: 'idle' };
}

/** Goes on with `next` while `gate$` is held, and gives the gate back when `next` is held: the rest does without. */
export function through<L extends SharedLease>(
  gate$: Observable<Ownership<SharedLease>>,
  next: () => Observable<Step<L>>,
): Observable<Step<L>> {
  return defer(() => {
    const passed$ = new Subject<void>();
    const noted$ = () =>
      next().pipe(
        tap(({ status }) => {
          if (status === 'held') passed$.next();
        }),
      );
    let claimPath = '';
    return gate$.pipe(
      takeUntil(passed$),
      distinctUntilChanged((a, b) => a.status === 'held' && b.status === 'held'),
      switchMap((ownership): Observable<Step<L>> => {
        if (ownership.status === 'held') {
          ({ claimPath } = ownership.lease);
          // Lost in the moment it was won: the next news says so.
          return ownership.lease.isHeld() ? noted$() : EMPTY;
        }
        if (ownership.status === 'expired') return of({ ...ownership, claimPath });
        return ownership.status === 'failed' ? EMPTY : of(ownership);
      }),
    );
  });
}

/** A part was lost to the session's trouble before the rest was there: everything from the start, under the same deadline. */
export class BeginAgain extends Error {}

/** What becomes of an acquisition that loses a part before it has the rest. */
function lostEarly(session: SessionPort, path: string, { reason, claimPath }: Lost): Observable<never> {
  const fail = (error: Error) => throwError(() => error);
  switch (reason) {
    case 'session-expired':
    case 'validity-passed':
    case 'suspended':
      return fail(new BeginAgain());
    case 'node-deleted':
      // By somebody, or with its session, whose end is told later: a session that answers is not over.
      return from(session.client.exists(claimPath)).pipe(
        catchError(() => fail(new BeginAgain())),
        switchMap(() => fail(new ClaimDeletedError(path, claimPath))),
      );
    case 'closed':
      return fail(new SessionClosedError(path));
    default:
      return fail(new LockLostError(path, reason));
  }
}

/** What is told of many: the worst connection, and a request for any part is one for all. */
const asOne = (all: readonly Held[]): Held => ({
  connection:
    (['suspended', 'revalidating'] as const).find((doubtful) =>
      all.some(({ connection }) => connection === doubtful),
    ) ?? 'confirmed',
  revokeRequested: all.find(({ revokeRequested }) => revokeRequested !== null)?.revokeRequested ?? null,
});

/** The ownership stream of a joint lease: cold; `released` and `expired` complete it, `failed` ends it with its error. */
export function jointly<J, L extends SharedLease>(plan: JointPlan<J, L>): Observable<Ownership<J>> {
  const { session, path, timeoutMs } = plan;
  return defer(() => {
    if (session.closed) return throwError(() => new SessionClosedError(path));
    const granted$ = new Subject<void>();
    let lease: J | null = null;
    let told: Ownership<J>['status'] = 'idle';
    let waiting: Status<'waitingOnPredecessor'> | null = null;

    const tell = (step: Step<L>): Observable<Ownership<J>> => {
      if (step.status === 'waitingOnPredecessor') waiting = step;
      if (step.status !== 'held') {
        return step.status === 'expired' && lease === null ? lostEarly(session, path, step) : of(step);
      }
      const [first, ...rest] = step.grants.map((grant) => grant.lease);
      if (first === undefined) return EMPTY;
      const won = (lease ??= plan.lease([first, ...rest]));
      granted$.next();
      return combineLatest(step.grants.map(({ held$ }) => held$)).pipe(
        map(asOne),
        distinctUntilChanged(
          (a, b) => a.connection === b.connection && a.revokeRequested === b.revokeRequested,
        ),
        map((held) => ({ ...held, status: 'held', lease: won })),
      );
    };

    const acquiring$ = defer(plan.attempt).pipe(
      switchMap(tell),
      retry({
        delay: (error: unknown) => (error instanceof BeginAgain ? of(true) : throwError(() => error)),
      }),
    );
    const late = plan.late ?? ((last) => timeoutError(plan, last));
    const late$ = deadline(session, timeoutMs, () => late(waiting));
    const news$ = merge(acquiring$, late$.pipe(takeUntil(granted$))).pipe(
      // Each claim is idle at first, and released by itself: said once, of all.
      filter(({ status }) => status !== 'idle' && status !== 'released'),
      filter(({ status }) => status !== told || status === 'waitingOnPredecessor' || status === 'held'),
      tap(({ status }) => {
        told = status;
      }),
      takeWhile(({ status }) => status !== 'expired', true),
    );
    return concat(
      of<Ownership<J>>({ status: 'idle' }),
      news$,
      defer(() => (told === 'releasing' ? of<Ownership<J>>({ status: 'released' }) : EMPTY)),
    ).pipe(
      catchError((cause: unknown) => {
        const error = cause instanceof LockError ? cause : new LockingFailedError(path, String(cause), cause);
        return concat(
          of<Ownership<J>>({ status: 'failed', error }),
          throwError(() => error),
        );
      }),
    );
  });
}

function timeoutError(
  { session, path, timeoutMs }: Pick<JointPlan<unknown, SharedLease>, 'session' | 'path' | 'timeoutMs'>,
  waiting: Status<'waitingOnPredecessor'> | null,
): LockTimeoutError {
  const standing =
    waiting === null
      ? `no answer from ${session.connectString} yet`
      : `${waiting.position} of ${waiting.queueLength} ahead when last listed`;
  return new LockTimeoutError(path, timeoutMs ?? 0, standing);
}

/** What can be lost. */
interface Holding {
  isHeld(): boolean;
}

/** The lease that a stream comes to. The stream is given up when `signal` aborts before, else it lives as long as the lease. */
export function leaseFrom<L extends Holding>(
  ownership$: Observable<Ownership<L>>,
  path: string,
  signal: AbortSignal | undefined,
): Promise<L> {
  return new Promise((resolve, reject) => {
    checkSignal(signal, path);
    signal?.throwIfAborted();
    const giveUp = () => {
      subscription.unsubscribe();
      reject(signal?.reason as Error);
    };
    const done = () => signal?.removeEventListener('abort', giveUp);
    signal?.addEventListener('abort', giveUp, { once: true });
    const subscription = ownership$.subscribe({
      next: (ownership) => {
        // Lost in the moment it was won: the next news says so.
        if (ownership.status === 'held' && ownership.lease.isHeld()) {
          done();
          resolve(ownership.lease);
        } else if (ownership.status === 'expired') {
          done();
          reject(new LockLostError(path, ownership.reason));
        }
      },
      error: (error: LockError) => {
        done();
        reject(error);
      },
    });
  });
}

/** As {@link leaseFrom}; null where somebody was ahead and the caller would not wait. */
export async function leaseOrNull<L extends Holding>(
  ...from: Parameters<typeof leaseFrom<L>>
): Promise<L | null> {
  try {
    return await leaseFrom(...from);
  } catch (error) {
    if (error instanceof LockingFailedError && error.busy) return null;
    throw error;
  }
}
