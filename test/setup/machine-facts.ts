/** What the tests of the lock machine are told, and what may go wrong: one claim, where it stands, and how a request fails. */
import type { Claim, Marking, Verdict } from '../../machines/lock-machine.js';

export const claim: Claim = {
  path: '/l/c',
  name: 'c',
  czxid: 5n,
  sessionId: 'a',
  createdMs: 0,
  heardAtMs: 0,
};
export const holds: Verdict = { kind: 'holds', queueLength: 1 };
export const waits: Verdict = {
  kind: 'waits',
  predecessor: 'p',
  position: 1,
  queueLength: 2,
  behindHolder: true,
  inherits: true,
};
export const missing: Verdict = { kind: 'missing' };

/** What may come of leaving a mark: `foreign` is of a holder that ended without releasing. */
export const foreign: Marking = {
  kind: 'foreign',
  remainingMs: 250,
  until: 1_250,
  holder: { path: '/l/b', readable: true, owner: 'bob' },
};
export const markings: readonly Marking[] = [{ kind: 'ours' }, foreign, { kind: 'unclaimed' }];

export const unknown = { outcome: 'unknown', retryable: true } as const;
export const notSent = { outcome: 'notApplied', retryable: true } as const;
export const refused = { outcome: 'notApplied', retryable: false } as const;
