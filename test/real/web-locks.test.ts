/** Web locks of processes that share nothing but a real ZooKeeper. */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, it } from 'vitest';
import type { WebLockInfo, WebLockOptions, WebLockSnapshot } from '../../src/index.js';

const PROGRAM = fileURLToPath(new URL('web-lock-process.mjs', import.meta.url));

interface News {
  readonly id: number;
  readonly became: 'ready' | 'granted' | 'told' | 'settled' | 'rejected' | 'answered';
  readonly token?: string;
  readonly none?: boolean;
  readonly error?: string;
  readonly snapshot?: WebLockSnapshot;
}

/** One request of a process. What became of it can be asked for at any time. */
class Request {
  readonly #process: Worker;
  readonly id: number;

  constructor(process: Worker, id: number) {
    this.#process = process;
    this.id = id;
  }

  became(what: News['became']): Promise<News> {
    return this.#process.next(this.id, what);
  }

  async token(): Promise<bigint> {
    return BigInt((await this.became('granted')).token ?? '');
  }

  finish(): void {
    this.#process.tell({ id: this.id, finish: true });
  }
}

class Worker {
  readonly child: ChildProcess;
  readonly #heard: News[] = [];
  readonly #hears = new EventEmitter();
  #requests = 0;

  constructor() {
    this.child = fork(PROGRAM, [inject('zookeeper')], { execArgv: [] });
    this.child.on('message', (news) => {
      this.#heard.push(news as News);
      this.#hears.emit('news');
    });
    this.child.once('exit', () => this.#hears.emit('news'));
  }

  tell(order: object): void {
    this.child.send(order);
  }

  async next(id: number, became: News['became']): Promise<News> {
    for (;;) {
      const found = this.#heard.find((news) => news.id === id && news.became === became);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`the process ended before request ${id} became ${became}`);
      await once(this.#hears, 'news');
    }
  }

  request(name: string, options: WebLockOptions = {}): Request {
    this.#requests += 1;
    this.tell({ id: this.#requests, name, options });
    return new Request(this, this.#requests);
  }

  async query(): Promise<WebLockSnapshot> {
    this.#requests += 1;
    this.tell({ id: this.#requests, query: true });
    return (await this.next(this.#requests, 'answered')).snapshot as WebLockSnapshot;
  }

  heardOf({ id }: Request): string[] {
    return this.#heard.filter((news) => news.id === id).map(({ became }) => became);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

const workers: Worker[] = [];
const start = async (): Promise<Worker> => {
  const worker = new Worker();
  workers.push(worker);
  await worker.next(0, 'ready');
  return worker;
};
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.kill()));
});

let names = 0;
const freshName = () => `real/${process.pid}/${(names += 1)}`;

/** Who holds and who waits for this name, as `worker` sees it. */
async function inLine(worker: Worker, name: string) {
  const { held, pending } = await worker.query();
  const of = (all: readonly WebLockInfo[]) => all.filter((each) => each.name === name);
  return { held: of(held), pending: of(pending) };
}

describe('web locks of two processes', () => {
  it('are held by one at a time, in the order of asking, and the snapshot shows both', async () => {
    const [ada, bob] = [await start(), await start()];
    const name = freshName();
    const first = ada.request(name);
    await first.became('granted');
    const none = bob.request(name, { ifAvailable: true });
    expect(await none.became('granted')).toMatchObject({ none: true });
    const second = bob.request(name);
    // Behind it in bob's session, so answered after it stands in line.
    const third = bob.request(name, { ifAvailable: true });
    await third.became('settled');
    const { held, pending } = await inLine(bob, name);
    expect([held.length, pending.length]).toEqual([1, 1]);
    expect(held[0]?.clientId).not.toBe(pending[0]?.clientId);
    expect(bob.heardOf(second)).toEqual([]);
    first.finish();
    await first.became('settled');
    expect(await second.token()).toBeGreaterThan(await first.token());
    second.finish();
    await second.became('settled');
  });

  it('are stolen by one from the other, which hears AbortError; who waited holds after the thief, with a larger token', async () => {
    const [ada, bob, eve] = [await start(), await start(), await start()];
    const name = freshName();
    const held = ada.request(name);
    await held.became('granted');
    const waiting = bob.request(name);
    await bob.request(name, { ifAvailable: true }).became('settled');
    const thief = eve.request(name, { steal: true });
    await thief.became('granted');
    expect(await held.became('rejected')).toMatchObject({ error: 'AbortError' });
    await held.became('told');
    expect(bob.heardOf(waiting)).toEqual([]);
    thief.finish();
    await thief.became('settled');
    await waiting.became('granted');
    const tokens = [await held.token(), await thief.token(), await waiting.token()];
    expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)));
    waiting.finish();
    await waiting.became('settled');
    expect(await inLine(eve, name)).toEqual({ held: [], pending: [] });
  });

  it('are shared, and stolen from all who share', async () => {
    const [ada, bob, eve] = [await start(), await start(), await start()];
    const name = freshName();
    const readers = [ada, bob].map((worker) => worker.request(name, { mode: 'shared' }));
    for (const reader of readers) await reader.became('granted');
    const { held } = await inLine(eve, name);
    expect(held).toHaveLength(2);
    const thief = eve.request(name, { steal: true });
    await thief.became('granted');
    for (const reader of readers)
      expect(await reader.became('rejected')).toMatchObject({ error: 'AbortError' });
    thief.finish();
    await thief.became('settled');
  });

  it('of a process that is killed, a thief too, go to the next with a larger token', async () => {
    const [ada, eve, bob] = [await start(), await start(), await start()];
    const name = freshName();
    await ada.request(name).became('granted');
    const thief = eve.request(name, { steal: true });
    const stolen = await thief.token();
    const waiting = bob.request(name);
    await eve.kill();
    expect(await waiting.token()).toBeGreaterThan(stolen);
    waiting.finish();
    await waiting.became('settled');
  });

  it('are stolen back and forth without two tokens that are the same, or a claim that stays', async () => {
    const [ada, bob] = [await start(), await start()];
    const name = freshName();
    const requests: Request[] = [];
    for (let round = 0; round < 10; round += 1)
      for (const worker of [ada, bob]) {
        const request = worker.request(name, { steal: true });
        await request.became('granted');
        requests.push(request);
      }
    const last = requests.pop();
    for (const robbed of requests) await robbed.became('rejected');
    const tokens = await Promise.all(requests.map((request) => request.token()));
    expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)));
    expect(new Set(tokens).size).toBe(requests.length);
    last?.finish();
    await last?.became('settled');
    expect(await inLine(ada, name)).toEqual({ held: [], pending: [] });
  });
});
