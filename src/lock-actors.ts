/**
 * Fills the lock machine's slots with ZooKeeper work. One attempt each; when to try again is the machine's business.
 * The steps are those of DESIGN §3; the recipe's are ZooKeeper's "Locks".
 */
import { fromCallback } from 'xstate';
import {
  type Claim,
  type Consultation,
  type Enqueued,
  type LockEvent,
  lockMachine,
  type SlotInput,
  type Verdict,
  type WatchInput,
  type WithdrawInput,
} from '../machines/lock-machine.js';
import { attempt } from './attempt.js';
import { runFromTable } from './chart/table.js';
import { linesKnownTo } from './known-lines.js';
import { afterSync, Listing, lineFrom, listOrNothing, listTogether, placeOf } from './line-listing.js';
import { type Acquisition, watchClaim, watchPredecessor, writeGrant } from './lock-watchers.js';
import { makeParents } from './parents.js';
import { bearsGuid, claimPrefix, type Line, nameInPlaceOf, robberyIn } from './queue.js';
import { leaveMark, withdrawMarked } from './unclean-loss.js';
import {
  type Created,
  OPEN_ACL,
  type Stat,
  type TransactionOperation,
  type ZooKeeperClient,
} from './zookeeper/client.js';
import { isZooKeeperError, ZooKeeperError } from './zookeeper/errors.js';

/** Parents may vanish between their making and ours (containers are reaped); after so many times something else is wrong. */
const PARENT_ATTEMPTS = 16;

const of = (input: SlotInput) => input.acquisition as Acquisition;
const ignored = () => undefined;
const EPHEMERAL = 'ephemeralSequential';

async function listTogetherOrNothing(client: ZooKeeperClient, lockPath: string): Promise<Listing> {
  try {
    return await listTogether(client, lockPath);
  } catch (error) {
    if (isZooKeeperError(error, 'NoNode')) return new Listing([]);
    throw error;
  }
}

function judge(acquisition: Acquisition, listing: Listing, claimName: string): Verdict | Promise<Verdict> {
  const { session, lockPath, rule } = acquisition;
  // Nothing but plain names: there is nothing else to tell of such a line.
  const verdict = listing.quickVerdict(rule, claimName);
  if (verdict !== null) return verdict;
  const line = lineFrom(session.client, lockPath, listing, rule);
  return line instanceof Promise
    ? line.then((inOrder) => verdictOn(acquisition, inOrder, claimName))
    : verdictOn(acquisition, line, claimName);
}

/** As {@link judge}; where names do not say it all, the server is asked. */
function appraise(
  acquisition: Acquisition,
  client: ZooKeeperClient,
  listing: Listing,
  claim: Claim,
): Verdict | Promise<Verdict> {
  return acquisition.admission?.(client, claim, listing.names) ?? judge(acquisition, listing, claim.name);
}

function verdictOn(acquisition: Acquisition, line: Line, claimName: string): Verdict {
  const { rule } = acquisition;
  acquisition.onLine(line);
  return rule.verdictOf(line, claimName);
}

function claimOf(acquisition: Acquisition, path: string, stat: Stat, client: ZooKeeperClient): Claim {
  return {
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    czxid: stat.czxid,
    sessionId: client.sessionId,
    createdMs: stat.ctimeMs,
    heardAtMs: acquisition.session.clock.now(),
  };
}

/** Asks for the node; nothing is awaited, so that the listing goes right behind it. */
function makeClaim(acquisition: Acquisition, guid: string): Promise<Created> {
  const { session, lockPath, rule, inPlaceOf, acl = OPEN_ACL, record } = acquisition;
  if (inPlaceOf !== undefined) return takePlace(acquisition, inPlaceOf, guid);
  return session.client.create(`${lockPath}/${claimPrefix(guid, rule.label)}`, record.fresh(), {
    mode: EPHEMERAL,
    acl,
  });
}

/** A reader in a writer's place is made with the writer's number, and only if the writer is there (T48). */
async function takePlace(acquisition: Acquisition, writer: Claim, guid: string): Promise<Created> {
  const { session, lockPath, acl = OPEN_ACL, record } = acquisition;
  const { client } = session;
  if (client.sessionId !== writer.sessionId) {
    throw new ZooKeeperError('SessionExpired', 'downgrade', writer.path, {
      detail: 'the place went with the session that had it',
    });
  }
  const path = `${lockPath}/${nameInPlaceOf(writer.name, guid)}`;
  const [, created] = await client.multi([
    { type: 'check', path: writer.path },
    { type: 'create', path, data: record.fresh(), mode: 'ephemeral', acl },
  ]);
  return { path, stat: created?.type === 'create' ? created.stat : null };
}

/**
 * DESIGN §3.1: create and list back to back. The session is served in order, so the listing shows the new node. Where the number of
 * the new node may say it all, the listing comes only when it does not.
 */
export async function createClaim(
  acquisition: Acquisition,
  guid: string,
  wanted: () => boolean,
): Promise<Enqueued> {
  const { session, lockPath, rule, acl, made, inPlaceOf } = acquisition;
  const { client } = session;
  const known = linesKnownTo(client);
  let failure: unknown;
  for (let attempts = 0; attempts < PARENT_ATTEMPTS; attempts += 1) {
    // Whoever gave up while the parents were made has looked for a claim by now, and found none.
    if (!wanted()) throw new Error(`nobody waits for a claim at ${lockPath} any more`);
    const last = inPlaceOf === undefined ? known.expectAt(lockPath, rule) : null;
    const creating = makeClaim(acquisition, guid);
    const listing = last === null ? listTogether(client, lockPath) : null;
    // Whoever fails first, the other is minded.
    listing?.catch(ignored);
    let created: Created;
    try {
      created = await creating;
    } catch (error) {
      if (inPlaceOf !== undefined || !isZooKeeperError(error, 'NoNode')) throw error;
      failure = (await makeParents(client, lockPath, acl)) ?? error;
      continue;
    }
    const { path } = created;
    made.add(path);
    const stat = created.stat ?? (await client.exists(path));
    if (stat === null)
      throw new ZooKeeperError('NoNode', 'create', path, { detail: 'the claim was deleted at once' });
    const claim = claimOf(acquisition, path, stat, client);
    const verdict =
      (last === null ? null : known.verdictOn(lockPath, rule, claim.name, last)) ??
      (await verdictOnNew(acquisition, client, claim, listing ?? listTogether(client, lockPath)));
    return { claim, verdict, asOf: session.clock.wallNow() };
  }
  throw failure;
}

async function verdictOnNew(
  acquisition: Acquisition,
  client: ZooKeeperClient,
  claim: Claim,
  listing: Promise<Listing>,
): Promise<Verdict> {
  const { lockPath, rule } = acquisition;
  try {
    const listed = await listing;
    const appraised = appraise(acquisition, client, listed, claim);
    const verdict = appraised instanceof Promise ? await appraised : appraised;
    linesKnownTo(client).noteListed(lockPath, rule, claim.name, verdict, listed);
    listed.forget();
    return verdict;
  } catch (error) {
    throw unknownUnlessRefused(error);
  }
}

/** The claim was made, whatever became of what was asked besides: an answer that was lost makes the whole step one of unknown outcome. */
function unknownUnlessRefused(reason: unknown): unknown {
  return isZooKeeperError(reason) && reason.retryable
    ? new ZooKeeperError('ConnectionLoss', 'create and list', reason.path, { cause: reason })
    : reason;
}

/** The names at the lock path, after everything that was committed before is there to be seen. */
function listAfterSync({ session: { client }, lockPath }: Acquisition): Promise<readonly string[]> {
  return afterSync(client, lockPath, () => listOrNothing(client, lockPath));
}

/** DESIGN §3.2: our GUID, owned by this same session, or nothing. What bears it otherwise is withdrawn (T02, T08). */
export async function probeClaim(acquisition: Acquisition, guid: string): Promise<Enqueued | null> {
  const names = await listAfterSync(acquisition);
  const asOf = acquisition.session.clock.wallNow();
  const claim = await findClaim(acquisition, names, guid);
  if (claim === null) return null;
  const { client } = acquisition.session;
  return { claim, verdict: await appraise(acquisition, client, new Listing(names), claim), asOf };
}

async function findClaim(
  acquisition: Acquisition,
  names: readonly string[],
  guid: string,
): Promise<Claim | null> {
  const { session, lockPath, made } = acquisition;
  const { client } = session;
  let claim: Claim | null = null;
  for (const name of names.filter((candidate) => bearsGuid(candidate, guid))) {
    const path = `${lockPath}/${name}`;
    made.add(path);
    const stat = await client.exists(path);
    if (stat === null) made.delete(path);
    else if (claim === null && stat.ephemeralOwner === client.sessionId)
      claim = claimOf(acquisition, path, stat, client);
    else await deleteIfThere(acquisition, path);
  }
  return claim;
}

/**
 * One transaction takes the holders' claims and ours out of the line and puts ours in the first one's place. Ours stands in line
 * till then, so nobody who comes later reads beside them. What an unanswered one came to, the GUID tells.
 */
async function stealPlace(
  acquisition: Acquisition,
  guid: string,
  last: Claim,
  wanted: () => boolean,
): Promise<Enqueued> {
  const { session, lockPath, rule, acl = OPEN_ACL, record, made } = acquisition;
  const { client } = session;
  for (;;) {
    const names = await listAfterSync(acquisition);
    const asOf = session.clock.wallNow();
    const claim = await findClaim(acquisition, names, guid);
    if (claim === null) return { claim: last, verdict: { kind: 'missing' }, asOf };
    const line = await lineFrom(client, lockPath, new Listing(names), rule);
    const verdict = verdictOn(acquisition, line, claim.name);
    const robbery = robberyIn(line, claim.name);
    if (verdict.kind !== 'waits' || robbery === null) return { claim, verdict, asOf };
    // Who waits behind a plain lock alone takes its deletion for the grant (DESIGN §3.4).
    if (line.contenders.some(({ kind }) => kind === 'exclusive'))
      throw new Error('a plain lock stands in this line, and nobody in it can be robbed: keep it elsewhere');
    const { holders, guard } = robbery;
    const place = await placeOf(client, `${lockPath}/${holders[0].name}`, holders[0].kind);
    if (place === undefined) continue;
    if (!wanted()) throw new Error(`nobody wants ${lockPath} any more`);
    const path = `${lockPath}/${nameInPlaceOf(holders[0].name, guid, rule.label)}`;
    made.add(path);
    const operations: TransactionOperation[] = [
      ...holders.map(({ name }) => ({ type: 'delete' as const, path: `${lockPath}/${name}` })),
      ...(guard === undefined || guard.name === claim.name
        ? []
        : [{ type: 'check' as const, path: `${lockPath}/${guard.name}` }]),
      { type: 'delete', path: claim.path },
      { type: 'create', path, data: record.fresh(place), mode: 'ephemeral', acl },
    ];
    try {
      const created = (await client.multi(operations)).at(-1);
      made.delete(claim.path);
      const stat = (created?.type === 'create' ? created.stat : null) ?? (await client.exists(path));
      if (stat === null) continue;
      const queueLength = line.contenders.length - holders.length;
      return {
        claim: claimOf(acquisition, path, stat, client),
        verdict: { kind: 'holds', queueLength },
        asOf,
      };
    } catch (error) {
      // Somebody left meanwhile: others hold, or nobody.
      if (!isZooKeeperError(error, 'NoNode')) throw error;
    }
  }
}

/**
 * DESIGN §3.3. With `sync` after a reconnect, when the server we talk to may be behind what we have seen (T49). On an unbroken
 * connection a session never sees time go back, and whoever is ahead of us was there before us.
 */
export async function consultQueue(
  acquisition: Acquisition,
  claim: Claim,
  sync: boolean,
): Promise<Consultation> {
  const { session, lockPath } = acquisition;
  const { client } = session;
  const listing = sync
    ? new Listing(await listAfterSync(acquisition))
    : await listTogetherOrNothing(client, lockPath);
  const asOf = session.clock.wallNow();
  const verdict = await appraise(acquisition, client, listing, claim);
  listing.forget();
  return { verdict, asOf };
}

/** DESIGN §3.5: same node, same session, same creation, still first where that matters. */
export async function revalidateClaim(acquisition: Acquisition, claim: Claim): Promise<boolean> {
  const { session, rule } = acquisition;
  const { client } = session;
  const first = async () => (await consultQueue(acquisition, claim, true)).verdict.kind === 'holds';
  const [stat, holds] = await Promise.all([client.exists(claim.path), rule.holdsByPresence || first()]);
  return (
    stat !== null &&
    stat.ephemeralOwner === claim.sessionId &&
    client.sessionId === claim.sessionId &&
    stat.czxid === claim.czxid &&
    holds
  );
}

async function deleteIfThere(
  { session: { client }, lockPath, made }: Acquisition,
  path: string,
): Promise<void> {
  try {
    await client.delete(path, -1);
  } catch (error) {
    if (!isZooKeeperError(error, 'NoNode')) throw error;
  }
  made.delete(path);
  linesKnownTo(client).noteGone(lockPath, path.slice(lockPath.length + 1));
}

/**
 * DESIGN §3.8. By name where it is known, by GUID where the creation went unanswered. A known one needs no listing, which may
 * be what was refused (T47).
 */
export async function withdrawClaim(
  acquisition: Acquisition,
  guid: string,
  mayExist: boolean,
): Promise<undefined> {
  const { lockPath, made } = acquisition;
  const answered = [...made].some((path) => bearsGuid(path.slice(lockPath.length + 1), guid));
  if (mayExist && !answered) {
    for (const name of await listAfterSync(acquisition))
      if (bearsGuid(name, guid)) made.add(`${lockPath}/${name}`);
  }
  const [only] = made;
  if (only !== undefined && made.size === 1) await deleteIfThere(acquisition, only);
  else await Promise.all([...made].map((path) => deleteIfThere(acquisition, path)));
}

/** The claim of an input whose state guarantees one. */
export function claimIn(input: SlotInput): Claim {
  if (input.claim === null)
    throw new Error('this state has a claim; please report this: the lock machine let it in without');
  return input.claim;
}

/** The production machine: pure chart, filled slots. One for all locks; what differs comes with each actor's input. */
export const lockLogic = runFromTable(lockMachine, {
  createClaim: attempt((input: SlotInput, wanted) => createClaim(of(input), input.guid, wanted)),
  probeClaim: attempt((input: SlotInput) => probeClaim(of(input), input.guid)),
  stealPlace: attempt((input: SlotInput, wanted) =>
    stealPlace(of(input), input.guid, claimIn(input), wanted),
  ),
  leaveMark: attempt((input: SlotInput, wanted) => leaveMark(of(input), claimIn(input), wanted)),
  consultQueue: attempt((input: SlotInput & { readonly sync: boolean }) =>
    consultQueue(of(input), claimIn(input), input.sync),
  ),
  watchPredecessor: fromCallback<LockEvent, SlotInput & WatchInput>(({ input, sendBack }) =>
    watchPredecessor(of(input), input, sendBack),
  ),
  watchClaim: fromCallback<LockEvent, SlotInput>(({ input, sendBack }) =>
    watchClaim(of(input), claimIn(input), sendBack),
  ),
  writeGrant: fromCallback<LockEvent, SlotInput>(({ input, sendBack }) =>
    writeGrant(of(input), claimIn(input), sendBack),
  ),
  revalidateClaim: attempt((input: SlotInput) => revalidateClaim(of(input), claimIn(input))),
  withdrawClaim: attempt((input: SlotInput & WithdrawInput) => {
    const { claim, mark } = input;
    const withdraw = () => withdrawClaim(of(input), input.guid, input.mayExist);
    return claim === null || mark === 'none'
      ? withdraw()
      : withdrawMarked(of(input), claim, mark).then(withdraw);
  }),
});
