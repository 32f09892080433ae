/** Whatever this package says, in whatever way, a secret that it was given is not in it. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createActor, type InspectionEvent } from 'xstate';
import { ClaimRecord } from '../../src/claim-record.js';
import { createEmbeddedZooKeeper } from '../../src/embedded/index.js';
import { type ConnectOptions, connect } from '../../src/index.js';
import { lockLogic } from '../../src/lock-actors.js';
import { lockRule } from '../../src/queue.js';
import { Supervisor } from '../../src/zookeeper/supervisor.js';
import { clientOptions, tcpClient } from '../embedded/connected-client.js';
import { SteppingClock } from '../setup/stepping-clock.js';
import { TcpProxy } from '../setup/tcp-proxy.js';

const SECRET = 'correct-horse-battery';
const encoder = new TextEncoder();
/** In the forms that bytes take on their way into a log. */
const FORMS = [
  SECRET,
  [...encoder.encode(SECRET)].join(', '),
  [...encoder.encode(SECRET)].join(','),
  Buffer.from(SECRET).toString('hex'),
  Buffer.from(SECRET)
    .toString('hex')
    .replace(/..(?=.)/g, '$& '),
  Buffer.from(SECRET).toString('base64'),
];

/** Everything that could be read from a value by somebody who logs it: as Node shows it, and every text within reach. */
function said(value: unknown): string {
  const texts = [
    inspect(value, { depth: 3, showHidden: true, getters: true }).replace(/\s+/g, ' '),
    String(value),
  ];
  const seen = new Set<unknown>();
  const waiting = [value];
  for (let part = waiting.pop(); part !== undefined || waiting.length > 0; part = waiting.pop()) {
    if (typeof part === 'string') texts.push(part);
    if (part === null || !['object', 'function'].includes(typeof part) || seen.has(part)) continue;
    seen.add(part);
    if (part instanceof Uint8Array) texts.push(part.join(', '), new TextDecoder().decode(part));
    else if (part instanceof Map) waiting.push(...part.keys(), ...part.values());
    else if (part instanceof Set) waiting.push(...part);
    else {
      // Whatever has no getter: private fields are no properties, and nobody sees them.
      for (const { value: own } of Object.values(Object.getOwnPropertyDescriptors(part))) waiting.push(own);
    }
  }
  return texts.join('\n');
}

function expectSilence(values: readonly unknown[]): void {
  expect(values.length).toBeGreaterThan(0);
  for (const value of values) {
    const text = said(value);
    for (const form of FORMS) expect(text.includes(form), `${form} in ${text.slice(0, 2_000)}`).toBe(false);
  }
}

const logged = (into: unknown[]): NonNullable<ConnectOptions['logger']> => {
  const log = (message: string): void => {
    into.push(message);
  };
  return { debug: log, info: log, warn: log, error: log };
};

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => {
      throw new Error('a failure was expected');
    },
    (error: unknown) => error,
  );

const thrownBy = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('an error was expected');
};

describe('a secret that was given', () => {
  it('would be found if it were there', () => {
    const holders = [
      { a: { b: [SECRET] } },
      { bytes: encoder.encode(`user:${SECRET}`) },
      new Error('x', { cause: new Error(SECRET) }),
    ];
    for (const holder of holders)
      expect(() => {
        expectSilence([holder]);
      }).toThrow();
  });

  it('is in nothing that a session, a lock, a lease or a client shows or tells, through loss and return', async () => {
    await using zooKeeper = await createEmbeddedZooKeeper();
    const proxy = await TcpProxy.start(zooKeeper.connectString);
    const told: unknown[] = [];
    const session = connect(proxy.connectString, {
      auth: [{ scheme: 'digest', auth: `user:${SECRET}` }],
      logger: logged(told),
    });
    const states = new Promise<void>((resolve) => {
      let connects = 0;
      session.state.subscribe((state) => {
        told.push(state);
        if (state.kind === 'connected' && (connects += 1) === 2) resolve();
      });
    });
    const lock = session.lock('/locks/a', { acl: [{ permissions: 31, scheme: 'auth', id: '' }] });
    const lease = await lock.acquire();
    const waiting = lock.subscribe((ownership) => told.push(ownership));
    told.push(session, lock, lease, await lock.entries());
    proxy.cut();
    await states;
    told.push(await failureOf(lock.acquire({ timeoutMs: 20 })));
    const stranger = connect(zooKeeper.connectString, {
      auth: [{ scheme: 'digest', auth: `stranger:${SECRET}` }],
      logger: logged(told),
    });
    told.push(await failureOf(stranger.lock('/locks/a').acquire()));
    const client = await tcpClient(zooKeeper.connectString, {
      auth: [{ scheme: 'digest', auth: encoder.encode(`user:${SECRET}`) }],
    });
    await client.addAuth('digest', encoder.encode(`other:${SECRET}`));
    told.push(client);
    waiting.unsubscribe();
    await lease.release();
    await Promise.all([session.close(), stranger.close(), client.close(), proxy.close()]);
    expectSilence(told);
  });

  it('is in no snapshot and no event of a lock machine', async () => {
    const clock = new SteppingClock();
    await using zooKeeper = await createEmbeddedZooKeeper({ port: false, clock });
    const told: unknown[] = [];
    const logger = logged(told);
    const auth = [{ scheme: 'digest', auth: encoder.encode(`user:${SECRET}`) }];
    const supervisor = new Supervisor(zooKeeper.client(), {
      client: clientOptions(zooKeeper.connectString, { clock, auth }),
      connectTimeoutMs: 10_000,
      clockDrift: 0.01,
      guardMs: undefined,
      heartbeat: { kind: 'ping' },
      logger,
    });
    const record = new ClaimRecord(clock, { sessionTimeoutMs: 10_000, version: 1, rest: {} });
    const shared = {
      session: supervisor,
      lockPath: '/locks/a',
      rule: lockRule,
      acl: undefined,
      identity: {},
      owner: undefined,
      lossDelay: null,
      ttlMs: null,
      record,
      logger,
    };
    const actor = createActor(lockLogic, {
      clock,
      inspect: (event: InspectionEvent) => told.push(event),
      input: {
        newGuid: () => '00000000-0000-4000-8000-000000000000',
        timeoutMs: null,
        noWait: false,
        steals: false,
        ttlMs: null,
        onSuspend: 'bounded',
        amongOwn: false,
        marks: false,
        sessionUp: false,
        acquisition: { ...shared, made: new Set(), onLine: () => undefined },
      },
    });
    actor.subscribe((snapshot) => told.push(snapshot));
    actor.start();
    actor.send({ type: 'acquire' });
    supervisor.onNews((news) => {
      actor.send(news);
    });
    await clock.advance(100);
    expect(actor.getSnapshot().matches('held')).toBe(true);
    told.push(actor.getPersistedSnapshot(), actor);
    expectSilence(told);
    await clock.until(supervisor.close());
    actor.stop();
  });

  it('is not repeated when the identity is refused', async () => {
    await using zooKeeper = await createEmbeddedZooKeeper();
    const told: unknown[] = [];
    for (const scheme of ['sasl', 'kerberos']) {
      const auth = [{ scheme, auth: `user:${SECRET}` }];
      const session = connect(zooKeeper.connectString, { auth, logger: logged(told) });
      session.state.subscribe((state) => told.push(state));
      const failure = await failureOf(session.lock('/locks/a').acquire());
      expect(failure).toMatchObject({ code: 'CONNECTION_FAILED', cause: { code: 'AuthFailed' } });
      told.push(failure, session);
      await session.close();
    }
    expectSilence(told);
  });

  it.each<[string, string, ConnectOptions]>([
    ['a connect string', `user:${SECRET}@a:2181`, {}],
    ['a connect string with a scheme', `digest:user:${SECRET}`, {}],
    [
      'a connect string of another client',
      `user:${SECRET}@a:2181`,
      {
        client: () => {
          throw new Error('too late');
        },
      },
    ],
    ['an auth that is no list', 'a:1', { auth: `digest:user:${SECRET}` as never }],
    ['an auth without a scheme', 'a:1', { auth: [{ auth: `user:${SECRET}` } as never] }],
    ['an auth of another type', 'a:1', { auth: [{ scheme: 'digest', auth: { password: SECRET } as never }] }],
    ['a SASL identity without a user', 'a:1', { auth: [{ scheme: 'sasl', auth: SECRET }] }],
    ['a key that is none', 'a:1', { tls: { key: SECRET, cert: SECRET, passphrase: SECRET } }],
    ['a key of another type', 'a:1', { tls: { key: { pem: { of: SECRET } } } }],
  ])('is not repeated when %s is refused', (_what, connectString, options) => {
    const error = thrownBy(() => connect(connectString, options));
    expect(error).toMatchObject({ code: expect.stringMatching(/INVALID_ARGUMENT|BadArguments/) as string });
    expectSilence([error]);
  });

  it('is not repeated, and refused, where its digest belongs', async () => {
    await using zooKeeper = await createEmbeddedZooKeeper();
    await using session = connect(zooKeeper.connectString);
    for (const entry of [
      { permissions: 31, scheme: 'digest', id: `user:${SECRET}` },
      { permissions: 99, scheme: 'digest', id: `user:${SECRET}` },
      { permissions: 31, id: SECRET } as never,
    ]) {
      const error = thrownBy(() => session.lock('/locks/a', { acl: [entry] }));
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expectSilence([error]);
      const client = await tcpClient(zooKeeper.connectString);
      const wrong = { ...(entry as object), permissions: 99 } as never;
      expectSilence([await failureOf(client.create('/a', new Uint8Array(0), { acl: [wrong] }))]);
      await client.close();
    }
    const digests = ['user:D/InIHSb7yEEbrWz8b9l71RjZJU=', `user:${Buffer.alloc(32, 7).toString('base64')}`];
    for (const id of digests)
      expect(() =>
        session.lock('/locks/a', { acl: [{ permissions: 31, scheme: 'digest', id }] }),
      ).not.toThrow();
  });
});
