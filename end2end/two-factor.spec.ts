// The second factor, with codes from `oathtool`, an independent implementation.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Page, type Person, PASSWORD, expect, fillIn, hydrated, test } from './support.js';

/** Returns the code of this seed, this many steps of 30 seconds from now. Each code is accepted once. */
function code(seed: string, steps = 0): string {
  const at = new Date(Date.now() + steps * 30_000).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
  return execFileSync('oathtool', ['--totp', '--base32', '--now', at, seed], { encoding: 'utf8' }).trim();
}

/** Enables the second factor in its dialog of three steps. Returns the seed and the recovery codes. */
async function enable(page: Page, ready: () => Promise<void>): Promise<{ seed: string; codes: string[] }> {
  await page.getByRole('link', { name: 'Set up: Two-factor authentication' }).click();
  await ready();
  await page.getByRole('button', { name: 'Set up' }).click();
  await expect(page.getByRole('dialog', { name: 'Scan this with your app' })).toBeVisible();
  await expect(page.getByRole('img', { name: 'QR code of the secret below' })).toBeVisible();
  const seed = (await page.locator('#seed').innerText()).replaceAll(' ', '');
  await page.getByRole('link', { name: 'Next' }).click();
  await expect(page.getByRole('dialog', { name: 'Save your recovery codes' })).toBeVisible();
  const codes = (await page.getByLabel('Recovery codes', { exact: true }).innerText()).trim().split('\n');
  expect(codes).toHaveLength(10);
  await page.getByRole('link', { name: 'I have saved them' }).click();
  await ready();
  await page.getByRole('textbox', { name: 'Authentication code' }).fill('000000');
  await page.getByRole('button', { name: 'Turn on' }).click();
  await expect(page.getByRole('alert')).toContainText('The code is incorrect');
  await page.getByRole('textbox', { name: 'Authentication code' }).fill(code(seed));
  await page.getByRole('button', { name: 'Turn on' }).click();
  await expect(page.getByText('Two-factor authentication is on.')).toBeVisible();
  await expect(page.getByText(/^Enabled since .*10 recovery codes left\.$/)).toBeVisible();
  return { seed, codes };
}

async function verify(page: Page, typed: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Authentication code' }).fill(typed);
  await page.getByRole('button', { name: 'Verify' }).click();
}

async function enterPassword(person: Person, javaScriptEnabled: boolean): Promise<Page> {
  const page = await person.open({ javaScriptEnabled });
  await page.goto('/login');
  if (javaScriptEnabled) await hydrated(page);
  await fillIn(page, person.name);
  await expect(page.getByRole('textbox', { name: 'Authentication code' })).toBeVisible();
  if (javaScriptEnabled) await hydrated(page);
  return page;
}

for (const javaScriptEnabled of [true, false]) {
  const how = `${javaScriptEnabled ? 'with' : 'without'} JavaScript`;

  test(`two-factor authentication is turned on and required at sign-in, ${how}`, async ({ alice, bob }) => {
    const page = await alice.signIn({ javaScriptEnabled });
    const { seed } = await enable(page, async () => (javaScriptEnabled ? hydrated(page) : undefined));
    await alice.mail('Two-factor authentication is on');
    const next = await enterPassword(alice, javaScriptEnabled);
    await next.goto('/profile');
    await expect(next).toHaveURL(/\/login/);
    if (javaScriptEnabled) await hydrated(next);
    await verify(next, code(seed, 1));
    await expect(next.getByRole('heading', { name: 'Active Sessions' })).toBeVisible();
    const others = await bob.signIn({ javaScriptEnabled });
    await expect(others.getByText('Off. A stolen password is enough to sign in.')).toBeVisible();
  });

  test(`a recovery code works once, and another one turns it off, ${how}`, async ({ alice }) => {
    const page = await alice.signIn({ javaScriptEnabled });
    const ready = async () => (javaScriptEnabled ? hydrated(page) : undefined);
    const { codes } = await enable(page, ready);
    const lost = await enterPassword(alice, javaScriptEnabled);
    await verify(lost, codes[0] ?? '');
    await expect(lost.getByText(/9 recovery codes left/)).toBeVisible();
    await alice.mail('A recovery code was used');
    await page.goto('/profile/two-factor');
    await ready();
    await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
    await page.getByRole('textbox', { name: 'Authentication code' }).fill(codes[1] ?? '');
    await page.getByRole('button', { name: 'Turn off' }).click();
    await expect(page.getByText('Two-factor authentication is off.')).toBeVisible();
    await alice.mail('Two-factor authentication is off');
    await alice.signIn({ javaScriptEnabled });
  });
}

test('recovery codes are copied, downloaded and replaced', async ({ alice }) => {
  const page = await alice.signIn({ permissions: ['clipboard-read', 'clipboard-write'] });
  const { seed } = await enable(page, () => hydrated(page));
  await page.goto('/profile/two-factor');
  await hydrated(page);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('textbox', { name: 'Authentication code' }).fill(code(seed, 1));
  await page.getByRole('button', { name: 'Create new recovery codes' }).click();
  const dialog = page.getByRole('dialog', { name: 'Your new recovery codes' });
  await hydrated(page);
  const shown = await dialog.getByLabel('Recovery codes', { exact: true }).innerText();
  await dialog.getByRole('button', { name: 'Copy' }).click();
  await expect(dialog.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect((await page.evaluate(() => navigator.clipboard.readText())).trim()).toBe(shown.trim());
  const download = page.waitForEvent('download');
  await dialog.getByRole('link', { name: 'Download' }).click();
  const path = await (await download).path();
  expect(readFileSync(path, 'utf8').trim()).toBe(shown.trim());
  await dialog.getByRole('button', { name: 'I have saved them' }).click();
  await expect(page.getByText('Your new recovery codes are active.')).toBeVisible();
});

test('the setup dialog works with the keyboard and closes with Escape', async ({ alice }) => {
  const page = await alice.signIn();
  await page.goto('/profile/two-factor');
  await hydrated(page);
  await page.getByRole('button', { name: 'Set up' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await hydrated(page);
  await page.getByRole('link', { name: 'Next' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Save your recovery codes' })).toBeVisible();
  await hydrated(page);
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/\/profile\?tab=security$/);
  await expect(page.getByText('Off. A stolen password is enough to sign in.')).toBeVisible();
});
