/** Text that is set off: plain where colour is not wanted. One accent colour, and no other. */
import { styleText } from 'node:util';
import type { Output } from './command.js';

export interface Ink {
  readonly strong: (text: string) => string;
  readonly accent: (text: string) => string;
  readonly faint: (text: string) => string;
}

const plain = (text: string) => text;

/** The ink for an output. */
export function inkFor({ colour }: Output): Ink {
  // Whether colour is wanted was decided where the process is known; styleText must not decide again.
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    styleText(format, text, { validateStream: false });
  return colour
    ? { strong: style('bold'), accent: style('cyan'), faint: style('dim') }
    : { strong: plain, accent: plain, faint: plain };
}
