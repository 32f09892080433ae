/** The dashboard as somebody under pressure meets it: the built page in a real browser, real processes behind it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Session } from '../../src/index.js';
import { holder, observer } from '../cli/observer.js';
import { stage } from '../cli/stage.js';
import { contend, dashboardOn, pages, printed, row, show } from './shown.js';

const open = pages();

const list = (page: Page) => page.getByRole('list', { name: 'Locks, those in trouble first' });
const freshness = (page: Page) => page.getByRole('status');

const PHONE = { width: 390, height: 844 };
/** What the page takes: more than the window has means that it must be scrolled sideways. */
const widthOf = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth);

describe('the page', () => {
  it('is built for its readers, whoever built it: without what React tells developers', async () => {
    const script = fileURLToPath(new URL('../../dist/src/dashboard/page/page.js', import.meta.url));
    expect(await readFile(script, 'utf8')).not.toContain('Each child in a list should have a unique');
  });
});

describe('the demo', () => {
  it('shows holders, the hand-over after kill -9 of one, and its statechart; then ends in peace', async () => {
    const on = await stage();
    const demo = on.holdfast(['demo']);
    const connectString = printed(demo, /holdfast demo: (127\.0\.0\.1:\d+)/);
    const page = await open(await printed(demo, /holdfast dashboard: (\S+)\n/));
    await row(page, /^\/locks\/\w+: held by \w+/)
      .first()
      .waitFor();
    const session = observer(await connectString);
    const { path, owner } = await killHolder(session);
    // Nobody in the demo holds for a second.
    await row(page, new RegExp(`^${path}: held by ${owner} for [1-9]\\.\\d s`)).waitFor();
    await row(page, new RegExp(`^${path}: held by (?!${owner})`)).click();
    await page.getByRole('heading', { name: path }).waitFor();
    await page.getByRole('img', { name: /^Statechart of lock, now in / }).waitFor();
    await page.getByRole('img', { name: /^Holders, latest last: .*\w+ for / }).waitFor();
    await page.setViewportSize(PHONE);
    expect(await widthOf(page)).toBeLessThanOrEqual(PHONE.width);
    demo.child.kill('SIGINT');
    const { code, stdout } = await demo.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('no claim left');
    await freshness(page).filter({ hasText: 'not connected' }).waitFor();
  });
});

/** Kills a process of the demo that stands in a line, which it will leave only when its session is over. */
async function killHolder(session: Session): Promise<{ path: string; owner: string }> {
  for (;;) {
    const { owner, pid } = await holder(session, '/locks/orders');
    if (pid === undefined || owner === undefined) throw new Error('the demo says who it is');
    // It may be about to leave: stopped, it stays where it is.
    process.kill(pid, 'SIGSTOP');
    const lines = await session.linesUnder('/locks');
    const line = lines.find(({ contenders }) => contenders.some((each) => each.pid === pid));
    if (line !== undefined) {
      process.kill(pid, 'SIGKILL');
      return { path: line.path, owner };
    }
    process.kill(pid, 'SIGCONT');
  }
}

describe('what it shows', () => {
  it('is said to be old when ZooKeeper goes, and stays to be read', async () => {
    const shown = await show();
    await contend(shown.session, '/locks/orders', 'anna');
    const page = await open(await dashboardOn(shown));
    await row(page, /^\/locks\/orders: held by anna/).waitFor();
    await freshness(page)
      .filter({ hasText: /^live$/ })
      .waitFor();
    shown.zookeeper.child.kill('SIGKILL');
    await freshness(page)
      .filter({ hasText: /^not connected: as of .+ ago$/ })
      .waitFor();
    await row(page, /^\/locks\/orders: held by anna/).waitFor();
  });

  it('is said to be old when the dashboard goes, and is whole again by itself when it is back', async () => {
    const shown = await show();
    await contend(shown.session, '/locks/orders', 'anna');
    const first = shown.on.holdfast(['dashboard', '--connect', shown.connectString]);
    const url = await printed(first, /dashboard on (\S+)\n/);
    const page = await open(url);
    await freshness(page)
      .filter({ hasText: /^live$/ })
      .waitFor();
    first.child.kill('SIGKILL');
    await freshness(page)
      .filter({ hasText: /^not connected/ })
      .waitFor();
    await contend(shown.session, '/locks/billing', 'ben');
    await dashboardOn(shown, '--port', new URL(url).port);
    await freshness(page)
      .filter({ hasText: /^live$/ })
      .waitFor();
    await row(page, /^\/locks\/billing: held by ben/).waitFor();
  });
});

describe('without a mouse', () => {
  it('/ searches, arrows move, Enter opens, Escape returns to where one was', async () => {
    const shown = await show();
    for (const path of ['/locks/billing', '/locks/orders', '/locks/other'])
      await contend(shown.session, path, 'anna');
    const page = await open(await dashboardOn(shown));
    await list(page).getByRole('button').nth(2).waitFor();
    await page.keyboard.press('/');
    await page
      .getByRole('searchbox', { name: 'Search locks and owners' })
      .and(page.locator(':focus'))
      .waitFor();
    await page.keyboard.type('or');
    await list(page).getByRole('button').nth(1).waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await list(page).getByRole('button').nth(2).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    const focused = page.locator(':focus');
    expect(await focused.getAttribute('aria-label')).toMatch(/^\/locks\/orders: held by anna/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '/locks/orders' }).waitFor();
    await page.keyboard.press('Escape');
    await row(page, /^\/locks\/orders/)
      .and(page.locator(':focus'))
      .waitFor();
  });
});

describe('on a phone', () => {
  it('needs no scrolling sideways, on the list, on a lock, and with its data open', async () => {
    const shown = await show();
    const path = '/locks/a/rather/deep/path/with-a-long-name-that-does-not-fit';
    for (let each = 0; each < 12; each += 1)
      await contend(shown.session, path, `a-worker-with-a-long-name-${each}`);
    const page = await open(await dashboardOn(shown, '--allow-break'), PHONE);
    await row(page, /held by a-worker-with-a-long-name-0/).waitFor();
    expect(await widthOf(page)).toBeLessThanOrEqual(PHONE.width);
    await row(page, /held by a-worker-with-a-long-name-0/).click();
    await page.getByRole('heading', { name: path }).waitFor();
    expect(await widthOf(page)).toBeLessThanOrEqual(PHONE.width);
    await page.getByRole('button', { name: 'Data' }).first().click();
    await page.getByText('"owner_id":"a-worker').waitFor();
    await page.getByRole('button', { name: 'Break' }).first().click();
    await page.getByRole('form').waitFor();
    expect(await widthOf(page)).toBeLessThanOrEqual(PHONE.width);
  });
});

describe('a recorded trace', () => {
  it('tells why the lock was lost, and how it came to that, step by step', async () => {
    const shown = await show();
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-trace-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'trace.jsonl');
    const run = ['run', '/locks/traced', '--connect', shown.connectString, '--trace', file, '--'];
    const running = shown.on.holdfast([...run, ...shown.on.watched()]);
    const { claimPath } = await shown.on.witness();
    await shown.session.breakClaim(claimPath, { by: 'olga' });
    await running.ended;
    const page = await open(`${await dashboardOn(shown)}#trace`);
    await page.getByLabel(/^Trace file/).setInputFiles(file);
    await page.getByText(/lost: node-deleted/).waitFor();
    const slider = page.getByRole('slider', { name: 'Step' });
    const chart = (state: RegExp) => page.getByRole('img', { name: state }).waitFor();
    await chart(/^Statechart of lock, now in expired/);
    await slider.press('Home');
    await chart(/^Statechart of lock, now in idle$/);
    expect(await slider.getAttribute('aria-valuetext')).toMatch(/^step 1 of \d+: /);
    await page.getByRole('button', { name: 'On', exact: true }).click();
    await chart(/^Statechart of lock, now in creatingNode/);
    await page.getByRole('button', { name: 'Follow' }).click();
    await page.getByRole('button', { name: 'Follow', pressed: true }).waitFor();
    await chart(/^Statechart of lock, now in expired/);
  });

  it('that is none is said to be none', async () => {
    const shown = await show();
    const page = await open(`${await dashboardOn(shown)}#trace`);
    await page.getByLabel(/^Trace file/).setInputFiles({
      name: 'notes.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('buy milk'),
    });
    await page.getByRole('alert').filter({ hasText: 'line 1 of the trace is not JSON' }).waitFor();
  });
});
