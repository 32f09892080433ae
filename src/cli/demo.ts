/** `holdfast demo`, which `npm start` runs: worker processes contend for locks, live. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../clock.js';
import type { Contention } from '../contention.js';
import type { Dashboard } from '../dashboard/server.js';
import { createEmbeddedZooKeeper } from '../embedded/index.js';
import { ConnectionFailedError } from '../errors.js';
import { TraceMemory } from '../inspect/memory.js';
import type { Session } from '../session.js';
import { type Command, count, EXIT, type Io, text } from './command.js';
import { connectString, openSession } from './connection.js';
import { startDashboard } from './dashboard.js';
import { Ledger, type WorkerLine, type WorkerRecord } from './demo-ledger.js';
import { screenLines, summaryLine } from './demo-screen.js';
import { inkFor } from './ink.js';
import { Screen } from './screen.js';

const WORKERS = ['ada', 'grace', 'barbara', 'radia'] as const;
const LOCKS = ['orders', 'billing', 'reports'] as const;
const REDRAW_MS = 100;
/** A worker that was told to end and has not by then is ended. */
const PATIENCE_MS = 8_000;
/** Steps of statecharts that a late viewer still sees. */
const KEPT_RECORDS = 2_000;

export const demo: Command = {
  name: 'demo',
  summary: 'four processes contend for three locks; what npm start runs',
  usage: '[--seconds n] [--connect host:port,…]',
  example: 'holdfast demo --seconds 10',
  options: {
    seconds: { type: 'string', placeholder: 'n', help: 'end by itself, with a summary' },
    connect: {
      type: 'string',
      placeholder: 'host:port,…',
      help: 'use that ensemble; default: an in-memory ZooKeeper of its own',
    },
  },
  async run(parsed, io) {
    const seconds = count(parsed, 'seconds');
    const own = text(parsed, 'connect') === undefined;
    const zookeeper = own ? await createEmbeddedZooKeeper() : null;
    const target = zookeeper?.connectString ?? connectString(parsed, io);
    const session = openSession({ ...parsed, values: { ...parsed.values, connect: target } }, io, {
      connectTimeoutMs: 15_000,
    });
    let dashboard: Dashboard | undefined;
    try {
      await reached(session, target);
      const root = own ? '/locks' : `/holdfast-demo/${process.pid}`;
      const paths = LOCKS.map((name) => `${root}/${name}`);
      const title = `${target} · ${own ? 'in-memory ZooKeeper' : 'your ensemble'} · ${WORKERS.length} processes, ${paths.length} locks`;
      const traces = new TraceMemory(KEPT_RECORDS);
      dashboard = await startDashboard(session, io, {
        root,
        connectString: target,
        allowBreak: true,
        records$: traces.records$,
      });
      return await contend({ io, session, target, paths, title, seconds, traces, page: dashboard.url });
    } finally {
      await dashboard?.close();
      await session.close();
      await zookeeper?.close();
    }
  },
};

interface Show {
  readonly io: Io;
  readonly session: Session;
  readonly target: string;
  readonly paths: readonly string[];
  readonly title: string;
  readonly seconds: number | undefined;
  /** What the workers' statecharts do. */
  readonly traces: TraceMemory;
  /** The dashboard's address. */
  readonly page: string;
}

function reached(session: Session, target: string): Promise<void> {
  return new Promise((resolve, reject) => {
    session.state.subscribe((state) => {
      if (state.kind === 'connected') resolve();
      if (state.kind === 'lost')
        reject(new ConnectionFailedError(target, 'no session could be had', undefined, state.cause));
    });
  });
}

async function contend({ io, session, target, paths, title, seconds, traces, page }: Show): Promise<number> {
  const ink = inkFor(io.stdout);
  const ledger = new Ledger();
  const lines = new Map<string, Contention>();
  const startedMs = systemClock.now();
  const watching = paths.map((path) =>
    session.contention(path).subscribe({ next: (line) => lines.set(path, line), error: () => undefined }),
  );
  const screen = io.stdout.isTTY ? new Screen(io) : null;
  const draw = () => {
    screen?.draw(
      screenLines(
        {
          title,
          elapsedMs: systemClock.now() - startedMs,
          nowMs: systemClock.wallNow(),
          lines: [...lines.values()],
          workers: WORKERS,
          ledger,
          hint: `${page} · ${seconds === undefined ? 'Ctrl-C ends it' : `ends after ${seconds} s`}`,
        },
        io.stdout.columns,
        ink,
      ),
    );
  };
  let begun: () => void = () => undefined;
  /** A slow machine needs a while to start four processes, which is no part of the show. */
  const underWay = new Promise<void>((resolve) => (begun = resolve));
  if (screen === null) io.stdout.write(`holdfast demo: ${title}\nholdfast dashboard: ${page}\n`);
  const width = Math.max(...paths.map((path) => path.length));
  const hear = (record: WorkerRecord) => {
    ledger.add(record);
    if (record.kind === 'enter') begun();
    if (screen === null && record.kind === 'heard') {
      io.stdout.write(
        `${((systemClock.now() - startedMs) / 1000).toFixed(3).padStart(8)}  ${record.worker.padEnd(8)} ${record.path.padEnd(width)}  ${(record.status ?? '').padEnd(20)}  ${record.detail ?? ''}`.trimEnd() +
          '\n',
      );
    }
  };
  const workers = new Map<string, Worker>();
  let over = false;
  let leave: (who: string | null) => void = () => undefined;
  /** Null, or the name of a worker that failed. */
  const left = new Promise<string | null>((resolve) => (leave = resolve));
  const hire = (name: string) => {
    const worker = startWorker(name, target, paths, traces, hear);
    workers.set(name, worker);
    worker.child.once('exit', (code, signal) => {
      // Killed, as the audience may: its claim stands until its session is over, and another works in its place.
      if (signal !== null && !over) hire(name);
      // Ctrl-C reaches the workers as well; one that ends then does what it should.
      else leave(code === 0 ? null : name);
    });
  };
  for (const name of WORKERS) hire(name);
  const redraw = screen === null ? null : setInterval(draw, REDRAW_MS);
  const died = await until(io.signal, seconds, left, underWay);
  over = true;
  if (redraw !== null) clearInterval(redraw);
  await Promise.all([...workers.values()].map(endWorker));
  draw();
  screen?.end();
  for (const subscription of watching) subscription.unsubscribe();
  const claimed = (await session.linesUnder(paths[0]?.split('/').slice(0, -1).join('/') || '/')).length;
  const summary = ledger.summary();
  io.stdout.write(
    `\n${summaryLine(summary, ink)} · ${claimed === 0 ? 'no claim left' : `${claimed} LOCKS STILL CLAIMED`}\n`,
  );
  if (died !== null) io.stderr.write(`holdfast: worker ${died} ended by itself\n`);
  const good =
    died === null && summary.overlaps === 0 && summary.tokensGrow && claimed === 0 && summary.grants > 0;
  return good ? EXIT.ok : EXIT.failed;
}

/** Resolves at the end of the show, `seconds` after the first grant, or with what `left` says when a worker ended before. */
function until(
  signal: AbortSignal,
  seconds: number | undefined,
  left: Promise<string | null>,
  underWay: Promise<void>,
): Promise<string | null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener(
      'abort',
      () => {
        resolve(null);
      },
      { once: true },
    );
    if (seconds !== undefined)
      void underWay.then(() => {
        systemClock.setTimeout(() => {
          resolve(null);
        }, seconds * 1000);
      });
    void left.then(resolve);
  });
}

interface Worker {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
}

function startWorker(
  name: string,
  target: string,
  paths: readonly string[],
  traces: TraceMemory,
  hear: (record: WorkerRecord) => void,
): Worker {
  const script = fileURLToPath(new URL('./demo-worker.js', import.meta.url));
  const child = spawn(process.execPath, [script, target, name, ...paths], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const traced = new Set<string>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = wholeLine(text);
    if (line === null) return;
    if (line.kind !== 'traced') {
      hear(line);
      return;
    }
    const { record } = line;
    if (record.kind === 'started') traced.add(record.actor);
    if (record.kind === 'stopped') traced.delete(record.actor);
    traces.add(record);
  });
  const exited = new Promise<void>((resolve) => {
    // 'close' comes when all it printed has been read.
    child.once('close', () => {
      // One that was killed could not say so itself.
      for (const actor of traced) traces.add({ kind: 'stopped', actor, at: systemClock.wallNow() });
      resolve();
    });
  });
  return { child, exited };
}

/** Null: a worker was killed in the middle of its last line. */
function wholeLine(text: string): WorkerLine | null {
  try {
    return JSON.parse(text) as WorkerLine;
  } catch {
    return null;
  }
}

async function endWorker({ child, exited }: Worker): Promise<void> {
  child.stdin?.end();
  const impatience = systemClock.setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await exited;
  systemClock.clearTimeout(impatience);
}
