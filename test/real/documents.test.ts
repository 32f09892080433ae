import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Its blocks of TypeScript; `output` is the block of text behind one. */
const examplesIn = (document: string) =>
  [...textOf(document).matchAll(/```ts\n([\s\S]*?)```(?:\s*```text\n([\s\S]*?)```)?/g)].map(
    ([, code = '', output], index) => ({ code, output, index, first: code.split('\n')[0] }),
  );
const textOf = (document: string) => readFileSync(join(root, document), 'utf8');

/** Writes a block as a module of its own inside the package, so that `holdfast` means this build. */
function write(code: string, folder: string, name: string): string {
  const file = join(folder, `${name}.mts`);
  writeFileSync(file, code.replaceAll('127.0.0.1:2181', inject('zookeeper')));
  return file;
}

/** Runs a block as its reader would. */
function run(file: string): Promise<string> {
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const script = file.replace(/\.mts$/, '.mjs');
  writeFileSync(script, outputText);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script], (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(stdout);
    });
  });
}

/** What the compiler has to say about them, as it would say it to a reader. */
function complaints(files: readonly string[]): string[] {
  const program = ts.createProgram(files, {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe.each(['README.md', 'docs/coming-from-kafka-kit.md', 'docs/recipes.md'])('%s', (document) => {
  const examples = examplesIn(document);
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(root, 'dist', 'document-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('has examples', () => {
    expect(examples.length).toBeGreaterThan(2);
  });

  it('has none that the compiler would refuse', () => {
    expect(complaints(examples.map(({ code, index }) => write(code, folder, `typed-${index}`)))).toEqual([]);
  });

  it.each(examples)(
    'runs its example $index ($first), and prints what it says',
    async ({ code, output, index }) => {
      const printed = await run(write(code, folder, `run-${index}`));
      if (output !== undefined) expect(printed).toBe(output);
      else expect(printed).not.toBe('');
    },
  );

  it('links only to what is there', () => {
    for (const [, target = ''] of textOf(document).matchAll(/\]\((?!http)([^)#]+)\)/g)) {
      const place = join(root, dirname(document), target);
      expect(() => ts.sys.directoryExists(place) || readFileSync(place)).not.toThrow();
    }
  });
});
