/** One history: everybody in it, what is true (at the leader, whatever anybody believes), and what goes wrong when. */

import type { SuspendPolicy } from '../../machines/lock-machine.js';
import { AUDIT_PATH } from '../../src/claim-break.js';
import type { Transaction } from '../../src/embedded/znode-tree.js';
import { LockError } from '../../src/errors.js';
import type { Ownership } from '../../src/ownership.js';
import { contenderOf, MARK_NAME } from '../../src/queue.js';
import { WEB_LOCKS_ROOT } from '../../src/recipes/web-lock-names.js';
import { OPEN_ACL } from '../../src/zookeeper/client.js';
import { isZooKeeperError } from '../../src/zookeeper/errors.js';
import { opcode } from '../../src/zookeeper/records.js';
import { SteppingClock } from '../setup/stepping-clock.js';
import { Attempt } from './attempt.js';
import type { Chance } from './chance.js';
import type { Checker } from './checkers/checker.js';
import { PromisesSettle } from './checkers/promises-settle.js';
import { Ensemble } from './ensemble.js';
import { FAULTS } from './faults.js';
import { FencedResource } from './fenced-resource.js';
import { Participant } from './participant.js';
import type { Profile } from './profiles.js';
import type { Workload } from './workloads/workload.js';

/** Somebody in line, as the leader has it. */
export interface TrueClaim {
  readonly name: string;
  readonly czxid: bigint;
  readonly place: bigint;
  readonly attempt: Attempt | undefined;
}

/** What a mark says. */
export interface TrueMark {
  readonly claim: string;
}

export class World {
  readonly clock = new SteppingClock();
  readonly profile: Profile;
  readonly workload: Workload;
  readonly sessionTimeoutMs: number;
  readonly tickMs: number;
  /** What attempts ask for. */
  readonly paths: readonly string[];
  /** The znodes whose children are claims. */
  readonly lines: readonly string[];
  readonly participants: Participant[] = [];
  readonly attempts: Attempt[] = [];
  readonly checkers: Checker[] = [];
  readonly promises = new PromisesSettle();
  readonly resource = new FencedResource();
  /** Null: nobody reads it. */
  readonly traces: string[] | null;
  ensemble!: Ensemble;
  /** Since when nothing has gone wrong; `Infinity` while something does. */
  quietSinceMs = 0;
  /** What is under way when all is over has arrived by then. */
  settleMs = 3_000;
  /** When the leader goes on, or went on, after it last stood still. */
  frozenUntilMs = Number.NEGATIVE_INFINITY;
  /** Pairs that believed at the same time. */
  overlaps = 0;
  /** Pairs that held together, as they may. */
  shared = 0;
  /** The workload begins nothing more. */
  ending = false;
  readonly #chance: Chance;
  readonly #faultChance: Chance;
  readonly #hopChance: Chance;
  readonly #onJoin: (participant: Participant) => void;
  readonly #byGuid = new Map<string, Attempt>();
  readonly #holders = new Map<string, Attempt>();
  readonly #gone = new Map<string, number>();
  readonly #robbed = new Set<string>();
  readonly #ends = new Set<() => void>();
  readonly #overlapping = new Set<string>();

  private constructor(
    profile: Profile,
    workload: Workload,
    chance: Chance,
    traces: string[] | null,
    onJoin: (participant: Participant) => void,
  ) {
    this.profile = profile;
    this.workload = workload;
    this.traces = traces;
    this.#chance = chance;
    this.#faultChance = chance.branch();
    this.#hopChance = chance.branch();
    this.#onJoin = onJoin;
    this.sessionTimeoutMs = chance.pick([6_000, 8_000, 10_000]);
    this.tickMs = chance.pick([500, 1_000]);
    const root = profile.webLocks === null ? '/locks' : WEB_LOCKS_ROOT;
    const paths = chance.happens(0.75) ? [`${root}/a`] : [`${root}/a`, `${root}/b`];
    this.paths = workload.pathsOf?.(paths) ?? paths;
    this.lines = this.paths.flatMap((path) => workload.linesAt(path));
  }

  static async begin(
    profile: Profile,
    workload: Workload,
    chance: Chance,
    traces: string[] | null,
    onJoin: (participant: Participant) => void,
  ): Promise<World> {
    const world = new World(profile, workload, chance, traces, onJoin);
    world.ensemble = await Ensemble.start({
      clock: world.clock,
      seed: chance.whole(0, 2 ** 31),
      followers: chance.whole(...profile.followers),
      tickMs: world.tickMs,
      syncLimit: 5,
      faults: { sequenceStart: profile.sequenceStart },
      containerCheckMs: 20_000,
      latencyMs: () => world.#hopChance.between(0, 3),
      onTransaction: (transaction) => {
        world.#committed(transaction);
      },
    });
    return world;
  }

  /** One hop between a client and a server: mostly quick, now and then not. */
  latencyMs(): number {
    const kind = this.#hopChance.random();
    if (kind < 0.6) return this.#hopChance.between(0, 2);
    return this.#hopChance.between(0, kind < 0.95 ? 20 : this.profile.slowestHopMs);
  }

  /** A line of the trace; nothing when nobody reads it. */
  tell(who: string, what: string): void {
    this.traces?.push(`${(this.clock.now() / 1000).toFixed(3).padStart(8)} ${who.padEnd(6)} ${what}`);
  }

  /** What each connection at a server watches, also those of sessions that are over for whoever had them. */
  get watched(): { readonly sessionId: string; readonly paths: readonly string[] }[] {
    const { server } = this.ensemble.zookeeper;
    const here = [...server.connections].map((connection) => ({
      sessionId: connection.sessionId,
      paths: server.watches.pathsOf(connection),
    }));
    return [...here, ...this.ensemble.followers.flatMap(({ watched }) => watched)];
  }

  /** A new process. */
  join(): Participant {
    const chance = this.#chance.branch();
    const { heartbeat, guardMs, oneHost, identities } = this.profile;
    const { hosts } = this.ensemble;
    const known = oneHost
      ? [chance.pick(hosts)]
      : hosts.length > 1 && chance.happens(0.5)
        ? hosts.slice(1)
        : hosts;
    const participant = new Participant(this, `p${this.participants.length + 1}`, chance, {
      hosts: known,
      identified: chance.happens(identities),
      sessionTimeoutMs: this.sessionTimeoutMs,
      guardMs,
      heartbeat: heartbeat === 'quorum' ? { kind: heartbeat, tickMs: this.tickMs } : { kind: heartbeat },
      rate: chance.between(0.995, 1.005),
    });
    this.participants.push(participant);
    this.#onJoin(participant);
    return participant;
  }

  /** Closes its session, politely. */
  leave(participant: Participant): void {
    participant.closed = true;
    this.tell(participant.name, 'closes its session');
    void this.promises.track(
      { participant, name: participant.name },
      'closing',
      participant.supervisor.close(),
    );
  }

  policy(chance: Chance): SuspendPolicy {
    return chance.weighted(this.profile.policies);
  }

  /** Something goes wrong for so long. */
  lasting(ms: number, end: () => void): void {
    this.quietSinceMs = Number.POSITIVE_INFINITY;
    const finish = () => {
      if (!this.#ends.delete(finish)) return;
      this.clock.clearTimeout(timer);
      end();
      if (this.#ends.size === 0) this.quietSinceMs = this.clock.now();
    };
    const timer = this.clock.setTimeout(finish, ms);
    this.#ends.add(finish);
  }

  /** One fault after another, until `endMs`. */
  goWrong(endMs: number): void {
    const { faults, faultEveryMs } = this.profile;
    if (Object.keys(faults).length === 0) return;
    const delayMs = this.#faultChance.between(...faultEveryMs);
    if (this.clock.now() + delayMs >= endMs) return;
    this.clock.setTimeout(() => {
      const name = this.#faultChance.weighted(faults);
      this.tell('fault', name);
      this.quietSinceMs = Math.max(this.quietSinceMs, this.clock.now());
      FAULTS[name](this, this.#faultChance.branch());
      this.goWrong(endMs);
    }, delayMs);
  }

  /** A process does what an operator does. What it rejects with is part of the game. */
  operate(participant: Participant, what: string, work: () => Promise<unknown>): void {
    const operator = { participant, name: `${participant.name}/op` };
    this.tell(operator.name, what);
    this.promises.track(operator, what, work()).then(
      () => {
        this.tell(operator.name, `done ${what}`);
      },
      (error: unknown) => {
        if (!(error instanceof LockError) && !isZooKeeperError(error)) throw error;
        this.tell(operator.name, error.message);
      },
    );
  }

  /** Nothing is wrong any more, and nothing new begins. */
  heal(): void {
    this.tell('world', 'all is well again');
    this.ending = true;
    for (const finish of [...this.#ends]) finish();
    this.ensemble.heal();
    for (const { links } of this.participants) for (const link of links) link.flow();
    this.quietSinceMs = this.clock.now();
  }

  claimedBy(guid: string, attempt: Attempt): void {
    attempt.guids.push(guid);
    this.#byGuid.set(guid, attempt);
  }

  /** Whose claim it is, or was: whoever was handed it last, else whoever made it. */
  attemptAt(path: string): Attempt | undefined {
    return this.#holders.get(path) ?? this.#byGuid.get(this.guidOf(path) ?? '');
  }

  /** Whether somebody is still there to whom this claim matters: its holder, or one of those who may be handed it. */
  isWanted(path: string): boolean {
    const attempt = this.attemptAt(path);
    if (attempt === undefined) return false;
    return attempt.pending || (attempt.sharing && this.attempts.some((other) => this.shares(attempt, other)));
  }

  /** Whether `other` waits among those who share claims with `attempt`. */
  shares(attempt: Attempt, other: Attempt): boolean {
    return (
      other.pending &&
      other.sharing &&
      attempt.sharing &&
      other.participant === attempt.participant &&
      other.path === attempt.path
    );
  }

  guidOf(path: string): string | undefined {
    return /\/_c_([0-9a-f-]{36})-/.exec(path)?.[1];
  }

  /** The claims at the leader: in the order of creation, or where a place can be stolen, of the places. */
  lineAt(path: string): TrueClaim[] {
    const { tree } = this.ensemble.zookeeper.server;
    const line: TrueClaim[] = [];
    for (const name of tree.get(path)?.children ?? []) {
      const child = `${path}/${name}`;
      if (this.guidOf(child) === undefined) continue;
      const czxid = tree.get(child)?.czxid ?? 0n;
      const place = this.profile.webLocks === null ? czxid : BigInt(contenderOf(name)?.sequence ?? 0);
      line.push({ name, czxid, place, attempt: this.attemptAt(child) });
    }
    return line.sort((a, b) => (a.place < b.place ? -1 : 1));
  }

  /** The mark at the leader, and the claim that it was left beside. */
  markAt(path: string): TrueMark | undefined {
    const data = this.ensemble.zookeeper.server.tree.get(`${path}/${MARK_NAME}`)?.data;
    return data == null ? undefined : (JSON.parse(new TextDecoder().decode(data)) as TrueMark);
  }

  /** Whether the session that made a node is alive. */
  isOwned(path: string): boolean {
    const { server } = this.ensemble.zookeeper;
    const owner = server.tree.get(path)?.owner;
    return server.sessions().some(({ id }) => id === owner);
  }

  /** Whether nobody's session outlives him. */
  get everySessionLives(): boolean {
    const alive = this.participants.filter(({ clock, closed }) => !clock.dead && !closed);
    const { zookeeper } = this.ensemble;
    return zookeeper.sessions().every(({ id }) => alive.some(({ sessionId }) => sessionId === id));
  }

  /** When a claim was deleted, if it was. */
  goneSince(claimPath: string): number | undefined {
    return this.#gone.get(claimPath);
  }

  /** This claim is about to go by force, not by the protocol: its holder cannot know yet. */
  rob(claimPath: string): void {
    this.#robbed.add(claimPath);
  }

  /** Of something that it holds. */
  wasRobbed(attempt: Attempt): boolean {
    return attempt.claimPaths.some((path) => this.#robbed.has(path));
  }

  /** The claims that were taken from it by somebody who is no part of the protocol. */
  robbedFrom(attempt: Attempt): string[] {
    return [...this.#robbed].filter((path) => this.attemptAt(path) === attempt);
  }

  /** Somebody begins to ask for these. */
  attempt(participant: Participant, paths: readonly string[]): Attempt {
    const attempt = new Attempt(this.attempts.length + 1, participant, paths, this.clock.now());
    this.attempts.push(attempt);
    return attempt;
  }

  makeNode(path: string): void {
    const { server } = this.ensemble.zookeeper;
    const plain = {
      type: opcode.create,
      data: new Uint8Array(0),
      acl: OPEN_ACL,
      flags: 0,
      ttlMs: -1,
    } as const;
    const requester = { sessionId: '0', identities: [] };
    for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
      server.write({ ...plain, path: end === -1 ? path : path.slice(0, end) }, requester);
      if (end === -1) return;
    }
  }

  overlapped(one: Attempt, other: Attempt): void {
    const pair = `${one.name} ${other.name}`;
    if (this.#overlapping.has(pair)) return;
    this.#overlapping.add(pair);
    this.overlaps += 1;
    this.tell('world', `${pair} both believe`);
  }

  /** They hold together, as they may. */
  sharing(one: Attempt, other: Attempt): void {
    const pair = `${one.name} ${other.name}`;
    if (this.#overlapping.has(pair)) return;
    this.#overlapping.add(pair);
    this.shared += 1;
  }

  granted(attempt: Attempt): void {
    if (attempt.sharing) for (const path of attempt.claimPaths) this.#holders.set(path, attempt);
    for (const checker of this.checkers) checker.granted?.(attempt);
  }

  heard(attempt: Attempt, news: Ownership<unknown> | 'completed' | 'errored'): void {
    for (const checker of this.checkers) checker.heard?.(attempt, news);
  }

  #committed(transaction: Transaction): void {
    this.#noteThief(transaction);
    this.#noteBreak(transaction);
    for (const mutation of transaction.mutations) {
      if (mutation.type === 'delete') this.#gone.set(mutation.path, this.clock.now());
      if (this.traces !== null) this.#tellOf(mutation.type, mutation.path);
    }
    for (const checker of this.checkers) checker.committed?.(transaction);
  }

  /** Whose claim goes in the transaction that makes another's. */
  #noteThief({ mutations }: Transaction): void {
    const thief = mutations.find(({ type, path }) => type === 'create' && this.guidOf(path) !== undefined);
    if (thief === undefined) return;
    for (const { type, path } of mutations)
      if (type === 'delete' && this.guidOf(path) !== this.guidOf(thief.path)) this.rob(path);
  }

  /** Whose claim goes in the transaction that audits it. */
  #noteBreak({ mutations }: Transaction): void {
    if (!mutations.some(({ type, path }) => type === 'create' && path.startsWith(`${AUDIT_PATH}/break-`)))
      return;
    for (const { type, path } of mutations) if (type === 'delete') this.rob(path);
  }

  #tellOf(what: string, path: string): void {
    const attempt = this.attemptAt(path);
    this.tell('leader', `${what} ${path}${attempt === undefined ? '' : ` of ${attempt.name}`}`);
  }
}
