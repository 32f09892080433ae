import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZooKeeperError } from '../../src/zookeeper/errors.js';
import { JuteReader, type JuteType, JuteWriter } from '../../src/zookeeper/jute.js';
import * as records from '../../src/zookeeper/records.js';

const anyInt32 = fc.integer({ min: -2_147_483_648, max: 2_147_483_647 });
const anyInt64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const anySessionId = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((id) => id.toString(16));
const anyBytes = fc.uint8Array({ maxLength: 64 });
const anyText = fc.string({ unit: 'binary', maxLength: 20 });
const anyTexts = fc.array(anyText, { maxLength: 5 });
const anyTime = fc.integer({ min: 0, max: 2 ** 53 - 1 });

const anyStat = fc.record({
  czxid: anyInt64,
  mzxid: anyInt64,
  ctimeMs: anyTime,
  mtimeMs: anyTime,
  version: anyInt32,
  cversion: anyInt32,
  aversion: anyInt32,
  ephemeralOwner: anySessionId,
  dataLength: anyInt32,
  numChildren: anyInt32,
  pzxid: anyInt64,
});
const anyAcl = fc.array(fc.record({ permissions: anyInt32, scheme: anyText, id: anyText }), { maxLength: 3 });

function written<T>(type: JuteType<T>, value: T): Uint8Array {
  const writer = new JuteWriter(1);
  type.write(writer, value);
  return writer.toBytes();
}

function expectRoundTrip<T>(type: JuteType<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = written(type, value);
      const reader = new JuteReader(bytes);
      expect(type.read(reader)).toEqual(value);
      expect(reader.remaining).toBe(0);
      expect(bytes.length).toBeGreaterThanOrEqual(type.leastBytes);
    }),
  );
}

describe('a record is read as it was written:', () => {
  it('the handshake', () => {
    const common = {
      protocolVersion: anyInt32,
      timeoutMs: anyInt32,
      sessionId: anySessionId,
      password: anyBytes,
    };
    expectRoundTrip(records.ConnectRequest, fc.record({ ...common, lastZxidSeen: anyInt64 }));
    expectRoundTrip(records.ConnectResponse, fc.record(common));
  });

  it('stats, permissions and lists', () => {
    expectRoundTrip(records.StatRecord, anyStat);
    expectRoundTrip(records.AclResponse, fc.record({ acl: anyAcl, stat: anyStat }));
    expectRoundTrip(records.ChildrenStatResponse, fc.record({ children: anyTexts, stat: anyStat }));
    expectRoundTrip(records.DataResponse, fc.record({ data: anyBytes, stat: anyStat }));
  });

  it('creates and watches', () => {
    const create = { path: anyText, data: anyBytes, acl: anyAcl, flags: anyInt32 };
    expectRoundTrip(records.CreateRequest, fc.record(create));
    expectRoundTrip(records.CreateTtlRequest, fc.record({ ...create, ttlMs: anyTime }));
    expectRoundTrip(
      records.SetWatches2,
      fc.record({
        relativeZxid: anyInt64,
        dataWatches: anyTexts,
        existsWatches: anyTexts,
        childWatches: anyTexts,
        persistentWatches: anyTexts,
        persistentRecursiveWatches: anyTexts,
      }),
    );
    expectRoundTrip(records.WatcherEvent, fc.record({ type: anyInt32, state: anyInt32, path: anyText }));
  });
});

describe('any bytes', () => {
  const types = (Object.values(records) as unknown[]).filter(
    (value): value is JuteType<unknown> =>
      typeof value === 'object' && value !== null && 'leastBytes' in value,
  );

  it('are a record or are refused, typed, and never read past their end', () => {
    expect(types.length).toBeGreaterThan(20);
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 200 }), (type, bytes) => {
        const reader = new JuteReader(bytes);
        try {
          type.read(reader);
        } catch (error) {
          expect(error).toBeInstanceOf(ZooKeeperError);
          expect(error).toMatchObject({ code: 'ProtocolViolation' });
        }
        expect(reader.remaining).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('that break off are refused', () => {
    fc.assert(
      fc.property(fc.record({ data: anyBytes, stat: anyStat }), fc.nat(), (value, cut) => {
        const bytes = written(records.DataResponse, value);
        const short = bytes.subarray(0, cut % bytes.length);
        expect(() => records.DataResponse.read(new JuteReader(short))).toThrow(ZooKeeperError);
      }),
    );
  });

  it('do not make a list longer than they are, whatever length they claim', () => {
    const writer = new JuteWriter();
    writer.int32(2_000_000_000);
    writer.int32(0);
    expect(() => records.ChildrenResponse.read(new JuteReader(writer.toBytes()))).toThrow(
      '2000000000 elements',
    );
  });
});

describe('numbers, text and bytes', () => {
  it('stand on the wire as the protocol says', () => {
    const writer = new JuteWriter();
    writer.int32(-2);
    writer.int64(-3n);
    writer.boolean(true);
    writer.string('ü');
    writer.bytes(null);
    const expected = [
      [0xff, 0xff, 0xff, 0xfe],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfd],
      [1],
      [0, 0, 0, 2, 0xc3, 0xbc],
      [0xff, 0xff, 0xff, 0xff],
    ].flat();
    expect([...writer.toBytes()]).toEqual(expected);
    expect([...writer.toFrame()]).toEqual([0, 0, 0, expected.length, ...expected]);
  });

  it('may be none', () => {
    const none = Uint8Array.of(0xff, 0xff, 0xff, 0xff);
    expect(new JuteReader(none).string()).toBeNull();
    expect(new JuteReader(none).bytes()).toBeNull();
    expect(new JuteReader(none).count(4)).toBe(0);
  });

  it('keep a mark in front of the text, which is part of a name here', () => {
    expectRoundTrip(records.PathResponse, fc.constant({ path: '\u{feff}name' }));
  });

  it('of a long list are the same whether it is plain or not', () => {
    const plain = fc.stringMatching(/^[\x20-\x7e]{0,140}$/);
    const one = fc.oneof({ weight: 20, arbitrary: plain }, { weight: 1, arbitrary: anyText });
    const children = fc.array(one, { minLength: 6, maxLength: 60 });
    expectRoundTrip(records.ChildrenStatResponse, fc.record({ children, stat: anyStat }));
    expectRoundTrip(records.ChildrenResponse, fc.record({ children: fc.array(plain, { maxLength: 60 }) }));
  });

  it('of a long list that breaks off are refused', () => {
    const bytes = written(records.ChildrenResponse, { children: Array.from({ length: 20 }, () => 'name') });
    for (let length = 4; length < bytes.length; length += 1)
      expect(() => records.ChildrenResponse.read(new JuteReader(bytes.subarray(0, length)))).toThrow(
        ZooKeeperError,
      );
  });

  it('that are read stay what they were when the memory they came in is used again', () => {
    const memory = Buffer.from(written(records.SaslToken, { token: Uint8Array.of(1, 2, 3) }));
    const { token } = records.SaslToken.read(new JuteReader(memory));
    memory.fill(0);
    expect([...token]).toEqual([1, 2, 3]);
  });

  it('write a session as unsigned hex', () => {
    const writer = new JuteWriter();
    writer.int64(-1n);
    expect(records.StatRecord.leastBytes).toBe(68);
    expect(new JuteReader(writer.toBytes()).int64()).toBe(-1n);
    const response = {
      protocolVersion: 0,
      timeoutMs: 1,
      sessionId: 'ffffffffffffffff',
      password: new Uint8Array(0),
    };
    expect(records.ConnectResponse.read(new JuteReader(written(records.ConnectResponse, response)))).toEqual(
      response,
    );
  });
});
