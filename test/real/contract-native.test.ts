import { inject } from 'vitest';
import { nativeClient } from '../../src/zookeeper/native-client.js';
import { clientContract } from '../contract/client-contract.js';
import { loadNativePackage } from '../setup/native-installation.mjs';
import { leastSessionMs } from './least-session.js';

clientContract('the native client on a real ZooKeeper', async () => {
  const factory = nativeClient({ zookeeper: loadNativePackage() });
  const connectString = inject('zookeeper');
  const least = await leastSessionMs(factory, connectString);
  // Why a connection failed, the package keeps to itself.
  return { factory, connectString, leastSessionMs: least, refusal: 'ConnectionLoss' };
});
