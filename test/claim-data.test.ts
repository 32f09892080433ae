import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeClaim, encodeClaim } from '../src/claim-data.js';

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const parsed = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;

describe("a claim's data", () => {
  it('is answered whatever the bytes are (K19)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(decodeClaim(bytes).rest).toBeDefined();
      }),
    );
    for (const value of [null, 3, 'x', [1], '192.168.0.1'])
      expect(decodeClaim(text(value))).toEqual({ rest: {} });
  });

  it('without a time to live carries a deadline that the Go package never reaches (K01, K11)', () => {
    expect(parsed(encodeClaim({ rest: {} }))['ttl_deadline']).toBe('9999-12-31T23:59:59Z');
    expect(decodeClaim(encodeClaim({ rest: {} })).ttlDeadlineMs).toBeUndefined();
  });

  it('reads what the Go package wrote', () => {
    const go = text({
      timestamp: '2026-11-23T10:00:00.123456789Z',
      ttl_deadline: '2026-11-23T10:00:30.123456789Z',
      owner_id: 'broker-7',
    });
    const { madeMs, ttlDeadlineMs, owner } = decodeClaim(go);
    expect(owner).toBe('broker-7');
    expect((ttlDeadlineMs ?? 0) - (madeMs ?? 0)).toBe(30_000);
  });

  it('takes the Go package\'s "<nil>" for no owner (K29)', () => {
    expect(decodeClaim(text({ owner_id: '<nil>' })).owner).toBeUndefined();
  });

  it('comes back as it was written, with the fields that others put there', () => {
    const data = {
      madeMs: 1_000,
      ttlDeadlineMs: 2_000,
      owner: 'me',
      version: 1,
      ttlMs: 1_000,
      host: 'h',
      pid: 7,
      sessionTimeoutMs: 15_000,
      place: 4_294_967_297n,
      revoke: { by: 'ops', why: 'maintenance', graceMs: 500 },
      rest: { color: 'red' },
    };
    expect(decodeClaim(encodeClaim(data))).toEqual(data);
  });

  it('says what it is to say whatever was written before it, and when', () => {
    const claims = fc.record(
      {
        madeMs: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: -5_000, max: 4e14 })),
        owner: fc.constantFrom('me', 'you'),
        version: fc.constant(1),
        ttlMs: fc.constant(1_000),
        host: fc.constant('h'),
        pid: fc.constantFrom(7, 8),
        sessionTimeoutMs: fc.constant(15_000),
        rest: fc.constantFrom({}, { revoke: 'now' }),
      },
      { requiredKeys: ['rest', 'version', 'madeMs'] },
    );
    fc.assert(
      fc.property(fc.array(claims, { maxLength: 8 }), (line) => {
        for (const data of line) expect(decodeClaim(encodeClaim(data))).toEqual(data);
        const written = line.map((data) => encodeClaim(data));
        expect(written.map((bytes) => decodeClaim(bytes))).toEqual(line);
      }),
    );
  });
});
