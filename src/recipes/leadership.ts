/** What a leader holds, and how it speaks to everybody. */
import { firstValueFrom, merge } from 'rxjs';
import { CommitOutcomeUnknownError, CommitRefusedError } from '../errors.js';
import { Lease, type LeaseParts } from '../lease.js';
import { aborted, asking } from '../reading.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Leadership. **It can be lost while you work**, as a lock can; every later leader's fencing token is larger. */
export class Leadership extends Lease {
  /** The candidate's id. */
  readonly id: string;

  /** @internal */
  constructor(parts: LeaseParts, id: string) {
    super(parts);
    this.id = id;
  }

  /**
   * Says `value` to everybody who observes the election, for as long as we lead. Only a leader can: it is written in one
   * transaction with a check of the leader's claim, again after a cut until the answer is known.
   *
   * Rejects with `LOCK_LOST` when we lead no more, `COMMIT_REFUSED` when ZooKeeper refuses (a value of 1 MB and more, say).
   */
  async proclaim(value: string): Promise<void> {
    const { session, claim, lockPath } = this.parts;
    const data = encoder.encode(JSON.stringify({ leader: claim.name, value }));
    const write = () => this.commit([{ type: 'setData', path: lockPath, data }]).catch(asRequestError);
    await firstValueFrom(merge(asking(session, lockPath, write), aborted(this.signal)));
  }
}

/** What was cut may be said again: it says the same. */
function asRequestError(error: unknown): never {
  const cut =
    error instanceof CommitOutcomeUnknownError ||
    (error instanceof CommitRefusedError && error.failedIndex === undefined);
  throw cut ? error.cause : error;
}

/** What a leader proclaimed, if these bytes are a proclamation of the candidate with this claim. */
export function proclaimedBy(claimName: string, bytes: Uint8Array): string | null {
  try {
    const { leader, value } = JSON.parse(decoder.decode(bytes)) as { leader?: unknown; value?: unknown };
    return leader === claimName && typeof value === 'string' ? value : null;
  } catch {
    // Somebody else's, or nothing yet.
    return null;
  }
}
