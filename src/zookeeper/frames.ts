/** Cuts a stream of bytes into length-prefixed frames: in any chunks, without copying twice, in bounded memory. */
import { ZooKeeperError } from './errors.js';

/** Bytes of a reply header: enough of an oversize frame to know whose answer it is. */
export const HEAD_BYTES = 16;

/** A buffer this large is kept for the next frame; a larger one is given back: a thousand connections may each have read a long line. */
const KEPT_BUFFER_BYTES = 4_096;
const NOTHING = new Uint8Array(0);

/** Where frames go. What it throws comes out of {@link FrameReader.push}. */
export interface FrameSink {
  /** A whole frame, without its length. The bytes are valid until this returns. */
  frame(bytes: Uint8Array): void;
  /** A frame longer than the limit: its first {@link HEAD_BYTES}. The rest is read past. */
  oversize(head: Uint8Array, length: number): void;
}

export class FrameReader {
  /** Longer frames are not kept. At least {@link HEAD_BYTES}. */
  limitBytes: number;
  readonly #sink: FrameSink;
  /** The frame that came in pieces so far, its length prefix included. */
  #buffer = NOTHING;
  #filled = 0;
  /** How much of {@link FrameReader.#buffer} to fill before looking again. */
  #wanted = 4;
  #length = -1;
  #skip = 0;
  #stopped = false;

  constructor(sink: FrameSink, limitBytes: number) {
    this.#sink = sink;
    this.limitBytes = limitBytes;
  }

  /** Forgets everything; frames still in the chunk being read are dropped. */
  stop(): void {
    this.#stopped = true;
    this.#buffer = NOTHING;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#filled === 0 && chunk.length - at >= 4) {
        const length = frameLength(chunk, at);
        if (length <= this.limitBytes && chunk.length - at - 4 >= length) {
          this.#sink.frame(chunk.subarray(at + 4, at + 4 + length));
          at += 4 + length;
        } else {
          at += this.#collect(chunk, at);
        }
      } else {
        at += this.#collect(chunk, at);
      }
    }
  }

  /** Takes what is wanted and there, and hands on what is then complete. */
  #collect(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#wanted - this.#filled, chunk.length - at);
    this.#grow(this.#filled + taken);
    this.#buffer.set(chunk.subarray(at, at + taken), this.#filled);
    this.#filled += taken;
    if (this.#filled === this.#wanted) this.#complete();
    return taken;
  }

  #complete(): void {
    if (this.#length === -1) {
      this.#length = frameLength(this.#buffer, 0);
      this.#wanted = 4 + (this.#length > this.limitBytes ? HEAD_BYTES : this.#length);
      if (this.#wanted > 4) return;
    }
    const length = this.#length;
    const bytes = this.#buffer.subarray(4, this.#filled);
    this.#length = -1;
    this.#filled = 0;
    this.#wanted = 4;
    if (this.#buffer.length > KEPT_BUFFER_BYTES) this.#buffer = NOTHING;
    if (length > bytes.length) {
      this.#skip = length - bytes.length;
      this.#sink.oversize(bytes, length);
    } else {
      this.#sink.frame(bytes);
    }
  }

  /** Doubles, so that a long frame is copied a constant number of times; never more than twice what has come. */
  #grow(needed: number): void {
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.#buffer.length * 2, this.#wanted)));
    grown.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = grown;
  }
}

function frameLength(bytes: Uint8Array, at: number): number {
  const length =
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0);
  if (length < 0) {
    throw new ZooKeeperError('ProtocolViolation', 'read', undefined, {
      detail: `a frame of ${length} bytes`,
    });
  }
  return length;
}
