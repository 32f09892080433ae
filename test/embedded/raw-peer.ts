/** Speaks the protocol frame by frame over a real socket, so that a test sees what a client would hide. */
import net from 'node:net';
import { FrameReader } from '../../src/zookeeper/frames.js';
import { JuteReader, JuteWriter } from '../../src/zookeeper/jute.js';
import {
  ConnectRequest,
  ConnectResponse,
  ReplyHeader,
  reservedXid,
  WatcherEvent,
} from '../../src/zookeeper/records.js';

export interface RawReply {
  readonly xid: number;
  readonly zxid: bigint;
  readonly error: number;
  readonly body: Uint8Array;
}

export interface RawEvent {
  readonly type: number;
  readonly state: number;
  readonly path: string;
}

export interface Granted {
  readonly protocolVersion: number;
  readonly timeoutMs: number;
  readonly sessionId: string;
  readonly password: Uint8Array;
  /** Bytes behind the four fields: the read-only flag, or none. */
  readonly rest: number;
}

export class RawPeer {
  /** Everything but replies, in the order it came. */
  readonly events: RawEvent[] = [];
  /** Resolves when the server has ended the connection. */
  readonly ended: Promise<void>;
  readonly #socket: net.Socket;
  readonly #frames: FrameReader;
  readonly #arrived: Uint8Array[] = [];
  readonly #waiting: ((frame: Uint8Array | undefined) => void)[] = [];
  #over = false;
  #xid = 0;

  constructor(port: number, host = '127.0.0.1') {
    this.#socket = net.connect({ port, host, noDelay: true });
    this.#frames = new FrameReader(
      {
        frame: (bytes) => {
          this.#take(bytes.slice());
        },
        oversize: () => {
          throw new Error('an oversize frame');
        },
      },
      64 * 1024 * 1024,
    );
    this.#socket.on('data', (chunk) => {
      this.#frames.push(chunk);
    });
    this.#socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.#over = true;
        for (const waiting of this.#waiting.splice(0)) waiting(undefined);
        resolve();
      });
    });
  }

  /** Sends bytes as they are. */
  raw(bytes: Uint8Array | string): void {
    this.#socket.write(bytes);
  }

  /** The next whole frame; `undefined` when the connection ended first. */
  frame(): Promise<Uint8Array | undefined> {
    const frame = this.#arrived.shift();
    if (frame !== undefined || this.#over) return Promise.resolve(frame);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** `undefined`: refused without an answer. */
  async handshake(
    options: {
      timeoutMs?: number;
      lastZxidSeen?: bigint;
      sessionId?: string;
      password?: Uint8Array;
      old?: boolean;
    } = {},
  ): Promise<Granted | undefined> {
    const { timeoutMs = 10_000, lastZxidSeen = 0n, sessionId = '0', password = new Uint8Array(16) } = options;
    const writer = new JuteWriter();
    ConnectRequest.write(writer, { protocolVersion: 0, lastZxidSeen, timeoutMs, sessionId, password });
    if (options.old !== true) writer.boolean(false);
    this.raw(writer.toFrame());
    const frame = await this.frame();
    if (frame === undefined) return undefined;
    const reader = new JuteReader(frame);
    return { ...ConnectResponse.read(reader), rest: reader.remaining };
  }

  /** Sends a request; `body` writes what follows its header. */
  send(type: number, body: (writer: JuteWriter) => void = () => undefined, xid?: number): number {
    const { frame, xid: used } = this.encode(type, body, xid);
    this.raw(frame);
    return used;
  }

  encode(
    type: number,
    body: (writer: JuteWriter) => void = () => undefined,
    xid = (this.#xid +=
      1),
  ): { readonly frame: Uint8Array; readonly xid: number } {
    const writer = new JuteWriter();
    writer.int32(xid);
    writer.int32(type);
    body(writer);
    return { frame: writer.toFrame(), xid };
  }

  /** The next reply; events before it are put aside. `undefined` when the connection ended first. */
  async reply(): Promise<RawReply | undefined> {
    for (;;) {
      const frame = await this.frame();
      if (frame === undefined) return undefined;
      const reader = new JuteReader(frame);
      const header = ReplyHeader.read(reader);
      if (header.xid !== reservedXid.notification) return { ...header, body: frame.slice(16) };
      this.events.push(WatcherEvent.read(reader));
    }
  }

  async ask(type: number, body?: (writer: JuteWriter) => void, xid?: number): Promise<RawReply | undefined> {
    this.send(type, body, xid);
    return this.reply();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(frame: Uint8Array): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(frame);
    else waiting(frame);
  }
}

/** Sends `text` on a connection of its own and collects what comes until the server ends it. */
export function askWord(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => {
      socket.write(text);
    });
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('close', () => {
      resolve(answer);
    });
    socket.on('error', reject);
  });
}
