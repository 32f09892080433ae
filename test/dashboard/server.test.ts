/** What the dashboard's server answers, over real sockets; its lines come from the embedded ZooKeeper, its time is stepped. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ContentionUnder } from '../../src/contention.js';
import { type Dashboard, type DashboardOptions, serveDashboard } from '../../src/dashboard/server.js';
import { readChange, readHello } from '../../src/dashboard/wire.js';
import { SteppingClock } from '../setup/stepping-clock.js';
import { VirtualEnsemble } from '../setup/virtual-ensemble.js';
import { line, picture } from './pictures.js';

const BATCH_MS = 30;
const PAGE = new URL('../../src/dashboard/page/', import.meta.url);

/** A dashboard on a clock of its own, fed by hand, and gone at the end of the test. */
class Served implements AsyncDisposable {
  readonly clock = new SteppingClock();
  readonly contention$ = new Subject<ContentionUnder>();
  readonly broken: unknown[] = [];
  dashboard!: Dashboard;

  static async start(options: Partial<DashboardOptions> = {}): Promise<Served> {
    const served = new Served();
    served.dashboard = await serveDashboard({
      root: '/locks',
      connectString: 'zk1:2181',
      contention$: served.contention$,
      readClaim: (path) => Promise.resolve(`data of ${path}`),
      clock: served.clock,
      page: PAGE,
      ...options,
    });
    return served;
  }

  /** Actions that only note what they were asked. */
  static allowing(note: unknown[]): Pick<DashboardOptions, 'actions'> {
    return {
      actions: {
        breakClaim: (asked) => {
          note.push(asked);
          return Promise.resolve();
        },
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dashboard.close();
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends exactly this path: a browser's `fetch` would tidy it up first. */
function begin(url: string, path: string, { method = 'GET', headers = {} }: Asked = {}): ClientRequest {
  const { hostname, port } = new URL(url);
  return request({ hostname: hostname.replace(/^\[|\]$/g, ''), port, path, method, headers, agent: false });
}

function ask(url: string, path: string, asked: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = begin(url, path, asked).on('error', reject);
    asking.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, body });
      });
    });
    asking.end(asked.body);
  });
}

interface Told {
  readonly event: string;
  readonly data: string;
}

/** A page's connection to `/events`. */
class Viewer {
  readonly response: IncomingMessage;
  /** Resolves when the connection is over. */
  readonly gone: Promise<void>;
  readonly #told: Told[] = [];
  readonly #awaited: ((told: Told) => void)[] = [];
  readonly #request: ClientRequest;
  #text = '';

  private constructor(asking: ClientRequest, response: IncomingMessage) {
    this.#request = asking;
    this.response = response;
    this.gone = new Promise((resolve) => response.once('close', resolve));
    response.on('error', () => undefined);
    response.setEncoding('utf8').on('data', (text: string) => {
      const blocks = (this.#text + text).split('\n\n');
      this.#text = blocks.pop() ?? '';
      for (const block of blocks) {
        const { event = 'message', data = '' } = Object.fromEntries(
          block
            .split('\n')
            .map((each) => [each.slice(0, each.indexOf(':')), each.slice(each.indexOf(':') + 2)]),
        ) as Partial<Told>;
        const next = this.#awaited.shift();
        if (next === undefined) this.#told.push({ event, data });
        else next({ event, data });
      }
    });
  }

  static open(url: string, path = '/events'): Promise<Viewer> {
    return new Promise((resolve, reject) => {
      const asking = begin(url, path).on('error', reject);
      asking.on('response', (response) => {
        asking.on('error', () => undefined);
        resolve(new Viewer(asking, response));
      });
      asking.end();
    });
  }

  /** The next thing that it is told. */
  next(): Promise<Told> {
    const told = this.#told.shift();
    return told === undefined ? new Promise((resolve) => this.#awaited.push(resolve)) : Promise.resolve(told);
  }

  async board() {
    const { event, data } = await this.next();
    expect(event).toBe('board');
    return readHello(data);
  }

  async change() {
    const { event, data } = await this.next();
    expect(event).toBe('change');
    return readChange(data);
  }

  leave(): void {
    this.#request.destroy();
  }
}

const owners = (lines: ContentionUnder['lines'], path: string) =>
  lines.get(path)?.contenders.map(({ owner }) => owner);

describe('a viewer', () => {
  it('is told the whole board at first, and then the changes of 30 ms at once', async () => {
    await using served = await Served.start();
    served.contention$.next(picture(1, [line('/locks/a', ['anna']), line('/locks/b', ['ben'])]));
    await served.clock.advance(BATCH_MS);
    const viewer = await Viewer.open(served.dashboard.url);
    const { board, ...hello } = await viewer.board();
    expect([...board.cards.keys()]).toEqual(['/locks/a', '/locks/b']);
    expect(hello).toEqual({
      connectString: 'zk1:2181',
      allowBreak: false,
      allowRevoke: false,
      nowMs: served.clock.wallNow(),
    });
    served.contention$.next(picture(2, [line('/locks/a', ['anna', 'carl'])]));
    served.contention$.next(picture(3, ['/locks/b']));
    served.contention$.next(picture(4, [line('/locks/a', ['carl'])]));
    await served.clock.advance(BATCH_MS);
    const { lines, changed, asOf } = await viewer.change();
    expect(asOf).toBe(4);
    expect([...changed].sort()).toEqual(['/locks/a', '/locks/b']);
    expect(owners(lines, '/locks/a')).toEqual(['carl']);
    expect(lines.has('/locks/b')).toBe(false);
  });

  it('that comes again gets everything again', async () => {
    await using served = await Served.start();
    served.contention$.next(picture(1, [line('/locks/a', ['anna'])]));
    const first = await Viewer.open(served.dashboard.url);
    await first.board();
    first.leave();
    served.contention$.next(picture(2, [line('/locks/a', ['ben'])]));
    await served.clock.advance(BATCH_MS);
    const second = await Viewer.open(served.dashboard.url);
    const { board } = await second.board();
    expect(board.cards.get('/locks/a')?.spans.map(({ who }) => who)).toEqual(['anna', 'ben']);
  });

  it('hears a beat while nothing changes', async () => {
    await using served = await Served.start();
    const viewer = await Viewer.open(served.dashboard.url);
    await viewer.board();
    await served.clock.advance(15_000);
    expect((await viewer.next()).event).toBe('beat');
  });

  it('is told when ZooKeeper is not heard, and when its stream has ended', async () => {
    await using served = await Served.start();
    served.contention$.next(picture(1, [line('/locks/a', ['anna'])]));
    await served.clock.advance(BATCH_MS);
    const viewer = await Viewer.open(served.dashboard.url);
    expect((await viewer.board()).board.freshness).toBe('live');
    served.contention$.next(picture(2, [line('/locks/a', ['anna'])], 'stale'));
    await served.clock.advance(BATCH_MS);
    expect(await viewer.change()).toMatchObject({ freshness: 'stale', changed: [] });
    served.contention$.next(picture(3, [line('/locks/a', ['ben'])]));
    await served.clock.advance(BATCH_MS);
    expect(await viewer.change()).toMatchObject({ freshness: 'live', changed: ['/locks/a'] });
    served.contention$.error(new Error('not allowed any more'));
    await served.clock.advance(BATCH_MS);
    expect(await viewer.change()).toMatchObject({ freshness: 'stale' });
  });

  it('gets a board once, however large it is', async () => {
    await using served = await Served.start();
    const many = Array.from({ length: 2_000 }, (_, index) =>
      line(`/locks/${index}`, ['anna', 'ben', 'carl']),
    );
    served.contention$.next(picture(1, many));
    await served.clock.advance(BATCH_MS);
    const viewer = await Viewer.open(served.dashboard.url);
    expect((await viewer.board()).board.cards.size).toBe(2_000);
    served.contention$.next(picture(2, [line('/locks/0', ['ben'])]));
    await served.clock.advance(BATCH_MS);
    expect((await viewer.change()).changed).toEqual(['/locks/0']);
  });

  it('that does not read is told nothing meanwhile, and gets the whole board when it has caught up', async () => {
    await using served = await Served.start();
    const viewer = await Viewer.open(served.dashboard.url);
    await viewer.board();
    viewer.response.pause();
    const rounds = 100;
    // More than the kernel and our allowance hold together.
    const fat = 'x'.repeat(500_000);
    for (let round = 1; round <= rounds; round += 1) {
      served.contention$.next(picture(round, [line('/locks/a', [`owner-${round}`], () => ({ label: fat }))]));
      await served.clock.advance(BATCH_MS);
    }
    viewer.response.resume();
    let changes = 0;
    let told = await viewer.next();
    while (told.event === 'change') {
      changes += 1;
      told = await viewer.next();
    }
    expect(changes).toBeLessThan(rounds);
    const { board } = readHello(told.data);
    expect(board.cards.get('/locks/a')?.line.holder?.owner).toBe(`owner-${rounds}`);
    served.contention$.next(picture(rounds + 1, [line('/locks/a', ['anna'])]));
    await served.clock.advance(BATCH_MS);
    expect(owners((await viewer.change()).lines, '/locks/a')).toEqual(['anna']);
  });

  it('of the records is told those from before, and then each as it comes', async () => {
    const records$ = new Subject<object>();
    await using served = await Served.start({ records$ });
    const viewer = await Viewer.open(served.dashboard.url, '/records');
    records$.next({ kind: 'stopped', actor: '1', at: 5 });
    expect(JSON.parse((await viewer.next()).data)).toEqual({ kind: 'stopped', actor: '1', at: 5 });
    viewer.leave();
    await viewer.gone;
  });

  it('sees the end when the dashboard is closed, which does not wait for it', async () => {
    const served = await Served.start();
    const viewers = [
      await Viewer.open(served.dashboard.url),
      await Viewer.open(served.dashboard.url, '/records'),
    ];
    await served.dashboard.close();
    await Promise.all(viewers.map(({ gone }) => gone));
    expect(served.contention$.observed).toBe(false);
    expect(served.clock.pendingCount).toBe(0);
  });
});

describe('over the embedded ZooKeeper', () => {
  it('a hand-over is on the wire', async () => {
    await using ensemble = await VirtualEnsemble.start();
    const lease = await ensemble.held('/locks/a', { owner: 'anna' });
    const waiting = ensemble.lock('/locks/a', { owner: 'ben' }).acquire();
    // Should the test fail before it is his turn.
    waiting.catch(() => undefined);
    const session = ensemble.session();
    const dashboard = await serveDashboard({
      root: '/locks',
      connectString: 'embedded',
      contention$: session.contentionUnder('/locks'),
      readClaim: (claim) => session.readClaim(claim),
      actions: {
        breakClaim: async ({ claim, ...request }) => {
          await session.breakClaim(claim, request);
        },
      },
      clock: ensemble.clock,
      page: PAGE,
    });
    try {
      await ensemble.clock.advance(1_000);
      const viewer = await Viewer.open(dashboard.url);
      const { board } = await viewer.board();
      expect(board.cards.get('/locks/a')?.line.contenders.map(({ owner }) => owner)).toEqual(['anna', 'ben']);
      const data = await ask(dashboard.url, `/claim?path=${encodeURIComponent(lease.claimPath)}`);
      expect(JSON.parse(data.body)).toEqual({
        path: lease.claimPath,
        data: expect.stringContaining('"owner_id":"anna"') as string,
      });
      const broken = await ask(dashboard.url, '/break', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ claim: lease.claimPath, by: 'olga', why: 'it hangs' }),
      });
      expect(broken.status).toBe(204);
      await ensemble.until(waiting);
      await ensemble.clock.advance(100);
      const { lines } = await viewer.change();
      expect(owners(lines, '/locks/a')).toEqual(['ben']);
      expect(ensemble.claims('/holdfast/audit')).toHaveLength(1);
    } finally {
      await dashboard.close();
    }
  });
});

describe('who may look', () => {
  const TOKEN = 'a secret of 24 letters !';

  it('is everybody on this machine, unless there is a token', async () => {
    await using served = await Served.start();
    expect((await ask(served.dashboard.url, '/')).status).toBe(200);
  });

  it('is who brings the token, and then the cookie', async () => {
    await using served = await Served.start({ token: TOKEN });
    const { url } = served.dashboard;
    expect(new URL(url).searchParams.get('token')).toBe(TOKEN);
    for (const path of ['/', '/events', '/records', '/claim', '/page.js', '/?token=wrong'])
      expect((await ask(url, path)).status, path).toBe(401);
    const first = await ask(url, `/?token=${encodeURIComponent(TOKEN)}`);
    expect(first.status).toBe(200);
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    const again = await ask(url, '/', { headers: { cookie: `other=1; ${cookie.split(';')[0] ?? ''}` } });
    expect(again.status).toBe(200);
    expect(again.headers['set-cookie']).toBeUndefined();
    for (const wrong of ['holdfast=wrong', 'holdfast=%E0%A4%A', 'holdfast='])
      expect((await ask(url, '/', { headers: { cookie: wrong } })).status, wrong).toBe(401);
  });

  it.each([
    ['0.0.0.0', undefined],
    ['::', 'too short'],
    ['example.org', undefined],
  ])('is not decided for %s with the token %s: that is refused at the start', async (host, token) => {
    await expect(Served.start({ host, ...(token === undefined ? {} : { token }) })).rejects.toThrow(
      `host is ${JSON.stringify(host)}, which others can reach: give a token of at least 16 characters`,
    );
  });

  it('is nobody who asks by a name that is not ours, as a page does whose name was made to point here', async () => {
    await using served = await Served.start();
    const { url } = served.dashboard;
    for (const host of [
      'evil.example',
      'evil.example:80',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
    ])
      expect((await ask(url, '/events', { headers: { host } })).status, host).toBe(403);
    for (const host of ['localhost', '127.0.0.1:9', '[::1]:9'])
      expect((await ask(url, '/', { headers: { host } })).status, host).toBe(200);
  });
});

describe('what it gives', () => {
  it('is a page that loads nothing from outside and stands in no frame', async () => {
    await using served = await Served.start();
    const { headers, body } = await ask(served.dashboard.url, '/');
    expect(body).toContain('<div id="dashboard">');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
  });

  it.each([
    '/../server.ts',
    '/page.css/../../board.ts',
    '/%2e%2e/server.ts',
    '/..%2fserver.ts',
    '/page.tsx',
    '/styles.d.ts',
    '/etc/passwd',
    '/index.html',
    '/page.js%00',
    '//evil.example/page.css/x',
  ])('is not %s', async (path) => {
    await using served = await Served.start();
    expect((await ask(served.dashboard.url, path)).status).toBe(404);
  });

  it('is bad request for an address that is none', async () => {
    await using served = await Served.start();
    expect((await ask(served.dashboard.url, '//')).status).toBe(400);
  });

  it('is the data of claims that are shown, and of no other znode', async () => {
    await using served = await Served.start();
    served.contention$.next(picture(1, [line('/locks/a', ['anna'])]));
    const { url } = served.dashboard;
    expect((await ask(url, '/claim?path=/locks/a/lock-anna')).body).toBe(
      JSON.stringify({ path: '/locks/a/lock-anna', data: 'data of /locks/a/lock-anna' }),
    );
    for (const path of ['/locks/a', '/locks/a/other', '/secret', ''])
      expect((await ask(url, `/claim?path=${path}`)).status, path).toBe(404);
  });

  it('is the reason when a claim cannot be read', async () => {
    await using served = await Served.start({ readClaim: () => Promise.reject(new Error('NoAuth at it')) });
    served.contention$.next(picture(1, [line('/locks/a', ['anna'])]));
    const { status, body } = await ask(served.dashboard.url, '/claim?path=/locks/a/lock-anna');
    expect([status, body]).toEqual([500, 'NoAuth at it']);
  });
});

describe('breaking a claim', () => {
  const claim = '/locks/a/lock-anna';
  const post = (url: string, path: string, body: unknown, type = 'application/json') =>
    ask(url, path, {
      method: 'POST',
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  it('is refused unless it was allowed at the start', async () => {
    await using served = await Served.start();
    served.contention$.next(picture(1, [line('/locks/a', ['anna'])]));
    for (const path of ['/break', '/revoke']) {
      const { status, body } = await post(served.dashboard.url, path, { claim, by: 'olga' });
      expect([path, status]).toEqual([path, 403]);
      expect(body).toContain('--allow-break');
    }
  });

  it('is done for who says who they are, and why', async () => {
    const note: unknown[] = [];
    await using served = await Served.start(Served.allowing(note));
    served.contention$.next(picture(1, [line('/locks/a', ['anna'])]));
    const { url } = served.dashboard;
    expect((await post(url, '/break', { claim, by: ' olga ', why: 'it hangs' })).status).toBe(204);
    expect((await post(url, '/break', { claim, by: 'olga', why: 7 })).status).toBe(204);
    expect(note).toEqual([
      { claim, by: 'olga', why: 'it hangs' },
      { claim, by: 'olga', why: '' },
    ]);
    const viewer = await Viewer.open(url);
    expect(await viewer.board()).toMatchObject({ allowBreak: true, allowRevoke: false });
  });

  it.each([
    ['a form', '/break', 'claim=/locks/a/lock-anna', 'application/x-www-form-urlencoded', 415],
    ['plain text', '/break', { claim, by: 'olga' }, 'text/plain', 415],
    ['no JSON', '/break', '{', 'application/json', 400],
    ['null', '/break', 'null', 'application/json', 400],
    ['a long story', '/break', { claim, by: 'olga', why: 'x'.repeat(5_000) }, 'application/json', 400],
    ['nobody', '/break', { claim, by: ' ' }, 'application/json', 400],
    ['no name', '/break', { claim }, 'application/json', 400],
    ['no claim', '/break', { by: 'olga' }, 'application/json', 404],
    ['a claim that is not shown', '/break', { claim: '/locks/a', by: 'olga' }, 'application/json', 404],
    ['what cannot be done', '/revoke', { claim, by: 'olga' }, 'application/json', 404],
    ['what is nothing', '/destroy', { claim, by: 'olga' }, 'application/json', 404],
    ['what is everything', '/constructor', { claim, by: 'olga' }, 'application/json', 404],
  ])('is refused for %s', async (_, path, body, type, status) => {
    const note: unknown[] = [];
    await using served = await Served.start(Served.allowing(note));
    served.contention$.next(picture(1, [line('/locks/a', ['anna'])]));
    expect((await post(served.dashboard.url, path, body, type)).status).toBe(status);
    expect(note).toEqual([]);
  });

  it('or asking for it is done as the page asked, and said to be possible where it is', async () => {
    const broken: unknown[] = [];
    const revoked: unknown[] = [];
    const noting = (note: unknown[]) => (asked: unknown) => {
      note.push(asked);
      return Promise.resolve();
    };
    await using served = await Served.start({
      actions: { breakClaim: noting(broken), revokeClaim: noting(revoked) },
    });
    served.contention$.next(picture(1, [line('/locks/a', ['anna'])]));
    const { url } = served.dashboard;
    expect((await post(url, '/revoke', { claim, by: ' olga ', why: 'it is noon' })).status).toBe(204);
    expect((await post(url, '/revoke', { claim, by: '' })).status).toBe(400);
    expect((await post(url, '/revoke', { claim: '/locks/b/lock-ben', by: 'olga' })).status).toBe(404);
    expect([broken, revoked]).toEqual([[], [{ claim, by: 'olga', why: 'it is noon' }]]);
    expect(await (await Viewer.open(url)).board()).toMatchObject({ allowBreak: true, allowRevoke: true });
  });

  it('tells why it could not be', async () => {
    const actions = { breakClaim: () => Promise.reject(new Error('it changed in that moment')) };
    await using served = await Served.start({ actions });
    served.contention$.next(picture(1, [line('/locks/a', ['anna'])]));
    const { status, body } = await post(served.dashboard.url, '/break', { claim, by: 'olga' });
    expect([status, body]).toEqual([500, 'it changed in that moment']);
  });

  it('is asked by POST and nothing else', async () => {
    await using served = await Served.start(Served.allowing([]));
    for (const method of ['PUT', 'DELETE', 'OPTIONS'])
      expect((await ask(served.dashboard.url, '/break', { method })).status, method).toBe(405);
    expect((await ask(served.dashboard.url, '/break')).status).toBe(404);
  });
});
