/** A part of the lock's chart that two of its states have, and only with `marks`: what lies between being first and holding (docs/decisions/020). */
import { unanswered } from './lock-answers.js';
import { slotInput } from './lock-setup.js';

/** Whoever is first leaves its mark; that of a holder who ended without releasing is waited out. */
export const marking = {
  entry: 'noteMarking',
  invoke: {
    id: 'leaveMark',
    src: 'leaveMark',
    input: slotInput,
    onDone: [
      { guard: 'marked', target: '#lock.held', actions: 'noteMarked' },
      {
        guard: 'unclaimed',
        target: '#lock.waitingOnPredecessor.awaitingSession',
        actions: 'doubtListing',
      },
      {
        guard: 'mustNotDelay',
        target: '#lock.failed',
        actions: ['noteLoss', { type: 'fail', params: { kind: 'busy' } }],
      },
      { target: '#lock.waitingOnPredecessor.delaying', actions: 'noteLoss' },
    ],
    onError: unanswered('#lock.waitingOnPredecessor.awaitingSession', '#lock.waitingOnPredecessor.retrying'),
  },
} as const;

/** First in line, behind nobody but a mark. */
export const delaying = {
  entry: 'watchClaimUnlessWatched',
  after: { lossDelay: 'marking' },
} as const;
