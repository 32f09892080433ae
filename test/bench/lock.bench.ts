/** `npm run bench`: starts a real server and runs `lock-bench.mjs` against it, on the built files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, inject, it } from 'vitest';

it('measures what a lock costs', async () => {
  const script = fileURLToPath(new URL('./lock-bench.mjs', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', script, inject('zookeeper')], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
});
