import { type Page, expect, fillIn, hydrated, rows, test } from './support.js';

test('signing in leads to the requested page', async ({ alice }) => {
  const page = await alice.open();
  await page.goto('/profile?tab=profile');
  await expect(page).toHaveURL(/\/login\?next=/);
  await hydrated(page);
  await fillIn(page, alice.name);
  await expect(page).toHaveURL(/\/profile\?tab=profile$/);
  await expect(page.getByText(`${alice.name}@example.com`)).toBeVisible();
});

test("the address in the guide leads to the profile", async ({ alice }) => {
  const page = await alice.signIn();
  await page.goto('/#/profile');
  await expect(page).toHaveURL(/\/profile/);
  await expect(page.getByRole('tab', { name: 'Security' })).toHaveAttribute('aria-selected', 'true');
});

test('a wrong password is reported and the input is kept', async ({ alice }) => {
  const page = await alice.open();
  await page.goto('/login');
  await hydrated(page);
  await fillIn(page, alice.name, 'not this one');
  await expect(page.getByRole('alert')).toHaveText('The username, email address or password is incorrect.');
  await expect(page.getByRole('textbox', { name: 'Username or email' })).toHaveValue(alice.name);
  await expect(page.getByRole('textbox', { name: 'Password' })).toHaveValue('not this one');
});

/** Enters wrong passwords until the server asks to wait. Returns its message. */
async function untilSlowedDown(page: Page, name: string): Promise<string> {
  const alert = page.getByRole('alert');
  for (;;) {
    const answered = page.waitForResponse('**/api/ui/sign_in');
    await fillIn(page, name, 'not this one');
    await answered;
    await expect(alert).toHaveText(/is incorrect|Too many/);
    const words = (await alert.textContent()) ?? '';
    if (words.startsWith('Too many')) return words;
  }
}

test('too many attempts are slowed down, with a countdown', async ({ alice }) => {
  const page = await alice.open();
  await page.goto('/login');
  await hydrated(page);
  expect(await untilSlowedDown(page, alice.name)).toMatch(/^Too many attempts\. Try again in \d+ seconds?\.$/);
  const seconds = async () => Number(/\d+/.exec(await page.locator('.failure:visible').innerText())?.[0] ?? 0);
  const initial = await seconds();
  await expect.poll(seconds).toBeLessThan(initial);
});

// A screen reader announces every change of an alert's text.
test('a screen reader announces the wait once and its end once', async ({ alice }) => {
  const page = await alice.open();
  await page.clock.install();
  await page.goto('/login');
  await hydrated(page);
  const alert = page.getByRole('alert');
  const heard: string[] = [];
  await page.exposeFunction('hear', (words: string) => heard.push(words));
  await page.locator('form [role=alert]').evaluate((alert) => {
    const changes = { childList: true, characterData: true, subtree: true };
    new MutationObserver(() => (window as unknown as { hear: (words: string) => void }).hear(alert.textContent ?? '')).observe(alert, changes);
  });
  const said = await untilSlowedDown(page, alice.name);
  await expect.poll(() => heard).toContain(said);
  await page.clock.runFor(1_000);
  const countdown = page.locator('.failure:visible');
  await expect(countdown).toHaveAttribute('aria-hidden', 'true');
  await expect(countdown).toHaveText(/^Too many attempts\./);
  await expect(alert).toHaveText(said);
  await page.clock.runFor(600_000);
  await expect(alert).toHaveText('You can try again now.');
  await expect(alert).toBeInViewport();
  await expect(countdown).toHaveCount(0);
  await expect.poll(() => heard.slice(heard.indexOf(said))).toEqual([said, 'You can try again now.']);
  // Only the page's clock advanced, not the server's.
  await untilSlowedDown(page, alice.name);
  await expect(countdown).toHaveCount(1);
});

test('without JavaScript the wait is shown without a countdown', async ({ alice }) => {
  const page = await alice.open({ javaScriptEnabled: false });
  await page.goto('/login');
  await untilSlowedDown(page, alice.name);
  await expect(page.getByRole('alert')).toBeInViewport();
  await expect(page.getByText(/^Too many attempts/)).toHaveCount(1);
});

test('a password can be shown', async ({ alice }) => {
  const page = await alice.open();
  await page.goto('/login');
  await hydrated(page);
  await page.getByRole('button', { name: 'Show password' }).click();
  await expect(page.locator('#password')).toHaveAttribute('type', 'text');
});

test('after signing out, the Back button shows nothing', async ({ alice, bob }) => {
  const [page, other] = [await alice.signIn(), await bob.signIn()];
  await page.getByRole('button', { name: 'Profile menu' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login$/);
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Sign in to Whereabouts' })).toBeVisible();
  await expect(page.getByText('Active Sessions')).toHaveCount(0);
  await other.reload();
  await expect(rows(other)).toHaveCount(1);
});

test('the profile menu and the tabs work as described in the guide', async ({ alice }) => {
  const page = await alice.signIn();
  await page.getByRole('button', { name: 'Profile menu' }).click();
  await page.getByRole('menuitem', { name: 'Profile' }).click();
  await expect(page.getByRole('tab', { name: 'Profile' })).toHaveAttribute('aria-selected', 'true');
  await hydrated(page);
  await page.getByRole('tab', { name: 'Security' }).click();
  await expect(page.getByRole('region', { name: 'Active Sessions' })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('tab', { name: 'Profile' })).toHaveAttribute('aria-selected', 'true');
});

test('the first start shows how to create the first administrator, and its link works once', async ({ browser }) => {
  const { Server } = await import('./support.js');
  const server = await Server.start();
  try {
    const page = await browser.newPage({ baseURL: server.url });
    await page.goto('/login');
    await expect(page.getByText('There is no account yet.')).toBeVisible();
    const link = await server.setupLink();
    await page.goto(link);
    await hydrated(page);
    await page.getByRole('textbox', { name: 'Username' }).fill('root');
    await page.getByRole('textbox', { name: 'Email' }).fill('root@example.com');
    await page.getByRole('textbox', { name: 'Password' }).fill('short');
    await page.getByRole('button', { name: 'Create administrator' }).click();
    await expect(page.getByRole('alert')).toHaveText(/at least 8 characters/);
    await expect(page.getByRole('textbox', { name: 'Email' })).toHaveValue('root@example.com');
    await page.getByRole('textbox', { name: 'Password' }).fill('correct horse battery');
    await page.getByRole('button', { name: 'Create administrator' }).click();
    await hydrated(page);
    await fillIn(page, 'root');
    await expect(page.getByRole('heading', { name: 'Active Sessions' })).toBeVisible();
    const stranger = await (await browser.newContext({ baseURL: server.url })).newPage();
    await stranger.goto(link);
    await expect(stranger.getByText('This link was already used')).toBeVisible();
  } finally {
    await server.remove();
  }
});
