/**
 * `npm run bench`: what a lock costs, measured on one real server in one run, and written to docs/benchmarks.md. Figures are
 * ratios inside the run where the machine's load would move them; nothing here is asserted.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect as dialTcp } from 'node:net';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, inject, it } from 'vitest';
import { dial } from '#dial';
import { connect, type Session } from '../../src/index.js';
import { systemClock } from '../../src/clock.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';

const connectString = inject('zookeeper');
const [host = '127.0.0.1', port = '2181'] = connectString.split(':');
const lines: string[] = [];
const say = (line: string) => {
  lines.push(line);
  console.log(line);
};

const percentile = (values: number[], fraction: number) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
};
const micros = (milliseconds: number) => `${Math.round(milliseconds * 1000)} µs`;
const now = () => performance.now();

/** The server's own counters. */
function mntr(): Promise<Record<string, number>> {
  return new Promise((resolve, reject) => {
    let text = '';
    dialTcp(Number(port), host)
      .on('data', (chunk) => (text += chunk.toString()))
      .on('error', reject)
      .on('close', () => {
        resolve(
          Object.fromEntries(
            text
              .split('\n')
              .map((line) => line.split('\t'))
              .map(([key = '', value]) => [key, Number(value)]),
          ),
        );
      })
      .end('mntr');
  });
}

/** Requests that the server received for `cycles` cycles of `work`, beyond what idle connections cost. */
async function requestsPerCycle(cycles: number, work: (cycles: number) => Promise<void>): Promise<number> {
  const received = async () => (await mntr())['zk_packets_received'] ?? 0;
  await work(Math.ceil(cycles / 10));
  const before = await received();
  await work(cycles);
  return ((await received()) - before) / cycles;
}

const sessions: Session[] = [];
const open = () => {
  const session = connect(connectString, { sessionTimeoutMs: 30_000 });
  sessions.push(session);
  return session;
};
let paths = 0;
const path = () => `/holdfast-bench/${process.pid}-${(paths += 1)}`;

async function bare() {
  const client = wireClient(dial)({
    connectString,
    sessionTimeoutMs: 30_000,
    maxReplyBytes: 1 << 24,
    auth: [],
    clock: systemClock,
    random: Math.random,
  });
  await client.connect({ deadlineMs: 30_000 });
  return client;
}

it('uncontended: acquire and release against a bare create and delete', { timeout: 600_000 }, async () => {
  const session = open();
  const lock = session.lock(path());
  const client = await bare();
  const parent = path();
  await (await lock.acquire()).release();
  await client.create('/holdfast-bench', new Uint8Array()).catch(() => undefined);
  await client.create(parent, new Uint8Array());
  const slice = async (milliseconds: number, cycle: () => Promise<unknown>) => {
    const taken: number[] = [];
    const end = now() + milliseconds;
    while (now() < end) {
      const start = now();
      await cycle();
      taken.push(now() - start);
    }
    return taken;
  };
  const lockCycle = async () => (await lock.acquire()).release();
  const bareCycle = async () => {
    const { path: made } = await client.create(`${parent}/x-`, new Uint8Array(), {
      mode: 'ephemeralSequential',
    });
    await client.delete(made, -1);
  };
  await slice(3_000, lockCycle);
  await slice(3_000, bareCycle);
  const rounds: { lock: number; bare: number; held: number }[] = [];
  for (let round = 0; round < 12; round += 1) {
    const held: number[] = [];
    const locked = await slice(500, async () => {
      const start = now();
      const lease = await lock.acquire();
      held.push(now() - start);
      await lease.release();
    });
    const plain = await slice(500, bareCycle);
    rounds.push({ lock: percentile(locked, 0.5), bare: percentile(plain, 0.5), held: percentile(held, 0.5) });
  }
  const median = (pick: (round: (typeof rounds)[number]) => number) => percentile(rounds.map(pick), 0.5);
  const ratios = rounds.map(({ lock: a, bare: b }) => a / b);
  say('## Uncontended');
  say('');
  say('| what | p50, median of 12 interleaved rounds |');
  say('| --- | --- |');
  say(`| acquire + release | ${micros(median((round) => round.lock))} |`);
  say(`| of that, to \`held\` (one round trip) | ${micros(median((round) => round.held))} |`);
  say(`| bare create + delete, same client, awaited | ${micros(median((round) => round.bare))} |`);
  say(
    `| **ratio** | **${percentile(ratios, 0.5).toFixed(2)}** (quartiles ${percentile(ratios, 0.25).toFixed(2)}–${percentile(ratios, 0.75).toFixed(2)}) |`,
  );
  const requests = await requestsPerCycle(2_000, async (cycles) => {
    for (let cycle = 0; cycle < cycles; cycle += 1) await lockCycle();
  });
  say(`| requests per cycle at the server | ${requests.toFixed(2)} |`);
  say('');
  await client.close();
});

it('contended: ten contenders, each with a session of its own', { timeout: 600_000 }, async () => {
  const shared = path();
  const locks = Array.from({ length: 10 }, () => open().lock(shared));
  await Promise.all(locks.map(async (lock) => (await lock.acquire()).release()));
  const handOvers: number[] = [];
  let releasedAt = 0;
  const work = async (cycles: number) => {
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
  };
  const requests = await requestsPerCycle(2_000, work);
  say('## Ten contenders, no hold');
  say('');
  say('| what | figure |');
  say('| --- | --- |');
  say(
    `| hand-over p50 / p99 | ${micros(percentile(handOvers, 0.5))} / ${micros(percentile(handOvers, 0.99))} |`,
  );
  say(`| requests per cycle at the server | ${requests.toFixed(2)} |`);
  say('');
});

it('waiting: a thousand subscribers of one process on one session', { timeout: 600_000 }, async () => {
  const session = open();
  const gc = (globalThis as { gc?: () => void }).gc;
  const heap = () => {
    gc?.();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const lock = session.lock(path());
  const lease = await lock.acquire();
  const before = heap();
  let waiting = 0;
  await new Promise<void>((resolve) => {
    for (let index = 0; index < 1_000; index += 1) {
      let counted = false;
      lock.subscribe({
        next: ({ status }) => {
          if (status !== 'waitingOnPredecessor' || counted) return;
          counted = true;
          waiting += 1;
          if (waiting === 1_000) resolve();
        },
        error: () => undefined,
      });
    }
  });
  const after = heap();
  say('## A thousand waiting subscribers on one session');
  say('');
  say(
    `Heap with all of them waiting: ${after.toFixed(1)} MB, of which ${(after - before).toFixed(1)} MB are theirs${gc === undefined ? ' (no forced collection)' : ''}.`,
  );
  say('');
  await lease.release();
});

afterAll(async () => {
  await Promise.all(sessions.map((session) => session.close()));
  const version = execFileSync('node', ['--version']).toString().trim();
  const head = [
    '# Benchmarks',
    '',
    'Written by `npm run bench`; do not edit. One real Apache ZooKeeper, standalone on loopback, without fsync; the machine is',
    'shared, so times move by tens of percent between runs and ratios inside one run are what to read.',
    '',
    `Machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB; Node ${version}.`,
    '',
  ];
  writeFileSync(
    fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url)),
    `${[...head, ...lines].join('\n').trimEnd()}\n`,
  );
});
