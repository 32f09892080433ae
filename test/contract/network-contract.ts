/** What becomes of a session when the network fails it: the server is reached through a proxy that misbehaves. */
import { describe, expect, it } from 'vitest';
import type { ClientOptions, ZooKeeperClient } from '../../src/zookeeper/client.js';
import { ZooKeeperError } from '../../src/zookeeper/errors.js';
import { TcpProxy } from '../setup/tcp-proxy.js';
import {
  bytesOf,
  can,
  createWithAcl,
  failureOf,
  type Ground,
  type Harness,
  NO_BYTES,
  nextState,
  prepare,
  textOf,
  WatchLog,
} from './harness.js';

interface Line {
  readonly proxy: TcpProxy;
  /** Reaches the server through the proxy. */
  readonly client: ZooKeeperClient;
  /** Reaches it directly. */
  readonly witness: ZooKeeperClient;
}

async function line(ground: Ground, options: Partial<ClientOptions> = {}): Promise<Line> {
  const proxy = await ground.proxy();
  const [client, witness] = await Promise.all([
    ground.connected({ connectString: proxy.connectString, ...options }),
    ground.connected(),
  ]);
  return { proxy, client, witness };
}

/** Cuts the line and keeps it so; resolves when the client has noticed. */
async function interrupt({ proxy, client }: Line): Promise<void> {
  const noticed = nextState(client, 'suspended');
  proxy.weather.refuse = true;
  proxy.cut();
  await noticed;
}

async function restore({ proxy, client }: Line): Promise<boolean> {
  const back = nextState(client, 'connected');
  proxy.weather.refuse = false;
  return (await back).resumed;
}

export function networkContract(start: () => Promise<Harness>): void {
  describe('after a cut', () => {
    const ground = prepare(start);

    it('the session is resumed, with its ephemeral nodes', async () => {
      const cut = await line(ground());
      const { sessionId } = cut.client;
      const { path } = await cut.client.create(`${ground().root}/e`, NO_BYTES, { mode: 'ephemeral' });
      await interrupt(cut);
      expect(await restore(cut)).toBe(true);
      expect(cut.client.sessionId).toBe(sessionId);
      expect((await cut.client.exists(path))?.ephemeralOwner).toBe(sessionId);
    });

    it('a request whose answer was lost says that it may have been done, after the loss is told', async () => {
      const { proxy, client, witness } = await line(ground());
      const order: string[] = [];
      client.onState(({ kind }) => order.push(kind));
      const back = nextState(client, 'connected');
      const cut = proxy.cutAtNextReply();
      const failure = await failureOf(
        client.create(`${ground().root}/n`, NO_BYTES).finally(() => order.push('rejected')),
      );
      await cut;
      expect(failure).toMatchObject({ code: 'ConnectionLoss', outcome: 'unknown', retryable: true });
      expect(order.slice(0, 2)).toEqual(['suspended', 'rejected']);
      await back;
      expect(await witness.exists(`${ground().root}/n`)).not.toBeNull();
    });

    it('a request is not sent, and not kept for later', async () => {
      const cut = await line(ground());
      await interrupt(cut);
      const failure = await failureOf(cut.client.create(`${ground().root}/n`, NO_BYTES));
      expect(failure).toMatchObject({ code: 'NotSent', outcome: 'notApplied', retryable: true });
      await restore(cut);
      await cut.client.sync(ground().root);
      expect(await cut.witness.exists(`${ground().root}/n`)).toBeNull();
    });

    it('watchers hear of what they missed, marked as replayed', async () => {
      const cut = await line(ground());
      const { root } = ground();
      const [data, children, created, deleted, untouched] = Array.from({ length: 5 }, () => new WatchLog());
      await cut.client.create(`${root}/gone`, NO_BYTES);
      await cut.client.create(`${root}/same`, NO_BYTES);
      await cut.client.getData(root, data?.watcher);
      await cut.client.getChildren(root, children?.watcher);
      await cut.client.exists(`${root}/new`, created?.watcher);
      await cut.client.exists(`${root}/gone`, deleted?.watcher);
      await cut.client.getData(`${root}/same`, untouched?.watcher);
      await interrupt(cut);
      await cut.witness.setData(root, bytesOf('1'), -1);
      await cut.witness.create(`${root}/new`, NO_BYTES);
      await cut.witness.delete(`${root}/gone`, -1);
      await restore(cut);
      await cut.client.sync(root);
      expect(data?.events).toEqual([{ type: 'dataChanged', path: root, replayed: true }]);
      expect(children?.events).toEqual([{ type: 'childrenChanged', path: root, replayed: true }]);
      expect(created?.events).toEqual([{ type: 'created', path: `${root}/new`, replayed: true }]);
      expect(deleted?.events).toEqual([{ type: 'deleted', path: `${root}/gone`, replayed: true }]);
      expect(untouched?.events).toEqual([]);
      await cut.witness.setData(`${root}/same`, bytesOf('2'), -1);
      await cut.client.sync(root);
      expect(untouched?.events).toEqual([{ type: 'dataChanged', path: `${root}/same`, replayed: false }]);
    });

    it('watches that were removed meanwhile do not stand again', async () => {
      const cut = await line(ground());
      const [kept, removed] = [new WatchLog(), new WatchLog()];
      await cut.client.getData(ground().root, kept.watcher);
      await cut.client.getChildren(ground().root, removed.watcher);
      await interrupt(cut);
      cut.client.removeWatch(ground().root, removed.watcher);
      await restore(cut);
      await cut.client.sync(ground().root);
      await cut.witness.create(`${ground().root}/n`, NO_BYTES);
      await cut.witness.setData(ground().root, NO_BYTES, -1);
      await cut.client.sync(ground().root);
      expect(kept.events).toEqual([{ type: 'dataChanged', path: ground().root, replayed: false }]);
      expect(removed.events).toEqual([]);
    });

    it('persistent watches stand again', async () => {
      const cut = await line(ground());
      const log = new WatchLog();
      const watch = () => cut.client.addWatch(ground().root, 'persistentRecursive', log.watcher);
      if (!(await can(cut.client, 'addWatch', watch))) return;
      await watch();
      await interrupt(cut);
      await restore(cut);
      await cut.client.sync(ground().root);
      await cut.witness.create(`${ground().root}/n`, NO_BYTES);
      await cut.client.sync(ground().root);
      expect(log.events).toEqual([{ type: 'created', path: `${ground().root}/n`, replayed: false }]);
    });

    it('watches by the thousand stand again, in requests that the server takes', async () => {
      const cut = await line(ground());
      const log = new WatchLog();
      const { root } = ground();
      const paths = Array.from({ length: 3_000 }, (_, index) => `${root}/${`${index}`.padStart(400, 'x')}`);
      await Promise.all(paths.map((path) => cut.client.exists(path, log.watcher)));
      await interrupt(cut);
      expect(await restore(cut)).toBe(true);
      await cut.client.sync(root);
      const last = paths[2_999] as string;
      await cut.witness.create(last, NO_BYTES);
      await log.heard(1);
      expect(log.events).toEqual([{ type: 'created', path: last, replayed: false }]);
    });

    it('the client is who it was', async () => {
      const auth = [{ scheme: 'digest', auth: bytesOf('bob:secret') }];
      const cut = await line(ground(), { auth });
      const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
      const path = `${ground().root}/mine`;
      await createWithAcl(cut.client, path, bytesOf('x'), acl);
      await interrupt(cut);
      await restore(cut);
      expect(textOf((await cut.client.getData(path)).data)).toBe('x');
    });
  });

  describe('a peer that falls silent', () => {
    const ground = prepare(start);

    it('is noticed before the server can have given the session up, which then is told as expired', async () => {
      // Long enough that the order holds on a machine that stands still for a moment.
      const cut = await line(ground(), { sessionTimeoutMs: 3 * ground().harness.leastSessionMs });
      const order: string[] = [];
      const gone = new WatchLog();
      const { path } = await cut.client.create(`${ground().root}/e`, NO_BYTES, { mode: 'ephemeral' });
      await cut.witness.exists(path, gone.watcher);
      cut.client.onState(({ kind }) => order.push(kind));
      cut.proxy.weather.blackhole = true;
      await gone.heard(1);
      expect(order).toEqual(['suspended']);
      const lost = nextState(cut.client, 'lost');
      cut.proxy.weather.blackhole = false;
      cut.proxy.cut();
      expect(await lost).toMatchObject({ reason: 'expired', cause: { code: 'SessionExpired' } });
      expect(order).toEqual(['suspended', 'lost']);
      expect((await failureOf(cut.client.exists('/'))).code).toBe('Closed');
    });

    it('does not keep a request waiting, nor a close', async () => {
      const cut = await line(ground(), { sessionTimeoutMs: ground().harness.leastSessionMs });
      cut.proxy.weather.blackhole = true;
      const failure = await failureOf(cut.client.create(`${ground().root}/n`, NO_BYTES));
      expect(failure).toMatchObject({ code: 'ConnectionLoss', outcome: 'unknown' });
      await cut.client.close({ deadlineMs: 50 });
      expect(cut.client.state.kind).toBe('closed');
    });

    it('that loses one answer is not believed afterwards', async () => {
      const { proxy, client } = await line(ground());
      const suspended = nextState(client, 'suspended');
      const back = nextState(client, 'connected');
      const lost = failureOf(client.exists(ground().root));
      const next = proxy.dropNextReply().then(() => failureOf(client.exists(ground().root)));
      expect((await suspended).cause).toMatchObject({ code: 'ProtocolViolation' });
      expect(await lost).toMatchObject({ code: 'ConnectionLoss', outcome: 'unknown' });
      expect(await next).toMatchObject({ code: 'ConnectionLoss', outcome: 'unknown' });
      expect((await back).resumed).toBe(true);
    });
  });

  describe('a bad line', () => {
    const ground = prepare(start);

    it('may cut what it carries into pieces', async () => {
      const { proxy, client } = await line(ground());
      const bytes = Uint8Array.from({ length: 18_000 }, (_, at) => at % 251);
      await client.setData(ground().root, bytes, -1);
      proxy.weather.segmentBytes = 1_000;
      expect((await client.getData(ground().root)).data).toStrictEqual(bytes);
      proxy.weather.segmentBytes = 1;
      expect((await client.getChildren(ground().root)).stat.dataLength).toBe(18_000);
    });

    it('may be slow, as long as it carries', async () => {
      const { proxy, client } = await line(ground());
      proxy.weather.replyDelayMs = 20;
      const log = new WatchLog();
      await client.getData(ground().root, log.watcher);
      await client.setData(ground().root, NO_BYTES, -1);
      expect(log.types).toEqual(['dataChanged']);
    });

    it('may break a hundred times under load: what was acknowledged is there, what was not sent is not', async () => {
      const { proxy, client, witness } = await line(ground());
      const { sessionId } = client;
      const outcomes = new Map<string, 'done' | 'unknown' | 'notApplied'>();
      const load = { going: true };
      const worker = async (prefix: string): Promise<void> => {
        for (let count = 0; load.going; count += 1) {
          const name = `${prefix}-${count}`;
          try {
            await client.create(`${ground().root}/${name}`, NO_BYTES);
            outcomes.set(name, 'done');
          } catch (error) {
            if (!(error instanceof ZooKeeperError)) throw error;
            outcomes.set(name, error.outcome);
            if (client.state.kind !== 'connected') await nextState(client, 'connected');
          }
        }
      };
      const workers = ['a', 'b', 'c', 'd'].map(worker);
      for (let cuts = 0; cuts < 100; cuts += 1) {
        const back = nextState(client, 'connected');
        if (cuts % 2 === 0) await proxy.cutAtNextReply();
        else proxy.cut();
        await back;
        await client.sync('/').catch(() => undefined);
      }
      load.going = false;
      await Promise.all(workers);
      expect(client.sessionId).toBe(sessionId);
      const there = new Set((await witness.getChildren(ground().root)).children);
      for (const [name, outcome] of outcomes) {
        if (outcome !== 'unknown') expect(`${name} ${there.has(name)}`).toBe(`${name} ${outcome === 'done'}`);
      }
      expect(outcomes.size).toBeGreaterThan(100);
    });
  });

  describe('a server that cannot be had', () => {
    const ground = prepare(start);
    const deadlineMs = 300;

    it('fails the connect at its deadline when it refuses', async () => {
      const proxy = await TcpProxy.start(ground().harness.connectString);
      const { connectString } = proxy;
      await proxy.close();
      const client = ground().client({ connectString });
      const failure = await failureOf(client.connect({ deadlineMs }));
      expect(failure).toMatchObject({ code: 'OperationTimeout', outcome: 'notApplied' });
      expect(failure.cause).toMatchObject({ code: ground().harness.refusal ?? 'ECONNREFUSED' });
      expect(failure.message).toContain(connectString);
      expect(client.state.kind).toBe('closed');
    });

    it('fails the connect at its deadline when it is mute, resets, or has no address', async () => {
      const [mute, resetting] = await Promise.all([ground().proxy(), ground().proxy()]);
      mute.weather.blackhole = true;
      resetting.weather.refuse = true;
      const strings = [mute.connectString, resetting.connectString, 'holdfast.invalid:2181'];
      const failures = await Promise.all(
        strings.map((connectString) => failureOf(ground().client({ connectString }).connect({ deadlineMs }))),
      );
      expect(failures.map(({ code }) => code)).toEqual(strings.map(() => 'OperationTimeout'));
    });

    it('is passed over for another one', async () => {
      const refusing = await ground().proxy();
      refusing.weather.refuse = true;
      const { connectString } = ground().harness;
      const hosts = `${refusing.connectString},${connectString},${refusing.connectString}`;
      const client = ground().client({ connectString: hosts });
      const [state] = await Promise.all([
        nextState(client, 'connected'),
        client.connect({ deadlineMs: 20_000 }),
      ]);
      expect(state.server).toBe(connectString);
    });
  });
}
