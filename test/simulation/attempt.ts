/** One attempt as the workload makes it, and what became of it. */
import type { RevokeRequest, SuspendPolicy } from '../../machines/lock-machine.js';
import type { Participant } from './participant.js';

/** What an attempt came to hold: the lease of a lock, or of what is built from locks. */
export interface Holding {
  readonly validUntil: number;
  readonly claimPath?: string;
  readonly claimPaths?: readonly string[];
  readonly fencingToken?: bigint;
  readonly signal?: AbortSignal;
  readonly revokeRequested?: RevokeRequest | null;
  isHeld(): boolean;
  renew(): Promise<void>;
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export class Attempt {
  readonly number: number;
  readonly participant: Participant;
  /** What it asks for; several paths for a multi-lock. */
  readonly paths: readonly string[];
  /** The GUIDs of its claims: one more with every session. */
  readonly guids: string[] = [];
  policy: SuspendPolicy = 'bounded';
  lease: Holding | null = null;
  /** Nothing more will come of it. */
  over = false;
  /** What it waits for, for people. */
  doing = 'starting';
  /** When it asked, on the world's clock. */
  readonly askedMs: number;
  /** When it was granted. */
  grantedMs = Number.NEGATIVE_INFINITY;
  /** Others may hold with it. */
  shared = false;
  /** It shares a claim with others of its process. */
  sharing = false;
  /** Does not stand in line. */
  trying = false;
  /** How many permits it asks for, and of how many in its opinion. */
  permits = 1;
  size = 1;
  /** Nothing goes wrong any more: it must come out well. */
  last = false;
  /** Who waits behind it may end it. */
  timeToLive = false;
  /** It let go of what it still held, in that session. */
  releasedBy: string | null = null;
  /** The creation of the claim whose place it takes. */
  place: bigint | null = null;

  constructor(number: number, participant: Participant, paths: readonly string[], askedMs: number) {
    this.number = number;
    this.participant = participant;
    this.paths = paths;
    this.askedMs = askedMs;
  }

  get name(): string {
    return `${this.participant.name}/${this.number}`;
  }

  get path(): string {
    return this.paths.join(' + ');
  }

  get released(): boolean {
    return this.releasedBy !== null;
  }

  /** The claims of what it holds. */
  get claimPaths(): readonly string[] {
    const { claimPath, claimPaths = claimPath === undefined ? [] : [claimPath] } = this.lease ?? {};
    return claimPaths;
  }

  /**
   * The holder's own belief, on its own clocks. A dead process believes nothing. To ask a lease that has lapsed ends it, so that
   * may only happen while the process's own code could ask.
   */
  get believes(): boolean {
    const { lease, participant } = this;
    const { clock } = participant;
    if (lease === null || clock.dead) return false;
    return (clock.awake || lease.validUntil > clock.wallNow()) && lease.isHeld();
  }

  /** Whether somebody is still there to whom it matters. */
  get pending(): boolean {
    return !this.over && !this.participant.clock.dead;
  }
}
