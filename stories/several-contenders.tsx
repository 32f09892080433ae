/** Several contenders for one lock, on a ZooKeeper in this page, with buttons for what they and the network do. */
import { type ReactElement, useMemo, useState } from 'react';
import { NEVER, type Observable } from 'rxjs';
import {
  boards,
  ContentionDashboard,
  LockStatechart,
  useOwnership,
  useStream,
} from '../src/dashboard/index.js';
import type { Ownership } from '../src/index.js';
import { EMPTY_TRACE } from '../src/inspect/index.js';
import { type Contender, sessionIdOf, traceOf, type World } from './world.js';
import './several-contenders.css';

const PATH = '/locks/orders';

/** What somebody who contends would say. */
function wordsFor(ownership: Ownership | null, error: unknown): string {
  if (error !== null) return error instanceof Error ? `failed: ${error.message}` : 'failed';
  if (ownership === null) return 'has not asked';
  switch (ownership.status) {
    case 'idle':
    case 'creatingNode':
      return 'asks';
    case 'waitingOnPredecessor':
      return `waits, ${ownership.position} ahead when it last looked`;
    case 'held':
      return ownership.connection === 'confirmed'
        ? `holds, token ${String(ownership.lease.fencingToken)}`
        : `holds, ${ownership.connection}`;
    case 'releasing':
      return 'gives it back';
    case 'released':
      return 'has given it back';
    case 'expired':
      return `lost it: ${ownership.reason}`;
    case 'failed':
      return `failed: ${ownership.error.message}`;
  }
}

/** The statechart of a contender's latest acquisition. */
function Chart({ contender }: { readonly contender: Contender }): ReactElement {
  const trace$ = useMemo(() => traceOf(contender.hub), [contender]);
  const { actors, definitions } = useStream(trace$, EMPTY_TRACE);
  const actor = Object.values(actors).at(-1);
  const definition = actor === undefined ? undefined : definitions[actor.machine];
  const steps = actor?.steps.filter(({ value }) => value !== '') ?? [];
  const value = steps.at(-1)?.value;
  if (definition === undefined || value === undefined)
    return <p className="hf-note">{contender.name} has not asked for the lock yet.</p>;
  const taken = steps
    .map((step) => (typeof step.value === 'string' ? step.value : (Object.keys(step.value)[0] ?? '')))
    .filter((key, index, all) => key !== all[index - 1]);
  return <LockStatechart definition={definition} value={value} taken={taken} />;
}

function Stand({
  contender,
  world: { zookeeper },
  looked,
  onLook,
}: {
  readonly contender: Contender;
  readonly world: World;
  readonly looked: boolean;
  readonly onLook: () => void;
}): ReactElement {
  const { name, session } = contender;
  /** Null: does not ask. Each acquisition is a subscription of its own. */
  const [lock$, setLock] = useState<Observable<Ownership> | null>(null);
  const { ownership, error, over } = useOwnership(lock$ ?? NEVER);
  const withSession = (act: (id: string) => void) => () => void sessionIdOf(session).then(act);
  return (
    <li aria-label={name}>
      <b>{name}</b>{' '}
      <output>{wordsFor(lock$ === null ? null : ownership, lock$ === null ? null : error)}</output>
      <span>
        {lock$ === null || over ? (
          <button type="button" onClick={() => setLock(session.lock(PATH, { owner: name }))}>
            Acquire
          </button>
        ) : (
          <button type="button" onClick={() => setLock(null)}>
            Release
          </button>
        )}
        <button type="button" onClick={withSession((id) => zookeeper.faults.cut(id))}>
          Cut
        </button>
        <button type="button" onClick={withSession((id) => zookeeper.expireSession(id))}>
          Expire
        </button>
        <button type="button" aria-pressed={looked} onClick={onLook}>
          Chart
        </button>
      </span>
    </li>
  );
}

/** A button that is down or up. */
function Switch({
  label,
  down,
  up,
}: {
  readonly label: string;
  readonly down: () => void;
  readonly up: () => void;
}): ReactElement {
  const [pressed, setPressed] = useState(false);
  const press = () => {
    (pressed ? up : down)();
    setPressed(!pressed);
  };
  return (
    <button type="button" aria-pressed={pressed} onClick={press}>
      {label}
    </button>
  );
}

/** See the file's head. */
export function SeveralContenders({ world }: { readonly world: World }): ReactElement {
  const { zookeeper, contenders, onlooker } = world;
  const { faults } = zookeeper;
  const [first] = contenders;
  const [looked, setLooked] = useState(first);
  const board$ = useMemo(() => boards(onlooker.contentionUnder('/locks')), [onlooker]);
  return (
    <>
      <section className="hf-dashboard several-contenders" aria-label="Contenders">
        <p>
          <b>ZooKeeper</b> <Switch label="Freeze" down={() => faults.freeze()} up={() => faults.thaw()} />
          <Switch
            label="Cut off everybody"
            down={() => {
              faults.refuseConnections(true);
              faults.cut();
            }}
            up={() => faults.refuseConnections(false)}
          />
        </p>
        <ul>
          {contenders.map((contender) => (
            <Stand
              key={contender.name}
              contender={contender}
              world={world}
              looked={contender === looked}
              onLook={() => setLooked(contender)}
            />
          ))}
        </ul>
        {looked === undefined ? null : <Chart key={looked.name} contender={looked} />}
      </section>
      <ContentionDashboard board$={board$} title="in this page" />
    </>
  );
}
