import { inject } from 'vitest';
import { dial } from '#dial';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { clientContract } from '../contract/client-contract.js';

clientContract('the wire client on a real ZooKeeper', () =>
  Promise.resolve({
    factory: wireClient(dial),
    connectString: inject('zookeeper'),
    leastSessionMs: 1_000,
  }),
);
