import { inject } from 'vitest';
import { oneLine } from './one-line.js';

const server = () => Promise.resolve({ connectString: inject('zookeeper') });

oneLine('a real ZooKeeper', server);
