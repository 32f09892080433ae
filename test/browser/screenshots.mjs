// @ts-check
/**
 * The README's pictures, in docs/images: `npm run screenshots` makes them anew, and the tests make them in a folder of their own. Look
 * at each before it is committed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process, { argv, execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { filter, firstValueFrom } from 'rxjs';
import { ensureBuilt, root } from '../../src/cli/bootstrap.mjs';
import { launchChromium } from '../setup/chromium.mjs';

const WIDTH = 1200;
/** So that the charts have something to show. */
const SEEN_HAND_OVERS = /^([6-9]\d|\d{3,})$/;
/** Who ends the show: each holds a lock, until every worker waits in a line and nothing moves any more. */
const HOLDERS = /** @type {const} */ ({
  '/locks/orders': 'margaret',
  '/locks/billing': 'hedy',
  '/locks/reports': 'katherine',
});
const FIRST = '/locks/orders';
const WORKERS = 4;
/** Sixty hand-overs take ten seconds, and more on a busy machine. */
const PATIENCE_MS = 100_000;

await ensureBuilt();
const { connect } = await import('../../dist/src/index.js');
/** @type {ReturnType<typeof connect> | undefined} */
let session;
const [, , folder = join(root, 'docs/images')] = argv;
mkdirSync(folder, { recursive: true });
const demo = spawn(execPath, [join(root, 'dist/src/cli/main.js'), 'demo'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await launchChromium();
try {
  /** @type {{ target: string, url: string }} */
  const { target, url } = await new Promise((resolve) => {
    let target = '';
    createInterface({ input: demo.stdout }).on('line', (line) => {
      target = /^holdfast demo: (\S+)/.exec(line)?.[1] ?? target;
      const url = /^holdfast dashboard: (\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve({ target, url });
    });
  });
  const context = await browser.newContext({
    viewport: { width: WIDTH, height: 900 },
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  await page.goto(`${url}#${FIRST}`);
  await page.getByText('hand-overs seen').locator('..').getByText(SEEN_HAND_OVERS).waitFor();
  await standStill(target);
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ colorScheme });
    for (const [name, hash, height] of /** @type {const} */ ([
      ['locks', '', 390],
      ['lock', FIRST, 860],
    ])) {
      await page.setViewportSize({ width: WIDTH, height });
      await page.goto(`${url}#${hash}`);
      await page.getByText(name === 'lock' ? /^Held by margaret/ : `3 locks, ${WORKERS} waiting`).waitFor();
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
    }
  }
} finally {
  await browser.close();
  await session?.close();
  demo.kill('SIGINT');
  await once(demo, 'exit');
}
process.stdout.write(`look at the pictures in ${folder}\n`);

/**
 * Holds every lock. The first alone until two wait for it: its page shows a line.
 * @param {string} target
 */
async function standStill(target) {
  session = connect(target);
  for (const [path, owner] of Object.entries(HOLDERS)) {
    await session.lock(path, { owner }).acquire();
    if (path === FIRST)
      await firstValueFrom(session.contention(path).pipe(filter(({ contenders }) => contenders.length > 2)));
  }
  await firstValueFrom(
    session
      .contentionUnder('/locks')
      .pipe(
        filter(
          ({ lines }) =>
            [...lines.values()].reduce((sum, { contenders }) => sum + contenders.length, 0) ===
            WORKERS + Object.keys(HOLDERS).length,
        ),
      ),
  );
}
