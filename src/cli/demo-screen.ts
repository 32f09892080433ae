/** The demo's screen, as text: what is drawn, not how. */
import type { Contention } from '../contention.js';
import type { Ledger, Summary } from './demo-ledger.js';
import type { Ink } from './ink.js';

/** What is shown. */
export interface DemoView {
  readonly title: string;
  readonly elapsedMs: number;
  readonly nowMs: number;
  readonly lines: readonly Contention[];
  readonly workers: readonly string[];
  readonly ledger: Ledger;
  readonly hint: string;
}

const seconds = (ms: number) => `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
const clock = (ms: number) => {
  const whole = Math.floor(ms / 1000);
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
};

/** A hand-over's length for people. */
export const milliseconds = (ms: number | null): string => (ms === null ? '–' : `${ms.toFixed(1)} ms`);

/** One line that sums up. */
export function summaryLine(summary: Summary, ink: Ink): string {
  const overlaps = summary.overlaps === 0 ? '0 overlaps' : ink.strong(`${summary.overlaps} OVERLAPS`);
  const tokens = summary.tokensGrow ? 'tokens strictly growing' : ink.strong('TOKENS DID NOT GROW');
  return `${summary.grants} grants · hand-over p50 ${milliseconds(summary.handOverP50Ms)}, p99 ${milliseconds(summary.handOverP99Ms)} · ${overlaps} · ${tokens}`;
}

/** The lines of the screen, none longer than `columns`. Colour is put on after cutting, so that it costs no width. */
export function screenLines(view: DemoView, columns: number, ink: Ink): string[] {
  const pathWidth = Math.max(4, ...view.lines.map(({ path }) => path.length));
  const nameWidth = Math.max(6, ...view.workers.map((worker) => worker.length));
  const out: string[] = [
    '',
    `  ${ink.strong('holdfast')}  ${ink.faint(cut(`${view.title} · ${clock(view.elapsedMs)}`, columns - 12))}`,
    '',
  ];
  out.push(
    ink.faint(
      cut(
        `  ${'lock'.padEnd(pathWidth)}    ${'holder'.padEnd(nameWidth)}  ${'for'.padStart(7)}   in line`,
        columns,
      ),
    ),
  );
  for (const line of view.lines) {
    const [holder, ...waiting] = line.contenders;
    const name = (holder?.owner ?? (holder === undefined ? 'free' : holder.name)).padEnd(nameWidth);
    const since = (holder === undefined ? '' : seconds(view.nowMs - holder.sinceMs)).padStart(7);
    const queue = waiting.map(({ owner, name: child }) => owner ?? child).join(' ← ');
    const stale = line.freshness === 'stale' ? ' (cut off: may have changed)' : '';
    const head = `  ${line.path.padEnd(pathWidth)}  `;
    const mark = holder === undefined ? '○' : '●';
    const tail = cut(`  ${since}   ${queue}${stale}`, columns - head.length - 2 - nameWidth);
    out.push(
      `${head}${holder === undefined ? ink.faint(`${mark} ${name}`) : ink.accent(`${mark} ${name}`)}${tail}`,
    );
  }
  out.push('', ink.faint(cut(`  ${'process'.padEnd(nameWidth)}  ${'grants'.padStart(6)}   hears`, columns)));
  for (const worker of view.workers) {
    const { path, status, grants } = view.ledger.workerLine(worker);
    const text = cut(
      `  ${worker.padEnd(nameWidth)}  ${String(grants).padStart(6)}   ${status} ${path}`,
      columns,
    );
    out.push(status === 'held' ? text.replace('held', ink.accent('held')) : text);
  }
  out.push(
    '',
    `  ${cut(summaryLine(view.ledger.summary(), ink), columns + 20)}`,
    ink.faint(cut(`  ${view.hint}`, columns)),
    '',
  );
  return out;
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}
