import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import { besideOthers } from './beside-others.js';

besideOthers('the embedded ZooKeeper', () =>
  createEmbeddedZooKeeper({ tickMs: 500, maxSessionTimeoutMs: 60_000, containerCheckMs: 1_000 }),
);
