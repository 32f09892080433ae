// @ts-check
/** The browser of the tests: Debian's Chromium, kept from asking anybody but the page it is led to. */
import { existsSync } from 'node:fs';
import { env } from 'node:process';
import { chromium } from 'playwright-core';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What to do when there is none. */
const REMEDY =
  'The tests of the dashboard need Chromium: set HOLDFAST_TEST_CHROMIUM to its program, or, on Debian, run `apt-get install chromium`.';

/** Starts it; close it when done. */
export async function launchChromium() {
  const executablePath = env['HOLDFAST_TEST_CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) throw new Error(REMEDY);
  return chromium.launch({ executablePath, args: ARGUMENTS });
}
