// @ts-check
/** The README's pictures, in docs/images: `npm run screenshots` makes them anew. Look at each before it is committed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process, { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { ensureBuilt, root } from '../../src/cli/bootstrap.mjs';
import { launchChromium } from '../setup/chromium.mjs';

const WIDTH = 1200;
/** So that the charts have something to show. */
const SEEN_HAND_OVERS = 60;

await ensureBuilt();
const folder = join(root, 'docs/images');
mkdirSync(folder, { recursive: true });
const demo = spawn(execPath, [join(root, 'dist/src/cli/main.js'), 'demo'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await launchChromium();
try {
  const lines = createInterface({ input: demo.stdout });
  /** @type {string} */
  const url = await new Promise((resolve) => {
    lines.on('line', (line) => {
      const address = /^holdfast dashboard: (\S+)$/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
  });
  const context = await browser.newContext({
    viewport: { width: WIDTH, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.goto(`${url}#/locks/orders`);
  await page.getByText('hand-overs seen').locator('..').getByText(String(SEEN_HAND_OVERS)).waitFor();
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ colorScheme });
    for (const [name, hash, height] of /** @type {const} */ ([
      ['locks', '', 390],
      ['lock', '/locks/orders', 860],
    ])) {
      await page.setViewportSize({ width: WIDTH, height });
      await page.goto(`${url}#${hash}`);
      await page.getByText(name === 'lock' ? /^Held by/ : /3 locks, [12] waiting/).waitFor();
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
    }
  }
} finally {
  await browser.close();
  demo.kill('SIGINT');
  await once(demo, 'exit');
}
process.stdout.write(`look at the pictures in ${folder}\n`);
