/** WHO, asked of the server: a path's line, in the order it will hold. */

import type { Verdict } from '../machines/lock-machine.js';
import { decodeClaim } from './claim-data.js';
import {
  type ContenderKind,
  type Line,
  lineOf,
  lockRule,
  orderByCreation,
  type QueueRule,
  verdictOf,
  verdictOfPlain,
} from './queue.js';
import type { ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';

/** A path's children, and what is made of them once. */
export class Listing {
  readonly #names: readonly string[];
  /** The transaction that made the path; null where the listing did not say. */
  readonly pathCreatedBy: bigint | null;
  readonly #unshared: boolean;
  #forgotten = false;
  #asked = false;
  #line: { readonly lineOf: QueueRule['lineOf']; readonly line: Line } | null = null;

  /** `unshared`: one claim asked for it, and nobody else reads these names. */
  constructor(names: readonly string[], pathCreatedBy: bigint | null = null, unshared = false) {
    this.#names = names;
    this.pathCreatedBy = pathCreatedBy;
    this.#unshared = unshared;
  }

  get names(): readonly string[] {
    if (this.#forgotten) throw new Error('a listing was asked after it was forgotten; please report this');
    return this.#names;
  }

  /**
   * Empties it when its verdict is reached, unless others read it too. It would go by itself, but late: the promise that brought it may
   * be old enough for V8 to keep what it holds until a whole collection. With a thousand contenders that was a hundred kilobytes a cycle.
   */
  forget(): void {
    if (!this.#unshared) return;
    this.#forgotten = true;
    this.#line = null;
    (this.#names as string[]).length = 0;
  }

  /** The line as `rule` reads it. */
  line(rule: QueueRule): Line {
    if (this.#line?.lineOf !== rule.lineOf)
      this.#line = { lineOf: rule.lineOf, line: rule.lineOf(this.names) };
    return this.#line.line;
  }

  /** The verdict on a claim; null where it takes further requests, at the counter's end. */
  verdict(rule: QueueRule, claimName: string): Verdict | null {
    const quick = this.quickVerdict(rule, claimName);
    if (quick !== null) return quick;
    const line = this.line(rule);
    return line.pastCounterEnd ? null : rule.verdictOf(line, claimName);
  }

  /** The verdict on the first claim that asks, where it can be had without the line. */
  quickVerdict(rule: QueueRule, claimName: string): Verdict | null {
    if (this.#asked || rule.lineOf !== lineOf || rule.verdictOf !== verdictOf) return null;
    this.#asked = true;
    return verdictOfPlain(this.names, claimName);
  }
}

/** The line in the order it will hold. */
export async function listInOrder(
  client: ZooKeeperClient,
  lockPath: string,
  rule: QueueRule = lockRule,
): Promise<Line> {
  return lineFrom(client, lockPath, new Listing(await listOrNothing(client, lockPath)), rule);
}

/** As {@link listInOrder}, of a listing that is there already; at once, unless it takes further requests. */
export function lineFrom(
  client: ZooKeeperClient,
  lockPath: string,
  listing: Listing,
  rule: QueueRule,
): Line | Promise<Line> {
  const line = listing.line(rule);
  return line.pastCounterEnd ? ordered(client, lockPath, line) : line;
}

/** Past the counter's end the order takes every contender's creation, one request each (T45). */
async function ordered(client: ZooKeeperClient, lockPath: string, line: Line): Promise<Line> {
  const places = new Map<string, bigint>();
  await Promise.all(
    line.contenders.map(async ({ name, kind }) => {
      const place = await placeOf(client, `${lockPath}/${name}`, kind);
      if (place !== undefined) places.set(name, place);
    }),
  );
  return orderByCreation(line, places);
}

/** Which creation orders a contender: its own, or that of the one whose place it took. Undefined when it has left. */
export async function placeOf(
  client: ZooKeeperClient,
  path: string,
  kind: ContenderKind,
): Promise<bigint | undefined> {
  if (kind !== 'exclusive') {
    try {
      const { data, stat } = await client.getData(path);
      return decodeClaim(data).place ?? stat.czxid;
    } catch (error) {
      if (!isZooKeeperError(error, 'NoNode', 'NoAuth')) throw error;
    }
  }
  return (await client.exists(path))?.czxid;
}

/** A znode's children; none when it is not there. */
export async function listOrNothing(client: ZooKeeperClient, lockPath: string): Promise<readonly string[]> {
  try {
    return (await client.getChildren(lockPath)).children;
  } catch (error) {
    if (isZooKeeperError(error, 'NoNode')) return [];
    throw error;
  }
}

/** A listing that is asked for: it is shared when somebody else comes before it is sent. */
interface AskedFor {
  readonly listing: Promise<Listing>;
  shared: boolean;
}

const asked = new WeakMap<ZooKeeperClient, Map<string, AskedFor>>();

/**
 * Lists a path once for all who ask for it before the next microtask: whoever queues up ten thousand claims would else have each of
 * them list all the others. It is asked for then, so it shows whatever this session
 * asked for before the call: a session is served in order. Rejects with the error of the listing.
 */
export function listTogether(client: ZooKeeperClient, path: string): Promise<Listing> {
  let byPath = asked.get(client);
  if (byPath === undefined) asked.set(client, (byPath = new Map<string, AskedFor>()));
  const others = byPath;
  const known = others.get(path);
  if (known !== undefined) {
    known.shared = true;
    return known.listing;
  }
  const listing = new Promise<Listing>((resolve, reject) => {
    queueMicrotask(() => {
      others.delete(path);
      client.getChildren(path).then(({ children, stat }) => {
        resolve(new Listing(children, stat.czxid, !askedFor.shared));
      }, reject);
    });
  });
  const askedFor: AskedFor = { listing, shared: false };
  others.set(path, askedFor);
  return listing;
}

/** What `read` answers when everything that was committed before the call is there to be seen, also at a server that is behind. */
export async function afterSync<T>(
  client: ZooKeeperClient,
  path: string,
  read: () => Promise<T>,
): Promise<T> {
  const [synced, answer] = await Promise.allSettled([client.sync(path), read()]);
  if (synced.status === 'rejected' && !isZooKeeperError(synced.reason, 'NoNode')) throw synced.reason;
  if (answer.status === 'rejected') throw answer.reason;
  return answer.value;
}
