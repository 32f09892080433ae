import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ReplyFrames } from './reply-frames.js';

function frame(xid: number, payload: number): Buffer {
  const bytes = Buffer.alloc(8 + payload, xid & 0xff);
  bytes.writeInt32BE(4 + payload, 0);
  bytes.writeInt32BE(xid, 4);
  return bytes;
}

it('loses exactly one answer, however the bytes are cut up, and leaves events and pings alone', () => {
  const xids = fc.array(fc.oneof(fc.constant(-1), fc.constant(-2), fc.integer({ min: 1, max: 99 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(xids, fc.integer({ min: 1, max: 40 }), fc.nat(12), (drawn, step, armedAt) => {
      const all = [frame(0, 33), ...drawn.map((xid, index) => frame(xid, (index * 7) % 30))];
      const bytes = Buffer.concat(all);
      const frames = new ReplyFrames();
      const out: Uint8Array[] = [];
      let left = 1;
      for (let at = 0, chunk = 0; at < bytes.length; at += step, chunk += 1) {
        const drop = chunk >= armedAt && left > 0 ? () => left-- > 0 : undefined;
        out.push(frames.through(bytes.subarray(at, at + step), drop));
      }
      const heard = Buffer.concat(out);
      const lost = all.findIndex((_, index) => {
        if (index === 0 || (drawn[index - 1] ?? 0) <= 0) return false;
        return heard.equals(Buffer.concat(all.filter((__, other) => other !== index)));
      });
      // Nothing is lost where nothing was armed in time, or where no answer came.
      expect(lost > 0 || (heard.equals(bytes) && left === 1)).toBe(true);
    }),
  );
});
