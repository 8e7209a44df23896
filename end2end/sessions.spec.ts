import { FIREFOX, IPHONE, expect, hydrated, rows, test } from './support.js';

const revokeFirefox = { name: /^Revoke Firefox on Windows, / };

test('each row shows device, location, IP address, last use and expiry', async ({ alice }) => {
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

test('the current session is highlighted and has no revoke button', async ({ alice }) => {
  await alice.script('curl/8.5.0');
  const page = await alice.signIn();
  const current = page.locator('[aria-current="true"]');
  await expect(current).toHaveCount(1);
  await expect(current).toContainText('Current session');
  await expect(current.getByRole('button')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Revoke curl, London, United Kingdom' })).toHaveText('Revoke');
});

test('a row opens its details in place', async ({ alice }) => {
  await alice.script('curl/8.5.0 <b>bold</b>');
  const page = await alice.signIn();
  const row = rows(page).filter({ hasText: 'curl' });
  await row.getByText('curl', { exact: true }).click();
  await expect(row.getByText('curl/8.5.0 <b>bold</b>')).toBeVisible();
  await expect(row.getByText('Expires if unused')).toBeVisible();
});

// The clock of the revoked tab is paused, so that no periodic request can redirect it: only a message from the server can.
test('a revoked session leaves the list, and its tab goes to the login page by a server message', async ({ alice, bob }) => {
  const [here, lost, other] = [await alice.signIn(), await alice.signIn({ userAgent: FIREFOX }), await bob.signIn({ userAgent: FIREFOX })];
  await expect(rows(here)).toHaveCount(2);
  await lost.clock.install();
  await lost.reload();
  await hydrated(lost);
  await lost.clock.pauseAt(Date.now() + 2_000); // the clock can only be paused at a later time
  await here.getByRole('button', revokeFirefox).click();
  await lost.waitForURL(/\/login/);
  await expect(lost.getByText('You were signed out from another device.')).toBeVisible();
  await expect(rows(here)).toHaveCount(1);
  await expect(here.getByRole('status').filter({ hasText: 'Firefox on Windows, Private network, was signed out.' })).toBeVisible();
  await expect(rows(other)).toHaveCount(1);
  await expect(other).toHaveURL(/\/profile/);
});

test('the page that asks for the password again goes to the login page too when its session is revoked', async ({ alice, bob }) => {
  const [here, lost, bobs] = [await alice.signIn(), await alice.signIn({ userAgent: FIREFOX }), await bob.signIn({ userAgent: FIREFOX })];
  for (const page of [lost, bobs]) {
    await page.goto('/confirm?next=/');
    await hydrated(page);
  }
  await here.getByRole('button', revokeFirefox).click();
  await lost.waitForURL(/\/login/);
  await bobs.reload();
  await expect(bobs.getByRole('heading', { name: 'Confirm your password' })).toBeVisible();
});

for (const first of ['the response', 'the live message'] as const) {
  test(`focus moves to the next row if ${first} comes first`, async ({ alice }) => {
    await alice.script('curl/8.5.0');
    await alice.script('Wget/1.21.3');
    const page = await alice.signIn();
    if (first === 'the live message') {
      await page.route('**/api/ui/revoke_session', async (route) => {
        const response = await route.fetch();
        // The row stays while it contains the focus, marked as ended.
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

test('an ended row that has the focus stays when another row closes', async ({ alice, bob }) => {
  const [curl, wget, bobs] = [await alice.script('curl/8.5.0'), await alice.script('Wget/1.21.3'), await bob.script('curl/8.5.0')];
  const page = await alice.signIn();
  const signOut = (token: string) => fetch(`${alice.server.url}/api/v1/sessions/current`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  const button = page.getByRole('button', { name: /^Revoke curl/ });
  await button.focus();
  await signOut(curl);
  await expect(rows(page).filter({ hasText: 'Ended' })).toHaveCount(1);
  await signOut(wget);
  await expect(rows(page).filter({ hasText: 'Wget' })).toHaveCount(0);
  await expect(rows(page).filter({ hasText: 'Ended' })).toHaveCount(1);
  await expect(button).toBeFocused();
  expect(await bob.use(bobs)).toBe(200);
});

const unconfirmed = (what: string) =>
  `Could not confirm that ${what} ended because the server did not respond. The list updates when the connection is back.`;

test('a revocation that does not reach the server is reported as unconfirmed and can be retried', async ({ alice, bob }) => {
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

test('a revocation whose response is lost is reported as unconfirmed, and the list shows that the session ended', async ({ alice, bob }) => {
  const [tokens, bobs] = [[await alice.script('curl/8.5.0'), await alice.script('Wget/1.21.3')], await bob.script('curl/8.5.0')];
  const page = await alice.signIn();
  await page.route('**/api/ui/revoke_*', async (route) => {
    await route.fetch();
    await route.abort();
  });
  await page.getByRole('button', { name: /^Revoke curl/ }).click();
  await expect(page.getByText(unconfirmed('this session'))).toBeVisible();
  // The row stays while it contains the focus, and disappears when it loses it.
  await expect(rows(page).filter({ hasText: 'Ended' })).toHaveCount(1);
  await page.getByRole('button', { name: 'Revoke All' }).click();
  await expect(rows(page)).toHaveCount(2);
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke All' }).click();
  await expect(page.getByText(unconfirmed('the other sessions'))).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  expect(await Promise.all(tokens.map((token) => alice.use(token)))).toEqual([401, 401]);
  expect(await bob.use(bobs)).toBe(200);
});

test('revoking a session that has already ended is no error', async ({ alice }) => {
  const token = await alice.script('curl/8.5.0');
  const page = await alice.signIn();
  await page.route('**/api/ui/revoke_session', async (route) => {
    await fetch(`${alice.server.url}/api/v1/sessions/current`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
    await route.continue();
  });
  await page.getByRole('button', { name: /^Revoke curl/ }).click();
  await expect(page.getByText('This session had already ended.')).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
});

test('Revoke All shows a live count and ends only the other sessions', async ({ alice, bob }) => {
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

test('a list of a thousand sessions can be paged and searched', async ({ alice }) => {
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
