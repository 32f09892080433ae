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
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { counter, keepAwake, requestsByPort } from '../measure.mjs';

/** A length, a number, a type. */
const HEARTBEAT_BYTES = 12;

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

/** A slice, and what came to the server from this contestant meanwhile, per acquisition. */
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

/** Where a link leads; nowhere, when it has gone since it was listed. */
function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
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

  /** The ports of its sockets, by which the server tells its connections from others'. */
  ports(): number[] {
    const process = `/proc/${this.#child.pid ?? 0}`;
    const sockets = new Set(readdirSync(`${process}/fd`).map((file) => linkOf(`${process}/fd/${file}`)));
    const all = ['tcp', 'tcp6'].flatMap((family) =>
      readFileSync(`${process}/net/${family}`, 'utf8').split('\n'),
    );
    return all.flatMap((line) => {
      const [, local = '', , , , , , , , inode = ''] = line.trim().split(/\s+/);
      return sockets.has(`socket:[${inode}]`)
        ? [Number.parseInt(local.slice(local.indexOf(':') + 1), 16)]
        : [];
    });
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

/** Requests that have come to the server: of one contestant, and of all, with their bytes. */
async function traffic(contestant: Contestant, connect: string) {
  const byPort = await requestsByPort(connect);
  return {
    own: contestant.ports().reduce((sum, port) => sum + (byPort.get(port) ?? 0), 0),
    all: await counter(connect, 'zk_packets_received'),
    bytes: await counter(connect, 'zk_bytes_received_count'),
  };
}

async function measured(contestant: Contestant, connect: string, seconds: number): Promise<Measured> {
  const before = await traffic(contestant, connect);
  const slice = await contestant.slice(seconds);
  const after = await traffic(contestant, connect);
  const requests = after.own - before.own;
  // Who rests says that its sessions live, thousands of them, and nothing else.
  const heartbeats = after.all - before.all - requests;
  return {
    ...slice,
    perSecond: slice.granted === 0 ? 0 : slice.granted / slice.seconds,
    cpuPerCycle: slice.cpuMicros / slice.all,
    requestsPerCycle: requests / slice.all,
    bytesPerCycle: (after.bytes - before.bytes - heartbeats * HEARTBEAT_BYTES) / slice.all,
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
    const none = () => new Map<string, Measured[]>(peers.map(({ name }) => [name, []]));
    const taken = { idle: none(), awake: none() };
    for (let round = 0; round < rounds; round += 1) {
      const first = round % contestants.length;
      const inTurn = [...contestants.slice(first), ...contestants.slice(0, first)];
      for (const condition of conditions) {
        const letSleep = condition === 'awake' ? keepAwake() : () => undefined;
        try {
          for (const { peer, contestant } of inTurn)
            taken[condition].get(peer.name)?.push(await measured(contestant, scenario.connect, sliceSeconds));
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
