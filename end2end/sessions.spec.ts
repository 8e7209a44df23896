import { FIREFOX, IPHONE, expect, hydrated, rows, test } from './support.js';

const revokeFirefox = { name: /^Revoke Firefox on Windows, / };

test('each row says device, location, address, last use and end', async ({ alice }) => {
  await alice.script('python-requests/2.32.3');
  await alice.script('');
  const page = await alice.signIn();
  for (const name of ['Device', 'Location', 'IP Address', 'Last active', 'Expires']) {
    await expect(page.getByRole('columnheader', { name, exact: true })).toBeVisible();
  }
  const script = rows(page).filter({ hasText: 'python-requests' });
  await expect(script).toContainText('API client');
  await expect(script).toContainText('United Kingdom');
  await expect(script).toContainText('81.2.69.142');
  await expect(script).toContainText('Online');
  await expect(script).toContainText('in 14 days');
  await expect(script.locator('img.flag')).toHaveJSProperty('complete', true);
  expect(await script.locator('img.flag').evaluate((flag: HTMLImageElement) => flag.naturalWidth)).toBeGreaterThan(0);
  await expect(rows(page).filter({ hasText: 'Unknown client' })).toContainText('Did not identify itself');
  await expect(page.getByRole('link', { name: 'IP Geolocation by DB-IP' })).toHaveAttribute('href', 'https://db-ip.com');
});

test('the current session is highlighted and has no revoke', async ({ alice }) => {
  await alice.script('curl/8.5.0');
  const page = await alice.signIn();
  const current = page.locator('[aria-current="true"]');
  await expect(current).toHaveCount(1);
  await expect(current).toContainText('Current session');
  await expect(current.getByRole('button')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Revoke curl, London, United Kingdom' })).toHaveText('Revoke');
});

test('details open in place', async ({ alice }) => {
  await alice.script('curl/8.5.0 <b>bold</b>');
  const page = await alice.signIn();
  const row = rows(page).filter({ hasText: 'curl' });
  await row.getByText('curl', { exact: true }).click();
  await expect(row.getByText('curl/8.5.0 <b>bold</b>')).toBeVisible();
  await expect(row.getByText('Ends without use')).toBeVisible();
});

// The clock of the revoked tab stands still: nothing that it asks now and then can be what leads it away, only what it is told.
test('a revoked session is gone from the list, and its tab leaves by itself while not a second goes by in it', async ({ alice, bob }) => {
  const [here, lost, other] = [await alice.signIn(), await alice.signIn({ userAgent: FIREFOX }), await bob.signIn({ userAgent: FIREFOX })];
  await expect(rows(here)).toHaveCount(2);
  await lost.clock.install();
  await lost.reload();
  await hydrated(lost);
  await lost.clock.pauseAt(Date.now() + 2_000); // it can only be stopped ahead
  await here.getByRole('button', revokeFirefox).click();
  await lost.waitForURL(/\/login/);
  await expect(lost.getByText('You were signed out from another device.')).toBeVisible();
  await expect(rows(here)).toHaveCount(1);
  await expect(here.getByRole('status').filter({ hasText: 'Firefox on Windows, Private network, was signed out.' })).toBeVisible();
  await expect(rows(other)).toHaveCount(1);
  await expect(other).toHaveURL(/\/profile/);
});

for (const first of ['the answer', 'the news'] as const) {
  test(`focus goes to the next row, ${first} coming first`, async ({ alice }) => {
    await alice.script('curl/8.5.0');
    await alice.script('Wget/1.21.3');
    const page = await alice.signIn();
    if (first === 'the news') {
      await page.route('**/api/ui/revoke_session', async (route) => {
        const response = await route.fetch();
        // The row stays while the focus is in it, and says so.
        await expect(rows(page).filter({ hasText: 'Ended' })).toHaveCount(1);
        await route.fulfill({ response });
      });
    }
    await page.getByRole('button', { name: /^Revoke Wget/ }).press('Enter');
    await expect(page.getByRole('button', { name: /^Revoke curl/ })).toBeFocused();
    await page.getByRole('button', { name: /^Revoke curl/ }).press('Enter');
    await expect(page.getByRole('heading', { name: 'Active Sessions' })).toBeFocused();
  });
}

const unconfirmed = (what: string) =>
  `Could not confirm that ${what} ended: the server did not answer. The list shows the truth once it is back.`;

test('a revoke that does not reach the server claims nothing, and can be tried again', async ({ alice, bob }) => {
  const [token, bobs] = [await alice.script('curl/8.5.0'), await bob.script('curl/8.5.0')];
  const page = await alice.signIn();
  await page.route('**/api/ui/revoke_*', (route) => route.abort());
  await page.getByRole('button', { name: /^Revoke curl/ }).click();
  await expect(page.getByRole('status').filter({ hasText: unconfirmed('this session') })).toBeVisible();
  await page.getByRole('button', { name: 'Revoke All' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke All' }).click();
  await expect(page.getByRole('status').filter({ hasText: unconfirmed('the other sessions') })).toBeVisible();
  await expect(rows(page)).toHaveCount(2);
  expect(await alice.use(token)).toBe(200);
  await page.unroute('**/api/ui/revoke_*');
  await page.getByRole('button', { name: /^Revoke curl/ }).click();
  await expect(rows(page)).toHaveCount(1);
  expect([await alice.use(token), await bob.use(bobs)]).toEqual([401, 200]);
});

test('a revoke whose answer is lost claims nothing, and the list shows that the session ended', async ({ alice, bob }) => {
  const [tokens, bobs] = [[await alice.script('curl/8.5.0'), await alice.script('Wget/1.21.3')], await bob.script('curl/8.5.0')];
  const page = await alice.signIn();
  await page.route('**/api/ui/revoke_*', async (route) => {
    await route.fetch();
    await route.abort();
  });
  await page.getByRole('button', { name: /^Revoke curl/ }).click();
  await expect(page.getByText(unconfirmed('this session'))).toBeVisible();
  // The row stays while the focus is in it, and leaves with it.
  await expect(rows(page).filter({ hasText: 'Ended' })).toHaveCount(1);
  await page.getByRole('button', { name: 'Revoke All' }).click();
  await expect(rows(page)).toHaveCount(2);
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke All' }).click();
  await expect(page.getByText(unconfirmed('the other sessions'))).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  expect(await Promise.all(tokens.map((token) => alice.use(token)))).toEqual([401, 401]);
  expect(await bob.use(bobs)).toBe(200);
});

test('revoking what is already gone is no error', async ({ alice }) => {
  const token = await alice.script('curl/8.5.0');
  const page = await alice.signIn();
  await page.route('**/api/ui/revoke_session', async (route) => {
    await fetch(`${alice.server.url}/api/v1/sessions/current`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
    await route.continue();
  });
  await page.getByRole('button', { name: /^Revoke curl/ }).click();
  await expect(page.getByText('This session had ended already.')).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
});

test('Revoke All says how many, keeps count, and ends the others alone', async ({ alice, bob }) => {
  const scripts = [await alice.script('curl/8.5.0'), await alice.script('Wget/1.21.3')];
  const [page, phone, other] = [await alice.signIn(), await alice.signIn({ userAgent: IPHONE }), await bob.signIn()];
  await page.getByRole('button', { name: 'Revoke All' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke all other sessions?' });
  await expect(dialog).toContainText('3 other sessions will be ended.');
  await expect(dialog).toContainText('Safari on iPhone');
  scripts.push(await alice.script('HTTPie/3.2.1'));
  await expect(dialog).toContainText('4 other sessions will be ended.');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await page.getByRole('button', { name: 'Revoke All' }).click();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(rows(page)).toHaveCount(5);
  expect(await Promise.all(scripts.map((token) => alice.use(token)))).toEqual([200, 200, 200]);
  await page.getByRole('button', { name: 'Revoke All' }).click();
  await dialog.getByRole('button', { name: 'Revoke All' }).click();
  await expect(page.getByText('4 other sessions were signed out.')).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  await expect(page.getByRole('button', { name: 'Revoke All' })).toHaveCount(0);
  await expect(page.getByText('This is the only place where you are signed in.')).toBeVisible();
  await expect(phone).toHaveURL(/\/login/);
  expect(await Promise.all(scripts.map((token) => alice.use(token)))).toEqual([401, 401, 401]);
  await expect(rows(other)).toHaveCount(1);
});

test('a thousand sessions are as pleasant as three', async ({ alice }) => {
  alice.server.run(['seed', '--users', '1', '--sessions-per-user', '999', '--prefix', `many${alice.name}`, '--password-stdin'], 'correct horse battery\n');
  const { Person } = await import('./support.js');
  const many = new Person(`many${alice.name}0`, alice.server, alice.browser);
  const page = await many.signIn();
  await expect(page.getByText('You are signed in here and on 999 other devices.')).toBeVisible();
  await expect(rows(page)).toHaveCount(25);
  await page.getByRole('link', { name: /Show more/ }).click();
  await expect(rows(page)).toHaveCount(50);
  await page.getByRole('searchbox', { name: 'Search sessions' }).fill('headless chrome');
  await expect(rows(page)).toHaveCount(1);
  await expect(page.getByText('1 of 1000 sessions')).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search sessions' }).fill('');
  await expect(rows(page)).toHaveCount(25);
});
