/** One acquisition as the workload makes it, and what became of it. */
import type { SuspendPolicy } from '../../machines/lock-machine.js';
import { Lease, type SharedLease } from '../../src/lease.js';
import type { Participant } from './participant.js';

export class Attempt {
  readonly number: number;
  readonly participant: Participant;
  readonly path: string;
  /** The GUIDs of its claims: one more with every session. */
  readonly guids: string[] = [];
  policy: SuspendPolicy = 'bounded';
  lease: SharedLease | null = null;
  /** Others may hold with it. */
  shared = false;
  /** Nothing more will come of it. */
  over = false;
  /** What it waits for, for people. */
  doing = 'starting';

  constructor(number: number, participant: Participant, path: string) {
    this.number = number;
    this.participant = participant;
    this.path = path;
  }

  get name(): string {
    return `${this.participant.name}/${this.number}`;
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

  /** What it sends along with its writes; 0: it does not write. */
  get token(): bigint {
    return this.lease instanceof Lease ? this.lease.fencingToken : 0n;
  }

  /** Whether somebody is still there to whom it matters. */
  get pending(): boolean {
    return !this.over && !this.participant.clock.dead;
  }
}
