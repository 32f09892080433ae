/** A peer that may say anything at any time: nothing it says crashes the client, fills its memory, or leaves a promise unsettled. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ZooKeeperError } from '../../src/zookeeper/errors.js';
import { JuteWriter } from '../../src/zookeeper/jute.js';
import { MultiHeader, multiEnd, opcode, reservedXid, SaslToken } from '../../src/zookeeper/records.js';
import { framing, mangle } from '../setup/mangled-bytes.js';
import { type Pipe, SESSION_MS, type SentRequest, Stage, statBody } from './scripted-peer.js';

type Act = (pipe: Pipe) => void;

const small = fc.integer({ min: -10, max: 10 });
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => (pipe: Pipe) => {
    pipe.say(bytes);
  }),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => (pipe: Pipe) => {
    pipe.message((writer) => {
      for (const byte of bytes) writer.boolean(byte % 2 === 0);
    });
  }),
  fc.tuple(small, small).map(([xid, error]) => (pipe: Pipe) => {
    pipe.reply(xid, { error: error > 0 ? 0 : error * 10 - 1, body: statBody });
  }),
  fc.tuple(small, fc.string()).map(([type, path]) => (pipe: Pipe) => {
    pipe.event(type, path);
  }),
  fc.constant((pipe: Pipe) => {
    pipe.accept();
  }),
  fc.constant((pipe: Pipe) => {
    pipe.hangUp();
  }),
);

it('every promise settles with an answer or a typed error, and no timer is left, whatever the peer says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(act, { maxLength: 12 }), async (begun, acts) => {
      const stage = new Stage({ maxReplyBytes: 64 });
      const outcomes: Promise<unknown>[] = [stage.connect()];
      if (begun) stage.pipe.accept();
      for (const perform of acts) {
        await stage.clock.advance(30);
        outcomes.push(stage.client.exists('/a', () => undefined));
        outcomes.push(stage.client.getChildren('/a'), stage.client.multi([{ type: 'check', path: '/a' }]));
        for (const outcome of outcomes) outcome.catch(() => undefined);
        if (!stage.pipe.destroyed) perform(stage.pipe);
      }
      outcomes.push(stage.clock.until(stage.client.close()));
      for (const outcome of await Promise.allSettled(outcomes)) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ZooKeeperError);
      }
      expect(['closed', 'lost']).toContain(stage.client.state.kind);
      expect(stage.clock.pendingCount).toBe(0);
      expect(stage.pipes.filter(({ destroyed }) => !destroyed).length).toBe(0);
    }),
    { numRuns: 300 },
  );
});

/** What a good server would answer. */
function goodAnswer({ xid, type }: SentRequest): Uint8Array {
  const writer = new JuteWriter();
  writer.int32(xid);
  writer.int64(5n);
  writer.int32(0);
  switch (type) {
    case opcode.getData:
      writer.bytes(new Uint8Array(5));
      statBody(writer);
      break;
    case opcode.getChildren2:
      writer.int32(2);
      writer.string('a');
      writer.string('b');
      statBody(writer);
      break;
    case opcode.getAcl:
      writer.int32(1);
      writer.int32(31);
      writer.string('world');
      writer.string('anyone');
      statBody(writer);
      break;
    case opcode.create2:
      writer.string('/a');
      statBody(writer);
      break;
    case opcode.multi:
      MultiHeader.write(writer, { type: opcode.check, done: false, error: 0 });
      MultiHeader.write(writer, multiEnd);
      break;
    case opcode.sasl: {
      const challenge = 'realm="r",nonce="n",charset=utf-8,algorithm=md5-sess';
      SaslToken.write(writer, { token: new TextEncoder().encode(challenge) });
      break;
    }
    default:
      statBody(writer);
  }
  return writer.toBytes();
}

function goodEvent(): Uint8Array {
  const writer = new JuteWriter();
  writer.int32(reservedXid.notification);
  writer.int64(-1n);
  writer.int32(0);
  writer.int32(3);
  writer.int32(3);
  writer.string('/a');
  return writer.toBytes();
}

/** Everything a client can ask, once. */
function askEverything({ client }: Stage): Promise<unknown>[] {
  const bytes = new Uint8Array(3);
  return [
    client.getData('/a', () => undefined),
    client.getChildren('/a', () => undefined),
    client.exists('/a', () => undefined),
    client.getAcl('/a'),
    client.create('/a', bytes),
    client.setData('/a', bytes, -1),
    client.multi([{ type: 'check', path: '/a' }]),
    client.addAuth('digest', bytes),
    client.sync('/a'),
  ];
}

const BOMB_BYTES = 64 * 1024 * 1024;

it('right answers that were cut, stretched, changed or given absurd lengths settle every request by themselves', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const step = fc.record({ mangle, framing, event: fc.boolean(), pieces: fc.integer({ min: 1, max: 40 }) });
  const sasl = fc.boolean();
  await fc.assert(
    fc.asyncProperty(sasl, fc.array(step, { minLength: 1, maxLength: 12 }), async (withSasl, steps) => {
      const auth = withSasl ? [{ scheme: 'sasl', auth: new TextEncoder().encode('u:p') }] : [];
      const stage = new Stage({ maxReplyBytes: 1 << 20, auth });
      const outcomes: Promise<unknown>[] = [stage.connect(3 * SESSION_MS)];
      let settled = 0;
      const watch = (asked: Promise<unknown>): void => {
        outcomes.push(asked.finally(() => (settled += 1)));
        outcomes.at(-1)?.catch(() => undefined);
      };
      const answered = new Map<Pipe, number>();
      for (const { mangle: change, framing: frame, event, pieces } of steps) {
        await stage.clock.advance(60);
        const { pipe } = stage;
        if (!answered.has(pipe)) {
          answered.set(pipe, 0);
          pipe.accept();
        }
        for (const asked of askEverything(stage)) watch(asked);
        const at = answered.get(pipe) ?? 0;
        const request = pipe.requests[at];
        answered.set(pipe, at + 1);
        const message = event || request === undefined ? goodEvent() : goodAnswer(request);
        const bytes = frame(change(message));
        for (let from = 0; from < bytes.length && !pipe.destroyed; from += pieces)
          pipe.say(bytes.slice(from, from + pieces));
      }
      // Nobody says anything any more, and nobody closes the client: requests end by its own patience.
      await stage.clock.advance(3 * SESSION_MS);
      expect(settled).toBe(outcomes.length - 1);
      outcomes.push(stage.clock.until(stage.client.close()));
      for (const outcome of await Promise.allSettled(outcomes)) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ZooKeeperError);
      }
      expect(stage.clock.pendingCount).toBe(0);
    }),
    { numRuns: 300 },
  );
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(BOMB_BYTES);
});
