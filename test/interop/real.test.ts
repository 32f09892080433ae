import { inject } from 'vitest';
import { curatorRecipes } from './curator-recipes.js';
import { oneLine } from './one-line.js';
import { readersAndWriters } from './readers-and-writers.js';
import { requestsAndData } from './requests-and-data.js';
import { unsafeMixes } from './unsafe-mixes.js';

const server = () => Promise.resolve({ connectString: inject('zookeeper') });

oneLine('a real ZooKeeper', server);
unsafeMixes('a real ZooKeeper', server);
readersAndWriters('a real ZooKeeper', server);
curatorRecipes('a real ZooKeeper', server);
requestsAndData('a real ZooKeeper', server);
