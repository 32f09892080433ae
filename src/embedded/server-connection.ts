/** One client's connection at the server: the handshake, then requests to answers, strictly in order. */
import type { ZooKeeperErrorCode } from '../zookeeper/errors.js';
import { numberOfCode } from '../zookeeper/errors.js';
import { FrameReader } from '../zookeeper/frames.js';
import { JuteReader, JuteWriter } from '../zookeeper/jute.js';
import {
  AuthRequest,
  ConnectRequest,
  ConnectResponse,
  CreateStatResponse,
  eventType,
  keeperState,
  type Of,
  opcode,
  PathResponse,
  ReplyHeader,
  RequestHeader,
  reservedXid,
  StatResponse,
  WatcherEvent,
} from '../zookeeper/records.js';
import { authenticate, type Identity, isAllowed, permission } from './permissions.js';
import { type Answer, answerRead } from './read-requests.js';
import { isKnownRequest, rareOpcode, SaslResponse } from './server-records.js';
import { readMulti, writeFailure, writeResults } from './transaction.js';
import type { WatchTable } from './watch-table.js';
import { type Requester, readWriteRequest, type WriteRequest, type Written } from './write-requests.js';
import type { Change, ZnodeTree } from './znode-tree.js';

/** Where a connection's frames go, one call each: what a simulation delays, reorders across connections, or loses. */
export interface Sink {
  send(frame: Uint8Array): void;
  /** Ends the connection after what was sent. */
  close(): void;
}

/** Where the bytes of a connection go. */
export interface Peer {
  receive(bytes: Uint8Array): void;
  /** The client is gone: cut, or ended by it. */
  closed(): void;
}

/** A request about to be served. To be looked at at once: what it is read from is used again. */
export interface IncomingRequest {
  readonly sessionId: string;
  readonly xid: number;
  readonly type: number;
  /** Of the requests that begin with one, else `undefined`. */
  readonly path: string | undefined;
}

/** What becomes of a request: lost with the connection before or after it was applied, or answered and then cut. */
export type Verdict = 'serve' | 'loseRequest' | 'loseReply' | 'cutAfterReply';

/** What a connection needs of its server. */
export interface ConnectionServer {
  readonly tree: ZnodeTree;
  readonly watches: WatchTable<ServerConnection>;
  readonly longestFrameBytes: number;
  readonly counters: { packetsReceived: number; packetsSent: number };
  /** Asked of every request after the handshake; absent: serve. */
  readonly verdict: ((request: IncomingRequest) => Verdict) | undefined;
  /** The answer to a connect request; `undefined` refuses the connection without one. */
  greet(
    connection: ServerConnection,
    request: Of<typeof ConnectRequest>,
  ): Of<typeof ConnectResponse> | undefined;
  /** A sign of life; `false` when the session is over. */
  touch(sessionId: string): boolean;
  write(request: WriteRequest, requester: Requester): Written | ZooKeeperErrorCode;
  writeAll(
    requests: readonly WriteRequest[],
    requester: Requester,
  ): { readonly results: readonly Written[] } | { readonly failed: ZooKeeperErrorCode; readonly at: number };
  /** An unreadable or refused write costs a zxid too. */
  useUpZxid(): void;
  endSession(sessionId: string): void;
  left(connection: ServerConnection): void;
  /** The bytes that came together have been served. */
  served(): void;
}

const eventNumber: Readonly<Record<Change['type'], number>> = {
  created: eventType.created,
  deleted: eventType.deleted,
  dataChanged: eventType.dataChanged,
  childrenChanged: eventType.childrenChanged,
};

/** Writes one body after another; its memory is used again. */
const writer = new JuteWriter(4096);

export class ServerConnection implements Peer {
  /** `'0'` until the handshake. */
  sessionId = '0';
  readonly address: string;
  received = 0;
  sent = 0;
  readonly #server: ConnectionServer;
  readonly #sink: Sink;
  readonly #identities: Identity[];
  readonly #frames: FrameReader;
  #open = true;

  constructor(server: ConnectionServer, sink: Sink, address: string) {
    this.#server = server;
    this.#sink = sink;
    this.address = address;
    this.#identities = [{ scheme: 'ip', id: address }];
    this.#frames = new FrameReader(
      {
        frame: (bytes) => {
          this.#frame(bytes);
        },
        oversize: () => {
          this.close(); // as the real server does: "Len error"
        },
      },
      server.longestFrameBytes,
    );
  }

  receive(bytes: Uint8Array): void {
    if (!this.#open) return;
    try {
      this.#frames.push(bytes);
    } catch {
      this.close(); // not the protocol: a negative length, or a handshake that is none
    }
    this.#server.served();
  }

  closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#frames.stop();
    this.#server.left(this);
  }

  /** Ends the connection from this side; the session, if any, goes on. */
  close(): void {
    if (!this.#open) return;
    this.closed();
    this.#sink.close();
  }

  /** Tells of a change, unless this client may not read the node it happened to (ZOOKEEPER-4799). */
  notify({ type, path, acl }: Change, zxid: bigint): void {
    if (!this.#open || !isAllowed(acl, permission.read, this.#identities)) return;
    writer.clear();
    ReplyHeader.write(writer, { xid: reservedXid.notification, zxid, error: 0 });
    WatcherEvent.write(writer, { type: eventNumber[type], state: keeperState.syncConnected, path });
    this.#send();
  }

  #send(): void {
    this.sent += 1;
    this.#server.counters.packetsSent += 1;
    this.#sink.send(writer.toFrame());
  }

  #frame(bytes: Uint8Array): void {
    this.received += 1;
    this.#server.counters.packetsReceived += 1;
    const reader = new JuteReader(bytes);
    if (this.sessionId === '0') {
      this.#handshake(reader);
      return;
    }
    const { xid, type } = RequestHeader.read(reader);
    const verdict = this.#server.verdict?.(new Incoming(this.sessionId, xid, type, bytes)) ?? 'serve';
    if (verdict === 'loseRequest') this.close();
    else this.#serve(xid, type, reader, verdict === 'loseReply');
    if (verdict !== 'serve') this.close();
  }

  #handshake(reader: JuteReader): void {
    const request = ConnectRequest.read(reader);
    // Clients older than 3.4 send no read-only flag, and expect none.
    const knowsReadOnly = reader.remaining > 0;
    const response = this.#server.greet(this, request);
    if (response === undefined) {
      this.close();
      return;
    }
    writer.clear();
    ConnectResponse.write(writer, response);
    if (knowsReadOnly) writer.boolean(false);
    this.sessionId = response.sessionId;
    this.#send();
    if (response.sessionId === '0') this.close();
  }

  #serve(xid: number, type: number, reader: JuteReader, silent: boolean): void {
    if (type === opcode.auth) {
      this.#authenticate(xid, reader, silent);
      return;
    }
    if (type === opcode.sasl) {
      // As a server without SASL set up: no token, no error; the client goes on without it.
      this.#reply(
        xid,
        (body) => {
          SaslResponse.write(body, { token: null });
        },
        silent,
      );
      return;
    }
    // Requests of a session that is over are dropped: its connection is about to be closed.
    if (!this.#server.touch(this.sessionId)) return;
    if (!isKnownRequest(type)) {
      this.#reply(xid, 'Unimplemented', silent, NO_ZXID);
      this.close();
      return;
    }
    const answer = this.#answer(type, reader);
    this.#reply(type === opcode.ping ? reservedXid.ping : xid, answer, silent);
    if (type === opcode.closeSession) this.close();
  }

  #answer(type: number, reader: JuteReader): Answer {
    if (type === opcode.ping) return noBody;
    if (type === rareOpcode.reconfig) {
      this.#server.useUpZxid();
      return 'ReconfigDisabled';
    }
    if (type === opcode.closeSession) {
      this.#server.endSession(this.sessionId);
      return noBody;
    }
    const requester = { sessionId: this.sessionId, identities: this.#identities };
    try {
      const read = answerRead(type, reader, {
        ...requester,
        tree: this.#server.tree,
        watches: this.#server.watches,
        watcher: this,
        notify: (change) => {
          this.notify(change, NO_ZXID);
        },
      });
      if (read !== undefined) return read;
      if (type === opcode.multi) return this.#answerMulti(reader, requester);
      const write = readWriteRequest(type, reader);
      if (write !== undefined) return answerWritten(type, this.#server.write(write, requester));
    } catch {
      // The body is not what its type says.
    }
    this.#server.useUpZxid();
    return 'MarshallingError';
  }

  #answerMulti(reader: JuteReader, requester: Requester): Answer {
    const parts = readMulti(reader);
    if (parts === undefined) {
      this.#server.useUpZxid();
      return 'MarshallingError';
    }
    const outcome = this.#server.writeAll(parts, requester);
    return (body) => {
      if ('failed' in outcome) writeFailure(body, parts.length, outcome.failed, outcome.at);
      else writeResults(body, outcome.results);
    };
  }

  #authenticate(xid: number, reader: JuteReader, silent: boolean): void {
    const { scheme, auth } = AuthRequest.read(reader);
    const identity = authenticate(scheme, auth, this.address);
    this.#reply(xid, identity === undefined ? 'AuthFailed' : noBody, silent, 0n);
    if (identity === undefined) {
      this.close();
    } else if (!this.#identities.some(({ scheme, id }) => scheme === identity.scheme && id === identity.id)) {
      this.#identities.push(identity);
    }
  }

  #reply(xid: number, answer: Answer, silent: boolean, zxid = this.#server.tree.lastZxid): void {
    if (silent || !this.#open) return;
    const error = typeof answer === 'string' ? numberOfCode(answer) : 0;
    writer.clear();
    ReplyHeader.write(writer, { xid, zxid, error });
    if (typeof answer !== 'string') answer(writer);
    this.#send();
  }
}

const noBody = (): void => undefined;

/** What stands in the header of an event that no transaction caused (WatchedEvent.NO_ZXID). */
const NO_ZXID = -1n;

function answerWritten(type: number, written: Written | ZooKeeperErrorCode): Answer {
  if (typeof written === 'string') return written;
  const { path, stat } = written;
  return (body) => {
    if (type === opcode.create) PathResponse.write(body, { path });
    else if (stat !== null && type !== opcode.setData && type !== opcode.setAcl) {
      CreateStatResponse.write(body, { path, stat });
    } else if (stat !== null) StatResponse.write(body, { stat });
  };
}

const withoutPath: ReadonlySet<number> = new Set([
  opcode.ping,
  opcode.multi,
  opcode.closeSession,
  opcode.auth,
  opcode.sasl,
  opcode.setWatches,
  opcode.setWatches2,
  rareOpcode.multiRead,
  rareOpcode.whoAmI,
]);

/** Reads the path only for whoever asks. */
class Incoming implements IncomingRequest {
  readonly sessionId: string;
  readonly xid: number;
  readonly type: number;
  readonly #frame: Uint8Array;

  constructor(sessionId: string, xid: number, type: number, frame: Uint8Array) {
    this.sessionId = sessionId;
    this.xid = xid;
    this.type = type;
    this.#frame = frame;
  }

  get path(): string | undefined {
    if (withoutPath.has(this.type) || !isKnownRequest(this.type)) return undefined;
    try {
      return new JuteReader(this.#frame.subarray(8)).string() ?? undefined;
    } catch {
      return undefined;
    }
  }
}
