/** What a session is: its beginning, what it owns, who it is to the server, and its end. */
import { describe, expect, it } from 'vitest';
import type { Acl } from '../../src/zookeeper/client.js';
import type { ZooKeeperError } from '../../src/zookeeper/errors.js';
import {
  bytesOf,
  CONNECT_DEADLINE_MS,
  can,
  createWithAcl,
  failureOf,
  type Harness,
  NO_BYTES,
  nextState,
  prepare,
  textOf,
  WatchLog,
} from './harness.js';

const MINE: readonly Acl[] = [{ permissions: 31, scheme: 'auth', id: '' }];
const alice = { scheme: 'digest', auth: bytesOf('alice:secret') };

export function sessionContract(start: () => Promise<Harness>): void {
  describe('a session', () => {
    const ground = prepare(start);

    it('begins connecting, and is told as connected with what the server granted', async () => {
      const client = ground().client({ sessionTimeoutMs: 1 });
      expect(client.sessionId).toBe('0');
      expect(client.state).toEqual({ kind: 'connecting' });
      const [state] = await Promise.all([
        nextState(client, 'connected'),
        client.connect({ deadlineMs: CONNECT_DEADLINE_MS }),
      ]);
      expect(state.sessionId).toMatch(/^[1-9a-f][0-9a-f]*$/);
      expect(state.resumed).toBe(false);
      expect(state.negotiatedTimeoutMs).toBe(ground().harness.leastSessionMs);
      expect(client.negotiatedTimeoutMs).toBe(state.negotiatedTimeoutMs);
      expect(client.lastAcknowledged.monotonicMs).toBeGreaterThan(0);
    });

    it('takes its ephemeral nodes along when it is closed, and wakes who watches them', async () => {
      const [owner, watching] = await Promise.all([ground().connected(), ground().connected()]);
      const gone = new WatchLog();
      const { path } = await owner.create(`${ground().root}/e`, NO_BYTES, { mode: 'ephemeral' });
      await watching.getData(path, gone.watcher);
      await owner.close();
      await gone.heard(1);
      expect(gone.types).toEqual(['deleted']);
      expect(await watching.exists(path)).toBeNull();
    });

    it('answers or fails every request that is outstanding when it is closed', async () => {
      const client = await ground().connected();
      const outcomes = Array.from({ length: 50 }, (_, index) =>
        client.create(`${ground().root}/n${index}`, NO_BYTES).then(
          () => 'created',
          (error: unknown) => (error as ZooKeeperError).code,
        ),
      );
      const closing = client.close();
      const late = await failureOf(client.exists('/'));
      await closing;
      for (const outcome of await Promise.all(outcomes))
        expect(['created', 'SessionEnded']).toContain(outcome);
      expect(late).toMatchObject({ code: 'Closed', outcome: 'notApplied' });
    });

    it('tells that it is closed before the close is over, never inside the call, and once', async () => {
      const client = await ground().connected();
      const told: string[] = [];
      client.onState(({ kind }) => told.push(kind));
      const closing = client.close();
      expect(told).toEqual([]);
      await closing;
      expect(told).toEqual(['closed']);
      await client.close();
      expect(told).toEqual(['closed']);
      expect(client.state).toEqual({ kind: 'closed' });
    });

    it('refuses everything after its end', async () => {
      const client = await ground().connected();
      await client.close();
      const { root } = ground();
      const failures = await Promise.all([
        failureOf(client.create(`${root}/a`, NO_BYTES)),
        failureOf(client.delete(root, -1)),
        failureOf(client.multi([{ type: 'delete', path: root }])),
        failureOf(client.addWatch(root, 'persistent', () => undefined)),
        failureOf(client.addAuth('digest', bytesOf('a:b'))),
        failureOf(client.connect({ deadlineMs: 1_000 })),
      ]);
      expect(failures.map(({ code }) => code)).toEqual(failures.map(() => 'Closed'));
      client.removeWatch(root, () => undefined);
    });

    it('is begun once, and not at all when it was closed or aborted first', async () => {
      const client = await ground().connected();
      expect((await failureOf(client.connect({ deadlineMs: 1_000 }))).code).toBe('InvalidState');
      const unused = ground().client();
      await unused.close();
      expect((await failureOf(unused.connect({ deadlineMs: 1_000 }))).code).toBe('Closed');
      const aborted = ground().client();
      const reason = new Error('not any more');
      const signal = AbortSignal.abort(reason);
      await expect(aborted.connect({ deadlineMs: 1_000, signal })).rejects.toBe(reason);
      expect(aborted.state.kind).toBe('closed');
    });

    it('sends nothing before it is connected', async () => {
      const failure = await failureOf(ground().client().exists('/'));
      expect(failure).toMatchObject({ code: 'NotSent', outcome: 'notApplied', retryable: true });
    });

    it('lives under its chroot without seeing it', async () => {
      const { connectString } = ground().harness;
      const [outside, inside] = await Promise.all([
        ground().connected(),
        ground().connected({ connectString: `${connectString}${ground().root}` }),
      ]);
      const log = new WatchLog();
      await inside.getChildren('/', log.watcher);
      await inside.exists('/b', log.watcher);
      expect((await inside.create('/a', bytesOf('in'))).path).toBe('/a');
      const sequential = await inside.create('/a/s-', NO_BYTES, { mode: 'persistentSequential' });
      expect(sequential.path).toBe('/a/s-0000000000');
      expect((await inside.getChildren('/')).children).toEqual(['a']);
      const transact = () => inside.multi([{ type: 'create', path: '/b' }]);
      if (await can(inside, 'multi', transact)) expect(await transact()).toMatchObject([{ path: '/b' }]);
      else await inside.create('/b', NO_BYTES);
      expect(textOf((await outside.getData(`${ground().root}/a`)).data)).toBe('in');
      await inside.sync('/');
      expect(log.events.map(({ type, path }) => `${type} ${path}`)).toEqual([
        'childrenChanged /',
        'created /b',
      ]);
      expect((await failureOf(inside.delete('/a', -1))).path).toBe('/a');
    });

    it('has persistent watches under its chroot as well', async () => {
      const { connectString } = ground().harness;
      const inside = await ground().connected({ connectString: `${connectString}${ground().root}` });
      const log = new WatchLog();
      const watch = () => inside.addWatch('/', 'persistentRecursive', log.watcher);
      if (!(await can(inside, 'addWatch', watch))) return;
      await watch();
      await inside.create('/a', NO_BYTES);
      await inside.create('/a/b', NO_BYTES);
      expect(log.events.map(({ path }) => path)).toEqual(['/a', '/a/b']);
    });
  });

  describe('an identity', () => {
    const ground = prepare(start);

    it('is asked for by nodes that are only its own, and can be added later', async () => {
      const [owner, other] = await Promise.all([ground().connected({ auth: [alice] }), ground().connected()]);
      const path = `${ground().root}/mine`;
      await createWithAcl(owner, path, bytesOf('secret'), MINE);
      expect(textOf((await owner.getData(path)).data)).toBe('secret');
      expect((await owner.getAcl(path)).acl).toMatchObject([{ permissions: 31, scheme: 'digest' }]);
      const failures = await Promise.all([
        failureOf(other.getData(path)),
        failureOf(other.setData(path, NO_BYTES, -1)),
        failureOf(other.create(`${path}/c`, NO_BYTES)),
      ]);
      expect(failures.map(({ code }) => code)).toEqual(['NoAuth', 'NoAuth', 'NoAuth']);
      await other.addAuth(alice.scheme, alice.auth);
      expect(textOf((await other.getData(path)).data)).toBe('secret');
    });

    it('may give others what it likes', async () => {
      const [owner, other] = await Promise.all([ground().connected({ auth: [alice] }), ground().connected()]);
      const path = `${ground().root}/mine`;
      await createWithAcl(owner, path, bytesOf('news'), MINE);
      const { aversion } = (await owner.getAcl(path)).stat;
      const stat = await owner.setAcl(
        path,
        [...MINE, { permissions: 1, scheme: 'world', id: 'anyone' }],
        aversion,
      );
      expect(stat.aversion).toBe(aversion + 1);
      expect(textOf((await other.getData(path)).data)).toBe('news');
      expect((await failureOf(other.setData(path, NO_BYTES, -1))).code).toBe('NoAuth');
      expect((await failureOf(owner.setAcl(path, MINE, 0))).code).toBe('BadVersion');
    });

    it('must exist: without one, a node cannot be made its own', async () => {
      const client = await ground().connected();
      const failure = await failureOf(createWithAcl(client, `${ground().root}/mine`, NO_BYTES, MINE));
      expect(failure).toMatchObject({ code: 'InvalidACL', outcome: 'notApplied' });
    });

    it('that is refused ends the session, which is told before the refusal', async () => {
      const client = await ground().connected();
      const order: string[] = [];
      client.onState((state) => order.push(state.kind === 'lost' ? `lost ${state.reason}` : state.kind));
      const failure = await failureOf(
        client.addAuth('no-such-scheme', NO_BYTES).finally(() => order.push('refused')),
      );
      expect(failure.code).toBe('AuthFailed');
      expect(order).toEqual(['lost authFailed', 'refused']);
      expect((await failureOf(client.exists('/'))).code).toBe('Closed');
    });

    it('that is refused at the start fails the connect', async () => {
      const client = ground().client({ auth: [{ scheme: 'no-such-scheme', auth: NO_BYTES }] });
      expect((await failureOf(client.connect({ deadlineMs: CONNECT_DEADLINE_MS }))).code).toBe('AuthFailed');
      expect(client.state).toMatchObject({ kind: 'lost', reason: 'authFailed' });
    });
  });
}
