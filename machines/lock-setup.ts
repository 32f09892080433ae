/** What the lock machine is made of: slots to be filled, delays, guards and actions by name. The chart is in `lock-machine.ts`. */
import { assign, enqueueActions, fromCallback, fromPromise, setup } from 'xstate';
import type {
  Consultation,
  Enqueued,
  ExpiryReason,
  Failure,
  LockContext,
  LockEvent,
  LockInput,
  Marking,
  SlotInput,
  Verdict,
  WatchInput,
  WithdrawInput,
} from './lock-facts.js';

/** Errors of slots are read by shape: this file knows no classes of `src`. */
interface SlotError {
  readonly outcome?: 'unknown' | 'notApplied';
  readonly retryable?: boolean;
}

const empty = (slot: string) =>
  new Error(`the slot "${slot}" is not filled: use machine.provide({ actors })`);
const emptyPromise = <Output, Input = SlotInput>(slot: string) =>
  fromPromise<Output, Input>(() => Promise.reject(empty(slot)));
const emptyCallback = <Input = SlotInput>(slot: string) =>
  fromCallback<LockEvent, Input>(() => {
    throw empty(slot);
  });

export const slotInput = ({ context }: { context: LockContext }): SlotInput => ({
  acquisition: context.acquisition,
  guid: context.guid,
  claim: context.claim,
});

export const withdrawInput = ({ context }: { context: LockContext }) => ({
  acquisition: context.acquisition,
  guid: context.guid,
  claim: context.claim,
  mayExist: context.mayExist,
  // Whoever lost what it held leaves its mark there: that is what it is for.
  mark: context.expiredBecause === null ? context.mark : 'none',
  cutSinceListing: context.cutSinceListing,
});

export const consultInput = ({ context }: { context: LockContext }) => ({
  acquisition: context.acquisition,
  guid: context.guid,
  claim: context.claim,
  sync: context.cutSinceListing,
});

export const watchInput = ({ context }: { context: LockContext }): SlotInput & WatchInput => {
  const { acquisition, guid, claim, consultation } = context;
  const waits = consultation?.verdict.kind === 'waits' ? consultation.verdict : null;
  return {
    acquisition,
    guid,
    claim,
    predecessor: waits?.predecessor ?? '',
    everybody: waits?.watch === 'children',
    first: waits?.behindHolder ?? false,
    position: waits?.position ?? 0,
  };
};

const errorOf = (event: unknown): SlotError => {
  const { error } = event as { error?: unknown };
  return typeof error === 'object' && error !== null ? error : {};
};
const outputOf = (event: unknown): unknown => (event as { output?: unknown }).output;
const markingOf = (event: unknown) => outputOf(event) as Marking | null | undefined;
const verdictOf = (event: unknown): Verdict | null =>
  (outputOf(event) as Partial<Consultation> | null | undefined)?.verdict ?? null;

const inherits = ({ context, event }: { readonly context: LockContext; readonly event: LockEvent }) =>
  event.type === 'predecessor.gone' &&
  event.witnessed &&
  context.claimWatched &&
  context.consultation?.verdict.kind === 'waits' &&
  context.consultation.verdict.inherits;

/** The machine's vocabulary. Slots are filled by `src/lock-actors.ts`; guards and actions are pure. */
export const lockSetup = setup({
  types: {
    context: {} as LockContext,
    events: {} as LockEvent,
    input: {} as LockInput,
    tags: {} as 'settled',
  },
  actors: {
    /** Steps 1–2 of the recipe: creates the claim and lists the line in one round trip. */
    createClaim: emptyPromise<Enqueued>('createClaim'),
    /** Looks for a claim whose creation went unanswered; null when it was never made. */
    probeClaim: emptyPromise<Enqueued | null>('probeClaim'),
    /** Takes the place of whoever holds, in one transaction. */
    stealPlace: emptyPromise<Enqueued>('stealPlace'),
    /** Leaves our mark, or says whose is there. */
    leaveMark: emptyPromise<Marking>('leaveMark'),
    /** Lists the line again; `sync`: after the server caught up with the leader (T49). */
    consultQueue: emptyPromise<Consultation, SlotInput & { readonly sync: boolean }>('consultQueue'),
    /** Watches the one contender ahead, or the whole line where anybody's leaving may be the grant. */
    watchPredecessor: emptyCallback<SlotInput & WatchInput>('watchPredecessor'),
    /** Watches our own claim. */
    watchClaim: emptyCallback('watchClaim'),
    /** Writes the grant, with its time to live, into the claim. */
    writeGrant: emptyCallback('writeGrant'),
    /** Resolves when our claim, which a reconnect put in doubt, is still there and first; false when it is not. */
    revalidateClaim: emptyPromise<boolean>('revalidateClaim'),
    /** Deletes the claim, found by GUID if need be. One attempt: the machine repeats it. */
    withdrawClaim: emptyPromise<undefined, SlotInput & WithdrawInput>('withdrawClaim'),
  },
  delays: {
    timeout: ({ context }) => context.timeoutMs ?? 0,
    /** Between attempts that the server refused for now, on a connection that is up. */
    retryDelay: 100,
    /** For so long is waited out whoever ended without releasing. */
    lossDelay: ({ context }) => context.loss?.remainingMs ?? 0,
  },
  guards: {
    sessionUp: ({ context }) => context.sessionUp,
    sessionDown: ({ context }) => !context.sessionUp,
    holds: ({ event }) => verdictOf(event)?.kind === 'holds',
    holdsOnceMarked: ({ context, event }) => context.marks && verdictOf(event)?.kind === 'holds',
    marked: ({ event }) => markingOf(event)?.kind === 'ours',
    unclaimed: ({ event }) => markingOf(event)?.kind === 'unclaimed',
    mustNotDelay: ({ context }) => context.noWait,
    missing: ({ event }) => verdictOf(event)?.kind === 'missing',
    mustNotWait: ({ context, event }) => context.noWait && verdictOf(event)?.kind === 'waits',
    amongOwn: ({ context }) => context.amongOwn,
    behindOwn: ({ event }) => event.type === 'ownLine.joined' && event.behind !== null,
    behindOwnInVain: ({ context, event }) =>
      context.noWait && event.type === 'ownLine.joined' && event.behind !== null,
    handedToHold: ({ event }) => event.type === 'claim.handed' && event.holds,
    neverMade: ({ event }) => outputOf(event) === null,
    steals: ({ context, event }) => context.steals && verdictOf(event)?.kind === 'waits',
    stillOurs: ({ event }) => outputOf(event) === true,
    outcomeUnknown: ({ event }) => errorOf(event).outcome === 'unknown' && errorOf(event).retryable === true,
    retryable: ({ event }) => errorOf(event).retryable === true,
    retryableNow: ({ context, event }) => context.sessionUp && errorOf(event).retryable === true,
    /** DESIGN §3.4: the deletion alone is the grant. */
    inherits,
    inheritsOnceMarked: (given) => given.context.marks && inherits(given),
    /** Still behind the same one, who may have come nearer. */
    behindTheSame: ({ context, event }) => {
      const known = context.consultation?.verdict;
      const seen = event.type === 'line.seen' ? event.consultation.verdict : null;
      return known?.kind === 'waits' && seen?.kind === 'waits' && known.predecessor === seen.predecessor;
    },
    claimUnwatched: ({ context }) => !context.claimWatched,
    /** The session that is gone can be followed by another one. */
    sessionReplaceable: ({ event }) =>
      event.type === 'session.lost' && (event.reason === 'expired' || event.reason === 'presumed'),
    otherSession: ({ context, event }) =>
      event.type === 'session.connected' &&
      context.claim !== null &&
      context.claim.sessionId !== event.sessionId,
    standardPolicy: ({ context }) => context.onSuspend === 'standard',
    boundMatters: ({ context }) => context.onSuspend !== 'session',
    nothingToWithdraw: ({ context }) => context.claim === null && !context.mayExist,
  },
  actions: {
    noteConnected: assign({ sessionUp: true }),
    noteDisconnected: assign({ sessionUp: false, claimWatched: false, cutSinceListing: true }),
    startDeadline: enqueueActions(({ context, enqueue }) => {
      if (context.timeoutMs !== null)
        enqueue.raise({ type: 'deadline.passed' }, { delay: 'timeout', id: 'deadline' });
    }),
    stopDeadline: enqueueActions(({ context, enqueue }) => {
      if (context.timeoutMs !== null) enqueue.cancel('deadline');
    }),
    newAttempt: assign(({ context }) => ({
      guid: context.newGuid(),
      claim: null,
      mayExist: false,
      mark: 'none' as const,
      loss: null,
      consultation: null,
      predecessor: null,
      claimWatched: false,
      revokeRequested: null,
    })),
    noteSent: assign({ mayExist: true }),
    noteNotSent: assign({ mayExist: false }),
    noteEnqueued: assign(({ event }) => {
      const enqueued = outputOf(event) as Enqueued;
      return {
        claim: enqueued.claim,
        mayExist: false,
        consultation: { verdict: enqueued.verdict, asOf: enqueued.asOf },
        predecessor: null,
        cutSinceListing: false,
      };
    }),
    noteMarking: assign({ mark: 'possible' as const }),
    noteMarked: assign({ mark: 'ours' as const, loss: null }),
    noteLoss: assign(({ event }) => {
      const marking = markingOf(event);
      return marking?.kind === 'foreign' ? { loss: marking, predecessor: marking.holder } : {};
    }),
    /** The line that was seen last still had our claim in it. */
    doubtListing: assign({ cutSinceListing: true }),
    noteConsultation: assign(({ event }) => ({
      consultation: outputOf(event) as Consultation,
      predecessor: null,
      cutSinceListing: false,
    })),
    /** The only one ahead has gone, which takes no listing to know. */
    noteInherited: assign(({ context: { consultation } }) => {
      if (consultation?.verdict.kind !== 'waits') return {};
      const { verdict, asOf } = consultation;
      const holds = { kind: 'holds' as const, queueLength: verdict.queueLength - 1 };
      return { consultation: { verdict: holds, asOf }, predecessor: null };
    }),
    noteStanding: assign(({ event }) =>
      event.type === 'line.seen' ? { consultation: event.consultation } : {},
    ),
    noteBehind: assign(({ event }) => {
      if (!('behind' in event) || event.behind === null) return {};
      return { consultation: event.behind, predecessor: event.behind.predecessor ?? null };
    }),
    /** What is the grant is watched already. Else nobody knows how the line stands: it is listed as after a cut. */
    noteHanded: assign(({ event }) =>
      event.type === 'claim.handed'
        ? { claim: event.claim, claimWatched: event.holds, cutSinceListing: !event.holds }
        : {},
    ),
    notePredecessor: assign(({ event }) =>
      event.type === 'predecessor.seen' ? { predecessor: event.predecessor } : {},
    ),
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
    watchClaimUnlessWatched: enqueueActions(({ context, enqueue }) => {
      if (context.claimWatched) return;
      enqueue.stopChild('watchClaim');
      enqueue.spawnChild('watchClaim', { id: 'watchClaim', input: slotInput });
    }),
    stopClaimWatch: enqueueActions(({ enqueue }) => {
      enqueue.stopChild('watchClaim');
      enqueue.assign({ claimWatched: false });
    }),
    noteClaimWatched: assign({ claimWatched: true }),
    startTerm: enqueueActions(({ context, enqueue }) => {
      if (context.ttlMs !== null) enqueue.spawnChild('writeGrant', { id: 'writeGrant', input: slotInput });
    }),
    endTerm: enqueueActions(({ context, enqueue }) => {
      if (context.ttlMs === null) return;
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
    /** Every reading of the claim tells what it says; only other words are news. */
    noteRevokeRequested: assign(({ context: { revokeRequested: known }, event }) => {
      if (event.type !== 'claim.revokeRequested') return {};
      const { by, why, graceMs } = event.request;
      const same = known?.by === by && known.why === why && known.graceMs === graceMs;
      return same ? {} : { revokeRequested: event.request };
    }),
    /** The claim is not there: taken by whoever had asked for it, if anybody had. */
    noteClaimGone: assign(({ context }) => ({
      expiredBecause: context.revokeRequested === null ? ('node-deleted' as const) : ('revoked' as const),
    })),
    fail: assign(({ event }, params: { readonly kind: Failure['kind'] }) => {
      const { cause, error } = event as { cause?: unknown; error?: unknown };
      return { failure: { kind: params.kind, cause: cause ?? error } };
    }),
  },
});
