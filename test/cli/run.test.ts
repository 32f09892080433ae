/** `holdfast run` as a user runs it: the built bin, a real ZooKeeper, real processes. */
import { once } from 'node:events';
import { constants } from 'node:os';
import { describe, expect, inject, it } from 'vitest';
import { holder, inLine, observer } from './observer.js';
import { type Running, stage } from './stage.js';

const zookeeper = inject('zookeeper');
const CONNECT = ['--connect', zookeeper, '--session-timeout', '4000'];

const firstLine = async ({ child }: Running) => String((await once(child.stdout!, 'data'))[0]).trim();

describe('holdfast run', () => {
  it('lets two commands for one lock take turns', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/turns';
    const first = on.holdfast(['run', path, ...CONNECT, '--', ...on.watched()]);
    const alice = await on.witness();
    const second = on.holdfast(['run', path, ...CONNECT, '--', ...on.watched()]);
    await inLine(session, path, 2);
    const bobs = on.witness();
    const order: string[] = [];
    void alice.gone.then(() => order.push('alice gone'));
    void bobs.then(() => order.push('bob here'));
    alice.finish();
    const bob = await bobs;
    expect(order).toEqual(['alice gone', 'bob here']);
    expect(BigInt(bob.token)).toBeGreaterThan(BigInt(alice.token));
    bob.finish();
    expect([(await first.ended).code, (await second.ended).code]).toEqual([0, 0]);
    await inLine(session, path, 0);
  });

  it('tells the command its lock, its claim and its fencing token', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/environment';
    const running = on.holdfast(['run', path, ...CONNECT, '--owner', 'ada', '--', ...on.watched()]);
    const witness = await on.witness();
    const entry = await holder(session, path);
    expect(witness.lockPath).toBe(path);
    expect(witness.claimPath).toBe(`${path}/${entry.name}`);
    expect(BigInt(witness.token)).toBe(entry.czxid << 10n);
    expect(entry).toMatchObject({ owner: 'ada' });
    witness.finish();
    await running.ended;
  });

  it('lets --shared commands run together, and none of them beside one without', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/shared';
    const shared = ['run', path, '--shared', ...CONNECT, '--', ...on.watched()];
    // As from within another run: that token is another lock's.
    const readers = [on.holdfast(shared, { HOLDFAST_FENCING_TOKEN: '7' }), on.holdfast(shared)];
    const [first, second] = [await on.witness(), await on.witness()];
    expect([first.token, second.token]).toEqual([undefined, undefined]);
    expect(await holder(session, path)).toMatchObject({ kind: 'read' });
    const refused = await on.holdfast(['run', path, '--no-wait', ...CONNECT, '--', 'true']).ended;
    expect(refused.code).toBe(75);
    const writer = on.holdfast(['run', path, ...CONNECT, '--', ...on.watched()]);
    await inLine(session, path, 3);
    const late = await on.holdfast([...shared.slice(0, 3), '--no-wait', ...shared.slice(3)]).ended;
    expect(late.code).toBe(75);
    const writing = on.witness();
    first.finish();
    second.finish();
    expect(BigInt((await writing).token)).toBeGreaterThan(0n);
    (await writing).finish();
    const codes = await Promise.all([...readers, writer].map(({ ended }) => ended));
    expect(codes.map(({ code }) => code)).toEqual([0, 0, 0]);
    await inLine(session, path, 0);
  });

  it('lets --permits so many commands run at a time, and the next when one has ended', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/permits';
    const permits = ['run', path, '--permits', '2', ...CONNECT, '--', ...on.watched()];
    const running = [on.holdfast(permits), on.holdfast(permits)];
    const [first, second] = [await on.witness(), await on.witness()];
    expect([first.token, first.lockPath]).toEqual([undefined, path]);
    expect(first.claimPath).toMatch(/^\/cli\/permits\/leases\/_c_[0-9a-f-]{36}-lease-\d{10}$/);
    const refused = await on.holdfast([...permits.slice(0, 4), '--no-wait', ...permits.slice(4)]).ended;
    expect(refused).toMatchObject({ code: 75, stdout: '' });
    running.push(on.holdfast(permits));
    await inLine(session, `${path}/locks`, 1);
    const thirds = on.witness();
    first.finish();
    const third = await thirds;
    second.finish();
    third.finish();
    const codes = await Promise.all(running.map(({ ended }) => ended));
    expect(codes.map(({ code }) => code)).toEqual([0, 0, 0]);
    await inLine(session, `${path}/locks`, 0);
  });

  it.each([
    { options: ['--permits', '0'], says: 'a whole number' },
    { options: ['--permits', '2', '--shared'], says: '--shared' },
    { options: ['--permits', '2', '--ttl', '9000'], says: '--ttl 9000' },
  ])('refuses $options', async ({ options, says }) => {
    const on = await stage();
    const ended = await on.holdfast([
      'run',
      '/cli/permits-refused',
      ...options,
      ...CONNECT,
      '--',
      'echo',
      'ran',
    ]).ended;
    expect(ended).toMatchObject({ code: 64, stdout: '' });
    expect(ended.stderr).toContain(says);
  });

  it('refuses another number of permits than others use', async () => {
    const on = await stage();
    const path = '/cli/permits-size';
    const lease = await observer(zookeeper).semaphore(path, 2).acquire();
    const ended = await on.holdfast(['run', path, '--permits', '3', ...CONNECT, '--', 'echo', 'ran']).ended;
    expect(ended).toMatchObject({ code: 64, stdout: '' });
    expect(ended.stderr).toMatch(/^holdfast: [^\n]*has 2 permits, not 3[^\n]*\n$/);
    await lease.release();
  });

  it.each([['--no-wait'], ['--shared']])('refuses --loss-delay with %s', async (...options) => {
    const on = await stage();
    const args = ['run', '/cli/losses-refused', '--loss-delay', '10', ...options, '--', 'echo', 'ran'];
    const ended = await on.holdfast(args).ended;
    expect(ended).toMatchObject({ code: 64, stdout: '' });
    expect(ended.stderr).toMatch(/^holdfast: --loss-delay 10 and [^\n]*were both given: [^\n]+\n$/);
  });

  it('gives the command its standard input, and passes its output on', async () => {
    const on = await stage();
    const running = on.holdfast(['run', '/cli/stdin', ...CONNECT, '--', 'sh', '-c', 'cat; echo done >&2']);
    running.child.stdin!.end('hello\n');
    expect(await running.ended).toMatchObject({ code: 0, stdout: 'hello\n', stderr: 'done\n' });
  });

  it('leaves the command the terminal to read from', async () => {
    const on = await stage();
    // script(1) makes a terminal, and is part of every Debian.
    const shell = 'test -t 0 && test -t 1 && echo ready && read answer && echo "got $answer"';
    const command = [process.execPath, on.main, 'run', '/cli/tty', ...CONNECT, '--', 'sh', '-c', shell];
    const quoted = command.map((each) => `'${each}'`).join(' ');
    const running = on.start('script', ['--quiet', '--return', '--command', quoted, '/dev/null']);
    await firstLine(running);
    running.child.stdin!.write('42\n');
    const { code, stdout } = await running.ended;
    expect(stdout).toContain('got 42');
    expect(code).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'forwards %s to the command, and ends as it does',
    async (signal) => {
      const on = await stage();
      const running = on.holdfast(['run', '/cli/forwarded', ...CONNECT, '--', ...on.watched()]);
      const witness = await on.witness();
      running.child.kill(signal);
      expect(await witness.signalled).toBe(signal);
      expect((await running.ended).code).toBe(3);
    },
  );

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'leaves the line at %s before its turn',
    async (signal) => {
      const on = await stage();
      const session = observer(zookeeper);
      const path = `/cli/impatient/${signal}`;
      await session.lock(path).acquire();
      const running = on.holdfast(['run', path, ...CONNECT, '--', ...on.watched()]);
      await inLine(session, path, 2);
      running.child.kill(signal);
      expect((await running.ended).code).toBe(128 + constants.signals[signal]);
      await inLine(session, path, 1);
    },
  );

  it('ends what the command left running before the next one gets the lock', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/leftovers';
    const running = on.holdfast(['run', path, ...CONNECT, '--', ...on.watched('obey', 'child')]);
    const [command, grandchild] = await on.witnesses('command', 'grandchild');
    const order: string[] = [];
    void grandchild.gone.then(() => order.push('grandchild gone'));
    const next = session
      .lock(path)
      .acquire()
      .then(() => order.push('next'));
    await inLine(session, path, 2);
    command.finish();
    await next;
    expect(order).toEqual(['grandchild gone', 'next']);
    expect((await running.ended).code).toBe(0);
  });
});

describe('the exit code of holdfast run', () => {
  const shell = (script: string) => ['run', '/cli/codes', ...CONNECT, '--', 'sh', '-c', script];

  it.each<[string, number, readonly string[]]>([
    ["is the command's own", 7, shell('exit 7')],
    ['is 128 and the signal that ended the command', 137, shell('kill -KILL $$')],
    ['is 127 when there is no such command', 127, ['run', '/cli/codes', ...CONNECT, '--', 'no-such-command']],
    [
      'is 126 when the command cannot be executed',
      126,
      ['run', '/cli/codes', ...CONNECT, '--', '/etc/passwd'],
    ],
    [
      'is 69 when no server answers in time',
      69,
      ['run', '/a', '--connect', '127.0.0.1:1', '--timeout', '300', '--', 'true'],
    ],
    ['is 64 without a path', 64, ['run', '--', 'true']],
    ['is 64 without a command', 64, ['run', '/a']],
    ['is 64 when the command does not stand behind --', 64, ['run', '/a', 'true']],
    ['is 64 for a path that cannot be meant', 64, ['run', 'a', '--', 'true']],
    ['is 64 for a time that is none', 64, ['run', '/a', '--timeout', 'soon', '--', 'true']],
    [
      'is 64 for a connect string that cannot be meant',
      64,
      ['run', '/a', '--connect', 'here:99999', '--', 'true'],
    ],
    ['is 64 for an option that is not there', 64, ['run', '/a', '--share', '--', 'true']],
    [
      'is 64 for --timeout and --no-wait together',
      64,
      ['run', '/a', '--timeout', '1', '--no-wait', '--', 'true'],
    ],
    [
      'is 64 when a command would have no time',
      64,
      ['run', '/a', '--ttl', '5', '--kill-after', '5', '--', 'true'],
    ],
  ])('%s (%i)', async (_what, code, args) => {
    const on = await stage();
    const ended = await on.holdfast(args).ended;
    expect(ended).toMatchObject({ code, stdout: '' });
    // What is not the command's own is said in one sentence.
    if (code !== 7 && code !== 137) expect(ended.stderr).toMatch(/^holdfast: [^\n]+\n$/);
    await inLine(observer(zookeeper), '/cli/codes', 0);
  });

  it.each([
    ['--no-wait', ['--no-wait']],
    ['--timeout', ['--timeout', '300']],
  ])('is 75 when the lock is not obtained with %s', async (_name, options) => {
    const on = await stage();
    const session = observer(zookeeper);
    const held = await session.lock('/cli/busy').acquire();
    const ended = await on.holdfast(['run', '/cli/busy', ...options, ...CONNECT, '--', 'echo', 'ran']).ended;
    expect(ended).toMatchObject({ code: 75, stdout: '' });
    expect((await holder(session, '/cli/busy')).path).toBe(held.claimPath);
    await inLine(session, '/cli/busy', 1);
  });
});
