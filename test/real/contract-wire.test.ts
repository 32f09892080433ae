import { inject } from 'vitest';
import { dial } from '#dial';
import { systemClock } from '../../src/clock.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { clientContract } from '../contract/client-contract.js';

const factory = wireClient(dial);

/** The server that is tested against may be anybody's: what it grants at least is asked of it. */
async function leastSessionMs(connectString: string): Promise<number> {
  const client = factory({
    connectString,
    sessionTimeoutMs: 1,
    maxReplyBytes: 65_536,
    auth: [],
    clock: systemClock,
    random: () => 0,
  });
  await client.connect({ deadlineMs: 20_000 });
  await client.close();
  return client.negotiatedTimeoutMs;
}

clientContract('the wire client on a real ZooKeeper', async () => {
  const connectString = inject('zookeeper');
  return { factory, connectString, leastSessionMs: await leastSessionMs(connectString) };
});
