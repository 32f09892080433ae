/** Reads that wait for a connection: asked again after a cut, which changes nothing at the server. */
import { ConnectionFailedError, LockingFailedError, SessionClosedError } from './errors.js';
import { isZooKeeperError } from './zookeeper/errors.js';
import type { SessionPort } from './zookeeper/session-port.js';

/**
 * What `read` answers, once there is a connection. Rejects with `CONNECTION_FAILED` or `SESSION_CLOSED` when there is none to be
 * had, `LOCKING_FAILED` when ZooKeeper refuses; `path` is for their messages.
 */
export async function readWhenConnected<T>(
  session: SessionPort,
  path: string,
  read: () => Promise<T>,
): Promise<T> {
  for (;;) {
    await connected(session, path);
    try {
      return await read();
    } catch (error) {
      const cut =
        isZooKeeperError(error) &&
        (error.retryable || error.code === 'SessionEnded' || error.code === 'Closed');
      if (!cut)
        throw new LockingFailedError(path, error instanceof Error ? error.message : String(error), error);
    }
  }
}

/** Resolves when there is a connection, at once if there is one. */
async function connected(session: SessionPort, path: string): Promise<void> {
  let stop: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      stop = session.onNews((news) => {
        if (news.type === 'session.connected') resolve();
        else if (news.type === 'session.closed') reject(new SessionClosedError(path));
        else if (news.type === 'session.lost' && news.reason !== 'expired' && news.reason !== 'presumed') {
          reject(
            new ConnectionFailedError(session.connectString, 'no session could be had', path, news.cause),
          );
        }
      });
    });
  } finally {
    stop?.();
  }
}
