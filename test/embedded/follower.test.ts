/**
 * A follower that lags behind its leader, built from the server's own parts: what the simulation needs to be
 * possible without touching them. Reads and watches are answered from its replica, everything else by the leader.
 */
import { expect, test } from 'vitest';
import { pipeDial } from '../../src/embedded/client.js';
import { createEmbeddedZooKeeper, type EmbeddedZooKeeper } from '../../src/embedded/index.js';
import {
  type ConnectionServer,
  ServerConnection,
  type Verdict,
} from '../../src/embedded/server-connection.js';
import { WatchTable } from '../../src/embedded/watch-table.js';
import { type Transaction, ZnodeTree } from '../../src/embedded/znode-tree.js';
import { opcode } from '../../src/zookeeper/records.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { SteppingClock } from '../setup/stepping-clock.js';
import { memoryClient, NO_DATA } from './connected-client.js';

class Follower implements ConnectionServer {
  readonly tree = new ZnodeTree();
  readonly watches = new WatchTable<ServerConnection>();
  readonly counters = { packetsReceived: 0, packetsSent: 0 };
  readonly longestFrameBytes = 1_048_575;
  readonly backlog: Transaction[] = [];
  leader!: EmbeddedZooKeeper['server'];

  readonly verdict = ({ type }: { readonly type: number }): Verdict => {
    if (type === opcode.sync) this.catchUp();
    return 'serve';
  };

  catchUp(): void {
    for (const transaction of this.backlog.splice(0)) {
      for (const change of this.tree.replay(transaction).changes) {
        for (const connection of this.watches.trigger(change)) connection.notify(change, transaction.zxid);
      }
    }
  }

  greet(...[connection, request]: Parameters<ConnectionServer['greet']>) {
    const answer = this.leader.greet(connection, request);
    this.catchUp();
    return answer;
  }

  touch(sessionId: string): boolean {
    return this.leader.touch(sessionId);
  }

  write(...[request, requester]: Parameters<ConnectionServer['write']>) {
    const written = this.leader.write(request, requester);
    this.catchUp();
    return written;
  }

  writeAll(...[requests, requester]: Parameters<ConnectionServer['writeAll']>) {
    const outcome = this.leader.writeAll(requests, requester);
    this.catchUp();
    return outcome;
  }

  useUpZxid(): void {
    this.leader.useUpZxid();
  }

  endSession(sessionId: string): void {
    this.leader.endSession(sessionId);
    this.catchUp();
  }

  left(connection: ServerConnection): void {
    this.watches.removeAll(connection);
    this.leader.left(connection);
  }

  served(): void {
    this.leader.served();
  }
}

test('a follower can lag behind: it answers from the past until it has caught up, and sync makes it', async () => {
  const clock = new SteppingClock();
  const follower = new Follower();
  await using zooKeeper = await createEmbeddedZooKeeper({
    port: false,
    clock,
    onTransaction: (transaction) => follower.backlog.push(transaction),
  });
  follower.leader = zooKeeper.server;
  const atFollower = wireClient(pipeDial((sink) => new ServerConnection(follower, sink, '127.0.0.1')));
  const reader = await memoryClient(zooKeeper, { clock }, atFollower);
  const writer = await memoryClient(zooKeeper, { clock });

  const heard: string[] = [];
  await reader.exists('/a', ({ type }) => heard.push(type));
  await writer.create('/a', NO_DATA, { mode: 'ephemeral' });
  expect(await reader.exists('/a')).toBeNull();
  expect(heard).toEqual([]);
  await reader.sync('/a');
  expect(heard).toEqual(['created']);
  expect((await reader.exists('/a'))?.ephemeralOwner).toBe(writer.sessionId);

  // What it does itself it sees, and all that came before it.
  await writer.create('/b', NO_DATA);
  await reader.create('/c', NO_DATA);
  expect(await reader.exists('/b')).not.toBeNull();
  await Promise.all([reader.close(), writer.close()]);
});
