import { inject } from 'vitest';
import { dial } from '#dial';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { clientContract } from '../contract/client-contract.js';
import { leastSessionMs } from './least-session.js';

const factory = wireClient(dial);

clientContract('the wire client on a real ZooKeeper', async () => {
  const connectString = inject('zookeeper');
  return { factory, connectString, leastSessionMs: await leastSessionMs(factory, connectString) };
});
