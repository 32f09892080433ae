/**
 * Jute, ZooKeeper's wire format: big-endian numbers, length-prefixed bytes and strings, −1 for "none".
 * A record is described once ({@link struct}) and read and written from that description, by the wire client and
 * by the embedded server alike. Any bytes either decode or throw; nothing is allocated on a length's word alone.
 */
import { ZooKeeperError } from './errors.js';

const encoder = new TextEncoder();
// A leading U+FEFF is part of a name here, not a byte-order mark.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** From so many strings on it pays to read them as one text. */
const MANY = 8;

/** Whether `value` is bytes. The frames of a page and the runners of tests have a Uint8Array of their own each: no `instanceof`. */
export function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}

const SLAB_BYTES = 32_768;
let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/**
 * Memory for what is soon sent and forgotten, cut from a larger piece: a piece of its own for each costs more than what is
 * written to it. Pieces cut one after the other lie one behind the other, and no byte is handed out twice.
 */
function transient(length: number): Uint8Array {
  if (length > SLAB_BYTES / 4) return new Uint8Array(length);
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}

/** Collects one message. */
export class JuteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }

  int32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setInt32(at, value);
  }

  int64(value: bigint): void {
    const at = this.#reserve(8);
    this.#view.setBigInt64(at, value);
  }

  boolean(value: boolean): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value ? 1 : 0;
  }

  bytes(value: Uint8Array | null): void {
    if (value === null) {
      this.int32(-1);
      return;
    }
    this.int32(value.length);
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  string(value: string | null): void {
    if (value === null) {
      this.int32(-1);
      return;
    }
    const lengthAt = this.#reserve(4);
    const at = this.#reserve(value.length * 3);
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(at));
    this.#view.setInt32(lengthAt, written);
    this.#length = at + written;
  }

  /** Starts another message in the same memory. */
  clear(): void {
    this.#length = 0;
  }

  /** The message with its four-byte length in front, in memory of its own. */
  toFrame(): Uint8Array {
    const length = this.#length;
    const frame = transient(length + 4);
    frame[0] = length >>> 24;
    frame[1] = length >>> 16;
    frame[2] = length >>> 8;
    frame[3] = length;
    frame.set(this.#bytes.subarray(0, length), 4);
    return frame;
  }

  /** The message, in memory of its own. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Reads one message and never past its end. */
export class JuteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count < 0 || count > this.#bytes.length - at) {
      throw new ZooKeeperError('ProtocolViolation', 'decode', undefined, {
        detail: `wanted ${count} bytes at ${at} of a message of ${this.#bytes.length}`,
      });
    }
    this.#at = at + count;
    return at;
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  /** Milliseconds since the epoch: a 64-bit number that a double holds exactly. */
  timestamp(): number {
    const at = this.#take(8);
    return this.#view.getInt32(at) * 2 ** 32 + this.#view.getUint32(at + 4);
  }

  /** 64 bits on the wire; unsigned hex without leading zeros in this package, `'0'` for none. */
  sessionId(): string {
    const at = this.#take(8);
    const high = this.#view.getUint32(at);
    const low = this.#view.getUint32(at + 4).toString(16);
    return high === 0 ? low : high.toString(16) + low.padStart(8, '0');
  }

  boolean(): boolean {
    return this.#bytes[this.#take(1)] !== 0;
  }

  /** A copy; `null` for "none". */
  bytes(): Uint8Array | null {
    const length = this.int32();
    if (length === -1) return null;
    const at = this.#take(length);
    // Not `slice`, which on a Buffer is a view of memory that is soon used for something else.
    return new Uint8Array(this.#bytes.subarray(at, at + length));
  }

  string(): string | null {
    const length = this.int32();
    if (length === -1) return null;
    const at = this.#take(length);
    try {
      return decoder.decode(this.#bytes.subarray(at, at + length));
    } catch (cause) {
      throw new ZooKeeperError('ProtocolViolation', 'decode', undefined, {
        detail: `a string of ${length} bytes at ${at} is not UTF-8`,
        cause,
      });
    }
  }

  /**
   * Many strings. Where all are ASCII, as the names of a line are, they are decoded in one go and cut from it: that takes an eighth
   * of the time. Each then keeps the whole text in memory.
   */
  strings(): string[] {
    const count = this.count(string.leastBytes);
    const text = count < MANY ? null : this.#plainText(count);
    const values: string[] = [];
    if (text === null) {
      for (let index = 0; index < count; index += 1) values.push(string.read(this));
      return values;
    }
    for (let index = 0, at = 4; index < count; index += 1) {
      const end = at + this.int32();
      this.#at += end - at;
      values.push(text.slice(at, end));
      at = end + 4;
    }
    return values;
  }

  /** So many strings that follow, with their lengths in front of each, letter for byte; null when they do not read so. */
  #plainText(count: number): string | null {
    const start = this.#at;
    let end = start;
    for (let index = 0; index < count; index += 1) {
      const length = end + 4 <= this.#bytes.length ? this.#view.getInt32(end) : -1;
      if (length < 0) return null;
      end += 4 + length;
    }
    if (end > this.#bytes.length) return null;
    try {
      const text = decoder.decode(this.#bytes.subarray(start, end));
      return text.length === end - start ? text : null;
    } catch {
      return null;
    }
  }

  /** A vector's length, refused when that many elements of at least `leastElementBytes` cannot follow. */
  count(leastElementBytes: number): number {
    const length = this.int32();
    if (length === -1) return 0;
    if (length < 0 || length * leastElementBytes > this.remaining) {
      throw new ZooKeeperError('ProtocolViolation', 'decode', undefined, {
        detail: `a vector of ${length} elements does not fit the ${this.remaining} bytes that follow`,
      });
    }
    return length;
  }
}

/** How one kind of value stands on the wire. */
export interface JuteType<T> {
  read(reader: JuteReader): T;
  write(writer: JuteWriter, value: T): void;
  /** The fewest bytes a value takes: bounds what a vector may claim. */
  readonly leastBytes: number;
}

export const int32: JuteType<number> = {
  read: (reader) => reader.int32(),
  write: (writer, value) => {
    writer.int32(value);
  },
  leastBytes: 4,
};

export const int64: JuteType<bigint> = {
  read: (reader) => reader.int64(),
  write: (writer, value) => {
    writer.int64(value);
  },
  leastBytes: 8,
};

/** See {@link JuteReader.timestamp}. */
export const timestamp: JuteType<number> = {
  read: (reader) => reader.timestamp(),
  write: (writer, value) => {
    writer.int64(BigInt(Math.trunc(value)));
  },
  leastBytes: 8,
};

/** See {@link JuteReader.sessionId}. */
export const sessionId: JuteType<string> = {
  read: (reader) => reader.sessionId(),
  write: (writer, value) => {
    writer.int64(value === '0' ? 0n : BigInt.asIntN(64, BigInt(`0x${value}`)));
  },
  leastBytes: 8,
};

export const boolean: JuteType<boolean> = {
  read: (reader) => reader.boolean(),
  write: (writer, value) => {
    writer.boolean(value);
  },
  leastBytes: 1,
};

/** Bytes; "none" reads as empty. */
export const bytes: JuteType<Uint8Array> = {
  read: (reader) => reader.bytes() ?? new Uint8Array(0),
  write: (writer, value) => {
    writer.bytes(value);
  },
  leastBytes: 4,
};

/** UTF-8; "none" reads as empty. */
export const string: JuteType<string> = {
  read: (reader) => reader.string() ?? '',
  write: (writer, value) => {
    writer.string(value);
  },
  leastBytes: 4,
};

/** Many of one kind. */
export function vector<T>(element: JuteType<T>): JuteType<readonly T[]> {
  return {
    read(reader) {
      const count = reader.count(element.leastBytes);
      const values: T[] = [];
      for (let index = 0; index < count; index += 1) values.push(element.read(reader));
      return values;
    },
    write(writer, values) {
      writer.int32(values.length);
      for (const value of values) element.write(writer, value);
    },
    leastBytes: 4,
  };
}

/** Many strings; see {@link JuteReader.strings}. */
export const strings: JuteType<readonly string[]> = {
  ...vector(string),
  read: (reader) => reader.strings(),
};

type Fields = Readonly<Record<string, JuteType<unknown>>>;
type RecordOf<F> = { readonly [K in keyof F]: F[K] extends JuteType<infer T> ? T : never };

/** A record: its fields in the order they are written here. */
export function struct<F extends Fields>(fields: F): JuteType<RecordOf<F>> {
  const entries = Object.entries(fields);
  return {
    read(reader) {
      const record: Record<string, unknown> = {};
      for (const [name, type] of entries) record[name] = type.read(reader);
      return record as RecordOf<F>;
    },
    write(writer, value) {
      const record: Readonly<Record<string, unknown>> = value;
      for (const [name, type] of entries) type.write(writer, record[name]);
    },
    leastBytes: entries.reduce((sum, [, type]) => sum + type.leastBytes, 0),
  };
}
