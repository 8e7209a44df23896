// The same checks in each browser, by roles and accessible names.
import { eventually, expect, hydrated, rows, signIn, test } from './fixtures.js';
import { type Tab } from './tab.js';

const CURL = 'Revoke curl, London, United Kingdom';

async function expectStatus(tab: Tab, message: string): Promise<void> {
  await eventually(async () => expect(await tab.texts('status')).toContain(message));
}

async function expectFocus(tab: Tab, text: string): Promise<void> {
  await eventually(async () => expect(await tab.evaluate('document.activeElement.textContent')).toBe(text));
}

test('signing in with the form leads to the card, and the page hydrates', async ({ tab, alice }) => {
  await signIn(tab, alice);
  expect(await tab.url()).toBe(`${alice.server.url}/profile?tab=security`);
  const [row, ...more] = await rows(tab);
  expect(row).toContain('Current session');
  expect(row).toContain('Online');
  expect(more).toEqual([]);
});

test('a session that signs in elsewhere appears, and Revoke ends it alone', async ({ tab, alice, bob }) => {
  await signIn(tab, alice);
  const [token, kept, bobs] = [await alice.script('curl/8.5.0'), await alice.script('Wget/1.21.3'), await bob.script('curl/8.5.0')];
  await eventually(async () => expect(await rows(tab)).toHaveLength(3));
  expect(await tab.texts('button', CURL)).toEqual(['Revoke']);
  await tab.click('button', CURL);
  await expectStatus(tab, 'curl, London, was signed out.');
  await eventually(async () => expect(await rows(tab)).toHaveLength(2));
  expect((await rows(tab)).join()).not.toContain('curl');
  expect([await alice.use(token), await alice.use(kept), await bob.use(bobs)]).toEqual([401, 200, 200]);
});

test('Revoke All asks in a modal dialog; Cancel ends nothing, confirming ends the others alone', async ({ tab, alice, bob }) => {
  const [tokens, bobs] = [[await alice.script('curl/8.5.0'), await alice.script('Wget/1.21.3')], await bob.script('curl/8.5.0')];
  const statuses = () => Promise.all([...tokens.map((token) => alice.use(token)), bob.use(bobs)]);
  const isModal = () => tab.evaluate("document.querySelector('dialog:modal') !== null");
  const open = async () => {
    await tab.click('button', 'Revoke All');
    await eventually(async () => expect(await tab.texts('dialog', 'Revoke all other sessions?')).toHaveLength(1));
    expect(await isModal()).toBe(true);
  };
  await signIn(tab, alice);
  await open();
  expect((await tab.texts('dialog')).join()).toContain('2 other sessions will be ended.');
  await tab.click('button', 'Cancel');
  await eventually(async () => expect(await tab.texts('dialog')).toEqual([]));
  expect(await rows(tab)).toHaveLength(3);
  expect(await statuses()).toEqual([200, 200, 200]);
  await open();
  await tab.press('Escape');
  await eventually(async () => expect(await tab.texts('dialog')).toEqual([]));
  await open();
  await tab.click('button', 'Revoke All', 'dialog');
  await expectStatus(tab, '2 other sessions were signed out.');
  await eventually(async () => expect(await rows(tab)).toHaveLength(1));
  expect(await statuses()).toEqual([401, 401, 200]);
  await tab.open(`${alice.server.url}/profile?tab=security`);
  expect(await rows(tab)).toHaveLength(1);
});

test('the profile menu is opened by its button, walked by arrow keys, and signs out', async ({ tab, alice, bob }) => {
  const [token, bobs] = [await alice.script('curl/8.5.0'), await bob.script('curl/8.5.0')];
  await signIn(tab, alice);
  await tab.click('button', 'Profile menu');
  await expectFocus(tab, 'Profile');
  for (const [key, item] of [['ArrowDown', 'Sign out'], ['ArrowDown', 'Profile'], ['ArrowUp', 'Sign out']] as const) {
    await tab.press(key);
    await expectFocus(tab, item);
  }
  await tab.press('Escape');
  await eventually(async () => expect(await tab.texts('menuitem')).toEqual([]));
  await tab.click('button', 'Profile menu');
  await tab.click('menuitem', 'Sign out');
  await eventually(async () => expect(await tab.url()).toBe(`${alice.server.url}/login`));
  await tab.open(`${alice.server.url}/profile?tab=security`);
  expect(await tab.url()).toContain('/login?next=');
  // Ended on the server too, not only forgotten by the browser.
  const list = await fetch(`${alice.server.url}/api/v1/sessions`, { headers: { authorization: `Bearer ${token}` } });
  expect(((await list.json()) as { sessions: { device: { label: string } }[] }).sessions.map(({ device }) => device.label)).toEqual(['curl']);
  expect(await bob.use(bobs)).toBe(200);
});

test('a page whose session is revoked elsewhere goes to the login page', async ({ tab, alice, bob }) => {
  const [token, bobs] = [await alice.script('curl/8.5.0'), await bob.script('curl/8.5.0')];
  await signIn(tab, alice);
  const answer = await fetch(`${alice.server.url}/api/v1/sessions`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  expect(await answer.json()).toEqual({ revoked: 1 });
  await eventually(async () => expect(await tab.url()).toMatch(/\/login/));
  await hydrated(tab);
  await expectStatus(tab, 'You were signed out from another device.');
  expect([await alice.use(token), await bob.use(bobs)]).toEqual([200, 200]);
});
