// The audit log, as people use it: search, chips, menus, what a row opens to, receipts and exports.
import { readFileSync } from 'node:fs';
import { looksRight } from './looks.js';
import { addPlant, grant } from './places.js';
import { type Page, expect, hydrated, test } from './support.js';

/** Opens the audit log from wherever the page is. */
async function openLog(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Audit', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Audit Log', exact: true })).toBeVisible();
}

for (const javaScriptEnabled of [true, false]) {
  const how = `${javaScriptEnabled ? 'with' : 'without'} JavaScript`;

  test(`an owner finds who closed a plant, and downloads the receipt, ${how}`, async ({ alice, bob, server }) => {
    const plant = addPlant(server, alice);
    grant(server, bob, 'operator', '--plant', plant.id);
    server.run(['plant', 'close', plant.id, '--reason', 'A laptop was stolen.']);
    const page = await alice.signIn({ javaScriptEnabled });
    await openLog(page);
    const events = page.getByRole('region', { name: 'Events' });
    await expect(events.getByText('Signed in with password').first()).toBeVisible();

    const search = page.getByRole('searchbox', { name: 'Search the audit log' });
    await search.fill(`plant:"${plant.name}" -action:grant.*`);
    await search.press('Enter');
    await expect(page).toHaveURL(/[?&]q=/);
    const row = events.locator('details', { hasText: 'Closed remote access to' });
    await expect(row).toContainText(`Closed remote access to ${plant.name}: “A laptop was stolen.”`);
    await expect(row).toContainText('Command line');
    await row.locator('summary').click();
    await expect(row.getByText('remote_access.closed')).toBeVisible();

    await page.getByRole('link', { name: 'Remove -action: grant.*' }).click();
    await expect(events.getByText('Granted')).toHaveCount(1);
    await page.getByRole('link', { name: `Remove plant: ${plant.name}` }).click();
    await expect(events.getByText('Signed in with password').first()).toBeVisible();

    // Sealed within a moment.
    const sealed = events.locator('details', { hasText: 'Closed remote access to' });
    await expect(async () => {
      await page.reload();
      await sealed.locator('summary').click();
      await expect(sealed.getByRole('link', { name: 'Download receipt' })).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 10_000 });
    const download = page.waitForEvent('download');
    await sealed.getByRole('link', { name: 'Download receipt' }).click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^receipt-\d+\.json$/);
    const receipt = JSON.parse(readFileSync(await file.path(), 'utf8')) as { entry: string; proof: string };
    expect(Buffer.from(receipt.entry, 'base64').toString()).toContain('remote_access.closed');
    expect(receipt.proof).toContain('c2sp.org/tlog-proof');
  });

  test(`a search without a hit leads to everything, and a mistake says what to write, ${how}`, async ({ alice }) => {
    const page = await alice.signIn({ javaScriptEnabled });
    await openLog(page);
    const search = page.getByRole('searchbox', { name: 'Search the audit log' });
    await search.fill('action:password.changed');
    await search.press('Enter');
    await expect(page.getByText('Nothing like that in the last 3 months.')).toBeVisible();
    await page.getByRole('link', { name: 'Search everything' }).click();
    await expect(page.getByText('Nothing like that in this period.')).toBeVisible();
    await expect(page.getByText('created:all')).toBeVisible();
    await page.goto('/audit?q=nothing:x');
    await expect(page.getByRole('alert')).toContainText('There is no qualifier “nothing:”');
    await expect(search).toHaveValue('nothing:x');
  });
}

test('the menus write qualifiers and export what is filtered', async ({ alice }) => {
  const page = await alice.signIn();
  await openLog(page);
  await hydrated(page);
  await page.getByRole('button', { name: 'Filters' }).click();
  await page.getByRole('link', { name: /^What was done/ }).click();
  const search = page.getByRole('searchbox', { name: 'Search the audit log' });
  await expect(search).toHaveValue('action:');
  await search.fill('action:account.signed_in');
  await search.press('Enter');
  await page.getByRole('button', { name: 'Export' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: /^CSV/ }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe('audit-log.csv');
  const lines = readFileSync(await file.path(), 'utf8').trim().split('\r\n');
  expect(lines[0]).toMatch(/^id,seq,occurred_at,action,outcome/);
  expect(lines.slice(1).every((line) => line.includes('account.signed_in'))).toBe(true);
  await page.goto('/audit');
  await expect(page.getByText('Exported events as CSV')).toBeVisible();
});

test('a session shows what else it did, and an event has a page of its own', async ({ alice, bob }) => {
  const page = await alice.signIn();
  await openLog(page);
  const row = page.locator('details.event').first();
  await row.locator('summary').click();
  await row.getByRole('link', { name: 'What else this session did' }).click();
  await expect(page).toHaveURL(/session%3A/);
  await expect(page.locator('details.event')).toHaveCount(1);
  await page.locator('details.event summary').click();
  await page.getByRole('link', { name: 'Link to this event' }).click();
  await expect(page.getByRole('heading', { name: 'Audit event' })).toBeVisible();
  const address = new URL(page.url()).pathname;
  const others = await bob.signIn();
  expect((await others.goto(address))?.status()).toBe(404);
});

test('the audit log looks right', async ({ alice, server }) => {
  const plant = addPlant(server, alice);
  server.run(['plant', 'close', plant.id, '--reason', 'A very long reason, so that the sentence of the row takes more than one line.']);
  const page = await alice.signIn();
  await page.goto('/audit?q=-action:audit.read+outcome:success+country:DE+country:GB+created:all');
  await looksRight(page);
  await page.goto('/audit');
  await page.locator('details.event summary').first().click();
  await looksRight(page);
});
