import { type Page, expect, hydrated, test } from './support.js';

/** Bytes of WebAssembly and JavaScript that the page has loaded, compressed. */
async function scriptBytes(page: Page): Promise<number> {
  await hydrated(page);
  const sizes = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .map((entry) => entry as PerformanceResourceTiming)
      .filter((entry) => /\.(js|wasm)$/.test(new URL(entry.name).pathname))
      .map((entry) => entry.encodedBodySize),
  );
  expect(sizes).toHaveLength(2); // each file once: a preload that does not match would load it again
  return sizes.reduce((sum, size) => sum + size, 0);
}

test('the Security tab loads the card, and forms load no more than their enhancements', async ({ alice }) => {
  const page = await alice.open();
  await page.goto('/login');
  const form = await scriptBytes(page);
  expect(form).toBeGreaterThan(5_000);
  expect(form).toBeLessThanOrEqual(20_000);
  const card = await scriptBytes(await alice.signIn());
  expect(card).toBeGreaterThan(form);
  expect(card).toBeLessThanOrEqual(125_000);
});

test('the pages that set up a second factor are not compressed', async ({ alice }) => {
  const page = await alice.signIn();
  await page.goto('/profile/two-factor');
  await hydrated(page);
  for (const [button, step] of [['Set up', 'step=1'], ['Next', 'step=2']] as const) {
    const shown = page.waitForResponse((response) => response.url().endsWith(step));
    await page.getByRole('button', { name: button }).or(page.getByRole('link', { name: button })).click();
    expect((await shown).headers()['cache-control']).toBe('no-store, no-transform');
    await hydrated(page);
  }
});

test('a page that shows a secret is not compressed, others are', async ({ alice }) => {
  const page = await alice.signIn();
  const security = await page.reload();
  expect(security?.headers()['content-encoding']).toBe('br');
  await page.goto('/profile/tokens/new');
  await hydrated(page);
  await page.getByRole('textbox', { name: 'Name' }).fill('backup');
  await page.getByRole('radio', { name: 'Read only' }).check();
  const shown = page.waitForResponse((response) => response.url().endsWith('tab=api-tokens'));
  await page.getByRole('button', { name: 'Create token' }).click();
  await expect(page.getByRole('dialog', { name: 'Copy your token now' })).toBeVisible();
  const headers = (await shown).headers();
  expect(headers['content-encoding']).toBeUndefined();
  expect(headers['cache-control']).toBe('no-store, no-transform');
});
