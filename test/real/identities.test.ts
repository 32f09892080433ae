/** Who somebody is to a real ZooKeeper, and what the lock's `acl` then allows: SASL DIGEST-MD5, digest, and nobody. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dial } from '#dial';
import { systemClock } from '../../src/clock.js';
import { type ConnectOptions, connect, type Session } from '../../src/index.js';
import type { Acl, ZooKeeperClient } from '../../src/zookeeper/client.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { failureOf, NO_BYTES, nextState } from '../contract/harness.js';
import { type RealZooKeeper, startRealZooKeeper } from '../setup/real-zookeeper.js';
import { TcpProxy } from '../setup/tcp-proxy.js';

const PASSWORDS = { ann: 'ann’s "own", \\secret', bob: 'bobs-secret' };
const JAAS = `Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  user_ann="${PASSWORDS.ann.replace(/["\\]/g, '\\$&')}"
  user_bob="${PASSWORDS.bob}";
};
`;

let server: RealZooKeeper;
const sessions: Session[] = [];
const clients: ZooKeeperClient[] = [];
const proxies: TcpProxy[] = [];

beforeAll(async () => {
  server = await startRealZooKeeper({
    files: { 'jaas.conf': JAAS },
    config: { 'authProvider.1': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider' },
    properties: { 'java.security.auth.login.config': 'jaas.conf', 'file.encoding': 'UTF-8' },
  });
});

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});

afterAll(async () => {
  await server.stop();
});

type Auth = NonNullable<ConnectOptions['auth']>;
const sasl = (user: keyof typeof PASSWORDS): Auth => [{ scheme: 'sasl', auth: `${user}:${PASSWORDS[user]}` }];
const digest = (user: string, password = 'p'): Auth => [{ scheme: 'digest', auth: `${user}:${password}` }];
/** Everything for whoever asks, by every identity that was proved. */
const MINE: readonly Acl[] = [{ permissions: 31, scheme: 'auth', id: '' }];
const only = (user: string): readonly Acl[] => [{ permissions: 31, scheme: 'sasl', id: user }];

function open(auth: Auth = [], connectString = server.connectString): Session {
  const session = connect(connectString, { auth, sessionTimeoutMs: 10_000, connectTimeoutMs: 10_000 });
  sessions.push(session);
  return session;
}

async function client(auth: Auth = [], connectString = server.connectString): Promise<ZooKeeperClient> {
  const made = wireClient(dial)({
    connectString,
    sessionTimeoutMs: 10_000,
    maxReplyBytes: 1 << 20,
    auth: auth.map((entry) => ({ ...entry, auth: Buffer.from(entry.auth) })),
    clock: systemClock,
    random: Math.random,
  });
  clients.push(made);
  await made.connect({ deadlineMs: 10_000 });
  return made;
}

/** A lock path whose top node is this test's alone. */
const freshPath = (): string => `/identities-${randomUUID()}/orders`;

describe('SASL DIGEST-MD5', () => {
  it('proves who we are: what only ann may touch, she touches', async () => {
    const path = freshPath();
    const lease = await open(sasl('ann'))
      .lock(path, { acl: only('ann') })
      .acquire();
    const { acl } = await (await client(sasl('ann'))).getAcl(lease.claimPath);
    expect(acl).toEqual(only('ann'));
    await lease.release();
  });

  it('proves it again on every connection of the session, before the lock is looked at', async () => {
    const proxy = await TcpProxy.start(server.connectString);
    proxies.push(proxy);
    const ann = await client(sasl('ann'), proxy.connectString);
    const path = freshPath().replace('/orders', '');
    await ann.create(path, NO_BYTES, { acl: only('ann') });
    const back = nextState(ann, 'connected');
    proxy.cut();
    expect(await back).toMatchObject({ resumed: true });
    await expect(ann.getData(path)).resolves.toBeDefined();
  });

  it('ends the session with a reason when the password is wrong, and whoever waits hears it', async () => {
    const session = open([{ scheme: 'sasl', auth: 'ann:not-hers' }]);
    const lost = new Promise((resolve) => {
      session.state.subscribe((state) => {
        if (state.kind === 'lost') resolve(state);
      });
    });
    const failure: unknown = await session
      .lock(freshPath())
      .acquire()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CONNECTION_FAILED', cause: { code: 'AuthFailed' } });
    expect(await lost).toMatchObject({ reason: 'authFailed', cause: { code: 'AuthFailed' } });
  });

  it('is refused the same way for a user that the server does not know', async () => {
    const failure = await failureOf(client([{ scheme: 'sasl', auth: 'carol:x' }]));
    expect(failure.code).toBe('AuthFailed');
  });

  it('is refused, not hung upon, by a server that has none of it', async () => {
    const plain = await startRealZooKeeper();
    try {
      const failure = await failureOf(client(sasl('ann'), plain.connectString));
      expect(failure).toMatchObject({ code: 'AuthFailed' });
      expect(failure.message).toContain('offers no SASL');
    } finally {
      await plain.stop();
    }
  });

  it('may be proved together with a digest', async () => {
    const both = await client([...sasl('ann'), ...digest('dan')]);
    const path = freshPath().replace('/orders', '');
    await both.create(path, NO_BYTES, { acl: MINE });
    const { acl } = await both.getAcl(path);
    expect(acl.map(({ scheme }) => scheme).sort()).toEqual(['digest', 'sasl']);
  });
});

describe('digest', () => {
  it('makes another identity of a wrong password, which is refused where it has no right', async () => {
    const path = freshPath();
    const lease = await open(digest('dan')).lock(path, { acl: MINE }).acquire();
    const failure: unknown = await open(digest('dan', 'wrong'))
      .lock(path, { acl: MINE })
      .acquire()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'LOCKING_FAILED', path, cause: { code: 'NoAuth' } });
    await lease.release();
  });
});

describe('the acl of a lock', () => {
  it('is put on the claim and on every parent that is made, with their creation', async () => {
    const path = freshPath();
    const lease = await open(sasl('ann'))
      .lock(path, { acl: only('ann') })
      .acquire();
    const ann = await client(sasl('ann'));
    for (const node of [path.replace('/orders', ''), path, lease.claimPath])
      expect((await ann.getAcl(node)).acl, node).toEqual(only('ann'));
    await lease.release();
  });

  it('leaves the parents that are there already as they are', async () => {
    const path = freshPath();
    const ann = await client(sasl('ann'));
    const top = path.replace('/orders', '');
    await ann.create(top, NO_BYTES);
    const lease = await open(sasl('ann'))
      .lock(path, { acl: only('ann') })
      .acquire();
    expect((await ann.getAcl(top)).acl).toMatchObject([{ scheme: 'world' }]);
    expect((await ann.getAcl(path)).acl).toEqual(only('ann'));
    await lease.release();
  });

  it.each([
    ['another user', () => sasl('bob')],
    ['nobody in particular', (): Auth => []],
  ])('keeps %s from listing, contending and deleting, with an error that says why', async (_who, auth) => {
    const path = freshPath();
    const lease = await open(sasl('ann'))
      .lock(path, { acl: only('ann') })
      .acquire();
    const stranger = await client(auth());
    await expect(stranger.getChildren(path)).rejects.toMatchObject({ code: 'NoAuth' });
    await expect(stranger.getData(lease.claimPath)).rejects.toMatchObject({ code: 'NoAuth' });
    await expect(stranger.delete(lease.claimPath, -1)).rejects.toMatchObject({ code: 'NoAuth' });
    await expect(stranger.delete(path, -1)).rejects.toMatchObject({ code: 'NoAuth' });

    const lock = open(auth()).lock(path);
    const refused = { code: 'LOCKING_FAILED', path, cause: { code: 'NoAuth' } };
    await expect(lock.acquire()).rejects.toMatchObject(refused);
    await expect(lock.entries()).rejects.toMatchObject({ path, cause: { code: 'NoAuth' } });
    expect(lease.isHeld()).toBe(true);
    expect((await (await client(sasl('ann'))).getChildren(path)).children).toHaveLength(1);
    await lease.release();
  });

  it('protects no claim from whoever may delete in the same line: ZooKeeper asks the parent, not the claim', async () => {
    const path = freshPath();
    const both: readonly Acl[] = [...only('ann'), ...only('bob')];
    await (await open(sasl('ann')).lock(path, { acl: both }).acquire()).release();

    // Only ann may do anything with her claim; the line belongs to both.
    const lease = await open(sasl('ann'))
      .lock(path, { acl: only('ann') })
      .acquire();
    const { signal } = lease;
    const bob = await client(sasl('bob'));
    await expect(bob.getData(lease.claimPath)).rejects.toMatchObject({ code: 'NoAuth' });
    const lost = new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        resolve(signal.reason);
      });
    });
    await bob.delete(lease.claimPath, -1);
    expect(await lost).toMatchObject({ code: 'LOCK_LOST', reason: 'node-deleted' });
    expect(lease.isHeld()).toBe(false);
  });

  it('lets a waiter wait behind a claim that it may not read', async () => {
    const path = freshPath();
    const both: readonly Acl[] = [...only('ann'), ...only('bob')];
    await (await open(sasl('ann')).lock(path, { acl: both }).acquire()).release();
    const lease = await open(sasl('ann'))
      .lock(path, { acl: only('ann') })
      .acquire();
    const waiting = open(sasl('bob')).lock(path, { acl: both });
    const order: string[] = [];
    const granted = new Promise<void>((resolve) => {
      const subscription = waiting.subscribe((ownership) => {
        order.push(ownership.status);
        if (
          ownership.status === 'waitingOnPredecessor' &&
          order.filter((s) => s === ownership.status).length === 1
        )
          void lease.release();
        if (ownership.status === 'held') {
          subscription.unsubscribe();
          resolve();
        }
      });
    });
    await granted;
    expect(order.at(-1)).toBe('held');
  });
});
