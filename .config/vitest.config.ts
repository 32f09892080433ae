/**
 * The projects: `unit` needs no server, and neither does `simulation`, which runs many histories; `real` runs against a
 * real Apache ZooKeeper, and `interop` beside other languages' clients; `ensemble` breaks three of them, when the others are done,
 * and `browser` looks at the dashboard after that, as does `storybook` at the stories; `bench` measures on one. With
 * HOLDFAST_TEST_DIST=1 tests that import by package name run on the built files.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = process.env['HOLDFAST_TEST_DIST'] === '1';

/** Where the package's own name leads. */
const SUBPATHS = {
  '': 'src/index',
  '/machines': 'machines/index',
  '/embedded': 'src/embedded/index',
  '/native': 'src/zookeeper/native-client',
  '/inspect': 'src/inspect/index',
  '/metrics': 'src/metrics/index',
  '/dashboard': 'src/dashboard/index',
};
const alias = Object.entries(SUBPATHS).map(([subpath, file]) => ({
  find: new RegExp(`^holdfast${subpath}$`),
  replacement: built ? `${root}dist/${file}.js` : `${root}${file}.ts`,
}));

/** `source` leads `#dial` and its like to the sources as well. Node itself is given these too: `module` is for bundlers alone. */
const conditions = [...(built ? [] : ['source']), 'node', 'development|production'];

/** Many histories, some of them of altered sources: minutes, not seconds. */
const simulation = ['mutants', 'many-histories', 'overlap'].map((name) => `test/simulation/${name}.test.ts`);
const onServer = ['test/real/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/package/**/*.test.ts'];
const besidePeers = ['test/interop/**/*.test.ts', 'test/bench/**/*.test.ts'];
const onEnsemble = ['test/ensemble/**/*.test.ts'];
const inBrowser = ['test/browser/**/*.test.ts'];
const ofStories = ['test/stories/**/*.test.ts'];
const globalSetup = ['test/setup/real-zookeeper.ts'];

export default defineConfig({
  root,
  resolve: { alias, conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    // Most files wait for servers and processes, not for a core: on two cores vitest would run one file at a time.
    maxWorkers: 2,
    setupFiles: ['test/setup/orphan.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...onServer, ...besidePeers, ...onEnsemble, ...inBrowser, ...ofStories, ...simulation],
          testTimeout: 20_000,
          // Nothing here keeps state in a module, so files may share a process: half the time was spent on starting them.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: onServer,
          globalSetup: [...globalSetup, 'test/setup/native-package.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'interop',
          include: besidePeers,
          globalSetup: [...globalSetup, 'test/setup/peers.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { extends: true, test: { name: 'simulation', include: simulation, testTimeout: 120_000 } },
      {
        extends: true,
        test: {
          name: 'ensemble',
          include: onEnsemble,
          globalSetup: ['test/setup/built.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: inBrowser,
          globalSetup: ['test/setup/built.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'storybook',
          include: ofStories,
          globalSetup: ['test/setup/built-stories.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'bench',
          include: ['test/bench/**/*.bench.ts'],
          globalSetup,
          fileParallelism: false,
          testTimeout: 3_600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
