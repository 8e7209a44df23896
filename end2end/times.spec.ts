// Exact times: the server and the browser write them alike, since a page may show either.
import { type Page, expect, fillIn, hydrated, rows, test } from './support.js';

/** The exact times of the row of Wget: as its times' titles say them, and its details. */
async function told(page: Page): Promise<string[]> {
  const row = rows(page).filter({ hasText: 'Wget' });
  await row.getByText('Wget', { exact: true }).click();
  await expect(row.getByText('Ends in any case')).toBeVisible();
  const titles = await row.locator('time').evaluateAll((times) => times.map((time) => time.getAttribute('title') ?? ''));
  const details = await row.locator('dd').allTextContents();
  const exact = details.map((words) => /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^)]*/.exec(words)?.[0]).filter((time) => time !== undefined);
  return [...titles, ...exact];
}

const zones = [
  ['UTC', /\d UTC$/],
  ['Africa/Abidjan', /\d UTC$/],
  ['Asia/Kolkata', /\d GMT\+05:30$/],
  ['Pacific/Marquesas', /\d GMT-09:30$/],
] as const;
for (const [zone, written] of zones) {
  test(`the browser writes exact times as the server does: ${zone}`, async ({ alice }) => {
    const live = await alice.signIn();
    await live.goto('/profile?tab=profile');
    await hydrated(live);
    await live.getByRole('combobox', { name: 'Time zone' }).selectOption(zone);
    await live.getByRole('button', { name: 'Save' }).click();
    await expect(live.getByText('Saved.')).toBeVisible();
    await live.goto('/profile?tab=security');
    await hydrated(live);
    // This row comes while the page is open, so that the browser alone writes it.
    await alice.script('Wget/1.21.3');
    await expect(rows(live)).toHaveCount(2);
    const plain = await alice.open({ javaScriptEnabled: false });
    await plain.goto('/login');
    await fillIn(plain, alice.name);
    const [byBrowser, byServer] = [await told(live), await told(plain)];
    expect(byBrowser).toEqual(byServer);
    expect(byServer.length).toBeGreaterThanOrEqual(6);
    for (const time of byServer) expect(time).toMatch(written);
  });
}
