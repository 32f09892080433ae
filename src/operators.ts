/** What people do with an ownership stream, as RxJS operators. */
import {
  distinctUntilChanged,
  EMPTY,
  filter,
  map,
  type ObservableInput,
  type OperatorFunction,
  switchMap,
} from 'rxjs';
import { checkFunction } from './arguments.js';
import type { Lease } from './lease.js';
import type { Ownership } from './ownership.js';

const leaseOf = <L>(ownership: Ownership<L>): L | null =>
  ownership.status === 'held' ? ownership.lease : null;

/** Narrows to leases: one for each time the lock is won. */
export function held<L = Lease>(): OperatorFunction<Ownership<L>, L> {
  return (ownership$) =>
    ownership$.pipe(
      map(leaseOf<L>),
      distinctUntilChanged(),
      filter((lease) => lease !== null),
    );
}

/**
 * Runs work only while the lock is held: subscribes to it when the lock is won and unsubscribes when it is lost or
 * released. A suspended lock is still held, until its bound. The lock is not given up when the work completes: unsubscribe.
 */
export function whileHeld<T, L = Lease>(
  work: (lease: L) => ObservableInput<T>,
): OperatorFunction<Ownership<L>, T> {
  checkFunction('work', work, 'give a function from a lease to what is to run under it');
  return (ownership$) =>
    ownership$.pipe(
      map(leaseOf<L>),
      distinctUntilChanged(),
      switchMap((lease) => (lease === null ? EMPTY : work(lease))),
    );
}
