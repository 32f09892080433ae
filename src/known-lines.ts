/**
 * WHO, without asking: in a line that nobody joined since we were first we are first again (docs/guarantees.md, "Shortcuts").
 *
 * The server numbers every creation at a path, whoever's and of whatever name. We were first with number n, our claim is gone, and
 * our next one bears n + 1: nobody came in between, so nobody is ahead. Whatever could make that untrue ends what is known: another
 * connection, and the end of the path, whose successor counts from nought.
 */
import type { Verdict } from '../machines/lock-machine.js';
import type { Listing } from './line-listing.js';
import { isPastCounterEnd, type Line, type QueueRule, verdictOf } from './queue.js';
import { RecentPaths } from './recent-paths.js';
import type { ConnectionState, ZooKeeperClient } from './zookeeper/client.js';

/** That a claim of ours was first at a path, and when that is good for anything. */
export interface FirstClaim {
  readonly connection: ConnectionState;
  /** The path's creation: one made anew counts anew. */
  readonly life: bigint;
  readonly lineOf: QueueRule['lineOf'];
  readonly name: string;
  readonly sequence: number;
  /** Whom the listing showed to be there, itself included, and the number of the one behind it. */
  readonly queueLength: number;
  readonly behind: number;
  /** It bore the next number after our last one: there is a point in expecting that of the next one. */
  readonly repeated: boolean;
  /** The server said so. */
  gone: boolean;
}

/** The watch on a path; any event ends it, and what was known with it. */
interface Watched {
  readonly connection: ConnectionState;
  readonly watcher: () => void;
  /** The creation of the path that it watches; null until the answer. */
  life: bigint | null;
}

function numberOf(rule: QueueRule, name: string): number | null {
  const [contender] = rule.lineOf([name]).contenders;
  return contender === undefined || isPastCounterEnd(contender) ? null : contender.sequence;
}

/** The number of whoever stands right behind `name`, if that one is first in a line that numbers order. */
function behindIn({ contenders: [first, second], pastCounterEnd }: Line, name: string): number {
  return first?.name === name && second !== undefined && !pastCounterEnd ? second.sequence : 0;
}

/** See the file's head. One for each ZooKeeper session. */
export class KnownLines {
  readonly #client: ZooKeeperClient;
  readonly #first = new RecentPaths<FirstClaim>();
  /** Each is a watch at the server. */
  readonly #watched = new RecentPaths<Watched>((path, { watcher }) => {
    this.#client.removeWatch(path, watcher);
  });
  /** By path, how many look on there. */
  readonly #onlookers = new Map<string, number>();

  constructor(client: ZooKeeperClient) {
    this.#client = client;
  }

  /** Before a claim is asked for: the one that its number is to follow; null when the line has to be listed. */
  expectAt(path: string, rule: QueueRule): FirstClaim | null {
    const last = this.#first.get(path);
    const expected = last?.gone === true && last.repeated && last.sequence + 1 < last.behind;
    return expected && this.#holds(path, rule, last) ? last : null;
  }

  /** After its answer: whether it is first; null when that takes a listing. */
  verdictOn(path: string, rule: QueueRule, name: string, last: FirstClaim): Verdict | null {
    const sequence = last.sequence + 1;
    if (numberOf(rule, name) !== sequence || !this.#holds(path, rule, last)) return null;
    this.#first.set(path, { ...last, name, sequence, gone: false });
    return { kind: 'holds', queueLength: last.queueLength };
  }

  /** A listing led to this verdict on the claim `name`. */
  noteListed(path: string, rule: QueueRule, name: string, verdict: Verdict, listing: Listing): void {
    const last = this.#first.get(path);
    const { pathCreatedBy: life } = listing;
    const sequence = verdict.kind === 'holds' && rule.verdictOf === verdictOf ? numberOf(rule, name) : null;
    if (verdict.kind !== 'holds' || sequence === null || life === null) {
      this.#first.delete(path);
      return;
    }
    const { queueLength } = verdict;
    const { state: connection } = this.#client;
    const { lineOf } = rule;
    const repeated =
      last?.gone === true &&
      last.sequence + 1 === sequence &&
      last.life === life &&
      last.connection === connection &&
      last.lineOf === lineOf;
    const behind =
      queueLength === 1 ? Number.POSITIVE_INFINITY : repeated ? behindIn(listing.line(rule), name) : 0;
    this.#first.set(path, {
      connection,
      life,
      lineOf,
      name,
      sequence,
      queueLength,
      behind,
      repeated,
      gone: false,
    });
    if (repeated && sequence + 1 < behind) this.#watch(path, connection);
  }

  /** The server said that the claim is not there any more. */
  noteGone(path: string, name: string): void {
    const last = this.#first.get(path);
    if (last?.name === name) last.gone = true;
  }

  /**
   * Somebody of this session begins to look on at a path with a persistent watch; the returned function says that he stops. Nothing is
   * known of that line meanwhile: before 3.9 a server keeps one kind of watch for a path and session, and ours would make his one
   * that fires once (ZOOKEEPER-4466).
   */
  giveWay(path: string): () => void {
    this.#onlookers.set(path, (this.#onlookers.get(path) ?? 0) + 1);
    this.#unwatch(path);
    return () => {
      const left = (this.#onlookers.get(path) ?? 0) - 1;
      if (left > 0) this.#onlookers.set(path, left);
      else this.#onlookers.delete(path);
    };
  }

  #holds(path: string, rule: QueueRule, { connection, life, lineOf }: FirstClaim): boolean {
    const watched = this.#watched.get(path);
    return (
      lineOf === rule.lineOf &&
      rule.verdictOf === verdictOf &&
      connection === this.#client.state &&
      watched?.connection === connection &&
      watched.life === life
    );
  }

  /** An event comes before the answer to any later creation, so whoever was made at another path of this name is not taken for a follower. */
  #watch(path: string, connection: ConnectionState): void {
    if (this.#onlookers.has(path) || this.#watched.get(path)?.connection === connection) return;
    this.#unwatch(path);
    const ended = () => {
      if (this.#watched.get(path) !== watched) return;
      this.#first.delete(path);
      this.#unwatch(path);
    };
    const watched: Watched = { connection, watcher: ended, life: null };
    this.#watched.set(path, watched);
    this.#client.exists(path, ended).then((stat) => {
      if (stat === null) ended();
      else watched.life = stat.czxid;
    }, ended);
  }

  #unwatch(path: string): void {
    const watched = this.#watched.get(path);
    if (watched === undefined) return;
    this.#watched.delete(path);
    this.#client.removeWatch(path, watched.watcher);
  }
}

const known = new WeakMap<ZooKeeperClient, KnownLines>();

/** What is known of the lines in which this client's session stood. */
export function linesKnownTo(client: ZooKeeperClient): KnownLines {
  let lines = known.get(client);
  if (lines === undefined) known.set(client, (lines = new KnownLines(client)));
  return lines;
}
