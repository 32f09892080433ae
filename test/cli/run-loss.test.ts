/** `holdfast run` on bad days: whatever is killed, stopped or lost, no command goes on without its lock. */
import { once } from 'node:events';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Lease, Session } from '../../src/index.js';
import { startRealZooKeeper } from '../setup/real-zookeeper.js';
import { holder, inLine, observer } from './observer.js';
import { stage, type Witness } from './stage.js';

const zookeeper = inject('zookeeper');
const SESSION_MS = 4_000;
const TICK_MS = 500;
const CONNECT = ['--connect', zookeeper, '--session-timeout', String(SESSION_MS)];

/** Stands in line behind the command; the order of what happens, as it is heard. */
function successor(session: Session, path: string, witnesses: readonly Witness[]) {
  const order: string[] = [];
  for (const { role, gone } of witnesses) void gone.then(() => order.push(`${role} gone`));
  const granted: Promise<Lease> = session.lock(path).acquire();
  void granted.then(() => order.push('next one holds'));
  return { order, granted };
}

/** Deletes somebody's claim, as an operator would. */
async function breakClaim(session: Session, claimPath: string): Promise<void> {
  await using lease = await session.lock('/cli/operator').acquire();
  await lease.commit([{ type: 'delete', path: claimPath, version: -1 }]);
}

describe('a command under a lock', () => {
  it('ends with its children when run is killed, before the next one holds, within the session and two ticks', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/killed';
    const running = on.holdfast(['run', path, ...CONNECT, '--', ...on.watched('ignore', 'child')]);
    const [command, grandchild] = await on.witnesses('command', 'grandchild');
    const { order, granted } = successor(session, path, [command, grandchild]);
    await inLine(session, path, 2);
    const killedMs = Date.now();
    running.child.kill('SIGKILL');
    expect([await command.signalled, await grandchild.signalled]).toEqual(['SIGTERM', 'SIGTERM']);
    await granted;
    expect(Date.now() - killedMs).toBeLessThan(SESSION_MS + 2 * TICK_MS);
    expect(order.at(-1)).toBe('next one holds');
    expect(order.slice(0, 2).sort()).toEqual(['command gone', 'grandchild gone']);
    // The guardian has gone as well: nobody holds our output.
    await running.ended;
  });

  it('ends when run is stopped, before the next one holds', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/stopped';
    const running = on.holdfast(['run', path, ...CONNECT, '--', ...on.watched('ignore', 'child')]);
    const [command, grandchild] = await on.witnesses('command', 'grandchild');
    const { order, granted } = successor(session, path, [command, grandchild]);
    await inLine(session, path, 2);
    running.child.kill('SIGSTOP');
    await granted;
    expect(order.at(-1)).toBe('next one holds');
    expect(command.signals).toEqual(['SIGTERM']);
    running.child.kill('SIGCONT');
    expect(await running.ended).toMatchObject({ code: 74 });
  });

  it('hears TERM when the server answers no more, and KILL before another could hold', async () => {
    const server = await startRealZooKeeper({ tickTimeMs: TICK_MS });
    onTestFinished(() => server.stop());
    const on = await stage();
    const options = ['--connect', server.connectString, '--session-timeout', String(SESSION_MS)];
    const running = on.holdfast(['run', '/cli/frozen', ...options, '--', ...on.watched('ignore', 'child')]);
    const [command, grandchild] = await on.witnesses('command', 'grandchild');
    const frozenMs = Date.now();
    server.freeze();
    expect(await command.signalled).toBe('SIGTERM');
    await Promise.all([command.gone, grandchild.gone]);
    // The server counts from a later moment than this one at the earliest.
    expect(Date.now() - frozenMs).toBeLessThan(SESSION_MS);
    const ended = await running.ended;
    expect(ended.code).toBe(74);
    expect(ended.stderr).toContain('was lost while');
    server.thaw();
    await inLine(observer(server.connectString), '/cli/frozen', 0);
  });

  it('hears TERM at once and KILL later when somebody deletes the claim', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/deleted';
    const args = ['run', path, ...CONNECT, '--kill-after', '300', '--', ...on.watched('ignore')];
    const running = on.holdfast(args);
    const witness = await on.witness();
    await breakClaim(session, witness.claimPath);
    expect(await witness.signalled).toBe('SIGTERM');
    const ended = await running.ended;
    expect(ended.code).toBe(74);
    expect(ended.stderr).toContain('node-deleted');
  });

  it('may end in order when the lock is lost, and 74 says so', async () => {
    const on = await stage();
    const running = on.holdfast(['run', '/cli/orderly', ...CONNECT, '--', ...on.watched('obey')]);
    const witness = await on.witness();
    await breakClaim(observer(zookeeper), witness.claimPath);
    await witness.gone;
    expect(witness.signals).toEqual(['SIGTERM']);
    expect((await running.ended).code).toBe(74);
  });

  it('has the next one wait, with --loss-delay; a command that ends by itself does not', async () => {
    const on = await stage();
    const args = ['run', '/cli/losses', ...CONNECT, '--loss-delay', '60000', '--timeout', '2000', '--'];
    expect((await on.holdfast([...args, 'true']).ended).code).toBe(0);
    const running = on.holdfast([...args, ...on.watched('obey')]);
    const witness = await on.witness();
    await breakClaim(observer(zookeeper), witness.claimPath);
    expect((await running.ended).code).toBe(74);
    const next = await on.holdfast([...args, 'echo', 'ran']).ended;
    expect(next).toMatchObject({ code: 75, stdout: '' });
    expect(next.stderr).toContain('ended without releasing');
  });

  it('hears TERM before its time to live is over, and is gone when it is', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/ttl';
    const args = ['run', path, ...CONNECT, '--ttl', '1500', '--', ...on.watched('ignore')];
    const running = on.holdfast(args);
    const witness = await on.witness();
    const { order, granted } = successor(session, path, [witness]);
    expect(await witness.signalled).toBe('SIGTERM');
    await granted;
    expect(order).toEqual(['command gone', 'next one holds']);
    expect((await running.ended).code).toBe(74);
  });

  it('ends when its guardian is killed, before the lock is released', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/unguarded';
    const running = on.holdfast(['run', path, ...CONNECT, '--', ...on.watched('obey', 'child')]);
    const [command, grandchild] = await on.witnesses('command', 'grandchild');
    const { order, granted } = successor(session, path, [command, grandchild]);
    await inLine(session, path, 2);
    process.kill(command.ppid, 'SIGKILL');
    await granted;
    expect(order.at(-1)).toBe('next one holds');
    expect(order).toHaveLength(3);
    const ended = await running.ended;
    expect(ended.code).toBe(70);
    expect(ended.stderr).toContain('guardian');
  });

  it('is never started when run is killed in line, and nothing is left', async () => {
    const on = await stage();
    const session = observer(zookeeper);
    const path = '/cli/killed-in-line';
    await session.lock(path).acquire();
    const running = on.holdfast(['run', path, ...CONNECT, '--', 'echo', 'ran']);
    await inLine(session, path, 2);
    running.child.kill('SIGKILL');
    expect((await running.ended).stdout).toBe('');
    await inLine(session, path, 1);
  });

  it('goes on through a moment without the server', async () => {
    const server = await startRealZooKeeper({ tickTimeMs: TICK_MS });
    onTestFinished(() => server.stop());
    const on = await stage();
    const options = ['--connect', server.connectString, '--session-timeout', '20000'];
    const running = on.holdfast(['run', '/cli/moment', ...options, '--', ...on.watched()]);
    const witness = await on.witness();
    const told = once(running.child.stderr!, 'data');
    await server.restart();
    await told;
    expect((await holder(observer(server.connectString), '/cli/moment')).path).toBe(witness.claimPath);
    witness.finish();
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(witness.signals).toEqual([]);
  });
});
