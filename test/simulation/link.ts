/** One client's connection to one server, with everything that a network does to it. */
import type { Clock } from '../../src/clock.js';
import type { Peer, Sink } from '../../src/embedded/server-connection.js';
import { ZooKeeperError } from '../../src/zookeeper/errors.js';
import type { Transport, TransportEvents } from '../../src/zookeeper/transport.js';
import { Channel } from './channel.js';
import type { ProcessClock } from './process-clock.js';

/** The server's end: refuses with `undefined`. */
export type Open = (sink: Sink) => Peer | undefined;

export interface LinkOptions {
  readonly clock: Clock;
  /** Of the process that dials: what it is told waits until it is awake. */
  readonly process: ProcessClock;
  readonly latencyMs: () => number;
  readonly open: Open;
  readonly events: TransportEvents;
  readonly forget: (link: Link) => void;
}

export class Link implements Transport {
  readonly toServer: Channel;
  readonly toClient: Channel;
  readonly #options: LinkOptions;
  readonly #inbox: (() => void)[] = [];
  #peer: Peer | undefined;
  #over = false;
  #broken = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.toServer = new Channel(options.clock, options.latencyMs);
    this.toClient = new Channel(options.clock, options.latencyMs);
    this.toServer.send(() => {
      this.#reach();
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#broken) return;
    const copy = bytes.slice();
    this.toServer.send(() => {
      this.#peer?.receive(copy);
    });
  }

  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.forget(this);
    if (!this.#broken) {
      this.toServer.send(() => {
        this.#peer?.closed();
      });
    }
  }

  /**
   * The connection is broken. Each side hears of it so many milliseconds later, or never (`null`): a client then finds out by
   * itself, a server when the session ends. `arrives`: what the client had sent still reaches the server.
   */
  cut(hears: {
    readonly client: number | null;
    readonly server: number | null;
    readonly arrives: boolean;
  }): void {
    if (this.#broken) return;
    this.#broken = true;
    const { clock } = this.#options;
    this.toClient.drop();
    this.toClient.stall();
    if (hears.arrives) this.toServer.flow();
    else this.toServer.drop();
    const { client, server } = hears;
    if (client !== null) clock.setTimeout(() => this.#tell(() => this.#closed('cut')), client);
    if (server !== null) clock.setTimeout(() => this.#peer?.closed(), server);
  }

  /** What was held up goes on, unless the connection is broken. */
  flow(): void {
    this.toServer.flow();
    if (!this.#broken) this.toClient.flow();
  }

  #reach(): void {
    this.#peer = this.#options.open({
      send: (frame) => {
        this.toClient.send(() => {
          this.#tell(() => {
            this.#options.events.received(frame);
          });
        });
      },
      close: () => {
        this.toClient.send(() => {
          this.#tell(() => {
            this.#closed('the server ended the connection');
          });
        });
      },
    });
    const reached = this.#peer !== undefined;
    this.toClient.send(() => {
      this.#tell(() => {
        if (reached) this.#options.events.opened();
        else this.#closed('connection refused');
      });
    });
  }

  #closed(detail: string): void {
    this.#over = true;
    this.#options.forget(this);
    this.#options.events.closed(
      new ZooKeeperError('ConnectionLoss', 'simulation', undefined, { detail, outcome: 'notApplied' }),
    );
  }

  #tell(event: () => void): void {
    this.#inbox.push(event);
    this.#options.process.whenAwake(() => {
      const oldest = this.#inbox.shift();
      if (!this.#over) oldest?.();
    });
  }
}
