/** `holdfast demo`, which `npm start` runs, as somebody sees it who tries the package. */
import { fileURLToPath } from 'node:url';
import { filter, firstValueFrom, map } from 'rxjs';
import { expect, inject, it } from 'vitest';
import { observer } from './observer.js';
import { type Running, stage } from './stage.js';

const START = fileURLToPath(new URL('../../src/cli/start.mjs', import.meta.url));
const SUMMARY = /(\d+) grants · hand-over p50 .+ · 0 overlaps · tokens strictly growing · no claim left\n$/;

/** Resolves when `running` has printed `words`. */
function printed({ child }: Running, words: string): Promise<void> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout?.on('data', (more: string) => {
      text += more;
      if (text.includes(words)) resolve();
    });
  });
}

/** The processes that stand in line under `root`, by what their claims say. */
async function contenders(connectString: string, root: string): Promise<number[]> {
  const lines = await observer(connectString).linesUnder(root);
  return lines.flatMap((line) => line.contenders.flatMap(({ pid }) => (pid === undefined ? [] : [pid])));
}

/** The first of them to be seen: while only one has started, every lock is free for moments. */
const someContenders = (connectString: string, root: string): Promise<number[]> =>
  firstValueFrom(
    observer(connectString)
      .contentionUnder(root)
      .pipe(
        map(({ lines }) =>
          [...lines.values()].flatMap(({ contenders }) => contenders.flatMap(({ pid }) => pid ?? [])),
        ),
        filter((pids) => pids.length > 0),
      ),
  );

it('ends by itself after its time, in plain lines, with a summary of no overlap and growing tokens', async () => {
  const { ended } = (await stage()).holdfast(['demo', '--seconds', '2']);
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toMatch(/^ +\d+\.\d{3} {2}\w+ +\/locks\/\w+ +creatingNode$/m);
  expect(stdout).toMatch(/^ +\d+\.\d{3} {2}\w+ +\/locks\/\w+ +held +token \d+$/m);
  expect(Number(SUMMARY.exec(stdout)?.[1])).toBeGreaterThan(0);
});

it('is what npm start runs, on an ensemble if one is given', async () => {
  const on = await stage();
  const { ended } = on.start(process.execPath, [START, '--seconds', '2', '--connect', inject('zookeeper')]);
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(stdout).toContain('your ensemble');
  expect(stdout).toMatch(SUMMARY);
});

it('leaves no process and no claim at Ctrl-C, which reaches it twice, and says how it went', async () => {
  const running = (await stage()).holdfast(['demo', '--connect', inject('zookeeper')]);
  const root = `/holdfast-demo/${String(running.child.pid)}`;
  await printed(running, 'held');
  const workers = await someContenders(inject('zookeeper'), root);
  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(SUMMARY);
  for (const pid of workers) expect(() => process.kill(pid, 0), String(pid)).toThrow('ESRCH');
  expect(await contenders(inject('zookeeper'), root)).toEqual([]);
});

it('says that an ensemble cannot be reached, and 69', { timeout: 60_000 }, async () => {
  const { ended } = (await stage()).holdfast(['demo', '--connect', '127.0.0.1:1']);
  const { code, stderr } = await ended;
  expect(stderr).toContain('127.0.0.1:1');
  expect(code).toBe(69);
});
