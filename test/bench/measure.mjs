// @ts-check
/** What the benchmarks measure with: slices of time, percentiles, the server's counters, and where a cycle's time goes. */
import { spawn } from 'node:child_process';
import { Session as Inspector } from 'node:inspector/promises';
import { connect as dialTcp } from 'node:net';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { systemClock } from '../../dist/src/clock.js';
import { dial } from '../../dist/src/zookeeper/socket.js';
import { wireClient } from '../../dist/src/zookeeper/wire-client.js';

export const now = () => performance.now();

/** @param {number[]} values @param {number} fraction */
export const percentile = (values, fraction) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
};

/** @param {number} milliseconds */
export const micros = (milliseconds) => `${Math.round(milliseconds * 1000)} µs`;

/** Runs `cycle` for so long; how long each took. @param {number} milliseconds @param {() => Promise<unknown>} cycle */
export async function slice(milliseconds, cycle) {
  const taken = [];
  const end = now() + milliseconds;
  while (now() < end) {
    const start = now();
    await cycle();
    taken.push(now() - start);
  }
  return taken;
}

/**
 * What the server says to a four-letter word.
 * @param {string} connectString @param {string} word @returns {Promise<string>}
 */
function said(connectString, word) {
  const [host = '127.0.0.1', port = '2181'] = connectString.split(':');
  return new Promise((resolve, reject) => {
    let text = '';
    dialTcp(Number(port), host)
      .on('data', (chunk) => (text += chunk.toString()))
      .on('error', reject)
      .on('close', () => resolve(text))
      .end(word);
  });
}

/** A counter of the server, as `mntr` tells it. @param {string} connectString @param {string} name */
export async function counter(connectString, name) {
  const told = new RegExp(`^${name}\\t(\\d+)`, 'm').exec(await said(connectString, 'mntr'));
  return Number(told?.[1] ?? Number.NaN);
}

/** How many requests came over each connection, by the client's port, as `cons` tells it. @param {string} connectString */
export async function requestsByPort(connectString) {
  const told = (await said(connectString, 'cons')).matchAll(/:(\d+)\[\d+\]\(queued=\d+,recved=(\d+)/g);
  return new Map([...told].map(([, port, requests]) => [Number(port), Number(requests)]));
}

/**
 * Keeps every processor from halting until the returned function is called: a loop of idle priority on each, which ends with this process.
 * It holds a processor until the kernel's next tick now and then, so the slowest hundredth gets slower. Takes `chrt`, of util-linux.
 */
export function keepAwake() {
  let over = false;
  const loop = 'while kill -0 "$PPID"; do :; done 2>/dev/null';
  /** @param {unknown} why */
  const failed = (why) => {
    if (!over) throw new Error(`the processors cannot be kept awake with chrt: ${String(why)}`);
  };
  const loops = cpus().map(() =>
    spawn('chrt', ['--idle', '0', 'sh', '-c', loop], { stdio: 'ignore' })
      .once('error', failed)
      .once('exit', failed),
  );
  return () => {
    over = true;
    for (const each of loops) each.kill('SIGKILL');
  };
}

export const heapMegabytes = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

/** A client as a session has one, without any lock. @param {string} connectString */
export async function bareClient(connectString) {
  const client = wireClient(dial)({
    connectString,
    sessionTimeoutMs: 30_000,
    maxReplyBytes: 1 << 24,
    auth: [],
    clock: systemClock,
    random: () => 0.5,
  });
  await client.connect({ deadlineMs: 30_000 });
  return client;
}

/** Where functions belong, by their file; the first that fits. */
const parts = /** @type {const} */ ([
  ['writing to the socket (system call)', /^\(native\) writeBuffer$/],
  ['garbage collection', /^\(native\) \(garbage collector\)$/],
  ['XState', /node_modules\/xstate/],
  ['the chart and its table', /dist\/(machines|src\/chart|src\/attempt)/],
  ['codec and wire client', /dist\/src\/zookeeper/],
  ['acquisition, lease, claim, line', /dist\/src/],
  ['RxJS', /node_modules\/rxjs/],
  ['Node: streams, promises, timers', /^node:|runMicrotasks|\(native\)/],
]);

/**
 * Where the time of `cycles` runs of `cycle` goes, microseconds each, without waiting.
 * @param {number} cycles @param {() => Promise<unknown>} cycle @returns {Promise<Map<string, number>>}
 */
export async function profile(cycles, cycle) {
  const inspector = new Inspector();
  inspector.connect();
  await inspector.post('Profiler.enable');
  await inspector.post('Profiler.setSamplingInterval', { interval: 200 });
  await inspector.post('Profiler.start');
  for (let index = 0; index < cycles; index += 1) await cycle();
  const { profile: taken } = await inspector.post('Profiler.stop');
  inspector.disconnect();
  const nodes = new Map(taken.nodes.map((node) => [node.id, node]));
  /** @type {Map<string, number>} */
  const spent = new Map(parts.map(([name]) => [name, 0]));
  taken.samples?.forEach((id, index) => {
    const { functionName = '', url = '' } = nodes.get(id)?.callFrame ?? {};
    if (functionName === '(idle)') return;
    const place = url === '' ? `(native) ${functionName}` : url;
    const name = parts.find(([, pattern]) => pattern.test(place))?.[0] ?? 'the benchmark itself';
    spent.set(name, (spent.get(name) ?? 0) + (taken.timeDeltas?.[index] ?? 0) / cycles);
  });
  return spent;
}
