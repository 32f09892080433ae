/** One lock: its contenders, their raw data, who held it, how long its line was, and its statechart. */
import { type ReactElement, useMemo, useState } from 'react';
import { EMPTY, type Observable } from 'rxjs';
import type { ContenderInLine } from '../contention-facts.js';
import { EMPTY_TRACE, type Trace } from '../inspect/trace.js';
import { holdersOf, type LockCard, nameOf, percentile, waitingIn } from './board.js';
import { HandoverChart, QueueLengthChart } from './charts.js';
import type { ClaimActions } from './contention-dashboard.js';
import { HolderTimeline } from './holder-timeline.js';
import { QueueLane } from './queue-lane.js';
import { useStream } from './streams.js';
import { TraceViewer } from './trace-viewer.js';
import { duration, figure, heldForMs, holderNames } from './wording.js';

type Doing = 'break' | 'revoke';

/** Asks who, why, and whether really; then does it and says how that went. */
function ConfirmAction({
  doing,
  claim,
  actions,
  onDone,
}: {
  readonly doing: Doing;
  readonly claim: ContenderInLine;
  readonly actions: ClaimActions;
  readonly onDone: () => void;
}): ReactElement {
  const [by, setBy] = useState('');
  const [why, setWhy] = useState('');
  const [trouble, setTrouble] = useState('');
  const act = () => {
    const action = doing === 'break' ? actions.breakClaim : actions.revokeClaim;
    action?.(claim.path, by, why).then(onDone, (error: unknown) => {
      setTrouble(error instanceof Error ? error.message : String(error));
    });
  };
  return (
    <form
      className="hf-confirm"
      aria-label={`${doing} the claim of ${nameOf(claim)}`}
      onSubmit={(event) => {
        event.preventDefault();
        act();
      }}
    >
      <p>
        {doing === 'break'
          ? `Delete the claim of ${nameOf(claim)}? Its holder hears that it is lost, but may go on writing for a moment: rely on the fencing token.`
          : `Ask ${nameOf(claim)} to give the lock up?`}
      </p>
      <label>
        Who are you?
        <input required autoFocus value={by} onChange={({ currentTarget }) => setBy(currentTarget.value)} />
      </label>
      <label>
        Why?
        <input value={why} onChange={({ currentTarget }) => setWhy(currentTarget.value)} />
      </label>
      <button type="submit" className="hf-danger">
        {doing === 'break' ? 'Break it' : 'Revoke it'}
      </button>
      <button type="button" onClick={onDone}>
        Leave it
      </button>
      {trouble === '' ? null : <p role="alert">{trouble}</p>}
    </form>
  );
}

function ClaimRow({
  claim,
  holds,
  nowMs,
  readClaim,
  actions,
}: {
  readonly claim: ContenderInLine;
  readonly holds: boolean;
  readonly nowMs: number;
  readonly readClaim?: (claim: string) => Promise<string | null>;
  readonly actions?: ClaimActions;
}): ReactElement {
  const [data, setData] = useState<string | null>(null);
  const [doing, setDoing] = useState<Doing | null>(null);
  const show = () => {
    if (data !== null || readClaim === undefined) {
      setData(null);
      return;
    }
    readClaim(claim.path).then(
      (text) => {
        setData(text ?? 'it has gone');
      },
      (error: unknown) => {
        setData(error instanceof Error ? error.message : String(error));
      },
    );
  };
  return (
    <li className={holds ? 'hf-claim hf-holding' : 'hf-claim'}>
      <span className="hf-position">{holds ? 'holds' : claim.position}</span>
      <span className="hf-who">
        <b>{nameOf(claim)}</b>
        <small>
          {claim.kind === 'exclusive' ? '' : `${claim.kind === 'read' ? 'reads' : 'writes'} · `}
          {claim.host === undefined
            ? ''
            : `${claim.host}${claim.pid === undefined ? '' : `:${claim.pid}`} · `}
          session {claim.session} · {claim.dialect}
        </small>
        <small>
          <code>{claim.name}</code>
        </small>
      </span>
      <span className="hf-figure">
        <i>in line for</i>
        {duration(nowMs - claim.sinceMs)}
      </span>
      <span className="hf-figure">
        <i>ends</i>
        {claim.endsMs === undefined ? '–' : `in ${duration(claim.endsMs - nowMs)}`}
      </span>
      <span className="hf-buttons">
        {readClaim === undefined ? null : (
          <button type="button" aria-expanded={data !== null} onClick={show}>
            Data
          </button>
        )}
        {actions?.revokeClaim === undefined ? null : (
          <button type="button" onClick={() => setDoing('revoke')}>
            Revoke
          </button>
        )}
        {actions === undefined ? null : (
          <button type="button" onClick={() => setDoing('break')}>
            Break
          </button>
        )}
      </span>
      {data === null ? null : <pre>{data}</pre>}
      {doing === null || actions === undefined ? null : (
        <ConfirmAction doing={doing} claim={claim} actions={actions} onDone={() => setDoing(null)} />
      )}
    </li>
  );
}

/** See the file's head. */
export function LockPage({
  path,
  card,
  nowMs,
  onBack,
  readClaim,
  actions,
  trace$ = EMPTY,
}: {
  readonly path: string;
  /** Undefined: nobody stands there, or the path has gone. */
  readonly card: LockCard | undefined;
  readonly nowMs: number;
  readonly onBack: () => void;
  readonly readClaim?: (claim: string) => Promise<string | null>;
  readonly actions?: ClaimActions;
  readonly trace$?: Observable<Trace>;
}): ReactElement {
  const trace = useStream(trace$, EMPTY_TRACE);
  const traced = useMemo(() => Object.values(trace.actors).some(({ name }) => name === path), [trace, path]);
  const handOvers = card?.handOvers ?? [];
  const figures = (pick: (sample: (typeof handOvers)[number]) => number | null) => {
    const values = handOvers.flatMap((sample) => pick(sample) ?? []);
    return `${figure(percentile(values, 0.5))} / ${figure(percentile(values, 0.99))}`;
  };
  const held = card === undefined ? null : heldForMs(card, nowMs);
  const holding = card === undefined ? 0 : holdersOf(card.line).length;
  return (
    <article className="hf-lock">
      <nav>
        <button type="button" className="hf-link" onClick={onBack}>
          ← all locks
        </button>
      </nav>
      <h2>
        <code>{path}</code>
      </h2>
      {card === undefined ? (
        <p className="hf-note">Nobody stands in this line.</p>
      ) : (
        <>
          <p className="hf-lead">
            {card.line.holder === null
              ? 'Free.'
              : `Held by ${holderNames(card.line)}${held === null ? '' : ` for ${duration(held)}`}, ${waitingIn(card.line).length} waiting.`}
          </p>
          <QueueLane line={card.line} most={24} />
          <dl className="hf-figures">
            <div>
              <dt>held p50 / p99</dt>
              <dd>{figures(({ heldMs }) => heldMs)}</dd>
            </div>
            <div>
              <dt>waited p50 / p99</dt>
              <dd>{figures(({ waitedMs }) => waitedMs)}</dd>
            </div>
            <div>
              <dt>hand-over p50 / p99</dt>
              <dd>{figures(({ latencyMs }) => latencyMs)}</dd>
            </div>
            <div>
              <dt>hand-overs seen</dt>
              <dd>{handOvers.length}</dd>
            </div>
          </dl>
          <h3>Holders</h3>
          <HolderTimeline spans={card.spans} nowMs={nowMs} />
          <div className="hf-charts">
            <section>
              <h3>Queue length</h3>
              <QueueLengthChart lengths={card.lengths} nowMs={nowMs} />
            </section>
            <section>
              <h3>Hand-overs</h3>
              <HandoverChart handOvers={handOvers} />
            </section>
          </div>
          <h3>In line</h3>
          <ol className="hf-claims">
            {card.line.contenders.map((claim, position) => (
              <ClaimRow
                key={claim.path}
                claim={claim}
                holds={position < holding}
                nowMs={nowMs}
                {...(readClaim === undefined ? {} : { readClaim })}
                {...(actions === undefined ? {} : { actions })}
              />
            ))}
          </ol>
          {card.line.foreign.length === 0 ? null : (
            <p className="hf-note">Not in line: {card.line.foreign.join(', ')}</p>
          )}
        </>
      )}
      {traced ? (
        <>
          <h3>Statechart</h3>
          <TraceViewer trace={trace} path={path} />
        </>
      ) : null}
    </article>
  );
}
