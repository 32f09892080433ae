/** What `--help` shows: usage, options and an example that can be typed. */
import type { Command, OptionSpec, Output } from './command.js';
import { inkFor } from './ink.js';

/** For `holdfast --help`. */
export function overview(commands: readonly Command[], output: Output): string {
  const ink = inkFor(output);
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    `${ink.strong('holdfast')}: distributed locks over ZooKeeper`,
    '',
    'Usage: holdfast <command> [options]',
    '',
    ...commands.map(({ name, summary }) => `  ${ink.accent(name.padEnd(width))}  ${summary}`),
    '',
    'Example:',
    `  ${commands[0]?.example ?? ''}`,
    '',
    ink.faint('holdfast help <command> says more about one; holdfast --version which this is.'),
    '',
  ].join('\n');
}

/** For `holdfast help <command>`. */
export function helpFor(command: Command, output: Output): string {
  const ink = inkFor(output);
  const rows = Object.entries<OptionSpec>({
    ...command.options,
    help: { type: 'boolean', short: 'h', help: 'this text' },
  }).map(([name, { short, placeholder, help }]) => ({
    left: `${short === undefined ? '' : `-${short}, `}--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`,
    help,
  }));
  const width = Math.max(...rows.map(({ left }) => left.length));
  return [
    command.summary,
    '',
    `Usage: holdfast ${command.name} ${command.usage}`,
    '',
    ...rows.map(({ left, help }) => `  ${ink.accent(left.padEnd(width))}  ${help}`),
    '',
    'Example:',
    `  ${command.example}`,
    ...(command.notes === undefined ? [] : ['', ...command.notes.map((note) => ink.faint(note))]),
    '',
  ].join('\n');
}
