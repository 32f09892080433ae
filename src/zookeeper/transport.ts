/**
 * The byte pipe under the wire client: a socket in Node, an in-memory pipe to the embedded server. It knows
 * nothing of the protocol.
 */

/** A server's address. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a pipe tells. Nothing is told after `closed`, nothing from inside the call that opened it. */
export interface TransportEvents {
  opened(): void;
  /** The bytes belong to the receiver until it returns; it copies what it keeps. */
  received(bytes: Uint8Array): void;
  /** Once: refused, cut, failed, or ended by the peer. Not after our own {@link Transport.destroy}. */
  closed(cause: Error): void;
}

/** One connection. */
export interface Transport {
  /** Queues bytes; all that is queued within one turn of the event loop leaves in one write. The pipe may keep `bytes`. */
  write(bytes: Uint8Array): void;
  /** Ends at once; nothing is told afterwards. */
  destroy(): void;
}

/** Opens one connection. Names are resolved here, once per attempt. */
export type Dial = (address: Address, events: TransportEvents) => Transport;
