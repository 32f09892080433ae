import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, inject, it } from 'vitest';
import { connect } from '../../src/index.js';
import { nativeClient } from '../../src/zookeeper/native-client.js';
import { freshPath, lockBehaviour } from '../lock/behaviour.js';
import { loadNativePackage } from '../setup/native-installation.mjs';

const factory = nativeClient({ zookeeper: loadNativePackage() });
const connectString = inject('zookeeper');

lockBehaviour('the native client and a real ZooKeeper', () =>
  Promise.resolve({ connectString, factory, leastSessionMs: 1_000 }),
);

it('reaches a server by its name', async () => {
  await using session = connect(connectString.replace('127.0.0.1', 'localhost'), { client: factory });
  const lease = await session.lock(freshPath('by-name')).acquire();
  await lease.release();
});

describe('what the native client cannot do is refused where it is asked for', () => {
  it.each([
    ['heartbeat', { heartbeat: 'quorum' }],
    ['tls', { tls: {} }],
  ] as const)('%s at connect', (option, options) => {
    expect(() => connect(connectString, { client: factory, ...options })).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(`${option}.*use the wire client`) as string,
      }),
    );
  });

  it("acl at the lock, whose claim would be everybody's for a moment", async () => {
    await using session = connect(connectString, { client: factory });
    const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
    expect(() => session.lock(freshPath('acl'), { acl })).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('use the wire client') as string,
      }),
    );
  });

  it('a worker thread, which would take the process along when it ends', async () => {
    const code =
      "import('holdfast/native').then(({ nativeClient }) => nativeClient()).catch(({ code, message }) => " +
      "require('node:worker_threads').parentPort.postMessage({ code, message }))";
    const [told] = (await once(new Worker(code, { eval: true }), 'message')) as [unknown];
    expect(told).toMatchObject({
      code: 'NotSupported',
      message: expect.stringContaining('main thread') as string,
    });
  });

  it('a connect string that cannot be meant', () => {
    expect(() => connect('here:99999', { client: factory })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});
