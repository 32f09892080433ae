import { describe, expect, it } from 'vitest';
import type { WatchEvent } from '../../src/zookeeper/client.js';
import { eventType, opcode, reservedXid, SetWatches2, watcherType } from '../../src/zookeeper/records.js';
import { type SentRequest, Stage, statBody } from './scripted-peer.js';

/** The server's packet limit, over which it cuts the connection. */
const PACKET_LIMIT_BYTES = 131_072 + 64;

/** Asks, and answers at once. */
async function watched(
  stage: Stage,
  path: string,
  watcher: (event: WatchEvent) => void,
  there = true,
): Promise<void> {
  const asking = stage.client.exists(path, watcher);
  const xid = stage.pipe.requests.at(-1)?.xid ?? 0;
  stage.pipe.reply(xid, there ? { zxid: 5n, body: statBody } : { zxid: 5n, error: -101 });
  await asking;
}

async function reconnect(stage: Stage): Promise<void> {
  stage.pipe.hangUp();
  await stage.clock.advance(50);
  stage.pipe.accept();
  await stage.settle();
}

const removalsOf = (requests: readonly SentRequest[]): number[] =>
  requests
    .filter(({ type }) => type === opcode.removeWatches)
    .map(({ body }) => {
      body.string();
      return body.int32();
    });

describe('after a reconnect', () => {
  it('watches are set again before anything else is asked, counting from what was seen', async () => {
    const stage = await new Stage().connected();
    await watched(stage, '/data', () => undefined);
    await watched(stage, '/missing', () => undefined, false);
    const watching = stage.client.addWatch('/tree', 'persistentRecursive', () => undefined);
    stage.pipe.reply(3);
    await watching;
    stage.client.onState(({ kind }) => {
      if (kind === 'connected') void stage.client.exists('/first').catch(() => undefined);
    });
    await reconnect(stage);
    const [set, asked] = stage.pipe.requests;
    expect(set).toMatchObject({ xid: reservedXid.setWatches, type: opcode.setWatches2 });
    expect(SetWatches2.read((set as SentRequest).body)).toEqual({
      relativeZxid: 5n,
      dataWatches: ['/data'],
      existsWatches: ['/missing'],
      childWatches: [],
      persistentWatches: [],
      persistentRecursiveWatches: ['/tree'],
    });
    expect(asked).toMatchObject({ xid: 4, type: opcode.exists });
  });

  it('events are replayed ones until the server says that it has set them all', async () => {
    const stage = await new Stage().connected();
    const heard: WatchEvent[] = [];
    for (const path of ['/a', '/b']) await watched(stage, path, (event) => heard.push(event));
    await reconnect(stage);
    stage.pipe.event(eventType.dataChanged, '/a');
    stage.pipe.reply(reservedXid.setWatches);
    stage.pipe.event(eventType.dataChanged, '/b');
    await stage.settle();
    expect(heard.map(({ path, replayed }) => [path, replayed])).toEqual([
      ['/a', true],
      ['/b', false],
    ]);
  });

  it('watches by the thousand go in requests that the server takes', async () => {
    const stage = await new Stage().connected();
    for (let count = 0; count < 1_000; count += 1) {
      await watched(stage, `/${'ü'.repeat(200)}${count}`, () => undefined);
    }
    await reconnect(stage);
    const { requests } = stage.pipe;
    expect(requests.length).toBeGreaterThan(3);
    expect(Math.max(...requests.map(({ bytes }) => bytes))).toBeLessThan(PACKET_LIMIT_BYTES);
    for (const { xid } of requests) stage.pipe.reply(xid);
    await stage.settle();
    expect(stage.client.state.kind).toBe('connected');
  });

  it('a watch that fired is not set again', async () => {
    const stage = await new Stage().connected();
    await watched(stage, '/a', () => undefined);
    stage.pipe.event(eventType.deleted, '/a');
    await reconnect(stage);
    expect(stage.pipe.requests).toEqual([]);
  });
});

describe('a removed watcher', () => {
  it('is told to the server when nobody else watches the node in its way', async () => {
    const stage = await new Stage().connected();
    const [one, other] = [(): void => undefined, (): void => undefined];
    await watched(stage, '/a', one);
    await watched(stage, '/a', other);
    stage.client.removeWatch('/a', one);
    expect(removalsOf(stage.pipe.requests)).toEqual([]);
    stage.client.removeWatch('/a', other);
    stage.client.removeWatch('/a', other);
    expect(removalsOf(stage.pipe.requests)).toEqual([watcherType.data]);
  });

  it('is forgotten also while its request is on the way, for its own sake only', async () => {
    const stage = await new Stage().connected();
    const heard: string[] = [];
    const [one, other] = [() => void heard.push('one'), () => void heard.push('other')];
    const asking = [stage.client.exists('/a', one), stage.client.exists('/a', other)];
    stage.client.removeWatch('/a', one);
    expect(removalsOf(stage.pipe.requests)).toEqual([]);
    for (const xid of [1, 2]) stage.pipe.reply(xid, { body: statBody });
    await Promise.all(asking);
    stage.pipe.event(eventType.dataChanged, '/a');
    await stage.settle();
    expect(heard).toEqual(['other']);
  });

  it('that was persistent is removed in the one way that every server knows', async () => {
    const stage = await new Stage().connected();
    const watcher = (): void => undefined;
    const adding = stage.client.addWatch('/a', 'persistent', watcher);
    stage.pipe.reply(1);
    await adding;
    stage.client.removeWatch('/a', watcher);
    expect(removalsOf(stage.pipe.requests)).toEqual([watcherType.any]);
  });

  it('needs no connection', async () => {
    const stage = await new Stage().connected();
    const watcher = (): void => undefined;
    await watched(stage, '/a', watcher);
    stage.pipe.hangUp();
    stage.client.removeWatch('/a', watcher);
    await stage.clock.advance(50);
    stage.pipe.accept();
    expect(stage.pipe.requests).toEqual([]);
  });
});

describe('a watcher', () => {
  it('hears of an event before the answer that follows it, and off the stack of the transport', async () => {
    const stage = await new Stage().connected();
    await watched(stage, '/a', () => stage.order.push('event'));
    const note = stage.note('exists', stage.client.exists('/a'));
    stage.pipe.event(eventType.dataChanged, '/a');
    stage.pipe.reply(2, { body: statBody });
    expect(stage.order).toEqual(['connected']);
    await note;
    expect(stage.order).toEqual(['connected', 'event', 'exists done']);
  });

  it('under a chroot hears of its own paths only', async () => {
    const stage = await new Stage({ connectString: 'a:1/root' }).connected();
    const heard: string[] = [];
    await watched(stage, '/a', ({ path }) => heard.push(path));
    stage.pipe.event(eventType.dataChanged, '/a');
    stage.pipe.event(eventType.dataChanged, '/rooted/a');
    stage.pipe.event(eventType.dataChanged, '/root/a');
    await stage.settle();
    expect(heard).toEqual(['/a']);
  });
});
