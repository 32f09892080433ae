/** `holdfast watch`: one JSON line per change of a line. */
import { fromEvent, lastValueFrom, takeUntil, tap } from 'rxjs';
import type { Contention } from '../contention.js';
import { holdersOf } from '../dashboard/board.js';
import { asUsage, type Command, EXIT, onePositional, UsageError } from './command.js';
import { CONNECTION_OPTIONS, openSession, unreachable } from './connection.js';

export const watch: Command = {
  name: 'watch',
  summary: "print one JSON line per change of a lock's line, until interrupted",
  usage: '<path> [options]',
  example: 'holdfast watch /locks/backup | jq -c .holder.owner',
  options: CONNECTION_OPTIONS,
  async run(parsed, io) {
    const path = onePositional(parsed, 'a lock path such as /locks/orders');
    const session = openSession(parsed, io);
    const refused = unreachable(session);
    try {
      const lines = asUsage(() => session.contention(path)).pipe(
        tap((line) => {
          io.stdout.write(`${JSON.stringify(asJson(line))}\n`);
        }),
        takeUntil(fromEvent(io.signal, 'abort')),
      );
      await Promise.race([lastValueFrom(lines, { defaultValue: null }), refused]);
      return EXIT.ok;
    } catch (error) {
      if (error instanceof UsageError) throw error;
      io.stderr.write(`holdfast: ${path}: ${error instanceof Error ? error.message : String(error)}\n`);
      return EXIT.unavailable;
    } finally {
      await session.close();
    }
  },
};

/** For JSON: 64-bit numbers as text, times as ISO 8601. */
export function asJson(line: Contention): unknown {
  const at = (ms: number) => new Date(ms).toISOString();
  const contender = ({ czxid, sinceMs, ...others }: Contention['contenders'][number]) => ({
    ...others,
    since: at(sinceMs),
    czxid: String(czxid),
  });
  return {
    ...line,
    asOf: at(line.asOf),
    holder: line.holder && contender(line.holder),
    holders: holdersOf(line).map(contender),
    contenders: line.contenders.map(contender),
  };
}
