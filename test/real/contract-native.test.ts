import { inject } from 'vitest';
import { nativeClient } from '../../src/zookeeper/native-client.js';
import { clientContract } from '../contract/client-contract.js';
import { loadNativePackage } from '../setup/native-installation.mjs';
import { leastSessionMs } from './least-session.js';

clientContract('the native client on a real ZooKeeper', async () => {
  const factory = nativeClient({ zookeeper: loadNativePackage() });
  const connectString = inject('zookeeper');
  return { factory, connectString, leastSessionMs: await leastSessionMs(factory, connectString) };
});
