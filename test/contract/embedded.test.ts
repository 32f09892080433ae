import { dial } from '#dial';
import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { clientContract } from './client-contract.js';
import { LONG_SESSION_MS } from './harness.js';

const TICK_MS = 250;
/** A long session is as long as on a real server: client and server share a thread here, and a slow one. */
const times = { tickMs: TICK_MS, maxSessionTimeoutMs: LONG_SESSION_MS, containerCheckMs: 100 };

clientContract('the wire client on the embedded ZooKeeper, over TCP', async () => {
  const embedded = await createEmbeddedZooKeeper(times);
  const { connectString } = embedded;
  const close = (): Promise<void> => embedded.close();
  return { factory: wireClient(dial), connectString, leastSessionMs: 2 * TICK_MS, close };
});

clientContract(
  'the client of the embedded ZooKeeper, in its process',
  async () => {
    const embedded = await createEmbeddedZooKeeper({ ...times, port: false });
    const { connectString } = embedded;
    const close = (): Promise<void> => embedded.close();
    return { factory: embedded.client(), connectString, leastSessionMs: 2 * TICK_MS, close };
  },
  { network: false },
);
