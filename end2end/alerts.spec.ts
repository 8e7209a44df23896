// Sign-in alerts: an email for a sign-in from a new device or country, and a notice on the pages that are open.
import { link } from './mails.js';
import { FIREFOX, expect, hydrated, rows, test } from './support.js';

for (const javaScriptEnabled of [true, false]) {
  test(`disowning a sign-in by its emailed link ends the session, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ alice, bob }) => {
    const [mine, bobs] = [await alice.signIn(), await bob.signIn()];
    const thief = await alice.signIn({ userAgent: FIREFOX, extraHTTPHeaders: { 'x-forwarded-for': '177.92.48.10' } });
    const mail = await alice.mail(/^New sign-in from Firefox/);
    expect(mail.text).toContain('177.92.48.10');
    expect(mail.html).toContain('Brazil');
    const page = await alice.open({ javaScriptEnabled });
    await page.goto(link(mail));
    if (javaScriptEnabled) await hydrated(page);
    await expect(page.getByText('Firefox on Windows')).toBeVisible();
    await thief.reload();
    await expect(thief.getByRole('heading', { name: 'Active Sessions' })).toBeVisible();
    await hydrated(thief);
    await page.getByRole('checkbox', { name: 'Sign out everywhere else too' }).uncheck();
    await page.getByRole('button', { name: "This wasn't me" }).click();
    await expect(page.getByRole('heading', { name: 'Choose a new password' })).toBeVisible();
    await expect(page.getByText('That session was ended.')).toBeVisible();
    await expect(thief).toHaveURL(/\/login/);
    await expect(rows(mine)).toHaveCount(1);
    await bobs.reload();
    await expect(rows(bobs)).toHaveCount(1);
    await page.goto(link(mail));
    await expect(page.getByRole('alert')).toContainText('This link was already used');
  });
}

test('confirming a sign-in ends nothing', async ({ alice }) => {
  const mine = await alice.signIn();
  await alice.script('curl/8.5.0', '177.92.48.10');
  const page = await alice.open();
  await page.goto(link(await alice.mail(/^New sign-in from curl/)));
  await hydrated(page);
  await page.getByRole('button', { name: 'This was me' }).click();
  await expect(page.getByText('Thank you. This device is now recognized.')).toBeVisible();
  await expect(rows(mine)).toHaveCount(2);
});

test('open pages show a notice about a new sign-in', async ({ alice, bob }) => {
  const [page, bobs] = [await alice.signIn(), await bob.signIn()];
  await alice.script('curl/8.5.0');
  const notice = page.getByText(/^New sign-in: curl/);
  await expect(notice).toBeVisible();
  await expect(bobs.getByText(/^New sign-in:/)).toBeHidden();
  await page.getByRole('link', { name: 'Review' }).click();
  await expect(notice).toBeHidden();
});

test('pages without the card show the notice too, and sign out works there', async ({ alice, bob }) => {
  const [page, other, bobs] = [await alice.signIn(), await alice.signIn(), await bob.signIn()];
  for (const { goto, mine } of [{ goto: '/profile?tab=profile', mine: page }, { goto: '/profile/password', mine: bobs }]) {
    await mine.goto(goto);
    await hydrated(mine);
  }
  const heard = page.waitForEvent('websocket').then((channel) => channel.waitForEvent('framereceived'));
  await page.reload();
  await heard;
  await alice.script('curl/8.5.0');
  await expect(page.getByText(/^New sign-in: curl/)).toBeVisible();
  await expect(bobs.getByText(/^New sign-in:/)).toBeHidden();
  await page.getByRole('button', { name: 'Profile menu' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login$/);
  await expect(rows(other)).toHaveCount(2);
  await bobs.reload();
  await expect(bobs.getByRole('heading', { name: 'Change your password' })).toBeVisible();
});
