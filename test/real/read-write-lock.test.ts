import { filter, firstValueFrom, type Observable } from 'rxjs';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { type Contention, connect, type ReadWriteLock, type Session } from '../../src/index.js';
import { freshPath } from '../lock/behaviour.js';
import { TcpProxy } from '../setup/tcp-proxy.js';

/** Resolves when so many stand in the lock's line. */
const inLine = (lock: { readonly contention: Observable<Contention> }, count: number) =>
  firstValueFrom(lock.contention.pipe(filter(({ contenders }) => contenders.length === count)));

describe('a read/write lock on a real ZooKeeper', () => {
  const sessions: Session[] = [];
  const proxies: TcpProxy[] = [];
  const open = (path: string, connectString = inject('zookeeper')): ReadWriteLock => {
    const session = connect(connectString, { sessionTimeoutMs: 10_000, guardMs: 0 });
    sessions.push(session);
    return session.readWriteLock(path);
  };

  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.close()));
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  });

  it('lets readers hold together, and a writer alone and in its turn', async () => {
    const path = freshPath('turns');
    const [first, second] = [await open(path).readLock.acquire(), await open(path).readLock.acquire()];
    const { writeLock } = open(path);
    expect(await writeLock.tryAcquire()).toBeNull();
    const order: string[] = [];
    const writing = writeLock.acquire().then((lease) => {
      order.push('writer');
      return lease;
    });
    await first.release();
    expect(await open(path).writeLock.tryAcquire()).toBeNull();
    order.push('last reader leaves');
    await second.release();
    const lease = await writing;
    expect(order).toEqual(['last reader leaves', 'writer']);
    expect(await open(path).readLock.tryAcquire()).toBeNull();
    await lease.release();
  });

  it('downgrades in one transaction: early readers get in, the queued writer does not (T48)', async () => {
    const path = freshPath('downgrade');
    const writing = await open(path).writeLock.acquire();
    const early = open(path).readLock.acquire();
    const { writeLock } = open(path);
    // Sessions of their own: who asks first is not who stands first.
    await inLine(writeLock, 2);
    const queued = writeLock.acquire();
    await inLine(writeLock, 3);
    const reading = await writing.downgrade();
    expect(reading.claimPath.slice(-10)).toBe(writing.claimPath.slice(-10));
    expect(writing.isHeld()).toBe(false);
    const beside = await early;
    expect((await writeLock.entries()).ids).toHaveLength(3);
    await beside.release();
    expect(await open(path).writeLock.tryAcquire()).toBeNull();
    await reading.release();
    await (await queued).release();
    expect((await writeLock.entries()).ids).toEqual([]);
  });

  it('keeps nothing of a downgrade by somebody whose claim was deleted', async () => {
    const path = freshPath('broken');
    const { readLock, writeLock } = open(path);
    const writing = await writeLock.acquire();
    const next = open(path).writeLock.acquire();
    const other = connect(inject('zookeeper'), { sessionTimeoutMs: 10_000 });
    sessions.push(other);
    const meddler = await other.lock(`${path}-meddler`).acquire();
    await meddler.commit([{ type: 'delete', path: writing.claimPath }]);
    await expect(writing.downgrade()).rejects.toMatchObject({ code: 'LOCK_LOST' });
    const lease = await next;
    expect((await readLock.entries()).ids).toHaveLength(1);
    await lease.release();
  });

  it('finishes a downgrade whose connection is cut under it', async () => {
    const proxy = await TcpProxy.start(inject('zookeeper'));
    proxies.push(proxy);
    const path = freshPath('cut');
    const writing = await open(path, proxy.connectString).writeLock.acquire();
    const { writeLock } = open(path);
    const queued = writeLock.acquire();
    await inLine(writeLock, 2);
    const downgrading = writing.downgrade();
    proxy.cut();
    const reading = await downgrading;
    expect(reading.isHeld()).toBe(true);
    expect(await open(path).readLock.tryAcquire()).toBeNull();
    await reading.release();
    await (await queued).release();
  });
});
