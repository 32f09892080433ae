/** What the commands draw in a terminal. */
import { describe, expect, it } from 'vitest';
import type { Output } from '../src/cli/command.js';
import { inkFor } from '../src/cli/ink.js';
import { Screen } from '../src/cli/screen.js';
import { topLines } from '../src/cli/top-screen.js';
import { BoardKeeper, emptyBoard } from '../src/dashboard/board.js';
import { line, picture } from './dashboard/pictures.js';

class Terminal implements Output {
  written = '';
  readonly isTTY = true;
  readonly colour = false;
  readonly rows = 24;
  columns = 80;

  write(text: string): void {
    this.written += text;
  }
}

describe('holdfast top', () => {
  it('keeps to the screen however many deadlocks there are, and says how many it leaves out', () => {
    const pairs = Array.from({ length: 40 }, (_, pair) => [`a${pair}`, `b${pair}`] as const);
    const lines = pairs.flatMap(([a, b]) => [line(`/locks/${a}`, [a, b]), line(`/locks/${b}`, [b, a])]);
    const board = new BoardKeeper(emptyBoard('/locks')).add(picture(1_000, lines));
    const terminal = new Terminal();
    const drawn = topLines(board, 'zk:2181', 2_000, terminal, inkFor(terminal));
    expect(drawn.length).toBeLessThan(terminal.rows);
    expect(drawn.filter((each) => each.includes('DEADLOCK'))).toHaveLength(7);
    expect(drawn).toContain('  and 33 more deadlocks');
    expect(drawn.at(-2)).toMatch(/^ {2}and \d+ locks with less trouble$/);
  });
});

describe('a screen', () => {
  it('is drawn over in place, and cleared when the terminal became narrower, for its lines were wrapped', () => {
    const terminal = new Terminal();
    const screen = new Screen({ stdout: terminal });
    screen.draw(['one', 'two']);
    terminal.written = '';
    screen.draw(['one', 'three']);
    expect(terminal.written.startsWith('\u001b[2A')).toBe(true);
    terminal.columns = 40;
    terminal.written = '';
    screen.draw(['one', 'three']);
    expect(terminal.written.startsWith('\u001b[H\u001b[2J')).toBe(true);
  });
});
