/**
 * The mark of whoever holds: a child of the lock path that goes in the transaction of a clean release, and stays when its holder
 * ends in any other way (docs/decisions/020). Whoever is first next finds it there, and waits it out.
 */
import type { Claim, LockContext, Marking, Predecessor } from '../machines/lock-machine.js';
import { decodeClaim } from './claim-data.js';
import { afterSync } from './line-listing.js';
import { MARK_NAME } from './queue.js';
import { RecentPaths } from './recent-paths.js';
import { type Acl, OPEN_ACL, type TransactionOperation, type ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';
import type { SessionPort } from './zookeeper/session-port.js';

/** Since when one session knows of the marks in its way. A loss is waited out once, however often it is run into. */
export class FoundLosses {
  readonly #byPath = new RecentPaths<{ readonly mark: bigint; readonly sinceMs: number }>();

  /** When the mark that `mark` made was found first, on the clock of `nowMs`. */
  since(lockPath: string, mark: bigint, nowMs: number): number {
    const known = this.#byPath.get(lockPath);
    if (known?.mark === mark) return known.sinceMs;
    this.#byPath.set(lockPath, { mark, sinceMs: nowMs });
    return nowMs;
  }

  forget(lockPath: string): void {
    this.#byPath.delete(lockPath);
  }
}

/** How a lock minds losses. */
export interface LossDelay {
  readonly ms: number;
  readonly found: FoundLosses;
}

/** What is needed of an acquisition. */
export interface Marker {
  readonly session: SessionPort;
  readonly lockPath: string;
  readonly acl: readonly Acl[] | undefined;
  readonly identity: { readonly host?: string; readonly pid?: number };
  readonly owner: string | undefined;
  readonly made: Set<string>;
  readonly lossDelay: LossDelay | null;
}

/** A mark as it is found: by which claim it was left, and which creation it is. */
interface FoundMark {
  /** Null: it does not say, or may not be read. */
  readonly claim: bigint | null;
  readonly mark: bigint;
  readonly version: number;
  readonly holder: Predecessor;
}

const encoder = new TextEncoder();
const markPathOf = (lockPath: string) => `${lockPath}/${MARK_NAME}`;

function markOf({ owner, identity: { host, pid } }: Marker, claim: Claim): Uint8Array {
  const { czxid, sessionId, name } = claim;
  return encoder.encode(
    JSON.stringify({
      v: 1,
      czxid: czxid.toString(),
      session_id: sessionId,
      claim: name,
      owner_id: owner,
      host,
      pid,
    }),
  );
}

/** Null where there is none. */
async function findMark(client: ZooKeeperClient, lockPath: string): Promise<FoundMark | null> {
  const path = markPathOf(lockPath);
  try {
    const { data, stat } = await client.getData(path);
    const { owner, host, pid, rest } = decodeClaim(data);
    const { czxid, claim } = rest;
    return {
      claim: typeof czxid === 'string' && /^\d{1,19}$/.test(czxid) ? BigInt(czxid) : null,
      mark: stat.czxid,
      version: stat.version,
      holder: {
        path: typeof claim === 'string' ? `${lockPath}/${claim}` : path,
        readable: true,
        ...(owner === undefined ? {} : { owner }),
        ...(host === undefined ? {} : { host }),
        ...(pid === undefined ? {} : { pid }),
      },
    };
  } catch (error) {
    if (isZooKeeperError(error, 'NoNode')) return null;
    if (!isZooKeeperError(error, 'NoAuth')) throw error;
  }
  const stat = await client.exists(path);
  if (stat === null) return null;
  return { claim: null, mark: stat.czxid, version: stat.version, holder: { path, readable: false } };
}

/**
 * Leaves our mark, in one transaction that checks that our claim stands: nobody leaves one who could not hold. A mark of somebody else's
 * is only taken away when it was waited out. What an unanswered transaction came to, the mark tells.
 */
export async function leaveMark(marker: Marker, claim: Claim, wanted: () => boolean): Promise<Marking> {
  const { session, lockPath, acl = OPEN_ACL, lossDelay } = marker;
  if (lossDelay === null)
    throw new Error(`${lockPath} has no lossDelayMs; please report this: the lock machine left a mark`);
  const { client, clock } = session;
  const path = markPathOf(lockPath);
  let former: FoundMark | null = null;
  for (;;) {
    if (!wanted()) throw new Error(`nobody waits for ${lockPath} any more`);
    const operations: TransactionOperation[] = [
      { type: 'check', path: claim.path },
      ...(former === null ? [] : [{ type: 'delete' as const, path, version: former.version }]),
      { type: 'create', path, data: markOf(marker, claim), acl },
    ];
    try {
      await client.multi(operations);
      lossDelay.found.forget(lockPath);
      return { kind: 'ours' };
    } catch (error) {
      if (!isZooKeeperError(error, 'NoNode', 'NodeExists', 'BadVersion')) throw error;
      // The claim, or the lock path with it; or else the mark that was to be taken away.
      if (error.code === 'NoNode' && (former === null || error.failedIndex === 0))
        return { kind: 'unclaimed' };
    }
    former = await afterSync(client, lockPath, () => findMark(client, lockPath));
    if (former === null) continue;
    if (former.claim === claim.czxid) return { kind: 'ours' };
    const nowMs = clock.now();
    const overMs = lossDelay.found.since(lockPath, former.mark, nowMs) + lossDelay.ms;
    // A timer may come a little early.
    const remainingMs = Math.ceil(overMs - nowMs);
    if (remainingMs > 0)
      return {
        kind: 'foreign',
        remainingMs,
        until: Math.round(clock.wallNow() + remainingMs),
        holder: former.holder,
      };
  }
}

/**
 * Deletes claim and mark in one transaction. Resolves also when either was not there, or the mark is not ours: what is left of the
 * claim is then for {@link withdrawClaim}. Rejects when nobody knows.
 */
export async function withdrawMarked(
  { session: { client }, lockPath, made }: Marker,
  claim: Claim,
  mark: LockContext['mark'],
): Promise<void> {
  if (mark === 'possible') {
    const found = await afterSync(client, lockPath, () => findMark(client, lockPath));
    if (found?.claim !== claim.czxid) return;
  }
  try {
    await client.multi([
      { type: 'delete', path: claim.path },
      { type: 'delete', path: markPathOf(lockPath) },
    ]);
    made.delete(claim.path);
  } catch (error) {
    if (!isZooKeeperError(error) || error.retryable) throw error;
  }
}
