/** The {@link Dial} of Node: TCP, and TLS over it. */
import { Buffer } from 'node:buffer';
import net from 'node:net';
import type { SecureContext } from 'node:tls';
import type { TlsOptions } from './client.js';
import { ZooKeeperError } from './errors.js';
import type { Dial, Transport, TransportEvents } from './transport.js';

/** Whether connections can be opened here. */
export const canDial: boolean = true;

/** TLS, where it is wanted: to load it takes as long as a lock's first round trips. */
const tls = () => process.getBuiltinModule('node:tls');

/**
 * Where all connections read to: what came is handed on before anything else is read, and whoever hears it copies what it keeps. A piece
 * of memory for each read, as Node makes it, costs more than what is in it.
 */
const incoming = new Uint8Array(65_536);

/** Plain TCP. A name is looked up anew on every attempt, so that a moved server is found. */
export const dial: Dial = ({ host, port }, events) =>
  new SocketTransport((onread) => net.connect({ host, port, noDelay: true, onread }), 'connect', events);

/**
 * TLS; `options` go to `tls.connect`, and the server's name is checked unless they say otherwise.
 * @throws ZooKeeperError `BadArguments` when the certificates or keys cannot be read, which are not repeated, and for a `socket`.
 */
export function tlsDial(options: TlsOptions): Dial {
  if (options['socket'] !== undefined)
    throw new ZooKeeperError('BadArguments', 'connect', undefined, {
      detail: 'tls.socket could be used once, and there will be other connections: leave it out',
    });
  const secureContext = secureContextOf(options);
  return ({ host, port }, events) => {
    const name = net.isIP(host) === 0 ? { servername: host } : {};
    return new SocketTransport(
      (onread) => {
        const given = { ...name, ...options, secureContext, host, port, onread };
        return tls().connect(given).setNoDelay(true);
      },
      'secureConnect',
      events,
    );
  };
}

/** Read once, so that what no server could ever accept is an error where it was written, and not a silence. */
function secureContextOf(options: TlsOptions): SecureContext {
  if (options['secureContext'] !== undefined) return options['secureContext'] as SecureContext;
  try {
    return tls().createSecureContext(options);
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    // What OpenSSL says names no contents; what Node says of a wrong type may quote it.
    throw new ZooKeeperError('BadArguments', 'connect', undefined, {
      detail: `the certificates, keys or ciphers in tls cannot be used (${code})`,
      ...(code.startsWith('ERR_INVALID_ARG') ? {} : { cause }),
    });
  }
}

class SocketTransport implements Transport {
  readonly #socket: net.Socket;
  #waiting: Uint8Array[] = [];
  #ended = false;

  constructor(
    open: (onread: net.OnReadOpts) => net.Socket,
    ready: 'connect' | 'secureConnect',
    events: TransportEvents,
  ) {
    const callback = (length: number) => {
      if (!this.#ended) events.received(incoming.subarray(0, length));
      return true;
    };
    const socket = open({ buffer: incoming, callback });
    this.#socket = socket;
    let failure: Error | undefined;
    socket.once(ready, () => {
      if (!this.#ended) events.opened();
    });
    socket.on('error', (error) => {
      failure = error;
    });
    // Half-open is no use: the peer that ended will not answer what we still send.
    socket.once('end', () => {
      failure ??= new Error('the peer closed the connection');
      socket.destroy();
    });
    socket.once('close', () => {
      if (this.#ended) return;
      this.#ended = true;
      this.#waiting = [];
      events.closed(failure ?? new Error('the connection was closed'));
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#ended) return;
    if (this.#waiting.push(bytes) === 1) {
      // After the microtasks, so that what answers set off leaves in the same write.
      queueMicrotask(() => {
        process.nextTick(() => {
          this.#flush();
        });
      });
    }
  }

  destroy(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#socket.destroy();
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (this.#ended || waiting.length === 0) return;
    this.#waiting = [];
    this.#socket.write(joined(waiting));
  }
}

/** One piece of memory for all: the same one, where they lie in it one behind the other. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const first = pieces[0] as Uint8Array;
  let end = first.byteOffset;
  for (const piece of pieces) {
    if (piece.buffer !== first.buffer || piece.byteOffset !== end) return Buffer.concat(pieces);
    end += piece.byteLength;
  }
  return new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset);
}
