/**
 * A network that misbehaves on command: a TCP proxy in front of one server. What it does to a connection it does
 * when told, never by chance.
 */
import net from 'node:net';
import { setTimeout as startTimer } from 'node:timers';

interface Link {
  readonly client: net.Socket;
  readonly server: net.Socket;
}

/** What becomes of the bytes on their way. */
export interface Weather {
  /** Nothing arrives any more, in either direction; connections stay open, new ones too. */
  blackhole: boolean;
  /** Every chunk from the server waits this long. */
  replyDelayMs: number;
  /** Bytes per chunk from the server; 0 for as they come. */
  segmentBytes: number;
  /** New connections are reset at once. */
  refuse: boolean;
}

export class TcpProxy {
  readonly weather: Weather = { blackhole: false, replyDelayMs: 0, segmentBytes: 0, refuse: false };
  /** Connections accepted so far. */
  acceptedCount = 0;
  readonly #links = new Set<Link>();
  readonly #listener: net.Server;
  readonly #target: { readonly host: string; readonly port: number };
  #cutReplies = 0;
  #dropReply = false;
  readonly #whenCut: (() => void)[] = [];
  readonly #whenDropped: (() => void)[] = [];

  private constructor(connectString: string) {
    const colon = connectString.lastIndexOf(':');
    this.#target = { host: connectString.slice(0, colon), port: Number(connectString.slice(colon + 1)) };
    this.#listener = net.createServer({ noDelay: true }, (client) => {
      this.#accept(client);
    });
  }

  /** Listens on a free loopback port in front of `connectString` (one `host:port`). */
  static async start(connectString: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(connectString);
    await new Promise<void>((resolve, reject) => {
      proxy.#listener.once('error', reject);
      proxy.#listener.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get connectString(): string {
    return `127.0.0.1:${(this.#listener.address() as net.AddressInfo).port}`;
  }

  get openCount(): number {
    return this.#links.size;
  }

  /** Resets every connection there is. */
  cut(): void {
    for (const { client, server } of [...this.#links]) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** The next chunk from the server never arrives, and its connection is reset instead. Resolves when that happened. */
  cutAtNextReply(): Promise<void> {
    this.#cutReplies += 1;
    return new Promise((resolve) => {
      this.#whenCut.push(resolve);
    });
  }

  /**
   * The next chunk from the server is lost; what follows arrives. To lose exactly one answer, ask for nothing else.
   * Resolves when that happened.
   */
  dropNextReply(): Promise<void> {
    this.#dropReply = true;
    return new Promise((resolve) => {
      this.#whenDropped.push(resolve);
    });
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => {
      this.#listener.close(() => {
        resolve();
      });
    });
  }

  #accept(client: net.Socket): void {
    this.acceptedCount += 1;
    client.on('error', () => undefined);
    if (this.weather.refuse) {
      client.resetAndDestroy();
      return;
    }
    const server = net.connect({ ...this.#target, noDelay: true });
    server.on('error', () => undefined);
    const link = { client, server };
    this.#links.add(link);
    const end = (): void => {
      this.#links.delete(link);
      client.destroy();
      server.destroy();
    };
    client.once('close', end);
    server.once('close', end);
    client.on('data', (bytes) => {
      if (!this.weather.blackhole) server.write(bytes);
    });
    server.on('data', (bytes) => {
      this.#reply(link, bytes);
    });
  }

  #reply(link: Link, bytes: Uint8Array): void {
    const { blackhole, replyDelayMs, segmentBytes } = this.weather;
    if (blackhole) return;
    if (this.#cutReplies > 0) {
      this.#cutReplies -= 1;
      link.client.resetAndDestroy();
      link.server.destroy();
      this.#whenCut.shift()?.();
    } else if (this.#dropReply) {
      this.#dropReply = false;
      this.#whenDropped.shift()?.();
    } else if (replyDelayMs > 0) {
      startTimer(() => link.client.write(bytes), replyDelayMs);
    } else if (segmentBytes > 0) {
      for (let at = 0; at < bytes.length; at += segmentBytes)
        link.client.write(bytes.subarray(at, at + segmentBytes));
    } else {
      link.client.write(bytes);
    }
  }
}
