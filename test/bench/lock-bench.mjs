// @ts-check
/**
 * What a lock costs, on one real server in one run, written to docs/benchmarks.md. Figures are ratios inside the run
 * where the machine's load would move them; nothing is asserted. `lock.bench.ts` runs this in a process of its own, on the
 * built files, as a user's process would: `node --expose-gc test/bench/lock-bench.mjs host:port`.
 */
import { writeFileSync } from 'node:fs';
import { connect as dialTcp } from 'node:net';
import { cpus, totalmem } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../dist/src/clock.js';
import { connect } from '../../dist/src/index.js';
import { dial } from '../../dist/src/zookeeper/socket.js';
import { wireClient } from '../../dist/src/zookeeper/wire-client.js';

const [, , connectString = '127.0.0.1:2181', roundsGiven = '12'] = process.argv;
const ROUNDS = Number(roundsGiven);
const [host = '127.0.0.1', port = '2181'] = connectString.split(':');
/** @type {string[]} */
const lines = [];
/** @param {string} line */
const say = (line) => {
  lines.push(line);
  process.stdout.write(`${line}\n`);
};

/** @param {number[]} values @param {number} fraction */
const percentile = (values, fraction) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
};
/** @param {number} milliseconds */
const micros = (milliseconds) => `${Math.round(milliseconds * 1000)} µs`;
const now = () => performance.now();

/** How many packets the server has received, by its own counter. @returns {Promise<number>} */
const received = () =>
  new Promise((resolve, reject) => {
    let text = '';
    dialTcp(Number(port), host)
      .on('data', (chunk) => (text += chunk.toString()))
      .on('error', reject)
      .on('close', () => resolve(Number(/^zk_packets_received\t(\d+)/m.exec(text)?.[1])))
      .end('mntr');
  });

/** Requests per cycle at the server, without the first tenth. @param {number} cycles @param {(cycles: number) => Promise<void>} work */
async function requestsPerCycle(cycles, work) {
  await work(Math.ceil(cycles / 10));
  const before = await received();
  await work(cycles);
  return ((await received()) - before) / cycles;
}

/** Runs `cycle` for so long; how long each took. @param {number} milliseconds @param {() => Promise<unknown>} cycle */
async function slice(milliseconds, cycle) {
  const taken = [];
  const end = now() + milliseconds;
  while (now() < end) {
    const start = now();
    await cycle();
    taken.push(now() - start);
  }
  return taken;
}

/** @type {import('../../dist/src/session.js').Session[]} */
const sessions = [];
const open = () => {
  const session = connect(connectString, { sessionTimeoutMs: 30_000 });
  sessions.push(session);
  return session;
};
let paths = 0;
const path = () => `/holdfast-bench/${process.pid}-${(paths += 1)}`;

async function uncontended() {
  const lock = open().lock(path());
  const client = wireClient(dial)({
    connectString,
    sessionTimeoutMs: 30_000,
    maxReplyBytes: 1 << 24,
    auth: [],
    clock: systemClock,
    random: () => 0.5,
  });
  await client.connect({ deadlineMs: 30_000 });
  await (await lock.acquire()).release();
  const parent = `${path()}-bare`;
  await client.create(parent, new Uint8Array());
  const data = new Uint8Array(160);
  const ephemeral = { mode: /** @type {const} */ ('ephemeralSequential') };
  const bare = async () => {
    const made = await client.create(`${parent}/x-`, data, ephemeral);
    await client.delete(made.path, -1);
  };
  const recipe = async () => {
    const [made] = await Promise.all([
      client.create(`${parent}/x-`, data, ephemeral),
      client.getChildren(parent),
    ]);
    await client.delete(made.path, -1);
  };
  /** @type {number[]} */
  let held = [];
  const locked = async () => {
    const start = now();
    const lease = await lock.acquire();
    held.push(now() - start);
    await lease.release();
  };
  for (const warm of [locked, bare, recipe]) await slice(2_000, warm);
  /** @type {{ lock: number, held: number, cpu: number, recipe: number, bare: number }[]} */
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    held = [];
    const cpu = process.cpuUsage();
    const ours = await slice(500, locked);
    const spent = process.cpuUsage(cpu);
    rounds.push({
      lock: percentile(ours, 0.5),
      held: percentile(held, 0.5),
      cpu: (spent.user + spent.system) / ours.length / 1000,
      recipe: percentile(await slice(500, recipe), 0.5),
      bare: percentile(await slice(500, bare), 0.5),
    });
  }
  /** @param {(round: (typeof rounds)[number]) => number} pick @param {number} fraction */
  const of = (pick, fraction = 0.5) => percentile(rounds.map(pick), fraction);
  /** @param {(round: (typeof rounds)[number]) => number} pick */
  const ratio = (pick) =>
    `${of(pick).toFixed(2)} (${of(pick, 0.25).toFixed(2)}–${of(pick, 0.75).toFixed(2)})`;
  const requests = await requestsPerCycle(2_000, async (cycles) => {
    for (let cycle = 0; cycle < cycles; cycle += 1) await locked();
  });
  say('## Uncontended: acquire and release');
  say('');
  say(`Medians of ${ROUNDS} interleaved rounds; quartiles in brackets.`);
  say('');
  say('| what | p50 | times the bare pair |');
  say('| --- | --- | --- |');
  say(`| bare create, then delete, awaited: the floor | ${micros(of((each) => each.bare))} | 1 |`);
  say(
    `| bare recipe: create and list in one flight, then delete | ${micros(of((each) => each.recipe))} | ${ratio((each) => each.recipe / each.bare)} |`,
  );
  say(
    `| \`acquire()\` and \`release()\` | ${micros(of((each) => each.lock))} | **${ratio((each) => each.lock / each.bare)}** |`,
  );
  say(`| of that, to \`held\` | ${micros(of((each) => each.held))} | |`);
  say('');
  say(
    `Requests per cycle at the server: **${requests.toFixed(2)}**. Client CPU per cycle: ${micros(of((each) => each.cpu))}.`,
  );
  say('');
  await client.delete(parent, -1);
  await client.close();
}

async function contended() {
  const shared = path();
  const locks = Array.from({ length: 10 }, () => open().lock(shared));
  await Promise.all(locks.map(async (lock) => (await lock.acquire()).release()));
  /** @type {number[]} */
  const handOvers = [];
  let releasedAt = 0;
  const requests = await requestsPerCycle(3_000, async (cycles) => {
    let left = cycles;
    const contend = async (/** @type {(typeof locks)[number]} */ lock) => {
      while (left > 0) {
        left -= 1;
        const lease = await lock.acquire();
        if (releasedAt > 0) handOvers.push(now() - releasedAt);
        releasedAt = now();
        await lease.release();
      }
    };
    await Promise.all(locks.map(contend));
  });
  say('## Ten contenders with a session each, no hold');
  say('');
  say(
    `Hand-over p50 ${micros(percentile(handOvers, 0.5))}, p99 ${micros(percentile(handOvers, 0.99))}. Requests per cycle at the server: **${requests.toFixed(2)}**.`,
  );
  say('');
}

async function waiting() {
  const heap = () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const lock = open().lock(path());
  const lease = await lock.acquire();
  const before = heap();
  let count = 0;
  await new Promise((resolve) => {
    for (let index = 0; index < 1_000; index += 1) {
      let counted = false;
      lock.subscribe({
        next: ({ status }) => {
          if (status !== 'waitingOnPredecessor' || counted) return;
          counted = true;
          count += 1;
          if (count === 1_000) resolve(undefined);
        },
        error: () => undefined,
      });
    }
  });
  const after = heap();
  say('## A thousand subscribers of waiting locks, one process, one session');
  say('');
  say(
    `Heap with all of them waiting: **${after.toFixed(1)} MB** in total, of which ${(after - before).toFixed(1)} MB are theirs.`,
  );
  await lease.release();
}

await uncontended();
await contended();
await waiting();
await Promise.all(sessions.map((session) => session.close()));
const head = `# Benchmarks

Written by \`npm run bench\`; do not edit. One real Apache ZooKeeper, standalone on loopback, without fsync, on the same machine, which
is shared: times move by tens of percent between runs, and the ratios inside one run are what to read.
What 200,000 cycles leave behind is in [soak.md](soak.md).

Machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB; Node ${process.version}.
`;
writeFileSync(
  fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url)),
  `${head}\n${lines.join('\n')}\n`,
);
process.exit(0);
