/** A terminal that is drawn upon again and again. */
import type { Io } from './command.js';

/** What a screen needs of its command. */
type Stage = Pick<Io, 'stdout'>;

/**
 * Redraws in place: as many lines up as were drawn, each cleared to its end. In a terminal that became narrower those lines have been
 * wrapped, and nobody knows where they begin: then everything is cleared. Hides the cursor until its end.
 */
export class Screen {
  readonly #io: Stage;
  #height = 0;
  #columns = 0;

  constructor(io: Stage) {
    this.#io = io;
    io.stdout.write('\u001b[?25l');
  }

  draw(lines: readonly string[]): void {
    const { columns } = this.#io.stdout;
    const wrapped = columns < this.#columns;
    this.#columns = columns;
    const up = wrapped ? '\u001b[H\u001b[2J' : this.#height === 0 ? '' : `\u001b[${this.#height}A`;
    this.#io.stdout.write(`${up}\r${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    this.#height = lines.length;
  }

  end(): void {
    this.#io.stdout.write('\u001b[?25h');
  }
}
