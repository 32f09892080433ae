// @ts-check
/**
 * Many acquires and releases with contention, in one process, on the built files, and what is left behind by them: at the
 * server and here. Prints a JSON line per sample; every sample is taken when nobody holds or waits.
 * `node --expose-gc test/ensemble/soak.mjs host:port cycles`.
 */
import { readdirSync } from 'node:fs';
import { connect as dialTcp } from 'node:net';
import process from 'node:process';
import { connect } from '../../dist/src/index.js';

const [, , connectString = '127.0.0.1:2181', cyclesGiven = '4000'] = process.argv;
const CYCLES = Number(cyclesGiven);
const SAMPLES = 10;
const SESSIONS = 6;
const PATHS = ['/soak/a', '/soak/b'];
const [host = '127.0.0.1', port = '2181'] = connectString.split(':');

/** @typedef {import('../../dist/src/index.js').Lock} Lock */

/** The server's own counters. @returns {Promise<(name: string) => number>} */
const monitor = () =>
  new Promise((resolve, reject) => {
    let text = '';
    dialTcp(Number(port), host)
      .on('data', (chunk) => (text += chunk.toString()))
      .on('error', reject)
      .on('close', () => resolve((name) => Number(new RegExp(`^zk_${name}\\t(\\d+)`, 'm').exec(text)?.[1])))
      .end('mntr');
  });

const sessions = Array.from({ length: SESSIONS }, () => connect(connectString, { sessionTimeoutMs: 30_000 }));
const done = { cycles: 0, timedOut: 0, aborted: 0, busy: 0, handOvers: 0 };
/** @type {Map<string, number>} */
const lastHolder = new Map();

/** @param {Lock} lock @param {number} session */
function held(lock, session) {
  done.cycles += 1;
  if (lastHolder.get(lock.path) !== session) done.handOvers += 1;
  lastHolder.set(lock.path, session);
}

/** What each contender is at: its way, by its session and path. @type {Map<string, string>} */
const standing = new Map();

/** Every way to have a lock and to give it up, the plain one most often. @param {Lock} lock @param {number} session @param {number} turn */
async function cycle(lock, session, turn) {
  const way = turn % 20;
  standing.set(`session ${session} at ${lock.path}`, `way ${way}`);
  if (way === 1) {
    await new Promise((resolve, reject) => {
      const subscription = lock.subscribe({
        next: ({ status }) => {
          if (status !== 'held') return;
          held(lock, session);
          queueMicrotask(() => {
            subscription.unsubscribe();
            resolve(undefined);
          });
        },
        error: reject,
      });
    });
    return;
  }
  if (way === 2) {
    const lease = await lock.tryAcquire();
    if (lease === null) done.busy += 1;
    else {
      held(lock, session);
      await lease.release();
    }
    return;
  }
  if (way === 3 || way === 4) {
    const controller = new AbortController();
    if (way === 4) setImmediate(() => controller.abort());
    try {
      const lease = await lock.acquire(way === 3 ? { timeoutMs: 1 } : { signal: controller.signal });
      held(lock, session);
      await lease.release();
    } catch (error) {
      if (way === 3 && /** @type {{ code?: string }} */ (error).code === 'LOCK_TIMEOUT') done.timedOut += 1;
      else if (way === 4 && error === controller.signal.reason) done.aborted += 1;
      else throw error;
    }
    return;
  }
  const lease = await lock.acquire();
  held(lock, session);
  if (way === 5) lease.signal.addEventListener('abort', () => process.exit(3));
  await lease.release();
}

/** Each session stands in both lines, once at a time in each. @param {number} untilCycles */
async function run(untilCycles) {
  await Promise.all(
    sessions.flatMap((session, index) =>
      PATHS.map(async (path) => {
        const lock = session.lock(path);
        for (let turn = index; done.cycles < untilCycles; turn += 1) await cycle(lock, index, turn);
      }),
    ),
  );
}

/** Resolves when nobody stands in line, and the server has heard that we do not watch it any more. @param {string} path */
async function empty(path) {
  const [session] = sessions;
  await new Promise((resolve, reject) => {
    const subscription = session?.contention(path).subscribe({
      next: ({ contenders }) => {
        if (contenders.length === 0) queueMicrotask(() => resolve(subscription?.unsubscribe()));
      },
      error: reject,
    });
  });
  await session?.lock(path).entries();
}

async function sample() {
  for (const path of PATHS) {
    standing.clear();
    standing.set(path, 'to be empty');
    await empty(path);
  }
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const fds = readdirSync('/proc/self/fd').length;
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const heapBytes = process.memoryUsage().heapUsed;
  const server = await monitor();
  const line = {
    ...done,
    znodes: server('znode_count'),
    ephemerals: server('ephemerals_count'),
    watches: server('watch_count'),
    connections: server('num_alive_connections'),
    heapBytes,
    fds,
    timers,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Nobody is to wait for ever: says who does, and ends. */
function watchProgress() {
  let before = '';
  setInterval(() => {
    const now = JSON.stringify([done, [...standing]]);
    if (now !== before) {
      before = now;
      return;
    }
    process.stderr.write(`no progress: ${now}\n`);
    void Promise.all(PATHS.map(async (path) => (await sessions[0]?.lock(path).entries())?.ids)).then(
      (lines) => {
        process.stderr.write(`in line: ${JSON.stringify(lines)}\n`);
        process.exit(4);
      },
    );
  }, 30_000);
}

watchProgress();
// Until code is compiled and pools are filled.
await run(CYCLES / SAMPLES);
await sample();
for (let count = 2; count <= SAMPLES; count += 1) {
  await run((CYCLES * count) / SAMPLES);
  await sample();
}
await Promise.all(sessions.map((session) => session.close()));
process.exit(0);
