import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```(?:\s*```text\n([\s\S]*?)```)?/g)].map(
  ([, code = '', output]) => ({ code, output }),
);

/** Runs a block as its reader would, in a module of its own inside the package, so that `holdfast` means this build. */
function run(code: string, folder: string, index: number): Promise<string> {
  const { outputText } = ts.transpileModule(code.replaceAll('127.0.0.1:2181', inject('zookeeper')), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const file = join(folder, `block-${index}.mjs`);
  writeFileSync(file, outputText);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file], (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(stdout);
    });
  });
}

describe('the README', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(root, 'dist', 'readme-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('has examples', () => {
    expect(blocks.length).toBeGreaterThan(2);
  });

  it.each(blocks.map((block, index) => ({ ...block, index, first: block.code.split('\n')[0] })))(
    'runs its example $index ($first), and prints what it says',
    async ({ code, output, index }) => {
      const printed = await run(code, folder, index);
      if (output !== undefined) expect(printed).toBe(output);
      else expect(printed).not.toBe('');
    },
  );

  it('links only to what is there', () => {
    for (const [, target = ''] of readme.matchAll(/\]\((?!http)([^)#]+)\)/g)) {
      expect(
        () => ts.sys.directoryExists(join(root, target)) || readFileSync(join(root, target)),
      ).not.toThrow();
    }
  });
});
