/**
 * What brought the bare npm package down: a connection that is lost while requests are issued. Whoever loads it is a process of
 * its own, which must live on.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, inject, it, onTestFinished } from 'vitest';
import { findNativePackages } from '../setup/native-installation.mjs';
import { startRealZooKeeper } from '../setup/real-zookeeper.js';
import { TcpProxy } from '../setup/tcp-proxy.js';

const LOAD = fileURLToPath(new URL('./native-load.mjs', import.meta.url));
const SESSION_MS = 10_000;

interface Summary {
  readonly issued: number;
  readonly settled: number;
  readonly turns: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly sessions: number;
}

interface News {
  readonly state?: string;
  readonly turn?: number;
  readonly summary?: Summary;
}

/** The loading process, as it is told of. */
class Load {
  readonly child: ChildProcess;
  readonly #waiting: { matches: (news: News) => boolean; resolve: (news: News) => void }[] = [];
  readonly #died: Promise<never>;

  constructor(connectString: string) {
    this.child = fork(LOAD, [connectString, String(SESSION_MS)], {
      env: { ...process.env, NODE_PATH: findNativePackages() ?? '' },
      execArgv: [],
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
    this.child.on('message', (news: News) => {
      for (const waiting of this.#waiting.splice(0)) {
        if (waiting.matches(news)) waiting.resolve(news);
        else this.#waiting.push(waiting);
      }
    });
    this.#died = once(this.child, 'exit').then(([code, signal]) => {
      throw new Error(`the process with the native client ended: ${String(code ?? signal)}`);
    });
    this.#died.catch(() => undefined);
  }

  /** The next news that matches; rejects when the process ends first. */
  next(matches: (news: News) => boolean): Promise<News> {
    const next = new Promise<News>((resolve) => {
      this.#waiting.push({ matches, resolve });
    });
    return Promise.race([next, this.#died]);
  }

  /** Ends it in order. */
  async end(): Promise<Summary> {
    const exited = once(this.child, 'exit');
    const told = this.next(({ summary }) => summary !== undefined);
    this.child.send('end');
    const { summary } = await told;
    expect(await exited).toEqual([0, null]);
    return summary!;
  }
}

const turn = (news: News) => news.turn !== undefined;
const connected = (news: News) => news.state === 'connected';

it('lives through a server that is killed and started again, under load', { timeout: 90_000 }, async () => {
  const server = await startRealZooKeeper();
  onTestFinished(() => server.stop());
  const load = new Load(server.connectString);
  await load.next(turn);
  for (let kills = 0; kills < 6; kills += 1) {
    const back = load.next(connected);
    await server.restart();
    await back;
    await load.next(turn);
  }
  const { issued, settled, failures } = await load.end();
  expect(settled).toBe(issued);
  expect(Object.keys(failures)).toContain('ConnectionLoss');
});

it('lives through a line that is cut again and again, under load, in one session', async () => {
  const proxy = await TcpProxy.start(inject('zookeeper'));
  onTestFinished(() => proxy.close());
  const load = new Load(proxy.connectString);
  await load.next(turn);
  for (let cuts = 0; cuts < 60; cuts += 1) {
    const back = load.next(connected);
    // Of every connection, and every second time with an answer on its way.
    if (cuts % 2 === 1) await proxy.cutAtNextReply();
    proxy.cut();
    await back;
  }
  await load.next(turn);
  const { issued, settled, sessions } = await load.end();
  expect(settled).toBe(issued);
  expect(sessions).toBe(1);
});
