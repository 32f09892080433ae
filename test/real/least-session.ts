import { systemClock } from '../../src/clock.js';
import type { ClientFactory } from '../../src/zookeeper/client.js';

/** The server that is tested against may be anybody's: what it grants at least is asked of it. */
export async function leastSessionMs(factory: ClientFactory, connectString: string): Promise<number> {
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
