/** `connect()` of a client, whichever it is: once, by a deadline, unless its signal says otherwise. */
import type { Clock } from '../clock.js';
import { deadlineFault } from './arguments.js';
import type { ConnectionState } from './client.js';
import { ZooKeeperError } from './errors.js';

/** A session over many connections, as far as its beginning goes. */
export interface Connectable {
  /** No more requests: `lost`, `closed`, or on the way there. */
  readonly over: boolean;
  /** Why the last connection or attempt failed. */
  readonly lastFailure: Error | undefined;
  listen(listener: (state: ConnectionState) => void): () => void;
  /** Tries the next host. */
  start(): void;
  close(deadlineMs: number): Promise<void>;
}

/** As the port's `connect` takes them. */
interface ConnectArguments {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

export class FirstConnection {
  readonly #session: Connectable;
  readonly #clock: Clock;
  readonly #connectString: string;
  #started = false;

  constructor(session: Connectable, { clock, connectString }: { clock: Clock; connectString: string }) {
    this.#session = session;
    this.#clock = clock;
    this.#connectString = connectString;
  }

  /** See the port's `connect`. */
  make({ deadlineMs, signal }: ConnectArguments): Promise<void> {
    const session = this.#session;
    const fault = deadlineFault(deadlineMs);
    if (fault !== undefined)
      return Promise.reject(new ZooKeeperError('BadArguments', 'connect', undefined, { detail: fault }));
    if (session.over) return Promise.reject(new ZooKeeperError('Closed', 'connect'));
    if (this.#started) {
      const detail = 'connect was called before; one client is one session';
      return Promise.reject(new ZooKeeperError('InvalidState', 'connect', undefined, { detail }));
    }
    this.#started = true;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        stop();
        this.#clock.clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        act();
      };
      const giveUp = (reason: unknown): void => {
        settle(() => {
          void session.close(0);
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the signal's reason is passed on as it is
          reject(reason);
        });
      };
      const abort = (): void => {
        giveUp(signal?.reason);
      };
      const stop = session.listen((state) => {
        if (state.kind === 'connected') settle(resolve);
        else if (state.kind === 'lost') giveUp(state.cause);
        else if (state.kind === 'closed') giveUp(new ZooKeeperError('Closed', 'connect'));
      });
      const timer = this.#clock.setTimeout(() => {
        giveUp(this.#notConnected(deadlineMs));
      }, deadlineMs);
      signal?.addEventListener('abort', abort);
      if (signal?.aborted === true) abort();
      else session.start();
    });
  }

  #notConnected(deadlineMs: number): ZooKeeperError {
    const cause = this.#session.lastFailure;
    const last = cause === undefined ? '' : ` (last: ${cause.message})`;
    const detail = `no session at ${this.#connectString} within ${deadlineMs} ms${last}`;
    return new ZooKeeperError('OperationTimeout', 'connect', undefined, {
      detail,
      outcome: 'notApplied',
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
