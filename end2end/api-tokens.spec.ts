// API tokens, as a user creates, uses, rotates and revokes them.
import { FIREFOX, type Page, type Person, expect, hydrated, test } from './support.js';

const openTokens = async (page: Page) => {
  await page.getByRole('tab', { name: 'API Tokens' }).click();
  await expect(page.getByRole('heading', { name: 'API Tokens' })).toBeVisible();
  await hydrated(page);
};

/** Creates a token on its page. Returns the secret that is shown. */
async function createToken(page: Page, name: string, group: string): Promise<string> {
  await page.getByRole('link', { name: 'New token' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('radio', { name: group }).check();
  await page.getByRole('button', { name: 'Create token' }).click();
  return shownSecret(page);
}

async function shownSecret(page: Page): Promise<string> {
  const dialog = page.getByRole('dialog', { name: 'Copy your token now' });
  await expect(dialog).toBeVisible();
  return (await dialog.getByLabel('Token', { exact: true }).textContent()) ?? '';
}

async function confirmCopied(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'I have copied it' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
}

const row = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name });

async function status(person: Person, token: string, method = 'GET', path = '/me'): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'python-requests/2.32.3', 'x-forwarded-for': '81.2.69.142' };
  return (await fetch(`${person.server.url}/api/v1${path}`, { method, headers })).status;
}

test('a token is created, copied, used, rotated and revoked', async ({ alice, bob }) => {
  const page = await alice.signIn({ userAgent: FIREFOX, permissions: ['clipboard-read', 'clipboard-write'] });
  const bobs = await bob.signIn();
  await openTokens(page);
  const secret = await createToken(page, 'Night watch', 'Sessions: review and revoke');
  expect(secret).toMatch(/^wab_[0-9A-Za-z]{49}$/);
  await expect(page.getByLabel('Token', { exact: true })).toBeFocused();
  await page.getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await confirmCopied(page);
  await expect(page.getByText(secret)).toHaveCount(0);
  await expect(row(page, 'Night watch')).toContainText('Never used');
  expect([await status(alice, secret), await status(alice, secret, 'GET', '/tokens')]).toEqual([200, 403]);
  await alice.mail('An API token was created: Night watch');

  await page.reload();
  await expect(row(page, 'Night watch')).toContainText('Used just now by python-requests');
  await expect(row(page, 'Night watch')).toContainText('London, United Kingdom');
  await page.getByRole('tab', { name: 'Security' }).click();
  await expect(page.getByText('1 API token was used in the last 7 days: just now.')).toBeVisible();
  await openTokens(page);

  await page.getByRole('link', { name: 'Rotate Night watch' }).click();
  await page.getByRole('combobox', { name: 'The old secret stops working' }).selectOption('After 1 hour');
  await page.getByRole('button', { name: 'Rotate' }).click();
  const second = await shownSecret(page);
  await confirmCopied(page);
  expect([await status(alice, secret), await status(alice, second)]).toEqual([200, 200]);

  await page.getByRole('button', { name: 'Revoke Night watch' }).click();
  await expect(page.getByText('Night watch was revoked.')).toBeVisible();
  expect([await status(alice, secret), await status(alice, second)]).toEqual([401, 401]);
  await bobs.reload();
  await expect(bobs.getByRole('heading', { name: 'Active Sessions' })).toBeVisible();
});

test('a password change warns of valid tokens, which can be revoked at once', async ({ alice, bob }) => {
  const page = await alice.signIn();
  const bobs = await bob.signIn();
  await openTokens(page);
  const first = await createToken(page, 'First', 'Full access');
  await confirmCopied(page);
  const second = await createToken(page, 'Second', 'Read only');
  await confirmCopied(page);
  await openTokens(bobs);
  const his = await createToken(bobs, 'His', 'Read only');
  await page.goto('/profile/password');
  await hydrated(page);
  await page.getByRole('textbox', { name: 'Current password' }).fill('correct horse battery');
  await page.getByRole('textbox', { name: 'New password' }).fill('a longer staple of horses');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('2 API tokens still work. Revoke them too if someone else may have them.')).toBeVisible();
  await hydrated(page);
  expect([await status(alice, first), await status(alice, second)]).toEqual([200, 200]);
  await page.getByRole('link', { name: 'Revoke All' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke all API tokens?' });
  await expect(dialog).toContainText('2 tokens will stop working.');
  await hydrated(page);
  await dialog.getByRole('button', { name: 'Revoke All' }).click();
  await expect(page.getByText('2 API tokens were revoked.')).toBeVisible();
  expect([await status(alice, first), await status(alice, second), await status(bob, his)]).toEqual([401, 401, 200]);
});

test('a rejected token form keeps its input, with and without JavaScript', async ({ alice, bob }) => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await alice.open({ javaScriptEnabled });
    await page.goto('/login');
    await page.getByRole('textbox', { name: 'Username or email' }).fill(alice.name);
    await page.getByRole('textbox', { name: 'Password' }).fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('tab', { name: 'API Tokens' }).click();
    await page.getByRole('link', { name: 'New token' }).click();
    if (javaScriptEnabled) await hydrated(page);
    const [name, expires, until] = [page.getByRole('textbox', { name: 'Name' }), page.getByRole('combobox', { name: 'Expires' }), page.getByLabel('Expires on')];
    await expect(expires).toHaveValue('12');
    await expect(until).toBeHidden();
    await name.fill('Old times');
    await page.getByRole('radio', { name: 'Audit: read' }).check();
    await expires.selectOption('On a specific date');
    await until.fill('2001-01-01');
    await page.getByRole('button', { name: 'Create token' }).click();
    await expect(page.getByRole('alert')).toHaveText('The expiry must be in the future and within 5 years.');
    await expect(name).toHaveValue('Old times');
    await expect(page.getByRole('radio', { name: 'Audit: read' })).toBeChecked();
    await expect(until).toHaveValue('2001-01-01');
    await expires.selectOption('1 month');
    await page.getByRole('button', { name: 'Create token' }).click();
    const secret = await shownSecret(page);
    expect(await status(alice, secret)).toBe(200);
    await confirmCopied(page);
    await page.getByRole('button', { name: 'Revoke Old times' }).click();
    await expect(page.getByText('Old times was revoked.')).toBeVisible();
    expect(await status(alice, secret)).toBe(401);
  }
  expect(await bob.use(await bob.script('curl/8.5.0'))).toBe(200);
});

test('the API documentation is public', async ({ alice }) => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await alice.open({ javaScriptEnabled });
    const faults: string[] = [];
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto('/api/docs');
    await expect(page.getByRole('heading', { name: 'List sessions' })).toBeVisible();
    const operation = page.getByRole('region', { name: 'Create an API token' });
    await operation.getByText('Responses').click();
    await expect(operation.getByText('Confirm your password to continue.')).toBeVisible();
    await operation.getByRole('link', { name: 'TokenRequest' }).click();
    await expect(page).toHaveURL(/#schema-TokenRequest$/);
    expect(faults).toEqual([]);
  }
});
