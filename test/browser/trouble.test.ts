/** Trouble and what is done about it from the dashboard, and who may: in a real browser, with real processes behind it. */
import { describe, expect, it } from 'vitest';
import { observer } from '../cli/observer.js';
import { contend, dashboardOn, pages, printed, row, show } from './shown.js';

const open = pages();
const FIRST_ENTRY = '/holdfast/audit/break-0000000000';

describe('breaking a claim', () => {
  it('asks who and why, ends it, and leaves an entry in the audit', async () => {
    const shown = await show();
    const told = await contend(shown.session, '/locks/orders', 'anna');
    await contend(shown.session, '/locks/orders', 'ben');
    const page = await open(await dashboardOn(shown, '--allow-break'));
    await row(page, /held by anna for .*, 1 waits/).click();
    const claim = page
      .getByRole('listitem')
      .filter({ hasText: 'anna' })
      .filter({ has: page.getByRole('button') });
    await claim.getByRole('button', { name: 'Break' }).click();
    const form = page.getByRole('form', { name: 'break the claim of anna' });
    await form.getByRole('button', { name: 'Break it' }).click();
    // A name is asked for: nothing has happened.
    expect(told.at(-1)?.status).toBe('held');
    await form.getByLabel('Who are you?').fill('olga');
    await form.getByLabel('Why?').fill('it hangs');
    await form.getByRole('button', { name: 'Break it' }).click();
    await page.getByText(/^Held by ben/).waitFor();
    expect(told.at(-1)).toMatchObject({ status: 'expired', reason: 'node-deleted' });
    const entry = await shown.session.readClaim(FIRST_ENTRY);
    expect(JSON.parse(entry ?? '')).toMatchObject({ by: 'olga', why: 'it hangs', owner: 'anna' });
  });

  it('is not offered when it was not allowed, and neither is revoking', async () => {
    const shown = await show();
    await contend(shown.session, '/locks/orders', 'anna');
    const url = await dashboardOn(shown);
    const page = await open(url);
    await row(page, /held by anna/).click();
    await page.getByRole('button', { name: 'Data' }).click();
    await page.getByText('"owner_id":"anna"').waitFor();
    expect(await page.getByRole('button', { name: /^(Break|Revoke)$/ }).count()).toBe(0);
    const statuses = await page.evaluate(() => {
      const headers = { 'content-type': 'application/json' };
      const post = async (path: string) =>
        (await fetch(path, { method: 'POST', headers, body: '{}' })).status;
      return Promise.all([post('/break'), post('/revoke')]);
    });
    expect(statuses).toEqual([403, 403]);
  });
});

describe('revoking a claim', () => {
  it('asks its holder, who hears who wants it and why, and lets go: nothing is broken, and the audit has who asked', async () => {
    const shown = await show();
    const asked = new Promise((resolve) => {
      const holding = shown.session.lock('/locks/orders', { owner: 'anna' }).subscribe((ownership) => {
        if (ownership.status !== 'held' || ownership.revokeRequested === null) return;
        resolve(ownership.revokeRequested);
        queueMicrotask(() => {
          holding.unsubscribe();
        });
      });
    });
    const page = await open(await dashboardOn(shown, '--allow-break'));
    await row(page, /held by anna/).click();
    await page.getByRole('button', { name: 'Revoke' }).click();
    const form = page.getByRole('form', { name: 'revoke the claim of anna' });
    await form.getByLabel('Who are you?').fill('olga');
    await form.getByLabel('Why?').fill('maintenance');
    await form.getByRole('button', { name: 'Revoke it' }).click();
    expect(await asked).toMatchObject({ by: 'olga', why: 'maintenance' });
    await page.getByText(/^(Free\.|Nobody stands in this line\.)$/).waitFor();
    expect(await shown.session.readClaim(FIRST_ENTRY)).toBeNull();
    const entry = await shown.session.readClaim('/holdfast/audit/revoke-0000000000');
    expect(JSON.parse(entry ?? '')).toMatchObject({ by: 'olga', why: 'maintenance', owner: 'anna' });
  });

  it('is carried out when the grace is over, and leaves an entry in the audit', async () => {
    const shown = await show();
    const told = await contend(shown.session, '/locks/orders', 'anna');
    await contend(shown.session, '/locks/orders', 'ben');
    const page = await open(await dashboardOn(shown, '--allow-break', '--revoke-grace', '200'));
    await row(page, /held by anna for .*, 1 waits/).click();
    await page.getByRole('button', { name: 'Revoke' }).first().click();
    const form = page.getByRole('form', { name: 'revoke the claim of anna' });
    await form.getByRole('button', { name: 'Revoke it' }).click();
    // A name is asked for: nothing has happened.
    expect(told.at(-1)).toMatchObject({ status: 'held', revokeRequested: null });
    await form.getByLabel('Who are you?').fill('olga');
    await form.getByLabel('Why?').fill('it hangs');
    await form.getByRole('button', { name: 'Revoke it' }).click();
    await page.getByText(/^Held by ben/).waitFor();
    expect(told.at(-1)).toMatchObject({ status: 'expired' });
    const entry = await shown.session.readClaim('/holdfast/audit/break-0000000001');
    expect(JSON.parse(entry ?? '')).toMatchObject({ by: 'olga', why: 'it hangs', owner: 'anna' });
  });
});

describe('a deadlock', () => {
  it('is said above everything with who waits where for whom, leads to its locks, and goes when one gives up', async () => {
    const shown = await show();
    const other = observer(shown.connectString);
    await contend(shown.session, '/locks/a', 'anna');
    await contend(other, '/locks/b', 'ben');
    await contend(shown.session, '/locks/b', 'anna');
    const page = await open(await dashboardOn(shown));
    await row(page, /^\/locks\/b: held by ben for .*, 1 waits/).waitFor();
    const banner = page.getByRole('alert');
    expect(await banner.count()).toBe(0);
    await contend(other, '/locks/a', 'ben');
    await banner.getByRole('heading', { name: '1 deadlock' }).waitFor();
    const words = await banner.innerText();
    expect(words).toContain('anna waits at /locks/b for ben');
    expect(words).toContain('ben waits at /locks/a for anna');
    await banner.getByRole('button', { name: '/locks/b' }).click();
    await page.getByRole('heading', { name: '/locks/b' }).waitFor();
    await page.getByText(/^Held by ben/).waitFor();
    await other.close();
    await banner.waitFor({ state: 'detached' });
    await page.getByText(/^Held by anna/).waitFor();
  });
});

describe('a dashboard that others can reach', () => {
  const TOKEN = 'a secret of 24 letters !';

  it('does not start without a token', async () => {
    const { on, connectString } = await show();
    const { code, stderr } = await on.holdfast(['dashboard', '--connect', connectString, '--host', '0.0.0.0'])
      .ended;
    expect(code).toBe(64);
    expect(stderr).toContain('give a token of at least 16 characters');
  });

  it('shows nothing to who has no token, and everything to who has it, also when he comes again', async () => {
    const shown = await show();
    await contend(shown.session, '/locks/orders', 'anna');
    const command = ['dashboard', '--connect', shown.connectString, '--host', '0.0.0.0'];
    const running = shown.on.holdfast(command, { HOLDFAST_DASHBOARD_TOKEN: TOKEN });
    const address = new URL(await printed(running, /dashboard on (\S+)\n/));
    address.hostname = '127.0.0.1';
    for (const tried of [address.origin, `${address.origin}/?token=wrong`]) {
      const stranger = await open(tried);
      await stranger.getByText('a token is needed').waitFor();
      const status = await stranger.evaluate(async () => (await fetch('/events')).status);
      expect(status).toBe(401);
    }
    const page = await open(address.href);
    await row(page, /^\/locks\/orders: held by anna/).waitFor();
    await page.goto(address.origin);
    await row(page, /^\/locks\/orders: held by anna/).waitFor();
  });
});
