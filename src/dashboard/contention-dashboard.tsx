/** Every lock under a root, the ones in trouble first; and, chosen from there, one lock with everything that is known of it. */
import { type KeyboardEvent, memo, type ReactElement, useEffect, useMemo, useRef, useState } from 'react';
import type { Observable } from 'rxjs';
import type { Trace } from '../inspect/trace.js';
import type { Deadlock } from '../wait-for-graph.js';
import {
  type Board,
  byTrouble,
  deadlocksOn,
  emptyBoard,
  type LockCard,
  longestWaitMs,
  nameOf,
  percentile,
  waitingIn,
} from './board.js';
import { Sparkline } from './charts.js';
import { LockPage } from './lock-page.js';
import { QueueLane } from './queue-lane.js';
import { useNow, useStream } from './streams.js';
import { counted, duration, figure, heldForMs, holderNames, sentenceFor } from './wording.js';

/** What can be done to a claim from the screen; each asks for confirmation first. */
export interface ClaimActions {
  readonly breakClaim: (claim: string, by: string, why: string) => Promise<void>;
  readonly revokeClaim?: (claim: string, by: string, why: string) => Promise<void>;
}

/** What a dashboard is given. */
export interface ContentionDashboardProps {
  /** `boards(session.contentionUnder(root))`, or the page's own feed. */
  readonly board$: Observable<Board>;
  /** Whose locks these are: a connect string. */
  readonly title?: string;
  /** The clock that claims are stamped by, less this machine's, ms. */
  readonly clockOffsetMs?: number;
  /** The lock that is looked at; null: the list. Uncontrolled when absent. */
  readonly selected?: string | null;
  readonly onSelect?: (path: string | null) => void;
  /** The data of a claim as it is stored. */
  readonly readClaim?: (claim: string) => Promise<string | null>;
  /** Absent: claims can neither be broken nor revoked from here. */
  readonly actions?: ClaimActions;
  /** Statecharts that report, for the viewer. */
  readonly trace$?: Observable<Trace>;
}

const SHOWN_AT_FIRST = 60;
const NOTHING = emptyBoard('/');

const Row = memo(function Row({
  card,
  nowMs,
  knotted,
  onOpen,
}: {
  readonly card: LockCard;
  /** In whole seconds, so that a row is drawn anew once a second at most while nothing changes. */
  readonly nowMs: number;
  readonly knotted: boolean;
  readonly onOpen: (path: string) => void;
}): ReactElement {
  const { line, handOvers, lengths } = card;
  const held = heldForMs(card, nowMs);
  const holds = handOvers.flatMap(({ heldMs }) => (heldMs === null ? [] : [heldMs]));
  const latencies = handOvers.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
  return (
    <li className={knotted ? 'hf-row hf-knotted' : 'hf-row'}>
      <button
        type="button"
        className="hf-open"
        data-path={line.path}
        aria-label={sentenceFor(card, nowMs)}
        onClick={() => onOpen(line.path)}
      >
        <span className="hf-path">{line.path}</span>
        <span className="hf-holder">
          {line.holder === null ? (
            <span className="hf-free">free</span>
          ) : (
            <>
              <b>{holderNames(line)}</b> <time>{held === null ? '' : duration(held)}</time>
            </>
          )}
        </span>
        <QueueLane line={line} />
        <span className="hf-figure">
          <i>longest wait</i>
          {waitingIn(line).length > 0 ? duration(longestWaitMs(card, nowMs)) : '–'}
        </span>
        <span className="hf-figure">
          <i>held p50 / p99</i>
          {figure(percentile(holds, 0.5))} / {figure(percentile(holds, 0.99))}
        </span>
        <span className="hf-figure">
          <i>hand-over p50 / p99</i>
          {figure(percentile(latencies, 0.5))} / {figure(percentile(latencies, 0.99))}
        </span>
        <Sparkline lengths={lengths} nowMs={nowMs} />
      </button>
      {line.unsafeMix ? (
        <p className="hf-warn">
          Clients that do not see each other stand in this line: two may hold at once. Not seen by the others:{' '}
          {line.contenders
            .filter(({ unseen }) => unseen)
            .map(({ name }) => name)
            .join(', ')}
        </p>
      ) : null}
    </li>
  );
});

/** Says who waits for whom in a circle. */
export function DeadlockBanner({
  deadlocks,
  onOpen,
}: {
  readonly deadlocks: readonly Deadlock[];
  readonly onOpen?: (path: string) => void;
}): ReactElement | null {
  if (deadlocks.length === 0) return null;
  return (
    <section className="hf-deadlock" role="alert">
      <h2>{counted(deadlocks.length, 'deadlock')}</h2>
      {deadlocks.map(({ circle }) => (
        <p key={circle.map(({ waiter, path }) => `${waiter.id} ${path}`).join()}>
          {circle.map(({ waiter, blocker, path }, index) => (
            <span key={`${waiter.id} ${path}`}>
              {index === 0 ? '' : ', '}
              <b>{waiter.name}</b> waits at{' '}
              <button type="button" className="hf-link" onClick={() => onOpen?.(path)}>
                {path}
              </button>{' '}
              for <b>{blocker.name}</b>
            </span>
          ))}
          . None of them goes on unless one gives up.
        </p>
      ))}
    </section>
  );
}

/** See the file's head. */
export function ContentionDashboard({
  board$,
  title = '',
  clockOffsetMs = 0,
  selected,
  onSelect,
  readClaim,
  actions,
  trace$,
}: ContentionDashboardProps): ReactElement {
  const board = useStream(board$, NOTHING);
  const now = useNow(clockOffsetMs);
  const nowMs = Math.floor(Math.max(now, board.asOf) / 1_000) * 1_000;
  const [own, setOwn] = useState<string | null>(null);
  const path = selected === undefined ? own : selected;
  const [wanted, setWanted] = useState('');
  const [most, setMost] = useState(SHOWN_AT_FIRST);
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const opened = useRef<string | null>(null);
  const open = useMemo(
    () => (next: string | null) => {
      setOwn(next);
      onSelect?.(next);
    },
    [onSelect],
  );
  // Looked for once a second, and when a lock comes or goes: it takes longer than all the rest, and a circle stays until somebody gives up.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is looked through is the board, when these change.
  const knots = useMemo(() => deadlocksOn(board), [nowMs, board.cards.size]);
  const cards = useMemo(() => byTrouble(board, nowMs, knots), [board, nowMs, knots]);
  const found = cards.filter(({ line }) => {
    const word = wanted.trim().toLowerCase();
    return (
      word === '' ||
      line.path.toLowerCase().includes(word) ||
      line.contenders.some((each) => nameOf(each).toLowerCase().includes(word))
    );
  });
  const knotted = new Set(knots.flatMap(({ circle }) => circle.map((each) => each.path)));
  const waiting = cards.reduce((sum, { line }) => sum + waitingIn(line).length, 0);

  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      const typing =
        event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key === '/' && !typing) {
        event.preventDefault();
        search.current?.focus();
      } else if (event.key === 'Escape') {
        if (event.target === search.current) setWanted('');
        else if (!typing) open(null);
      }
    };
    addEventListener('keydown', onKey);
    return () => {
      removeEventListener('keydown', onKey);
    };
  }, [open]);

  useEffect(() => {
    if (path !== null) {
      opened.current = path;
      return;
    }
    // Back from a lock: on it again, for who has no mouse.
    const rows = list.current?.querySelectorAll<HTMLButtonElement>('.hf-open') ?? [];
    [...rows].find(({ dataset }) => dataset['path'] === opened.current)?.focus();
    opened.current = null;
  }, [path]);

  const step = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (by === undefined) return;
    const rows = [...(list.current?.querySelectorAll<HTMLButtonElement>('.hf-open') ?? [])];
    const at = rows.findIndex((row) => row === document.activeElement);
    rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
    event.preventDefault();
  };

  const stale = board.freshness === 'stale';
  const card = path === null ? undefined : board.cards.get(path);
  return (
    <main className="hf-dashboard">
      <header>
        <h1>
          <button type="button" className="hf-link" onClick={() => open(null)}>
            holdfast
          </button>
        </h1>
        <p className="hf-where">
          {title} <code>{board.root}</code>
        </p>
        <p className={stale ? 'hf-freshness hf-stale' : 'hf-freshness'} role="status">
          {board.asOf === 0
            ? 'connecting …'
            : stale
              ? `not connected: as of ${duration(Math.max(0, now - board.asOf))} ago`
              : 'live'}
        </p>
      </header>
      <DeadlockBanner deadlocks={knots} onOpen={open} />
      {path !== null ? (
        <LockPage
          path={path}
          card={card}
          nowMs={nowMs}
          onBack={() => open(null)}
          {...(readClaim === undefined ? {} : { readClaim })}
          {...(actions === undefined ? {} : { actions })}
          {...(trace$ === undefined ? {} : { trace$ })}
        />
      ) : (
        <>
          <div className="hf-toolbar">
            <input
              ref={search}
              type="search"
              placeholder="Search locks and owners ( / )"
              aria-label="Search locks and owners"
              value={wanted}
              onKeyDown={(event) => {
                if (event.key === 'ArrowDown') step(event);
              }}
              onChange={({ currentTarget }) => setWanted(currentTarget.value)}
            />
            <p>
              {counted(cards.length, 'lock')}, {waiting} waiting
              {wanted === '' ? '' : `, ${found.length} found`}
            </p>
          </div>
          {found.length === 0 ? (
            <p className="hf-note">
              {cards.length === 0
                ? 'Nobody holds or waits for a lock here.'
                : `No lock or owner has “${wanted}” in its name.`}
            </p>
          ) : (
            <ul ref={list} className="hf-list" onKeyDown={step} aria-label="Locks, those in trouble first">
              {found.slice(0, most).map((each) => (
                <Row
                  key={each.line.path}
                  card={each}
                  nowMs={nowMs}
                  knotted={knotted.has(each.line.path)}
                  onOpen={open}
                />
              ))}
            </ul>
          )}
          {found.length > most ? (
            <button type="button" className="hf-show-more" onClick={() => setMost(most + 200)}>
              Show more ({found.length - most})
            </button>
          ) : null}
        </>
      )}
    </main>
  );
}
