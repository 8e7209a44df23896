// The password: changing it, resetting it, and its strength.
import { link } from './mails.js';
import { expect, fillIn, hydrated, rows, test } from './support.js';

const NEW = 'a longer staple of horses';

test('a password change signs out all other sessions and sends an email', async ({ alice, bob }) => {
  const [page, other, bobs] = [await alice.signIn(), await alice.signIn(), await bob.signIn()];
  await page.getByRole('link', { name: 'Change: Password' }).click();
  await hydrated(page);
  await page.getByRole('textbox', { name: 'Current password' }).fill('not this one');
  await page.getByRole('textbox', { name: 'New password' }).fill(NEW);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByRole('alert')).toHaveText('The password is incorrect. Try again.');
  await expect(page.getByRole('textbox', { name: 'New password' })).toHaveValue(NEW);
  await page.getByRole('textbox', { name: 'Current password' }).fill('correct horse battery');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('Your password was changed. 1 other session was signed out.')).toBeVisible();
  await expect(other.getByText('Your password was changed, so you were signed out here.')).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  await bobs.reload();
  await expect(rows(bobs)).toHaveCount(1);
  expect((await alice.mail('Your password was changed')).text).toContain('1 session');
});

test('the strength of a new password is shown', async ({ alice }) => {
  const page = await alice.signIn();
  await page.goto('/profile/password');
  await hydrated(page);
  const meter = page.locator('#strength');
  await page.getByRole('textbox', { name: 'New password' }).fill('password1');
  await expect(meter).toHaveAttribute('data-score', '0');
  await page.getByRole('textbox', { name: 'New password' }).fill('turbines hum above the wheat at dusk');
  await expect(meter).toHaveAttribute('data-score', '4');
});

for (const javaScriptEnabled of [true, false]) {
  test(`a forgotten password is reset by an emailed link, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ alice, bob }) => {
    const [there, bobs] = [await alice.signIn(), await bob.signIn()];
    const page = await alice.open({ javaScriptEnabled });
    const ready = async () => (javaScriptEnabled ? hydrated(page) : undefined);
    await page.goto('/login');
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await ready();
    await page.getByRole('textbox', { name: 'Email' }).fill(alice.email);
    await page.getByRole('button', { name: 'Email me a link' }).click();
    await expect(page.getByText('If an account has this address, an email with a link is on its way.')).toBeVisible();
    await page.goto(link(await alice.mail('Choose a new password')));
    await ready();
    await page.getByRole('textbox', { name: 'New password' }).fill('password');
    await page.getByRole('button', { name: 'Set new password' }).click();
    await expect(page.getByRole('alert')).toContainText('most common passwords');
    await page.getByRole('textbox', { name: 'New password' }).fill(NEW);
    await page.getByRole('button', { name: 'Set new password' }).click();
    await expect(page.getByText('Your new password is set. Sign in with it.')).toBeVisible();
    await expect(there.getByText('Your password was reset, so you were signed out everywhere.')).toBeVisible();
    await ready();
    await fillIn(page, alice.name, NEW);
    await expect(page.getByRole('heading', { name: 'Active Sessions' })).toBeVisible();
    await bobs.reload();
    await expect(rows(bobs)).toHaveCount(1);
    await alice.mail('Your password was changed');
  });
}
