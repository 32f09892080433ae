/** `holdfast run --trace`: why a lock was lost can be read afterwards. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { EMPTY_TRACE, parseTrace, withRecord } from '../../src/inspect/index.js';
import { stage } from './stage.js';

const CONNECT = ['--connect', inject('zookeeper'), '--session-timeout', '4000'];

it('writes every step of the statechart, from idle to the end of its session, as lines that a viewer reads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-trace-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'trace.jsonl');
  const on = await stage();
  const { code } = await on.holdfast(['run', '/cli/traced', ...CONNECT, '--trace', file, '--', 'true']).ended;
  expect(code).toBe(0);
  const trace = parseTrace(await readFile(file, 'utf8')).reduce(
    (sum, record) => withRecord(sum, record),
    EMPTY_TRACE,
  );
  const [actor] = Object.values(trace.actors);
  expect(actor?.name).toBe('/cli/traced');
  expect(actor?.steps[0]?.value).toBe('idle');
  expect(actor?.steps.at(-1)?.context).toMatchObject({ expiredBecause: 'closed' });
  expect(actor?.steps.map(({ value }) => value)).toContainEqual({ held: 'confirmed' });
});

it('is bad usage when the file cannot be written', async () => {
  const on = await stage();
  const running = on.holdfast([
    'run',
    '/cli/traced',
    ...CONNECT,
    '--trace',
    '/no/such/folder/x',
    '--',
    'true',
  ]);
  const { code, stderr } = await running.ended;
  expect(code).toBe(64);
  expect(stderr).toContain('--trace is "/no/such/folder/x"');
});
