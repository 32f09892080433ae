/** `holdfast list`: every lock under a root, who holds it and how many wait. */
import { systemClock } from '../clock.js';
import type { Contention } from '../contention.js';
import { waitingIn } from '../dashboard/board.js';
import { holderNames } from '../dashboard/wording.js';
import { asUsage, type Command, EXIT, flag, onePositional } from './command.js';
import { CONNECTION_OPTIONS, openSession } from './connection.js';
import { type Ink, inkFor } from './ink.js';
import { asJson } from './watch.js';

export const list: Command = {
  name: 'list',
  summary: 'show every lock under a root: who holds it, since when, how many wait',
  usage: '<root> [--json] [options]',
  example: 'holdfast list /locks',
  options: { json: { type: 'boolean', help: 'one JSON document instead of a table' }, ...CONNECTION_OPTIONS },
  async run(parsed, io) {
    const root = onePositional(parsed, 'a root such as /locks');
    const session = openSession(parsed, io, { connectTimeoutMs: 10_000 });
    try {
      const lines = await asUsage(() => session.linesUnder(root));
      if (flag(parsed, 'json')) io.stdout.write(`${JSON.stringify(lines.map(asJson), null, 2)}\n`);
      else if (lines.length === 0)
        io.stderr.write(`holdfast: nobody holds or waits for a lock under ${root}\n`);
      else io.stdout.write(`${table(lines, systemClock.wallNow(), inkFor(io.stdout)).join('\n')}\n`);
      return EXIT.ok;
    } finally {
      await session.close();
    }
  },
};

/** How long ago, in the largest unit that fits. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** The table, line by line. */
export function table(lines: readonly Contention[], nowMs: number, ink: Ink): string[] {
  const rows = lines.map((line) => {
    const { path, holder, unsafeMix } = line;
    return {
      path,
      holder: holderNames(line) || 'free',
      where:
        holder?.host === undefined ? '' : `${holder.host}${holder.pid === undefined ? '' : `:${holder.pid}`}`,
      inLineFor: holder === null ? '' : ago(nowMs - holder.sinceMs),
      waiting: String(waitingIn(line).length),
      note: unsafeMix ? 'unsafe: clients that do not see each other' : '',
    };
  });
  const heads = {
    path: 'LOCK',
    holder: 'HOLDER',
    where: 'WHERE',
    inLineFor: 'FOR',
    waiting: 'WAITING',
    note: '',
  };
  const width = (key: keyof typeof heads) =>
    Math.max(heads[key].length, ...rows.map((row) => row[key].length));
  const draw = (row: typeof heads, paint: (text: string) => string) =>
    [
      row.path.padEnd(width('path')),
      paint(row.holder.padEnd(width('holder'))),
      row.where.padEnd(width('where')),
      row.inLineFor.padStart(width('inLineFor')),
      row.waiting.padStart(width('waiting')),
      row.note,
    ]
      .join('  ')
      .trimEnd();
  return [ink.faint(draw(heads, (text) => text)), ...rows.map((row) => draw(row, ink.accent))];
}
