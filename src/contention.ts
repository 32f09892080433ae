/**
 * TELL: the line at a path as everybody sees it, as a state stream. Built from the znodes alone, so it shows the queues of
 * clients that never heard of this package as well.
 */
import { map, Observable } from 'rxjs';
import type { Contention } from './contention-facts.js';
import { LineWatch } from './line-watch.js';
import type { SessionPort } from './zookeeper/session-port.js';

export type { ContenderInLine, Contention } from './contention-facts.js';

/** Every line under a root at one moment. */
export interface ContentionUnder {
  readonly root: string;
  /** By lock path. A path is here when it has children; one that lost its last contender stays until it is deleted. */
  readonly lines: ReadonlyMap<string, Contention>;
  /** The lock paths whose line is other than it was in the emission before, or gone. */
  readonly changed: readonly string[];
  readonly asOf: number;
  readonly freshness: 'live' | 'stale';
  /**
   * `recursive`: one persistent watch tells everything. `children`: the server is older than 3.6, or the client cannot;
   * each path has a watch of its own, and changes of a claim's data are not seen.
   */
  readonly watching: 'recursive' | 'children';
}

/**
 * Every line under `root`, now and after every change: one emission tells all that changed in one turn. Costs a listing of
 * the tree at the start and after every reconnect (persistent watches replay nothing), one read for each claim that
 * comes, and nothing for one that goes. Errors when `root` may not be listed; completes when the session is closed.
 */
export function contentionUnder(session: SessionPort, root: string): Observable<ContentionUnder> {
  return watched(session, root, 'tree');
}

/** The present line at once, then after every change; again after every reconnect. Errors when the path may not be listed. */
export function contention(session: SessionPort, path: string): Observable<Contention> {
  // Put together when somebody listens: every lock has one, and few are listened to.
  return new Observable((subscriber) =>
    watched(session, path, 'line')
      .pipe(map(({ lines, asOf, freshness }) => lines.get(path) ?? { ...emptyLine(path), asOf, freshness }))
      .subscribe(subscriber),
  );
}

/** A line with nobody in it. */
function emptyLine(path: string): Omit<Contention, 'asOf' | 'freshness'> {
  return { path, holder: null, contenders: [], foreign: [], unsafeMix: false };
}

function watched(session: SessionPort, root: string, depth: 'tree' | 'line'): Observable<ContentionUnder> {
  return new Observable((subscriber) => {
    const watch = new LineWatch(session, root, depth, {
      changed: (lines, changed) => {
        last = {
          root,
          lines,
          changed,
          asOf: session.clock.wallNow(),
          freshness: 'live',
          watching: watch.watching,
        };
        subscriber.next(last);
      },
      failed: (error) => {
        subscriber.error(error);
      },
    });
    let last: ContentionUnder | null = null;
    const goneStale = () => {
      watch.stop();
      if (last?.freshness !== 'live') return;
      const stale = [...last.lines].map(([path, line]) => [path, { ...line, freshness: 'stale' }] as const);
      last = { ...last, lines: new Map(stale), changed: [...last.lines.keys()], freshness: 'stale' };
      subscriber.next(last);
    };
    const stop = session.onNews((news) => {
      switch (news.type) {
        case 'session.connected':
          watch.start();
          return;
        case 'session.closed':
          subscriber.complete();
          return;
        case 'session.suspended':
        case 'session.lost':
          goneStale();
          return;
        case 'validity.passed':
          return;
      }
    });
    return () => {
      stop();
      watch.stop();
    };
  });
}

/** Every line under `root`, at one moment: a path counts when somebody stands in line there. Empty when `root` is not there; rejects when it may not be listed. */
export async function linesUnder(session: SessionPort, root: string): Promise<Contention[]> {
  return new Promise((resolve, reject) => {
    const watch = new LineWatch(session, root, 'once', {
      changed: (lines) => {
        watch.stop();
        resolve(
          [...lines.values()]
            .filter(({ holder }) => holder !== null)
            .sort((a, b) => (a.path < b.path ? -1 : 1)),
        );
      },
      failed: reject,
      // One look is all there is: a connection that goes is told, not waited out.
      cut: reject,
    });
    watch.start();
  });
}
