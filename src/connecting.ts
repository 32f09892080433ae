/** What `connect()` was given, on its way to a supervisor: what cannot be meant is refused with the remedy. */
import { tlsDial } from '#dial';
import { InvalidArgumentError } from './errors.js';
import type { ClientFactory, TlsOptions } from './zookeeper/client.js';
import { credentialsFault, parseConnectString } from './zookeeper/connect-string.js';
import { isZooKeeperError } from './zookeeper/errors.js';
import { Supervisor, type SupervisorOptions } from './zookeeper/supervisor.js';

/** A client of somebody's own may read the connect string otherwise. */
export function supervise(factory: ClientFactory, options: SupervisorOptions): Supervisor {
  try {
    return new Supervisor(factory, options);
  } catch (error) {
    if (!isZooKeeperError(error, 'BadArguments')) throw error;
    throw new InvalidArgumentError('the connect string', options.client.connectString, reasonOf(error));
  }
}

/** `ours`: whether our own client will take it apart; another may read it otherwise, but no credentials from it. */
export function checkConnectString(connectString: string, ours: boolean): void {
  const secret = typeof connectString === 'string' ? credentialsFault(connectString) : undefined;
  if (secret !== undefined) throw new InvalidArgumentError('the connect string', '…', `it ${secret}`);
  if (!ours) return;
  try {
    parseConnectString(connectString);
  } catch (error) {
    throw new InvalidArgumentError('the connect string', connectString, reasonOf(error));
  }
}

/** Options that `node:tls` would not have are found now, not at the first connection. */
export function checkedTlsDial(options: TlsOptions): ReturnType<typeof tlsDial> {
  try {
    return tlsDial(options);
  } catch (cause) {
    throw new InvalidArgumentError('tls', options, reasonOf(cause), undefined, cause);
  }
}

function reasonOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).replace('connect: BadArguments: ', '');
}
