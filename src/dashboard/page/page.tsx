/** The page that `holdfast dashboard` serves: the components over the server's feed, with the chosen lock in the address. */
import { type ReactElement, StrictMode, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { auditTime, map, shareReplay } from 'rxjs';
import 'uplot/dist/uPlot.min.css';
import '../dashboard.css';
import './page.css';
import { EMPTY_TRACE, parseTrace, type Trace, withRecord } from '../../inspect/trace.js';
import { type ClaimActions, ContentionDashboard } from '../contention-dashboard.js';
import { type Feed, feedFrom, tracesFrom } from '../feed.js';
import { useStream } from '../streams.js';
import { TraceViewer } from '../trace-viewer.js';

const feed$ = feedFrom('/events').pipe(shareReplay({ bufferSize: 1, refCount: true }));
const board$ = feed$.pipe(map(({ board }) => board));
const trace$ = tracesFrom('/records').pipe(auditTime(50), shareReplay({ bufferSize: 1, refCount: true }));

async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, init);
  if (!response.ok) throw new Error((await response.text()).trim());
  return response;
}

const readClaim = async (claim: string): Promise<string | null> => {
  const response = await ask(`/claim?path=${encodeURIComponent(claim)}`);
  return ((await response.json()) as { readonly data: string | null }).data;
};

const act = (doing: 'break' | 'revoke') => async (claim: string, by: string, why: string) => {
  await ask(`/${doing}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ claim, by, why }),
  });
};

const BREAK: ClaimActions = { breakClaim: act('break') };
const BREAK_AND_REVOKE: ClaimActions = { ...BREAK, revokeClaim: act('revoke') };

type Place =
  | { readonly kind: 'list' }
  | { readonly kind: 'lock'; readonly path: string }
  | { readonly kind: 'trace' };

function placeInAddress(): Place {
  const hash = location.hash.slice(1);
  if (hash === 'trace') return { kind: 'trace' };
  return hash.startsWith('/') ? { kind: 'lock', path: decodeURIComponent(hash) } : { kind: 'list' };
}

/** Opens a recorded trace from a file; nothing leaves the page. */
function TraceFile(): ReactElement {
  const [trace, setTrace] = useState<Trace>(EMPTY_TRACE);
  const [trouble, setTrouble] = useState('');
  const open = (file: File | undefined) => {
    file?.text().then(
      (text) => {
        try {
          setTrace(parseTrace(text).reduce((sum, record) => withRecord(sum, record), EMPTY_TRACE));
          setTrouble('');
        } catch (error) {
          setTrouble(error instanceof Error ? error.message : String(error));
        }
      },
      (error: unknown) => {
        setTrouble(String(error));
      },
    );
  };
  return (
    <main className="hf-dashboard">
      <header>
        <h1>
          <a href="#">holdfast</a>
        </h1>
        <p className="hf-where">a recorded trace</p>
      </header>
      <p className="hf-toolbar">
        <label>
          Trace file, from <code>holdfast run --trace file</code>{' '}
          <input type="file" onChange={({ currentTarget }) => open(currentTarget.files?.[0])} />
        </label>
      </p>
      {trouble === '' ? <TraceViewer trace={trace} /> : <p role="alert">{trouble}</p>}
    </main>
  );
}

function Page(): ReactElement {
  const feed = useStream<Feed | null>(feed$, null);
  const [place, setPlace] = useState(placeInAddress);
  useEffect(() => {
    const moved = () => {
      setPlace(placeInAddress());
    };
    addEventListener('hashchange', moved);
    return () => {
      removeEventListener('hashchange', moved);
    };
  }, []);
  const select = useMemo(
    () => (path: string | null) => {
      location.hash = path === null ? '' : path;
    },
    [],
  );
  if (place.kind === 'trace') return <TraceFile />;
  return (
    <>
      <ContentionDashboard
        board$={board$}
        title={feed?.connectString ?? ''}
        clockOffsetMs={feed?.clockOffsetMs ?? 0}
        selected={place.kind === 'lock' ? place.path : null}
        onSelect={select}
        readClaim={readClaim}
        trace$={trace$}
        {...(feed?.allowBreak === true ? { actions: feed.allowRevoke ? BREAK_AND_REVOKE : BREAK } : {})}
      />
      <footer className="hf-footer">
        <a href="#trace">Open a recorded trace</a>
      </footer>
    </>
  );
}

const root = document.getElementById('dashboard');
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
