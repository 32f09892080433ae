/**
 * MD5 (RFC 1321), for SASL's DIGEST-MD5 only, which is made of it; it protects nothing else. Neither a page's
 * `crypto.subtle` nor every Node build (FIPS) has it.
 */
export function md5(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array((((message.length + 8) >> 6) + 1) * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n, true);

  const hash = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  const words = new Int32Array(16);
  for (let block = 0; block < padded.length; block += 64) {
    for (let index = 0; index < 16; index += 1) words[index] = view.getInt32(block + index * 4, true);
    compress(hash, words);
  }
  const digest = new Uint8Array(16);
  const out = new DataView(digest.buffer);
  hash.forEach((word, index) => {
    out.setInt32(index * 4, word, true);
  });
  return digest;
}

/** RFC 1321, 3.4: T[i] is the integer part of 2^32 · |sin(i + 1)|. */
const sines = Int32Array.from({ length: 64 }, (_, step) =>
  Math.trunc(Math.abs(Math.sin(step + 1)) * 2 ** 32),
);
/** By how much each step of a round rotates. */
const shifts = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;

function compress(hash: Int32Array, words: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0] = hash;
  for (let step = 0; step < 64; step += 1) {
    const [mixed, word] = stepOf(step, b, c, d);
    const sum = (a + mixed + at(sines, step) + at(words, word)) | 0;
    const shift = shifts[step >> 4]?.[step & 3] ?? 0;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  [a, b, c, d].forEach((word, index) => {
    hash[index] = (at(hash, index) + word) | 0;
  });
}

/** The round's function of three words, and which word of the block it is added to. */
function stepOf(step: number, b: number, c: number, d: number): readonly [number, number] {
  if (step < 16) return [(b & c) | (~b & d), step];
  if (step < 32) return [(b & d) | (c & ~d), (5 * step + 1) % 16];
  if (step < 48) return [b ^ c ^ d, (3 * step + 5) % 16];
  return [c ^ (b | ~d), (7 * step) % 16];
}

function at(words: Int32Array, index: number): number {
  return words[index] as number;
}
