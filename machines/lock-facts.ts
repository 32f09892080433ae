/** The words of the lock machine: what it remembers, what it hears, what its slots are given. No behaviour. */

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
  /** How often it was handed on within its process before it came to us; absent: it is as it was made. */
  readonly handOver?: number;
}

/** What the line says about our claim. */
export type Verdict =
  | { readonly kind: 'holds'; readonly queueLength: number }
  | {
      readonly kind: 'waits';
      /** `children`: whoever leaves may make room, so the whole line is watched, and no one predecessor. */
      readonly watch?: 'children';
      /** The one contender to watch: its name, not its path; empty where all are watched. */
      readonly predecessor: string;
      /** How many stand ahead of us, or how many more must leave or come. */
      readonly position: number;
      readonly queueLength: number;
      /** The predecessor holds; else it waits itself. */
      readonly behindHolder: boolean;
      /** The predecessor's deletion, by itself, makes us first (DESIGN §3.4). */
      readonly inherits: boolean;
    }
  /** Our claim is not in the line. */
  | { readonly kind: 'missing' };

/** A verdict, and when the listing it rests on was received (epoch ms). */
export interface Consultation {
  readonly verdict: Verdict;
  readonly asOf: number;
  /** Who is ahead, where that is known already. */
  readonly predecessor?: Predecessor;
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

/** The mark of a holder that ended without releasing: who that was, and how long whoever is first still waits. */
export interface UncleanLoss {
  /** Counted from when this session found the mark, on its monotonic clock, ms. */
  readonly remainingMs: number;
  /** When that is over, epoch ms; for people. */
  readonly until: number;
  readonly holder: Predecessor;
}

/** What came of leaving our mark. */
export type Marking =
  /** It is there: nothing is in the way. */
  | { readonly kind: 'ours' }
  | ({ readonly kind: 'foreign' } & UncleanLoss)
  /** Our claim is not there. */
  | { readonly kind: 'unclaimed' };

/**
 * Why a lock that was held no longer is.
 * `session-expired`: the server ended the session. `validity-passed`: nothing was acknowledged for so long that it may have.
 * `suspended`: the connection went, under that policy. `ttl`: its own time is over. `node-deleted`: the claim is gone; somebody
 * deleted it, or it went with a session whose end was not told yet. `revoked`: as `node-deleted`, after a request to give it up that
 * was heard. `closed`: by our own `close()`.
 */
export type ExpiryReason =
  | 'session-expired'
  | 'validity-passed'
  | 'suspended'
  | 'ttl'
  | 'node-deleted'
  | 'revoked'
  | 'closed';

/** Somebody asks the holder to give up. */
export interface RevokeRequest {
  /** Who asks, in their own words. */
  readonly by: string;
  /** Empty: not said. */
  readonly why: string;
  /** So long after asking they will end the claim by force, ms, by their own clock; absent: not said. */
  readonly graceMs?: number;
}

/** Why an acquisition, or a release, did not succeed. */
export interface Failure {
  readonly kind:
    | 'timeout'
    | 'aborted'
    | 'busy'
    | 'claim-deleted'
    | 'unreachable'
    | 'session-lost'
    | 'closed'
    | 'refused'
    | 'not-released';
  readonly cause?: unknown;
}

/** What ends a held lock: `bounded` the validity bound, `standard` any lost connection, `session` only the session's end. */
export type SuspendPolicy = 'bounded' | 'standard' | 'session';

/** News of the session. Every lock of a session hears the same. */
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
  /** The line was looked at again while it was waited in. */
  | { readonly type: 'line.seen'; readonly consultation: Consultation }
  | { readonly type: 'predecessor.refused'; readonly cause: unknown };

/** News of our own claim. */
export type ClaimNews =
  | { readonly type: 'claim.watched' }
  | { readonly type: 'claim.gone'; readonly because: 'node-deleted' }
  | { readonly type: 'claim.revokeRequested'; readonly request: RevokeRequest };

/** News among contenders of one process that share a claim. */
export type OwnLineNews =
  /** Where we stand among them; null: first, so that a claim is ours to make. */
  | { readonly type: 'ownLine.joined'; readonly behind: Consultation | null }
  /** Somebody ahead gave up. */
  | { readonly type: 'ownLine.moved'; readonly behind: Consultation }
  /** Nobody is ahead any more, and no claim was left to us. */
  | { readonly type: 'ownLine.first' }
  /** The claim is ours now. `holds`: and so is the lock; else the line has to say so first. */
  | { readonly type: 'claim.handed'; readonly claim: Claim; readonly holds: boolean };

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
  /** The lease, or the wait, has lasted long enough for the watch on our own claim to be worth its request. */
  | { readonly type: 'watch.due' }
  | SessionNews
  | PredecessorNews
  | ClaimNews
  | OwnLineNews
  | TtlNews;

/** What an acquisition is started with. */
export interface LockInput {
  /** Makes the GUID of a claim's name; called once per claim. */
  readonly newGuid: () => string;
  /** Milliseconds from `acquire` until it fails with `timeout`; null waits for ever. */
  readonly timeoutMs: number | null;
  /** Fail with `busy` instead of waiting. */
  readonly noWait: boolean;
  /** Take the place of whoever holds, instead of waiting. */
  readonly steals: boolean;
  /** The lock ends by itself so long after the grant, unless renewed; null: it does not. */
  readonly ttlMs: number | null;
  readonly onSuspend: SuspendPolicy;
  /** Shares a claim with contenders of its own process, and asks among them first. */
  readonly amongOwn: boolean;
  /** Leaves a mark before it holds, and minds that of a holder who ended without releasing. */
  readonly marks: boolean;
  /** Whether there is a connection at the start; from then on the news tell. */
  readonly sessionUp: boolean;
  /** Handed to the slots as it is. */
  readonly acquisition: unknown;
}

/** Everything the machine remembers. */
export interface LockContext extends LockInput {
  readonly guid: string;
  readonly claim: Claim | null;
  /** A create was sent and nobody knows yet what became of it. */
  readonly mayExist: boolean;
  /** Whether our mark is there: `possible` while nobody has said so. */
  readonly mark: 'none' | 'possible' | 'ours';
  /** Who ended without releasing, and is waited out. */
  readonly loss: UncleanLoss | null;
  readonly consultation: Consultation | null;
  readonly predecessor: Predecessor | null;
  /** The connection was lost since the line was last listed: the next listing may come from a server that is behind. */
  readonly cutSinceListing: boolean;
  /** The watch on our own claim is armed on this connection. */
  readonly claimWatched: boolean;
  /** The last request to give this claim up. */
  readonly revokeRequested: RevokeRequest | null;
  readonly expiredBecause: ExpiryReason | null;
  readonly failure: Failure | null;
}

/** What every slot is given. */
export interface SlotInput {
  readonly acquisition: unknown;
  readonly guid: string;
  readonly claim: Claim | null;
}

/** What may have to be withdrawn. */
export interface WithdrawInput {
  readonly mayExist: boolean;
  /** Our mark, which goes with the claim; `none` too when it is to stay. */
  readonly mark: LockContext['mark'];
  readonly cutSinceListing: boolean;
}

/** Whom to watch. */
export interface WatchInput {
  /** A name; empty when `everybody` is. */
  readonly predecessor: string;
  /** The predecessor holds, so its time to live is ours to mind. */
  readonly first: boolean;
  /** The whole line instead. */
  readonly everybody: boolean;
  /** How many are ahead. */
  readonly position: number;
}
