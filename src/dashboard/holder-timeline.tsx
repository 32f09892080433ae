/** Who held one lock, and when: a bar for each hold, over the last minutes. */
import type { ReactElement } from 'react';
import type { HoldSpan } from './board.js';
import { duration } from './wording.js';

const HEIGHT = 28;

/** A name's place in the greys and the accent: one name, one shade, so that a pattern shows. */
function shadeOf(who: string): number {
  let sum = 7;
  for (const letter of who) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997;
  return sum % 5;
}

/** See the file's head. `widthMs`: how much time is drawn, up to `nowMs`. */
export function HolderTimeline({
  spans,
  nowMs,
  widthMs = 120_000,
}: {
  readonly spans: readonly HoldSpan[];
  readonly nowMs: number;
  readonly widthMs?: number;
}): ReactElement {
  const beginMs = nowMs - widthMs;
  // Who was there when we looked again after a cut did not hold before the one seen last.
  const seen = spans
    .map((span, index) => ({ ...span, from: span.fromMs ?? spans[index - 1]?.untilMs ?? beginMs }))
    .filter(({ untilMs }) => (untilMs ?? nowMs) > beginMs);
  const x = (ms: number) => ((Math.max(ms, beginMs) - beginMs) / widthMs) * 100;
  const words = seen
    .slice(-6)
    .map(
      ({ who, fromMs, untilMs }) =>
        `${who} ${fromMs === null ? 'from before' : `for ${duration((untilMs ?? nowMs) - fromMs)}`}`,
    )
    .join(', then ');
  return (
    <figure className="hf-timeline">
      <svg role="img" aria-label={`Holders, latest last: ${words || 'nobody'}`} width="100%" height={HEIGHT}>
        {seen.map((span) => {
          const { from } = span;
          const until = span.untilMs ?? nowMs;
          return (
            <rect
              key={`${span.claim} ${from}`}
              className={`hf-span hf-shade-${shadeOf(span.who)}`}
              x={`${x(from)}%`}
              width={`${Math.max(0.25, x(until) - x(from) - 0.1)}%`}
              y={4}
              height={HEIGHT - 8}
              rx={2}
            >
              <title>{`${span.who}: ${duration(until - from)}`}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption>
        <span>{duration(widthMs)} ago</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
