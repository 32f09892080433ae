/**
 * What `contention.ts` tells, kept up from the events of one persistent recursive watch, or from one watch for each path
 * where the server has no such thing. Claims' data is read once, and again when a recursive watch says that it changed.
 */
import { type ClaimData, decodeClaim } from './claim-data.js';
import type { ContenderInLine, Contention } from './contention-facts.js';
import { linesKnownTo } from './known-lines.js';
import {
  type Contender,
  contenderOf,
  type Line,
  lineOf,
  MARK_NAME,
  orderByCreation,
  unseenIn,
} from './queue.js';
import type { Stat, WatchEvent, ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';
import type { SessionPort } from './zookeeper/session-port.js';

/** Who is told. */
export interface LineListener {
  /** A complete picture, and the lock paths whose line is other than in the picture before. */
  readonly changed: (lines: ReadonlyMap<string, Contention>, changed: readonly string[]) => void;
  /** The root may not be looked at; nothing follows. */
  readonly failed: (error: Error) => void;
  /** The connection went in the middle of a look. Default: {@link LineWatch.start} will be called again. */
  readonly cut?: (error: Error) => void;
}

interface Known {
  readonly stat: Stat;
  readonly data: ClaimData;
  readonly label: string | undefined;
}

/** A path's children as far as they are known. */
interface Listing {
  readonly names: Set<string>;
  readonly known: Map<string, Known>;
  /** Reads under way: the picture of this path waits for them. */
  pending: number;
}

const decoder = new TextDecoder();
const LONGEST_LABEL = 200;

const parentOf = (path: string) => path.slice(0, Math.max(1, path.lastIndexOf('/')));
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
const join = (path: string, name: string) => (path === '/' ? `/${name}` : `${path}/${name}`);

/** See the file's head. */
export class LineWatch {
  watching: 'recursive' | 'children' = 'recursive';
  readonly #session: SessionPort;
  readonly #root: string;
  readonly #depth: 'tree' | 'line' | 'once';
  readonly #listener: LineListener;
  #listings = new Map<string, Listing>();
  #lines: ReadonlyMap<string, Contention> = new Map();
  readonly #dirty = new Set<string>();
  /** Listings and reads under way: until there are none the first picture is not complete. */
  #underWay = 0;
  #complete = false;
  #told = false;
  #flushing = false;
  /** Answers and events of an earlier start are dropped. */
  #round = 0;
  /** How to take back each watch, by what it watches. */
  readonly #forget = new Map<string, () => void>();

  /** `line`: the root alone; `tree`: every path under it; `once`: the same, without a watch. */
  constructor(session: SessionPort, root: string, depth: 'tree' | 'line' | 'once', listener: LineListener) {
    this.#session = session;
    this.#root = root;
    this.#depth = depth;
    this.#listener = listener;
  }

  /** Looks at everything anew, and watches, on the connection of the moment. */
  start(): void {
    this.stop();
    const round = this.#round;
    const { client } = this.#session;
    const before = this.#listings;
    this.#listings = new Map();
    this.#complete = false;
    this.#told = false;
    this.#underWay = 0;
    for (const path of this.#lines.keys()) this.#dirty.add(path);
    this.#watchAll(client, round).then(
      () => {
        if (round === this.#round) this.#visit(client, this.#root, before);
      },
      (error: unknown) => {
        if (round === this.#round) this.#fail(error);
      },
    );
  }

  /** Forgets what is watched and what is under way. */
  stop(): void {
    this.#round += 1;
    for (const forget of this.#forget.values()) forget();
    this.#forget.clear();
  }

  async #watchAll(client: ZooKeeperClient, round: number): Promise<void> {
    if (this.#depth === 'once') return;
    this.watching = 'children';
    if (!client.capabilities.addWatch) return;
    this.#forget.set('known', linesKnownTo(client).giveWay(this.#root));
    const watcher = (event: WatchEvent) => {
      if (round === this.#round) this.#hear(client, event);
    };
    this.#forget.set('everything', () => {
      client.removeWatch(this.#root, watcher);
    });
    try {
      await client.addWatch(this.#root, 'persistentRecursive', watcher);
      this.watching = 'recursive';
    } catch (error) {
      if (!isZooKeeperError(error, 'Unimplemented', 'NotSupported')) throw error;
    }
  }

  #hear(client: ZooKeeperClient, { type, path }: WatchEvent): void {
    if (path === this.#root) {
      if (type === 'created') this.#visit(client, path);
      else if (type === 'deleted') this.#remove(path);
      return;
    }
    const parent = parentOf(path);
    // Not listed yet: the listing that is under way will show it, or a later event says so.
    const listing = this.#listings.get(parent);
    if (listing === undefined) return;
    const name = nameOf(path);
    if (name === MARK_NAME) return;
    switch (type) {
      case 'created':
        this.#arrive(client, parent, listing, name);
        return;
      case 'deleted':
        listing.names.delete(name);
        listing.known.delete(name);
        this.#remove(path);
        this.#touch(parent);
        return;
      case 'dataChanged':
        if (listing.known.has(name)) this.#learn(client, parent, listing, name);
        return;
      case 'childrenChanged':
    }
  }

  #arrive(
    client: ZooKeeperClient,
    path: string,
    listing: Listing,
    name: string,
    known?: Known,
    before?: ReadonlyMap<string, Listing>,
  ): void {
    if (name === MARK_NAME) return;
    listing.names.add(name);
    if (contenderOf(name) !== null) {
      if (known === undefined) this.#learn(client, path, listing, name);
      else listing.known.set(name, known);
    } else if (this.#depth !== 'line' && !(path === '/' && name === 'zookeeper')) {
      this.#visit(client, join(path, name), before);
    }
    this.#touch(path);
  }

  #remove(path: string): void {
    if (this.#listings.delete(path)) this.#touch(path);
  }

  /** Lists a path and those below; `before` is what an earlier round knew, whose claims need not be read again unless they hold. */
  #visit(client: ZooKeeperClient, path: string, before?: ReadonlyMap<string, Listing>): void {
    const round = this.#round;
    const current = () => round === this.#round;
    this.#underWay += 1;
    let watcher: (() => void) | undefined;
    if (this.watching === 'children' && this.#depth !== 'once') {
      const again = () => {
        this.#forget.delete(path);
        if (current()) this.#visit(client, path);
      };
      watcher = again;
      this.#forget.set(path, () => {
        client.removeWatch(path, again);
      });
    }
    client.getChildren(path, watcher).then(
      ({ children }) => {
        if (!current()) return;
        this.#underWay -= 1;
        const last = this.#listings.get(path);
        const listing: Listing = { names: new Set(), known: new Map(), pending: 0 };
        this.#listings.set(path, listing);
        const earlier = before?.get(path)?.known;
        const written = earlier === undefined ? undefined : mayHoldIn(lineOf(children));
        for (const name of children) {
          const known = last?.known.get(name) ?? (written?.has(name) ? undefined : earlier?.get(name));
          const isPath = last?.names.has(name) === true && contenderOf(name) === null;
          if (isPath) listing.names.add(name);
          else this.#arrive(client, path, listing, name, known, before);
        }
        for (const name of last?.names ?? []) if (!listing.names.has(name)) this.#remove(join(path, name));
        this.#touch(path);
      },
      (error: unknown) => {
        if (!current()) return;
        this.#underWay -= 1;
        if (isZooKeeperError(error, 'NoNode')) {
          this.#remove(path);
          this.#touch(path);
          if (path === this.#root && watcher !== undefined) this.#awaitRoot(client, round);
        } else if (isZooKeeperError(error, 'NoAuth') && path !== this.#root) this.#touch(path);
        else this.#fail(error);
      },
    );
  }

  /** A root that is not there is an empty picture; its creation is watched. It may have been made in between. */
  #awaitRoot(client: ZooKeeperClient, round: number): void {
    const again = () => {
      this.#forget.delete(this.#root);
      if (round === this.#round) this.#visit(client, this.#root);
    };
    this.#forget.set(this.#root, () => {
      client.removeWatch(this.#root, again);
    });
    client.exists(this.#root, again).then(
      (stat) => {
        if (stat !== null) again();
      },
      (error: unknown) => {
        if (round === this.#round) this.#fail(error);
      },
    );
  }

  #learn(client: ZooKeeperClient, path: string, listing: Listing, name: string): void {
    const round = this.#round;
    this.#underWay += 1;
    listing.pending += 1;
    const done = (known: Known | undefined) => {
      if (round !== this.#round) return;
      this.#underWay -= 1;
      listing.pending -= 1;
      if (known === undefined) listing.names.delete(name);
      else if (listing.names.has(name)) listing.known.set(name, known);
      this.#touch(path);
    };
    readClaim(client, join(path, name)).then(done, (error: unknown) => {
      if (round === this.#round) this.#fail(error);
    });
  }

  #fail(error: unknown): void {
    const cut =
      isZooKeeperError(error) &&
      (error.retryable || error.code === 'SessionEnded' || error.code === 'Closed');
    this.stop();
    if (!cut) this.#listener.failed(error as Error);
    else this.#listener.cut?.(error);
  }

  #touch(path: string): void {
    this.#dirty.add(path);
    if (this.#flushing) return;
    this.#flushing = true;
    const round = this.#round;
    queueMicrotask(() => {
      this.#flushing = false;
      if (round === this.#round) this.#flush();
      else if (this.#dirty.size > 0) this.#touch(path);
    });
  }

  /** Tells of every dirty path whose claims have all been read. */
  #flush(): void {
    if (!this.#complete) {
      if (this.#underWay > 0) return;
      this.#complete = true;
    }
    const changed: string[] = [];
    const lines = new Map(this.#lines);
    for (const path of this.#dirty) {
      const listing = this.#listings.get(path);
      if (listing !== undefined && listing.pending > 0) continue;
      this.#dirty.delete(path);
      const line = listing === undefined ? undefined : this.#lineAt(path, listing);
      if (line === undefined && !lines.has(path)) continue;
      if (line === undefined) lines.delete(path);
      else lines.set(path, line);
      changed.push(path);
    }
    // The first picture is told even when it is empty.
    if (changed.length === 0 && this.#told) return;
    this.#told = true;
    this.#lines = lines;
    this.#listener.changed(lines, changed);
  }

  /** Undefined for a path where nobody was ever seen to stand in line. */
  #lineAt(path: string, { names, known }: Listing): Contention | undefined {
    let line = lineOf([...names]);
    if (line.contenders.length === 0 && this.#depth !== 'line' && !this.#lines.has(path)) return undefined;
    if (line.pastCounterEnd)
      line = orderByCreation(
        line,
        new Map([...known].map(([name, { stat, data }]) => [name, data.place ?? stat.czxid])),
      );
    const unseen = new Set(unseenIn(line, (name) => known.get(name)?.data.version !== undefined));
    const contenders = line.contenders
      .filter(({ name }) => known.has(name))
      .map((contender, position) => ({
        ...shown(path, contender, position, known.get(contender.name)),
        ...(unseen.has(contender) ? { unseen: true as const } : {}),
      }));
    return {
      path,
      holder: contenders[0] ?? null,
      contenders,
      foreign: line.foreign,
      unsafeMix: unseen.size > 0,
      asOf: this.#session.clock.wallNow(),
      freshness: 'live',
    };
  }
}

/** Who may have written its claim while nobody looked: a holder its grant, and each renewal of it. */
function mayHoldIn({ contenders, pastCounterEnd }: Line): ReadonlySet<string> {
  const [first] = contenders;
  const held = contenders.findIndex(({ kind }) => kind !== 'read' || first?.kind !== 'read');
  const count = pastCounterEnd || held === -1 ? contenders.length : Math.max(1, held);
  return new Set(contenders.slice(0, count).map(({ name }) => name));
}

/** Undefined when it has left. A claim that may not be read stands in line all the same. */
async function readClaim(client: ZooKeeperClient, path: string): Promise<Known | undefined> {
  try {
    const { data, stat } = await client.getData(path);
    const decoded = decodeClaim(data);
    const foreign = decoded.madeMs === undefined && decoded.owner === undefined;
    return { stat, data: decoded, label: foreign ? labelOf(data) : undefined };
  } catch (error) {
    if (isZooKeeperError(error, 'NoNode')) return undefined;
    if (!isZooKeeperError(error, 'NoAuth')) throw error;
    const stat = await client.exists(path);
    return stat === null ? undefined : { stat, data: { rest: {} }, label: undefined };
  }
}

/** What is written there, if a person can read it. */
function labelOf(data: Uint8Array): string | undefined {
  const text = decoder.decode(data.subarray(0, LONGEST_LABEL));
  return /^[^\p{C}\ufffd]+$/u.test(text) ? text : undefined;
}

function shown(
  path: string,
  contender: Contender,
  position: number,
  known: Known | undefined,
): ContenderInLine {
  const { owner, host, pid, ttlMs, ttlDeadlineMs } = known?.data ?? {};
  const label = known?.label;
  const grantedMs = ttlMs === undefined ? undefined : known?.stat.mtimeMs;
  const endsMs = grantedMs === undefined || ttlMs === undefined ? ttlDeadlineMs : grantedMs + ttlMs;
  return {
    ...contender,
    path: join(path, contender.name),
    position,
    ...(owner === undefined ? {} : { owner }),
    ...(host === undefined ? {} : { host }),
    ...(pid === undefined ? {} : { pid }),
    ...(label === undefined ? {} : { label }),
    sinceMs: known?.stat.ctimeMs ?? 0,
    ...(grantedMs === undefined ? {} : { grantedMs }),
    ...(endsMs === undefined ? {} : { endsMs }),
    session: known?.stat.ephemeralOwner ?? '0',
    czxid: known?.stat.czxid ?? 0n,
  };
}
