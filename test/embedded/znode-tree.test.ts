import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONTAINER_OWNER, NO_OWNER, statOf, ttlOfOwner, ttlOwner } from '../../src/embedded/znode.js';
import { type Mutation, ZnodeTree } from '../../src/embedded/znode-tree.js';
import { OPEN_ACL } from '../../src/zookeeper/client.js';

const TIME_MS = 1_000;

/** Applies each mutation as a transaction of its own, as a single request does. */
function grow(tree: ZnodeTree, ...mutations: Mutation[]): void {
  for (const mutation of mutations) {
    tree.begin(tree.lastZxid + 1n, TIME_MS);
    tree.apply(mutation);
    tree.commit();
  }
}

function create(tree: ZnodeTree, path: string, owner = NO_OWNER): Mutation {
  const parent = tree.get(path.slice(0, path.lastIndexOf('/')));
  if (parent === undefined) throw new Error(`no parent of ${path}`);
  const createCount = (tree.nextSequence(parent) + 1) | 0;
  return { type: 'create', path, data: new Uint8Array([1, 2]), acl: OPEN_ACL, owner, createCount };
}

function stat(tree: ZnodeTree, path: string): ReturnType<typeof statOf> {
  const node = tree.get(path);
  if (node === undefined) throw new Error(`no node at ${path}`);
  return statOf(node);
}

/** Everything a tree holds, as plain data. */
function everything(tree: ZnodeTree): unknown {
  return {
    nodes: [...tree.paths()]
      .sort()
      .map((path) => [path, tree.get(path)?.data, stat(tree, path), tree.get(path)?.acl]),
    ephemerals: tree.ephemeralsOf('a').toSorted(),
    reapable: [...tree.reapable].sort(),
    bytes: tree.approximateBytes,
  };
}

describe('a new tree', () => {
  test('holds what a new real server holds', () => {
    const tree = new ZnodeTree();
    expect([...tree.paths()]).toEqual(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']);
    expect(stat(tree, '/')).toMatchObject({ czxid: 0n, cversion: -1, numChildren: 1, ctimeMs: 0 });
    expect(stat(tree, '/zookeeper')).toMatchObject({ cversion: -2, numChildren: 2 });
  });

  test('knows its root by the empty path too', () => {
    const tree = new ZnodeTree();
    expect(tree.get('')).toBe(tree.get('/'));
  });
});

describe('stats', () => {
  test('cversion counts creates and deletes, pzxid is that of the last of them', () => {
    const tree = new ZnodeTree();
    grow(tree, create(tree, '/p'));
    grow(tree, create(tree, '/p/a'));
    grow(tree, create(tree, '/p/b'));
    expect(stat(tree, '/p')).toMatchObject({ cversion: 2, numChildren: 2, pzxid: 3n, mzxid: 1n });
    grow(tree, { type: 'delete', path: '/p/a' });
    expect(stat(tree, '/p')).toMatchObject({ cversion: 3, numChildren: 1, pzxid: 4n, czxid: 1n });
  });

  test('setData changes mzxid and version, setAcl only aversion', () => {
    const tree = new ZnodeTree();
    grow(tree, create(tree, '/p'));
    grow(tree, { type: 'setData', path: '/p', data: new Uint8Array(7), version: 1 });
    grow(tree, { type: 'setAcl', path: '/p', acl: [], version: 1 });
    expect(stat(tree, '/p')).toMatchObject({ mzxid: 2n, pzxid: 1n, version: 1, aversion: 1, dataLength: 7 });
  });

  test('what a container or a TTL node keeps as its owner is not shown', () => {
    const tree = new ZnodeTree();
    grow(tree, create(tree, '/c', CONTAINER_OWNER), create(tree, '/t', ttlOwner(5_000)));
    expect(stat(tree, '/c').ephemeralOwner).toBe('0');
    expect(stat(tree, '/t').ephemeralOwner).toBe('0');
    expect(ttlOfOwner(tree.get('/t')?.owner ?? '')).toBe(5_000);
    expect([...tree.reapable]).toEqual(['/c', '/t']);
  });
});

describe('sequence numbers', () => {
  test('count the creates under a parent: deletes do not give numbers back, other parents do not share them', () => {
    const tree = new ZnodeTree();
    grow(tree, create(tree, '/p'), create(tree, '/q'));
    const next = (path: string): number =>
      tree.nextSequence(tree.get(path) as NonNullable<ReturnType<typeof tree.get>>);
    grow(tree, create(tree, '/p/a'));
    grow(tree, create(tree, '/p/b'));
    grow(tree, { type: 'delete', path: '/p/b' });
    expect(next('/p')).toBe(2);
    expect(next('/q')).toBe(0);
  });

  test('a parent that was deleted and made again starts over', () => {
    const tree = new ZnodeTree();
    grow(tree, create(tree, '/p'));
    grow(tree, create(tree, '/p/a'));
    grow(tree, { type: 'delete', path: '/p/a' }, { type: 'delete', path: '/p' });
    grow(tree, create(tree, '/p'));
    expect(tree.get('/p')).toMatchObject({ createCount: 0, czxid: 5n });
  });

  test('at their end, creates in flight together get negative numbers, and later ones 2147483647 again', () => {
    const tree = new ZnodeTree();
    grow(tree, create(tree, '/p'));
    tree.setCounter('/p', 2_147_483_646);
    const parent = tree.get('/p');
    if (parent === undefined) throw new Error('no parent');
    const numbers: number[] = [];
    const take = (name: string): void => {
      numbers.push(tree.nextSequence(parent));
      grow(tree, create(tree, `/p/${name}`));
    };
    for (const name of ['a', 'b', 'c']) take(name);
    const pzxid = parent.pzxid;
    expect(numbers).toEqual([2_147_483_646, 2_147_483_647, -2_147_483_648]);
    tree.settleCounters();
    take('d');
    tree.settleCounters();
    take('e');
    expect(numbers.slice(3)).toEqual([2_147_483_647, 2_147_483_647]);
    // The committed counter moves only up, and takes pzxid along only then.
    expect(parent.pzxid).toBe(pzxid);
  });
});

describe('transactions', () => {
  test('what is rolled back never was, but for its zxid', () => {
    const paths = ['/a', '/b', '/a/x', '/a/y', '/b/z'];
    const mutation = fc.tuple(
      fc.constantFrom(...paths),
      fc.nat(3),
      fc.constantFrom('a', NO_OWNER, CONTAINER_OWNER),
    );
    const attempt = (
      tree: ZnodeTree,
      [path, what, owner]: [string, number, string],
    ): Mutation | undefined => {
      const node = tree.get(path);
      if (node === undefined)
        return tree.get(path.slice(0, 2)) !== undefined || path.length === 2
          ? create(tree, path, owner)
          : undefined;
      if (what === 0) return { type: 'setData', path, data: null, version: node.version + 1 };
      if (what === 1) return { type: 'setAcl', path, acl: [], version: node.aversion + 1 };
      return node.children.size === 0 ? { type: 'delete', path } : undefined;
    };
    fc.assert(
      fc.property(fc.array(mutation), fc.array(mutation), (kept, taken) => {
        const tree = new ZnodeTree();
        for (const each of kept) {
          const wanted = attempt(tree, each);
          if (wanted !== undefined) grow(tree, wanted);
        }
        const before = everything(tree);
        const zxid = tree.lastZxid;
        tree.begin(zxid + 1n, TIME_MS);
        for (const each of taken) {
          const wanted = attempt(tree, each);
          if (wanted !== undefined) tree.apply(wanted);
        }
        tree.rollback();
        expect(everything(tree)).toEqual(before);
        expect(tree.lastZxid).toBe(zxid + 1n);
      }),
    );
  });

  test('a replica that replays what was committed is the same tree', () => {
    const [leader, replica] = [new ZnodeTree(), new ZnodeTree()];
    for (const path of ['/a', '/a/b', '/c']) {
      leader.begin(leader.lastZxid + 1n, TIME_MS);
      leader.apply(create(leader, path, path === '/c' ? 'a' : NO_OWNER));
      replica.replay(leader.commit());
    }
    leader.begin(leader.lastZxid + 1n, TIME_MS + 1);
    leader.apply({ type: 'delete', path: '/a/b' });
    leader.apply({ type: 'setData', path: '/a', data: null, version: 1 });
    const { changes } = replica.replay(leader.commit());
    expect(everything(replica)).toEqual(everything(leader));
    expect(changes.map(({ type, path }) => `${type} ${path}`)).toEqual([
      'deleted /a/b',
      'childrenChanged /a',
      'dataChanged /a',
    ]);
  });

  test('ten thousand children are all counted', () => {
    const tree = new ZnodeTree();
    grow(tree, create(tree, '/p'));
    for (let index = 0; index < 10_000; index += 1) grow(tree, create(tree, `/p/${index}`));
    expect(tree.get('/p')?.children.size).toBe(10_000);
    expect(stat(tree, '/p')).toMatchObject({ numChildren: 10_000, cversion: 10_000 });
  });
});
