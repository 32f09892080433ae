/** What a request does and answers. */
import { describe, expect, it } from 'vitest';
import type { CreateMode } from '../../src/zookeeper/client.js';
import { bytesOf, can, failureOf, type Harness, NO_BYTES, prepare, textOf, WatchLog } from './harness.js';

const REAPING_TIMEOUT_MS = 150_000;

export function requestContract(start: () => Promise<Harness>): void {
  describe('requests', () => {
    const ground = prepare(start);

    it('are served in the order they were issued, without waiting for one another', async () => {
      const client = await ground().connected();
      const versions = await Promise.all(
        Array.from({ length: 200 }, (_, version) =>
          client.setData(ground().root, bytesOf(`${version}`), version),
        ),
      );
      expect(versions.map(({ version }) => version)).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    });

    it('see what those before them did: a list asked for together with a create has the new node', async () => {
      const client = await ground().connected();
      const [created, listed] = await Promise.all([
        client.create(`${ground().root}/n-`, NO_BYTES, { mode: 'ephemeralSequential' }),
        client.getChildren(ground().root),
      ]);
      expect(listed.children).toEqual([created.path.slice(ground().root.length + 1)]);
    });

    it('answer in order, and never inside the call', async () => {
      const client = await ground().connected();
      const answered: number[] = [];
      const all = Array.from({ length: 50 }, (_, index) =>
        client.exists(ground().root).then(() => answered.push(index)),
      );
      expect(answered).toEqual([]);
      await Promise.all(all);
      expect(answered).toEqual(Array.from({ length: 50 }, (_, index) => index));
    });

    it('give back the bytes they were given, whatever they are', async () => {
      const client = await ground().connected();
      const bytes = Uint8Array.from({ length: 512 }, (_, at) => at % 256);
      const { path, stat } = await client.create(`${ground().root}/ü-名`, bytes);
      const { data, stat: seen } = await client.getData(path);
      expect(data).toStrictEqual(bytes);
      expect(stat).toEqual(client.capabilities.create2 ? seen : null);
      expect(seen.dataLength).toBe(512);
      expect((await client.getData(ground().root)).data).toStrictEqual(NO_BYTES);
    });

    it('number sequential nodes with ten digits, growing', async () => {
      const client = await ground().connected();
      const modes: CreateMode[] = ['persistentSequential', 'ephemeralSequential', 'persistentSequential'];
      const created = await Promise.all(
        modes.map((mode) => client.create(`${ground().root}/s-`, NO_BYTES, { mode })),
      );
      expect(created.map(({ path }) => path)).toEqual(
        [0, 1, 2].map((n) => `${ground().root}/s-000000000${n}`),
      );
      const bare = await client.create(`${ground().root}/`, NO_BYTES, { mode: 'persistentSequential' });
      expect(bare.path).toBe(`${ground().root}/0000000003`);
    });

    it('say who owns an ephemeral node, and refuse children under it', async () => {
      const client = await ground().connected();
      const { path, stat } = await client.create(`${ground().root}/e`, NO_BYTES, { mode: 'ephemeral' });
      expect(stat?.ephemeralOwner ?? client.sessionId).toBe(client.sessionId);
      expect((await client.exists(path))?.ephemeralOwner).toBe(client.sessionId);
      expect((await failureOf(client.create(`${path}/c`, NO_BYTES))).code).toBe('NoChildrenForEphemerals');
    });

    it('fail with the code, the path and the certainty that nothing was done', async () => {
      const client = await ground().connected();
      const { root } = ground();
      await client.create(`${root}/a`, NO_BYTES);
      const failures = await Promise.all([
        failureOf(client.create(`${root}/a`, NO_BYTES)),
        failureOf(client.create(`${root}/none/b`, NO_BYTES)),
        failureOf(client.delete(root, -1)),
        failureOf(client.delete(`${root}/none`, -1)),
        failureOf(client.setData(`${root}/a`, NO_BYTES, 7)),
        failureOf(client.getData(`${root}/none`)),
        failureOf(client.getChildren(`${root}/none`)),
      ]);
      const codes = ['NodeExists', 'NoNode', 'NotEmpty', 'NoNode', 'BadVersion', 'NoNode', 'NoNode'];
      expect(failures.map(({ code }) => code)).toEqual(codes);
      expect(failures.every(({ outcome }) => outcome === 'notApplied')).toBe(true);
      expect(failures[1].path).toBe(`${root}/none/b`);
      expect(await client.exists(`${root}/none`)).toBeNull();
    });

    it('are refused before they are sent when the path, the version or the mode cannot be meant', async () => {
      const client = await ground().connected();
      const failures = await Promise.all([
        failureOf(client.exists('relative')),
        failureOf(client.exists('/a//b')),
        failureOf(client.getData('/a/')),
        failureOf(client.getChildren('/a/../b')),
        failureOf(client.delete('/a', Number.NaN)),
        failureOf(client.create('/a', NO_BYTES, { mode: 'persistentWithTtl' })),
        failureOf(client.create('/a', NO_BYTES, { acl: [] })),
        failureOf(client.setData('/a', 'text' as unknown as Uint8Array, -1)),
      ]);
      expect(failures.map(({ code }) => code)).toEqual(failures.map(() => 'BadArguments'));
      expect(client.state.kind).toBe('connected');
    });

    it('see with sync what another client did before', async () => {
      const [writer, reader] = await Promise.all([ground().connected(), ground().connected()]);
      await writer.setData(ground().root, bytesOf('new'), -1);
      const [, { data }] = await Promise.all([reader.sync(ground().root), reader.getData(ground().root)]);
      expect(textOf(data)).toBe('new');
    });

    it('list four megabytes of names, and refuse them typed where the client allows less', async () => {
      const client = await ground().connected();
      const name = (index: number): string => `${index}`.padStart(400, 'x');
      const names = Array.from({ length: 10_000 }, (_, index) => name(index));
      await Promise.all(names.map((child) => client.create(`${ground().root}/${child}`, NO_BYTES)));
      const { children, stat } = await client.getChildren(ground().root);
      expect(children).toHaveLength(10_000);
      expect(stat.numChildren).toBe(10_000);
      expect(new Set(children)).toEqual(new Set(names));

      const modest = await ground().connected({ maxReplyBytes: 65_536 });
      const [refused, after] = await Promise.all([
        failureOf(modest.getChildren(ground().root)),
        modest.exists(ground().root),
      ]);
      expect(refused.code).toBe('ReplyTooLarge');
      expect(after?.numChildren).toBe(10_000);
    });

    it('make containers, which go when their last child has', { timeout: REAPING_TIMEOUT_MS }, async () => {
      const client = await ground().connected();
      const gone = new WatchLog();
      const { path } = await client.create(`${ground().root}/box`, NO_BYTES, { mode: 'container' });
      await client.create(`${path}/c`, NO_BYTES);
      await client.exists(path, gone.watcher);
      await client.delete(`${path}/c`, -1);
      await gone.heard(1);
      expect(gone.types).toEqual(['deleted']);
    });

    it('make nodes with a time to live, where the server allows it', {
      timeout: REAPING_TIMEOUT_MS,
    }, async () => {
      const client = await ground().connected();
      const gone = new WatchLog();
      const path = `${ground().root}/brief`;
      const making = client.create(path, NO_BYTES, { mode: 'persistentWithTtl', ttlMs: 100 });
      const refusal = await making.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refusal !== undefined) {
        expect(refusal).toMatchObject({ code: 'Unimplemented', outcome: 'notApplied' });
        return;
      }
      if ((await client.exists(path, gone.watcher)) !== null) await gone.heard(1);
      expect(await client.exists(path)).toBeNull();
    });
  });

  describe('transactions', () => {
    const ground = prepare(start);

    it('do all of their parts, and answer each', async () => {
      const client = await ground().connected();
      const { root } = ground();
      const transact = () =>
        client.multi([
          { type: 'create', path: `${root}/a`, data: bytesOf('1') },
          { type: 'create', path: `${root}/s-`, mode: 'ephemeralSequential' },
          { type: 'check', path: root, version: 0 },
          { type: 'setData', path: root, data: bytesOf('set') },
          { type: 'delete', path: `${root}/a` },
        ]);
      if (!(await can(client, 'multi', transact))) {
        expect(await client.getChildren(root)).toMatchObject({ children: [], stat: { version: 0 } });
        return;
      }
      const results = await transact();
      expect(results.map(({ type }) => type)).toEqual(['create', 'create', 'check', 'setData', 'delete']);
      expect(results[1]).toMatchObject({ path: `${root}/s-0000000001` });
      expect(results[3]).toMatchObject({ stat: { version: 1 } });
      expect((await client.getChildren(root)).children).toEqual(['s-0000000001']);
    });

    it('do nothing at all when one part fails, and name it', async () => {
      const client = await ground().connected();
      const { root } = ground();
      const transact = () =>
        client.multi([
          { type: 'create', path: `${root}/a` },
          { type: 'setData', path: root, data: bytesOf('set') },
          { type: 'check', path: root, version: 77 },
          { type: 'delete', path: `${root}/none` },
        ]);
      if (await can(client, 'multi', transact)) {
        expect(await failureOf(transact())).toMatchObject({
          code: 'BadVersion',
          failedIndex: 2,
          path: root,
          outcome: 'notApplied',
        });
      }
      expect((await client.exists(root))?.version).toBe(0);
      expect(await client.exists(`${root}/a`)).toBeNull();
    });
  });
}
