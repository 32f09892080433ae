/**
 * One claim, from idle to held to gone. This file decides *when*; what is done lies behind named slots that
 * `src/lock-actors.ts` fills. The machines import xstate and nothing else, so they can be printed, inspected, walked and
 * tested alone.
 */
import type { SnapshotFrom } from 'xstate';
import { standing, unanswered } from './lock-answers.js';
import { delaying, marking } from './lock-marking.js';
import { consultInput, lockSetup, slotInput, watchInput } from './lock-setup.js';
import { untilSessionEnds, withdrawal } from './lock-withdrawal.js';

export type * from './lock-facts.js';

/** How a pending acquisition ends early, whatever it is doing. */
const whileAcquiring = {
  release: { target: '#lock.releasing' },
  abort: { target: '#lock.failed', actions: { type: 'fail', params: { kind: 'aborted' } } },
  'deadline.passed': { target: '#lock.failed', actions: { type: 'fail', params: { kind: 'timeout' } } },
  'session.closed': {
    target: '#lock.failed',
    actions: ['noteDisconnected', 'forgetClaim', { type: 'fail', params: { kind: 'closed' } }],
  },
} as const;

const endOfSession = {
  'session.lost': [
    {
      guard: 'sessionReplaceable',
      target: '#lock.creatingNode',
      reenter: true,
      actions: ['stopClaimWatch', 'noteDisconnected'],
    },
    {
      target: '#lock.failed',
      actions: ['noteDisconnected', 'forgetClaim', { type: 'fail', params: { kind: 'unreachable' } }],
    },
  ],
} as const;

/** What the watch on our own claim tells besides its end. */
const newsOfClaim = {
  'claim.watched': { actions: 'noteClaimWatched' },
  'claim.revokeRequested': { actions: 'noteRevokeRequested' },
} as const;

/** The ways to lose what we hold, besides letting go. */
const whileHolding = {
  release: { target: '#lock.releasing' },
  'session.lost': {
    target: '#lock.expired',
    actions: [
      'noteDisconnected',
      'forgetClaim',
      { type: 'noteExpiry', params: { reason: 'session-expired' } },
    ],
  },
  'session.closed': {
    target: '#lock.expired',
    actions: ['noteDisconnected', 'forgetClaim', { type: 'noteExpiry', params: { reason: 'closed' } }],
  },
  'validity.passed': {
    guard: 'boundMatters',
    target: '#lock.expired',
    actions: { type: 'noteExpiry', params: { reason: 'validity-passed' } },
  },
  'ttl.passed': { target: '#lock.expired', actions: { type: 'noteExpiry', params: { reason: 'ttl' } } },
  'claim.gone': { target: '#lock.expired', actions: ['noteClaimGone', 'forgetClaim'] },
  'ttl.written': { actions: 'restartTtl' },
} as const;

/**
 * The statechart of one acquisition. The top level is what subscribers hear as `ownership.status`; what lies below is the
 * protocol's business. `expired`, `failed` and `releasing` go on working after they are told of, until the claim is
 * gone; the tag `settled` says that nothing is left to do and the actor may be stopped.
 */
export const lockMachine = lockSetup.createMachine({
  id: 'lock',
  context: ({ input }) => ({
    newGuid: input.newGuid,
    timeoutMs: input.timeoutMs,
    noWait: input.noWait,
    steals: input.steals,
    ttlMs: input.ttlMs,
    onSuspend: input.onSuspend,
    amongOwn: input.amongOwn,
    marks: input.marks,
    sessionUp: input.sessionUp,
    acquisition: input.acquisition,
    guid: '',
    claim: null,
    mayExist: false,
    mark: 'none',
    loss: null,
    consultation: null,
    predecessor: null,
    cutSinceListing: false,
    claimWatched: false,
    revokeRequested: null,
    expiredBecause: null,
    failure: null,
  }),
  on: {
    'session.connected': { actions: 'noteConnected' },
    'session.suspended': { actions: 'noteDisconnected' },
    'session.lost': { actions: 'noteDisconnected' },
    'session.closed': { actions: 'noteDisconnected' },
  },
  initial: 'idle',
  states: {
    idle: {
      on: {
        acquire: [
          { guard: 'amongOwn', target: 'creatingNode.amongOwn', actions: 'startDeadline' },
          { guard: 'sessionUp', target: 'creatingNode.creating', actions: 'startDeadline' },
          { target: 'creatingNode', actions: 'startDeadline' },
        ],
        release: { target: 'released' },
      },
    },

    creatingNode: {
      entry: 'newAttempt',
      initial: 'awaitingSession',
      on: { ...whileAcquiring, ...endOfSession },
      states: {
        awaitingSession: { always: { guard: 'sessionUp', target: 'creating' } },
        /** Whoever shares a claim with others of its process stands in their line first (docs/decisions/019). */
        amongOwn: {
          on: {
            'ownLine.joined': [
              {
                guard: 'behindOwnInVain',
                target: '#lock.failed',
                actions: { type: 'fail', params: { kind: 'busy' } },
              },
              { guard: 'behindOwn', target: '#lock.waitingOnPredecessor.amongOwn', actions: 'noteBehind' },
              { target: 'awaitingSession' },
            ],
          },
        },
        creating: {
          entry: 'noteSent',
          invoke: {
            id: 'createClaim',
            src: 'createClaim',
            input: slotInput,
            onDone: standing('noteEnqueued', '#lock.creatingNode.marking'),
            onError: [
              { guard: 'outcomeUnknown', target: 'probing' },
              { guard: 'retryableNow', target: 'retrying', actions: 'noteNotSent' },
              { guard: 'retryable', target: 'awaitingSession', actions: 'noteNotSent' },
              { target: '#lock.failed', actions: { type: 'fail', params: { kind: 'refused' } } },
            ],
          },
        },
        /** The server was asked and its answer was lost: the claim may stand in line (T06, T07). */
        probing: {
          initial: 'awaitingSession',
          states: {
            awaitingSession: { always: { guard: 'sessionUp', target: 'looking' } },
            looking: {
              invoke: {
                id: 'probeClaim',
                src: 'probeClaim',
                input: slotInput,
                onDone: [
                  { guard: 'neverMade', target: '#lock.creatingNode.creating' },
                  ...standing('noteEnqueued', '#lock.creatingNode.marking'),
                ],
                onError: unanswered('awaitingSession', 'retrying'),
              },
            },
            retrying: { after: { retryDelay: 'awaitingSession' } },
          },
        },
        /** It stands in line and takes the place of whoever holds. What came of that in a session that is over, nobody can say. */
        stealing: {
          initial: 'awaitingSession',
          on: {
            'session.lost': {
              guard: 'sessionReplaceable',
              target: '#lock.failed',
              actions: [
                'noteDisconnected',
                'forgetClaim',
                { type: 'fail', params: { kind: 'session-lost' } },
              ],
            },
          },
          states: {
            awaitingSession: { always: { guard: 'sessionUp', target: 'taking' } },
            taking: {
              invoke: {
                id: 'stealPlace',
                src: 'stealPlace',
                input: slotInput,
                onDone: standing('noteEnqueued', '#lock.creatingNode.marking'),
                onError: unanswered('awaitingSession', 'retrying'),
              },
            },
            retrying: { after: { retryDelay: 'awaitingSession' } },
          },
        },
        marking,
        retrying: { after: { retryDelay: 'awaitingSession' } },
      },
    },

    waitingOnPredecessor: {
      initial: 'watching',
      on: {
        ...whileAcquiring,
        ...endOfSession,
        'session.suspended': { target: '.awaitingSession', actions: ['stopClaimWatch', 'noteDisconnected'] },
        /** Deleted by somebody, or with its session, whose end is told later: the line is asked, and it tells them apart. */
        'claim.gone': { target: '.awaitingSession', actions: 'stopClaimWatch' },
        ...newsOfClaim,
      },
      states: {
        watching: {
          entry: 'watchClaimIfItInherits',
          invoke: {
            id: 'watchPredecessor',
            src: 'watchPredecessor',
            input: watchInput,
          },
          on: {
            'watch.due': { guard: 'claimUnwatched', actions: 'startClaimWatch' },
            'predecessor.seen': { actions: 'notePredecessor' },
            'predecessor.gone': [
              { guard: 'inheritsOnceMarked', target: 'marking', actions: 'noteInherited' },
              { guard: 'inherits', target: '#lock.held' },
              { target: 'consulting' },
            ],
            'predecessor.unclear': { target: 'consulting' },
            'line.seen': [
              { guard: 'behindTheSame', actions: ['noteStanding', 'watchClaimIfItInherits'] },
              { target: 'consulting' },
            ],
            'predecessor.refused': {
              target: '#lock.failed',
              actions: { type: 'fail', params: { kind: 'refused' } },
            },
          },
        },
        consulting: {
          invoke: {
            id: 'consultQueue',
            src: 'consultQueue',
            input: consultInput,
            onDone: standing('noteConsultation', '#lock.waitingOnPredecessor.marking'),
            onError: unanswered('awaitingSession', 'retrying'),
          },
        },
        marking,
        delaying,
        retrying: { after: { retryDelay: 'awaitingSession' } },
        awaitingSession: { always: { guard: 'sessionUp', target: 'consulting' } },
        /** Without a claim, behind somebody of our own process: no session's end, and no cut, takes that place away. */
        amongOwn: {
          on: {
            'session.suspended': { actions: 'noteDisconnected' },
            'session.lost': { guard: 'sessionReplaceable', actions: 'noteDisconnected' },
            'claim.gone': {},
            'ownLine.moved': { actions: 'noteBehind' },
            'ownLine.first': { target: '#lock.creatingNode' },
            'claim.handed': [
              { guard: 'handedToHold', target: '#lock.held', actions: 'noteHanded' },
              { target: 'consulting', actions: 'noteHanded' },
            ],
          },
        },
      },
    },

    held: {
      entry: ['stopDeadline', 'startTerm'],
      exit: 'endTerm',
      initial: 'confirmed',
      on: { ...whileHolding, ...newsOfClaim },
      states: {
        confirmed: {
          on: {
            'watch.due': { guard: 'claimUnwatched', actions: 'startClaimWatch' },
            'session.suspended': [
              {
                guard: 'standardPolicy',
                target: '#lock.expired',
                actions: ['noteDisconnected', { type: 'noteExpiry', params: { reason: 'suspended' } }],
              },
              { target: 'suspended', actions: ['stopClaimWatch', 'noteDisconnected'] },
            ],
          },
        },
        suspended: {
          on: {
            'session.connected': [
              {
                guard: 'otherSession',
                target: '#lock.expired',
                actions: [
                  'noteConnected',
                  'forgetClaim',
                  { type: 'noteExpiry', params: { reason: 'session-expired' } },
                ],
              },
              { target: 'revalidating', actions: 'noteConnected' },
            ],
          },
        },
        revalidating: {
          invoke: {
            id: 'revalidateClaim',
            src: 'revalidateClaim',
            input: slotInput,
            onDone: [
              { guard: 'stillOurs', target: 'confirmed' },
              { target: '#lock.expired', actions: 'noteClaimGone' },
            ],
            onError: [
              { guard: 'retryableNow', target: 'retrying' },
              { guard: 'retryable', target: 'suspended' },
              { target: '#lock.expired', actions: 'noteClaimGone' },
            ],
          },
          on: { 'session.suspended': { target: 'suspended', actions: 'noteDisconnected' } },
        },
        retrying: {
          after: { retryDelay: 'revalidating' },
          on: { 'session.suspended': { target: 'suspended', actions: 'noteDisconnected' } },
        },
      },
    },

    releasing: {
      entry: 'stopDeadline',
      initial: 'deleting',
      on: untilSessionEnds('#lock.released'),
      states: withdrawal('#lock.released', '#lock.failed.settled'),
    },

    released: { type: 'final', tags: 'settled' },

    expired: {
      initial: 'deleting',
      on: untilSessionEnds('#lock.expired.settled'),
      states: {
        ...withdrawal('#lock.expired.settled', '#lock.expired.settled'),
        settled: { type: 'final', tags: 'settled' },
      },
    },

    failed: {
      entry: 'stopDeadline',
      initial: 'deleting',
      on: untilSessionEnds('#lock.failed.settled'),
      states: {
        ...withdrawal('#lock.failed.settled', '#lock.failed.settled'),
        settled: { type: 'final', tags: 'settled' },
      },
    },
  },
});

/** A snapshot of {@link lockMachine}. */
export type LockSnapshot = SnapshotFrom<typeof lockMachine>;

/** The names of the top level, as the project's user drew it. */
export type LockStatus =
  | 'idle'
  | 'creatingNode'
  | 'waitingOnPredecessor'
  | 'held'
  | 'releasing'
  | 'released'
  | 'expired'
  | 'failed';
