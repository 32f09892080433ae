// @ts-check
/**
 * What a lock costs, on one real server in one run, written to docs/benchmarks.md. Figures are ratios inside the run
 * where the machine's load would move them; nothing is asserted. `lock.bench.ts` runs this in a process of its own, on the
 * built files, as a user's process would: `node --expose-gc test/bench/lock-bench.mjs host:port [rounds [share [report]]]`; a share below 1
 * of every duration and count is enough to see that it works, and the report is the file to write.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '../../dist/src/index.js';
import { inspectLocks } from '../../dist/src/inspect/index.js';
import {
  bareClient,
  counter,
  heapMegabytes,
  keepAwake,
  micros,
  now,
  percentile,
  profile,
  slice,
} from './measure.mjs';

const REPORT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
const PEERS_REPORT = fileURLToPath(new URL('../../docs/benchmarks-peers.md', import.meta.url));
const [, script = '', connectString = '127.0.0.1:2181', roundsGiven = '12', shareGiven = '1'] = process.argv;
const [report = REPORT, only = ''] = process.argv.slice(5);
const ROUNDS = Number(roundsGiven);
const HOLD_MS = 5;
/** So much of a duration or a number. @param {number} whole */
const share = (whole) => Math.ceil(whole * Number(shareGiven));
/** @type {string[]} */
const lines = [];
/** @param {string} line */
const say = (line) => {
  lines.push(line);
  process.stdout.write(`${line}\n`);
};

/** @type {import('../../dist/src/session.js').Session[]} */
const sessions = [];
/** @param {import('../../dist/src/session-options.js').ConnectOptions} options */
const open = (options = {}) => {
  const session = connect(connectString, { sessionTimeoutMs: 30_000, ...options });
  sessions.push(session);
  return session;
};
let paths = 0;
const path = () => `/holdfast-bench/${process.pid}-${(paths += 1)}`;

/** How much a counter of the server grows per cycle. @param {string} name @param {number} cycles @param {() => Promise<unknown>} cycle */
async function perCycle(name, cycles, cycle) {
  const before = await counter(connectString, name);
  for (let index = 0; index < cycles; index += 1) await cycle();
  return ((await counter(connectString, name)) - before) / cycles;
}

/** From one profile of 9,500 cycles at commit 1f3a2ac, before the chart ran from a table (docs/decisions/005); it included the program's start. */
const before = new Map([
  ['writing to the socket (system call)', 120],
  ['garbage collection', 43],
  ['XState', 174],
  ['the chart and its table', 10],
  ['codec and wire client', 36],
  ['acquisition, lease, claim, line', 37],
  ['Node: streams, promises, timers', 72],
]);

async function uncontended() {
  const lock = open().lock(path());
  const tap = inspectLocks();
  const watched = open({ inspect: tap.inspect }).lock(path());
  const client = await bareClient(connectString);
  const parent = `${path()}-bare`;
  for (const each of [lock, watched]) await (await each.acquire()).release();
  await client.create(parent, new Uint8Array());
  const data = new Uint8Array(160);
  const ephemeral = { mode: /** @type {const} */ ('ephemeralSequential') };
  const bare = async () => {
    const made = await client.create(`${parent}/x-`, data, ephemeral);
    await client.delete(made.path, -1);
  };
  const recipe = async () => {
    const creating = client.create(`${parent}/x-`, data, ephemeral);
    const [made] = await Promise.all([creating, client.getChildren(parent)]);
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
  const observed = () =>
    new Promise((resolve, reject) => {
      watched.subscribe({
        next: (ownership) => {
          if (ownership.status === 'held') void ownership.lease.release();
        },
        error: reject,
        complete: () => resolve(undefined),
      });
    });
  for (const warm of [locked, bare, recipe, observed, locked]) await slice(share(2_000), warm);
  /** @typedef {{ lock: number, held: number, cpu: number, bareCpu: number, recipe: number, bare: number, observed: number }} Round */
  /** @returns {Promise<Round>} */
  const round = async () => {
    held = [];
    let cpu = process.cpuUsage();
    /** @param {number} cycles */
    const spent = (cycles) => {
      const { user, system } = process.cpuUsage(cpu);
      cpu = process.cpuUsage();
      return (user + system) / cycles / 1000;
    };
    const ours = await slice(share(400), locked);
    const oursCpu = spent(ours.length);
    const theirs = await slice(share(400), bare);
    const bareCpu = spent(theirs.length);
    return {
      lock: percentile(ours, 0.5),
      held: percentile(held, 0.5),
      cpu: oursCpu,
      bareCpu,
      bare: percentile(theirs, 0.5),
      recipe: percentile(await slice(share(400), recipe), 0.5),
      observed: percentile(await slice(share(400), observed), 0.5),
    };
  };
  /** @type {{ idle: Round[], awake: Round[] }} */
  const rounds = { idle: [], awake: [] };
  for (let index = 0; index < ROUNDS; index += 1) {
    rounds.idle.push(await round());
    const letSleep = keepAwake();
    rounds.awake.push(await round());
    letSleep();
  }
  /** One cell for each condition. @param {(rounds: Round[]) => string} cell */
  const cells = (cell) => `${cell(rounds.idle)} | ${cell(rounds.awake)}`;
  /** @param {(round: Round) => number} pick */
  const time = (pick) => cells((each) => micros(percentile(each.map(pick), 0.5)));
  /** @param {(round: Round) => number} pick */
  const ratio = (pick) =>
    cells((each) => {
      const at = (/** @type {number} */ fraction) => percentile(each.map(pick), fraction).toFixed(2);
      return `**${at(0.5)}** (${at(0.25)}–${at(0.75)})`;
    });
  const requests = await perCycle('zk_packets_received', share(2_000), locked);
  const bytes = await perCycle('zk_bytes_received_count', share(2_000), locked);
  say('## Uncontended: acquire and release');
  say('');
  say(
    `Medians of ${ROUNDS} rounds, quartiles in brackets; in each round everything once while the machine is idle otherwise, and once while its`,
  );
  say(
    'processors are kept awake, as other work does on a server ([why both](decisions/024-a-contest-is-run-idle-and-awake.md)).',
  );
  say('');
  say('| what | idle | awake |');
  say('| --- | --- | --- |');
  say(`| bare create, then delete, awaited: the floor, p50 | ${time((each) => each.bare)} |`);
  say(
    `| bare recipe, create and list in one flight, then delete: times the floor | ${ratio((each) => each.recipe / each.bare)} |`,
  );
  say(`| \`acquire()\` and \`release()\`, p50 | ${time((each) => each.lock)} |`);
  say(`| of that, to \`held\` | ${time((each) => each.held)} |`);
  say(`| \`acquire()\` and \`release()\`: times the floor | ${ratio((each) => each.lock / each.bare)} |`);
  say(
    `| subscribed, with one inspector tap: times \`acquire()\` and \`release()\` | ${ratio((each) => each.observed / each.lock)} |`,
  );
  say(`| client CPU of a cycle | ${time((each) => each.cpu)} |`);
  say(`| client CPU of the floor | ${time((each) => each.bareCpu)} |`);
  say('');
  say(
    `Requests per cycle at the server: **${requests.toFixed(2)}**${Number.isNaN(bytes) ? '' : `, of ${bytes.toFixed(0)} bytes`}.`,
  );
  say('');
  const after = await profile(share(6_000), locked);
  say('### Where the time of a cycle goes');
  say('');
  say(
    'From CPU profiles, without waiting; what a system call is charged includes whoever the kernel let run instead. The left',
  );
  say(
    'column is one earlier profile, of commit 1f3a2ac, with the start of the program in it: read it for the proportions.',
  );
  say('');
  say("| part | XState's interpreter | the table |");
  say('| --- | --- | --- |');
  for (const [name, spent] of after)
    say(`| ${name} | ${before.has(name) ? `${before.get(name)} µs` : '–'} | ${Math.round(spent)} µs |`);
  say('');
  await client.delete(parent, -1);
  await client.close();
}

/** @param {number} contenders @param {number} cycles @param {boolean} shared All on one session, not one each. */
async function contended(contenders, cycles, shared) {
  const place = path();
  const one = shared ? open() : null;
  const locks = Array.from({ length: contenders }, () => (one ?? open()).lock(place));
  await Promise.all(locks.map(async (lock) => (await lock.acquire()).release()));
  /** @type {number[]} */
  const handOvers = [];
  let releasedAt = 0;
  const received = await counter(connectString, 'zk_packets_received');
  const start = now();
  let left = cycles;
  await Promise.all(
    locks.map(async (lock) => {
      while (left > 0) {
        left -= 1;
        const lease = await lock.acquire();
        if (releasedAt > 0) handOvers.push(now() - releasedAt);
        releasedAt = now();
        await lease.release();
      }
    }),
  );
  const rate = handOvers.length / ((now() - start) / 1000);
  const requests = ((await counter(connectString, 'zk_packets_received')) - received) / handOvers.length;
  say(
    `| ${contenders} ${shared ? 'on one session' : 'with a session each'} | ${micros(percentile(handOvers, 0.5))} | ${micros(percentile(handOvers, 0.99))} | ${Math.round(rate)} | **${requests.toFixed(2)}** |`,
  );
}

/**
 * Ten contenders that hold for 5 ms, and what no lock can do without: a bare session deletes a node after as long a pause, and
 * another one hears of it.
 */
async function heldForAWhile() {
  const place = path();
  const locks = Array.from({ length: 10 }, () => open().lock(place));
  const [deleting, watching] = [await bareClient(connectString), await bareClient(connectString)];
  /** @type {number[]} */
  let handOvers = [];
  const contend = async (/** @type {number} */ milliseconds) => {
    handOvers = [];
    let releasedAt = 0;
    const end = now() + milliseconds;
    await Promise.all(
      locks.map(async (lock) => {
        while (now() < end) {
          const lease = await lock.acquire();
          if (releasedAt > 0) handOvers.push(now() - releasedAt);
          await delay(HOLD_MS);
          releasedAt = now();
          await lease.release();
        }
      }),
    );
    return percentile(handOvers, 0.5);
  };
  const hear = async () => {
    const node = path();
    await deleting.create(node, new Uint8Array(), { mode: 'ephemeral' });
    /** @type {Promise<number>} */
    const heard = new Promise((resolve) => {
      void watching.exists(node, () => resolve(now()));
    });
    await delay(HOLD_MS);
    const start = now();
    await deleting.delete(node, -1);
    return (await heard) - start;
  };
  await contend(share(1_000));
  /** @type {{ ours: number, heard: number }[]} */
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const ours = await contend(share(600));
    const times = [];
    for (const end = now() + share(600); now() < end || times.length === 0; ) times.push(await hear());
    rounds.push({ ours, heard: percentile(times, 0.5) });
  }
  /** @param {(round: { ours: number, heard: number }) => number} pick */
  const median = (pick) => percentile(rounds.map(pick), 0.5);
  say('## Ten contenders, each holding for 5 ms');
  say('');
  say('| | p50 | times the event |');
  say('| --- | --- | --- |');
  say(
    `| a bare session's request to delete a node, until another one has the event | ${micros(median(({ heard }) => heard))} | 1.00 |`,
  );
  say(
    `| from \`release()\` to the next one's \`held\` | ${micros(median(({ ours }) => ours))} | ${median(({ ours, heard }) => ours / heard).toFixed(2)} |`,
  );
  say('');
  await Promise.all([deleting.close(), watching.close()]);
}

/** Ten contenders of one session without a hold: through the server, and sharing a claim, turn by turn. */
async function localHandOvers() {
  const session = open();
  const plain = session.lock(path());
  const sharing = session.lock(path(), { localHandover: { max: 64 } });
  /** @param {import('../../dist/src/lock.js').Lock} lock @param {number} milliseconds */
  const rate = async (lock, milliseconds) => {
    let holders = 0;
    const start = now();
    const end = start + milliseconds;
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (; now() < end; holders += 1) await (await lock.acquire()).release();
      }),
    );
    return holders / ((now() - start) / 1000);
  };
  for (const lock of [plain, sharing]) await rate(lock, 500);
  /** @type {{ asked: number, handed: number }[]} */
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1)
    rounds.push({ asked: await rate(plain, 400), handed: await rate(sharing, 400) });
  const asked = percentile(
    rounds.map((each) => each.asked),
    0.5,
  );
  const handed = percentile(
    rounds.map((each) => each.handed),
    0.5,
  );
  const times = percentile(
    rounds.map((each) => each.handed / each.asked),
    0.5,
  );
  say('## Ten contenders of one session, no hold');
  say('');
  say(
    `Each through the server: ${Math.round(asked)} holders per second. With \`localHandover: { max: 64 }\`: ${Math.round(handed)}, **${times.toFixed(1)} times** as many.`,
  );
  say('');
}

async function manyPaths() {
  const session = open();
  const locks = Array.from({ length: 100 }, () => session.lock(path()));
  await Promise.all(locks.map(async (lock) => (await lock.acquire()).release()));
  let cycles = 0;
  const start = now();
  const end = start + share(3_000);
  await Promise.all(
    locks.map(async (lock) => {
      for (; now() < end; cycles += 1) await (await lock.acquire()).release();
    }),
  );
  const rate = cycles / ((now() - start) / 1000);
  say('## A hundred locks on one session, each in a loop');
  say('');
  say(`${Math.round(rate)} cycles per second.`);
  say('');
}

async function longLine() {
  const client = await bareClient(connectString);
  const place = path();
  const lock = open().lock(place);
  await (await lock.acquire()).release();
  const behind = Array.from(
    { length: share(10_000) },
    (_, index) => `${place}/_c_bench-lock-${2_000_000_000 + index}`,
  );
  for (let index = 0; index < behind.length; index += 500) {
    const some = behind.slice(index, index + 500);
    await Promise.all(some.map((name) => client.create(name, new Uint8Array(), { mode: 'ephemeral' })));
  }
  const cycle = async () => (await lock.acquire()).release();
  await slice(share(1_000), cycle);
  const taken = await slice(share(3_000), cycle);
  const listed = await slice(share(1_000), () => client.getChildren(place));
  say('## Ten thousand in line behind');
  say('');
  say(
    `Acquire and release p50 ${micros(percentile(taken, 0.5))}; one bare listing of them p50 ${micros(percentile(listed, 0.5))}.`,
  );
  say('');
  await client.close();
}

/** Stands in line so many times; resolves when all wait. @param {import('../../dist/src/lock.js').Lock} lock @param {number} count */
const standInLine = (lock, count) =>
  new Promise((resolve) => {
    let waiting = 0;
    for (let index = 0; index < count; index += 1) {
      let counted = false;
      lock.subscribe({
        next: ({ status }) => {
          if (status !== 'waitingOnPredecessor' || counted) return;
          counted = true;
          waiting += 1;
          if (waiting === count) resolve(undefined);
        },
        error: () => undefined,
      });
    }
  });

/** @param {number} count */
async function waiting(count) {
  const lock = open().lock(path());
  const lease = await lock.acquire();
  const empty = heapMegabytes();
  await standInLine(lock, count);
  const full = heapMegabytes();
  say(
    `| ${count} waiting locks on one session | ${full.toFixed(1)} MB of heap | ${(full - empty).toFixed(1)} MB |`,
  );
  void lease.release();
}

async function manySessions() {
  const empty = process.memoryUsage().rss / 2 ** 20;
  await Promise.all(
    Array.from({ length: share(1_000) }, async () => (await open().lock(path()).acquire()).release()),
  );
  globalThis.gc?.();
  const full = process.memoryUsage().rss / 2 ** 20;
  const flags = process.execArgv.filter((flag) => flag !== '--expose-gc').map((flag) => `, \`node ${flag}\``);
  say(
    `| 1000 sessions${flags.join('')} | ${full.toFixed(0)} MB resident | ${(full - empty).toFixed(0)} MB |`,
  );
}

/** What another process has to tell. @param {readonly string[]} args */
function told(args) {
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
  for (const line of stdout.trimEnd().split('\n')) say(line);
}

/** In a process of its own: memory is a process's. @param {string} part @param {string[]} flags */
const apart = (part, ...flags) =>
  told([...flags, '--expose-gc', script, connectString, roundsGiven, shareGiven, report, part]);

/** @type {Record<string, () => Promise<unknown>>} */
const measuredApart = {
  'waiting-1000': () => waiting(share(1_000)),
  'waiting-10000': () => waiting(share(10_000)),
  sessions: manySessions,
};
const part = measuredApart[only];
if (part !== undefined) {
  await part();
  process.exit(0);
}

await uncontended();
say('## Contended, no hold');
say('');
say('| contenders | hand-over p50 | p99 | grants per second | requests per cycle |');
say('| --- | --- | --- | --- | --- |');
await contended(10, share(3_000), false);
await contended(100, share(3_000), false);
await contended(share(1_000), share(3_000), true);
say('');
await heldForAWhile();
await localHandOvers();
await manyPaths();
await longLine();
say('## Memory, in a process of its own each');
say('');
say('| what | in total | of that theirs |');
say('| --- | --- | --- |');
for (const name of Object.keys(measuredApart)) apart(name);
// How much of a process is new objects' is V8's to say: 32 MB with Node 20, 64 with Node 24.
apart('sessions', '--max-semi-space-size=4');
say('');
say(
  'Half of a waiting lock is its two actors and their system. Measured as they begin to wait: who waits for more than 5 s',
);
say('watches its own claim as well, an actor more.');
say('');
told([fileURLToPath(new URL('./dashboard-bench.mjs', import.meta.url)), connectString, shareGiven]);
await Promise.all(sessions.map((session) => session.close()));
const head = `# Benchmarks

Written by \`npm run bench\`; do not edit. One real Apache ZooKeeper, standalone on loopback, without fsync, on the same machine, which
is shared: times move by tens of percent between runs, and the ratios inside one run are what to read.
What 200,000 cycles leave behind is in [soak.md](soak.md).${existsSync(PEERS_REPORT) ? ' Curator, go-zk and kazoo on the same server are in [benchmarks-peers.md](benchmarks-peers.md).' : ''}

Machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB; Node ${process.version}. Load average when this ended: ${loadavg()[0]?.toFixed(1)}. Beyond one
per core, whoever needs more CPU also waits longer for it, and the ratios come out too high.
`;
writeFileSync(report, `${head}\n${lines.join('\n')}\n`);
process.exit(0);
