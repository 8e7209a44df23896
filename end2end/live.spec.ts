import { FIREFOX, expect, rows, test } from './support.js';

test('sign-ins and sign-outs appear on all pages of the same user only', async ({ alice, bob }) => {
  const [one, other] = [await alice.signIn(), await bob.signIn()];
  const two = await one.context().newPage();
  await two.goto('/profile?tab=security');
  await expect(rows(two)).toHaveCount(1);
  const token = await alice.script('curl/8.5.0');
  for (const page of [one, two]) await expect(rows(page).filter({ hasText: 'curl' })).toBeVisible();
  await fetch(`${alice.server.url}/api/v1/sessions/current`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  for (const page of [one, two]) await expect(rows(page)).toHaveCount(1);
  await expect(rows(other)).toHaveCount(1);
});

test('the Online indicator expires, and a use renews it and moves the row up', async ({ alice }) => {
  const token = await alice.script('curl/8.5.0');
  const page = await alice.open();
  await page.clock.install();
  await page.goto('/login');
  await page.locator('body[data-hydrated="true"]').waitFor({ state: 'attached' });
  await page.getByRole('textbox', { name: 'Username or email' }).fill(alice.name);
  await page.getByRole('textbox', { name: 'Password' }).fill('correct horse battery');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('body[data-hydrated="true"]').waitFor({ state: 'attached' });
  const row = rows(page).filter({ hasText: 'curl' });
  await expect(row).toContainText('Online');
  await page.mouse.move(5, 5);
  await page.clock.runFor(6 * 60_000);
  await expect(row).toContainText(/[56] minutes ago/);
  await expect(rows(page).first()).toContainText('Current session');
  expect(await alice.use(token)).toBe(200);
  await page.clock.runFor(2_000);
  await expect(rows(page).first()).toContainText('curl');
});

test('a use moves the row up', async ({ alice }) => {
  const first = await alice.script('curl/8.5.0');
  await alice.script('Wget/1.21.3');
  const page = await alice.signIn();
  await page.mouse.move(5, 5);
  await expect(rows(page).nth(2)).toContainText('curl');
  expect(await alice.use(first)).toBe(200);
  await expect(rows(page).first()).toContainText('curl');
});

test('rows do not move under the pointer', async ({ alice }) => {
  const first = await alice.script('curl/8.5.0');
  await alice.script('Wget/1.21.3');
  const page = await alice.signIn();
  await rows(page).nth(1).hover();
  expect(await alice.use(first, 'curl/8.5.0', '1.1.1.1')).toBe(200);
  await expect(rows(page).filter({ hasText: 'curl' })).toContainText('1.1.1.1');
  await expect(rows(page).nth(2)).toContainText('curl');
  await page.mouse.move(5, 5);
  await expect(rows(page).first()).toContainText('curl');
});

test('ten tabs of one browser receive updates', async ({ alice }) => {
  const first = await alice.signIn();
  const tabs = [first];
  for (let number = 1; number < 10; number += 1) {
    const tab = await first.context().newPage();
    await tab.goto('/profile?tab=security');
    tabs.push(tab);
  }
  await Promise.all(tabs.map((tab) => expect(tab.locator('body[data-hydrated="true"]')).toBeAttached()));
  const other = await alice.signIn({ userAgent: FIREFOX });
  for (const tab of tabs) await expect(rows(tab)).toHaveCount(2);
  await other.getByRole('button', { name: /^Revoke Headless/ }).click();
  for (const tab of tabs) await expect(tab).toHaveURL(/\/login/);
});

test('after a restart the page reconnects and shows missed changes', async ({ browser }) => {
  const { Person, Server } = await import('./support.js');
  const server = await Server.start();
  try {
    server.addUser('carol');
    const carol = new Person('carol', server, browser);
    const token = await carol.script('curl/8.5.0');
    const page = await carol.signIn();
    await expect(rows(page)).toHaveCount(2);
    const stopping = server.stop();
    await expect(page.getByText('No connection. The list may be out of date.')).toBeVisible();
    expect(await stopping).toBeLessThan(5_000);
    server.run(['session', 'revoke', '--user', 'carol', '--id', await server.sessionId('carol', 'curl')]);
    await server.resume();
    await expect(page.getByText('No connection. The list may be out of date.')).toBeHidden();
    await expect(rows(page)).toHaveCount(1);
    await carol.script('Wget/1.21.3');
    await expect(rows(page).filter({ hasText: 'Wget' })).toBeVisible();
    expect(await carol.use(token)).toBe(401);
  } finally {
    await server.remove();
  }
});

test('a page whose session ended while it was disconnected goes to the login page on reconnect', async ({ browser }) => {
  const { Person, Server } = await import('./support.js');
  const server = await Server.start();
  try {
    server.addUser('dave');
    const page = await new Person('dave', server, browser).signIn();
    await server.stop();
    server.run(['session', 'revoke', '--user', 'dave', '--all']);
    await server.resume();
    await expect(page).toHaveURL(/\/login/);
    await expect(page.getByText('An administrator signed you out.')).toBeVisible();
  } finally {
    await server.remove();
  }
});
