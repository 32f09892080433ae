import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type ConnectOptions, connect, type Session } from '../../src/index.js';
import { freshPath, Listener } from '../lock/behaviour.js';
import { TcpProxy } from '../setup/tcp-proxy.js';

describe('a lock over a bad network, on a real ZooKeeper', () => {
  let proxy: TcpProxy;
  const sessions: Session[] = [];
  const open = (connectString: string, options: ConnectOptions = {}) => {
    const session = connect(connectString, { sessionTimeoutMs: 2_000, guardMs: 0, ...options });
    sessions.push(session);
    return session;
  };
  const behindProxy = (options?: ConnectOptions) => open(proxy.connectString, options);
  const direct = () => open(inject('zookeeper'), { sessionTimeoutMs: 10_000 });

  beforeEach(async () => {
    proxy = await TcpProxy.start(inject('zookeeper'));
  });

  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.close()));
    await proxy.close();
  });

  it('is suspended by a cut, then confirmed again with the same token', async () => {
    const listener = new Listener(behindProxy({ sessionTimeoutMs: 10_000 }).lock(freshPath('cut')));
    const { lease } = await listener.until('held');
    proxy.cut();
    await listener.when((heard) => {
      const connections = heard.flatMap((o) => (o.status === 'held' ? [o.connection] : []));
      return connections.join() === 'confirmed,suspended,revalidating,confirmed';
    });
    expect(lease.isHeld()).toBe(true);
    expect(listener.heard.at(-1)).toMatchObject({ status: 'held', lease });
  });

  it('ends at the first cut under the standard policy, and the claim goes once the connection is back', async () => {
    const path = freshPath('standard');
    const listener = new Listener(
      behindProxy({ sessionTimeoutMs: 10_000 }).lock(path, { onSuspend: 'standard' }),
    );
    await listener.until('held');
    proxy.cut();
    expect(await listener.until('expired')).toMatchObject({ reason: 'suspended' });
    expect((await direct().lock(path).acquire()).isHeld()).toBe(true);
  });

  it("of a holder that nobody hears is over for him before it is another's", async () => {
    const path = freshPath('silence');
    const listener = new Listener(behindProxy().lock(path));
    const { lease } = await listener.until('held');
    const { signal } = lease;
    const lost = new Promise<number>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve(performance.now());
      });
    });
    const granted = direct()
      .lock(path)
      .acquire()
      .then(() => performance.now());
    proxy.weather.blackhole = true;
    expect(await lost).toBeLessThan(await granted);
    expect(lease.isHeld()).toBe(false);
    expect(await listener.until('expired')).toMatchObject({ reason: 'validity-passed' });
  });

  it('keeps its deadline when nobody answers, and leaves no claim (T28, K15, K16)', async () => {
    const path = freshPath('deadline');
    const holder = await direct().lock(path).acquire();
    const waiting = behindProxy({ sessionTimeoutMs: 10_000 }).lock(path);
    const listener = new Listener(waiting);
    await listener.until('waitingOnPredecessor');
    const pending = waiting.acquire({ timeoutMs: 300 });
    proxy.weather.blackhole = true;
    await expect(pending).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    listener.subscription.unsubscribe();
    proxy.weather.blackhole = false;
    proxy.cut();
    await holder.release();
    const next = await direct().lock(path).acquire();
    expect(next.isHeld()).toBe(true);
  });

  it('makes one claim for one acquisition when the answer to its creation is lost (T06–T08)', async () => {
    const path = freshPath('lost-reply');
    const session = behindProxy({ sessionTimeoutMs: 10_000 });
    const lock = session.lock(path);
    await (await lock.acquire()).release();
    for (let round = 0; round < 5; round += 1) {
      const cut = proxy.cutAtNextReply();
      const acquired = lock.acquire();
      await cut;
      const lease = await acquired;
      expect((await direct().lock(path).entries()).ids).toHaveLength(1);
      await lease.release();
      expect((await direct().lock(path).entries()).ids).toHaveLength(0);
    }
  });

  it('is released also when the answer to the deletion is lost (T12, T14)', async () => {
    const path = freshPath('lost-release');
    const lease = await behindProxy({ sessionTimeoutMs: 10_000 }).lock(path).acquire();
    const cut = proxy.cutAtNextReply();
    const released = lease.release();
    await cut;
    await released;
    expect((await direct().lock(path).entries()).ids).toHaveLength(0);
  });

  it('is found again by a waiter whose connection was cut while the holder left (T23)', async () => {
    const path = freshPath('missed');
    const holder = await direct().lock(path).acquire();
    const waiter = new Listener(behindProxy({ sessionTimeoutMs: 10_000 }).lock(path));
    await waiter.until('waitingOnPredecessor');
    proxy.weather.refuse = true;
    proxy.cut();
    await holder.release();
    proxy.weather.refuse = false;
    await waiter.until('held');
  });

  it('says that an ensemble cannot be reached, within the bound (no hang)', async () => {
    proxy.weather.refuse = true;
    const session = behindProxy({ connectTimeoutMs: 400 });
    await expect(session.lock(freshPath('unreachable')).acquire()).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
    });
    proxy.weather.refuse = false;
    const lease = await session.lock(freshPath('reachable')).acquire();
    expect(lease.isHeld()).toBe(true);
  });
});
