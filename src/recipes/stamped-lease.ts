/** What the holder of a lock holds that may be stolen: its token says when it was granted, not when it was asked for. */
import { firstValueFrom, merge } from 'rxjs';
import { HAND_OVER_BITS, Lease } from '../lease.js';
import { aborted, asking } from '../reading.js';
import { isZooKeeperError } from '../zookeeper/errors.js';

/** A {@link Lease} whose token is the transaction of a write that its holder makes once it holds. */
export class StampedLease extends Lease {
  #granted: bigint | null = null;

  /** Larger for every later holder, also for one who asked before a thief did. Throws before {@link stamp} has. */
  override get fencingToken(): bigint {
    if (this.#granted === null) throw new Error(`${this.path} is not stamped yet; please report this`);
    return this.#granted << HAND_OVER_BITS;
  }

  /**
   * Writes the grant. A thief's transaction deletes the claim that is written to: it comes before this write, which then fails, or
   * behind it, and so do the thief's own and everybody's after that. Rejects with `LOCK_LOST`, or `LOCKING_FAILED` when ZooKeeper refuses.
   */
  async stamp(): Promise<void> {
    const { session, lockPath, record, claim } = this.parts;
    const stamping$ = asking(session, lockPath, (client) => record.stamp(client, claim.path));
    try {
      this.#granted = await firstValueFrom(merge(aborted(this.signal), stamping$));
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      throw isZooKeeperError(cause, 'NoNode') ? this.gone(cause) : error;
    }
  }
}
