// @ts-check
/**
 * How long a change in ZooKeeper takes to the screen, and what that costs: 1,000 locks with 10 contenders each, changed 200 times
 * a second, on the built dashboard in a real browser. Prints a section of docs/benchmarks.md; nothing is asserted:
 * `node test/bench/dashboard-bench.mjs host:port [share of its length]`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as passed } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { encodeClaim } from '../../dist/src/claim-data.js';
import { claimPrefix } from '../../dist/src/queue.js';
import { launchChromium } from '../setup/chromium.mjs';
import { bareClient, percentile } from './measure.mjs';

const [, , connectString = '127.0.0.1:2181', shareGiven = '1'] = process.argv;
const LOCKS = Math.round(1_000 * Number(shareGiven));
const SECONDS = 30 * Number(shareGiven);
/** So many of them the page shows, by a search: a change that nobody sees has no time on the screen. */
const WATCHED = Math.min(50, LOCKS);
const CONTENDERS = 10;
const CHANGES_PER_SECOND = 200;
const ROOT = `/dashboard-bench-${process.pid}`;
const built = (/** @type {string} */ file) =>
  fileURLToPath(new URL(`../../dist/src/${file}`, import.meta.url));
const epochMs = () => performance.timeOrigin + performance.now();
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);
const whole = (/** @type {number} */ value) => `${Math.round(value)} ms`;

const client = await bareClient(connectString);

/** @typedef {{ path: string, claims: { path: string, owner: string }[] }} Line */
/** @param {Line} line @param {string} owner */
async function arrive(line, owner) {
  const data = encodeClaim({ owner, version: 1, host: 'bench', pid: process.pid, rest: {} }, Date.now());
  const guid = crypto.randomUUID();
  const made = await client.create(`${line.path}/${claimPrefix(guid)}`, data, {
    mode: 'ephemeralSequential',
  });
  line.claims.push({ path: made.path, owner });
}

/** @returns {Promise<Line[]>} */
async function populate() {
  await client.create(ROOT, new Uint8Array());
  const lines = Array.from({ length: LOCKS }, (_, index) => {
    const name = `${index < WATCHED ? 'watched' : 'other'}-${String(index).padStart(3, '0')}`;
    return { path: `${ROOT}/${name}`, /** @type {Line['claims']} */ claims: [] };
  });
  await Promise.all(
    lines.map(async (line) => {
      await client.create(line.path, new Uint8Array());
      for (let each = 0; each < CONTENDERS; each += 1) await arrive(line, `worker-${each}`);
    }),
  );
  return lines;
}

/**
 * A change each 5 ms: the holder of some line goes, and then somebody joins it. What became of holders, and when.
 * @param {Line[]} lines @param {number} seconds
 */
async function change(lines, seconds) {
  /** @type {{ path: string, holder: string, at: number }[]} */
  const handOvers = [];
  const pending = [];
  const start = performance.now();
  let joined = CONTENDERS;
  for (let made = 0; made < seconds * CHANGES_PER_SECOND; made += 1) {
    const late = start + (made * 1_000) / CHANGES_PER_SECOND - performance.now();
    if (late > 0) await passed(late);
    // A stride that is coprime to the number of lines: each is changed in its turn, neighbours never one after the other.
    const line = lines[(Math.floor(made / 2) * 389) % lines.length];
    if (line === undefined) throw new Error('there are no lines');
    if (made % 2 === 1) {
      joined += 1;
      pending.push(arrive(line, `worker-${joined}`));
      continue;
    }
    const gone = line.claims.shift();
    const next = line.claims[0];
    if (gone === undefined || next === undefined) throw new Error(`${line.path}: nobody is left in line`);
    const at = epochMs();
    pending.push(client.delete(gone.path, -1));
    handOvers.push({ path: line.path, holder: next.owner, at });
  }
  await Promise.all(pending);
  return { handOvers, seconds: (performance.now() - start) / 1_000 };
}

/** @param {number} pid Ticks of 10 ms that the process has run. @returns {number} seconds */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** @param {readonly string[]} args */
const holdfast = (args) =>
  spawn(process.execPath, [built('cli/main.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

/** @param {import('playwright-core').Page} page Notes when each row shows another holder, once that is painted. */
const noteHolders = (page) =>
  page.evaluate(() => {
    /** @type {Map<string, string>} */
    const shown = new Map();
    /** @type {{ path: string, holder: string, at: number }[]} */
    const seen = [];
    Object.assign(globalThis, { seen });
    const look = () => {
      /** @type {{ path: string, holder: string }[]} */
      const fresh = [];
      for (const row of document.querySelectorAll('[data-path]')) {
        const path = row.getAttribute('data-path') ?? '';
        const holder = row.querySelector('.hf-holder b')?.textContent ?? '';
        if (shown.get(path) !== holder) fresh.push({ path, holder });
        shown.set(path, holder);
      }
      if (fresh.length === 0) return;
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          const at = performance.timeOrigin + performance.now();
          seen.push(...fresh.map((each) => ({ ...each, at })));
        };
        port2.postMessage(null);
      });
    };
    look();
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });

/** @param {import('playwright-core').Page} page Milliseconds that each step of a trace takes to draw and lay out. */
const stepThrough = (page) =>
  page.evaluate(async () => {
    const button = (/** @type {string} */ name) =>
      [...document.querySelectorAll('button')].find(({ textContent }) => textContent.trim() === name);
    const taken = [];
    for (let round = 0; round < 20; round += 1)
      for (const name of ['Back', 'On']) {
        for (;;) {
          const found = button(name);
          if (found === undefined || found.disabled) break;
          const start = performance.now();
          found.click();
          await Promise.resolve();
          document.body.getBoundingClientRect();
          taken.push(performance.now() - start);
          await new Promise((resolve) => requestAnimationFrame(resolve));
        }
      }
    return taken;
  });

/** @param {import('playwright-core').Page} page So many seconds the page has worked: scripts, style, layout, paint. */
async function workOf(page) {
  const inspector = await page.context().newCDPSession(page);
  await inspector.send('Performance.enable');
  return async () => {
    const { metrics } = await inspector.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
}

const folder = mkdtempSync(join(tmpdir(), 'holdfast-dashboard-bench-'));
const browser = await launchChromium();
const children = [];
try {
  const trace = join(folder, 'trace.jsonl');
  const traced = holdfast([
    ...['run', `${ROOT}-traced`, '--connect', connectString, '--trace', trace, '--'],
    ...[process.execPath, '-e', ''],
  ]);
  children.push(traced);
  await once(traced, 'exit');

  const lines = await populate();
  const dashboard = holdfast(['dashboard', '--connect', connectString, '--root', ROOT]);
  children.push(dashboard);
  const address = new Promise((resolve, reject) => {
    let text = '';
    dashboard.stdout.on('data', (more) => {
      text += String(more);
      const found = /dashboard on (\S+)\n/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    dashboard.once('exit', () => reject(new Error('the dashboard ended')));
  });
  const url = String(await address);
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(url);
  await page.getByRole('searchbox').fill('watched');
  await page.waitForFunction((count) => document.querySelectorAll('[data-path]').length === count, WATCHED);
  await noteHolders(page);
  const worked = await workOf(page);
  const workedBefore = await worked();
  const before = cpuSeconds(dashboard.pid ?? 0);
  const { handOvers, seconds } = await change(lines, SECONDS);
  const share = (cpuSeconds(dashboard.pid ?? 0) - before) / seconds;
  const pageShare = ((await worked()) - workedBefore) / seconds;
  const toBeSeen = handOvers.filter(({ path }) => path.includes('watched'));
  await page.waitForFunction(
    ([path, holder]) => document.querySelector(`[data-path="${path}"] .hf-holder b`)?.textContent === holder,
    [toBeSeen.at(-1)?.path, toBeSeen.at(-1)?.holder],
  );
  /** @type {{ path: string, holder: string, at: number }[]} */
  const seen = await page.evaluate(() => Reflect.get(globalThis, 'seen'));
  const delays = toBeSeen.flatMap(({ path, holder, at }) => {
    const there = seen.find((each) => each.path === path && each.holder === holder);
    return there === undefined ? [] : [there.at - at];
  });

  const viewer = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await viewer.goto(`${url}#trace`);
  await viewer.getByLabel(/^Trace file/).setInputFiles(trace);
  await viewer.getByRole('slider', { name: 'Step' }).waitFor();
  const redraws = await stepThrough(viewer);

  const script = gzipSync(readFileSync(built('dashboard/page/page.js'))).length;
  say('## The dashboard');
  say('');
  say(
    `${LOCKS} locks with ${CONTENDERS} contenders each, on the built dashboard in Chromium; ${Math.round((handOvers.length * 2) / seconds)} changes a second, every other one a`,
  );
  say(`hand-over. ${WATCHED} of the locks are on the screen.`);
  say('');
  say('| what | measured | to reach |');
  say('| --- | --- | --- |');
  say(
    `| from the request to delete the holder's claim to the next holder on the screen, painted: p50 | ${whole(percentile(delays, 0.5))} | |`,
  );
  say(
    `| p95 of the ${toBeSeen.length}, of which ${delays.length} were seen | ${whole(percentile(delays, 0.95))} | 150 ms |`,
  );
  say(`| the server's share of a core | ${(share * 100).toFixed(0)} % | 30 % |`);
  say(`| the page's share of a core | ${(pageShare * 100).toFixed(0)} % | |`);
  say(`| the page's JavaScript, gzip | ${Math.round(script / 1024)} KB | 150 KB |`);
  say(
    `| a statechart drawn anew, with its layout: p95 of ${redraws.length} steps | ${percentile(redraws, 0.95).toFixed(1)} ms | 16 ms |`,
  );
} finally {
  for (const child of children) child.kill();
  await browser.close();
  const { children: left } = await client.getChildren(ROOT);
  await Promise.all(
    left.map(async (name) => {
      const { children: claims } = await client.getChildren(`${ROOT}/${name}`);
      await Promise.all(claims.map((claim) => client.delete(`${ROOT}/${name}/${claim}`, -1)));
      await client.delete(`${ROOT}/${name}`, -1);
    }),
  );
  await client.delete(ROOT, -1);
  await client.close();
  rmSync(folder, { recursive: true, force: true });
}
