/** What a contest came to, as tables for people: medians, quartiles, and ratios taken within each round. */
import { cpus, loadavg, totalmem } from 'node:os';
import { percentile } from '../measure.mjs';
import { type Condition, conditions, type Measured, type Outcome } from './contest.js';
import { ours } from './contestants.js';

const [Q1, MEDIAN, Q3] = [0.25, 0.5, 0.75];

/** What one of ours came to under one condition. */
export interface Result {
  readonly measured: string;
  readonly reached: boolean;
}

/** Asked of each of ours under each condition; null for what was not measured. */
export type Results = (mine: string, condition: Condition) => Result | null;

const withQuartiles = (values: readonly number[], show: (value: number) => string) => {
  const at = (fraction: number) => show(percentile([...values], fraction));
  return `${at(MEDIAN)} (${at(Q1)}–${at(Q3)})`;
};
const whole = (value: number) => String(Math.round(value));
const hundredths = (value: number) => value.toFixed(2);

/** The ratios of one of ours to theirs under one condition, round by round. */
function ratios(
  rounds: Outcome[Condition],
  mine: string,
  theirs: string,
  pick: (slice: Measured) => number,
): number[] {
  const others = rounds.get(theirs) ?? [];
  return (rounds.get(mine) ?? []).flatMap((slice, round) => {
    const other = others[round];
    return other === undefined ? [] : [pick(slice) / pick(other)];
  });
}

const columns = ours.flatMap((mine) => conditions.map((condition) => ({ mine, condition })));

/** A report as it grows. */
export class Report {
  readonly #lines: string[] = [];
  readonly #goals: string[] = [];
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

  /** One scenario's tables, one for each condition. `time` names what its p50 is of. */
  table(outcome: Outcome, time: string): void {
    for (const condition of conditions) {
      this.say(
        `| ${condition} | per second | p50: ${time} | p99 | client CPU | requests | bytes |`,
        '| --- | --- | --- | --- | --- | --- | --- |',
      );
      for (const [name, slices] of outcome[condition]) {
        const all = (pick: (slice: Measured) => number) => withQuartiles(slices.map(pick), whole);
        const median = (pick: (slice: Measured) => number) => percentile(slices.map(pick), MEDIAN);
        this.say(
          `| ${name} | ${all(({ perSecond }) => perSecond)} | ${all(({ p50 }) => p50)} µs | ${whole(median(({ p99 }) => p99))} µs | ${whole(median(({ cpuPerCycle }) => cpuPerCycle))} µs | ${hundredths(median(({ requestsPerCycle }) => requestsPerCycle))} | ${whole(median(({ bytesPerCycle }) => bytesPerCycle))} |`,
        );
      }
      this.say('');
    }
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
    if (!outcome.idle.has(theirs)) return;
    this.goal(what, `${bound} ${limit} × ${theirs}`, (mine, condition) => {
      const all = ratios(outcome[condition], mine, theirs, pick);
      if (all.length === 0) return null;
      const value = percentile(all, MEDIAN);
      const reached = bound === 'at least' ? value >= limit : value <= limit;
      return { measured: withQuartiles(all, hundredths), reached };
    });
  }

  goal(what: string, aim: string, results: Results): void {
    const cells = columns.map(({ mine, condition }) => {
      const result = results(mine, condition);
      return result === null ? '–' : `${result.reached ? 'yes' : '**no**'}: ${result.measured}`;
    });
    this.#goals.push(`| ${[what + this.#note, aim, ...cells].join(' | ')} |`);
  }

  /** Everything, the goals first. */
  text(versions: string): string {
    return `# Beside Curator, go-zk and kazoo

Written by \`npm run bench:peers\`; do not edit. Programs in four languages stay alive, connected and warm, and take short slices of time
in turn at one real, standalone ZooKeeper on loopback. Ratios are taken within a round; figures are medians of the rounds, with
quartiles in brackets. Holdfast runs from its packed package. What a lock of ours costs in itself is in [benchmarks.md](benchmarks.md).

In each round everybody has a slice while the machine is **idle** otherwise, so that a virtual processor halts at every wait for an answer, and
one while a loop of idle priority keeps each processor **awake**, as other work does on a server. To wake a processor adds half to the time
of a bare request, and is charged to whoever wakes it or is woken; the loop holds a processor until the kernel's next tick, 4 ms, now and then, which is
p99 when awake, and part of what is done per second ([decision 024](decisions/024-a-contest-is-run-idle-and-awake.md)).

Requests are those of a contestant's own connections, heartbeats included, as the server counts them; from its bytes the heartbeats of all others are taken off.

Machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${whole(totalmem() / 2 ** 30)} GB. ${versions}. Load average when this ended: ${loadavg()[0]?.toFixed(1) ?? ''}.

## What was to be reached

| what | aim | ${columns.map(({ mine, condition }) => `${mine.replace('Holdfast, ', '')}, ${condition}`).join(' | ')} |
| --- | --- |${' --- |'.repeat(columns.length)}
${this.#goals.join('\n')}

${this.#lines.join('\n')}`;
  }
}
