/** `holdfast top`: contention, live in the terminal. */
import { fromEvent, lastValueFrom, takeUntil, tap } from 'rxjs';
import { systemClock } from '../clock.js';
import type { ContentionUnder } from '../contention.js';
import { type Board, BoardKeeper, deadlocksOn, emptyBoard } from '../dashboard/board.js';
import { asUsage, type Command, EXIT, flag, text, UsageError } from './command.js';
import { CONNECTION_OPTIONS, connectString, openSession, unreachable } from './connection.js';
import { inkFor } from './ink.js';
import { Screen } from './screen.js';
import { deadlockText, figuresOf, topLines } from './top-screen.js';
import { asJson } from './watch.js';

const DEFAULT_ROOT = '/locks';
const REDRAW_MS = 250;
/** Where nobody draws over the last block, one a second is enough. */
const BLOCK_MS = 1_000;

export const top: Command = {
  name: 'top',
  summary: 'show contention in the terminal, live, the most troubled lock first',
  usage: '[--root path] [--json] [options]',
  example: 'holdfast top --root /locks --connect zk1:2181,zk2:2181',
  options: {
    root: {
      type: 'string',
      placeholder: 'path',
      help: `what to look at; / for everything; default: ${DEFAULT_ROOT}`,
    },
    json: { type: 'boolean', help: 'one JSON line per change: the locks that changed, and every deadlock' },
    ...CONNECTION_OPTIONS,
  },
  notes: ['Ctrl-C ends it. Where the output is no terminal, a block is written when something changed.'],
  async run(parsed, io) {
    const [extra] = parsed.positionals;
    if (extra !== undefined)
      throw new UsageError(`${JSON.stringify(extra)} is one too many: give the root with --root ${extra}`);
    const root = text(parsed, 'root') ?? DEFAULT_ROOT;
    const json = flag(parsed, 'json');
    const target = connectString(parsed, io);
    const session = openSession(parsed, io);
    const refused = unreachable(session);
    const screen = io.stdout.isTTY && !json ? new Screen(io) : null;
    const ink = inkFor(io.stdout);
    const keeper = new BoardKeeper(emptyBoard(root));
    let changed = screen !== null;
    const draw = () => {
      if (!changed) return;
      const rows = screen === null ? Number.POSITIVE_INFINITY : io.stdout.rows;
      const lines = topLines(
        keeper.board,
        target,
        systemClock.wallNow(),
        { columns: io.stdout.columns, rows },
        ink,
      );
      if (screen !== null) screen.draw(lines);
      else {
        io.stdout.write(`${lines.join('\n')}\n`);
        changed = false;
      }
    };
    let drawing: ReturnType<typeof setInterval> | undefined;
    try {
      const pictures = asUsage(() => session.contentionUnder(root)).pipe(
        tap((picture) => {
          const first = keeper.board.asOf === 0;
          const before = keeper.board;
          const board = keeper.add(picture);
          if (json) io.stdout.write(`${JSON.stringify(changeAsJson(before, board, picture))}\n`);
          else changed = true;
          if (first && !json) draw();
        }),
        takeUntil(fromEvent(io.signal, 'abort')),
      );
      if (!json) drawing = setInterval(draw, screen === null ? BLOCK_MS : REDRAW_MS);
      await Promise.race([lastValueFrom(pictures, { defaultValue: null }), refused]);
      return EXIT.ok;
    } catch (error) {
      if (error instanceof UsageError) throw error;
      io.stderr.write(`holdfast: ${root}: ${error instanceof Error ? error.message : String(error)}\n`);
      return EXIT.unavailable;
    } finally {
      clearInterval(drawing);
      screen?.end();
      await session.close();
    }
  },
};

/** What changed: `locks` with their lines and figures, `gone` the paths that have no claim any more. */
function changeAsJson(before: Board, board: Board, picture: ContentionUnder): unknown {
  // When the sight is lost or comes back, everything is said anew.
  const paths = before.freshness === board.freshness ? [...picture.changed] : [...board.cards.keys()];
  const cards = paths.flatMap((path) => board.cards.get(path) ?? []);
  return {
    root: board.root,
    asOf: new Date(board.asOf).toISOString(),
    freshness: board.freshness,
    deadlocks: deadlocksOn(board).map(deadlockText),
    gone: [...before.cards.keys()].filter((path) => !board.cards.has(path)),
    locks: cards.map((card) => ({ ...(asJson(card.line) as object), ...figuresOf(card, board.asOf) })),
  };
}
