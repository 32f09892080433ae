/**
 * A network that misbehaves on command: a TCP proxy in front of one server. What it does to a connection it does
 * when told, never by chance.
 */
import net from 'node:net';
import { setTimeout as startTimer, clearTimeout as stopTimer } from 'node:timers';
import { ReplyFrames } from './reply-frames.js';

/** What becomes of the bytes on their way. */
export interface Weather {
  /** Nothing arrives any more, in either direction; connections stay open, new ones too. What was sent is lost: {@link TcpProxy.cut} before the air clears. */
  blackhole: boolean;
  /** Every chunk from the server waits this long. */
  replyDelayMs: number;
  /** Bytes per chunk from the server; 0 for as they come. */
  segmentBytes: number;
  /** New connections are reset at once. */
  refuse: boolean;
}

export interface TcpProxyOptions {
  /**
   * For so long a new connection waits for a server that does not listen yet, as a caller would that is refused and dials
   * again. Default 0: it is closed.
   */
  readonly patienceMs?: number;
}

const REDIAL_PAUSE_MS = 20;

export class TcpProxy {
  readonly weather: Weather = { blackhole: false, replyDelayMs: 0, segmentBytes: 0, refuse: false };
  /** Connections accepted so far. */
  acceptedCount = 0;
  readonly #links = new Set<Link>();
  /** Clients for whom the server is being dialled; they are not read from yet. */
  readonly #dialing = new Set<net.Socket>();
  readonly #listener: net.Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #patienceMs: number;
  #held = false;
  #cutReplies = 0;
  #dropReply = false;
  readonly #whenCut: (() => void)[] = [];
  readonly #whenDropped: (() => void)[] = [];

  private constructor(connectString: string, { patienceMs = 0 }: TcpProxyOptions) {
    this.#patienceMs = patienceMs;
    const colon = connectString.lastIndexOf(':');
    this.#target = { host: connectString.slice(0, colon), port: Number(connectString.slice(colon + 1)) };
    this.#listener = net.createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
      this.#accept(client);
    });
  }

  /** Listens on a free loopback port in front of `connectString` (one `host:port`). */
  static async start(connectString: string, options: TcpProxyOptions = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy(connectString, options);
    await new Promise<void>((resolve, reject) => {
      proxy.#listener.once('error', reject);
      proxy.#listener.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as net.AddressInfo).port;
  }

  get connectString(): string {
    return `127.0.0.1:${this.port}`;
  }

  get openCount(): number {
    return this.#links.size;
  }

  /** Resets every connection there is. */
  cut(): void {
    for (const link of [...this.#links]) link.cut();
    for (const client of this.#dialing) client.resetAndDestroy();
  }

  /** Nothing arrives any more, in either direction, until {@link letGo}: then all of it does, late. */
  hold(): void {
    this.#held = true;
    for (const link of this.#links) link.pause();
  }

  letGo(): void {
    this.#held = false;
    for (const link of this.#links) link.resume();
  }

  /** The next chunk from the server never arrives, and its connection is reset instead. Resolves when that happened. */
  cutAtNextReply(): Promise<void> {
    this.#cutReplies += 1;
    return new Promise((resolve) => {
      this.#whenCut.push(resolve);
    });
  }

  /**
   * The next answer from the server is lost, exactly that one: no event, no answer to a ping; what follows arrives.
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
    this.#dialing.add(client);
    client.once('close', () => this.#dialing.delete(client));
    this.#dial(client, performance.now() + this.#patienceMs);
  }

  #dial(client: net.Socket, untilMs: number): void {
    const server = net.connect({ ...this.#target, noDelay: true });
    server.once('connect', () => {
      this.#dialing.delete(client);
      if (client.destroyed) server.destroy();
      else this.#join(client, server);
    });
    server.on('error', () => {
      // After the connect, its close says it all.
      if (!this.#dialing.has(client)) return;
      if (performance.now() >= untilMs) client.destroy();
      else startTimer(() => this.#dial(client, untilMs), REDIAL_PAUSE_MS);
    });
  }

  #join(client: net.Socket, server: net.Socket): void {
    const link: Link = new Link(client, server, {
      request: (bytes) => {
        if (!this.weather.blackhole) server.write(bytes);
      },
      reply: (bytes) => {
        this.#reply(link, bytes);
      },
      over: () => this.#links.delete(link),
    });
    this.#links.add(link);
    if (!this.#held) link.resume();
  }

  #reply(link: Link, bytes: Uint8Array): void {
    const { blackhole, replyDelayMs, segmentBytes } = this.weather;
    const kept = link.frames.through(bytes, this.#dropReply ? () => this.#drop() : undefined);
    if (blackhole) return;
    if (this.#cutReplies > 0) {
      this.#cutReplies -= 1;
      link.cut();
      this.#whenCut.shift()?.();
    } else if (segmentBytes > 0) {
      for (let at = 0; at < kept.length; at += segmentBytes)
        link.deliver(kept.subarray(at, at + segmentBytes), replyDelayMs);
    } else {
      link.deliver(kept, replyDelayMs);
    }
  }

  #drop(): boolean {
    if (!this.#dropReply) return false;
    this.#dropReply = false;
    this.#whenDropped.shift()?.();
    return true;
  }
}

interface Ends {
  request(bytes: Uint8Array): void;
  reply(bytes: Uint8Array): void;
  over(): void;
}

/** One connection through the proxy. */
class Link {
  /** Where answers begin and end in what the server says. */
  readonly frames = new ReplyFrames();
  readonly #client: net.Socket;
  readonly #server: net.Socket;
  /** On their way, in order. */
  readonly #late: { readonly bytes: Uint8Array; readonly dueMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(client: net.Socket, server: net.Socket, ends: Ends) {
    this.#client = client;
    this.#server = server;
    const end = (): void => {
      stopTimer(this.#timer);
      client.destroy();
      server.destroy();
      ends.over();
    };
    client.once('close', end);
    server.once('close', end);
    client.on('data', (bytes) => {
      ends.request(bytes);
    });
    server.on('data', (bytes) => {
      ends.reply(bytes);
    });
    this.pause();
  }

  pause(): void {
    this.#client.pause();
    this.#server.pause();
  }

  resume(): void {
    this.#client.resume();
    this.#server.resume();
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.destroy();
  }

  /** Hands on what the server said, after a while, never before what it said earlier. */
  deliver(bytes: Uint8Array, delayMs: number): void {
    if (delayMs === 0 && this.#late.length === 0) {
      this.#client.write(bytes);
      return;
    }
    this.#late.push({ bytes, dueMs: performance.now() + delayMs });
    if (this.#late.length === 1) this.#wait();
  }

  #wait(): void {
    const next = this.#late[0];
    if (next === undefined) return;
    this.#timer = startTimer(
      () => {
        this.#late.shift();
        this.#client.write(next.bytes);
        this.#wait();
      },
      Math.max(0, next.dueMs - performance.now()),
    );
  }
}
