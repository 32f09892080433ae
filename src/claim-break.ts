/** Ending somebody else's claim, on an operator's word, with a trace of who did it and why. */
import { checkLockPath } from './arguments.js';
import { decodeClaim } from './claim-data.js';
import { ClaimGoneError, InvalidArgumentError, LockingFailedError } from './errors.js';
import { makeParents } from './lock-actors.js';
import { contenderOf } from './queue.js';
import { OPEN_ACL, type Stat, type ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';

/** Where each break leaves a znode, numbered in order. */
export const AUDIT_PATH = '/holdfast/audit';

/** Who breaks a claim, and why. */
export interface BreakRequest {
  readonly by: string;
  readonly why?: string;
}

/** What the audit says of a break. */
export interface AuditEntry {
  /** The audit's own znode. */
  readonly path: string;
  readonly claim: string;
  readonly by: string;
  readonly why: string;
  /** Whose claim it was, if it said. */
  readonly owner: string | undefined;
  readonly session: string;
  readonly czxid: bigint;
}

const encoder = new TextEncoder();

/** A path whose last name is one that some client gives its claims: anything else in ZooKeeper is not ours to end. */
export function checkClaimPath(claim: string): void {
  checkLockPath(claim, 'claim');
  if (contenderOf(claim.slice(claim.lastIndexOf('/') + 1)) === null)
    throw new InvalidArgumentError(
      'claim',
      claim,
      "give a claim's path, such as '/locks/orders/lock-0000000007': nobody stands in line by that name",
    );
}

/** Deletes exactly this claim (with `czxid`, only if it is the one of that creation), and writes the audit's entry: both or neither where the client has transactions, else the entry first. */
export async function breakClaim(
  client: ZooKeeperClient,
  claim: string,
  { by, why = '', czxid }: BreakRequest & { readonly czxid?: bigint },
): Promise<AuditEntry> {
  const { owner, stat } = await claimAt(client, claim);
  if (czxid !== undefined && czxid !== stat.czxid) throw new ClaimGoneError(claim);
  const data = encoder.encode(
    JSON.stringify({ claim, by, why, owner, session: stat.ephemeralOwner, czxid: String(stat.czxid) }),
  );
  const write = () => applied(client, claim, stat, data);
  let path: string;
  try {
    path = await write();
  } catch (error) {
    if (!isZooKeeperError(error, 'NoNode')) throw refused(claim, error);
    // Either the claim is gone, or nobody has broken anything here before.
    await makeParents(client, AUDIT_PATH, OPEN_ACL);
    try {
      path = await write();
    } catch (again) {
      throw isZooKeeperError(again, 'NoNode') ? new ClaimGoneError(claim) : refused(claim, again);
    }
  }
  return { path, claim, by, why, owner, session: stat.ephemeralOwner, czxid: stat.czxid };
}

async function claimAt(
  client: ZooKeeperClient,
  claim: string,
): Promise<{ readonly owner: string | undefined; readonly stat: Stat }> {
  try {
    const { data, stat } = await client.getData(claim);
    return { owner: decodeClaim(data).owner, stat };
  } catch (error) {
    if (isZooKeeperError(error, 'NoAuth')) {
      const stat = await client.exists(claim);
      if (stat !== null) return { owner: undefined, stat };
    } else if (!isZooKeeperError(error, 'NoNode')) throw error;
    throw new ClaimGoneError(claim);
  }
}

/** The version says that it is still this claim, and not one that was renewed, revoked or made again meanwhile. */
async function applied(
  client: ZooKeeperClient,
  claim: string,
  stat: Stat,
  data: Uint8Array,
): Promise<string> {
  const entry = `${AUDIT_PATH}/break-`;
  const mode = 'persistentSequential';
  if (!client.capabilities.multi) {
    const { path } = await client.create(entry, data, { mode });
    await client.delete(claim, stat.version);
    return path;
  }
  const [made] = await client.multi([
    { type: 'create', path: entry, data, mode },
    { type: 'delete', path: claim, version: stat.version },
  ]);
  return made?.type === 'create' ? made.path : entry;
}

function refused(claim: string, error: unknown): unknown {
  if (!isZooKeeperError(error, 'NoAuth', 'BadVersion')) return error;
  const lockPath = claim.slice(0, claim.lastIndexOf('/'));
  return new LockingFailedError(
    lockPath,
    error.code === 'BadVersion'
      ? `${claim} changed in that moment, and was left alone: look again before breaking it`
      : `this identity may not delete ${claim}: it needs DELETE on ${lockPath}`,
    error,
  );
}

/** A claim's data as text; null when there is no such claim. */
export async function claimText(client: ZooKeeperClient, claim: string): Promise<string | null> {
  try {
    return new TextDecoder().decode((await client.getData(claim)).data);
  } catch (error) {
    if (isZooKeeperError(error, 'NoNode')) return null;
    throw error;
  }
}
