/** A terminal that is drawn upon again and again. */
import type { Io } from './command.js';

/** Redraws in place: as many lines up as were drawn, each cleared to its end. Hides the cursor until its end. */
export class Screen {
  readonly #io: Io;
  #height = 0;

  constructor(io: Io) {
    this.#io = io;
    io.stdout.write('\u001b[?25l');
  }

  draw(lines: readonly string[]): void {
    const up = this.#height === 0 ? '' : `\u001b[${this.#height}A`;
    this.#io.stdout.write(`${up}\r${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    this.#height = lines.length;
  }

  end(): void {
    this.#io.stdout.write('\u001b[?25h');
  }
}
