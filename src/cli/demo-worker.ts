/**
 * One process of the demo: stands in line for one lock after another, as its subscriber, and prints what it hears as JSON
 * lines. Ends when its standard input does, so that it never outlives the demo.
 */
import { random } from '#host';
import { systemClock } from '../clock.js';
import { inspectLocks } from '../inspect/hub.js';
import type { Ownership } from '../ownership.js';
import { connect } from '../session.js';
import type { WorkerLine, WorkerRecord } from './demo-ledger.js';

const [connectString = '', worker = '', ...paths] = process.argv.slice(2);

/** Far more than any hold: a grant that is written down shows how long the hand-over took. */
const TTL_MS = 60_000;

/** Holds are long enough to be seen and short enough to contend. */
const holdMs = () => 20 + random() * 180;

const hub = inspectLocks({ claimData: true });
const session = connect(connectString, { sessionTimeoutMs: 6_000, inspect: hub.inspect });
let turn = Math.floor(random() * paths.length);
let ending = false;
let giveUp: () => void = () => undefined;

const write = (line: WorkerLine) => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

// Statecharts are numbered in each process anew, and a worker that was killed has a successor of its name.
hub.records$.subscribe((record) => {
  write({
    kind: 'traced',
    record: 'actor' in record ? { ...record, actor: `${worker}:${process.pid} ${record.actor}` } : record,
  });
});

// hrtime is CLOCK_MONOTONIC on Linux: one scale for all processes of a machine.
const say = (record: Omit<WorkerRecord, 'worker' | 'atNs'>) => {
  write({ worker, atNs: String(process.hrtime.bigint()), ...record });
};

const detailOf = (ownership: Ownership): string => {
  if (ownership.status === 'waitingOnPredecessor') {
    const { position, predecessor } = ownership;
    return predecessor?.owner === undefined
      ? `${position} ahead`
      : `${position} ahead, behind ${predecessor.owner}`;
  }
  if (ownership.status === 'held') return `token ${ownership.lease.fencingToken}`;
  return ownership.status === 'expired' ? ownership.reason : '';
};

function contend(): void {
  const path = paths[turn % paths.length] ?? '';
  turn += 1;
  let inside = false;
  const leave = () => {
    if (inside) say({ kind: 'exit', path });
    inside = false;
    subscription.unsubscribe();
  };
  const hear = (ownership: Ownership) => {
    say({ kind: 'heard', path, status: ownership.status, detail: detailOf(ownership) });
    if (ownership.status === 'held' && !inside) {
      inside = true;
      say({ kind: 'enter', path, token: String(ownership.lease.fencingToken) });
      systemClock.setTimeout(() => {
        leave();
        if (!ending) contend();
      }, holdMs());
    }
    if (ownership.status === 'expired') inside = false;
  };
  const subscription = session.lock(path, { owner: worker, ttlMs: TTL_MS }).subscribe({
    next: hear,
    error: (error: Error) => {
      say({ kind: 'trouble', path, message: error.message });
      if (!ending) systemClock.setTimeout(contend, 500);
    },
  });
  giveUp = leave;
}

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  giveUp();
  await session.close();
  process.exit(0);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end());
process.stdin.on('end', () => void end()).resume();
contend();
