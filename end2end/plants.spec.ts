// The plants that a person sees, and a plant's page, as people use them.
import { looksRight } from './looks.js';
import { addPlant, grant, openPlant } from './places.js';
import { expect, hydrated, test } from './support.js';

for (const javaScriptEnabled of [true, false]) {
  const how = `${javaScriptEnabled ? 'with' : 'without'} JavaScript`;

  test(`remote access is closed with a reason and reopened, ${how}`, async ({ alice, bob, server }) => {
    const plant = addPlant(server, alice);
    grant(server, bob, 'technician', '--portfolio', plant.portfolio);
    const [page, bobs] = [await alice.signIn({ javaScriptEnabled }), await bob.signIn({ javaScriptEnabled })];
    const ready = async () => (javaScriptEnabled ? hydrated(page) : undefined);
    await openPlant(bobs, plant, javaScriptEnabled);
    const way = bobs.getByRole('region', { name: 'Devices' }).getByRole('link', { name: 'Open Inverter' });
    await expect(way).toHaveAttribute('href', /^https:\/\/inverter\.site\w+\.example\/$/);
    await expect(bobs.getByRole('button', { name: 'Close remote access' })).toHaveCount(0);

    await openPlant(page, plant, javaScriptEnabled);
    await page.getByRole('button', { name: 'Close remote access' }).click();
    const dialog = page.getByRole('dialog', { name: `Close remote access to ${plant.name}?` });
    await expect(dialog).toContainText('its 2 devices answer nobody, you included. You can reopen it at any time.');
    await ready();
    const reason = dialog.getByRole('textbox', { name: 'Reason' });
    await expect(reason).toBeFocused();
    await reason.fill('   ');
    await dialog.getByRole('button', { name: 'Close remote access' }).click();
    await expect(dialog.getByRole('alert')).toContainText('Enter a reason');
    await ready();
    await reason.fill('A laptop was stolen.');
    await dialog.getByRole('button', { name: 'Close remote access' }).click();
    await expect(page.getByText('Remote access is closed', { exact: true })).toBeVisible();
    await expect(page.getByText('“A laptop was stolen.”')).toBeVisible();
    await expect(dialog).toHaveCount(0);

    await bobs.reload();
    await expect(way).toHaveCount(0);
    await expect(bobs.getByRole('region', { name: 'Devices' }).getByText('Closed', { exact: true })).toHaveCount(2);
    await expect(bobs.getByRole('button', { name: 'Reopen remote access' })).toHaveCount(0);
    await ready();
    await page.getByRole('button', { name: 'Reopen remote access' }).click();
    await expect(page.getByText('Remote access is open', { exact: true })).toBeVisible();
    await bobs.reload();
    await expect(way).toBeVisible();
  });

  test(`plants are found by search, kind and organization, ${how}`, async ({ alice, bob, server }) => {
    const [first, second] = [addPlant(server, alice), addPlant(server, bob)];
    grant(server, alice, 'viewer', '--organization', second.organization);
    for (let number = 1; number <= 8; number += 1) {
      server.run(['plant', 'add', '--portfolio', first.portfolio, '--name', `Windpark ${number}`, '--kind', 'wind']);
    }
    const page = await alice.signIn({ javaScriptEnabled });
    await page.getByRole('link', { name: 'Plants', exact: true }).click();
    await expect(page.getByText('10 plants in 2 organizations.')).toBeVisible();
    const plants = page.locator('.plant-name').getByRole('link');
    await expect(plants).toHaveCount(4);
    await page.getByRole('link', { name: 'Show all 9 plants of North' }).click();
    await expect(plants).toHaveCount(9);
    await page.getByRole('link', { name: 'Wind', exact: true }).click();
    await expect(plants).toHaveCount(8);
    await page.goto('/plants');
    const search = page.getByRole('searchbox', { name: 'Search plants' });
    await search.fill('camera');
    await search.press('Enter');
    await expect(plants).toHaveText([first.name, second.name]);
    await page.getByRole('combobox', { name: 'Organization' }).selectOption({ index: 2 });
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await expect(plants).toHaveText([second.name]);
    await search.fill('nothing like that');
    await search.press('Enter');
    await expect(page.getByText('No plant, place or device has that name.')).toBeVisible();
    await page.getByRole('link', { name: 'Clear the search' }).click();
    await expect(plants).toHaveText([second.name]);
  });
}

test('a person without a plant reads how to get access, and cannot open the plants of others', async ({ alice, bob, server }) => {
  const plant = addPlant(server, alice);
  const [page, bobs] = [await alice.signIn(), await bob.signIn()];
  await openPlant(page, plant);
  await bobs.getByRole('link', { name: 'Plants', exact: true }).click();
  await expect(bobs.getByText('No plant is shared with you yet')).toBeVisible();
  await expect(bobs.getByText(bob.email)).toBeVisible();
  const answer = await bobs.goto(page.url());
  expect(answer?.status()).toBe(404);
  await expect(bobs.getByRole('heading', { name: 'Plant not found' })).toBeVisible();
});

test('the dialog is left with Escape, and the map is drawn', async ({ alice, bob, server }) => {
  const plant = addPlant(server, alice);
  grant(server, bob, 'viewer', '--organization', plant.organization);
  const [page, bobs] = [await alice.signIn(), await bob.signIn()];
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  const map = page.waitForResponse((answer) => /\/pkg\/map[.\w]*\.svg$/.test(answer.url()));
  await openPlant(page, plant);
  expect((await map).status()).toBe(200);
  await expect(page.getByRole('img', { name: 'Map: Eggebek, Germany' })).toBeVisible();
  // Drawn, and not only loaded: the land has a size.
  await expect.poll(() => page.locator('.map-land').first().evaluate((land: SVGGraphicsElement) => land.getBBox().width)).toBeGreaterThan(7000);
  await page.getByRole('button', { name: 'Close remote access' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await hydrated(page);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page).toHaveURL(/\/plants\/[-\w]+$/);
  expect(faults).toEqual([]);
  await openPlant(bobs, plant);
  await expect(bobs.getByText('Your access')).toBeVisible();
});

test('no overflow and no axe violations on pages about plants', async ({ alice, bob, server }) => {
  const plant = addPlant(server, alice);
  const long = addPlant(server, alice);
  server.run(['plant', 'add', '--portfolio', long.portfolio, '--name', 'Longname'.repeat(10), '--kind', 'storage', '--place', 'Longplace'.repeat(8)]);
  grant(server, bob, 'auditor', '--organization', plant.organization);
  for (let number = 1; number <= 6; number += 1) {
    server.run(['plant', 'add', '--portfolio', plant.portfolio, '--name', `Windpark ${number}`, '--kind', 'wind']);
  }
  const [page, bobs] = [await alice.signIn(), await bob.signIn()];
  for (const path of ['/plants', '/plants?search=longname', '/plants?search=nothing', `/plants?portfolio=${plant.portfolio}`, '/plants/unknown']) {
    await page.goto(path);
    await hydrated(page);
    await looksRight(page);
  }
  await openPlant(page, plant);
  await looksRight(page);
  await page.getByRole('button', { name: 'Close remote access' }).click();
  await hydrated(page);
  await looksRight(page);
  await page.getByRole('textbox', { name: 'Reason' }).fill('Longreason'.repeat(12));
  await page.getByRole('dialog').getByRole('button', { name: 'Close remote access' }).click();
  await expect(page.getByText('Remote access is closed', { exact: true })).toBeVisible();
  await hydrated(page);
  await looksRight(page);
  await openPlant(bobs, plant);
  await looksRight(bobs);
  await page.goto('/plants');
  await page.getByRole('link', { name: 'Longname'.repeat(10) }).click();
  await hydrated(page);
  await looksRight(page);
});
