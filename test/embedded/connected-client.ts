/** Clients for the tests of the embedded server: the wire client over TCP, and in process. */
import { type Clock, systemClock } from '../../src/clock.js';
import type { EmbeddedZooKeeper } from '../../src/embedded/index.js';
import { seededRandom } from '../../src/embedded/seeded-random.js';
import type { ClientFactory, ClientOptions, ZooKeeperClient } from '../../src/zookeeper/client.js';
import { dial } from '../../src/zookeeper/socket.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';

export const NO_DATA = new Uint8Array(0);

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const text = (data: Uint8Array): string => new TextDecoder().decode(data);

export function clientOptions(connectString: string, options: Partial<ClientOptions> = {}): ClientOptions {
  return {
    connectString,
    sessionTimeoutMs: 10_000,
    maxReplyBytes: 16 * 1024 * 1024,
    auth: [],
    clock: systemClock,
    random: seededRandom(1),
    ...options,
  };
}

/** A client that is connected already, over TCP. */
export async function tcpClient(
  connectString: string,
  options: Partial<ClientOptions> = {},
): Promise<ZooKeeperClient> {
  const client = wireClient(dial)(clientOptions(connectString, options));
  await client.connect({ deadlineMs: 10_000 });
  return client;
}

/** A client that is connected already, without a socket. */
export async function memoryClient(
  zooKeeper: EmbeddedZooKeeper,
  options: Partial<ClientOptions> & { readonly clock: Clock },
  factory: ClientFactory = zooKeeper.client(),
): Promise<ZooKeeperClient> {
  const client = factory(clientOptions(zooKeeper.connectString, options));
  await client.connect({ deadlineMs: 10_000 });
  return client;
}
