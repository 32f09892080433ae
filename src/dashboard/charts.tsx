/** The two charts over time: how long the line was, and how long hand-overs took. Drawn by uPlot. */
import { type ReactElement, useEffect, useRef } from 'react';
import uPlot from 'uplot';
import type { HandOverSample, LengthSample } from './board.js';
import { figure } from './wording.js';

type Data = uPlot.AlignedData;

/** So many seconds are shown at least: of a single moment uPlot would show years. */
const SHORTEST = 10;

/** With a moment before, of which nothing is known, where all is of the last few seconds. */
function longEnough([moments, ...values]: Data): Data {
  const last = moments.at(-1) ?? 0;
  if (last - (moments[0] ?? 0) >= SHORTEST) return [moments, ...values];
  return [[last - SHORTEST, ...moments], ...values.map((each) => [null, ...each])];
}

/** Keeps one uPlot alive over changes of its data and its width. */
function Plot({
  label,
  data,
  series,
  value,
  stepped = false,
}: {
  readonly label: string;
  readonly data: Data;
  readonly series: readonly { readonly label: string; readonly tone: 'accent' | 'faint' }[];
  readonly value: (given: number) => string;
  readonly stepped?: boolean;
}): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(data);
  latest.current = data;
  const names = series.map((each) => each.label).join();
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const style = getComputedStyle(element);
    // Asked at every drawing: by night they are others.
    const tone = (name: string) => () => style.getPropertyValue(name).trim();
    const axis = {
      stroke: tone('--hf-faint'),
      grid: { stroke: tone('--hf-rule'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui',
    };
    const made = new uPlot(
      {
        width: Math.max(240, element.clientWidth),
        height: 150,
        legend: { show: series.length > 1 },
        cursor: { y: false },
        scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
        axes: [
          axis,
          {
            ...axis,
            size: 64,
            values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? value(at) : '')),
          },
        ],
        series: [
          {},
          ...series.map((each) => ({
            label: each.label,
            stroke: tone(each.tone === 'accent' ? '--hf-accent' : '--hf-faint'),
            width: 1.5,
            points: { show: !stepped, size: 4 },
            value: (_: uPlot, given: number | null) => (given === null ? '–' : value(given)),
            ...(stepped && uPlot.paths.stepped !== undefined
              ? { paths: uPlot.paths.stepped({ align: 1 }) }
              : {}),
          })),
        ],
      },
      latest.current,
      element,
    );
    plot.current = made;
    const watching = new ResizeObserver(() => {
      made.setSize({ width: Math.max(240, element.clientWidth), height: 150 });
    });
    watching.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => {
      made.redraw();
    };
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      watching.disconnect();
      made.destroy();
      plot.current = null;
    };
    // The series are told apart by their names; `value` and the data are read when drawn.
  }, [names, stepped]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return <div ref={box} className="hf-plot" role="img" aria-label={label} />;
}

/** How many stood in line, the holder included, over the time that is remembered. */
export function QueueLengthChart({
  lengths,
  nowMs,
}: {
  readonly lengths: readonly LengthSample[];
  readonly nowMs: number;
}): ReactElement {
  const last = lengths.at(-1);
  const points =
    last === undefined ? [] : [...lengths, { atMs: Math.max(nowMs, last.atMs), length: last.length }];
  const data: Data = [points.map(({ atMs }) => atMs / 1_000), points.map(({ length }) => length)];
  const most = Math.max(0, ...lengths.map(({ length }) => length));
  return (
    <Plot
      label={`Queue length: ${last?.length ?? 0} now, at most ${most}`}
      data={longEnough(data)}
      series={[{ label: 'in line', tone: 'accent' }]}
      value={String}
      stepped
    />
  );
}

/** How long each holder held, and how long the next had waited, over the hand-overs that are remembered. */
export function HandoverChart({
  handOvers,
}: {
  readonly handOvers: readonly HandOverSample[];
}): ReactElement {
  const data: Data = [
    handOvers.map(({ atMs }) => atMs / 1_000),
    handOvers.map(({ heldMs }) => heldMs),
    handOvers.map(({ waitedMs }) => waitedMs),
  ];
  if (handOvers.length === 0) return <p className="hf-lead">None seen yet.</p>;
  return (
    <Plot
      label={`Hand-overs: ${handOvers.length} remembered`}
      data={longEnough(data)}
      series={[
        { label: 'held', tone: 'accent' },
        { label: 'waited', tone: 'faint' },
      ]}
      value={(given) => figure(given)}
    />
  );
}

/** A queue's length in the space of a word. */
export function Sparkline({
  lengths,
  nowMs,
  widthMs = 120_000,
}: {
  readonly lengths: readonly LengthSample[];
  readonly nowMs: number;
  readonly widthMs?: number;
}): ReactElement {
  const most = Math.max(1, ...lengths.map(({ length }) => length));
  const x = (ms: number) => Math.max(0, 100 - ((nowMs - ms) / widthMs) * 100);
  const y = (length: number) => 18 - (length / most) * 16;
  let path = '';
  for (const [index, { atMs, length }] of lengths.entries()) {
    const until = lengths[index + 1]?.atMs ?? nowMs;
    if (nowMs - until > widthMs) continue;
    path += `${path === '' ? 'M' : 'L'}${x(atMs).toFixed(1)} ${y(length).toFixed(1)}H${x(until).toFixed(1)}`;
  }
  return (
    <svg className="hf-sparkline" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
