/** Reads and watches that wait for a connection, and go on after a cut, as observables. Unsubscribing ends them. */
import { firstValueFrom, merge, Observable, retry, switchMap, take, throwError } from 'rxjs';
import type { SessionNews } from '../machines/lock-machine.js';
import { ConnectionFailedError, LockError, LockingFailedError, SessionClosedError } from './errors.js';
import type { ZooKeeperClient } from './zookeeper/client.js';
import { isZooKeeperError } from './zookeeper/errors.js';
import type { SessionPort } from './zookeeper/session-port.js';

/** Between two attempts that the server refused for now, on a connection that is up. */
const RETRY_DELAY_MS = 100;

/**
 * What `ask` answers, once there is a connection; asked again after a cut, so it may be asked twice: it only reads, or says
 * the same each time. Errors with `CONNECTION_FAILED` or `SESSION_CLOSED` when there is no connection to be had,
 * `LOCKING_FAILED` when ZooKeeper refuses; `path` is for their messages.
 */
export function asking<T>(
  session: SessionPort,
  path: string,
  ask: (client: ZooKeeperClient) => Promise<T>,
): Observable<T> {
  return connected(session, path).pipe(
    switchMap((client) => ask(client)),
    retry({
      delay: (error: unknown) =>
        isCut(error) ? pause(session, RETRY_DELAY_MS) : throwError(() => asLockError(path, error)),
    }),
  );
}

/** As {@link asking}, for those who await. */
export function readWhenConnected<T>(session: SessionPort, path: string, read: () => Promise<T>): Promise<T> {
  return firstValueFrom(asking(session, path, read));
}

/**
 * What `look` sees, for as long as somebody wants to know: begun anew at every connection, unsubscribed at every cut. `cut` is
 * called then, so that what was seen can be marked as old. Completes when the session is closed; errors as {@link asking} does.
 */
export function watching<T>(
  session: SessionPort,
  path: string,
  look: (client: ZooKeeperClient) => Observable<T>,
  cut: () => T | undefined = () => undefined,
): Observable<T> {
  return new Observable((subscriber) => {
    let looking: { unsubscribe: () => void } | null = null;
    let timer: unknown;
    const stop = () => {
      looking?.unsubscribe();
      looking = null;
      session.clock.clearTimeout(timer);
    };
    const begin = () => {
      stop();
      looking = look(session.client).subscribe({
        next: (value) => {
          subscriber.next(value);
        },
        error: (error: unknown) => {
          if (!isCut(error)) subscriber.error(asLockError(path, error));
          else
            timer = session.clock.setTimeout(() => (session.connected ? begin() : undefined), RETRY_DELAY_MS);
        },
      });
    };
    const stopNews = session.onNews((news) => {
      switch (news.type) {
        case 'session.connected':
          begin();
          return;
        case 'session.closed':
          subscriber.complete();
          return;
        case 'session.suspended':
        case 'session.lost': {
          stop();
          const last = cut();
          if (last !== undefined) subscriber.next(last);
          return;
        }
        case 'validity.passed':
          return;
      }
    });
    return () => {
      stopNews();
      stop();
    };
  });
}

/** Errors with what `error` makes, `delayMs` from the subscription; never, when that is null. */
export function deadline(
  session: SessionPort,
  delayMs: number | null,
  error: () => LockError,
): Observable<never> {
  return new Observable((subscriber) => {
    if (delayMs === null) return undefined;
    const timer = session.clock.setTimeout(() => {
      subscriber.error(error());
    }, delayMs);
    return () => {
      session.clock.clearTimeout(timer);
    };
  });
}

/** Errors with the signal's reason when it aborts, at once if it has; never without a signal. */
export function aborted(signal: AbortSignal | undefined): Observable<never> {
  return new Observable((subscriber) => {
    const tell = () => {
      subscriber.error(signal?.reason);
    };
    if (signal?.aborted === true) tell();
    signal?.addEventListener('abort', tell, { once: true });
    return () => {
      signal?.removeEventListener('abort', tell);
    };
  });
}

/** The first event, unless there is no session to be had, time runs out or the signal aborts before. */
export function awaited<T>(
  session: SessionPort,
  path: string,
  event$: Observable<T>,
  limits: {
    readonly timeoutMs: number | null;
    readonly late: () => LockError;
    readonly signal: AbortSignal | undefined;
  },
): Promise<T> {
  const { timeoutMs, late, signal } = limits;
  const ending$ = new Observable<never>((subscriber) =>
    session.onNews((news) => {
      const error = endOf(session, path, news);
      if (error !== null) subscriber.error(error);
    }),
  );
  return firstValueFrom(merge(aborted(signal), ending$, deadline(session, timeoutMs, late), event$));
}

/** The client, as soon as it is connected: at once if it is. */
function connected(session: SessionPort, path: string): Observable<ZooKeeperClient> {
  return new Observable<ZooKeeperClient>((subscriber) =>
    session.onNews((news) => {
      const error = endOf(session, path, news);
      if (error !== null) subscriber.error(error);
      else if (news.type === 'session.connected') subscriber.next(session.client);
    }),
  ).pipe(take(1));
}

/** Why nothing is to be expected of the session any more, if these news say so. */
function endOf({ connectString }: SessionPort, path: string, news: SessionNews): LockError | null {
  if (news.type === 'session.closed') return new SessionClosedError(path);
  if (news.type !== 'session.lost' || news.reason === 'expired' || news.reason === 'presumed') return null;
  return new ConnectionFailedError(connectString, 'no session could be had', path, news.cause);
}

/** Says so once, `delayMs` from the subscription. */
export function pause({ clock }: SessionPort, delayMs: number): Observable<true> {
  return new Observable((subscriber) => {
    const timer = clock.setTimeout(() => {
      subscriber.next(true);
    }, delayMs);
    return () => {
      clock.clearTimeout(timer);
    };
  });
}

function isCut(error: unknown): boolean {
  return (
    isZooKeeperError(error) && (error.retryable || error.code === 'SessionEnded' || error.code === 'Closed')
  );
}

function asLockError(path: string, error: unknown): LockError {
  if (error instanceof LockError) return error;
  return new LockingFailedError(path, error instanceof Error ? error.message : String(error), error);
}
