import { inject } from 'vitest';
import { besideOthers } from './beside-others.js';

besideOthers('a real ZooKeeper', () => Promise.resolve({ connectString: inject('zookeeper') }));
