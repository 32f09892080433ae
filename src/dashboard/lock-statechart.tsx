/** The statechart of a lock with its live state lit, and the way it came. */
import { type ReactElement, useId, useMemo } from 'react';
import type { MachineDefinition } from '../inspect/definition.js';
import type { StateValue } from '../inspect/trace.js';
import { chartOf } from './chart-graph.js';

/** `{ held: 'confirmed' }` as `['held', 'held.confirmed']`: every state that is active, outermost first. */
export function activeStates(value: StateValue, prefix = ''): string[] {
  if (typeof value === 'string') return value === '' ? [] : [`${prefix}${value}`];
  return Object.entries(value).flatMap(([key, inner]) => [
    `${prefix}${key}`,
    ...(inner === undefined ? [] : activeStates(inner, `${prefix}${key}.`)),
  ]);
}

/** See the file's head; where there is too little room it scrolls sideways. `taken`: the top-level states it was in, in order, the present one last. */
export function LockStatechart({
  definition,
  value,
  taken = [],
}: {
  readonly definition: MachineDefinition;
  readonly value: StateValue;
  readonly taken?: readonly string[];
}): ReactElement {
  const chart = useMemo(() => chartOf(definition), [definition]);
  const arrow = useId();
  const active = new Set(activeStates(value));
  const steps = new Set(taken.slice(1).map((to, index) => `${taken[index] ?? ''} ${to}`));
  const last = taken.length > 1 ? `${taken.at(-2) ?? ''} ${taken.at(-1) ?? ''}` : '';
  return (
    <div className="hf-scroll" role="group" aria-label="Statechart" tabIndex={0}>
      <svg
        className="hf-chart"
        role="img"
        aria-label={`Statechart of ${definition.id}, now in ${[...active].at(-1) ?? 'no state'}`}
        viewBox={`0 0 ${chart.width} ${chart.height}`}
        style={{ maxWidth: chart.width }}
      >
        <defs>
          <marker
            id={arrow}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path d="M0 0L8 4L0 8Z" />
          </marker>
        </defs>
        {chart.edges.map(({ from, to, points }) => {
          const id = `${from} ${to}`;
          const [first, ...others] = points;
          const route = `M${first?.x ?? 0} ${first?.y ?? 0}${others.map(({ x, y }) => `L${x} ${y}`).join('')}`;
          const tone = id === last ? ' hf-last' : steps.has(id) ? ' hf-taken' : '';
          return <path key={id} className={`hf-edge${tone}`} d={route} markerEnd={`url(#${arrow})`} />;
        })}
        {chart.edges.map(({ from, to, label, labelAt }) => (
          <text
            key={`${from} ${to}`}
            className="hf-edge-label"
            x={labelAt.x}
            y={labelAt.y - (label.length * 14) / 2}
          >
            {label.map((line) => (
              <tspan key={line} x={labelAt.x} dy={14}>
                {line}
              </tspan>
            ))}
          </text>
        ))}
        {chart.nodes.map(({ key, inner, final, x, y, width, height }) => {
          const lit = active.has(key);
          return (
            <g
              key={key}
              className={`hf-state${lit ? ' hf-lit' : ''}`}
              transform={`translate(${x - width / 2} ${y - height / 2})`}
            >
              {final ? (
                <rect className="hf-final" x={-3} y={-3} width={width + 6} height={height + 6} rx={11} />
              ) : null}
              <rect width={width} height={height} rx={8} />
              <text x={14} y={21}>
                {key}
              </text>
              {inner.map((name, index) => (
                <text
                  key={name}
                  className={active.has(`${key}.${name}`) ? 'hf-inner hf-lit' : 'hf-inner'}
                  x={14}
                  y={40 + index * 14}
                >
                  {name}
                </text>
              ))}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
