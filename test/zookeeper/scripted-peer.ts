/** Servers that say what a test tells them to: the far end of an in-memory {@link Dial}. */
import type { ClientOptions, ConnectionState, ZooKeeperClient } from '../../src/zookeeper/client.js';
import type { ZooKeeperError } from '../../src/zookeeper/errors.js';
import { JuteReader, JuteWriter } from '../../src/zookeeper/jute.js';
import { ConnectRequest, type Of, RequestHeader, reservedXid } from '../../src/zookeeper/records.js';
import type { Address, Dial, Transport, TransportEvents } from '../../src/zookeeper/transport.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { SteppingClock } from '../setup/stepping-clock.js';

const nothing = (): void => undefined;

export const SESSION_MS = 12_000;

/** A request as it stood on the wire; `body` is read from behind the header. */
export interface SentRequest {
  readonly xid: number;
  readonly type: number;
  readonly body: JuteReader;
  readonly bytes: number;
}

/** One connection that the client opened, seen from the server. */
export class Pipe implements Transport {
  readonly address: Address;
  readonly #events: TransportEvents;
  readonly #frames: Uint8Array[] = [];
  destroyed = false;

  constructor(address: Address, events: TransportEvents) {
    this.address = address;
    this.#events = events;
  }

  write(bytes: Uint8Array): void {
    this.#frames.push(bytes.subarray(4));
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** TCP says yes. */
  open(): void {
    this.#events.opened();
  }

  get handshake(): Of<typeof ConnectRequest> {
    return ConnectRequest.read(new JuteReader(this.#frames[0] as Uint8Array));
  }

  /** Everything after the handshake. */
  get requests(): SentRequest[] {
    return this.#frames.slice(1).map((frame) => {
      const body = new JuteReader(frame);
      return { ...RequestHeader.read(body), body, bytes: frame.length };
    });
  }

  /** Opens, and takes the session. */
  accept({ sessionId = 0xabcn, timeoutMs = SESSION_MS, password = 7 } = {}): void {
    this.open();
    this.grant({ sessionId, timeoutMs, password });
  }

  grant({ sessionId = 0xabcn, timeoutMs = SESSION_MS, password = 7 } = {}): void {
    this.message((writer) => {
      writer.int32(0);
      writer.int32(timeoutMs);
      writer.int64(sessionId);
      writer.bytes(new Uint8Array(16).fill(password));
    });
  }

  reply(xid: number, { error = 0, zxid = 0n, body = nothing }: ReplyParts = {}): void {
    this.message((writer) => {
      writer.int32(xid);
      writer.int64(zxid);
      writer.int32(error);
      body(writer);
    });
  }

  event(type: number, path: string): void {
    this.reply(reservedXid.notification, {
      zxid: -1n,
      body: (writer) => {
        writer.int32(type);
        writer.int32(3);
        writer.string(path);
      },
    });
  }

  message(write: (writer: JuteWriter) => void): void {
    const writer = new JuteWriter();
    write(writer);
    this.say(writer.toFrame());
  }

  say(bytes: Uint8Array): void {
    this.#events.received(bytes);
  }

  hangUp(cause = new Error('hung up')): void {
    this.#events.closed(cause);
  }
}

interface ReplyParts {
  readonly error?: number;
  readonly zxid?: bigint;
  readonly body?: (writer: JuteWriter) => void;
}

/** A client, its clock, and every connection it opens. */
export class Stage {
  readonly clock = new SteppingClock();
  readonly pipes: Pipe[] = [];
  readonly client: ZooKeeperClient;
  /** The states the client told of. */
  readonly states: ConnectionState[] = [];
  /** What was told and rejected, in order; tests add to it. */
  readonly order: string[] = [];

  constructor(options: Partial<ClientOptions> = {}, firstXid = 1) {
    const dial: Dial = (address, events) => {
      const pipe = new Pipe(address, events);
      this.pipes.push(pipe);
      return pipe;
    };
    this.client = wireClient(dial, { firstXid })({
      connectString: 'a:1',
      sessionTimeoutMs: SESSION_MS,
      maxReplyBytes: 65_536,
      auth: [],
      clock: this.clock,
      random: () => 0.5,
      ...options,
    });
    this.client.onState((state) => {
      this.states.push(state);
      this.order.push(state.kind);
    });
  }

  /** The newest connection. */
  get pipe(): Pipe {
    return this.pipes.at(-1) as Pipe;
  }

  get kinds(): string[] {
    return this.states.map(({ kind }) => kind);
  }

  /** Starts connecting; what becomes of it is the test's to decide. */
  connect(deadlineMs = 60_000): Promise<void> {
    const connecting = this.client.connect({ deadlineMs });
    connecting.catch(() => undefined);
    return connecting;
  }

  async connected(): Promise<this> {
    const connecting = this.connect();
    this.pipe.accept();
    await connecting;
    return this;
  }

  /** Runs what is due now. */
  settle(): Promise<void> {
    return this.clock.settle();
  }

  /** Notes in {@link Stage.order} how `work` ended. */
  note(name: string, work: Promise<unknown>): Promise<void> {
    return work.then(
      () => void this.order.push(`${name} done`),
      (error: unknown) => void this.order.push(`${name} ${(error as ZooKeeperError).code}`),
    );
  }
}

/** An answer to `exists`, `setData` and their like. */
export function statBody(writer: JuteWriter): void {
  for (let field = 0; field < 4; field += 1) writer.int64(1n);
  for (let field = 0; field < 3; field += 1) writer.int32(0);
  writer.int64(0n);
  writer.int32(0);
  writer.int32(0);
  writer.int64(1n);
}
