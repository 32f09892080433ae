/** Ending somebody else's claim, on an operator's word, with a trace of who did it and why. */
import { checkLockPath } from './arguments.js';
import { decodeClaim } from './claim-data.js';
import { ClaimGoneError, InvalidArgumentError, LockingFailedError } from './errors.js';
import { makeParents } from './parents.js';
import { isClaimName } from './queue.js';
import { OPEN_ACL, type Stat, type TransactionOperation, type ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';

/** Where each break, and each request to give up, leaves a znode, numbered in order. */
export const AUDIT_PATH = '/holdfast/audit';

/** Who breaks a claim, and why. */
export interface BreakRequest {
  readonly by: string;
  readonly why?: string;
}

/** What the audit says of a break, or of a request to give up. */
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

/** A path whose last name is one that some client, or a recipe of ours, gives its claims: anything else in ZooKeeper is not ours to end. */
export function checkClaimPath(claim: string): void {
  checkLockPath(claim, 'claim');
  if (!isClaimName(claim.slice(claim.lastIndexOf('/') + 1)))
    throw new InvalidArgumentError(
      'claim',
      claim,
      "give a claim's path, such as '/locks/orders/lock-0000000007': no client gives its claims such a name",
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
  const told = { claim, by, why, owner, session: stat.ephemeralOwner, czxid: stat.czxid };
  const ending = { type: 'delete', path: claim, version: stat.version } as const;
  try {
    return { ...told, path: await audited(client, 'break', told, ending) };
  } catch (error) {
    throw error instanceof ClaimGoneError ? error : refused(claim, error);
  }
}

/**
 * Does this to a claim and writes the audit's entry: both or neither where the client has transactions, else the entry first. The
 * version says that it is still this claim, and not one that was renewed, asked for or made again meanwhile.
 */
export async function audited(
  client: ZooKeeperClient,
  what: 'break' | 'revoke',
  told: Omit<AuditEntry, 'path'>,
  change: Extract<TransactionOperation, { readonly type: 'delete' | 'setData' }>,
): Promise<string> {
  const data = encoder.encode(JSON.stringify({ ...told, czxid: String(told.czxid) }));
  const write = () => applied(client, `${AUDIT_PATH}/${what}-`, data, change);
  try {
    return await write();
  } catch (error) {
    if (!isZooKeeperError(error, 'NoNode')) throw error;
    // Either the claim is gone, or nothing has been audited here before.
    await makeParents(client, AUDIT_PATH, OPEN_ACL);
    try {
      return await write();
    } catch (again) {
      throw isZooKeeperError(again, 'NoNode') ? new ClaimGoneError(told.claim) : again;
    }
  }
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

async function applied(
  client: ZooKeeperClient,
  entry: string,
  data: Uint8Array,
  change: Extract<TransactionOperation, { readonly type: 'delete' | 'setData' }>,
): Promise<string> {
  const mode = 'persistentSequential';
  if (!client.capabilities.multi) {
    const { path } = await client.create(entry, data, { mode });
    if (change.type === 'delete') await client.delete(change.path, change.version ?? -1);
    else await client.setData(change.path, change.data, change.version ?? -1);
    return path;
  }
  const [made] = await client.multi([{ type: 'create', path: entry, data, mode }, change]);
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
