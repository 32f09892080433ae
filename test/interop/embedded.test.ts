import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import { curatorRecipes } from './curator-recipes.js';
import { oneLine } from './one-line.js';
import { readersAndWriters } from './readers-and-writers.js';
import { requestsAndData } from './requests-and-data.js';
import { unsafeMixes } from './unsafe-mixes.js';

const server = () => createEmbeddedZooKeeper({ tickMs: 500, maxSessionTimeoutMs: 60_000 });

oneLine('the embedded ZooKeeper', server);
unsafeMixes('the embedded ZooKeeper', server);
readersAndWriters('the embedded ZooKeeper', server);
curatorRecipes('the embedded ZooKeeper', server);
requestsAndData('the embedded ZooKeeper', server);
