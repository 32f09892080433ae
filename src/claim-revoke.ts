/** Asking a holder to give up, and taking the claim by force when its grace is over. */
import { concat, defer, filter, firstValueFrom, map, merge, take, throwError } from 'rxjs';
import type { RevokeRequest } from '../machines/lock-machine.js';
import { AUDIT_PATH, type AuditEntry, audited, breakClaim } from './claim-break.js';
import { decodeClaim, sameRequest, withRevoke } from './claim-data.js';
import { ClaimGoneError, LockingFailedError, SessionClosedError } from './errors.js';
import { contenderOf } from './queue.js';
import { pause, readWhenConnected, watching } from './reading.js';
import type { ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';
import type { SessionPort } from './zookeeper/session-port.js';
import { watchNode } from './zookeeper/watches.js';

/** Who asks a holder to give up, why, and how long it has. */
export interface RevokeOptions {
  /** Who asks; the holder hears it, and the audit says it. */
  readonly by: string;
  readonly why?: string;
  /** From the acknowledged request until the claim is broken, ms; 0 to 2,147,483,647. Default 30,000. */
  readonly graceMs?: number;
  /** Called once the request is written: the grace runs. */
  readonly onAsked?: () => void;
}

/** Writes the request, waits for the claim to go, and breaks it when the grace is over. Null: it went by itself. */
export async function revokeClaim(
  session: SessionPort,
  claim: string,
  request: Required<RevokeRequest>,
  onAsked: () => void,
): Promise<AuditEntry | null> {
  const lockPath = claim.slice(0, claim.lastIndexOf('/'));
  const czxid = await readWhenConnected(session, lockPath, () => ask(session.client, claim, request));
  onAsked();
  const gone$ = watching(session, lockPath, (client) => watchNode(client, claim)).pipe(
    filter((news) => news.type === 'gone' || news.stat.czxid !== czxid),
    take(1),
    map(() => 'gone' as const),
  );
  const closed$ = defer(() => throwError(() => new SessionClosedError(lockPath)));
  const graceOver$ = pause(session, request.graceMs).pipe(map(() => 'grace over' as const));
  if ((await firstValueFrom(merge(concat(gone$, closed$), graceOver$))) === 'gone') return null;
  // One attempt on a connection that is up: to repeat one that may have been applied would leave two entries.
  await readWhenConnected(session, lockPath, () => Promise.resolve(null));
  return breakAsItIs(session.client, claim, { by: request.by, why: request.why, czxid });
}

/**
 * Writes the request and the audit's entry. What the claim says already is not written again, so it may be asked twice. Resolves with
 * the claim's creation.
 */
async function ask(client: ZooKeeperClient, claim: string, request: RevokeRequest): Promise<bigint> {
  for (;;) {
    try {
      const { data, stat } = await client.getData(claim);
      const { czxid, version, ephemeralOwner } = stat;
      const { owner, revoke = null } = decodeClaim(data);
      if (sameRequest(revoke, request)) return czxid;
      const { by, why } = request;
      const inLine = contenderOf(claim.slice(claim.lastIndexOf('/') + 1)) !== null;
      await audited(
        client,
        'revoke',
        { claim, by, why, owner, session: ephemeralOwner, czxid },
        { type: 'setData', path: claim, data: withRevoke(data, request, inLine), version },
      );
      return czxid;
    } catch (error) {
      if (isZooKeeperError(error, 'NoNode')) throw new ClaimGoneError(claim);
      if (isZooKeeperError(error, 'NoAuth')) {
        const lockPath = claim.slice(0, claim.lastIndexOf('/'));
        const what = `this identity may not write to ${claim} or to ${AUDIT_PATH}, so its holder cannot be asked; breaking it needs DELETE on ${lockPath} only`;
        throw new LockingFailedError(lockPath, what, error);
      }
      // Renewed in that moment: what it says now is to stay.
      if (!isZooKeeperError(error, 'BadVersion')) throw error;
    }
  }
}

/** Whatever its holder writes meanwhile: it was asked, and the time is over. */
async function breakAsItIs(
  client: ZooKeeperClient,
  claim: string,
  request: { readonly by: string; readonly why: string; readonly czxid: bigint },
): Promise<AuditEntry | null> {
  for (;;) {
    try {
      return await breakClaim(client, claim, request);
    } catch (error) {
      if (error instanceof ClaimGoneError) return null;
      const renewed = error instanceof LockingFailedError && isZooKeeperError(error.cause, 'BadVersion');
      if (!renewed) throw error;
    }
  }
}
