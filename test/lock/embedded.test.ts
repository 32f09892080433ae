import { afterAll } from 'vitest';
import { dial } from '#dial';
import { createEmbeddedZooKeeper, type EmbeddedZooKeeper } from '../../src/embedded/index.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { lockBehaviour } from './behaviour.js';

const started: EmbeddedZooKeeper[] = [];
const start = async (options: Parameters<typeof createEmbeddedZooKeeper>[0]) => {
  const zookeeper = await createEmbeddedZooKeeper({ tickMs: 500, ...options });
  started.push(zookeeper);
  return zookeeper;
};

afterAll(async () => {
  await Promise.all(started.map((zookeeper) => zookeeper.close()));
});

lockBehaviour('the embedded ZooKeeper, in process', async () => {
  const zookeeper = await start({ port: false });
  return { connectString: zookeeper.connectString, factory: zookeeper.client(), leastSessionMs: 1_000 };
});

lockBehaviour('the embedded ZooKeeper, over TCP', async () => {
  const zookeeper = await start({});
  return { connectString: zookeeper.connectString, factory: wireClient(dial), leastSessionMs: 1_000 };
});
