// @ts-check
/** Contends with Holdfast's lock, as contest.ts asks: see there. Runs where the packed package is installed, and knows nothing else of it. */

import process from 'node:process';
import { connect } from 'holdfast';

/** @type {import('./contest.js').Scenario} */
const asked = JSON.parse(process.argv[2] ?? '');
const samePath = asked.paths === 'same';
const alone = asked.contenders === 1;
const now = () => performance.now();
const dial = () => connect(asked.connect, { sessionTimeoutMs: 30_000 });

/** @param {number[]} sorted @param {number} fraction */
const percentile = (sorted, fraction) =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0) * 1000;

/** @param {import('holdfast').Lock[]} locks @param {number} seconds */
async function run(locks, seconds) {
  /** @type {number[]} */
  const times = [];
  let [granted, all, holders, released] = [0, 0, 0, 0];
  const cpu = process.cpuUsage();
  const start = now();
  const end = start + seconds * 1000;
  let last = start;
  /** @param {import('holdfast').Lock} lock */
  const contend = async (lock) => {
    for (let done = start; done < end; ) {
      const asking = now();
      const lease = await lock.acquire();
      const held = now();
      all += 1;
      holders += 1;
      if (samePath && holders !== 1) throw new Error('two hold at once');
      if (!alone && held <= end) {
        granted += 1;
        last = held;
        if (!samePath) times.push(held - asking);
        else if (released > 0) times.push(held - released);
      }
      if (asked.holdMs > 0) await delay(asked.holdMs);
      released = now();
      holders -= 1;
      await lease.release();
      done = now();
      if (alone) {
        granted += 1;
        last = done;
        times.push(done - asking);
      }
    }
  };
  await Promise.all(locks.map(contend));
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  return {
    granted,
    all,
    seconds: (last - start) / 1000,
    cpuMicros: user + system,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
  };
}

/** @param {unknown} told */
const tell = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);

if (asked.startUp) {
  await dial().lock(asked.path).acquire();
  tell({ held: true });
  process.exit(0);
}
// Not above: whoever only starts needs neither.
const { createInterface } = await import('node:readline');
const { setTimeout: delay } = await import('node:timers/promises');
const one = asked.sessions === 'one' ? dial() : null;
const sessions = Array.from({ length: asked.contenders }, () => one ?? dial());
const locks = sessions.map((session, index) => session.lock(asked.path + (samePath ? '' : `-${index}`)));
for (const session of new Set(sessions)) await session.lock(`${asked.path}-ready`).entries();
tell({ ready: true });
for await (const line of createInterface({ input: process.stdin })) tell(await run(locks, Number(line)));
process.exit(0);
