/** Messages that were right until something happened to them: what a broken peer, or a hostile one, may send. */
import fc from 'fast-check';

/** What happens to a message. */
export type Mangle = (bytes: Uint8Array) => Uint8Array;

/** Lengths and counts that a careless reader would allocate for, loop to, or index with. */
const BOMBS = [2_147_483_647, 2_147_483_646, -1, -2, -2_147_483_648, 0x7f00_0000, 16_777_216, 0] as const;

function with32(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = new Uint8Array(Math.max(bytes.length, 4));
  changed.set(bytes);
  new DataView(changed.buffer).setInt32(at % (changed.length - 3), value);
  return changed;
}

const mangles: fc.Arbitrary<Mangle> = fc.oneof(
  fc.nat(200).map(
    (length): Mangle =>
      (bytes) =>
        bytes.slice(0, length % (bytes.length + 1)),
  ),
  fc.uint8Array({ maxLength: 20 }).map(
    (more): Mangle =>
      (bytes) =>
        Uint8Array.of(...bytes, ...more),
  ),
  fc.tuple(fc.nat(200), fc.nat(255)).map(
    ([at, byte]): Mangle =>
      (bytes) => {
        const changed = bytes.slice();
        if (bytes.length > 0) changed[at % bytes.length] = byte;
        return changed;
      },
  ),
  fc.tuple(fc.nat(200), fc.constantFrom(...BOMBS)).map(
    ([at, value]): Mangle =>
      (bytes) =>
        with32(bytes, at, value),
  ),
);

/** Nothing, one of the above, or a few, one after another. */
export const mangle: fc.Arbitrary<Mangle> = fc.array(mangles, { maxLength: 3 }).map(
  (several): Mangle =>
    (bytes) =>
      several.reduce((changed, one) => one(changed), bytes),
);

/** A length in front that is right, or is not. */
export const framing: fc.Arbitrary<(message: Uint8Array) => Uint8Array> = fc
  .oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom(...BOMBS, 1, 17, 65))
  .map((length) => (message) => {
    const frame = new Uint8Array(message.length + 4);
    frame.set(message, 4);
    new DataView(frame.buffer).setInt32(0, length ?? message.length);
    return frame;
  });
