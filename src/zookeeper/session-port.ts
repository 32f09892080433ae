/** What locks see of a session: the client of the moment, the news, and how long to trust what it said. */
import type { SessionNews } from '../../machines/lock-machine.js';
import type { Clock } from '../clock.js';
import type { ZooKeeperClient } from './client.js';

/** One client after another, told apart by their news. */
export interface SessionPort {
  readonly clock: Clock;
  readonly connectString: string;
  /** The client of the moment. It may be disconnected, in which case it refuses requests with `NotSent`. */
  readonly client: ZooKeeperClient;
  /** Ended by {@link ZooKeeperClient.close} for good: no news will come but that. */
  readonly closed: boolean;
  /** Whether there is a connection now. */
  readonly connected: boolean;
  /** What was asked of the server, milliseconds. */
  readonly sessionTimeoutMs: number;
  /** Tells the present state at once, then every later one. Returns the way to stop. */
  onNews(listener: (news: SessionNews) => void): () => void;
  /**
   * Milliseconds until the server may give the session up (DESIGN §3.6); zero or less: it may have. Computed at the
   * call, from the send time of the last acknowledged request and both clocks.
   */
  remainingValidityMs(): number;
  /**
   * Asks after a held claim with every heartbeat through the quorum, and calls `gone` when it is not there; does nothing
   * where the heartbeat is a ping. Returns the way to stop.
   */
  attend(path: string, gone: () => void): () => void;
}

/** Where the program's messages go; `console` fits, and so does any common logger. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
