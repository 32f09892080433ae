/** In a page, `session.locks` does what the browser's own `navigator.locks` does. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../setup/chromium.mjs';
import { SENTENCES } from './web-lock-sentences.js';

interface Seen {
  readonly says: string;
  readonly browser: unknown;
  readonly ours: unknown;
}

let browser: Browser;
let server: Server;
const seen = new Map<string, Seen>();

/** The page's one script, of the built package as a page's bundler takes it. */
async function script(): Promise<string> {
  const entry = fileURLToPath(new URL('web-locks-page.ts', import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['browser', 'module', 'import'] },
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'page' } },
  });
  const result = Array.isArray(built) ? built[0] : built;
  if (result === undefined || !('output' in result)) throw new Error('vite built nothing');
  return result.output[0].code;
}

beforeAll(async () => {
  const code = await script();
  server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(
      `<!doctype html><meta charset="utf-8"><script>${code.replaceAll('</script', '<\\/script')}</script>`,
    );
  }).listen(0, '127.0.0.1');
  browser = await launchChromium();
  const page = await browser.newPage();
  // 127.0.0.1 is a secure context, which navigator.locks needs.
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  for (const each of await page.evaluate<Seen[]>('play()')) seen.set(each.says, each);
});
afterAll(async () => {
  await browser.close();
  server.close();
});

it.each(Object.keys(SENTENCES))('%s: theirs and ours', (says) => {
  const { browser: theirs, ours } = seen.get(says) ?? {};
  expect(theirs).toBeDefined();
  expect(ours).toEqual(theirs);
});
