/** A trace, live or from a file: each lock's statechart, its events, and a slider over its steps. Answers "why was it lost". */
import { type ReactElement, useMemo, useState } from 'react';
import type { RecordedContext, RecordedEvent, Trace, TracedActor, TraceStep } from '../inspect/trace.js';
import { activeStates, LockStatechart } from './lock-statechart.js';
import { duration } from './wording.js';

const complete = ({ value }: TraceStep) => value !== '';

/** What the end of a lock's life was, in one sentence. */
export function endOf({ steps }: TracedActor): string {
  const last = steps.findLast(complete);
  if (last === undefined) return 'nothing is known of it yet';
  const { expiredBecause, failure, failureCause } = last.context;
  const held = steps.findLast(({ value }) => activeStates(value)[0] === 'held');
  if (typeof expiredBecause === 'string') {
    const event = steps.find(({ context }) => context['expiredBecause'] !== undefined)?.event;
    return `lost: ${expiredBecause}${event === undefined ? '' : `, after ${event.type}`}${held === undefined ? '' : `, last held ${duration(last.at - held.at)} before`}`;
  }
  if (typeof failure === 'string')
    return `not obtained: ${failure}${typeof failureCause === 'string' ? ` (${failureCause})` : ''}`;
  return `now ${activeStates(last.value).at(-1) ?? 'nowhere'}`;
}

function Facts({ facts }: { readonly facts: RecordedContext }): ReactElement {
  return (
    <dl className="hf-facts">
      {Object.entries(facts).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{String(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

const wordsOf = ({ type, ...facts }: RecordedEvent) =>
  `${type}${Object.entries(facts)
    .map(([name, value]) => ` ${name}=${String(value)}`)
    .join('')}`;

function ActorView({ actor, trace }: { readonly actor: TracedActor; readonly trace: Trace }): ReactElement {
  const steps = useMemo(() => actor.steps.filter(complete), [actor.steps]);
  /** Null follows what happens. */
  const [chosen, setChosen] = useState<number | null>(null);
  const at = Math.min(chosen ?? steps.length - 1, steps.length - 1);
  const step = steps[at];
  const definition = trace.definitions[actor.machine];
  if (step === undefined || definition === undefined) return <p className="hf-note">Nothing recorded yet.</p>;
  const taken = steps
    .slice(0, at + 1)
    .map(({ value }) => activeStates(value)[0] ?? '')
    .filter((key, index, all) => key !== all[index - 1]);
  return (
    <section className="hf-trace" aria-label={`Trace of ${actor.name}`}>
      <p className="hf-lead">
        <code>{actor.name}</code> {endOf(actor)}
      </p>
      <div className="hf-slider">
        <button type="button" disabled={at <= 0} onClick={() => setChosen(at - 1)}>
          Back
        </button>
        <input
          type="range"
          aria-label="Step"
          aria-valuetext={`step ${at + 1} of ${steps.length}: ${step.event.type}`}
          min={0}
          max={Math.max(0, steps.length - 1)}
          value={at}
          onChange={({ currentTarget }) => setChosen(Number(currentTarget.value))}
        />
        <button type="button" disabled={at >= steps.length - 1} onClick={() => setChosen(at + 1)}>
          On
        </button>
        <button
          type="button"
          aria-pressed={chosen === null}
          onClick={() => setChosen(chosen === null ? at : null)}
        >
          Follow
        </button>
        <output>
          {at + 1} of {steps.length}
        </output>
      </div>
      <div className="hf-trace-body">
        <LockStatechart definition={definition} value={step.value} taken={taken} />
        <div>
          <Facts facts={step.context} />
          <ol className="hf-log" aria-label="Events">
            {steps.map((each, index) => (
              <li key={`${each.at} ${index}`} aria-current={index === at ? 'step' : undefined}>
                <button type="button" onClick={() => setChosen(index)}>
                  <time>+{duration(each.at - actor.startedAt)}</time>
                  <span>{wordsOf(each.event)}</span>
                  <b>{activeStates(each.value).at(-1)}</b>
                </button>
              </li>
            ))}
          </ol>
        </div>
      </div>
    </section>
  );
}

/** See the file's head. */
export function TraceViewer({
  trace,
  path,
}: {
  readonly trace: Trace;
  readonly path?: string;
}): ReactElement {
  const actors = Object.values(trace.actors).filter(({ name }) => path === undefined || name === path);
  const newest = actors.findLast(({ stoppedAt }) => stoppedAt === null) ?? actors.at(-1);
  const [chosen, setChosen] = useState<string | null>(null);
  const actor = actors.find((each) => each.actor === chosen) ?? newest;
  if (actor === undefined)
    return <p className="hf-note">No lock has been traced{path === undefined ? '' : ` at ${path}`} yet.</p>;
  return (
    <div className="hf-viewer">
      {actors.length > 1 ? (
        <label className="hf-choice">
          Lock
          <select value={actor.actor} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
            {actors.map((each) => (
              <option key={each.actor} value={each.actor}>
                {each.name} ({each.actor}) — {endOf(each)}
              </option>
            ))}
          </select>
        </label>
      ) : null}
      <ActorView key={actor.actor} actor={actor} trace={trace} />
    </div>
  );
}
