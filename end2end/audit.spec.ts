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

    const sealed = events.locator('details', { hasText: 'Closed remote access to' });
    const address = await sealed.getByText('Link to this event').getAttribute('href');
    // Sealed within a moment.
    await expect.poll(async () => (await page.request.get(`${address}/receipt`)).status()).toBe(200);
    await page.reload();
    await sealed.locator('summary').click();
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

test('new events are announced on the open page, and shown when asked for', async ({ alice, bob }) => {
  const page = await alice.signIn();
  await page.goto('/audit?q=action:account.signed_in');
  await hydrated(page);
  const rows = page.locator('details.event');
  await expect(rows).toHaveCount(1);
  await bob.script('curl/8.5.0');
  await alice.script('curl/8.5.0');
  await expect(page.getByText('1 new event', { exact: true })).toBeVisible();
  await expect(rows).toHaveCount(1);
  await page.getByRole('link', { name: 'Show', exact: true }).click();
  await expect(rows).toHaveCount(2);
});

for (const javaScriptEnabled of [true, false]) {
  test(`the chart leads to the events of a day, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ alice, bob, server }) => {
    const plant = addPlant(server, alice);
    server.run(['plant', 'close', plant.id, '--reason', 'A laptop was stolen.']);
    const page = await alice.signIn({ javaScriptEnabled });
    const chart = page.getByRole('region', { name: 'Activity by day' });
    await page.goto('/audit?q=action:remote_access.closed');
    const address = await page.getByText('Link to this event').getAttribute('href');
    // Counted when it is sealed, within a moment.
    await expect.poll(async () => (await page.request.get(`${address}/receipt`)).status()).toBe(200);
    await page.goto('/audit');
    await expect(chart.getByText(/^[1-9]\d* events? at plants in the last 30 days, 0 of them refused$/)).toBeVisible();
    await chart.getByText('Show as a table').click();
    await expect(chart.getByRole('table').getByRole('row')).toHaveCount(31);
    await chart.getByRole('table').getByRole('link').first().click();
    await expect(page).toHaveURL(/q=created%3A\d{4}-\d\d-\d\d$/);
    await expect(page.getByText('Closed remote access to').first()).toBeVisible();
    await page.goto('/audit');
    await page.locator('.plot a').last().click();
    await expect(page).toHaveURL(/q=created%3A\d{4}-\d\d-\d\d$/);
    await page.goto('/audit');
    await page.getByRole('link', { name: '48 hours' }).click();
    await expect(page.getByRole('heading', { name: 'Activity by hour' })).toBeVisible();
    const others = await bob.signIn({ javaScriptEnabled });
    await others.goto('/audit');
    await expect(others.getByRole('heading', { name: 'Audit Log', exact: true })).toBeVisible();
    await expect(others.getByText('Activity by day')).toHaveCount(0);
  });
}

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
