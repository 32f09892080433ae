/** What requests come to, asked by the wire client without a socket. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEmbeddedZooKeeper, type EmbeddedZooKeeper } from '../../src/embedded/index.js';
import { OPEN_ACL, type WatchEvent, type ZooKeeperClient } from '../../src/zookeeper/client.js';
import { SteppingClock } from '../setup/stepping-clock.js';
import { bytes, memoryClient, NO_DATA, text } from './connected-client.js';

let clock: SteppingClock;
let zooKeeper: EmbeddedZooKeeper;
let client: ZooKeeperClient;

beforeEach(async () => {
  clock = new SteppingClock();
  zooKeeper = await createEmbeddedZooKeeper({ port: false, clock });
  client = await memoryClient(zooKeeper, { clock });
});

afterEach(async () => {
  await zooKeeper.close();
});

const failure = (code: string) => expect.objectContaining({ code }) as Error;

describe('a node', () => {
  test('is changed and deleted only in the version that was named', async () => {
    await client.create('/a', bytes('0'));
    await expect(client.setData('/a', bytes('1'), 1)).rejects.toEqual(failure('BadVersion'));
    expect((await client.setData('/a', bytes('1'), 0)).version).toBe(1);
    expect((await client.setData('/a', bytes('2'), -1)).version).toBe(2);
    await expect(client.delete('/a', 1)).rejects.toEqual(failure('BadVersion'));
    await client.delete('/a', 2);
    expect(await client.exists('/a')).toBeNull();
  });

  test('with children cannot be deleted', async () => {
    await client.create('/a', NO_DATA);
    await client.create('/a/b', NO_DATA);
    await expect(client.delete('/a', -1)).rejects.toEqual(failure('NotEmpty'));
  });

  test('that is ephemeral has no children', async () => {
    await client.create('/e', NO_DATA, { mode: 'ephemeral' });
    await expect(client.create('/e/b', NO_DATA)).rejects.toEqual(failure('NoChildrenForEphemerals'));
  });

  test('without a parent is not made', async () => {
    await expect(client.create('/no/child', NO_DATA)).rejects.toEqual(failure('NoNode'));
  });

  test('is made once', async () => {
    await client.create('/a', NO_DATA);
    await expect(client.create('/a', NO_DATA)).rejects.toEqual(failure('NodeExists'));
  });

  test('keeps the times of the wall clock, also when that was set back', async () => {
    const made = await client.create('/a', NO_DATA);
    clock.jumpWall(-60_000);
    await clock.advance(1_000);
    const changed = await client.setData('/a', NO_DATA, -1);
    expect(changed.ctimeMs).toBe(made.stat?.ctimeMs);
    expect(changed.mtimeMs).toBe(changed.ctimeMs - 59_000);
  });
});

describe('sequence numbers', () => {
  test('of failed creates are not used up', async () => {
    await client.create('/p', NO_DATA);
    await expect(
      client.create('/p/a-', NO_DATA, { mode: 'persistentSequential', acl: [] }),
    ).rejects.toThrow();
    const { path } = await client.create('/p/a-', NO_DATA, { mode: 'persistentSequential' });
    expect(path).toBe('/p/a-0000000000');
  });

  test('at their end stay at 2147483647 for one create after another', async () => {
    await client.create('/p', NO_DATA);
    zooKeeper.faults.setSequence('/p', 2_147_483_646);
    const names: string[] = [];
    for (const prefix of ['a-', 'b-', 'c-', 'd-']) {
      names.push((await client.create(`/p/${prefix}`, NO_DATA, { mode: 'ephemeralSequential' })).path);
    }
    expect(names).toEqual(['/p/a-2147483646', '/p/b-2147483647', '/p/c-2147483647', '/p/d-2147483647']);
    await expect(client.create('/p/d-', NO_DATA, { mode: 'ephemeralSequential' })).rejects.toEqual(
      failure('NodeExists'),
    );
  });

  test('at their end are negative for creates in flight together, with ten characters', async () => {
    await client.create('/p', NO_DATA);
    zooKeeper.faults.setSequence('/p', 2_147_483_647);
    const made = await Promise.all(
      ['a-', 'b-', 'c-'].map((prefix) =>
        client.create(`/p/${prefix}`, NO_DATA, { mode: 'ephemeralSequential' }),
      ),
    );
    expect(made.map(({ path }) => path)).toEqual(['/p/a-2147483647', '/p/b--2147483648', '/p/c--2147483647']);
    const later = await client.create('/p/d-', NO_DATA, { mode: 'ephemeralSequential' });
    expect(later.path).toBe('/p/d-2147483647');
  });
});

describe('a transaction', () => {
  test('is applied as a whole, under one zxid, and its parts see those before them', async () => {
    const results = await client.multi([
      { type: 'create', path: '/t', data: bytes('x') },
      { type: 'create', path: '/t/s-', mode: 'ephemeralSequential' },
      { type: 'setData', path: '/t', data: bytes('y'), version: 0 },
      { type: 'check', path: '/t', version: 1 },
    ]);
    expect(results[1]).toMatchObject({ path: '/t/s-0000000000' });
    const { data, stat } = await client.getData('/t');
    expect(text(data)).toBe('y');
    expect(stat.mzxid).toBe(stat.pzxid);
    expect(stat.czxid).toBe(stat.mzxid);
  });

  test('that fails leaves no trace, tells no watcher, and says which part failed', async () => {
    await client.create('/w', NO_DATA);
    const events: WatchEvent[] = [];
    await client.getChildren('/w', (event) => events.push(event));
    await expect(
      client.multi([
        { type: 'create', path: '/w/a' },
        { type: 'delete', path: '/w', version: 0 },
        { type: 'create', path: '/w/b' },
      ]),
    ).rejects.toEqual(expect.objectContaining({ code: 'NotEmpty', failedIndex: 1 }));
    await clock.settle();
    expect(events).toEqual([]);
    expect((await client.getChildren('/w')).stat).toMatchObject({ numChildren: 0, cversion: 0 });
    expect((await client.create('/w/s-', NO_DATA, { mode: 'persistentSequential' })).path).toBe(
      '/w/s-0000000000',
    );
  });
});

describe('rights', () => {
  const annOnly = { mode: 'persistent', acl: [{ permissions: 31, scheme: 'auth', id: '' }] } as const;
  let stranger: ZooKeeperClient;

  beforeEach(async () => {
    await client.addAuth('digest', bytes('ann:secret'));
    await client.create('/hers', bytes('diary'), annOnly);
    stranger = await memoryClient(zooKeeper, { clock });
  });

  test('to list, read, create, change and delete below are the parent’s or the node’s own', async () => {
    await client.create('/hers/open', NO_DATA);
    for (const attempt of [
      () => stranger.getChildren('/hers'),
      () => stranger.getData('/hers'),
      () => stranger.create('/hers/mine', NO_DATA),
      () => stranger.setData('/hers', NO_DATA, -1),
      () => stranger.setAcl('/hers', OPEN_ACL, -1),
      () => stranger.getAcl('/hers'),
      // The node itself is open; DELETE is asked of its parent.
      () => stranger.delete('/hers/open', -1),
      () => stranger.multi([{ type: 'check', path: '/hers' }]),
    ]) {
      await expect(attempt()).rejects.toEqual(failure('NoAuth'));
    }
    expect(await stranger.exists('/hers')).not.toBeNull();
    await stranger.addAuth('digest', bytes('ann:secret'));
    await stranger.delete('/hers/open', -1);
  });

  test('whoever may read but not administer sees no digests', async () => {
    await client.setAcl(
      '/hers',
      [
        { permissions: 31, scheme: 'auth', id: '' },
        { permissions: 1, scheme: 'world', id: 'anyone' },
      ],
      -1,
    );
    const { acl } = await stranger.getAcl('/hers');
    expect(acl[0]).toMatchObject({ scheme: 'digest', id: 'ann:x' });
    expect((await client.getAcl('/hers')).acl[0]?.id).toMatch(/^ann:.{28}$/);
  });

  test('whoever may not read a node is not told what happens to it', async () => {
    const heard: string[] = [];
    await stranger.exists('/hers', (event) => heard.push(event.type));
    await client.setData('/hers', NO_DATA, -1);
    await clock.settle();
    expect(heard).toEqual([]);
  });
});

describe('watches', () => {
  test('tell of a change before the answer to the request that made it', async () => {
    const order: string[] = [];
    await client.create('/a', NO_DATA);
    await client.getData('/a', (event) => order.push(event.type));
    await client.getChildren('/a', (event) => order.push(`child: ${event.type}`));
    await client.setData('/a', NO_DATA, -1).then(() => order.push('answered'));
    await client.create('/a/b', NO_DATA).then(() => order.push('answered'));
    expect(order).toEqual(['dataChanged', 'answered', 'child: childrenChanged', 'answered']);
  });

  test('of two kinds on one node tell of its deletion once', async () => {
    await client.create('/a', NO_DATA);
    const heard: string[] = [];
    await client.getData('/a', () => heard.push('data'));
    await client.getChildren('/a', () => heard.push('child'));
    expect(zooKeeper.watchCount()).toBe(2);
    await client.delete('/a', -1);
    expect(zooKeeper.watchCount()).toBe(0);
    expect(heard.sort()).toEqual(['child', 'data']);
  });

  test('are not left on a missing node by a read, but by exists', async () => {
    await expect(client.getData('/no', () => undefined)).rejects.toThrow();
    await expect(client.getChildren('/no', () => undefined)).rejects.toThrow();
    expect(zooKeeper.watchCount()).toBe(0);
    await client.exists('/no', () => undefined);
    expect(zooKeeper.watchCount()).toBe(1);
  });

  test('that persist go on telling; recursive ones tell of everything below, but of no child lists', async () => {
    await client.create('/a', NO_DATA);
    const [persistent, recursive]: [string[], string[]] = [[], []];
    await client.addWatch('/a', 'persistent', ({ type, path }) => persistent.push(`${type} ${path}`));
    await client.addWatch('/a', 'persistentRecursive', ({ type, path }) => recursive.push(`${type} ${path}`));
    await client.create('/a/b', NO_DATA);
    await client.create('/a/b/c', NO_DATA);
    await client.setData('/a', NO_DATA, -1);
    await client.delete('/a/b/c', -1);
    expect(persistent).toEqual(['childrenChanged /a', 'dataChanged /a']);
    expect(recursive).toEqual(['created /a/b', 'created /a/b/c', 'dataChanged /a', 'deleted /a/b/c']);
  });

  test('go with their connection', async () => {
    const other = await memoryClient(zooKeeper, { clock });
    await other.exists('/x', () => undefined);
    await other.addWatch('/', 'persistentRecursive', () => undefined);
    expect(zooKeeper.watchCount()).toBe(2);
    await other.close();
    expect(zooKeeper.watchCount()).toBe(0);
  });

  test('can be taken back', async () => {
    const watcher = (): void => undefined;
    await client.exists('/x', watcher);
    client.removeWatch('/x', watcher);
    await client.sync('/');
    expect(zooKeeper.watchCount()).toBe(0);
  });
});

describe('containers and nodes with a TTL', () => {
  test('a container goes when its last child has, at the next check', async () => {
    await client.create('/c', NO_DATA, { mode: 'container' });
    await client.create('/c/a', NO_DATA);
    await client.delete('/c/a', -1);
    await clock.advance(59_000);
    expect(await client.exists('/c')).not.toBeNull();
    await clock.advance(1_000);
    expect(await client.exists('/c')).toBeNull();
  });

  test('a container that never had a child stays (ZOOKEEPER-3546)', async () => {
    await client.create('/c', NO_DATA, { mode: 'container' });
    await clock.advance(600_000);
    expect(await client.exists('/c')).not.toBeNull();
    expect(zooKeeper.faults.reapContainers()).toBe(0);
  });

  test('a node with a TTL goes when it was neither changed nor a parent for so long', async () => {
    await client.create('/t', NO_DATA, { mode: 'persistentWithTtl', ttlMs: 90_000 });
    await clock.advance(60_000);
    await client.setData('/t', NO_DATA, -1);
    await clock.advance(60_000);
    expect(await client.exists('/t')).not.toBeNull();
    await clock.advance(60_000);
    expect(await client.exists('/t')).toBeNull();
  });

  test('a button reaps at once', async () => {
    await client.create('/c', NO_DATA, { mode: 'container' });
    await client.create('/c/a', NO_DATA, { mode: 'ephemeral' });
    await client.delete('/c/a', -1);
    expect(zooKeeper.faults.reapContainers()).toBe(1);
    expect(zooKeeper.nodes()).toEqual([]);
  });
});

test('an administrator deletes a node with all that is below it', async () => {
  await client.create('/a', NO_DATA);
  await client.create('/a/b', NO_DATA);
  const heard: string[] = [];
  await client.exists('/a/b', ({ type }) => heard.push(type));
  expect(zooKeeper.deleteNode('/a')).toBe(true);
  expect(zooKeeper.deleteNode('/a')).toBe(false);
  await clock.settle();
  expect(heard).toEqual(['deleted']);
});
