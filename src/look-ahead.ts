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
  readonly placeMs: () => number | null;
}

/** `position` are ahead of `claim`. Returns the way to stop. Errors are nobody's business: the predecessor is watched all the same. */
export function lookAhead(
  { session, lockPath, rule, placeMs }: WaitedLine,
  claim: Claim,
  position: number,
  sendBack: (event: LockEvent) => void,
): () => void {
  const { client, clock } = session;
  // Where readers share, no deletion is a grant by itself.
  if (rule.verdictOf !== verdictOf || contenderOf(claim.name)?.kind !== 'exclusive') return () => undefined;
  let stopped = false;
  let timer: unknown;
  let looks = 0;
  const look = async () => {
    looks += 1;
    const listing = await listTogether(client, lockPath);
    if (stopped) return;
    const verdict = listing.verdict(rule, claim.name);
    if (verdict === null) return;
    if (verdict.kind === 'waits' && looks < MOST_LOOKS) wait(verdict.position, 0);
    sendBack({ type: 'line.seen', consultation: { verdict, asOf: clock.wallNow() } });
  };
  /** Until the middle of the predecessor's turn: whoever holds may have just begun, or be half through (`rest`). */
  const wait = (places: number, rest: number) => {
    const pace = placeMs();
    if (places < 2 || pace === null || pace < LEAST_PLACE_MS) return;
    timer = clock.setTimeout(
      () => {
        look().catch(() => undefined);
      },
      pace * (places - 1 + rest),
    );
  };
  wait(position, 0.5);
  return () => {
    stopped = true;
    clock.clearTimeout(timer);
  };
}
