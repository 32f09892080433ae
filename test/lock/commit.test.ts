import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEmbeddedZooKeeper, type EmbeddedZooKeeper } from '../../src/embedded/index.js';
import { connect } from '../../src/index.js';
import type { ClientFactory } from '../../src/zookeeper/client.js';

let zooKeeper: EmbeddedZooKeeper;

beforeAll(async () => {
  zooKeeper = await createEmbeddedZooKeeper({ port: false });
});

afterAll(async () => {
  await zooKeeper.close();
});

/** As a client that can do less: whoever asks it for a transaction all the same has not looked. */
const withoutTransactions: ClientFactory = (options) => {
  const client = zooKeeper.client()(options);
  return new Proxy(client, {
    get(target, name) {
      if (name === 'capabilities') return { ...target.capabilities, multi: false };
      if (name === 'multi') throw new Error('asked for a transaction');
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
};

it('a lease of a client without transactions refuses to commit, says what to do instead, and is still held', async () => {
  await using session = connect('memory', { client: withoutTransactions });
  const lease = await session.lock('/locks/a').acquire();
  const refusal: unknown = await lease
    .commit([{ type: 'create', path: '/made' }])
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({
    code: 'COMMIT_REFUSED',
    path: '/locks/a',
    cause: { code: 'NotSupported' },
  });
  expect((refusal as Error).message).toContain('send fencingToken along');
  expect(lease.isHeld()).toBe(true);
  expect(zooKeeper.nodes().map(({ path }) => path)).not.toContain('/made');
});
