/** The way to an embedded server without a socket: an in-memory pipe that behaves like one. */
import { ZooKeeperError } from '../zookeeper/errors.js';
import type { Dial, Transport, TransportEvents } from '../zookeeper/transport.js';
import type { Peer, Sink } from './server-connection.js';

/** Runs something later, never at once. A simulation's may run things in any order: each pipe keeps its own. */
export type Defer = (fn: () => void) => void;

/** Opens a connection at the server; `undefined` when it refuses. */
export type Open = (sink: Sink) => Peer | undefined;

/** A page refuses `queueMicrotask` as a method of anything but its window. */
const soon: Defer = (fn) => queueMicrotask(fn);

/** Dials the server behind `open`, whatever the address. */
export function pipeDial(open: Open, defer: Defer = soon): Dial {
  return (_address, events) => new Pipe(open, events, defer);
}

class Pipe implements Transport {
  readonly #events: TransportEvents;
  readonly #defer: Defer;
  #peer: Peer | undefined;
  #destroyed = false;
  /** What is on its way, oldest first; each hop delivers the oldest, so that no order of hops reorders them. */
  readonly #toServer: (() => void)[] = [];
  readonly #toClient: (() => void)[] = [];

  constructor(open: Open, events: TransportEvents, defer: Defer) {
    this.#events = events;
    this.#defer = defer;
    this.#post(this.#toServer, () => {
      this.#connect(open);
    });
  }

  write(bytes: Uint8Array): void {
    this.#post(this.#toServer, () => {
      this.#peer?.receive(bytes);
    });
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#post(this.#toServer, () => {
      this.#peer?.closed();
    });
  }

  #connect(open: Open): void {
    if (this.#destroyed) return;
    this.#peer = open({
      send: (frame) => {
        this.#tell(() => {
          this.#events.received(frame);
        });
      },
      close: () => {
        this.#tell(() => {
          this.#close('the server ended the connection');
        });
      },
    });
    if (this.#peer === undefined) {
      this.#tell(() => {
        this.#close('connection refused');
      });
      return;
    }
    this.#tell(() => {
      this.#events.opened();
    });
  }

  #close(detail: string): void {
    this.#destroyed = true;
    this.#events.closed(
      new ZooKeeperError('ConnectionLoss', 'embedded', undefined, { detail, outcome: 'notApplied' }),
    );
  }

  /** Nothing is told once we are destroyed, or have told that it is over. */
  #tell(fn: () => void): void {
    this.#post(this.#toClient, () => {
      if (!this.#destroyed) fn();
    });
  }

  #post(queue: (() => void)[], fn: () => void): void {
    queue.push(fn);
    this.#defer(() => {
      queue.shift()?.();
    });
  }
}
