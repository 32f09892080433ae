/** What the contestants are asked to do, and what of it is a goal. */
import { systemClock } from '../../../src/clock.js';
import { dial } from '../../../src/zookeeper/socket.js';
import { wireClient } from '../../../src/zookeeper/wire-client.js';
import { percentile } from '../measure.mjs';
import { compete, type Measured, type Outcome, type Peer, type Scenario, startUp } from './contest.js';
import { bareStart, CURATOR, GO_ZK, KAZOO, ours } from './contestants.js';
import type { Report, Result, Results } from './report.js';

/** How long it all takes. */
export interface Extent {
  readonly rounds: number;
  /** Of every slice and warm-up: 1 for a measurement, little to see that it works. */
  readonly share: number;
  readonly manySessions: number;
  readonly queued: number;
}

interface Asked extends Partial<Pick<Scenario, 'contenders' | 'sessions' | 'paths' | 'holdMs'>> {
  readonly seconds: number;
  readonly without?: readonly string[];
  readonly place?: string;
}

const perSecond = (slice: Measured) => slice.perSecond;
const p50 = (slice: Measured) => slice.p50;
/** What is measured once, under no condition of its own. */
const inIdle =
  (result: (mine: string) => Result | null): Results =>
  (mine, condition) =>
    condition === 'idle' ? result(mine) : null;
const CYCLE = 'a cycle';
const HAND_OVER = 'a hand-over';

/** One server's contests, one after the other. */
export class Scenarios {
  readonly #report: Report;
  readonly #peers: readonly Peer[];
  readonly #connect: string;
  readonly #extent: Extent;
  #places = 0;

  constructor(report: Report, peers: readonly Peer[], connect: string, extent: Extent) {
    this.#report = report;
    this.#peers = peers;
    this.#connect = connect;
    this.#extent = extent;
  }

  async all(): Promise<void> {
    await this.whatWaitsForTheDisk();
    await this.contended(100);
    await this.manySessions();
    await this.manyPaths();
    await this.longLine();
    await this.startUp();
  }

  async whatWaitsForTheDisk(): Promise<void> {
    await this.uncontended();
    await this.holding();
    await this.contended(10);
  }

  async uncontended(): Promise<void> {
    this.#report.say('### Uncontended', '');
    const outcome = await this.#contest({ seconds: 0.4 });
    this.#report.table(outcome, CYCLE);
    this.#report.aim('uncontended: cycles per second', outcome, CURATOR, perSecond, 'at least', 1.4);
    this.#report.aim('uncontended: cycles per second', outcome, GO_ZK, perSecond, 'at least', 1.3);
    this.#report.aim(
      'uncontended: client CPU per cycle',
      outcome,
      CURATOR,
      (slice) => slice.cpuPerCycle,
      'at most',
      1,
    );
    this.#atMost('uncontended: requests per cycle', outcome, (slice) => slice.requestsPerCycle, 3);
    this.#report.aim(
      'uncontended: bytes per cycle',
      outcome,
      GO_ZK,
      (slice) => slice.bytesPerCycle,
      'at most',
      1,
    );
  }

  async holding(): Promise<void> {
    this.#report.say('### Ten contenders, each holding for 5 ms', '');
    const outcome = await this.#contest({ contenders: 10, holdMs: 5, seconds: 0.7 });
    this.#report.table(outcome, HAND_OVER);
    this.#report.aim('ten that hold for 5 ms: hand-over p50', outcome, CURATOR, p50, 'at most', 0.5);
    this.#report.aim('ten that hold for 5 ms: hand-over p50', outcome, GO_ZK, p50, 'at most', 0.7);
  }

  async contended(contenders: number): Promise<void> {
    this.#report.say(`### ${contenders} contenders, no hold`, '');
    const outcome = await this.#contest({ contenders, seconds: 0.4 });
    this.#report.table(outcome, HAND_OVER);
    const what = `${contenders} without a hold`;
    if (contenders === 10)
      this.#report.aim(`${what}: grants per second`, outcome, CURATOR, perSecond, 'at least', 1.2);
    else this.#report.aim(`${what}: grants per second`, outcome, GO_ZK, perSecond, 'at least', 1);
    this.#atMost(`${what}: requests per cycle`, outcome, (slice) => slice.requestsPerCycle, 5);
    this.#report.aim(
      `${what}: bytes per cycle`,
      outcome,
      GO_ZK,
      (slice) => slice.bytesPerCycle,
      'at most',
      1,
    );
  }

  async manySessions(): Promise<void> {
    const { manySessions } = this.#extent;
    this.#report.say(
      `### ${manySessions} contenders with a session each, no hold`,
      '',
      'Without kazoo, which takes minutes for it.',
      '',
    );
    const outcome = await this.#contest({ contenders: manySessions, seconds: 1.2, without: [KAZOO] });
    this.#report.table(outcome, HAND_OVER);
    this.#report.aim(
      `${manySessions} without a hold: grants per second`,
      outcome,
      GO_ZK,
      perSecond,
      'at least',
      1.5,
    );
    this.#atMost(
      `${manySessions} without a hold: requests per cycle`,
      outcome,
      (slice) => slice.requestsPerCycle,
      5,
    );
    const memory = [...outcome.residentMegabytes].map(
      ([name, megabytes]) => `${name} ${megabytes.toFixed(0)} MB`,
    );
    this.#report.say(
      `In memory at the end, with all those sessions: ${memory.join(', ')}. Of ours, about 33 MB are alive (17 kB a session, 9 kB a waiting`,
      "lock). The rest is V8's, which lets a heap that is filled this fast grow before it collects it, and keeps room for new objects: 32 MB with Node 20, 64 with Node 24.",
      '',
    );
    this.#report.goal(
      `${manySessions} sessions in one process: memory`,
      'at most 150 MB',
      inIdle((mine) => {
        const megabytes = outcome.residentMegabytes.get(mine);
        return megabytes === undefined
          ? null
          : { measured: `${megabytes.toFixed(0)} MB`, reached: megabytes <= 150 };
      }),
    );
  }

  async manyPaths(): Promise<void> {
    this.#report.say('### A hundred locks on one session', '');
    const outcome = await this.#contest({ contenders: 100, sessions: 'one', paths: 'each', seconds: 0.4 });
    this.#report.table(outcome, 'to be held');
    this.#report.aim(
      'a hundred locks on one session: cycles per second',
      outcome,
      GO_ZK,
      perSecond,
      'at least',
      1.3,
    );
  }

  async longLine(): Promise<void> {
    const { queued } = this.#extent;
    this.#report.say(`### ${queued} more in line, behind`, '');
    const place = this.#place();
    for (const { name } of this.#peers) await this.#fill(this.#pathAt(place, name), name === KAZOO, queued);
    const outcome = await this.#contest({ seconds: 0.6, place });
    this.#report.table(outcome, CYCLE);
    this.#report.aim(`${queued} in line: acquire and release p50`, outcome, GO_ZK, p50, 'at most', 0.5);
  }

  async startUp(): Promise<void> {
    const { rounds } = this.#extent;
    const mine = this.#peers.filter(({ name }) => ours.includes(name));
    const bare = new Map(mine.map((peer) => [peer.name, bareStart(peer)]));
    const taken = await startUp([...bare.values(), ...this.#peers], this.#connect, rounds, () =>
      this.#place(),
    );
    this.#report.say(
      '### From the start of a process until it holds a lock',
      '',
      'What of ours is above Node alone, and why it stays: [decision 022](decisions/022-node-loads-bundles.md).',
      '',
      '| | median | quartiles |',
      '| --- | --- | --- |',
    );
    for (const [name, values] of taken) {
      const at = (fraction: number) => percentile(values, fraction).toFixed(0);
      this.#report.say(`| ${name} | ${at(0.5)} ms | ${at(0.25)}–${at(0.75)} ms |`);
    }
    this.#report.say('');
    this.#report.goal(
      'start of a process until held',
      'at most 1.3 × Node with a session',
      inIdle((name) => {
        const alone = taken.get(bare.get(name)?.name ?? '') ?? [];
        const times = (taken.get(name) ?? []).map((value, round) => value / (alone[round] ?? Number.NaN));
        const value = percentile(times, 0.5);
        return times.length === 0 ? null : { measured: value.toFixed(2), reached: value <= 1.3 };
      }),
    );
  }

  #atMost(what: string, outcome: Outcome, pick: (slice: Measured) => number, limit: number): void {
    this.#report.goal(what, `at most ${limit}`, (mine, condition) => {
      const values = (outcome[condition].get(mine) ?? []).map(pick);
      const value = percentile(values, 0.5);
      // A heartbeat or two fall into some rounds.
      return values.length === 0 ? null : { measured: value.toFixed(2), reached: value <= limit + 0.05 };
    });
  }

  #contest(asked: Asked): Promise<Outcome> {
    const { contenders = 1, sessions = 'each', paths = 'same', holdMs = 0, seconds, without = [] } = asked;
    const { rounds, share } = this.#extent;
    const place = asked.place ?? this.#place();
    return compete({
      peers: this.#peers.filter(({ name }) => !without.includes(name)),
      scenario: { connect: this.#connect, contenders, sessions, paths, holdMs },
      rounds,
      sliceSeconds: seconds * share,
      warmUp: share,
      pathOf: (name) => this.#pathAt(place, name),
    });
  }

  #place(): string {
    this.#places += 1;
    return `/contest-${this.#places}`;
  }

  /** As long for one as for the other: it is in the bytes that they send. */
  #pathAt(place: string, name: string): string {
    return `${place}-${this.#peers.findIndex((peer) => peer.name === name)}`;
  }

  /** Has so many stand in line with numbers that no counter reaches while we look: behind whoever comes. */
  async #fill(path: string, asKazoo: boolean, count: number): Promise<void> {
    const client = wireClient(dial)({
      connectString: this.#connect,
      sessionTimeoutMs: 30_000,
      maxReplyBytes: 1 << 24,
      auth: [],
      clock: systemClock,
      random: Math.random,
    });
    await client.connect({ deadlineMs: 30_000 });
    await client.create(path, new Uint8Array());
    const nameOf = (index: number) => {
      const guid = index.toString(16).padStart(32, '0');
      return asKazoo ? `${guid}__lock__${2_000_000_000 + index}` : `_c_${guid}-lock-${2_000_000_000 + index}`;
    };
    for (let first = 0; first < count; first += 500) {
      const some = Array.from({ length: Math.min(500, count - first) }, (_, index) => ({
        type: 'create' as const,
        path: `${path}/${nameOf(first + index)}`,
      }));
      await client.multi(some);
    }
    await client.close();
  }
}
