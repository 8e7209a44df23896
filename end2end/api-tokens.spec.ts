// API tokens, as a person makes, uses, rotates and ends them.
import { FIREFOX, type Page, type Person, expect, hydrated, test } from './support.js';

const tab = async (page: Page) => {
  await page.getByRole('tab', { name: 'API Tokens' }).click();
  await expect(page.getByRole('heading', { name: 'API Tokens' })).toBeVisible();
  await hydrated(page);
};

/** Makes a token on its page; the secret that is shown. */
async function make(page: Page, name: string, group: string): Promise<string> {
  await page.getByRole('link', { name: 'New token' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('radio', { name: group }).check();
  await page.getByRole('button', { name: 'Make token' }).click();
  return shown(page);
}

async function shown(page: Page): Promise<string> {
  const dialog = page.getByRole('dialog', { name: 'Copy your token now' });
  await expect(dialog).toBeVisible();
  return (await dialog.getByLabel('Token', { exact: true }).textContent()) ?? '';
}

async function copied(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'I have copied it' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
}

const row = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name });

async function status(person: Person, token: string, method = 'GET', path = '/me'): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'python-requests/2.32.3', 'x-forwarded-for': '81.2.69.142' };
  return (await fetch(`${person.server.url}/api/v1${path}`, { method, headers })).status;
}

test('a token is made, copied, used, rotated and revoked', async ({ alice, bob }) => {
  const page = await alice.signIn({ userAgent: FIREFOX, permissions: ['clipboard-read', 'clipboard-write'] });
  const bobs = await bob.signIn();
  await tab(page);
  const secret = await make(page, 'Night watch', 'Sessions: review and revoke');
  expect(secret).toMatch(/^wab_[0-9A-Za-z]{49}$/);
  await expect(page.getByLabel('Token', { exact: true })).toBeFocused();
  await page.getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await copied(page);
  await expect(page.getByText(secret)).toHaveCount(0);
  await expect(row(page, 'Night watch')).toContainText('Never used');
  expect([await status(alice, secret), await status(alice, secret, 'GET', '/tokens')]).toEqual([200, 403]);
  await alice.mail('An API token was made: Night watch');

  await page.reload();
  await expect(row(page, 'Night watch')).toContainText('Used just now by python-requests');
  await expect(row(page, 'Night watch')).toContainText('London, United Kingdom');
  await page.getByRole('tab', { name: 'Security' }).click();
  await expect(page.getByText('1 API token was used in the last 7 days: just now.')).toBeVisible();
  await tab(page);

  await page.getByRole('link', { name: 'Rotate Night watch' }).click();
  await page.getByRole('combobox', { name: 'The old secret ends' }).selectOption('After 1 hour');
  await page.getByRole('button', { name: 'Rotate' }).click();
  const second = await shown(page);
  await copied(page);
  expect([await status(alice, secret), await status(alice, second)]).toEqual([200, 200]);

  await page.getByRole('button', { name: 'Revoke Night watch' }).click();
  await expect(page.getByText('Night watch was revoked.')).toBeVisible();
  expect([await status(alice, secret), await status(alice, second)]).toEqual([401, 401]);
  await bobs.reload();
  await expect(bobs.getByRole('heading', { name: 'Active Sessions' })).toBeVisible();
});

test('a password change says which tokens go on, and revokes them on the spot', async ({ alice, bob }) => {
  const page = await alice.signIn();
  const bobs = await bob.signIn();
  await tab(page);
  const first = await make(page, 'First', 'Full access');
  await copied(page);
  const second = await make(page, 'Second', 'Read only');
  await copied(page);
  await tab(bobs);
  const his = await make(bobs, 'His', 'Read only');
  await page.goto('/profile/password');
  await hydrated(page);
  await page.getByRole('textbox', { name: 'Current password' }).fill('correct horse battery');
  await page.getByRole('textbox', { name: 'New password' }).fill('a longer staple of horses');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('2 API tokens go on working: revoke them too if somebody else may have them.')).toBeVisible();
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

test('a refused token loses nothing that was typed, and works without JavaScript', async ({ alice, bob }) => {
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
    await expires.selectOption('On a day of my choice');
    await until.fill('2001-01-01');
    await page.getByRole('button', { name: 'Make token' }).click();
    await expect(page.getByRole('alert')).toHaveText('A token expires in the future, and within 5 years.');
    await expect(name).toHaveValue('Old times');
    await expect(page.getByRole('radio', { name: 'Audit: read' })).toBeChecked();
    await expect(until).toHaveValue('2001-01-01');
    await expires.selectOption('1 month');
    await page.getByRole('button', { name: 'Make token' }).click();
    const secret = await shown(page);
    expect(await status(alice, secret)).toBe(200);
    await copied(page);
    await page.getByRole('button', { name: 'Revoke Old times' }).click();
    await expect(page.getByText('Old times was revoked.')).toBeVisible();
    expect(await status(alice, secret)).toBe(401);
  }
  expect(await bob.use(await bob.script('curl/8.5.0'))).toBe(200);
});

test('the API can be read about, signed in or not', async ({ alice }) => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await alice.open({ javaScriptEnabled });
    const faults: string[] = [];
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto('/api/docs');
    await expect(page.getByRole('heading', { name: 'List sessions' })).toBeVisible();
    const operation = page.getByRole('region', { name: 'Make an API token' });
    await operation.getByText('Answers').click();
    await expect(operation.getByText('Confirm your password to go on.')).toBeVisible();
    await operation.getByRole('link', { name: 'TokenRequest' }).click();
    await expect(page).toHaveURL(/#shape-TokenRequest$/);
    expect(faults).toEqual([]);
  }
});
