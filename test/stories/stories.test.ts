/** Every story as a visitor meets it: the built pages in a real browser, what each story plays, and what axe says of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { extname, join } from 'node:path';
import { env, execPath } from 'node:process';
import { createInterface } from 'node:readline';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { builtStories } from '../../stories/storybook.mjs';
import { launchChromium } from '../setup/chromium.mjs';
import { freePorts } from '../setup/zookeeper-process.js';

const { entries } = JSON.parse(readFileSync(join(builtStories, 'index.json'), 'utf8')) as {
  entries: Record<string, { id: string; title: string; name: string }>;
};
const stories = Object.values(entries);

const CONTENT: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Serves the pages on a free port of this machine. */
async function serve(): Promise<Server> {
  const server = createServer(({ url = '/' }, response) => {
    const path = new URL(url, 'http://127.0.0.1').pathname;
    try {
      const body = readFileSync(join(builtStories, path === '/' ? 'index.html' : path));
      const type = CONTENT[extname(path)] ?? 'text/html';
      // Kept by the browser, and compiled once for all stories.
      response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=3600' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return server;
}

let server: Server;
let browser: Browser;
let address: string;
beforeAll(async () => {
  server = await serve();
  const where = server.address();
  if (where === null || typeof where === 'string') throw new Error('it listens on a port');
  address = `http://127.0.0.1:${where.port}`;
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => server.close(resolve));
});

interface Look {
  readonly colorScheme: 'light' | 'dark';
  readonly viewport: { readonly width: number; readonly height: number };
}
const DESK: Look = { colorScheme: 'light', viewport: { width: 1280, height: 900 } };
const PHONE: Look = { colorScheme: 'dark', viewport: { width: 390, height: 844 } };

/** A page of its own, which may ask nobody but our server, and in which nothing may go wrong. */
async function open(visitor: BrowserContext, url: string, { onTestFinished }: TestContext): Promise<Page> {
  const page = await visitor.newPage();
  const asked: string[] = [];
  const troubles: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => troubles.push(error.message));
  onTestFinished(async () => {
    await page.close();
    expect(asked.filter((each) => !each.startsWith(`${address}/`) && !each.startsWith('data:'))).toEqual([]);
    expect(troubles).toEqual([]);
  });
  // Before the page's own scripts: Storybook's channel is heard from its first word on.
  await page.addInitScript(listenForEnd);
  await page.goto(`${address}${url}`);
  return page;
}

/** How a story ended, as Storybook tells on its channel. */
interface End {
  readonly event: string;
  readonly status?: string;
  readonly message?: string;
  readonly violations: readonly string[];
  /** Whether axe was asked. */
  readonly checked: boolean;
}

/** Runs in the page. */
function listenForEnd(): void {
  interface Told {
    readonly status?: string;
    readonly message?: string;
    readonly reporters?: readonly {
      readonly type: string;
      readonly result?: {
        readonly violations?: readonly {
          readonly id: string;
          readonly help: string;
          readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
        }[];
      };
    }[];
  }
  interface Channel {
    on(event: string, listener: (told: Told | string) => void): void;
  }
  const events = [
    'storyFinished',
    'storyMissing',
    'storyErrored',
    'storyThrewException',
    'playFunctionThrewException',
  ];
  let channel: Channel | undefined;
  const ended = new Promise<End>((resolve) => {
    const hear = (event: string) => (told: Told | string) => {
      if (typeof told === 'string') {
        resolve({ event, message: told, violations: [], checked: false });
        return;
      }
      const report = told.reporters?.find(({ type }) => type === 'a11y');
      const violations = (report?.result?.violations ?? []).flatMap(({ id, help, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html}: ${failureSummary ?? ''}`),
      );
      const { status, message } = told;
      resolve({
        event,
        violations,
        checked: report !== undefined,
        ...(status === undefined ? {} : { status }),
        ...(message === undefined ? {} : { message }),
      });
    };
    Object.defineProperty(globalThis, '__STORYBOOK_ADDONS_CHANNEL__', {
      configurable: true,
      get: () => channel,
      set: (given: Channel) => {
        channel = given;
        for (const event of events) given.on(event, hear(event));
      },
    });
  });
  Object.assign(globalThis, { ended });
}

const widthOf = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth);

describe.each([
  ['on a desk, light', DESK],
  ['on a phone, dark', PHONE],
])('%s', (_, look) => {
  let visitor: BrowserContext;
  beforeAll(async () => {
    visitor = await browser.newContext(look);
  });

  it.concurrent.for(stories)(
    '$title: $name plays to its end, can be used by everybody, and fits',
    async ({ id }, context) => {
      const page = await open(visitor, `/iframe.html?id=${id}&viewMode=story`, context);
      const end = await page.evaluate(() => (globalThis as unknown as { ended: Promise<End> }).ended);
      const folder = env['HOLDFAST_STORY_PICTURES'];
      if (folder !== undefined)
        await page.screenshot({ path: join(folder, `${id}-${look.colorScheme}.png`), fullPage: true });
      expect(end).toEqual({ event: 'storyFinished', status: 'success', violations: [], checked: true });
      expect(await widthOf(page)).toBeLessThanOrEqual(look.viewport.width);
    },
  );
});

describe('the pages around them', () => {
  it('ask nobody else, and lead to every story', async (context) => {
    const page = await open(await browser.newContext(DESK), '/', context);
    for (const title of new Set(stories.map((story) => story.title)))
      await page.getByRole('button', { name: title, exact: true }).first().waitFor();
  });
});

describe('npm run storybook', () => {
  it('shows a story while it is worked on', async (context) => {
    const [port = 0] = await freePorts(1);
    const command = join(import.meta.dirname, '../../stories/storybook.mjs');
    const storybook = spawn(execPath, [command, 'dev', `--port=${port}`, '--exact-port', '--ci'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(storybook, 'exit');
    context.onTestFinished(async () => {
      storybook.kill();
      await ended;
    });
    for await (const line of createInterface(storybook.stdout)) if (line.includes('Storybook ready')) break;
    address = `http://127.0.0.1:${port}`;
    const page = await open(
      await browser.newContext(DESK),
      '/iframe.html?id=live--idle&viewMode=story',
      context,
    );
    const end = await page.evaluate(() => (globalThis as unknown as { ended: Promise<End> }).ended);
    expect(end).toMatchObject({ event: 'storyFinished', status: 'success' });
  });
});
