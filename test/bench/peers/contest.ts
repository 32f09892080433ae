/**
 * A contest: programs in four languages that stay alive, connected and warm, and take short slices of time in turn. What is told
 * apart is taken within a round, so that whatever else the machine does hits all alike.
 *
 * A contestant is called with one {@link Scenario} as JSON. It connects, prints `{"ready":true}`, and for every line `seconds` on its
 * stdin has each contender acquire, hold and release in a loop for so long, and prints one {@link Slice}. At `startUp` it acquires once, prints
 * a line, and ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { counter, keepAwake } from '../measure.mjs';

/** As long as the slowest heartbeat takes to come again. */
const REST_SECONDS = 10;

/** What is asked of a contestant. */
export interface Scenario {
  readonly connect: string;
  readonly path: string;
  readonly contenders: number;
  /** A session for each contender, or one for all. */
  readonly sessions: 'each' | 'one';
  /** Whether they contend, or have a path each: the given one, a dash, and the contender's number. */
  readonly paths: 'same' | 'each';
  readonly holdMs: number;
  /** Only acquire, once, and say so. */
  readonly startUp: boolean;
}

/** What a contestant tells of a slice. */
export interface Slice {
  /** In time; `seconds` is until the last of them. */
  readonly granted: number;
  /** With those that came late: until every contender had ended. */
  readonly all: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  /**
   * Microseconds. Of one contender: from asking until released. Of several at one path: from one's release until the next
   * one holds. At a path each: from asking until held.
   */
  readonly p50: number;
  readonly p99: number;
}

/** A slice, and what the server counted meanwhile, per acquisition and without heartbeats. */
export interface Measured extends Slice {
  readonly perSecond: number;
  readonly cpuPerCycle: number;
  readonly requestsPerCycle: number;
  readonly bytesPerCycle: number;
}

/** Whoever contends: a name and the command that a scenario is appended to. */
export interface Peer {
  readonly name: string;
  readonly command: readonly string[];
  /** So long until its code is compiled. */
  readonly warmUpSeconds: number;
}

/** A contestant's process. It ends when its stdin does, so also when we do. */
class Contestant {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #name: string;
  #lastWords = '';

  constructor({ name, command: [program = '', ...args] }: Peer, scenario: Scenario) {
    this.#name = name;
    this.#child = spawn(program, [...args, JSON.stringify(scenario)], { stdio: 'pipe' });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString('utf8')).slice(-2_000);
    });
    this.#reader = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Its next line. */
  async told(): Promise<unknown> {
    const line: IteratorResult<string, undefined> = await this.#lines.next();
    if (line.done === true) throw new Error(`${this.#name} ended: ${this.#lastWords}`);
    return JSON.parse(line.value);
  }

  async slice(seconds: number): Promise<Slice> {
    this.#child.stdin?.write(`${seconds}\n`);
    return (await this.told()) as Slice;
  }

  /** What it has in memory now, megabytes. */
  residentMegabytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid ?? 0}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await gone;
  }
}

/**
 * How the machine is while a slice is taken (docs/decisions/024). `idle`: a virtual processor halts whenever nobody has work, which is at every wait for an
 * answer, and has to be woken. `awake`: a loop of idle priority runs on each, as other work does on a server.
 */
export const conditions = ['idle', 'awake'] as const;
export type Condition = (typeof conditions)[number];

/** How a contest is run. */
export interface Contest {
  readonly peers: readonly Peer[];
  readonly scenario: Omit<Scenario, 'path' | 'startUp'>;
  readonly rounds: number;
  readonly sliceSeconds: number;
  /** Of each contestant's own warm-up time; 1 for all of it. */
  readonly warmUp: number;
  /** Of a contestant's name: the path it contends at. */
  readonly pathOf: (name: string) => string;
}

/** By contestant, one measurement a round. */
export type Rounds = ReadonlyMap<string, readonly Measured[]>;

/** What came of a contest. */
export interface Outcome extends Readonly<Record<Condition, Rounds>> {
  /** With all their sessions open, when the last round was over. */
  readonly residentMegabytes: ReadonlyMap<string, number>;
}

/** Requests and their bytes, as the server counts them. */
interface Traffic {
  readonly requests: number;
  readonly bytes: number;
}

/** What came to the server while `work` went on, beyond what comes every second while all rest. */
async function trafficOf<T>(
  connect: string,
  resting: Traffic,
  work: () => Promise<T>,
): Promise<{ readonly done: T; readonly traffic: Traffic }> {
  const count = async () => ({
    requests: await counter(connect, 'zk_packets_received'),
    bytes: await counter(connect, 'zk_bytes_received_count'),
  });
  const start = performance.now();
  const before = await count();
  const done = await work();
  const after = await count();
  const seconds = (performance.now() - start) / 1000;
  return {
    done,
    traffic: {
      requests: after.requests - before.requests - resting.requests * seconds,
      bytes: after.bytes - before.bytes - resting.bytes * seconds,
    },
  };
}

/**
 * What keeps everybody's sessions alive, a second: thousands of them say so every few seconds, also those whose turn it is not. A little
 * too much for a slice: whoever contends says so less often.
 */
async function heartbeats(connect: string, seconds: number): Promise<Traffic> {
  const none = { requests: 0, bytes: 0 };
  const { traffic } = await trafficOf(connect, none, () => delay(seconds * 1000));
  return { requests: traffic.requests / seconds, bytes: traffic.bytes / seconds };
}

async function measured(
  contestant: Contestant,
  connect: string,
  seconds: number,
  resting: Traffic,
): Promise<Measured> {
  const { done: slice, traffic } = await trafficOf(connect, resting, () => contestant.slice(seconds));
  return {
    ...slice,
    perSecond: slice.granted === 0 ? 0 : slice.granted / slice.seconds,
    cpuPerCycle: slice.cpuMicros / slice.all,
    requestsPerCycle: traffic.requests / slice.all,
    bytesPerCycle: traffic.bytes / slice.all,
  };
}

/** Runs it: in each round everybody under both conditions. Who goes first changes from round to round. */
export async function compete(contest: Contest): Promise<Outcome> {
  const { peers, scenario, rounds, sliceSeconds, warmUp, pathOf } = contest;
  const contestants: { peer: Peer; contestant: Contestant }[] = [];
  try {
    for (const peer of peers) {
      const asked = { ...scenario, path: pathOf(peer.name), startUp: false };
      contestants.push({ peer, contestant: new Contestant(peer, asked) });
      await contestants.at(-1)?.contestant.told();
    }
    for (const { peer, contestant } of contestants) await contestant.slice(peer.warmUpSeconds * warmUp);
    const resting = await heartbeats(scenario.connect, REST_SECONDS * warmUp);
    const none = () => new Map<string, Measured[]>(peers.map(({ name }) => [name, []]));
    const taken = { idle: none(), awake: none() };
    for (let round = 0; round < rounds; round += 1) {
      const first = round % contestants.length;
      const inTurn = [...contestants.slice(first), ...contestants.slice(0, first)];
      for (const condition of conditions) {
        const letSleep = condition === 'awake' ? keepAwake() : () => undefined;
        try {
          for (const { peer, contestant } of inTurn)
            taken[condition]
              .get(peer.name)
              ?.push(await measured(contestant, scenario.connect, sliceSeconds, resting));
        } finally {
          letSleep();
        }
      }
    }
    const resident = contestants.map(
      ({ peer, contestant }) => [peer.name, contestant.residentMegabytes()] as const,
    );
    return { ...taken, residentMegabytes: new Map(resident) };
  } finally {
    await Promise.all(contestants.map(({ contestant }) => contestant.stop()));
  }
}

/** Milliseconds from the start of a fresh process until it says that it holds; one a round, by contestant. */
export async function startUp(
  peers: readonly Peer[],
  connect: string,
  rounds: number,
  pathOf: (name: string) => string,
): Promise<Map<string, number[]>> {
  const taken = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const peer of peers) {
      const path = `${pathOf(peer.name)}-${round}`;
      const start = performance.now();
      const contestant = new Contestant(peer, {
        connect,
        path,
        contenders: 1,
        sessions: 'one',
        paths: 'same',
        holdMs: 0,
        startUp: true,
      });
      await contestant.told();
      taken.get(peer.name)?.push(performance.now() - start);
      await contestant.stop();
    }
  }
  return taken;
}
