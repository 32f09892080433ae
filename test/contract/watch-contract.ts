/** What watchers hear, and what they do not. That nothing comes is seen by asking again: events come before later answers. */
import { describe, expect, it } from 'vitest';
import type { ZooKeeperClient } from '../../src/zookeeper/client.js';
import { bytesOf, can, failureOf, type Harness, NO_BYTES, prepare, WatchLog } from './harness.js';

/** Watches nothing, and hears of all that happened at `path` before it was asked. */
async function catchUp(client: ZooKeeperClient, path: string): Promise<void> {
  await client.sync(path);
}

export function watchContract(start: () => Promise<Harness>): void {
  describe('one-shot watches', () => {
    const ground = prepare(start);

    it('tell once of a change of data, and then no more', async () => {
      const [watching, writing] = await Promise.all([ground().connected(), ground().connected()]);
      const log = new WatchLog();
      await watching.getData(ground().root, log.watcher);
      await writing.setData(ground().root, bytesOf('1'), -1);
      await writing.setData(ground().root, bytesOf('2'), -1);
      await catchUp(watching, ground().root);
      expect(log.events).toEqual([{ type: 'dataChanged', path: ground().root, replayed: false }]);
    });

    it('tell of the creation of a node that exists did not find', async () => {
      const client = await ground().connected();
      const log = new WatchLog();
      const path = `${ground().root}/later`;
      expect(await client.exists(path, log.watcher)).toBeNull();
      await client.create(path, NO_BYTES);
      expect(log.events).toEqual([{ type: 'created', path, replayed: false }]);
    });

    it('are not left behind by getData and getChildren of a node that is not there', async () => {
      const client = await ground().connected();
      const log = new WatchLog();
      const path = `${ground().root}/later`;
      expect((await failureOf(client.getData(path, log.watcher))).code).toBe('NoNode');
      expect((await failureOf(client.getChildren(path, log.watcher))).code).toBe('NoNode');
      await client.create(path, NO_BYTES);
      await client.setData(path, bytesOf('x'), -1);
      await client.delete(path, -1);
      await catchUp(client, ground().root);
      expect(log.events).toEqual([]);
    });

    it('tell of children that come, not of what happens to them', async () => {
      const client = await ground().connected();
      const [children, parent] = [new WatchLog(), new WatchLog()];
      await client.getChildren(ground().root, children.watcher);
      await client.getData(ground().root, parent.watcher);
      await client.create(`${ground().root}/c`, NO_BYTES);
      await client.setData(`${ground().root}/c`, bytesOf('x'), -1);
      await client.delete(`${ground().root}/c`, -1);
      expect(children.events).toEqual([{ type: 'childrenChanged', path: ground().root, replayed: false }]);
      expect(parent.events).toEqual([]);
    });

    it('tell each watcher of a node that goes, once, however it watched', async () => {
      const client = await ground().connected();
      const [first, second] = [new WatchLog(), new WatchLog()];
      const { path } = await client.create(`${ground().root}/n`, NO_BYTES);
      await client.getData(path, first.watcher);
      await client.exists(path, first.watcher);
      await client.getChildren(path, first.watcher);
      await client.exists(path, second.watcher);
      await client.delete(path, -1);
      await catchUp(client, ground().root);
      expect(first.types).toEqual(['deleted']);
      expect(second.types).toEqual(['deleted']);
    });

    it('of the children of a node tell that the node itself goes', async () => {
      const client = await ground().connected();
      const log = new WatchLog();
      const { path } = await client.create(`${ground().root}/n`, NO_BYTES);
      await client.getChildren(path, log.watcher);
      await client.delete(path, -1);
      await catchUp(client, ground().root);
      expect(log.events).toEqual([{ type: 'deleted', path, replayed: false }]);
    });

    it('tell before the answer to a later request that shows the change', async () => {
      const [watching, writing] = await Promise.all([ground().connected(), ground().connected()]);
      const order: string[] = [];
      await watching.getData(ground().root, () => order.push('event'));
      await writing.setData(ground().root, bytesOf('1'), -1);
      await watching.sync(ground().root).then(() => order.push('sync'));
      await watching.getData(ground().root).then(() => order.push('data'));
      expect(order).toEqual(['event', 'sync', 'data']);
    });
  });

  describe('persistent watches', () => {
    const ground = prepare(start);

    it('tell of every change of the node and of its children, until removed', async () => {
      const client = await ground().connected();
      const log = new WatchLog();
      const { root } = ground();
      const watch = () => client.addWatch(root, 'persistent', log.watcher);
      if (!(await can(client, 'addWatch', watch))) return;
      await watch();
      await client.setData(root, bytesOf('1'), -1);
      await client.setData(root, bytesOf('2'), -1);
      await client.create(`${root}/c`, NO_BYTES);
      await client.setData(`${root}/c`, bytesOf('unheard'), -1);
      await catchUp(client, root);
      expect(log.types).toEqual(['dataChanged', 'dataChanged', 'childrenChanged']);
      client.removeWatch(root, log.watcher);
      await client.delete(`${root}/c`, -1);
      await catchUp(client, root);
      expect(log.events).toHaveLength(3);
    });

    it('tell, where they are recursive, of every node below', async () => {
      const client = await ground().connected();
      const log = new WatchLog();
      const { root } = ground();
      const watch = () => client.addWatch(root, 'persistentRecursive', log.watcher);
      if (!(await can(client, 'addWatch', watch))) return;
      await watch();
      await client.create(`${root}/a`, NO_BYTES);
      await client.create(`${root}/a/b`, NO_BYTES);
      await client.setData(`${root}/a/b`, bytesOf('x'), -1);
      await client.delete(`${root}/a/b`, -1);
      await catchUp(client, root);
      expect(log.events.map(({ type, path }) => `${type} ${path.slice(root.length)}`)).toEqual([
        'created /a',
        'created /a/b',
        'dataChanged /a/b',
        'deleted /a/b',
      ]);
    });
  });

  describe('a removed watch', () => {
    const ground = prepare(start);

    it('is silent, while another watcher of the same node hears', async () => {
      const client = await ground().connected();
      const [removed, kept] = [new WatchLog(), new WatchLog()];
      await client.getData(ground().root, removed.watcher);
      await client.getData(ground().root, kept.watcher);
      client.removeWatch(ground().root, removed.watcher);
      await client.setData(ground().root, bytesOf('1'), -1);
      await catchUp(client, ground().root);
      expect(removed.events).toEqual([]);
      expect(kept.types).toEqual(['dataChanged']);
    });

    it('is silent also when the request that set it was still on its way', async () => {
      const client = await ground().connected();
      const log = new WatchLog();
      const reading = client.getData(ground().root, log.watcher);
      const missing = client.exists(`${ground().root}/none`, log.watcher);
      client.removeWatch(ground().root, log.watcher);
      client.removeWatch(`${ground().root}/none`, log.watcher);
      await Promise.all([reading, missing]);
      await client.create(`${ground().root}/none`, NO_BYTES);
      await client.setData(ground().root, bytesOf('1'), -1);
      await catchUp(client, ground().root);
      expect(log.events).toEqual([]);
    });

    it('can be set again', async () => {
      const client = await ground().connected();
      const log = new WatchLog();
      await client.getChildren(ground().root, log.watcher);
      client.removeWatch(ground().root, log.watcher);
      await client.getChildren(ground().root, log.watcher);
      await client.create(`${ground().root}/c`, NO_BYTES);
      await catchUp(client, ground().root);
      expect(log.types).toEqual(['childrenChanged']);
    });

    it('need never have been one', async () => {
      const client = await ground().connected();
      client.removeWatch('/never/watched', () => undefined);
      client.removeWatch('not a path', () => undefined);
      expect(await client.exists(ground().root)).not.toBeNull();
    });
  });
}
