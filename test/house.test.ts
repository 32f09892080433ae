/**
 * The rules of the house, kept by machine. Each failure is a sentence that says the rule. The table is the complete
 * list of who may import whom; to change it is a decision, so write down why in `docs/decisions/`.
 */
import { describe, expect, it } from 'vitest';
import { BANS } from '../.config/banned-words.mjs';
import { readSource, repositoryFiles, root, type SourceFile, textOf } from './setup/source-files.js';

/**
 * Who may import whom, besides a file's own room. A key is a file without its extension, or a folder (a room) with
 * a slash at its end; so is a value, which may also name a package. `(type)` allows types only.
 */
const MAY_IMPORT: Record<string, string[]> = {
  // WHEN
  'machines/': ['xstate'],
  // nothing below them
  'src/errors': [],
  'src/clock': [],
  'src/host': [],
  'src/claim-data': ['machines/ (type)'],
  'src/arguments': ['src/errors', 'src/zookeeper/client (type)'],
  'src/attempt': ['xstate (type)'],
  'src/late-calls': ['src/clock'],
  // RUN: a chart from a table (docs/decisions/005)
  'src/chart/': ['xstate'],
  // WHO
  'src/queue': ['machines/ (type)'],
  // TALK
  'src/zookeeper/': ['machines/', 'src/clock', 'src/errors', 'rxjs', 'xstate'],
  // PRETEND: its in-process client is the wire client over a pipe (docs/decisions/003)
  'src/embedded/': [
    'src/zookeeper/client',
    'src/zookeeper/errors',
    'src/zookeeper/frames',
    'src/zookeeper/jute',
    'src/zookeeper/records',
    'src/zookeeper/transport',
    'src/zookeeper/wire-client',
    'src/zookeeper/znode-path',
    'src/arguments',
    'src/clock',
    'src/errors',
  ],
  // one lock
  'src/claim-record': ['src/claim-data', 'src/clock', 'src/zookeeper/client', 'src/zookeeper/errors'],
  'src/reading': [
    'machines/ (type)',
    'src/errors',
    'src/zookeeper/client',
    'src/zookeeper/errors',
    'src/zookeeper/session-port',
    'rxjs',
  ],
  'src/purge': [
    'machines/',
    'src/claim-data',
    'src/errors',
    'src/zookeeper/client',
    'src/zookeeper/errors',
    'src/zookeeper/session-port',
  ],
  'src/look-ahead': [
    'machines/ (type)',
    'src/line-listing',
    'src/queue',
    'src/zookeeper/session-port (type)',
  ],
  'src/unclean-loss': [
    'machines/ (type)',
    'src/claim-data',
    'src/line-listing',
    'src/queue',
    'src/recent-paths',
    'src/zookeeper/client',
    'src/zookeeper/errors',
    'src/zookeeper/session-port (type)',
  ],
  'src/lock-watchers': [
    'machines/',
    'src/claim-data',
    'src/claim-record',
    'src/errors (type)',
    'src/look-ahead',
    'src/purge',
    'src/queue (type)',
    'src/unclean-loss (type)',
    'src/zookeeper/client',
    'src/zookeeper/errors',
    'src/zookeeper/session-port',
    'src/zookeeper/watches',
  ],
  'src/line-listing': [
    'machines/ (type)',
    'src/claim-data',
    'src/queue',
    'src/zookeeper/client (type)',
    'src/zookeeper/errors',
  ],
  'src/known-lines': [
    'machines/ (type)',
    'src/line-listing (type)',
    'src/queue',
    'src/recent-paths',
    'src/zookeeper/client (type)',
  ],
  'src/recent-paths': [],
  'src/parents': ['src/zookeeper/client', 'src/zookeeper/errors'],
  'src/lock-actors': [
    'machines/',
    'src/attempt',
    'src/chart/',
    'src/known-lines',
    'src/line-listing',
    'src/lock-watchers',
    'src/parents',
    'src/claim-record',
    'src/purge',
    'src/queue',
    'src/unclean-loss',
    'src/zookeeper/client',
    'src/zookeeper/errors',
    'src/zookeeper/session-port',
    'src/zookeeper/watches',
    'rxjs',
    'xstate',
  ],
  // one process's line
  'src/local-line': ['machines/ (type)', 'src/lock-watchers'],
  'src/local-actors': [
    'machines/',
    'src/attempt',
    'src/chart/',
    'src/local-line (type)',
    'src/lock-actors',
    'src/lock-watchers',
    'xstate',
  ],
  'src/lease': [
    'src/arguments',
    'machines/',
    'src/claim-record',
    'src/clock',
    'src/errors',
    'src/zookeeper/client',
    'src/zookeeper/errors',
    'src/zookeeper/session-port',
  ],
  'src/ownership': ['machines/', 'src/errors (type)', 'src/lease (type)', 'rxjs', 'xstate (type)'],
  'src/acquisition': [
    'machines/',
    'src/chart/',
    'src/claim-data',
    'src/claim-record',
    'src/errors',
    'src/late-calls (type)',
    'src/lease',
    'src/local-actors',
    'src/local-line (type)',
    'src/lock-actors',
    'src/lock-watchers (type)',
    'src/ownership',
    'src/pace',
    'src/queue (type)',
    'src/unclean-loss (type)',
    'src/zookeeper/client (type)',
    'src/zookeeper/session-port (type)',
    'xstate',
  ],
  'src/pace': ['src/clock', 'src/lease', 'src/ownership (type)', 'src/recent-paths'],
  'src/reentrancy': ['src/acquisition', 'src/errors', 'src/lease (type)', 'src/ownership'],
  'src/lock-entries': ['src/errors', 'src/queue'],
  'src/lock': [
    'machines/ (type)',
    'src/acquisition',
    'src/arguments',
    'src/contention (type)',
    'src/errors',
    'src/lease',
    'src/line-listing',
    'src/lock-entries',
    'src/ownership',
    'src/reading',
    'src/reentrancy',
    'rxjs',
  ],
  'src/operators': ['src/arguments', 'src/errors', 'src/lease', 'src/lock', 'src/ownership', 'rxjs'],
  // everybody's line
  'src/contention-facts': ['src/queue (type)'],
  'src/line-watch': [
    'src/claim-data',
    'src/contention-facts (type)',
    'src/known-lines',
    'src/queue',
    'src/zookeeper/client (type)',
    'src/zookeeper/errors',
    'src/zookeeper/session-port (type)',
  ],
  'src/contention': [
    'src/contention-facts (type)',
    'src/line-watch',
    'src/zookeeper/session-port (type)',
    'rxjs',
  ],
  'src/claim-break': [
    'src/arguments',
    'src/claim-data',
    'src/errors',
    'src/parents',
    'src/queue',
    'src/zookeeper/client',
    'src/zookeeper/errors',
  ],
  'src/claim-revoke': [
    'machines/ (type)',
    'src/claim-break',
    'src/claim-data',
    'src/errors',
    'src/queue',
    'src/reading',
    'src/zookeeper/client (type)',
    'src/zookeeper/errors',
    'src/zookeeper/session-port (type)',
    'src/zookeeper/watches',
    'rxjs',
  ],
  'src/hand-overs': ['src/contention-facts (type)', 'src/contention (type)', 'rxjs'],
  'src/wait-for-graph': ['src/contention-facts (type)'],
  // COMBINE
  'src/recipes/': [
    'machines/ (type)',
    'src/contention-facts (type)',
    'src/acquisition',
    'src/arguments',
    'src/claim-data',
    'src/claim-record',
    'src/errors',
    'src/lease',
    'src/line-listing',
    'src/lock',
    'src/parents',
    'src/ownership',
    'src/queue',
    'src/reading',
    'src/zookeeper/client',
    'src/zookeeper/errors',
    'src/zookeeper/session-port',
    'src/zookeeper/watches',
    'rxjs',
  ],
  'src/connecting': ['src/errors', 'src/zookeeper/'],
  'src/session-options': [
    'src/clock (type)',
    'src/lock (type)',
    'src/zookeeper/client (type)',
    'src/zookeeper/session-port (type)',
  ],
  'src/session': [
    'src/session-options (type)',
    'src/claim-break',
    'src/claim-revoke',
    'src/acquisition (type)',
    'src/arguments',
    'src/clock',
    'src/connecting',
    'src/contention',
    'src/errors',
    'src/host',
    'src/late-calls',
    'src/local-line',
    'src/lease',
    'src/lock',
    'src/pace',
    'src/queue',
    'src/reading',
    'src/recipes/',
    'src/unclean-loss',
    'src/zookeeper/',
    'rxjs',
  ],
  // EXPLAIN, SHOW, COMMAND, and the names on the door
  'src/inspect/': ['machines/', 'src/clock', 'rxjs', 'xstate'],
  // MEASURE: backends are given, never imported (docs/decisions/017)
  'src/metrics/': [
    'machines/',
    'src/arguments',
    'src/clock',
    'src/contention (type)',
    'src/errors',
    'src/hand-overs',
    'src/ownership',
    'src/zookeeper/session-port (type)',
    'src/zookeeper/supervisor (type)',
    'rxjs',
    'xstate (type)',
  ],
  'src/dashboard/': [
    'src/clock',
    'src/contention (type)',
    'src/contention-facts (type)',
    'src/hand-overs',
    'src/host',
    'src/wait-for-graph',
    'src/inspect/',
    'src/ownership (type)',
    '@dagrejs/dagre',
    'react',
    'react-dom',
    'react-dom/client',
    'rxjs',
    'uplot',
    'uplot/dist/uPlot.min.css',
  ],
  'src/cli/': ['machines/', 'src/', 'rxjs', 'xstate'],
  'src/index': ['machines/', 'src/'],
};

/** `src/` above stands for every room but these, which sit on top. */
const ON_TOP = ['src/cli/', 'src/index'];

/** Only these may meet Node at run time; the rest runs in a page. A browser stands in with `*.browser.ts`. */
const NODE_ONLY = [
  'src/zookeeper/socket.ts',
  'src/zookeeper/native-client.ts',
  'src/embedded/listener.ts',
  'src/host.ts',
  'src/dashboard/server.ts',
  'src/cli/',
];

const TOP_LEVEL = ['package.json', 'tsconfig.json', 'src', 'machines', 'test', 'stories', 'docs'];
const BESIDES = ['README.md', 'LICENSE', 'CHANGELOG.md', 'package-lock.json'];

const EMPTY_NAMES = ['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'types', 'constants'];

/** Names are written out. XState's `params` and `src`, ZooKeeper's `numChildren` and `xid`, and `id` and `fn` are words by now. */
const ABBREVIATIONS = new Set(
  'addr arr btn buf cb cfg conn ctx cur dbg desc dst elem evt idx impl len mgr msg obj opt opts pkt pos prev ptr qty recv rec req res resp ret sess str svc tmp usr val var wrk'.split(
    ' ',
  ),
);

const LONGEST_FILE = 400;

const files = repositoryFiles();
const sources = files
  .filter((path) => /^(src|machines)\/.*\.tsx?$/.test(path))
  .map((path): SourceFile => readSource(path));

/** The longest key of the table that `path` falls under. */
function placeOf(path: string): string | undefined {
  const stem = path.replace(/(\.browser)?\.tsx?$/, '');
  return Object.keys(MAY_IMPORT)
    .filter((place) => (place.endsWith('/') ? path.startsWith(place) : stem === place))
    .sort((a, b) => b.length - a.length)[0];
}

function mayImport(place: string, target: string, typeOnly: boolean): boolean {
  const stem = target.replace(/(\.browser)?\.tsx?$/, '');
  if (placeOf(target) === place) return true;
  return (MAY_IMPORT[place] ?? []).some((entry) => {
    const [name = '', onlyTypes] = entry.split(' ');
    if (onlyTypes !== undefined && !typeOnly) return false;
    if (name === 'src/') return target.startsWith('src/') && !ON_TOP.includes(placeOf(target) ?? '');
    return name.endsWith('/') ? target.startsWith(name) : stem === name;
  });
}

const inHome = (path: string, home: readonly string[]) =>
  home.some((entry) => (entry.endsWith('/') ? path.startsWith(entry) : path === entry));

/** Cycles of imports, types included, each told once from its first file. */
function cycles(): string[] {
  const graph = new Map(sources.map(({ path, imports }) => [path, imports.map(({ target }) => target)]));
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return found;
}

describe('imports', () => {
  it('give every file of src and machines a place in the table', () => {
    const homeless = sources.filter(({ path }) => placeOf(path) === undefined);
    expect(
      homeless.map(
        ({ path }) => `${path} has no place in the import table: give it a room, or a line of its own.`,
      ),
    ).toEqual([]);
  });

  it('point one way', () => {
    const wrong = sources.flatMap(({ path, imports }) => {
      const place = placeOf(path);
      if (place === undefined) return [];
      return imports
        .filter(({ target }) => !target.startsWith('node:'))
        .filter(({ target, typeOnly }) => !mayImport(place, target, typeOnly))
        .map(
          ({ target, typeOnly, line }) =>
            `${path}:${line} imports ${typeOnly ? 'a type of ' : ''}${target}, but ${place} may import only ` +
            `${MAY_IMPORT[place]?.join(', ') || 'nothing'}${place.endsWith('/') ? ' and its own room' : ''}.`,
        );
    });
    expect(wrong).toEqual([]);
  });

  it('make no cycle, types included', () => {
    expect(cycles().map((cycle) => `No cycles, types included: ${cycle}.`)).toEqual([]);
  });

  it('name Node only where a page never comes', () => {
    const wrong = sources
      .filter(({ path }) => !inHome(path, NODE_ONLY))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ target, typeOnly }) => target.startsWith('node:') && !typeOnly)
          .map(
            ({ target, line }) =>
              `${path}:${line} imports ${target}, but everything except ${NODE_ONLY.join(', ')} runs in a page.`,
          ),
      );
    expect(wrong).toEqual([]);
  });

  it('know the npm client in one file only', () => {
    const knowing = sources
      .filter(({ path }) => path !== 'src/zookeeper/native-client.ts')
      .filter(({ imports }) => imports.some(({ target }) => target === 'zookeeper'));
    expect(knowing.map(({ path }) => `${path} names the npm client; only native-client.ts does.`)).toEqual(
      [],
    );
  });

  it('never lead to tests or stories', () => {
    const wrong = sources.filter(({ imports }) =>
      imports.some(({ target }) => /^(test|stories)\//.test(target)),
    );
    expect(wrong.map(({ path }) => `${path} imports a test or a story; nothing does.`)).toEqual([]);
  });
});

describe('words', () => {
  it.each(BANS)('$rule', ({ rule, home, globals, members, modules }) => {
    const allowed = [...home, 'src/cli/'];
    const wrong = sources
      .filter(({ path }) => !inHome(path, allowed))
      .flatMap(({ path, words, imports }) => [
        ...[...globals, ...members]
          .filter((word) => words.has(word))
          .map((word) => `${path} uses ${word}. ${rule}`),
        ...imports
          .filter(({ target, typeOnly }) => modules.includes(target) && !typeOnly)
          .map(({ target, line }) => `${path}:${line} imports ${target}. ${rule}`),
      ]);
    expect(wrong).toEqual([]);
  });

  it('are written out', () => {
    const wrong = sources.flatMap(({ path, declared }) =>
      [...declared]
        .filter((name) =>
          name
            .replace(/^#/, '')
            .split(/(?=[A-Z])|_/)
            .some((part) => ABBREVIATIONS.has(part.toLowerCase())),
        )
        .map((name) => `${path} calls something "${name}"; names are written out.`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('files', () => {
  it(`have at most ${LONGEST_FILE} lines`, () => {
    const long = sources.filter(({ lineCount }) => lineCount > LONGEST_FILE);
    expect(
      long.map(
        ({ path, lineCount }) =>
          `${path} has ${lineCount} lines; ${LONGEST_FILE} is the wall: split it in its room.`,
      ),
    ).toEqual([]);
  });

  it('have names in kebab-case that say something', () => {
    const wrong = files
      .filter((path) => /^(src|machines|test|stories)\/.*\.(tsx?|mjs)$/.test(path))
      .filter((path) => {
        const name = path.split('/').at(-1) ?? '';
        return (
          !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z-]+)*$/.test(name) || EMPTY_NAMES.includes(name.split('.')[0] ?? '')
        );
      });
    expect(
      wrong.map((path) => `${path}: files are kebab-case, and none is called ${EMPTY_NAMES.join(', ')}.`),
    ).toEqual([]);
  });

  it('stand at the top level only where the user of this project wants them', () => {
    const top = new Set(files.map((path) => path.split('/')[0] ?? ''));
    const wrong = [...top].filter(
      (name) => !name.startsWith('.') && !TOP_LEVEL.includes(name) && !BESIDES.includes(name),
    );
    expect(
      wrong.map(
        (name) => `${name} stands at the top level; only ${[...TOP_LEVEL, ...BESIDES].join(', ')} do.`,
      ),
    ).toEqual([]);
  });

  it('name no registry and no folder of one machine', () => {
    // Written in pieces, so that this file does not name them either.
    const registries = /registry[.](npmjs|yarnpkg)|(deb|security)[.]debian[.]org/;
    const folders = /(?<![\w.~/-])[/](work|farm|home|Users)[/]\w|[/][.]library\b/;
    const wrong = files.flatMap((path) =>
      textOf(path)
        .split('\n')
        .flatMap((line, index) =>
          registries.test(line) || folders.test(line) || (root.length > 8 && line.includes(root))
            ? [
                `${path}:${index + 1} names a registry's host or a folder of one machine: ${line.trim().slice(0, 100)}`,
              ]
            : [],
        ),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the package', () => {
  it.each(['package-lock.json', 'stories/package-lock.json'])(
    'has a lockfile, %s, that is complete and names no download address',
    (lockfile) => {
      const { packages } = JSON.parse(textOf(lockfile)) as {
        packages: Record<string, { version?: string; integrity?: string; resolved?: string }>;
      };
      const wrong = Object.entries(packages).filter(
        ([path, entry]) =>
          path !== '' && (!entry.version || !entry.integrity || entry.resolved !== undefined),
      );
      expect(
        wrong.map(([path]) => `${path}: version and integrity, and no address, belong in ${lockfile}.`),
      ).toEqual([]);
    },
  );

  it('lists types first in every export', () => {
    const { exports } = JSON.parse(textOf('package.json')) as { exports: Record<string, object | string> };
    const wrong = Object.entries(exports).filter(
      ([, target]) => typeof target === 'object' && Object.keys(target)[0] !== 'types',
    );
    expect(wrong.map(([subpath]) => `"${subpath}" must list "types" before "default".`)).toEqual([]);
  });
});
