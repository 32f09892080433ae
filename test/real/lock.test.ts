import { inject } from 'vitest';
import { dial } from '#dial';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { lockBehaviour } from '../lock/behaviour.js';

lockBehaviour('a real ZooKeeper', () =>
  Promise.resolve({ connectString: inject('zookeeper'), factory: wireClient(dial), leastSessionMs: 1_000 }),
);
