import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, HEAD_BYTES } from '../../src/zookeeper/frames.js';

/** What a reader made of the chunks it was given. */
function framesOf(chunks: readonly Uint8Array[], limitBytes: number): string[] {
  const seen: string[] = [];
  const reader = new FrameReader(
    {
      frame: (bytes) => seen.push(`frame ${bytes.join()}`),
      oversize: (head, length) => seen.push(`oversize ${length} ${head.join()}`),
    },
    limitBytes,
  );
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

function prefixed(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(frame.length + 4);
  new DataView(bytes.buffer).setInt32(0, frame.length);
  bytes.set(frame, 4);
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Cuts `bytes` at the given places, whatever they are. */
function cutUp(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...sorted, bytes.length].map((end, index) =>
    bytes.subarray(index === 0 ? 0 : sorted[index - 1], end),
  );
}

const LIMIT_BYTES = 40;

describe('frames', () => {
  it('are the same however the stream is cut, and those over the limit leave only their head', () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 2 * LIMIT_BYTES }), { maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (sent, places) => {
        const expected = sent.map((frame) =>
          frame.length > LIMIT_BYTES
            ? `oversize ${frame.length} ${frame.subarray(0, HEAD_BYTES).join()}`
            : `frame ${frame.join()}`,
        );
        expect(framesOf(cutUp(joined(sent.map(prefixed)), places), LIMIT_BYTES)).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('of a negative length are refused', () => {
    expect(() => framesOf([Uint8Array.of(0x80, 0, 0, 0)], LIMIT_BYTES)).toThrow(
      'a frame of -2147483648 bytes',
    );
  });

  it('stop in the middle of a chunk when told to', () => {
    const seen: number[] = [];
    const reader: FrameReader = new FrameReader(
      {
        frame: (bytes) => {
          seen.push(bytes[0] ?? -1);
          reader.stop();
        },
        oversize: () => undefined,
      },
      LIMIT_BYTES,
    );
    reader.push(joined([prefixed(Uint8Array.of(1)), prefixed(Uint8Array.of(2))]));
    reader.push(prefixed(Uint8Array.of(3)));
    expect(seen).toEqual([1]);
  });
});
