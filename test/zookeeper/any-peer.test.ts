/** A peer that may say anything at any time: nothing it says crashes the client, or leaves a promise unsettled. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ZooKeeperError } from '../../src/zookeeper/errors.js';
import { type Pipe, Stage, statBody } from './scripted-peer.js';

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
