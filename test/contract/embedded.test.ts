import { dial } from '#dial';
import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { clientContract } from './client-contract.js';

const TICK_MS = 250;
const CONTAINER_CHECK_MS = 100;

clientContract('the wire client on the embedded ZooKeeper, over TCP', async () => {
  const embedded = await createEmbeddedZooKeeper({ tickMs: TICK_MS, containerCheckMs: CONTAINER_CHECK_MS });
  const { connectString } = embedded;
  const close = (): Promise<void> => embedded.close();
  return { factory: wireClient(dial), connectString, leastSessionMs: 2 * TICK_MS, close };
});

clientContract(
  'the client of the embedded ZooKeeper, in its process',
  async () => {
    const embedded = await createEmbeddedZooKeeper({
      port: false,
      tickMs: TICK_MS,
      containerCheckMs: CONTAINER_CHECK_MS,
    });
    const { connectString } = embedded;
    const close = (): Promise<void> => embedded.close();
    return { factory: embedded.client(), connectString, leastSessionMs: 2 * TICK_MS, close };
  },
  { network: false },
);
