/** What a contest came to, as tables for people: medians, quartiles, and ratios taken within each round. */
import { cpus, loadavg, totalmem } from 'node:os';
import { percentile } from '../measure.mjs';
import type { Measured, Outcome } from './contest.js';
import { OURS } from './contestants.js';

const [Q1, MEDIAN, Q3] = [0.25, 0.5, 0.75];

/** A goal: what was measured against whom, and how much it was to be. */
interface Goal {
  readonly what: string;
  readonly measured: string;
  readonly aim: string;
  readonly reached: boolean;
}

const withQuartiles = (values: readonly number[], show: (value: number) => string) => {
  const at = (fraction: number) => show(percentile([...values], fraction));
  return `${at(MEDIAN)} (${at(Q1)}–${at(Q3)})`;
};
const whole = (value: number) => String(Math.round(value));
const hundredths = (value: number) => value.toFixed(2);

/** The ratios of ours to theirs, round by round. */
function ratios(outcome: Outcome, theirs: string, pick: (slice: Measured) => number): number[] {
  const mine = outcome.rounds.get(OURS) ?? [];
  const others = outcome.rounds.get(theirs) ?? [];
  return mine.flatMap((slice, round) => {
    const other = others[round];
    return other === undefined ? [] : [pick(slice) / pick(other)];
  });
}

/** A report as it grows. */
export class Report {
  readonly #lines: string[] = [];
  readonly #goals: Goal[] = [];
  readonly #print: (line: string) => void;
  #note = '';

  /** `print` hears every line as it comes. */
  constructor(print: (line: string) => void = (line) => process.stdout.write(`${line}\n`)) {
    this.#print = print;
  }

  /** A part of it, with what its goals are named after. */
  part(heading: string, note: string): void {
    this.say(`## ${heading}`, '');
    this.#note = note;
  }

  say(...lines: string[]): void {
    for (const line of lines) {
      this.#lines.push(line);
      this.#print(line);
    }
  }

  /** One scenario's table. `time` names what its p50 is of. */
  table(outcome: Outcome, time: string): void {
    this.say(
      `| | per second | ours times theirs | p50: ${time} | ours times theirs | p99 | client CPU | requests | bytes |`,
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    );
    for (const [name, slices] of outcome.rounds) {
      const median = (pick: (slice: Measured) => number) => percentile(slices.map(pick), MEDIAN);
      const ratio = (pick: (slice: Measured) => number) =>
        name === OURS ? '' : withQuartiles(ratios(outcome, name, pick), hundredths);
      this.say(
        `| ${name} | ${withQuartiles(
          slices.map(({ perSecond }) => perSecond),
          whole,
        )} | ${ratio(({ perSecond }) => perSecond)} | ${whole(median(({ p50 }) => p50))} µs | ${ratio(({ p50 }) => p50)} | ${whole(median(({ p99 }) => p99))} µs | ${whole(median(({ cpuPerCycle }) => cpuPerCycle))} µs | ${hundredths(median(({ requestsPerCycle }) => requestsPerCycle))} | ${whole(median(({ bytesPerCycle }) => bytesPerCycle))} |`,
      );
    }
    this.say('');
  }

  /** Notes a goal in ours times theirs; none where they did not contend. */
  aim(
    what: string,
    outcome: Outcome,
    theirs: string,
    pick: (slice: Measured) => number,
    bound: 'at least' | 'at most',
    limit: number,
  ): void {
    const all = ratios(outcome, theirs, pick);
    if (all.length === 0) return;
    const value = percentile(all, MEDIAN);
    this.goal(
      what,
      `${withQuartiles(all, hundredths)} × ${theirs}`,
      `${bound} ${limit}`,
      bound === 'at least' ? value >= limit : value <= limit,
    );
  }

  goal(what: string, measured: string, aim: string, reached: boolean): void {
    this.#goals.push({ what: what + this.#note, measured, aim, reached });
  }

  /** Everything, the goals first. */
  text(versions: string): string {
    const goals = this.#goals.map(
      ({ what, measured, aim, reached }) =>
        `| ${what} | ${measured} | ${aim} | ${reached ? 'yes' : '**no**'} |`,
    );
    return `# Beside Curator, go-zk and kazoo

Written by \`npm run bench:peers\`; do not edit. Programs in four languages stay alive, connected and warm, and take short slices of time
in turn at one real, standalone ZooKeeper on loopback. Ratios are taken within a round; figures are medians of the rounds, with
quartiles in brackets. Holdfast runs from its packed package. What a lock of ours costs in itself is in [benchmarks.md](benchmarks.md).

Machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${whole(totalmem() / 2 ** 30)} GB. ${versions}. Load average when this ended: ${loadavg()[0]?.toFixed(1) ?? ''}.

## What was to be reached

| what | ours | aim | reached |
| --- | --- | --- | --- |
${goals.join('\n')}

${this.#lines.join('\n')}`;
  }
}
