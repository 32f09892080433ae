// @ts-check
/**
 * Bundles what Node loads into `dist/node/`: to find, read and compile a hundred files takes longer than a first lock does
 * (docs/decisions/022). Whoever bundles for a page gets the files of `dist/src/`, one by one.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const require = createRequire(import.meta.url);

/** What a lock needs of RxJS at once, and where RxJS has it. The rest is loaded when something of it is called. */
const AT_ONCE = new Map([
  ['Observable', 'rxjs/internal/Observable'],
  ['EMPTY', 'rxjs/internal/observable/empty'],
]);

/** The peers, by `require`: an `import` of theirs would first look through each of their files for names. @param {ReadonlySet<string>} used */
function peers(used) {
  const of = (/** @type {string} */ peer) => Object.entries(require(peer)).filter(([name]) => used.has(name));
  const later = of('rxjs').filter(([name, value]) => !AT_ONCE.has(name) && typeof value === 'function');
  return `'use strict';
let rxjs;
const later = (name) =>
  function (...given) {
    rxjs ??= require('rxjs');
    return new.target === undefined ? rxjs[name](...given) : new rxjs[name](...given);
  };
const xstate = require('xstate');
${[...AT_ONCE].map(([name, file]) => `exports.${name} = require('${file}').${name};`).join('\n')}
${of('xstate')
  .map(([name]) => `exports.${name} = xstate.${name};`)
  .join('\n')}
${later.map(([name]) => `exports.${name} = later('${name}');`).join('\n')}
`;
}

/** @param {string} code */
const importedFromPeers = (code) =>
  [...code.matchAll(/import\s*\{([^}]*)\}\s*from\s*["']\.\/peers\.cjs["']/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim().split(' as ')[0] ?? ''),
  );

/** What a lock does without. */
const APART = /[\\/]src[\\/](embedded|inspect|metrics|zookeeper[\\/]native-)/;

const bundle = await rolldown({
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  platform: 'node',
  input: {
    index: 'src/index.ts',
    machines: 'machines/index.ts',
    embedded: 'src/embedded/index.ts',
    native: 'src/zookeeper/native-client.ts',
    inspect: 'src/inspect/index.ts',
    metrics: 'src/metrics/index.ts',
  },
  external: ['rxjs', 'xstate'],
  resolve: { conditionNames: ['source', 'node', 'import'], extensionAlias: { '.js': ['.ts'] } },
  treeshake: { moduleSideEffects: false },
  plugins: [
    {
      name: 'peers',
      generateBundle(_, files) {
        const chunks = Object.values(files).flatMap((file) => (file.type === 'chunk' ? [file.code] : []));
        const used = new Set(chunks.flatMap(importedFromPeers));
        this.emitFile({ type: 'asset', fileName: 'peers.cjs', source: peers(used) });
      },
    },
  ],
});

await bundle.write({
  dir: 'dist/node',
  paths: { rxjs: './peers.cjs', xstate: './peers.cjs' },
  entryFileNames: '[name].js',
  chunkFileNames: '[name].js',
  codeSplitting: { groups: [{ name: 'lock', test: (id) => !APART.test(id) }] },
  sourcemap: true,
  // As the compiler's maps, which name the sources.
  sourcemapExcludeSources: true,
  // Errors are told apart by the names of their classes.
  minify: { compress: true, mangle: { keepNames: true }, codegen: true },
  comments: { legal: true, annotation: false, jsdoc: false },
});
