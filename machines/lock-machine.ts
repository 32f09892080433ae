/**
 * One claim, from idle to held to gone. This file decides *when*; what is done lies behind named slots that
 * `src/lock-actors.ts` fills. It imports xstate and nothing else, so it can be printed, inspected, walked and
 * tested alone.
 */
import { assign, cancel, enqueueActions, fromCallback, fromPromise, type SnapshotFrom, setup } from 'xstate';

/** Our own contender: the znode that stands in line for us. */
export interface Claim {
  readonly path: string;
  readonly name: string;
  /** Creation transaction: with the session it makes the claim's identity, and the fencing token. */
  readonly czxid: bigint;
  readonly sessionId: string;
  /** Creation time by the leader's clock, epoch ms. */
  readonly createdMs: number;
  /** Our monotonic clock when we heard of the creation: leader time is at least `createdMs` plus what passed since. */
  readonly heardAtMs: number;
}

/** What the line says about our claim. */
export type Verdict =
  | { readonly kind: 'holds'; readonly queueLength: number }
  | {
      readonly kind: 'waits';
      /** The one contender to watch: its name, not its path. */
      readonly predecessor: string;
      /** How many stand ahead of us. */
      readonly position: number;
      readonly queueLength: number;
      /** The predecessor's deletion, by itself, makes us first (DESIGN §3.4). */
      readonly inherits: boolean;
    }
  /** Our claim is not in the line. */
  | { readonly kind: 'missing' };

/** A verdict, and when the listing it rests on was received (epoch ms). */
export interface Consultation {
  readonly verdict: Verdict;
  readonly asOf: number;
}

/** The result of standing in line: the claim, and what the first listing said. */
export interface Enqueued extends Consultation {
  readonly claim: Claim;
}

/** What is known of the contender we watch; fields its client did not write are missing. */
export interface Predecessor {
  readonly path: string;
  /** False when its data may not be read (ACL): we then watch the whole line instead. */
  readonly readable: boolean;
  readonly owner?: string;
  readonly host?: string;
  readonly pid?: number;
}

/** Why a lock that was held no longer is. */
export type ExpiryReason =
  | 'session-expired'
  | 'validity-passed'
  | 'suspended'
  | 'ttl'
  | 'node-deleted'
  | 'revoked'
  | 'closed';

/** Why an acquisition, or a release, did not succeed. */
export interface Failure {
  readonly kind: 'timeout' | 'aborted' | 'busy' | 'claim-deleted' | 'unreachable' | 'closed' | 'refused' | 'not-released';
  readonly cause?: unknown;
}

/** What ends a held lock: `bounded` the validity bound, `standard` any lost connection, `session` only the session's end. */
export type SuspendPolicy = 'bounded' | 'standard' | 'session';

/** News of the session, the current state first. Every lock of a session hears the same. */
export type SessionNews =
  | { readonly type: 'session.connected'; readonly sessionId: string }
  | { readonly type: 'session.suspended' }
  | {
      readonly type: 'session.lost';
      readonly reason: 'expired' | 'presumed' | 'unreachable' | 'authFailed';
      readonly cause?: unknown;
    }
  | { readonly type: 'session.closed' }
  /** Nothing was acknowledged for so long that the server may have given the session up. */
  | { readonly type: 'validity.passed' };

/** News of the contender we watch. */
export type PredecessorNews =
  | { readonly type: 'predecessor.seen'; readonly predecessor: Predecessor }
  /** `witnessed`: a deletion seen on this connection as it happened, not made up after a reconnect. */
  | { readonly type: 'predecessor.gone'; readonly witnessed: boolean }
  /** Something may have changed: look again. */
  | { readonly type: 'predecessor.unclear' }
  | { readonly type: 'predecessor.refused'; readonly cause: unknown };

/** News of our own claim. */
export type ClaimNews =
  | { readonly type: 'claim.watched' }
  | { readonly type: 'claim.gone'; readonly because: 'node-deleted' | 'revoked' };

/** News of the time to live that a holder gave itself. */
export type TtlNews =
  /** The grant is written; the lock ends by itself in `remainingMs` unless this comes again. */
  { readonly type: 'ttl.written'; readonly remainingMs: number };

/** Everything the machine hears. Commands are verbs, facts are dotted and past. */
export type LockEvent =
  | { readonly type: 'acquire' }
  | { readonly type: 'release' }
  | { readonly type: 'abort'; readonly cause: unknown }
  | { readonly type: 'deadline.passed' }
  | { readonly type: 'ttl.passed' }
  | SessionNews
  | PredecessorNews
  | ClaimNews
  | TtlNews;

/** What an acquisition is started with. */
export interface LockInput {
  /** Makes the GUID of a claim's name; called once per claim. */
  readonly newGuid: () => string;
  /** Milliseconds from `acquire` until it fails with `timeout`; null waits for ever. */
  readonly timeoutMs: number | null;
  /** Fail with `busy` instead of waiting. */
  readonly noWait: boolean;
  /** The lock ends by itself so long after the grant, unless renewed; null: it does not. */
  readonly ttlMs: number | null;
  readonly onSuspend: SuspendPolicy;
  /** Handed to the slots as it is. */
  readonly acquisition: unknown;
}

/** Everything the machine remembers. */
export interface LockContext extends LockInput {
  readonly sessionUp: boolean;
  readonly guid: string;
  readonly claim: Claim | null;
  /** A create was sent and nobody knows yet what became of it. */
  readonly mayExist: boolean;
  readonly consultation: Consultation | null;
  readonly predecessor: Predecessor | null;
  /** The watch on our own claim is armed on this connection. */
  readonly claimWatched: boolean;
  readonly expiredBecause: ExpiryReason | null;
  readonly failure: Failure | null;
}

/** What every slot is given. */
export interface SlotInput {
  readonly acquisition: unknown;
  readonly guid: string;
  readonly claim: Claim | null;
}

/** Errors of slots are read by shape: this file knows no classes of `src`. */
interface SlotError {
  readonly outcome?: 'unknown' | 'notApplied';
  readonly retryable?: boolean;
}

const empty = (slot: string) => new Error(`the slot "${slot}" is not filled: use machine.provide({ actors })`);
const emptyPromise = <Output, Input = SlotInput>(slot: string) =>
  fromPromise<Output, Input>(() => Promise.reject(empty(slot)));
const emptyCallback = <Input = SlotInput>(slot: string) =>
  fromCallback<LockEvent, Input>(() => {
    throw empty(slot);
  });

const slotInput = ({ context }: { context: LockContext }): SlotInput => ({
  acquisition: context.acquisition,
  guid: context.guid,
  claim: context.claim,
});

const withdrawInput = ({ context }: { context: LockContext }) => ({
  ...slotInput({ context }),
  mayExist: context.mayExist,
});

const errorOf = (event: unknown): SlotError => {
  const { error } = event as { error?: unknown };
  return typeof error === 'object' && error !== null ? error : {};
};
const outputOf = (event: unknown): unknown => (event as { output?: unknown }).output;
const verdictOf = (event: unknown): Verdict | null =>
  (outputOf(event) as Partial<Consultation> | null | undefined)?.verdict ?? null;

const lockSetup = setup({
  types: {
    context: {} as LockContext,
    events: {} as LockEvent,
    input: {} as LockInput,
    tags: {} as 'settled',
  },
  actors: {
    /** News of the session, for as long as the machine lives; the current state comes first. */
    sessionNews: emptyCallback('sessionNews'),
    /** Steps 1–2 of the recipe: creates the claim and lists the line in one round trip. */
    createClaim: emptyPromise<Enqueued>('createClaim'),
    /** Looks for a claim whose creation went unanswered; null when it was never made. */
    probeClaim: emptyPromise<Enqueued | null>('probeClaim'),
    /** Lists the line again. */
    consultQueue: emptyPromise<Consultation>('consultQueue'),
    /** Watches the one contender ahead. */
    watchPredecessor: emptyCallback<SlotInput & { readonly predecessor: string; readonly first: boolean }>(
      'watchPredecessor',
    ),
    /** Watches our own claim. */
    watchClaim: emptyCallback('watchClaim'),
    /** Writes the grant, with its time to live, into the claim. */
    writeGrant: emptyCallback('writeGrant'),
    /** Resolves when our claim, which a reconnect put in doubt, is still there and first; false when it is not. */
    revalidateClaim: emptyPromise<boolean>('revalidateClaim'),
    /** Deletes the claim, found by GUID if need be. One attempt: the machine repeats it. */
    withdrawClaim: emptyPromise<undefined, SlotInput & { readonly mayExist: boolean }>('withdrawClaim'),
  },
  delays: {
    timeout: ({ context }) => context.timeoutMs ?? 0,
    /** Between attempts that the server refused for now, on a connection that is up. */
    retryDelay: 100,
    /** Most leases are shorter; arming the watch on our own claim later saves them a request. */
    heldWatchDelay: 5,
    waitingWatchDelay: 250,
  },
  guards: {
    sessionUp: ({ context }) => context.sessionUp,
    sessionDown: ({ context }) => !context.sessionUp,
    holds: ({ event }) => verdictOf(event)?.kind === 'holds',
    missing: ({ event }) => verdictOf(event)?.kind === 'missing',
    mustNotWait: ({ context, event }) => context.noWait && verdictOf(event)?.kind === 'waits',
    neverMade: ({ event }) => outputOf(event) === null,
    stillOurs: ({ event }) => outputOf(event) === true,
    outcomeUnknown: ({ event }) => errorOf(event).outcome === 'unknown' && errorOf(event).retryable === true,
    retryable: ({ event }) => errorOf(event).retryable === true,
    retryableNow: ({ context, event }) => context.sessionUp && errorOf(event).retryable === true,
    /** DESIGN §3.4: the deletion alone is the grant. */
    inherits: ({ context, event }) =>
      event.type === 'predecessor.gone' &&
      event.witnessed &&
      context.claimWatched &&
      context.consultation?.verdict.kind === 'waits' &&
      context.consultation.verdict.inherits,
    claimUnwatched: ({ context }) => !context.claimWatched,
    /** The session that is gone can be followed by another one. */
    sessionReplaceable: ({ event }) =>
      event.type === 'session.lost' && (event.reason === 'expired' || event.reason === 'presumed'),
    otherSession: ({ context, event }) =>
      event.type === 'session.connected' && context.claim !== null && context.claim.sessionId !== event.sessionId,
    standardPolicy: ({ context }) => context.onSuspend === 'standard',
    boundMatters: ({ context }) => context.onSuspend !== 'session',
    nothingToWithdraw: ({ context }) => context.claim === null && !context.mayExist,
  },
  actions: {
    noteConnected: assign({ sessionUp: true }),
    noteDisconnected: assign({ sessionUp: false, claimWatched: false }),
    startDeadline: enqueueActions(({ context, enqueue }) => {
      if (context.timeoutMs !== null) enqueue.raise({ type: 'deadline.passed' }, { delay: 'timeout', id: 'deadline' });
    }),
    stopDeadline: cancel('deadline'),
    newAttempt: assign({
      guid: ({ context }) => context.newGuid(),
      claim: null,
      mayExist: false,
      consultation: null,
      predecessor: null,
      claimWatched: false,
    }),
    noteSent: assign({ mayExist: true }),
    noteNotSent: assign({ mayExist: false }),
    noteEnqueued: assign(({ event }) => {
      const enqueued = outputOf(event) as Enqueued;
      return {
        claim: enqueued.claim,
        mayExist: false,
        consultation: { verdict: enqueued.verdict, asOf: enqueued.asOf },
        predecessor: null,
      };
    }),
    noteConsultation: assign(({ event }) => ({ consultation: outputOf(event) as Consultation, predecessor: null })),
    notePredecessor: assign(({ event }) => (event.type === 'predecessor.seen' ? { predecessor: event.predecessor } : {})),
    startClaimWatch: enqueueActions(({ enqueue }) => {
      enqueue.stopChild('watchClaim');
      enqueue.spawnChild('watchClaim', { id: 'watchClaim', input: slotInput });
    }),
    /** Where the next deletion may be the grant, our own claim must be known to be there (DESIGN §3.4). */
    watchClaimIfItInherits: enqueueActions(({ context, enqueue }) => {
      const verdict = context.consultation?.verdict;
      if (context.claimWatched || verdict?.kind !== 'waits' || !verdict.inherits) return;
      enqueue.stopChild('watchClaim');
      enqueue.spawnChild('watchClaim', { id: 'watchClaim', input: slotInput });
    }),
    stopClaimWatch: enqueueActions(({ enqueue }) => {
      enqueue.stopChild('watchClaim');
      enqueue.assign({ claimWatched: false });
    }),
    noteClaimWatched: assign({ claimWatched: true }),
    startGrantWrite: enqueueActions(({ context, enqueue }) => {
      if (context.ttlMs !== null) enqueue.spawnChild('writeGrant', { id: 'writeGrant', input: slotInput });
    }),
    stopGrantWrite: enqueueActions(({ enqueue }) => {
      enqueue.cancel('ttl');
      enqueue.stopChild('writeGrant');
    }),
    restartTtl: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'ttl.written') return;
      enqueue.cancel('ttl');
      enqueue.raise({ type: 'ttl.passed' }, { delay: event.remainingMs, id: 'ttl' });
    }),
    /** The claim is known to be gone, or goes with its session: there is nothing left to withdraw. */
    forgetClaim: assign({ claim: null, mayExist: false }),
    noteNotReleased: assign(({ context, event }) => ({
      failure: context.failure ?? { kind: 'not-released' as const, cause: errorOf(event) },
    })),
    noteExpiry: assign((_, params: { readonly reason: ExpiryReason }) => ({ expiredBecause: params.reason })),
    noteClaimGone: assign(({ event }) => ({
      expiredBecause: event.type === 'claim.gone' ? event.because : ('node-deleted' as const),
    })),
    fail: assign(({ event }, params: { readonly kind: Failure['kind'] }) => {
      const { cause, error } = event as { cause?: unknown; error?: unknown };
      return { failure: { kind: params.kind, cause: cause ?? error } };
    }),
  },
});

/** What follows from any answer that says where we stand. */
const standing = (note: 'noteEnqueued' | 'noteConsultation') =>
  [
    { guard: 'holds', target: '#lock.held', actions: note },
    { guard: 'missing', target: '#lock.failed', actions: [note, { type: 'fail', params: { kind: 'claim-deleted' } }] },
    { guard: 'mustNotWait', target: '#lock.failed', actions: [note, { type: 'fail', params: { kind: 'busy' } }] },
    { target: '#lock.waitingOnPredecessor', actions: note },
  ] as const;

/** What follows when a question got no answer; `elsewhere` is where to stand until there is a connection. */
const unanswered = <Elsewhere extends string, Retry extends string>(elsewhere: Elsewhere, retry: Retry) =>
  [
    { guard: 'retryableNow', target: retry },
    { guard: 'retryable', target: elsewhere },
    { target: '#lock.failed', actions: { type: 'fail', params: { kind: 'refused' } } },
  ] as const;

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
    { guard: 'sessionReplaceable', target: '#lock.creatingNode', reenter: true, actions: 'noteDisconnected' },
    {
      target: '#lock.failed',
      actions: ['noteDisconnected', 'forgetClaim', { type: 'fail', params: { kind: 'unreachable' } }],
    },
  ],
} as const;

/** The ways to lose what we hold, besides letting go. */
const whileHolding = {
  release: { target: '#lock.releasing' },
  'session.lost': {
    target: '#lock.expired',
    actions: ['noteDisconnected', 'forgetClaim', { type: 'noteExpiry', params: { reason: 'session-expired' } }],
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
 * Deleting our claim is a durable intent: repeated over reconnects until the claim is gone, or its session is
 * (T12–T14). `settled` is where that leads, `refused` where a refusal for good does.
 */
const withdrawal = <Settled extends string, Refused extends string>(settled: Settled, refused: Refused) =>
  ({
    deleting: {
      always: [
        { guard: 'nothingToWithdraw', target: settled },
        { guard: 'sessionDown', target: 'retrying' },
      ],
      invoke: {
        id: 'withdrawClaim',
        src: 'withdrawClaim',
        input: withdrawInput,
        onDone: { target: settled },
        onError: [
          { guard: 'retryable', target: 'retrying' },
          { target: refused, actions: 'noteNotReleased' },
        ],
      },
    },
    retrying: {
      after: { retryDelay: { guard: 'sessionUp', target: 'deleting' } },
      on: { 'session.connected': { target: 'deleting', actions: 'noteConnected' } },
    },
  }) as const;

/** The session's end is the claim's end. */
const untilSessionEnds = <Settled extends string>(settled: Settled) =>
  ({
    'session.lost': { target: settled, actions: 'noteDisconnected' },
    'session.closed': { target: settled, actions: 'noteDisconnected' },
  }) as const;

/**
 * The statechart of one acquisition. The top level is what subscribers hear as `ownership.status`; what lies below is the
 * protocol's business. `expired`, `failed` and `releasing` go on working after they are told of, until the claim is
 * gone; the tag `settled` says that nothing is left to do and the actor may be stopped.
 */
export const lockMachine = lockSetup.createMachine({
  id: 'lock',
  context: ({ input }) => ({
    ...input,
    sessionUp: false,
    guid: '',
    claim: null,
    mayExist: false,
    consultation: null,
    predecessor: null,
    claimWatched: false,
    expiredBecause: null,
    failure: null,
  }),
  invoke: { id: 'sessionNews', src: 'sessionNews', input: slotInput },
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
        acquire: { target: 'creatingNode', actions: 'startDeadline' },
        release: { target: 'released' },
      },
    },

    creatingNode: {
      entry: ['stopClaimWatch', 'newAttempt'],
      initial: 'awaitingSession',
      on: { ...whileAcquiring, ...endOfSession },
      states: {
        awaitingSession: { always: { guard: 'sessionUp', target: 'creating' } },
        creating: {
          entry: 'noteSent',
          invoke: {
            id: 'createClaim',
            src: 'createClaim',
            input: slotInput,
            onDone: standing('noteEnqueued'),
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
                onDone: [{ guard: 'neverMade', target: '#lock.creatingNode.creating' }, ...standing('noteEnqueued')],
                onError: unanswered('awaitingSession', 'retrying'),
              },
            },
            retrying: { after: { retryDelay: 'awaitingSession' } },
          },
        },
        retrying: { after: { retryDelay: 'awaitingSession' } },
      },
    },

    waitingOnPredecessor: {
      initial: 'watching',
      on: {
        ...whileAcquiring,
        ...endOfSession,
        'session.suspended': { target: '.awaitingSession', actions: ['stopClaimWatch', 'noteDisconnected'] },
        'claim.gone': {
          target: '#lock.failed',
          actions: ['forgetClaim', { type: 'fail', params: { kind: 'claim-deleted' } }],
        },
        'claim.watched': { actions: 'noteClaimWatched' },
      },
      states: {
        watching: {
          entry: 'watchClaimIfItInherits',
          invoke: {
            id: 'watchPredecessor',
            src: 'watchPredecessor',
            input: ({ context }) => {
              const verdict = context.consultation?.verdict;
              return {
                ...slotInput({ context }),
                predecessor: verdict?.kind === 'waits' ? verdict.predecessor : '',
                first: verdict?.kind === 'waits' && verdict.position === 1,
              };
            },
          },
          after: { waitingWatchDelay: { guard: 'claimUnwatched', actions: 'startClaimWatch' } },
          on: {
            'predecessor.seen': { actions: 'notePredecessor' },
            'predecessor.gone': [{ guard: 'inherits', target: '#lock.held' }, { target: 'consulting' }],
            'predecessor.unclear': { target: 'consulting' },
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
            input: slotInput,
            onDone: standing('noteConsultation'),
            onError: unanswered('awaitingSession', 'retrying'),
          },
        },
        retrying: { after: { retryDelay: 'awaitingSession' } },
        awaitingSession: { always: { guard: 'sessionUp', target: 'consulting' } },
      },
    },

    held: {
      entry: ['stopDeadline', 'startGrantWrite'],
      exit: 'stopGrantWrite',
      initial: 'confirmed',
      on: { ...whileHolding, 'claim.watched': { actions: 'noteClaimWatched' } },
      states: {
        confirmed: {
          after: { heldWatchDelay: { guard: 'claimUnwatched', actions: 'startClaimWatch' } },
          on: {
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
                actions: ['noteConnected', 'forgetClaim', { type: 'noteExpiry', params: { reason: 'session-expired' } }],
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
              { target: '#lock.expired', actions: { type: 'noteExpiry', params: { reason: 'node-deleted' } } },
            ],
            onError: [
              { guard: 'retryableNow', target: 'retrying' },
              { guard: 'retryable', target: 'suspended' },
              { target: '#lock.expired', actions: { type: 'noteExpiry', params: { reason: 'node-deleted' } } },
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
