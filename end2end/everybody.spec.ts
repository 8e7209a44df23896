// Accessibility: without JavaScript, on a phone, in dark mode, with the keyboard alone, with a screen reader.
import { looksRight } from './looks.js';
import { link } from './mails.js';
import { FIREFOX, type Page, expect, fillIn, hydrated, rows, test } from './support.js';

test('everything works without JavaScript', async ({ alice, bob }) => {
  const [token, second, bobs] = [await alice.script('curl/8.5.0'), await alice.script('Wget/1.21.3'), await bob.script('curl/8.5.0')];
  const page = await alice.open({ javaScriptEnabled: false });
  await page.goto('/login?next=%2Fprofile%3Ftab%3Dsecurity');
  await fillIn(page, alice.name, 'wrong password');
  await expect(page.getByRole('alert')).toHaveText('The username, email address or password is incorrect.');
  await expect(page.getByRole('textbox', { name: 'Username or email' })).toHaveValue(alice.name);
  await fillIn(page, alice.name);
  await expect(rows(page)).toHaveCount(3);
  await page.getByRole('button', { name: /^Revoke curl/ }).click();
  await expect(page.getByText('curl, London, was signed out.')).toBeVisible();
  await expect(rows(page)).toHaveCount(2);
  await page.getByRole('button', { name: 'Revoke All' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke all other sessions?' });
  await expect(dialog).toContainText('1 other session will be ended.');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole('button', { name: 'Revoke All' }).click();
  await dialog.getByRole('button', { name: 'Revoke All' }).click();
  await expect(page.getByText('1 other session was signed out.')).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  expect([await alice.use(token), await alice.use(second), await bob.use(bobs)]).toEqual([401, 401, 200]);
  await page.getByRole('button', { name: 'Profile menu' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login$/);
});

/** Presses Tab until the element with this name or id has the focus. */
async function reach(page: Page, name: string): Promise<void> {
  for (let steps = 0; steps < 30; steps += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
    const id = await page.evaluate(() => document.activeElement?.id ?? '');
    if (focused.startsWith(name) || id === name) return;
  }
  throw new Error(`the keyboard does not reach ${name}`);
}

test('the main tasks work with the keyboard alone', async ({ alice }) => {
  await alice.script('curl/8.5.0');
  const page = await alice.open();
  await page.goto('/login');
  await hydrated(page);
  const tabTo = (name: string) => reach(page, name);
  await tabTo('identifier');
  await page.keyboard.type(alice.name);
  await tabTo('password');
  await page.keyboard.type('correct horse battery');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Active Sessions' })).toBeVisible();
  await hydrated(page);
  await tabTo('Skip to content');
  await tabTo('Profile menu');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Profile' })).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('menuitem', { name: 'Sign out' })).toBeFocused();
  await page.keyboard.press('Escape');
  await tabTo('Revoke All');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await tabTo('curl');
  await page.keyboard.press('Enter');
  await expect(page.getByText('curl/8.5.0')).toBeVisible();
  await tabTo('Revoke curl');
  await page.keyboard.press('Enter');
  await expect(rows(page)).toHaveCount(1);
});

test('every form can be filled in with the keyboard alone', async ({ root, alice }) => {
  const page = await root.signIn();
  const fill = async (fields: Record<string, string>, button: string) => {
    for (const [field, value] of Object.entries(fields)) {
      await reach(page, field);
      await page.keyboard.type(value);
    }
    await reach(page, button);
    await page.keyboard.press('Enter');
  };
  const visit = async (path: string) => {
    await page.goto(path);
    await hydrated(page);
  };
  await visit('/profile/password');
  await fill({ current: 'correct horse battery', new: 'a longer staple of horses' }, 'Change password');
  await expect(page.getByText(/^Your password was changed/)).toBeVisible();
  await visit('/profile?tab=profile');
  await fill({ time_zone: 'Asia/Tok' }, 'Save');
  await expect(page.getByRole('combobox', { name: 'Time zone' })).toHaveValue('Asia/Tokyo');
  await expect(page.getByText('Saved.')).toBeVisible();
  await visit('/profile?tab=profile');
  await fill({ email: `new${root.email}` }, 'Change email');
  await expect(page.getByText('An email is on its way to both addresses.')).toBeVisible();
  await visit(`/admin?search=${alice.name}`);
  await fill({ email: `guest${root.email}` }, 'Send invitation');
  await expect(page.getByText('An invitation is on its way')).toBeVisible();
  await visit(`/admin?search=${alice.name}`);
  await fill({}, `Reset password: ${alice.name}`);
  await expect(page.getByText('A password reset link is on its way')).toBeVisible();
  await alice.mail('Choose a new password');
  const stranger = await root.open();
  for (const [path, button] of [['/forgot-password', 'Email me a link'], ['/request-access', 'Request access']] as const) {
    await stranger.goto(path);
    await hydrated(stranger);
    await reach(stranger, 'email');
    await stranger.keyboard.type('nobody@example.com');
    await reach(stranger, button);
    await stranger.keyboard.press('Enter');
    await expect(stranger.getByRole('status')).toBeVisible();
  }
});

for (const path of ['/profile?tab=security', '/profile?tab=api-tokens']) {
  test(`the tab list is one tab stop with arrow key navigation: ${path}`, async ({ alice }) => {
    const page = await alice.signIn();
    await page.goto(path);
    await hydrated(page);
    const [profile, security, tokens] = (['Profile', 'Security', 'API Tokens'] as const).map((name) => page.getByRole('tab', { name, exact: true }));
    if (!profile || !security || !tokens) throw new Error('there are three tabs');
    const open = path.endsWith('security') ? security : tokens;
    const focused = page.locator('[role=tab]:focus');
    await page.getByRole('button', { name: 'Profile menu' }).focus();
    await page.keyboard.press('Tab');
    await expect(open).toBeFocused();
    await page.keyboard.press('Home');
    await expect(profile).toBeFocused();
    for (const next of [security, tokens, profile]) {
      await page.keyboard.press('ArrowRight');
      await expect(next).toBeFocused();
    }
    for (const next of [tokens, security]) {
      await page.keyboard.press('ArrowLeft');
      await expect(next).toBeFocused();
    }
    await page.keyboard.press('End');
    await expect(tokens).toBeFocused();
    await page.keyboard.press('Control+Home');
    await expect(tokens).toBeFocused();
    await page.keyboard.press('Tab');
    await expect(focused).toHaveCount(0);
    await page.keyboard.press('Shift+Tab');
    await expect(open).toBeFocused();
    await expect(page).toHaveURL(new RegExp(`${path.replace('?', '\\?')}$`));
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/tab=profile$/);
    await hydrated(page);
    await expect(profile).toHaveAttribute('aria-selected', 'true');
    await profile.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Space');
    await expect(page).toHaveURL(/tab=security$/);
  });
}

test('without JavaScript the tabs are links with a tab stop each', async ({ alice }) => {
  const page = await alice.signIn({ javaScriptEnabled: false });
  await page.getByRole('button', { name: 'Profile menu' }).focus();
  for (const name of ['Profile', 'Security', 'API Tokens']) {
    await page.keyboard.press('Tab');
    await expect(page.getByRole('tab', { name, exact: true })).toBeFocused();
  }
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/tab=api-tokens$/);
});

const long = `curl/8.5.0 ${'W'.repeat(60)}`;

test('no overflow and no axe violations on the card', async ({ alice }) => {
  await alice.script(long, '2a00:23c8:7b0c:a201:7d44:5c55:3e6a:91e1');
  await alice.script('');
  await alice.script(`${'Longname'.repeat(7)}/1.0`);
  const page = await alice.signIn({ userAgent: FIREFOX });
  await looksRight(page);
  await rows(page).filter({ hasText: 'curl' }).getByText('curl', { exact: true }).click();
  await looksRight(page);
  await page.getByRole('button', { name: 'Revoke All' }).click();
  await looksRight(page);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Profile menu' }).click();
  await looksRight(page);
});

/** Opens each page, and looks at it. */
async function lookAt(page: Page, paths: string[]): Promise<void> {
  for (const path of paths) {
    await page.goto(path);
    await hydrated(page);
    await looksRight(page);
  }
}

test('no overflow and no axe violations on pages for visitors', async ({ alice, server }) => {
  const invited = `invited${Date.now()}@example.com`;
  server.run(['invite', invited]);
  server.run(['user', 'reset-password', alice.name]);
  const page = await alice.open();
  const mailed = [await server.mails.to(invited, 'Create your Whereabouts account'), await alice.mail('Choose a new password')];
  const pages = ['/api/docs', '/login', '/register', '/request-access', '/forgot-password', '/verify-email?token=x'];
  await lookAt(page, [...pages, ...mailed.map(link)]);
});

test('no overflow and no axe violations on pages of an account', async ({ root, server }) => {
  const page = await root.signIn();
  const token = await page.request.post('/api/v1/tokens', { data: { name: 'Long'.repeat(16), group: 'sessions' }, headers: { origin: server.url } });
  const { api_token } = (await token.json()) as { api_token: { id: string } };
  const rotate = `/profile/tokens/rotate?id=${api_token.id}`;
  const tokens = ['/profile?tab=api-tokens', '/profile?tab=api-tokens&confirm=revoke-all', '/profile/tokens/new', rotate];
  await lookAt(page, [...tokens, '/profile?tab=profile', '/admin', '/profile/password', '/profile/two-factor', '/confirm?next=/']);
  await page.goto('/profile/two-factor');
  await hydrated(page);
  await page.getByRole('button', { name: 'Set up' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await lookAt(page, [1, 2, 3].map((step) => `/profile/two-factor?step=${step}`));
});
