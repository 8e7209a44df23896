// Exact times: the server and the browser format them alike, since a page may show either.
import { type Page, expect, fillIn, hydrated, rows, test } from './support.js';

/** Returns the exact times in the row of Wget: those in the titles of its times, and those in its details. */
async function exactTimes(page: Page): Promise<string[]> {
  const row = rows(page).filter({ hasText: 'Wget' });
  await row.getByText('Wget', { exact: true }).click();
  await expect(row.getByText('Expires at the latest')).toBeVisible();
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
  test(`the browser formats exact times like the server: ${zone}`, async ({ alice }) => {
    const live = await alice.signIn();
    await live.goto('/profile?tab=profile');
    await hydrated(live);
    await live.getByRole('combobox', { name: 'Time zone' }).selectOption(zone);
    await live.getByRole('button', { name: 'Save' }).click();
    await expect(live.getByText('Saved.')).toBeVisible();
    await live.goto('/profile?tab=security');
    await hydrated(live);
    // This row arrives while the page is open, so that only the browser renders it.
    await alice.script('Wget/1.21.3');
    await expect(rows(live)).toHaveCount(2);
    const plain = await alice.open({ javaScriptEnabled: false });
    await plain.goto('/login');
    await fillIn(plain, alice.name);
    const [byBrowser, byServer] = [await exactTimes(live), await exactTimes(plain)];
    expect(byBrowser).toEqual(byServer);
    expect(byServer.length).toBeGreaterThanOrEqual(6);
    for (const time of byServer) expect(time).toMatch(written);
  });
}
