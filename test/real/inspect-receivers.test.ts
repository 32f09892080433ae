/** The real receiver of `@xstate/inspect` 0.8, with its own XState 4, hears our XState 5 charts over a WebSocket. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { inspectLocks, legacyXStateInspect } from '../../src/inspect/index.js';
import { inspectFolder } from '../setup/inspect-installation.mjs';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const RECEIVER = fileURLToPath(new URL('./legacy-receiver.cjs', import.meta.url));

/** What the receiver's process tells. */
interface Understood {
  readonly type: string;
  readonly machine?: string;
  readonly states?: readonly string[];
  readonly value?: unknown;
  readonly held?: boolean;
}

/** As much of a socket of `ws` as is used. */
interface Socket {
  send(text: string): void;
  terminate(): void;
  on(event: 'message', hear: (data: unknown) => void): void;
}

interface WebSocketServer extends NodeJS.EventEmitter {
  readonly clients: ReadonlySet<Socket>;
  address(): AddressInfo;
  close(): void;
}

/** Resolves with the first that matches. Rejects when the receiver's process ends before. */
function heard(receiver: ChildProcess, matches: (news: Understood) => boolean): Promise<Understood> {
  return new Promise((resolve, reject) => {
    receiver.on('message', (news: Understood) => {
      if (matches(news)) resolve(news);
    });
    receiver.once('exit', (code) => reject(new Error(`the receiver ended with ${String(code)}`)));
  });
}

it('the receiver of @xstate/inspect rebuilds the chart, and matches held until the lock is released', async () => {
  const folder = inspectFolder();
  const { WebSocketServer } = createRequire(folder)('ws') as {
    readonly WebSocketServer: new (options: object) => WebSocketServer;
  };
  await using ensemble = await VirtualEnsemble.start();
  const hub = inspectLocks({ clock: ensemble.clock });
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  const bridge = legacyXStateInspect(hub.records$, (message) => {
    for (const socket of server.clients) socket.send(JSON.stringify(message));
  });
  onTestFinished(() => {
    bridge.stop();
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  server.on('connection', (socket: Socket) => {
    socket.on('message', (data) => {
      bridge.receive(JSON.parse(String(data)) as { type: string });
    });
  });
  await once(server, 'listening');
  const lease = await ensemble.until(ensemble.lock('/locks/a', {}, { inspect: hub.inspect }).acquire());

  const receiver = fork(RECEIVER, [folder, `127.0.0.1:${server.address().port}`]);
  onTestFinished(() => void receiver.kill());
  const news: Understood[] = [];
  receiver.on('message', (each: Understood) => news.push(each));
  const registered = await heard(receiver, ({ type }) => type === 'service.register');
  expect(registered.states).toEqual(expect.arrayContaining(['waitingOnPredecessor', 'held']));
  expect(registered).toMatchObject({ value: { held: 'confirmed' }, held: true });

  const stopped = heard(receiver, ({ type }) => type === 'service.stop');
  await lease.release();
  await stopped;
  const states = news.filter(({ type }) => type === 'service.state');
  expect(states.length).toBeGreaterThan(0);
  expect(states.at(-1)).toMatchObject({ held: false });
});
