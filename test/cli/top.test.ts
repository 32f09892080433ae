/** `holdfast top`, as it is typed: on a pipe, as JSON lines, and in a terminal. */
import { createInterface } from 'node:readline';
import { describe, expect, inject, it } from 'vitest';
import { inLine, observer } from './observer.js';
import { type Running, stage } from './stage.js';

const CONNECT = ['--connect', inject('zookeeper')];

/** Resolves when the program has written something that matches. */
function written({ child }: Running, pattern: RegExp): Promise<void> {
  let text = '';
  return new Promise((resolve) => {
    child.stdout?.on('data', (more: string) => {
      text += more;
      if (pattern.test(text)) resolve();
    });
  });
}

describe('top', () => {
  it('shows who holds and how many wait where the output is no terminal, and ends with 0', async () => {
    const session = observer(inject('zookeeper'));
    const other = observer(inject('zookeeper'));
    const lease = await session.lock('/cli-top/orders').acquire({ owner: 'ada' });
    const waiting = other.lock('/cli-top/orders').acquire({ owner: 'grace' });
    await inLine(session, '/cli-top/orders', 2);
    const running = (await stage()).holdfast(['top', '--root', '/cli-top', ...CONNECT]);
    await written(running, /orders +● ada +\S+ \S+ +1 /);
    running.child.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/1 lock · 1 held · 1 waits/);
    expect(stdout).not.toContain('\u001b');
    await lease.release();
    await (await waiting).release();
  });

  it('prints one JSON line per change: the lock with its figures, then that it is gone', async () => {
    const session = observer(inject('zookeeper'));
    const running = (await stage()).holdfast(['top', '--root', '/cli-top-json', '--json', ...CONNECT]);
    const lines = createInterface({ input: running.child.stdout! })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value as string) as { locks: unknown[] };
    expect(await next()).toMatchObject({ root: '/cli-top-json', freshness: 'live', locks: [] });
    const lease = await session.lock('/cli-top-json/a').acquire({ owner: 'ada' });
    let change = await next();
    while (!JSON.stringify(change).includes('"holder":{')) change = await next();
    expect(change).toMatchObject({
      deadlocks: [],
      locks: [{ path: '/cli-top-json/a', holder: { owner: 'ada' }, waiting: 0, longestWaitMs: 0 }],
    });
    await lease.release();
    while (JSON.stringify(change).includes('"holder":{')) change = await next();
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
  });

  it('says in a terminal which owners wait for each other, hides the cursor, and gives it back on Ctrl-C', async () => {
    const [one, two] = [observer(inject('zookeeper')), observer(inject('zookeeper'))];
    const [a, b] = ['/cli-top-knot/a', '/cli-top-knot/b'] as const;
    const leases = [
      await one.lock(a).acquire({ owner: 'ada' }),
      await two.lock(b).acquire({ owner: 'grace\u001b[31m' }),
    ];
    const ending = new AbortController();
    const circle = [
      one.lock(b).acquire({ owner: 'ada', signal: ending.signal }),
      two.lock(a).acquire({ owner: 'grace\u001b[31m', signal: ending.signal }),
    ].map((each) => each.catch(() => undefined));
    await inLine(one, a, 2);
    await inLine(one, b, 2);
    const on = await stage();
    const command = [process.execPath, on.main, 'top', '--root', '/cli-top-knot', ...CONNECT];
    const running = on.start(
      'script',
      ['-qefc', `stty rows 24 cols 80; exec ${command.join(' ')}`, '/dev/null'],
      {
        NO_COLOR: '1',
      },
    );
    await written(running, /DEADLOCK: [^]*● ada/);
    // As a terminal does it: the key's character, and its driver makes the signal.
    running.child.stdin?.write('\u0003');
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b[31m');
    expect(stdout.indexOf('\u001b[?25l')).toBeGreaterThanOrEqual(0);
    expect(stdout.lastIndexOf('\u001b[?25h')).toBeGreaterThan(stdout.indexOf('\u001b[?25l'));
    ending.abort();
    await Promise.all(circle);
    await Promise.all(leases.map((lease) => lease.release()));
  });
});
