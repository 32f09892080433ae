import { inject } from 'vitest';
import { oneLine } from './one-line.js';
import { unsafeMixes } from './unsafe-mixes.js';

const server = () => Promise.resolve({ connectString: inject('zookeeper') });

oneLine('a real ZooKeeper', server);
unsafeMixes('a real ZooKeeper', server);
