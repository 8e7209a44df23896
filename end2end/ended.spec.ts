// The section "Recently ended" below the Active Sessions card.
import { link } from './mails.js';
import { looksRight } from './looks.js';
import { FIREFOX, IPHONE, type Page, expect, hydrated, rows, test } from './support.js';

const section = (page: Page) => page.getByRole('region', { name: 'Recently ended' });
const ended = (page: Page) => section(page).getByRole('listitem');

function signOut(server: { url: string }, token: string) {
  return fetch(`${server.url}/api/v1/sessions/current`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
}

for (const javaScriptEnabled of [true, false]) {
  test(`a revoked session is shown with who ended it and from where, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ alice, bob }) => {
    await alice.script('curl/8.5.0');
    await bob.script('curl/8.5.0');
    const [page, bobs] = [await alice.signIn({ javaScriptEnabled, userAgent: FIREFOX }), await bob.signIn()];
    await expect(section(page)).toHaveCount(0);
    await page.getByRole('button', { name: /^Revoke curl/ }).click();
    await expect(ended(page)).toHaveCount(1);
    await expect(section(page)).toContainText('Sessions of yours that ended in the last 30 days.');
    for (const words of ['curl', 'London', 'today at', 'Revoked by you', 'from Firefox on Windows']) await expect(ended(page)).toContainText(words);
    const id = await ended(page).getByRole('link', { name: 'What it did: curl, London' }).getAttribute('href');
    expect(id).toMatch(/^\/audit\?q=session:[0-9a-f-]{36}$/);
    await expect(rows(page)).toHaveCount(1);
    await expect(rows(bobs)).toHaveCount(2);
    await expect(section(bobs)).toHaveCount(0);
  });
}

test('the section follows while the page is open', async ({ alice, bob }) => {
  const [curl, wget, bobs] = [await alice.script('curl/8.5.0'), await alice.script('Wget/1.21.3'), await bob.script('HTTPie/3.2.1')];
  const [page, other] = [await alice.signIn(), await bob.signIn()];
  expect((await signOut(alice.server, curl)).status).toBe(204);
  await expect(ended(page)).toContainText('on the device itself');
  await ended(page).getByRole('link').focus();
  await signOut(bob.server, bobs);
  await signOut(alice.server, wget);
  await expect(ended(page)).toHaveCount(2);
  await expect(ended(page).first()).toContainText('Wget');
  await expect(ended(page).filter({ hasText: 'curl' }).getByRole('link')).toBeFocused();
  await expect(ended(other)).toHaveCount(1);
  await expect(ended(other)).toContainText('HTTPie');
});

for (const javaScriptEnabled of [true, false]) {
  test(`ten sessions are shown, and more on request, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ alice }) => {
    for (let number = 0; number < 12; number += 1) await signOut(alice.server, await alice.script('curl/8.5.0'));
    const page = await alice.signIn({ javaScriptEnabled });
    await expect(ended(page)).toHaveCount(10);
    await section(page).getByRole('link', { name: 'Show more' }).click();
    await expect(ended(page)).toHaveCount(12);
    await expect(section(page).getByRole('link', { name: 'Show more' })).toHaveCount(0);
    if (!javaScriptEnabled) return;
    await hydrated(page);
    await signOut(alice.server, await alice.script('Wget/1.21.3'));
    await expect(ended(page)).toHaveCount(13);
  });
}

test('a disowned session is marked, and the section has no overflow and no axe violations', async ({ alice, bob }) => {
  const [page, bobs] = [await alice.signIn(), await bob.signIn()];
  const thief = await alice.signIn({ userAgent: IPHONE, extraHTTPHeaders: { 'x-forwarded-for': '177.92.48.10' } });
  await signOut(alice.server, await alice.script(`${'Longname'.repeat(7)}/1.0`, '2a00:23c8:7b0c:a201:7d44:5c55:3e6a:91e1'));
  const mail = await alice.mail(/^New sign-in from Safari on iPhone/);
  const disowning = await alice.open();
  await disowning.goto(link(mail));
  await hydrated(disowning);
  await disowning.getByRole('checkbox', { name: 'Sign out everywhere else too' }).uncheck();
  await disowning.getByRole('button', { name: "This wasn't me" }).click();
  await expect(thief).toHaveURL(/\/login/);
  await expect(ended(page)).toHaveCount(2);
  await expect(ended(page).first()).toContainText('You said it was not you');
  await looksRight(page);
  await expect(section(bobs)).toHaveCount(0);
});

test('the details of a row lead to what the session did', async ({ alice }) => {
  await alice.script('curl/8.5.0');
  const page = await alice.signIn();
  const row = rows(page).filter({ hasText: 'curl' });
  await row.getByText('curl', { exact: true }).click();
  await expect(row.getByRole('link', { name: 'What this session did' })).toHaveAttribute('href', /^\/audit\?q=session:[0-9a-f-]{36}$/);
});
