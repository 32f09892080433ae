/**
 * Looks at the line again while it is waited in, when whoever is ahead should hold by now: if so, its deletion is the grant (DESIGN §3.4),
 * and nothing has to be asked between one holder and the next. It takes the place of the listing that would come then.
 */
import type { Claim, LockEvent } from '../machines/lock-machine.js';
import { listTogether } from './line-listing.js';
import { contenderOf, type QueueRule, verdictOf } from './queue.js';
import type { SessionPort } from './zookeeper/session-port.js';

/** Where a lock changes hands faster, the look would come too late, and the server has enough to do. */
const LEAST_PLACE_MS = 4;
/** A line that moves as it likes is looked at no more often than this. */
const MOST_LOOKS = 3;

/** What it looks at. */
export interface WaitedLine {
  readonly session: SessionPort;
  readonly lockPath: string;
  readonly rule: QueueRule;
  /** Milliseconds from one place in this line to the next, as far as was seen. */
  readonly progress: { readonly placeMs: number | null };
}

const nothing = () => undefined;

/** Milliseconds until the middle of the turn of whoever is ahead: whoever holds may have just begun, or be half through (`rest`). */
function turnMs({ progress: { placeMs } }: WaitedLine, places: number, rest: number): number | null {
  return places < 2 || placeMs === null || placeMs < LEAST_PLACE_MS ? null : placeMs * (places - 1 + rest);
}

/** `position` are ahead of `claim`. Returns the way to stop. Errors are nobody's business: the predecessor is watched all the same. */
export function lookAhead(
  line: WaitedLine,
  claim: Claim,
  position: number,
  sendBack: (event: LockEvent) => void,
): () => void {
  const { rule } = line;
  // Where readers share, no deletion is a grant by itself.
  if (rule.verdictOf !== verdictOf || contenderOf(claim.name)?.kind !== 'exclusive') return nothing;
  // Most do not look, and wait in thousands: they keep nothing for it.
  const delayMs = turnMs(line, position, 0.5);
  return delayMs === null ? nothing : looks(line, claim, delayMs, sendBack);
}

function looks(
  line: WaitedLine,
  claim: Claim,
  delayMs: number,
  sendBack: (event: LockEvent) => void,
): () => void {
  const { rule, lockPath, session } = line;
  const { client, clock } = session;
  let stopped = false;
  let timer: unknown;
  let looked = 0;
  const look = async () => {
    looked += 1;
    const listing = await listTogether(client, lockPath);
    if (stopped) return;
    const verdict = listing.verdict(rule, claim.name);
    if (verdict === null) return;
    const nextMs = verdict.kind === 'waits' && looked < MOST_LOOKS ? turnMs(line, verdict.position, 0) : null;
    if (nextMs !== null) wait(nextMs);
    sendBack({ type: 'line.seen', consultation: { verdict, asOf: clock.wallNow() } });
  };
  const wait = (milliseconds: number) => {
    timer = clock.setTimeout(() => {
      look().catch(nothing);
    }, milliseconds);
  };
  wait(delayMs);
  return () => {
    stopped = true;
    clock.clearTimeout(timer);
  };
}
