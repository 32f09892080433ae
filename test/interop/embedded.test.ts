import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import { oneLine } from './one-line.js';
import { unsafeMixes } from './unsafe-mixes.js';

const server = () => createEmbeddedZooKeeper({ tickMs: 500, maxSessionTimeoutMs: 60_000 });

oneLine('the embedded ZooKeeper', server);
unsafeMixes('the embedded ZooKeeper', server);
