/** Sessions by their state, and how often they changed it. */
import type { Observable, Subscription } from 'rxjs';
import type { SessionState } from '../zookeeper/supervisor.js';
import { beginCounters, type Instruments, type Reading } from './instruments.js';

const STATES = ['connecting', 'connected', 'suspended', 'lost'] as const;

/** See the file's head. */
export class SessionTally {
  readonly #instruments: Instruments;
  /** Present states; a session that is closed has none. */
  readonly #states = new Map<object, SessionState['kind']>();

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
    beginCounters(instruments, 'sessions', {});
  }

  watch(state$: Observable<SessionState>): Subscription {
    const session = {};
    const subscription = state$.subscribe(({ kind }) => {
      const known = this.#states.has(session);
      if (kind === 'closed') this.#states.delete(session);
      else this.#states.set(session, kind);
      // What it was when we looked first is no change.
      if (known) this.#instruments.add('holdfast.session_changes', 1, { state: kind });
    });
    subscription.add(() => this.#states.delete(session));
    return subscription;
  }

  *sessions(): Generator<Reading> {
    const kinds = [...this.#states.values()];
    for (const state of STATES) yield [kinds.filter((kind) => kind === state).length, { state }];
  }
}
