/** The embedded server against Apache ZooKeeper itself: the same requests, the same answers and events. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEmbeddedZooKeeper, type EmbeddedZooKeeper } from '../../src/embedded/index.js';
import { type Flavour, script } from '../embedded/script.js';
import { play } from '../embedded/script-player.js';
import { type RealZooKeeper, startRealZooKeeper } from '../setup/real-zookeeper.js';

// One of our own, so that nobody else moves its zxids and nothing is reaped in between.
let real: RealZooKeeper;
let embedded: EmbeddedZooKeeper;
let scripts = 0;

beforeAll(async () => {
  real = await startRealZooKeeper({ containerCheckIntervalMs: 3_600_000 });
  embedded = await createEmbeddedZooKeeper();
});

afterAll(async () => {
  await embedded.close();
  await real.stop();
});

test.each<Flavour>(['oneShot', 'persistent', 'recursive', 'acl'])(
  'answers random scripts as a real server does, with %s watches or rights',
  async (flavour) => {
    await fc.assert(
      fc.asyncProperty(script(flavour), async (steps) => {
        scripts += 1;
        const root = `/script-${scripts}`;
        const [theirs, ours] = await Promise.all([
          play(real.port, root, steps),
          play(embedded.port as number, root, steps),
        ]);
        expect(ours).toEqual(theirs);
      }),
      { numRuns: Number(process.env['HOLDFAST_DIFFERENTIAL_RUNS'] ?? 100) },
    );
  },
);
