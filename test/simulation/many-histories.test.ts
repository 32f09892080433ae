/** `npm run simulate` itself: many histories of all kinds, and one that must break. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const RUNS = 1_000;

/** Its output and exit code. */
function simulate(...args: string[]): Promise<{ readonly output: string; readonly code: number | null }> {
  const program = fileURLToPath(new URL('simulate.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
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

it('the simulation says how it is used when it is asked, and in one line what it does not know', async () => {
  const [asked, unknown, number, kind] = await Promise.all([
    simulate('--help'),
    simulate('--sede', '7'),
    simulate('--runs', 'many'),
    simulate('--workload', 'nonsense'),
  ]);
  expect(asked).toMatchObject({
    code: 0,
    output: expect.stringMatching(/^usage: npm run simulate -- /) as string,
  });
  expect(unknown.output).toMatch(/^Unknown option '--sede'.*\n\nusage: /);
  expect(number.output).toMatch(/^--runs is "many": give a whole number\n\nusage: /);
  expect(kind.output).toMatch(/^--workload is "nonsense": give one of 'lock', .*\n\nusage: /);
  expect([unknown.code, number.code, kind.code]).toEqual([64, 64, 64]);
});
