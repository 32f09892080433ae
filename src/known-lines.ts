/**
 * WHO, without asking: a line that nobody joined since we left it is empty (docs/guarantees.md, "Shortcuts").
 *
 * The server numbers every creation at a path, whoever's and of whatever name. We stood alone with number n, our claim is gone, and
 * our next one bears n + 1: nobody came in between, so it stands alone. Whatever could make that untrue ends what is known: another
 * connection, and the end of the path, whose successor counts from nought.
 */
import type { Verdict } from '../machines/lock-machine.js';
import { isPastCounterEnd, type QueueRule, verdictOf } from './queue.js';
import type { ConnectionState, ZooKeeperClient } from './zookeeper/client.js';

/** So many paths are known of, those used last; each may have a watch at the server. */
export const KNOWN_PATHS = 1_000;

/** That we stood alone at a path, and when it is good for anything. */
export interface LoneClaim {
  readonly connection: ConnectionState;
  /** The path's creation: one made anew counts anew. */
  readonly life: bigint;
  readonly lineOf: QueueRule['lineOf'];
  readonly name: string;
  readonly sequence: number;
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

const ALONE: Verdict = { kind: 'holds', queueLength: 1 };

function numberOf(rule: QueueRule, name: string): number | null {
  const [contender] = rule.lineOf([name]).contenders;
  return contender === undefined || isPastCounterEnd(contender) ? null : contender.sequence;
}

/** See the file's head. One for each ZooKeeper session. */
export class KnownLines {
  readonly #client: ZooKeeperClient;
  /** Those used last come last. */
  readonly #lone = new Map<string, LoneClaim>();
  readonly #watched = new Map<string, Watched>();

  constructor(client: ZooKeeperClient) {
    this.#client = client;
  }

  /** Before a claim is asked for: the one that its number is to follow; null when the line has to be listed. */
  expectAt(path: string, rule: QueueRule): LoneClaim | null {
    const last = this.#lone.get(path);
    return last?.gone === true && last.repeated && this.#holds(path, rule, last) ? last : null;
  }

  /** After its answer: whether it stands alone; null when that takes a listing. */
  verdictOn(path: string, rule: QueueRule, name: string, last: LoneClaim): Verdict | null {
    if (numberOf(rule, name) !== last.sequence + 1 || !this.#holds(path, rule, last)) return null;
    this.#remember(path, { ...last, name, sequence: last.sequence + 1, gone: false });
    return ALONE;
  }

  /** A listing showed `name` to hold, and the path to have been created by `life`. */
  noteListed(path: string, rule: QueueRule, name: string, verdict: Verdict, life: bigint | null): void {
    const last = this.#lone.get(path);
    const sequence = numberOf(rule, name);
    const alone = verdict.kind === 'holds' && verdict.queueLength === 1;
    if (!alone || life === null || sequence === null || rule.verdictOf !== verdictOf) {
      this.#lone.delete(path);
      return;
    }
    const { state: connection } = this.#client;
    const { lineOf } = rule;
    const repeated =
      last?.gone === true &&
      last.sequence + 1 === sequence &&
      last.life === life &&
      last.connection === connection &&
      last.lineOf === lineOf;
    this.#remember(path, { connection, life, lineOf, name, sequence, repeated, gone: false });
    if (repeated) this.#watch(path, connection);
  }

  /** The server said that the claim is not there any more. */
  noteGone(path: string, name: string): void {
    const last = this.#lone.get(path);
    if (last?.name === name) last.gone = true;
  }

  #holds(path: string, rule: QueueRule, { connection, life, lineOf }: LoneClaim): boolean {
    const watched = this.#watched.get(path);
    return (
      lineOf === rule.lineOf &&
      rule.verdictOf === verdictOf &&
      connection === this.#client.state &&
      watched?.connection === connection &&
      watched.life === life
    );
  }

  #remember(path: string, claim: LoneClaim): void {
    this.#lone.delete(path);
    this.#lone.set(path, claim);
    const [oldest] = this.#lone.size > KNOWN_PATHS ? this.#lone.keys() : [];
    if (oldest !== undefined) this.#lone.delete(oldest);
  }

  /** An event comes before the answer to any later creation, so whoever was made at another path of this name is not taken for a follower. */
  #watch(path: string, connection: ConnectionState): void {
    if (this.#watched.get(path)?.connection === connection) return;
    this.#unwatch(path);
    const [oldest] = this.#watched.size >= KNOWN_PATHS ? this.#watched.keys() : [];
    if (oldest !== undefined) this.#unwatch(oldest);
    const ended = () => {
      if (this.#watched.get(path) !== watched) return;
      this.#lone.delete(path);
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
