// @ts-check
/**
 * One process of a history test: takes locks through the built package, says what it does and when as JSON lines, adds one to
 * a counter that nothing guards, and writes with its token to a register that refuses old ones. The times are
 * CLOCK_MONOTONIC, one scale for all processes of a machine. Its only argument is a {@link import('./history.js').WorkerTask}.
 */
import { openSync, readSync, writeSync } from 'node:fs';
import process, { argv, hrtime, kill, pid, stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../dist/src/embedded/seeded-random.js';
import { connect } from '../../dist/src/index.js';

/** @typedef {import('../../dist/src/index.js').Lease} Lease */

/** @type {import('./history.js').WorkerTask} */
const task = JSON.parse(argv[2] ?? '');
const random = seededRandom(task.seed);

const LOOK_EVERY_MS = 15;
const COUNTER_BYTES = 12;

const session = connect(task.connectString, task.connect);
const locks = task.paths.map((path) => session.lock(path));
const counters = task.counterFiles.map((file) => openSync(file, 'r+'));
let stays = 0;
/** What the test has said so far. */
const told = { finish: false, stop: false };
/** @type {((accepted: boolean) => void)[]} */
const answers = [];

// Written at once, so that nothing is lost when this process is killed.
const say = (/** @type {object} */ record, atNs = hrtime.bigint()) => {
  stdout.write(`${JSON.stringify({ worker: task.worker, atNs: String(atNs), ...record })}\n`);
};

/** Whether the holder believes that it holds; said with a time that is not later than the look. @param {Lease} lease @param {object} record */
function looks(lease, record) {
  const atNs = hrtime.bigint();
  if (!lease.isHeld()) return false;
  say(record, atNs);
  return true;
}

/** Asks the register to take a write with this token. @param {object} write @returns {Promise<boolean>} */
function fencedWrite(write) {
  return new Promise((resolve) => {
    answers.push(resolve);
    say({ kind: 'write', ...write });
  });
}

/** @param {number} counter */
function read(counter) {
  const text = Buffer.alloc(COUNTER_BYTES);
  readSync(counter, text, 0, COUNTER_BYTES, 0);
  return Number(text.toString());
}

/** One stay with the lock. @param {number} index @returns {Promise<boolean>} whether the counter was moved */
async function stand(index) {
  const lock = /** @type {(typeof locks)[number]} */ (locks[index]);
  const counter = /** @type {number} */ (counters[index]);
  const { path } = lock;
  const impatient = !told.finish && random() < task.impatience;
  /** @type {Lease} */
  let lease;
  try {
    lease = await lock.acquire(impatient ? { timeoutMs: Math.ceil(random() * 1_000) } : {});
  } catch (error) {
    say({ kind: 'refused', path, code: /** @type {{ code?: string }} */ (error).code ?? String(error) });
    return false;
  }
  stays += 1;
  const stay = `${task.worker}/${stays}`;
  const token = String(lease.fencingToken);
  let done = false;
  if (looks(lease, { kind: 'enter', stay, path, token })) {
    const before = read(counter);
    const untilMs =
      performance.now() + (random() < task.longStays ? task.longStayMs : task.shortStayMs) * random();
    let held = true;
    do {
      await fencedWrite({ stay, path, token });
      await delay(Math.min(LOOK_EVERY_MS, Math.max(0, untilMs - performance.now())));
      if (told.stop) {
        told.stop = false;
        say({ kind: 'stopped', stay });
        // As if somebody else had: but never between a look and what relies on it.
        kill(pid, 'SIGSTOP');
      }
      held = looks(lease, { kind: 'believes', stay });
    } while (held && performance.now() < untilMs);
    if (looks(lease, { kind: 'adding', stay })) {
      writeSync(counter, String(before + 1).padStart(COUNTER_BYTES), 0);
      say({ kind: 'added', stay });
      done = true;
    }
  }
  say({ kind: 'left', stay, path, done });
  await lease.release();
  return done;
}

session.state.subscribe((state) => {
  if (state.kind === 'connected') say({ kind: 'connected', server: state.server });
  else say({ kind: 'session', state: state.kind });
});

createInterface({ input: stdin })
  .on('line', (line) => {
    if (line === 'finish') told.finish = true;
    else if (line === 'stop') told.stop = true;
    else answers.shift()?.(line === 'accepted');
  })
  // The test has gone: so do we.
  .on('close', () => process.exit(2));

while (!told.finish) {
  await stand(Math.floor(random() * locks.length));
  await delay(random() * task.pauseMs);
}
for (let index = 0; index < locks.length; index += 1) {
  while (!(await stand(index)));
  say({ kind: 'served', path: task.paths[index] });
}
await session.close();
say({ kind: 'bye' });
process.exit(0);
