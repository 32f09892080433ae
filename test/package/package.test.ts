/** What people install: the tarball, in an empty folder, as npm lays it out there. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { rolldown } from 'rolldown';
import ts from 'typescript';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { root, textOf } from '../setup/source-files.js';

const manifest = JSON.parse(textOf('package.json')) as {
  devDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
  imports: Record<string, Record<string, string>>;
};

let folder = '';
let tarball = '';
let shipped: string[] = [];

/** Runs a program and returns what it printed; what it says on failure is the test's failure. */
function run(command: string, args: string[], cwd: string): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  return stdout;
}

/** Its ts blocks as programs, each with an ending that uses the session and says what came of it. */
const MEASURING = [
  'console.log(await client.register.metrics());',
  'await provider.forceFlush();',
  'session.state.subscribe();',
].map((ending, index) => {
  const code = [...textOf('docs/metrics.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm)][index]?.[1];
  if (code === undefined) throw new Error('docs/metrics.md must show a program for each of these endings.');
  const use = "await (await session.lock('/holdfast-test/metrics').acquire()).release();";
  return `${code}\n${use}\n${ending}\nprocess.exit();\n`;
});

/** The README's first program and what it says that prints: the `ts` and `text` blocks under "Two minutes". */
function mainExample(): { source: string; output: string } {
  const [, section = ''] = textOf('README.md').split(/^## Two minutes$/m);
  const block = (language: string) =>
    new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(section)?.[1];
  const source = block('ts');
  const output = block('text');
  if (source === undefined || output === undefined) {
    throw new Error('README.md must show a ts block and its output as a text block under "## Two minutes".');
  }
  return { source, output };
}

/** A line of the README as a pattern: `…` stands for anything. */
const asPattern = (line: string) =>
  new RegExp(
    `^${line
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  );

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-package-'));
  const packed = run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root);
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  tarball = join(folder, filename);
  shipped = files.map(({ path }) => path);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const peers = ['rxjs', 'xstate'].map((name) => `${name}@${manifest.devDependencies[name] ?? ''}`);
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', ['install', ...quietly, tarball, ...peers], folder);
  // Further in, so that the package itself has them not: what a program brings for measuring.
  const brought = join(folder, 'measuring/node_modules');
  mkdirSync(join(brought, '@opentelemetry'), { recursive: true });
  for (const name of ['prom-client', 'pino', '@opentelemetry/api', '@opentelemetry/sdk-metrics'])
    symlinkSync(join(root, 'node_modules', name), join(brought, name));
}, 180_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('installs with its two peers and nothing else', () => {
  const installed = Object.keys(
    (
      JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8')) as {
        packages: Record<string, unknown>;
      }
    ).packages,
  ).sort();
  // tslib is rxjs's.
  expect(installed).toEqual(['holdfast', 'rxjs', 'tslib', 'xstate'].map((name) => `node_modules/${name}`));
});

it('ships what it exports, and no test, story or bootstrap', () => {
  const promised = [...Object.values(manifest.exports), ...Object.values(manifest.imports)].flatMap(
    (target) =>
      typeof target === 'string'
        ? [target]
        : Object.entries(target)
            .filter(([condition]) => condition !== 'source')
            .map(([, path]) => path),
  );
  expect(shipped).toEqual(expect.arrayContaining(promised.map((path) => path.replace('./', ''))));
  expect(shipped).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md']));
  expect(shipped.filter((path) => /^(test|stories)\/|\.mjs$|\.built-from$/.test(path))).toEqual([]);
});

it("runs the README's example, which prints what the README says", () => {
  const { source, output } = mainExample();
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync(join(folder, 'example.mjs'), outputText);
  const printed = run(process.execPath, ['example.mjs'], folder).trimEnd().split('\n');
  const said = output.trimEnd().split('\n');
  const differs = said.findIndex(
    (line, index) => !asPattern(line.trimEnd()).test(printed[index]?.trimEnd() ?? ''),
  );
  // Shown whole when they differ.
  if (differs !== -1 || printed.length !== said.length) expect(printed).toEqual(said);
});

it("type-checks what the README and docs/metrics.md show, as a stranger's compiler does, declarations included", () => {
  writeFileSync(join(folder, 'example.mts'), mainExample().source);
  const programs = MEASURING.map((source, index) => {
    const file = `measuring/program-${index}.mts`;
    writeFileSync(join(folder, file), source);
    return file;
  });
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023'];
  const node = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  run(process.execPath, [compiler, ...options, ...node, 'example.mts', ...programs], folder);
});

it('measures with neither prom-client nor OpenTelemetry at hand', () => {
  const names = "import('holdfast/metrics').then((module) => console.log(Object.keys(module).join()))";
  expect(run(process.execPath, ['--eval', names], folder)).toBe('openTelemetryMetrics,promMetrics\n');
});

it('runs the programs of docs/metrics.md, which export what they promise', () => {
  const printed = MEASURING.map((source, index) => {
    const program = source.replace('127.0.0.1:2181', inject('zookeeper')).replace('9464', "0, '127.0.0.1'");
    const { outputText } = ts.transpileModule(program, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(join(folder, `measuring/program-${index}.mjs`), outputText);
    return run(process.execPath, [`program-${index}.mjs`], join(folder, 'measuring'));
  });
  expect(printed[0]).toContain('holdfast_acquisitions_total{lock="metrics",outcome="acquired"} 1');
  expect(printed[1]).toMatch(/name: 'holdfast\.wait'/);
  expect(printed[2]).toMatch(/"level":30.*connected to/);
});

it('runs in a page, where nothing of Node is', async () => {
  const names = ['connect', 'createEmbeddedZooKeeper', 'held'];
  writeFileSync(
    join(folder, 'page.mjs'),
    `export { connect, held } from 'holdfast';
     export { createEmbeddedZooKeeper } from 'holdfast/embedded';
     export { lockMachine } from 'holdfast/machines';
     export { firstValueFrom } from 'rxjs';`,
  );
  const outside: string[] = [];
  const bundle = await rolldown({
    cwd: folder,
    input: join(folder, 'page.mjs'),
    platform: 'browser',
    resolve: { conditionNames: ['browser', 'import'] },
    onLog: (_, { message }) => outside.push(message),
  });
  const [chunk] = (await bundle.generate({ format: 'iife', name: 'page' })).output;
  expect(outside).toEqual([]);
  expect([chunk.imports, chunk.dynamicImports]).toEqual([[], []]);
  expect(chunk.exports).toEqual(expect.arrayContaining(names));

  // What a page has and the language has not.
  const page = createContext({
    ...{ setTimeout, clearTimeout, queueMicrotask, performance, crypto },
    ...{ TextEncoder, TextDecoder, AbortController, AbortSignal, DOMException },
  });
  runInContext(`${chunk.code};globalThis.page = page`, page);
  const heard: unknown = await runInContext(
    `(async () => {
       const { connect, createEmbeddedZooKeeper, firstValueFrom, held } = page;
       const zookeeper = await createEmbeddedZooKeeper();
       const session = connect('embedded', { client: zookeeper.client() });
       const lease = await firstValueFrom(session.lock('/locks/page').pipe(held()));
       const token = typeof lease.fencingToken;
       await session.close();
       await zookeeper.close();
       let refusal = 'none';
       try { connect('127.0.0.1:2181'); } catch (error) { refusal = error.code + ': ' + error.message; }
       return [token, refusal];
     })()`,
    page,
  );
  expect(heard).toEqual(['bigint', expect.stringMatching(/^INVALID_ARGUMENT: client .*page/)]);
});

/** Holds a lock, then says what that took and whose it is. */
const FIRST_LOCK = `
  import { createRequire } from 'node:module';
  import { connect, held } from 'holdfast';
  import { createEmbeddedZooKeeper } from 'holdfast/embedded';
  const zookeeper = await createEmbeddedZooKeeper();
  const session = connect(zookeeper.connectString);
  const lock = session.lock('/locks/first');
  const lease = await lock.acquire();
  const files = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('rxjs'));
  const { firstValueFrom, Observable } = await import('rxjs');
  await lease.release();
  await firstValueFrom(lock.pipe(held()));
  console.log(JSON.stringify({ files: files.length, stream: lock instanceof Observable }));
  process.exit();`;

it('loads a handful of files of RxJS for a first lock, which is a stream of the RxJS that people have', () => {
  writeFileSync(join(folder, 'first-lock.mjs'), FIRST_LOCK);
  const { files, stream } = JSON.parse(run(process.execPath, ['first-lock.mjs'], folder)) as {
    files: number;
    stream: boolean;
  };
  expect(files).toBeGreaterThan(0);
  expect(files).toBeLessThan(25);
  expect(stream).toBe(true);
});

it('runs in a program that was bundled for Node, without any package beside it', async () => {
  const alone = mkdtempSync(join(tmpdir(), 'holdfast-bundled-'));
  try {
    const file = join(alone, 'program.mjs');
    writeFileSync(join(folder, 'first-lock.mjs'), FIRST_LOCK);
    const bundle = await rolldown({ cwd: folder, input: join(folder, 'first-lock.mjs'), platform: 'node' });
    await bundle.write({ file, format: 'esm', codeSplitting: false });
    expect(run(process.execPath, [file], alone)).toContain('"stream":true');
  } finally {
    rmSync(alone, { recursive: true, force: true });
  }
});

it.each(
  Object.entries(manifest.exports).filter(([, target]) => typeof target === 'object' && 'node' in target),
)('has in Node what it has elsewhere under %s, and errors that are called what they are', (_, target) => {
  const { node = '', default: elsewhere = '' } = target as Record<string, string>;
  const names = `
      const [ours, others] = await Promise.all(
        ['${node}', '${elsewhere}'].map((file) => import('./node_modules/holdfast/' + file)),
      );
      const called = Object.keys(ours).map((name) => (/Error$/.test(name) ? ours[name].name : name));
      console.log(JSON.stringify([called, Object.keys(others)]));`;
  const printed = run(process.execPath, ['--input-type=module', '--eval', names], folder);
  const [called, others] = JSON.parse(printed) as [string[], string[]];
  expect(called).toEqual(others);
  expect(called).not.toEqual([]);
});

it('puts the command on the path', () => {
  expect(run(join(folder, 'node_modules/.bin/holdfast'), ['--help'], folder)).toContain('holdfast');
});

it('passes publint', async () => {
  const bytes = Uint8Array.from(readFileSync(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  expect(
    messages.map((message) => formatMessage(message, pkg as Record<string, unknown>, { color: false })),
  ).toEqual([]);
});

it('passes "are the types wrong", for ESM', () => {
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  run(
    process.execPath,
    [
      attw,
      tarball,
      '--profile',
      'esm-only',
      '--exclude-entrypoints',
      'dashboard.css',
      '--no-color',
      '--no-emoji',
    ],
    folder,
  );
});
