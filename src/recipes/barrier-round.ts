/**
 * Who may go through a double barrier, and what becomes of its `ready`. Somebody inside writes it, so whoever stands there then is
 * inside as well: of a claim that is older than the last write (`mzxid`) that is known for ever, whoever made `ready`.
 */
import type { Claim, Verdict } from '../../machines/lock-machine.js';
import { listOrNothing } from '../line-listing.js';
import { everyChild, lockRule, MEMBER_LABEL, type QueueRule } from '../queue.js';
import type { Acl, Stat, TransactionOperation, ZooKeeperClient } from '../zookeeper/client.js';
import { isZooKeeperError } from '../zookeeper/errors.js';

/** Curator's name for the znode that says that the barrier is open. */
export const READY = 'ready';

const nothing = new Uint8Array(0);

/** Where a double barrier is, and who may do what to its `ready`. */
interface Place {
  readonly path: string;
  readonly acl: readonly Acl[] | undefined;
}

/** A double barrier, for whoever comes to it. */
export interface Round extends Place {
  readonly rule: QueueRule;
}

/** A listing, sorted out. */
export function sortedOut(names: readonly string[]) {
  const members = names.filter((name) => name !== READY);
  return { members, ready: members.length < names.length };
}

/** Enough are there, or may have been: then `ready` is, and {@link admit} knows whose. */
export const memberRule = (members: number): QueueRule => ({
  ...lockRule,
  label: MEMBER_LABEL,
  lineOf: everyChild,
  holdsByPresence: true,
  verdictOf: ({ contenders }, claimName) => {
    const present = contenders.filter(({ name }) => name !== READY);
    if (!present.some(({ name }) => name === claimName)) return { kind: 'missing' };
    const queueLength = present.length;
    if (queueLength >= members || queueLength < contenders.length) return { kind: 'holds', queueLength };
    return {
      kind: 'waits',
      watch: 'children',
      predecessor: '',
      position: members - queueLength,
      queueLength,
      behindHolder: false,
      inherits: false,
    };
  },
});

/**
 * What becomes of `claim`, which stands among `names`. Whoever goes through has written `ready`, or was there when somebody inside did;
 * a `ready` that says so of nobody who is there is left over, and goes.
 */
export async function admit(
  client: ZooKeeperClient,
  round: Round,
  claim: Claim,
  names: readonly string[],
): Promise<Verdict> {
  for (let listed = names; ; listed = await listOrNothing(client, round.path)) {
    const verdict = verdictAmong(round, listed, claim);
    if (verdict.kind !== 'holds' || (await goesThrough(client, round, claim, listed))) return verdict;
  }
}

const verdictAmong = ({ rule }: Round, names: readonly string[], { name }: Claim) =>
  rule.verdictOf(rule.lineOf(names), name);

/** False: things have changed, and have to be looked at again. */
async function goesThrough(
  client: ZooKeeperClient,
  round: Round,
  claim: Claim,
  listed: readonly string[],
): Promise<boolean> {
  const { path } = round;
  const { members, ready } = sortedOut(listed);
  const enough = verdictAmong(round, members, claim).kind === 'holds';
  const stat = ready ? await client.exists(`${path}/${READY}`) : null;
  if (stat === null) return enough && writing(client, claim.path, makingReady(round));
  if (claim.czxid < stat.mzxid) return true;
  const witness = enough ? claim.path : await somebodyOlder(client, path, members, stat.mzxid);
  if (witness === null) {
    await close(client, round, stat);
    return false;
  }
  return writing(client, witness, { type: 'setData', path: `${path}/${READY}`, data: nothing });
}

const makingReady = ({ path, acl }: Place) =>
  ({
    type: 'create',
    path: `${path}/${READY}`,
    data: nothing,
    mode: 'persistent',
    ...(acl === undefined ? {} : { acl }),
  }) as const;

/** Which of the members were there before, and are. */
async function olderThan(
  client: ZooKeeperClient,
  path: string,
  members: readonly string[],
  zxid: bigint,
): Promise<readonly boolean[]> {
  const stats = await Promise.all(members.map((name) => client.exists(`${path}/${name}`)));
  return stats.map((stat) => stat !== null && stat.czxid < zxid);
}

/** The path of one of those; null when there is none. */
async function somebodyOlder(...from: Parameters<typeof olderThan>): Promise<string | null> {
  const [, path, members] = from;
  const name = members[(await olderThan(...from)).indexOf(true)];
  return name === undefined ? null : `${path}/${name}`;
}

/**
 * Before one of the inside leaves: whoever stands here by then goes through, however late he looks, for all who are inside will wait for
 * him. Resolves with those of `others` who are inside: all, unless the claim has gone, and with it the right to say so.
 */
export async function takeAlong(
  client: ZooKeeperClient,
  place: Place,
  claimPath: string,
  others: readonly string[],
): Promise<readonly string[]> {
  const path = `${place.path}/${READY}`;
  for (;;) {
    if (await writing(client, claimPath, { type: 'setData', path, data: nothing })) return others;
    if ((await client.exists(claimPath)) === null) break;
    if (await writing(client, claimPath, makingReady(place))) return others;
  }
  const ready = await client.exists(path);
  if (ready === null) return [];
  const older = await olderThan(client, place.path, others, ready.mzxid);
  return others.filter((_, index) => older[index]);
}

/**
 * Writes `ready` so long as `witness` is inside: a write that is late must not open the next round. False: it has gone, or `ready` has
 * changed. A `ready` that another identity keeps to itself stays as it is; whoever comes later may not know of us then.
 */
async function writing(
  client: ZooKeeperClient,
  witness: string,
  write: TransactionOperation & { readonly type: 'create' | 'setData' },
): Promise<boolean> {
  try {
    if (client.capabilities.multi) await client.multi([{ type: 'check', path: witness }, write]);
    else if ((await client.exists(witness)) === null) return false;
    else if (write.type === 'create') await client.create(write.path, nothing, write);
    else await client.setData(write.path, nothing, -1);
    return true;
  } catch (error) {
    if (write.type === 'setData' && isZooKeeperError(error, 'NoAuth')) return true;
    if (!isZooKeeperError(error, 'NodeExists', 'NoNode')) throw error;
    return false;
  }
}

/**
 * Deletes `ready` as it was seen. A deletion cannot say which creation it means, and one that is on its way while a whole round comes
 * together hits that round's: a write before it tells, and whoever was there gets theirs back.
 */
export async function close(client: ZooKeeperClient, place: Place, seen: Stat): Promise<void> {
  const path = `${place.path}/${READY}`;
  const { version } = seen;
  try {
    if (client.capabilities.multi) {
      const [written] = await client.multi([
        { type: 'setData', path, data: nothing, version },
        { type: 'delete', path },
      ]);
      const hit = written?.type === 'setData' ? written.stat.czxid : seen.czxid;
      if (hit !== seen.czxid) await reopen(client, place, hit);
      return;
    }
  } catch (error) {
    if (isZooKeeperError(error, 'NoNode', 'BadVersion')) return;
    if (!isZooKeeperError(error, 'NoAuth')) throw error;
  }
  await client.delete(path, version).catch((error: unknown) => {
    if (!isZooKeeperError(error, 'NoNode', 'BadVersion')) throw error;
  });
}

/** Makes the `ready` anew that was made by the transaction `czxid`, while somebody is there who was there then. */
async function reopen(client: ZooKeeperClient, place: Place, czxid: bigint): Promise<void> {
  for (;;) {
    const { members, ready } = sortedOut(await listOrNothing(client, place.path));
    const witness = ready ? null : await somebodyOlder(client, place.path, members, czxid);
    if (witness === null || (await writing(client, witness, makingReady(place)))) return;
  }
}
