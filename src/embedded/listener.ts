/** The embedded server's TCP port; the only file here that needs Node. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Peer, Sink } from './server-connection.js';

export interface ListenOptions {
  /** 0 for any that is free. */
  readonly port: number;
  readonly host: string;
  /** Opens a connection; `undefined` refuses it. */
  readonly open: (sink: Sink, address: string) => Peer | undefined;
  /** Answers a four-letter word; `undefined` when it is none. */
  readonly answerWord: (word: string) => string | undefined;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** Ends the port and what is open on it; resolves when both are gone. */
  close(): Promise<void>;
}

/** Here a server listens unless told not to; in a page it does only what it can. */
export const canListen: boolean = true;

const WORD_BYTES = 4;

/** Rejects when the port cannot be had. */
export async function listen({ port, host, open, answerWord }: ListenOptions): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
    });
    serve(socket, open, answerWord);
  });
  await started(server, port, host);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the listener has no TCP address');
  return {
    host,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function started(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Four bytes decide: a word of a monitoring script, or the length of a handshake. */
function serve(socket: Socket, open: ListenOptions['open'], answerWord: ListenOptions['answerWord']): void {
  let peer: Peer | undefined;
  let first = new Uint8Array(0);
  socket.on('error', () => undefined); // 'close' follows, and is all that matters
  socket.on('close', () => {
    peer?.closed();
  });
  socket.on('data', (chunk: Uint8Array) => {
    if (peer !== undefined) {
      peer.receive(chunk);
      return;
    }
    first = joined(first, chunk);
    if (first.length < WORD_BYTES) return;
    const answer = answerWord(String.fromCharCode(...first.subarray(0, WORD_BYTES)));
    if (answer !== undefined) {
      socket.end(answer);
      return;
    }
    peer = open(gathering(socket), plainAddress(socket.remoteAddress));
    if (peer === undefined) socket.destroy();
    else peer.receive(first);
  });
}

/** All that is sent in one turn leaves in one write. */
function gathering(socket: Socket): Sink {
  let corked = false;
  return {
    send(frame) {
      if (!corked) {
        corked = true;
        socket.cork();
        queueMicrotask(() => {
          corked = false;
          socket.uncork();
        });
      }
      socket.write(frame);
    },
    close() {
      socket.end();
      // Whoever does not hang up in turn is not waited for: nothing more is read from them.
      socket.destroySoon();
    },
  };
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** An IPv4 address that came over IPv6 is written as it is meant. */
function plainAddress(address: string | undefined): string {
  return address?.replace(/^::ffff:/, '') ?? '127.0.0.1';
}
