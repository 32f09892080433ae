/** That the README's pictures can be made anew at any time; whether they are good is for eyes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { root } from '../setup/source-files.js';

const PNG = '89504e470d0a1a0a';

it("makes each of the README's pictures: the list and one lock, by day and by night", {
  timeout: 180_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-pictures-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const making = spawn(process.execPath, [join(root, 'test/browser/screenshots.mjs'), folder], {
    stdio: 'inherit',
  });
  onTestFinished(() => void making.kill('SIGTERM'));
  expect((await once(making, 'exit'))[0]).toBe(0);
  const made = await readdir(folder);
  expect(made.sort()).toEqual((await readdir(join(root, 'docs/images'))).sort());
  for (const each of made) {
    const bytes = await readFile(join(folder, each));
    expect(bytes.subarray(0, 8).toString('hex')).toBe(PNG);
  }
});
