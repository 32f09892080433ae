/** `holdfast help`, `watch`, `list` and `server`, as they are typed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { connect } from '../../src/index.js';
import { observer } from './observer.js';
import { type Running, stage } from './stage.js';

const CONNECT = ['--connect', inject('zookeeper')];

/** The lines of a program's output, as they come. */
async function* linesOf({ child }: Running): AsyncGenerator<string> {
  if (child.stdout !== null) yield* createInterface({ input: child.stdout });
}

describe('help', () => {
  it('lists every command, and shows an example of each that it would take', async () => {
    const on = await stage();
    const { stdout } = await on.holdfast(['--help']).ended;
    const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name = '']) => name);
    expect(names).toEqual(expect.arrayContaining(['run', 'watch', 'list', 'server', 'demo']));
    for (const name of names) {
      const { stdout: help, code } = await on.holdfast(['help', name]).ended;
      expect(code).toBe(0);
      expect(help).toMatch(new RegExp(`^Example:\\n {2}holdfast ${name}\\b`, 'm'));
    }
  });

  it('is what a call without a command gets, with 64', async () => {
    const { code, stderr } = await (await stage()).holdfast([]).ended;
    expect([code, stderr]).toEqual([64, expect.stringContaining('Usage: holdfast <command>')]);
  });

  it.each([
    [['frobnicate'], '"frobnicate" is not a command'],
    [['watch'], 'nothing was named'],
    [['watch', 'locks'], "start it with '/'"],
    [['list', '/a', '/b'], 'one too many'],
    [['server', '--port', '70000'], '70000'],
    [['demo', '--seconds', '-1'], '--seconds'],
    [['list', '/', '--connect', 'a:0'], '"a:0"'],
    [
      ['list', '/', '--tls-ca', '/nowhere/ca.pem'],
      '--tls-ca is "/nowhere/ca.pem", which cannot be read (ENOENT)',
    ],
    [['top', '--tls-key', 'key.pem'], '--tls-key was given without --tls-cert'],
    [['watch', '/a', '--auth-file', '/dev/null'], '--auth-file "/dev/null" is empty'],
  ])('of %j is one sentence that names what is wrong, and 64', async (args, words) => {
    const { code, stderr } = await (await stage()).holdfast(args).ended;
    expect([code, stderr]).toEqual([64, expect.stringContaining(words)]);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('watch', () => {
  it('prints one JSON line per change of the line, and ends with 0 when interrupted', async () => {
    const session = observer(inject('zookeeper'));
    const path = '/cli/watched';
    const running = (await stage()).holdfast(['watch', path, ...CONNECT]);
    const lines = linesOf(running);
    const next = async () =>
      JSON.parse((await lines.next()).value as string) as { path: string; holder: { owner: string } | null };
    expect(await next()).toMatchObject({ path, holder: null });
    const lease = await session.lock(path).acquire({ owner: 'alice' });
    let line = await next();
    while (line.holder === null) line = await next();
    expect(line).toMatchObject({ path, holder: { owner: 'alice' } });
    await lease.release();
    while (line.holder !== null) line = await next();
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
  });
});

describe('list', () => {
  it('shows every line under a root, for people and as JSON', async () => {
    const on = await stage();
    await observer(inject('zookeeper')).lock('/cli-list/orders').acquire({ owner: 'alice' });
    const forPeople = await on.holdfast(['list', '/cli-list', ...CONNECT]).ended;
    expect(forPeople.stdout).toMatch(/\/cli-list\/orders.*alice/s);
    const forPrograms = await on.holdfast(['list', '/cli-list', '--json'], {
      HOLDFAST_CONNECT: inject('zookeeper'),
    }).ended;
    expect(JSON.parse(forPrograms.stdout)).toMatchObject([
      { path: '/cli-list/orders', holder: { owner: 'alice' } },
    ]);
  });
});

describe('server', () => {
  it('says where it listens, serves others, and ends with 0 when interrupted', async () => {
    const on = await stage();
    const server = on.holdfast(['server', '--port', '0']);
    const first: IteratorResult<string, unknown> = await linesOf(server).next();
    const address = /127\.0\.0\.1:\d+/.exec(String(first.value))?.[0] ?? '';
    const run = on.holdfast(['run', '/a', '--connect', address, '--', 'echo', 'under a lock']);
    expect(await run.ended).toMatchObject({ code: 0, stdout: 'under a lock\n' });
    server.child.kill('SIGINT');
    expect((await server.ended).code).toBe(0);
  });
});

describe('--auth-file', () => {
  it('says who we are: what only that identity may read is shown, and what the file says stays in it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-auth-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const [file, wrong] = [join(folder, 'auth'), join(folder, 'wrong')];
    await writeFile(file, 'digest:alice:a secret\n', { mode: 0o600 });
    await writeFile(wrong, '\nalice:a secret\n', { mode: 0o600 });
    const auth = [{ scheme: 'digest', auth: 'alice:a secret' }];
    await using session = connect(inject('zookeeper'), { sessionTimeoutMs: 4_000, auth });
    const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
    await using lease = await session.lock('/cli-auth/orders', { acl }).acquire({ owner: 'alice' });
    expect(lease.owner).toBe('alice');
    const on = await stage();
    const listed = (...options: readonly string[]) =>
      on.holdfast(['list', '/cli-auth', ...CONNECT, ...options]).ended;
    const shown = await listed('--auth-file', file);
    expect(shown).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\/cli-auth\/orders +alice/) as string,
    });
    const stranger = await listed();
    expect(stranger).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('NoAuth') as string,
    });
    const refused = await listed('--auth-file', wrong);
    expect([refused.code, refused.stderr]).toEqual([
      64,
      expect.stringContaining('line 2: write sasl:user:password'),
    ]);
    expect(refused.stderr).not.toContain('secret');
  });
});
