/** What the tests of the dashboard share: pages of a real browser, and processes to look at. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import type { Ownership, Session } from '../../src/index.js';
import { observer } from '../cli/observer.js';
import { type Running, type Stage, stage } from '../cli/stage.js';
import { launchChromium } from '../setup/chromium.mjs';

/** Long for a page, short for a test: a machine with much to do. */
const PATIENCE_MS = 30_000;

type OpenPage = (url: string, size?: { width: number; height: number }) => Promise<Page>;

/** Opens pages in one browser, which is there for the tests of the file that asks. */
export function pages(): OpenPage {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  return (url, size = { width: 1280, height: 900 }) => open(browser, url, size);
}

/** What `running` prints that matches. Rejects when it ends without. */
export function printed({ child, ended }: Running, words: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (more: string) => {
      text += more;
      const found = words.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(({ stderr }) => reject(new Error(`it ended before it said ${String(words)}: ${stderr}`)));
  });
}

/** A page of its own, which may ask nobody but this machine. */
async function open(browser: Browser, url: string, size: { width: number; height: number }): Promise<Page> {
  const context = await browser.newContext({ viewport: size });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const asked: string[] = [];
  const troubles: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => troubles.push(error.message));
  onTestFinished(async () => {
    await context.close();
    const outside = asked.filter((each) => !/^(http:\/\/127\.0\.0\.1:\d+\/|data:,)/.test(each));
    expect(outside).toEqual([]);
    expect(troubles).toEqual([]);
  });
  await page.goto(url);
  return page;
}

/** The button that opens this lock, by what a screen reader says of it. */
export const row = (page: Page, words: RegExp) => page.getByRole('button', { name: words });

export interface Show {
  readonly on: Stage;
  readonly zookeeper: Running;
  readonly connectString: string;
  readonly session: Session;
}

/** An in-memory ZooKeeper in a process of its own. */
export async function show(): Promise<Show> {
  const on = await stage();
  const zookeeper = on.holdfast(['server', '--port', '0']);
  const connectString = await printed(zookeeper, /on (127\.0\.0\.1:\d+)\n/);
  return { on, zookeeper, connectString, session: observer(connectString) };
}

export async function dashboardOn(
  { on, connectString }: Show,
  ...options: readonly string[]
): Promise<string> {
  const running = on.holdfast(['dashboard', '--connect', connectString, ...options]);
  return printed(running, /dashboard on (\S+)\n/);
}

/** Holds, or stands behind who does, until its session is closed. */
export async function contend(session: Session, path: string, owner: string): Promise<Ownership[]> {
  const told: Ownership[] = [];
  await new Promise<void>((resolve, reject) => {
    session.lock(path, { owner }).subscribe({
      next: (ownership) => {
        told.push(ownership);
        if (ownership.status === 'held' || ownership.status === 'waitingOnPredecessor') resolve();
      },
      error: reject,
    });
  });
  return told;
}
