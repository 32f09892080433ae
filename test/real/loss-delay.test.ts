/** A process that dies while it holds, and whoever is next: on a real server, where the mark is left, taken over and deleted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, inject, it, onTestFinished } from 'vitest';
import { connect } from '../../src/index.js';
import { tcpClient } from '../embedded/connected-client.js';
import { freshPath, Listener } from '../lock/behaviour.js';

const worker = fileURLToPath(new URL('loss-delay-worker.mjs', import.meta.url));

it('after kill -9 of the holder, the next one holds so long after the claim was gone; after its release, the one behind at once', async () => {
  const zookeeper = inject('zookeeper');
  const path = freshPath('killed');
  const holder = spawn(process.execPath, [worker, zookeeper, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const client = await tcpClient(zookeeper);
  const session = connect(zookeeper);
  onTestFinished(async () => {
    holder.kill('SIGKILL');
    await session.close();
    await client.close();
  });
  await once(holder.stdout, 'data');
  const next = new Listener(session.lock(path, { owner: 'bob', lossDelayMs: 1_500 }));
  await next.until('waitingOnPredecessor');
  const behind = new Listener(session.lock(path, { owner: 'carol', lossDelayMs: 60_000 }));
  await behind.until('waitingOnPredecessor');
  const { children } = await client.getChildren(path);
  const claim = children.find((name) => name.endsWith('-lock-0000000000')) ?? '';
  const gone = new Promise<number>((resolve, reject) => {
    client
      .getData(`${path}/${claim}`, () => {
        resolve(performance.now());
      })
      .catch(reject);
  });
  holder.kill('SIGKILL');
  const goneMs = await gone;
  const { lease } = await next.until('held');
  // The two heard of it on connections of their own.
  expect(performance.now() - goneMs).toBeGreaterThan(1_400);
  const delayed = next.heard.filter(
    (each) => each.status === 'waitingOnPredecessor' && each.delayedUntil !== null,
  );
  expect(delayed[0]).toMatchObject({
    position: 0,
    predecessor: { path: `${path}/${claim}`, owner: 'alice' },
  });
  await lease.release();
  await (await behind.until('held')).lease.release();
  expect((await client.getChildren(path)).children).toEqual([]);
});
