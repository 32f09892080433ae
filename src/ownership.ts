/** TELL: a machine's snapshot as what subscribers hear. Derived from snapshots, so whoever comes late knows as well. */
import type {
  ExpiryReason,
  LockSnapshot,
  LockStatus,
  Predecessor,
  RevokeRequest,
} from '../machines/lock-machine.js';
import type { LockError } from './errors.js';
import type { Lease } from './lease.js';

/** What a subscriber hears; `L` is what a holder holds. `status` is the top level of the statechart. */
export type Ownership<L = Lease> =
  /** Nothing was asked for yet. */
  | { readonly status: 'idle' }
  /** Asking for a place in line, or for a session first. Do: wait. */
  | { readonly status: 'creatingNode' }
  /** In line behind somebody. Do: wait, or unsubscribe to give the place up. */
  | {
      readonly status: 'waitingOnPredecessor';
      /** How many stood ahead at `asOf`. */
      readonly position: number;
      /** How many stood in line at `asOf`, ourselves included. */
      readonly queueLength: number;
      /** The one ahead, or whose loss is waited out; its owner once it was read. Null while it is being looked for. */
      readonly predecessor: Predecessor | null;
      /**
       * How long it may still take from `asOf`, ms: `position` times the mean time in which a place became free at this path
       * while this session waited there or held it alone; the last ten or so such times decide. Null until it saw one. A
       * guess for people: nothing is asked of the server for it, and holders promise nothing.
       */
      readonly estimatedWaitMs: number | null;
      /**
       * Not null: nobody is ahead, but whoever held it (`predecessor`) ended without releasing, and by `lossDelayMs` nobody is to hold it
       * before this moment, epoch ms.
       */
      readonly delayedUntil: number | null;
      /** When the line was last listed, epoch ms. Live values come from `lock.contention`. */
      readonly asOf: number;
    }
  /** It is ours. Do: work; pass `lease.fencingToken` on; stop at `lease.signal`. */
  | {
      readonly status: 'held';
      readonly lease: L;
      /**
       * `suspended`: cut off; work on until `lease.validUntil` at most. `revalidating`: back, and looking whether it is
       * still ours.
       */
      readonly connection: 'confirmed' | 'suspended' | 'revalidating';
      /** Somebody asks for it. Do: finish soon and release; when their grace is over they take it by force. */
      readonly revokeRequested: RevokeRequest | null;
    }
  /** Given back; the claim is being deleted. */
  | { readonly status: 'releasing' }
  /** Given back, and gone from the server. The stream completes. */
  | { readonly status: 'released' }
  /** We held it and no longer do. Do: stop the work at once; the token refuses what comes late. The stream completes. */
  | { readonly status: 'expired'; readonly reason: ExpiryReason }
  /** Not obtained. The stream errors with `error`; nothing is left in line. */
  | { readonly status: 'failed'; readonly error: LockError };

/** The top level of a snapshot. */
export function statusOf(snapshot: LockSnapshot): LockStatus {
  const { value } = snapshot;
  return (typeof value === 'string' ? value : (Object.keys(value)[0] ?? 'idle')) as LockStatus;
}

/** Whether it waits for the contender ahead, and neither for a connection nor for a listing. */
export function isWatching({ value }: LockSnapshot): boolean {
  return (
    typeof value === 'object' && 'waitingOnPredecessor' in value && value.waitingOnPredecessor === 'watching'
  );
}

/** How a held lock stands to its connection. */
export function connectionOf(snapshot: LockSnapshot): 'confirmed' | 'suspended' | 'revalidating' {
  const { value } = snapshot;
  const held = typeof value === 'object' && 'held' in value ? value.held : undefined;
  return held === 'confirmed' || held === 'suspended' ? held : 'revalidating';
}

/** What goes into an {@link Ownership} besides the snapshot. */
export interface OwnershipParts<L> {
  /** The lease of the present grant. */
  readonly lease: () => L;
  /** So many are ahead now: how long they may take to leave, ms. */
  readonly estimateMs: (places: number) => number | null;
  /** The failure of the snapshot as an error for people. */
  readonly error: () => LockError;
}

/** Translates. */
export function ownershipOf<L>(snapshot: LockSnapshot, parts: OwnershipParts<L>): Ownership<L> {
  const status = statusOf(snapshot);
  switch (status) {
    case 'waitingOnPredecessor': {
      const { consultation, predecessor, loss } = snapshot.context;
      const verdict = consultation?.verdict;
      const waits = verdict?.kind === 'waits' ? verdict : null;
      return {
        status,
        position: waits?.position ?? 0,
        queueLength: verdict === undefined || verdict.kind === 'missing' ? 0 : verdict.queueLength,
        predecessor,
        estimatedWaitMs: waits === null ? null : parts.estimateMs(waits.position),
        delayedUntil: loss === null ? null : loss.until,
        asOf: consultation?.asOf ?? 0,
      };
    }
    case 'held':
      return {
        status,
        lease: parts.lease(),
        connection: connectionOf(snapshot),
        revokeRequested: snapshot.context.revokeRequested,
      };
    case 'expired':
      return { status, reason: snapshot.context.expiredBecause ?? 'session-expired' };
    case 'failed':
      return { status, error: parts.error() };
    default:
      return { status };
  }
}

/** Whether `next` says anything that `previous` did not. */
export function tellsMore(previous: Ownership<unknown> | null, next: Ownership<unknown>): boolean {
  if (previous?.status !== next.status) return true;
  if (next.status === 'held' && previous.status === 'held')
    return previous.connection !== next.connection || previous.revokeRequested !== next.revokeRequested;
  if (next.status === 'waitingOnPredecessor' && previous.status === 'waitingOnPredecessor') {
    return (
      previous.asOf !== next.asOf ||
      previous.position !== next.position ||
      previous.delayedUntil !== next.delayedUntil ||
      previous.predecessor !== next.predecessor
    );
  }
  return false;
}

/** What an ownership says of a wait. */
type Wait = Pick<
  Extract<Ownership, { status: 'waitingOnPredecessor' }>,
  'position' | 'queueLength' | 'delayedUntil' | 'predecessor'
>;

/** How it waited; null: it did not stand in line, or was about to hold. */
export function waitOf({ context: { consultation, loss } }: LockSnapshot): Wait | null {
  if (loss !== null)
    return { position: 0, queueLength: 1, delayedUntil: loss.until, predecessor: loss.holder };
  const verdict = consultation?.verdict;
  return verdict?.kind === 'waits' ? { ...verdict, delayedUntil: null, predecessor: null } : null;
}

/** For the message of a timeout. */
export function whereItStood(connectString: string, wait: Wait | null): string {
  if (wait === null) return `no answer from ${connectString} yet`;
  const { position, queueLength, delayedUntil, predecessor } = wait;
  if (delayedUntil === null) return `${position} of ${queueLength} ahead when last listed`;
  const { owner, host, pid } = predecessor ?? {};
  const known = [owner, host, pid].filter((part) => part !== undefined).join(', ');
  const who = known === '' ? 'the holder before' : `the holder before (${known})`;
  return `first in line, but ${who} ended without releasing, and by lossDelayMs nobody is to hold before ${new Date(delayedUntil).toISOString()}`;
}
