// A browser and a server for each worker, and two users and a tab for each test.
import { test as base, expect } from '@playwright/test';
import { PASSWORD, Server, User, addUnique } from '../support.js';
import { startFirefox } from './firefox.js';
import { type Engine, type Tab } from './tab.js';
import { startWebKit } from './webkit.js';

export type Options = { engineName: 'firefox' | 'webkit' };

export const test = base.extend<{ alice: User; bob: User; tab: Tab }, Options & { engine: Engine; server: Server }>({
  engineName: ['firefox', { option: true, scope: 'worker' }],
  engine: [
    async ({ engineName }, use) => {
      const engine = await (engineName === 'firefox' ? startFirefox() : startWebKit());
      await use(engine);
      await engine.close();
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.remove();
    },
    { scope: 'worker' },
  ],
  alice: async ({ server }, use) => {
    await use(new User(addUnique('alice', server), server));
  },
  bob: async ({ server }, use) => {
    await use(new User(addUnique('bob', server), server));
  },
  tab: async ({ engine }, use) => {
    const tab = await engine.newTab();
    await use(tab);
    await tab.close();
  },
});

/** Repeats a check until it holds. The page may change in the middle of it. */
export async function eventually(check: () => Promise<void>): Promise<void> {
  await expect(check).toPass({ timeout: 30_000 });
}

export async function hydrated(tab: Tab): Promise<void> {
  await eventually(async () => expect(await tab.evaluate('document.body.dataset.hydrated')).toBe('true'));
}

/** Signs in with the form. Returns on the hydrated Security tab. */
export async function signIn(tab: Tab, user: User): Promise<void> {
  await tab.open(`${user.server.url}/login`);
  await hydrated(tab);
  await tab.type('textbox', 'Username or email', user.name);
  await tab.type('textbox', 'Password', PASSWORD);
  await tab.click('button', 'Sign in');
  await eventually(async () => expect(await tab.texts('heading', 'Active Sessions')).toHaveLength(1));
  await hydrated(tab);
}

/** Returns the texts of the rows of the card without the header. */
export async function rows(tab: Tab): Promise<string[]> {
  return (await tab.texts('row')).slice(1);
}

export { expect };
