/** `socket.ts` for a page, which cannot open TCP connections. */
import type { TlsOptions } from './client.js';
import { ZooKeeperError } from './errors.js';
import type { Dial } from './transport.js';

/** A page reaches no server by itself: it is given a client. */
export const canDial: boolean = false;

const refuse: Dial = ({ host, port }) => {
  throw new ZooKeeperError('NotSupported', 'connect', undefined, {
    detail: `${host}:${port}: a browser opens no TCP connections; give Session a client, for example that of the embedded server`,
  });
};

export const dial: Dial = refuse;

export function tlsDial(_options: TlsOptions): Dial {
  return refuse;
}
