/** Request scripts for comparing servers: random but meaningful, for several sessions. */
import fc from 'fast-check';
export type AclName = 'open' | 'readOnly' | 'creator' | 'mine' | 'theirs' | 'none' | 'bad' | 'twice';

export type Part =
  | {
      readonly op: 'create' | 'create2' | 'createContainer' | 'createTtl';
      readonly path: string;
      readonly flags: number;
      readonly data: string | null;
      readonly acl: AclName;
      readonly ttlMs: number;
    }
  | { readonly op: 'delete' | 'check'; readonly path: string; readonly version: number }
  | { readonly op: 'setData'; readonly path: string; readonly data: string | null; readonly version: number };

export type Step = { readonly peer: number } & (
  | Exclude<Part, { op: 'delete' | 'check' }>
  | { readonly op: 'delete'; readonly path: string; readonly version: number }
  | {
      readonly op: 'exists' | 'getData' | 'getChildren' | 'getChildren2';
      readonly path: string;
      readonly watch: boolean;
    }
  | { readonly op: 'getAcl' | 'sync' | 'getAllChildrenNumber' | 'getEphemerals'; readonly path: string }
  | { readonly op: 'setAcl'; readonly path: string; readonly acl: AclName; readonly version: number }
  | { readonly op: 'multi'; readonly parts: readonly Part[] }
  | {
      readonly op: 'multiRead';
      readonly paths: readonly { readonly path: string; readonly children: boolean }[];
    }
  | { readonly op: 'addWatch'; readonly path: string; readonly mode: number }
  | { readonly op: 'removeWatches'; readonly path: string; readonly type: number }
  | { readonly op: 'auth'; readonly scheme: string; readonly auth: string }
  | { readonly op: 'whoAmI' }
  | {
      readonly op: 'setWatches';
      readonly since: 'ever' | 'lastSeen' | 'never';
      readonly data: readonly string[];
      readonly exists: readonly string[];
      readonly child: readonly string[];
      readonly persistent: readonly string[];
      readonly recursive: readonly string[];
    }
  | { readonly op: 'resume' | 'newSession' }
);

/** Relative to the script's own root; one of them is no path at all. */
const paths = ['', '/a', '/a/b', '/a/b/c', '/d', '/d/e', '/a/', '/d//e', '/./x'];
const path = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...paths.slice(0, 6)) },
  { weight: 1, arbitrary: fc.constantFrom(...paths.slice(6)) },
);
const data = fc.constantFrom(null, '', 'x', 'some data');
const version = fc.oneof(
  { weight: 3, arbitrary: fc.constant(-1) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 2 }) },
);
const flags = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 2, 3) },
  { weight: 1, arbitrary: fc.constantFrom(4, 5, 6, 7, -1) },
);
const openAcl = fc.constant<AclName>('open');
const anyAcl = fc.constantFrom<AclName>(
  'open',
  'readOnly',
  'creator',
  'mine',
  'theirs',
  'none',
  'bad',
  'twice',
);

function parts(acl: fc.Arbitrary<AclName>): fc.Arbitrary<Part> {
  const create = fc.record({ path, data, acl });
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .record({ base: create, flags, op: fc.constantFrom('create' as const, 'create2' as const) })
        .map(({ base, ...rest }) => ({ ...base, ...rest, ttlMs: -1 })),
    },
    {
      weight: 1,
      arbitrary: create.map((base) => ({ ...base, op: 'createContainer' as const, flags: 4, ttlMs: -1 })),
    },
    {
      weight: 1,
      arbitrary: fc
        .record({
          base: create,
          flags: fc.constantFrom(5, 6),
          ttlMs: fc.constantFrom(0, 100_000, -5, 2 ** 40 - 1, 2 ** 40),
        })
        .map(({ base, ...rest }) => ({ ...base, ...rest, op: 'createTtl' as const })),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        op: fc.constantFrom('delete' as const, 'delete' as const, 'check' as const),
        path,
        version,
      }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('setData' as const), path, data, version }) },
  );
}

/**
 * What a script may contain. Servers before 3.9 keep one watch mode per path and session, and tell of nodes that
 * the watcher may not read; so a script has one kind of watch, and no watches where ACLs vary.
 */
export type Flavour = 'oneShot' | 'persistent' | 'recursive' | 'acl';

export function script(flavour: Flavour): fc.Arbitrary<Step[]> {
  const acl = flavour === 'acl' ? anyAcl : openAcl;
  const watch = flavour === 'oneShot' ? fc.boolean() : fc.constant(false);
  const one =
    flavour === 'oneShot'
      ? fc.uniqueArray(fc.constantFrom(...paths.slice(0, 6)), { maxLength: 3 })
      : fc.constant([]);
  const set = (wanted: Flavour) =>
    flavour === wanted
      ? fc.uniqueArray(fc.constantFrom(...paths.slice(0, 6)), { maxLength: 2 })
      : fc.constant([]);
  const write = parts(acl).filter((each): each is Exclude<Part, { op: 'check' }> => each.op !== 'check');
  // A real server stumbles (MarshallingError) over a plain create with a TTL's flags, but only when it gets that far.
  const part = parts(acl).filter((each) => !('flags' in each && each.flags >= 5 && each.op !== 'createTtl'));
  const choices: fc.WeightedArbitrary<unknown>[] = [
    { weight: 12, arbitrary: write },
    {
      weight: 6,
      arbitrary: fc.record({
        op: fc.constantFrom('exists', 'getData', 'getChildren', 'getChildren2'),
        path,
        watch,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constantFrom('getAcl', 'sync', 'getAllChildrenNumber', 'getEphemerals'),
        path,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ op: fc.constant('multi'), parts: fc.array(part, { maxLength: 4 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant('multiRead'),
        paths: fc.array(fc.record({ path, children: fc.boolean() }), { maxLength: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('resume', 'newSession') }) },
    { weight: 1, arbitrary: fc.constant({ op: 'whoAmI' }) },
  ];
  if (flavour === 'acl') {
    choices.push(
      { weight: 3, arbitrary: fc.record({ op: fc.constant('setAcl'), path, acl, version }) },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('getAcl'), path }) },
      {
        weight: 2,
        arbitrary: fc.record({
          op: fc.constant('auth'),
          scheme: fc.constantFrom('digest', 'digest', 'digest', 'ip', 'nonsense'),
          auth: fc.constantFrom('ann:secret', 'bob:hidden', 'bob'),
        }),
      },
    );
  } else {
    // Before 3.9, each type removes watches of every mode.
    const removable = flavour === 'oneShot' ? fc.constantFrom(1, 2, 3, 9) : fc.constantFrom(3, 9);
    choices.push(
      { weight: 1, arbitrary: fc.record({ op: fc.constant('removeWatches'), path, type: removable }) },
      {
        weight: 1,
        arbitrary: fc.record({
          op: fc.constant('setWatches'),
          since: fc.constantFrom('ever', 'lastSeen', 'never'),
          data: one,
          exists: one,
          child: one,
          persistent: set('persistent'),
          recursive: set('recursive'),
        }),
      },
    );
  }
  if (flavour === 'persistent' || flavour === 'recursive') {
    const mode = fc.constantFrom(flavour === 'persistent' ? 0 : 1, flavour === 'persistent' ? 0 : 1, 2);
    choices.push({ weight: 3, arbitrary: fc.record({ op: fc.constant('addWatch'), path, mode }) });
  }
  const step = fc
    .tuple(fc.integer({ min: 0, max: PEERS - 1 }), fc.oneof(...choices))
    .map(([peer, what]) => ({ ...(what as object), peer }) as Step);
  return fc.array(step, { minLength: 1, maxLength: 40, size: 'max' });
}

export const PEERS = 3;

const world = { scheme: 'world', id: 'anyone' };
export const acls: Readonly<Record<AclName, readonly { permissions: number; scheme: string; id: string }[]>> =
  {
    open: [{ permissions: 31, ...world }],
    readOnly: [{ permissions: 1, ...world }],
    creator: [{ permissions: 31, scheme: 'auth', id: '' }],
    mine: [
      { permissions: 31, scheme: 'ip', id: '127.0.0.0/8' },
      { permissions: 1, ...world },
    ],
    // ann:secret, digested.
    theirs: [
      { permissions: 31, scheme: 'digest', id: 'ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=' },
      { permissions: 5, scheme: 'ip', id: '10.0.0.1' },
    ],
    none: [],
    bad: [{ permissions: 31, scheme: 'digest', id: 'nocolon' }],
    twice: [
      { permissions: 15, ...world },
      { permissions: 15, ...world },
      { permissions: 16, scheme: 'auth', id: 'ignored' },
    ],
  };
