/** The page's end of the wire: server-sent events as streams. The browser reconnects by itself; we say when what we have is old. */
import { Observable } from 'rxjs';
import { systemClock } from '../clock.js';
import { EMPTY_TRACE, type Trace, type TraceRecord, withoutOldest, withRecord } from '../inspect/trace.js';
import { type Board, BoardKeeper } from './board.js';
import { readChange, readHello } from './wire.js';

/** What the page knows. */
export interface Feed {
  readonly board: Board;
  readonly connectString: string;
  readonly allowBreak: boolean;
  readonly allowRevoke: boolean;
  /** The server's clock less ours, ms. */
  readonly clockOffsetMs: number;
}

/** Two heartbeats and a little: a server that says nothing for so long is not there. */
const SILENCE_MS = 35_000;
/** So many acquisitions that are over stay in the viewer. */
const STOPPED_ACTORS = 30;

/** Everything that the server tells, as one state. */
export function feedFrom(url: string): Observable<Feed> {
  return new Observable((subscriber) => {
    const source = new EventSource(url);
    let feed: Feed | null = null;
    let keeper: BoardKeeper | null = null;
    let silence: unknown;
    const show = (next: Feed) => {
      feed = next;
      subscriber.next(next);
    };
    const goneStale = () => {
      if (feed === null || keeper === null || feed.board.freshness === 'stale') return;
      const { asOf } = feed.board;
      show({ ...feed, board: keeper.add({ lines: new Map(), changed: [], freshness: 'stale', asOf }) });
    };
    const heard = () => {
      systemClock.clearTimeout(silence);
      silence = systemClock.setTimeout(goneStale, SILENCE_MS);
    };
    source.addEventListener('board', ({ data }: MessageEvent<string>) => {
      heard();
      const { nowMs, ...hello } = readHello(data);
      keeper = new BoardKeeper(hello.board);
      show({ ...hello, clockOffsetMs: nowMs - systemClock.wallNow() });
    });
    source.addEventListener('change', ({ data }: MessageEvent<string>) => {
      heard();
      if (feed !== null && keeper !== null) show({ ...feed, board: keeper.add(readChange(data)) });
    });
    source.addEventListener('beat', heard);
    source.addEventListener('error', goneStale);
    return () => {
      systemClock.clearTimeout(silence);
      source.close();
    };
  });
}

/** The statecharts that report to the server. */
export function tracesFrom(url: string): Observable<Trace> {
  return new Observable((subscriber) => {
    const source = new EventSource(url);
    let trace = EMPTY_TRACE;
    // What was kept is told again after a reconnect.
    source.addEventListener('open', () => {
      trace = EMPTY_TRACE;
    });
    source.addEventListener('message', ({ data }: MessageEvent<string>) => {
      trace = withoutOldest(withRecord(trace, JSON.parse(data) as TraceRecord), STOPPED_ACTORS);
      subscriber.next(trace);
    });
    return () => {
      source.close();
    };
  });
}
