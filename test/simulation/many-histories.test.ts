/** `npm run simulate` itself: many histories of all kinds, and one that must break. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const RUNS = 1_000;

/** Its output and exit code. */
function simulate(...args: string[]): Promise<{ readonly output: string; readonly code: number | null }> {
  const program = fileURLToPath(new URL('simulate.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ output, code });
    });
  });
}

it(`${RUNS} histories of all kinds break no guarantee`, { timeout: 240_000 }, async () => {
  const { output, code } = await simulate('--runs', String(RUNS), '--seed', '1000000');
  expect(output).toContain(`${RUNS} histories, 0 broken`);
  expect(code).toBe(0);
});

it('a history that breaks one says which command shows it again', { timeout: 60_000 }, async () => {
  const mutant = 'the line is ordered by name';
  const { output, code } = await simulate(
    '--runs',
    '3',
    '--workload',
    'lock',
    '--profile',
    'crowd',
    '--mutant',
    mutant,
  );
  expect(output).toMatch(/seed \d+ \(lock, crowd\): at most one holder: .* both hold/);
  expect(output).toMatch(
    /npm run simulate -- --seed \d+ --workload lock --profile crowd --mutant 'the line is ordered by name'/,
  );
  expect(code).toBe(1);
});
