/** Clients that may send anything: nothing they send stops the server, fills its memory, or reaches another client. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import { JuteWriter } from '../../src/zookeeper/jute.js';
import {
  AddWatchRequest,
  AuthRequest,
  ConnectRequest,
  CreateRequest,
  MultiHeader,
  multiEnd,
  opcode,
  PathRequest,
  SaslToken,
  SetAclRequest,
  SetDataRequest,
  SetWatches2,
  WatchedPathRequest,
} from '../../src/zookeeper/records.js';
import { framing, mangle } from '../setup/mangled-bytes.js';
import { SteppingClock } from '../setup/stepping-clock.js';
import { bytes, memoryClient, NO_DATA } from './connected-client.js';

const acl = [{ permissions: 31, scheme: 'world', id: 'anyone' }];
const create = { path: '/any/x-', data: bytes('data'), acl, flags: 3 };

/** One good request of every kind; the xid is in front. */
const requests: readonly Uint8Array[] = (
  [
    [
      opcode.create2,
      (writer) => {
        CreateRequest.write(writer, create);
      },
    ],
    [
      opcode.createContainer,
      (writer) => {
        CreateRequest.write(writer, { ...create, flags: 4 });
      },
    ],
    [
      opcode.getData,
      (writer) => {
        WatchedPathRequest.write(writer, { path: '/any', watch: true });
      },
    ],
    [
      opcode.getChildren2,
      (writer) => {
        WatchedPathRequest.write(writer, { path: '/any', watch: true });
      },
    ],
    [
      opcode.exists,
      (writer) => {
        WatchedPathRequest.write(writer, { path: '/no', watch: true });
      },
    ],
    [
      opcode.setData,
      (writer) => {
        SetDataRequest.write(writer, { path: '/any', data: NO_DATA, version: -1 });
      },
    ],
    [
      opcode.setAcl,
      (writer) => {
        SetAclRequest.write(writer, { path: '/any', acl, version: -1 });
      },
    ],
    [
      opcode.getAcl,
      (writer) => {
        PathRequest.write(writer, { path: '/any' });
      },
    ],
    [
      opcode.sync,
      (writer) => {
        PathRequest.write(writer, { path: '/any' });
      },
    ],
    [
      opcode.addWatch,
      (writer) => {
        AddWatchRequest.write(writer, { path: '/any', mode: 1 });
      },
    ],
    [
      opcode.auth,
      (writer) => {
        AuthRequest.write(writer, { type: 0, scheme: 'digest', auth: bytes('a:b') });
      },
    ],
    [
      opcode.sasl,
      (writer) => {
        SaslToken.write(writer, { token: NO_DATA });
      },
    ],
    [opcode.ping, () => undefined],
    [
      opcode.multi,
      (writer) => {
        MultiHeader.write(writer, { type: opcode.create2, done: false, error: -1 });
        CreateRequest.write(writer, create);
        MultiHeader.write(writer, multiEnd);
      },
    ],
    [
      opcode.setWatches2,
      (writer) => {
        const paths = ['/any'];
        SetWatches2.write(writer, {
          relativeZxid: 0n,
          dataWatches: paths,
          existsWatches: ['/no'],
          childWatches: paths,
          persistentWatches: paths,
          persistentRecursiveWatches: paths,
        });
      },
    ],
  ] as readonly [number, (writer: JuteWriter) => void][]
).map(([type, body], index) => {
  const writer = new JuteWriter();
  writer.int32(index + 1);
  writer.int32(type);
  body(writer);
  return writer.toBytes();
});

function handshake(): Uint8Array {
  const writer = new JuteWriter();
  ConnectRequest.write(writer, {
    protocolVersion: 0,
    lastZxidSeen: 0n,
    timeoutMs: 10_000,
    sessionId: '0',
    password: new Uint8Array(16),
  });
  writer.boolean(false);
  return writer.toBytes();
}

const BOMB_BYTES = 64 * 1024 * 1024;

it('the server goes on serving, and forgets them when they are gone', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const message = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...requests) },
    fc.constant(handshake()),
    fc.uint8Array({ maxLength: 60 }),
  );
  const step = fc.record({ message, mangle, framing, pieces: fc.integer({ min: 1, max: 50 }) });
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 20 }), async (greeted, steps) => {
      const clock = new SteppingClock();
      const zooKeeper = await createEmbeddedZooKeeper({ port: false, clock });
      const neighbour = await memoryClient(zooKeeper, { clock });
      await neighbour.create('/any', NO_DATA);
      await neighbour.create('/mine', bytes('untouched'), { mode: 'ephemeral' });

      let told = 0;
      let ended = false;
      const peer = zooKeeper.server.connect(
        {
          send: ({ length }) => {
            told += length;
          },
          close: () => {
            ended = true;
          },
        },
        '10.0.0.9',
      );
      const say = (frame: Uint8Array, pieces: number): void => {
        for (let from = 0; from < frame.length && !ended; from += pieces)
          peer.receive(frame.slice(from, from + pieces));
      };
      const framed = (body: Uint8Array): Uint8Array => {
        const writer = new JuteWriter();
        writer.bytes(body);
        return writer.toBytes();
      };
      if (greeted) say(framed(handshake()), 64);
      let said = 0;
      for (const { message: good, mangle: change, framing: frame, pieces } of steps) {
        const wrong = frame(change(good));
        said += wrong.length;
        say(wrong, pieces);
      }
      await clock.settle();

      const { data } = await neighbour.getData('/mine');
      expect(data).toEqual(bytes('untouched'));
      expect(told).toBeLessThan(500 + 100 * said);
      peer.closed();
      expect(zooKeeper.sessions().length).toBeLessThanOrEqual(2);
      // Its session ends when nobody speaks for it, and what was ephemeral goes.
      await clock.advance(60_000);
      expect(zooKeeper.sessions().map(({ id }) => id)).toEqual([neighbour.sessionId]);
      const owners = zooKeeper.nodes().map(({ ephemeralOwner }) => ephemeralOwner);
      expect(owners.filter((owner) => owner !== '0' && owner !== neighbour.sessionId)).toEqual([]);
      expect((await neighbour.getChildren('/')).children).toContain('any');
      await clock.until(neighbour.close());
      await zooKeeper.close();
      expect(clock.pendingCount).toBe(0);
    }),
    { numRuns: 300 },
  );
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(BOMB_BYTES);
});
