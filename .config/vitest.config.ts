/**
 * The projects: `unit` needs no server, `real` runs against a real Apache ZooKeeper, `bench`
 * measures. With HOLDFAST_TEST_DIST=1 the tests that import by package name run on the built files.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const SUBPATHS = { '': 'src/index', '/machines': 'machines/index', '/embedded': 'src/embedded/index' };

/** Where the package's own name leads: to the sources (and `#dial` and its like with it), or to `dist`. */
function resolution(built: boolean) {
  const conditions = built ? [] : ['source'];
  const entries = Object.entries(SUBPATHS);
  return {
    root,
    resolve: {
      conditions: [...conditions, 'module', 'node', 'development|production'],
      alias: entries.map(([subpath, file]) => ({
        find: new RegExp(`^holdfast${subpath}$`),
        replacement: built ? `${root}dist/${file}.js` : `${root}${file}.ts`,
      })),
    },
    ssr: { resolve: { conditions: [...conditions, 'module', 'node', 'development|production'] } },
  };
}

const built = process.env['HOLDFAST_TEST_DIST'] === '1';
const needsServer = ['test/real/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/package/**/*.test.ts'];

export default defineConfig({
  root,
  test: {
    pool: 'forks',
    projects: [
      {
        ...resolution(built),
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: needsServer, testTimeout: 20_000 },
      },
      {
        ...resolution(built),
        test: {
          name: 'real',
          include: needsServer,
          globalSetup: ['test/setup/real-zookeeper.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...resolution(built),
        test: {
          name: 'bench',
          include: ['test/bench/**/*.bench.ts'],
          globalSetup: ['test/setup/real-zookeeper.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
