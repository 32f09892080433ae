/**
 * Leader election in the layout of Curator's LeaderLatch: candidates stand in a lock's line under names of their own, and a
 * candidate's data is its id. What the leader proclaims is kept in the path's data, which Curator leaves alone.
 */
import { combineLatest, distinctUntilChanged, EMPTY, map, Observable, startWith, takeWhile } from 'rxjs';
import type { LockSettings } from '../acquisition.js';
import type { SharedLease } from '../lease.js';
import { Lock } from '../lock.js';
import type { Ownership } from '../ownership.js';
import { latchRule } from '../queue.js';
import { type Leader, type Observed, observeLeader } from './leader-observer.js';
import { Leadership } from './leadership.js';

/** How to stand. */
export interface CampaignOptions {
  /** Milliseconds from the call until `LOCK_TIMEOUT`. Default: what the election was made with. */
  readonly timeoutMs?: number;
  /** Rejects with the signal's reason; the candidacy is withdrawn. */
  readonly signal?: AbortSignal;
}

/** What an election is made from. @internal */
export interface ElectionParts {
  readonly settings: Omit<LockSettings<SharedLease>, 'rule' | 'grant' | 'claimData'>;
  readonly id: string;
}

/** What a candidate sees. */
export interface LeaderView extends Observed {
  /** Whether we lead. It can end at any time: see {@link leadership}. */
  readonly leading: boolean;
  /** What we hold while we lead. */
  readonly leadership: Leadership | null;
  /** Why we led and no longer do; then the stream completes. */
  readonly lost?: string;
}

const NOTHING_SEEN: Observed = { leader: null, value: null, asOf: 0, freshness: 'stale' };
const encoder = new TextEncoder();

/**
 * One leads, the others stand by. **Leadership can be lost while you work**: two may believe to lead for a moment, so send
 * `leadership.fencingToken` with what you write.
 *
 * Subscribing stands for election and tells how the candidacy goes, as a lock does; unsubscribing resigns.
 */
export class Election extends Observable<Ownership<Leadership>> {
  readonly path: string;
  /** What others see of this candidate. */
  readonly id: string;
  readonly #lock: Lock<Leadership>;
  readonly #settings: ElectionParts['settings'];

  /** @internal Use `session.election(path)`. */
  constructor({ settings, id }: ElectionParts) {
    super((subscriber) => this.#lock.subscribe(subscriber));
    this.path = settings.path;
    this.id = id;
    this.#settings = settings;
    this.#lock = new Lock({
      ...settings,
      rule: latchRule,
      claimData: encoder.encode(id),
      grant: (parts) => new Leadership(parts, id),
      owner: undefined,
      ownerKey: undefined,
      contention: EMPTY,
    });
  }

  /**
   * Stands for election, and tells who leads, what the leader proclaims, and whether it is us. Unsubscribing resigns. Completes
   * when a leadership is lost, which the last value says (`repeat()` stands again); errors with a `LockError` when the candidacy fails.
   */
  get leader$(): Observable<LeaderView> {
    return combineLatest([this.#lock, this.observe().pipe(startWith(NOTHING_SEEN))]).pipe(
      takeWhile(([{ status }]) => status !== 'expired' && status !== 'released', true),
      map(([ownership, observed]) => viewOf(ownership, observed)),
      distinctUntilChanged(sameView),
    );
  }

  /** Who leads and what was proclaimed, for those who do not stand: now, and after every change. */
  observe(): Observable<Observed> {
    return observeLeader(this.#settings.session, this.path);
  }

  /**
   * Stands for election until elected. Rejects as {@link Lock.acquire} does; whatever the outcome, no candidacy is left but a
   * leadership's. Resign with `leadership.release()`.
   */
  campaign({ timeoutMs, signal }: CampaignOptions = {}): Promise<Leadership> {
    return this.#lock.acquire({
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

function viewOf(ownership: Ownership<Leadership>, observed: Observed): LeaderView {
  switch (ownership.status) {
    case 'held': {
      const leadership = ownership.lease;
      const leader: Leader = { id: leadership.id, claimPath: leadership.claimPath };
      const value = observed.leader?.claimPath === leader.claimPath ? observed.value : null;
      return { ...observed, leader, value, leading: true, leadership };
    }
    case 'expired':
      return {
        ...observed,
        leader: null,
        value: null,
        leading: false,
        leadership: null,
        lost: ownership.reason,
      };
    default:
      return { ...observed, leading: false, leadership: null };
  }
}

/** Besides when it was seen. */
function sameView(a: LeaderView, b: LeaderView): boolean {
  return (
    a.leadership === b.leadership &&
    a.lost === b.lost &&
    a.leader?.claimPath === b.leader?.claimPath &&
    a.value === b.value &&
    a.freshness === b.freshness
  );
}
