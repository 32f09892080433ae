/** Subscribes to an ownership stream and keeps what it hears: for tests in virtual time, which ask afterwards. */
import type { Observable, Subscription } from 'rxjs';
import type { Ownership } from '../../src/index.js';

export interface Listening<L> {
  readonly heard: readonly Ownership<L>[];
  /** The statuses, in order. */
  statuses(): string[];
  /** What is held now. Throws when nothing is. */
  held(): L;
  /** `completed`, or the error, once it is over. */
  readonly ends: readonly unknown[];
  readonly subscription: Subscription;
}

export function listen<L>(ownership$: Observable<Ownership<L>>): Listening<L> {
  const heard: Ownership<L>[] = [];
  const ends: unknown[] = [];
  const subscription = ownership$.subscribe({
    next: (ownership) => heard.push(ownership),
    error: (error: unknown) => ends.push(error),
    complete: () => ends.push('completed'),
  });
  return {
    heard,
    ends,
    subscription,
    statuses: () => heard.map(({ status }) => status),
    held: () => {
      const last = heard.at(-1);
      if (last?.status !== 'held') throw new Error(`it is ${last?.status ?? 'silent'}, not held`);
      return last.lease;
    },
  };
}
