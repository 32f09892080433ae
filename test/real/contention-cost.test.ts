/** What watching the lines asks of a real ZooKeeper, at the size that docs/dashboard.md tells of: a thousand locks with ten contenders each. */
import { firstValueFrom, ReplaySubject } from 'rxjs';
import { filter } from 'rxjs/operators';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { ContentionUnder } from '../../src/contention.js';
import { connect, type Session } from '../../src/index.js';
import type { ClientFactory, ZooKeeperClient } from '../../src/zookeeper/client.js';
import { dial } from '../../src/zookeeper/socket.js';
import { wireClient } from '../../src/zookeeper/wire-client.js';
import { bytes, NO_DATA, tcpClient } from '../embedded/connected-client.js';
import { TcpProxy } from '../setup/tcp-proxy.js';

const LOCKS = 1_000;
const CONTENDERS = 10;

/** Requests by their kind: what a client is asked to send. */
const asked: Record<string, number> = {};
const REQUESTS = new Set('create delete exists getData setData getChildren sync multi addWatch'.split(' '));

const counting =
  (factory: ClientFactory): ClientFactory =>
  (options) =>
    new Proxy(factory(options), {
      get(client, key) {
        const value: unknown = Reflect.get(client, key, client);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (REQUESTS.has(String(key))) asked[String(key)] = (asked[String(key)] ?? 0) + 1;
          return Reflect.apply(value, client, args);
        };
      },
    });

describe(`watching ${LOCKS} locks with ${CONTENDERS} contenders each asks for`, () => {
  const root = `/contention-cost-${process.pid}`;
  const pictures = new ReplaySubject<ContentionUnder>(1);
  let proxy: TcpProxy;
  let session: Session;
  let outsider: ZooKeeperClient;

  /** The next picture, or the present one, that is as it should be. */
  const seen = (matches: (picture: ContentionUnder) => boolean) =>
    firstValueFrom(pictures.pipe(filter(matches)));
  const lineOf = (lock: number) => `${root}/lock-${lock}`;
  const enter = async (lock: number): Promise<void> => {
    await outsider.create(`${lineOf(lock)}/_c_x-lock-`, bytes('{"owner_id":"somebody"}'), {
      mode: 'ephemeralSequential',
    });
  };

  beforeAll(async () => {
    proxy = await TcpProxy.start(inject('zookeeper'));
    outsider = await tcpClient(inject('zookeeper'));
    // The server takes containers away by itself once they are empty.
    await outsider.create(root, NO_DATA, { mode: 'container' });
    const locks = Array.from({ length: LOCKS }, (_, lock) => lock);
    await Promise.all(locks.map((lock) => outsider.create(lineOf(lock), NO_DATA, { mode: 'container' })));
    for (let round = 0; round < CONTENDERS; round += 1) await Promise.all(locks.map(enter));
    session = connect(proxy.connectString, { client: counting(wireClient(dial)) });
  });

  beforeEach(() => {
    for (const request of Object.keys(asked)) asked[request] = 0;
  });

  afterAll(async () => {
    await session.close();
    await outsider.close();
    await proxy.close();
  });

  it('one watch, one listing for each path and one read for each claim at the start', async () => {
    session.contentionUnder(root).subscribe(pictures);
    const { lines, watching } = await seen(({ freshness }) => freshness === 'live');
    expect([lines.size, watching]).toEqual([LOCKS, 'recursive']);
    expect(asked).toEqual({ addWatch: 1, getChildren: 1 + LOCKS, getData: LOCKS * CONTENDERS });
  });

  it('one read for a claim that comes', async () => {
    await enter(7);
    await seen(({ lines }) => lines.get(lineOf(7))?.contenders.length === CONTENDERS + 1);
    expect(asked).toEqual({ addWatch: 0, getChildren: 0, getData: 1 });
  });

  it('one read for a holder that writes its grant', async () => {
    const { lines } = await seen(() => true);
    const holder = lines.get(lineOf(8))?.holder?.path ?? '';
    await outsider.setData(holder, bytes('{"owner_id":"somebody else"}'), -1);
    await seen((picture) => picture.lines.get(lineOf(8))?.holder?.owner === 'somebody else');
    expect(asked).toEqual({ addWatch: 0, getChildren: 0, getData: 1 });
  });

  it('nothing for a claim that goes, nor for the hand-over that follows', async () => {
    const { lines } = await seen(() => true);
    const holder = lines.get(lineOf(7))?.holder?.path ?? '';
    await outsider.delete(holder, -1);
    await seen((picture) => picture.lines.get(lineOf(7))?.holder?.path !== holder);
    expect(asked).toEqual({ addWatch: 0, getChildren: 0, getData: 0 });
  });

  it('one watch, one listing for each path and one read for each holder after a reconnect', async () => {
    const stale = seen(({ freshness }) => freshness === 'stale');
    proxy.cut();
    await stale;
    await seen(({ freshness }) => freshness === 'live');
    expect(asked).toEqual({ addWatch: 1, getChildren: 1 + LOCKS, getData: LOCKS });
  });
});
