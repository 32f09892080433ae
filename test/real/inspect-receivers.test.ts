/**
 * The real receivers of `@xstate/inspect` 0.8, with its own XState 4, and of `@statelyai/inspect` 0.7 hear our charts over a WebSocket.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import {
  inspectLocks,
  legacyXStateInspect,
  type StatelyAdapter,
  toStately,
} from '../../src/inspect/index.js';
import { inspectFolder } from '../setup/inspect-installation.mjs';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';

const RECEIVER = fileURLToPath(new URL('./legacy-receiver.cjs', import.meta.url));
const STATELY = fileURLToPath(new URL('./stately-receiver.mjs', import.meta.url));

/** What the receiver's process tells. */
interface Understood {
  readonly type: string;
  readonly machine?: string;
  readonly states?: readonly string[];
  readonly value?: unknown;
  readonly held?: boolean;
  readonly address?: AddressInfo;
  readonly sessionId?: string;
  readonly charted?: boolean;
  readonly name?: string;
  readonly event?: string;
  readonly status?: string;
  readonly initial?: string;
  readonly context?: object;
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
  const folder = inspectFolder('xstate-inspect-0.8.0-receiver');
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

interface StatelyInspector {
  readonly adapter: StatelyAdapter;
  stop(): void;
}

/** A process of the package's own, and what it tells. */
function stately(...args: readonly string[]): { process: ChildProcess; news: Understood[] } {
  const started = fork(STATELY, [inspectFolder('statelyai-inspect-0.7.2-receiver'), ...args]);
  onTestFinished(() => void started.kill());
  const news: Understood[] = [];
  started.on('message', (each: Understood) => news.push(each));
  return { process: started, news };
}

/** The package's relay, an inspector of its own that sends there, and a receiver that listens. */
async function statelyInspection() {
  const relay = stately('relay');
  const { address } = await heard(relay.process, ({ type }) => type === 'listening');
  const port = String(address?.port);
  const demand = createRequire(inspectFolder('statelyai-inspect-0.7.2-receiver'));
  const { createWebSocketInspector } = (await import(
    pathToFileURL(demand.resolve('@statelyai/inspect')).href
  )) as { createWebSocketInspector: (options: object) => StatelyInspector };
  const inspector = createWebSocketInspector({ url: `ws://127.0.0.1:${port}` });
  onTestFinished(() => {
    inspector.stop();
  });
  const receive = () => stately('receiver', port);
  return { adapter: inspector.adapter, receive };
}

it('the receiver of @statelyai/inspect rebuilds the chart, and follows a lock from its place in line to its end', async () => {
  const { adapter, receive } = await statelyInspection();
  const receiver = receive();
  await using ensemble = await VirtualEnsemble.start();
  const hub = inspectLocks({ clock: ensemble.clock });
  const forwarding = toStately(hub.records$, adapter);
  onTestFinished(() => {
    forwarding.unsubscribe();
  });
  const first = await ensemble.held('/locks/a', { owner: 'anna' });
  const asked = ensemble.lock('/locks/a', { owner: 'ben' }, { inspect: hub.inspect }).acquire();
  await ensemble.clock.advance(1_000);
  const over = heard(receiver.process, ({ status }) => status === 'done');
  await first.release();
  const lease = await ensemble.until(asked);
  ensemble.zookeeper.faults.cut();
  await ensemble.clock.advance(1_000);
  await lease.release();
  await over;

  const { news } = receiver;
  expect(news[0]).toMatchObject({ type: '@xstate.actor', name: '/locks/a', initial: 'idle', value: 'idle' });
  expect(news[0]?.states).toEqual(expect.arrayContaining(['waitingOnPredecessor', 'held', 'expired']));
  const values = news.filter(({ type }) => type === '@xstate.snapshot').map(({ value }) => value);
  expect(values).toContainEqual({ waitingOnPredecessor: 'watching' });
  expect(values).toContainEqual({ held: 'suspended' });
  const events = news.filter(({ type }) => type === '@xstate.event').map(({ event }) => event);
  expect(events).toEqual(expect.arrayContaining(['acquire', 'predecessor.gone', 'session.suspended']));
  expect(news.filter(({ value }) => JSON.stringify(value) === '{"held":"confirmed"}')).not.toEqual([]);
  for (const { held, value } of news.filter(({ value }) => value !== undefined))
    expect(held).toBe(JSON.stringify(value).startsWith('{"held"'));
  // What it ends with is still a state of the chart.
  expect(news.at(-1)).toMatchObject({ status: 'done', value: 'released', held: false });
  expect(news.find(({ context }) => context !== undefined && 'position' in context)?.context).toMatchObject({
    position: 1,
    queueLength: 2,
  });
  expect(JSON.stringify(news)).not.toContain('anna');
});

it('a receiver of @statelyai/inspect that comes late has the chart of a lock that is still held', async () => {
  const { adapter, receive } = await statelyInspection();
  const early = receive();
  await using ensemble = await VirtualEnsemble.start();
  const hub = inspectLocks({ clock: ensemble.clock });
  const forwarding = toStately(hub.records$, adapter);
  onTestFinished(() => {
    forwarding.unsubscribe();
  });
  const session = ensemble.session({ inspect: hub.inspect });
  const connected = heard(early.process, ({ name }) => name === '/locks/kept');
  const kept = await ensemble.until(session.lock('/locks/kept').acquire());
  const { sessionId } = await connected;
  // More than the relay keeps.
  const passing = session.lock('/locks/passing');
  const many = heard(early.process, () => early.news.length > 500);
  for (let round = 0; round < 60; round += 1) await (await ensemble.until(passing.acquire())).release();
  await many;
  const late = receive();
  await heard(late.process, () => true);
  const over = heard(late.process, (each) => each.sessionId === sessionId && each.status === 'done');
  await kept.release();
  await over;
  const ofKept = late.news.filter((each) => each.sessionId === sessionId);
  expect(ofKept[0]).toMatchObject({ name: '/locks/kept', value: { held: 'confirmed' } });
  expect(ofKept.at(-1)).toMatchObject({ value: 'released' });
  expect(ofKept.filter(({ charted }) => charted !== true)).toEqual([]);
});
