/** `holdfast revoke` and `holdfast break`, as they are typed: the built bin, a real ZooKeeper. */
import { once } from 'node:events';
import { describe, expect, inject, it } from 'vitest';
import type { Ownership, Session } from '../../src/index.js';
import { observer } from './observer.js';
import { type Stage, stage } from './stage.js';

const CONNECT = ['--connect', inject('zookeeper')];
const WHO = ['--by', 'ada', '--why', 'maintenance'];

/** Holds `path` for bob, and does what `asked` says when it is to give up. */
async function holder(session: Session, path: string, asked: 'release' | 'stay') {
  const heard: Ownership[] = [];
  const over = new Promise<void>((resolve, reject) => {
    session.lock(path, { owner: 'bob' }).subscribe({
      next: (ownership) => {
        heard.push(ownership);
        if (ownership.status !== 'held') return;
        if (ownership.revokeRequested !== null && asked === 'release') void ownership.lease.release();
      },
      error: reject,
      complete: resolve,
    });
  });
  const { claimPath } = await new Promise<{ claimPath: string }>((resolve) => {
    const watching = session.contention(path).subscribe((line) => {
      if (line.holder === null) return;
      resolve({ claimPath: line.holder.path });
      queueMicrotask(() => watching.unsubscribe());
    });
  });
  return { heard, over, claimPath };
}

/** The bin at a terminal of its own, where `answer` is typed when it asks. */
function atATerminal(on: Stage, args: readonly string[], answer: string) {
  const quoted = [process.execPath, on.main, ...args].map((word) => `'${word}'`).join(' ');
  const running = on.start('script', ['--quiet', '--return', '--command', quoted, '/dev/null']);
  const asked = once(running.child.stdout!, 'data').then(() => running.child.stdin?.write(`${answer}\n`));
  return { ...running, asked };
}

describe('holdfast revoke', () => {
  it('ends with 0 when the holder of a lock lets go, who heard by whom and why', async () => {
    const path = '/ending/polite';
    const { heard, over } = await holder(observer(inject('zookeeper')), path, 'release');
    const { code, stderr, stdout } = await (await stage()).holdfast([
      'revoke',
      path,
      ...WHO,
      '--grace',
      '60000',
      '--yes',
      ...CONNECT,
    ]).ended;
    await over;
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/asked bob on .* within 60000 ms[^]*has let go/);
    expect(heard).toContainEqual(
      expect.objectContaining({ revokeRequested: { by: 'ada', why: 'maintenance', graceMs: 60_000 } }),
    );
  });

  it('takes a claim by force after the grace, and prints the entry of the audit', async () => {
    const session = observer(inject('zookeeper'));
    const { heard, over, claimPath } = await holder(session, '/ending/stubborn', 'stay');
    const { code, stdout } = await (await stage()).holdfast([
      'revoke',
      claimPath,
      ...WHO,
      '--grace',
      '50',
      '--yes',
      ...CONNECT,
    ]).ended;
    await over;
    expect(code).toBe(0);
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'revoked' });
    expect(JSON.parse((await session.readClaim(stdout.trim())) ?? '')).toMatchObject({
      claim: claimPath,
      by: 'ada',
      owner: 'bob',
    });
  });

  it('breaks nothing when it is interrupted within the grace', async () => {
    const { heard, over } = await holder(observer(inject('zookeeper')), '/ending/interrupted', 'stay');
    const { child, ended } = (await stage()).holdfast([
      'revoke',
      '/ending/interrupted',
      ...WHO,
      '--yes',
      ...CONNECT,
    ]);
    await once(child.stderr!, 'data');
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining('interrupted before the claim was broken')]);
    expect(heard.at(-1)?.status).toBe('held');
    over.catch(() => undefined);
  });
});

describe('holdfast break', () => {
  it('ends the claim of a holder that was not asked', async () => {
    const session = observer(inject('zookeeper'));
    const { heard, over, claimPath } = await holder(session, '/ending/broken', 'stay');
    const { code, stdout } = await (await stage()).holdfast([
      'break',
      '/ending/broken',
      ...WHO,
      '--yes',
      ...CONNECT,
    ]).ended;
    await over;
    expect(code).toBe(0);
    expect(heard.at(-1)).toEqual({ status: 'expired', reason: 'node-deleted' });
    expect(JSON.parse((await session.readClaim(stdout.trim())) ?? '')).toMatchObject({ claim: claimPath });
  });

  it.each([
    { answer: 'no', code: 1, left: 'held' },
    { answer: 'y', code: 0, left: 'expired' },
  ])('asks whoever sits at a terminal, and does as they say: $answer', async ({ answer, code, left }) => {
    const path = `/ending/asked-${answer}`;
    const { heard, over } = await holder(observer(inject('zookeeper')), path, 'stay');
    const running = atATerminal(await stage(), ['break', path, ...WHO, ...CONNECT], answer);
    await running.asked;
    const ended = await running.ended;
    expect([ended.code, ended.stdout]).toEqual([
      code,
      expect.stringMatching(/Delete .* of bob on .*\[y\/N\]/),
    ]);
    if (left === 'expired') await over;
    expect(heard.at(-1)?.status).toBe(left);
  });

  it('ends a leader and the only permit by the path of what they hold, and asks which of several permits', async () => {
    const session = observer(inject('zookeeper'));
    const on = await stage();
    const breaking = (path: string) => on.holdfast(['break', path, ...WHO, '--yes', ...CONNECT]).ended;
    const leadership = await session.election('/ending/election', { id: 'bob' }).campaign();
    const permits = session.semaphore('/ending/semaphore', 2);
    const [one, other] = [await permits.acquire(), await permits.acquire()];
    const [led, several] = await Promise.all([breaking('/ending/election'), breaking('/ending/semaphore')]);
    expect([led.code, several.code]).toEqual([0, 64]);
    for (const claimPath of [...one.claimPaths, ...other.claimPaths])
      expect(several.stderr).toContain(claimPath);
    const [claimPath = ''] = one.claimPaths;
    expect((await breaking(claimPath)).code).toBe(0);
    expect((await breaking('/ending/semaphore')).code).toBe(0);
    expect(
      await Promise.all([leadership.claimPath, ...other.claimPaths].map((path) => session.readClaim(path))),
    ).toEqual([null, null]);
  });

  it('of a lock that nobody holds, or of a claim that has gone, is 66', async () => {
    const on = await stage();
    const gone = '/ending/free/_c_00000000-0000-4000-8000-000000000000-lock-0000000000';
    for (const path of ['/ending/free', gone]) {
      const { code, stderr } = await on.holdfast(['break', path, ...WHO, '--yes', ...CONNECT]).ended;
      expect([code, stderr]).toEqual([66, expect.stringContaining(`nobody holds ${path}`)]);
    }
  });
});

describe('ending a claim', () => {
  it.each([
    [['break', '/a', ...WHO], 'give --yes'],
    [['break', '/a', '--by', 'ada', '--yes'], '--why is missing'],
    [['revoke', '/a', '--why', 'x', '--yes'], '--by is missing'],
    [['revoke', '/a', ...WHO, '--yes', '--grace', 'soon'], '--grace is "soon"'],
    [['break', 'a', ...WHO, '--yes', ...CONNECT], "start it with '/'"],
  ])('as in %j is refused with one sentence and 64', async (args, words) => {
    const { code, stderr } = await (await stage()).holdfast(args).ended;
    expect([code, stderr]).toEqual([64, expect.stringContaining(words)]);
  });
});
