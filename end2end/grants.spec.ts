// Giving and taking access, and managing plants, devices, members and vendors, as people do it.
import { looksRight } from './looks.js';
import { type Plant, addPlant, grant, openPlant } from './places.js';
import { type Page, type Person, expect, hydrated, test } from './support.js';

/** Presses Tab until this has the focus. */
async function tabTo(page: Page, target: ReturnType<Page['locator']>): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${target.toString()}`);
}

const organizationPage = (plant: Plant) => `/organizations/${plant.organization}`;

for (const javaScriptEnabled of [true, false]) {
  const how = `${javaScriptEnabled ? 'with' : 'without'} JavaScript`;
  const ready = async (page: Page) => (javaScriptEnabled ? hydrated(page) : undefined);

  /** Chooses technician for a week in the form that grants access, reads what changes, and grants it. */
  const grantTechnician = async (page: Page, who: Person, reach: string) => {
    await ready(page);
    const person = page.getByRole('searchbox', { name: 'Person' });
    await person.fill(who.name.slice(1)); // names differ in their last letters
    await person.press('Enter');
    await expect(page.getByText('Nobody was found.')).toBeVisible(); // because a part of a stranger's name finds nobody
    await ready(page);
    await person.fill(who.name);
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('link', { name: new RegExp(who.name) }).click();
    await ready(page);
    const changes = page.getByRole('complementary', { name: 'What changes' });
    await expect(changes).toContainText('Choose a role');
    await page.getByRole('radio', { name: /^Technician/ }).check();
    await page.getByRole('radio', { name: '1 week' }).check();
    await page.getByRole('textbox', { name: 'Reason' }).fill('Repairs');
    if (!javaScriptEnabled) await page.getByRole('button', { name: 'Show what changes' }).click();
    await expect(changes).toContainText(`${who.name} will be able to open ${reach} as technician, until`);
    await expect(page.getByRole('textbox', { name: 'Reason' })).toHaveValue('Repairs');
    await page.locator('form').filter({ hasText: 'Reason' }).getByRole('button', { name: 'Grant access' }).click();
  };

  test(`access is granted in the dialog of a plant, extended and ended, ${how}`, async ({ alice, bob, server }) => {
    const plant = addPlant(server, alice);
    const [page, bobs] = [await alice.signIn({ javaScriptEnabled }), await bob.signIn({ javaScriptEnabled })];
    await openPlant(page, plant, javaScriptEnabled);
    await page.getByRole('button', { name: 'Grant access' }).click();
    await expect(page.getByRole('dialog', { name: 'Grant access' })).toBeVisible();
    await grantTechnician(page, bob, '2 devices of 1 plant');
    await expect(page.getByText(`${bob.name} is now technician by ${plant.name}.`)).toBeVisible();
    await openPlant(bobs, plant, javaScriptEnabled);
    await expect(bobs.getByRole('link', { name: 'Open Inverter' })).toBeVisible();

    const end = page.getByRole('link', { name: `End: Technician by ${plant.name}, ${bob.name}` });
    await end.click();
    await page.getByRole('link', { name: 'Extend instead' }).click();
    await expect(page.getByRole('heading', { name: `Extend the access of ${bob.name}` })).toBeVisible();
    await ready(page);
    await page.getByRole('radio', { name: 'A day of my choice' }).check();
    await page.getByLabel('Last day').fill('2000-01-01');
    await page.getByRole('button', { name: 'Set the end' }).click();
    await expect(page.getByRole('main').getByRole('alert')).toBeVisible();
    await expect(page.getByLabel('Last day')).toHaveValue('2000-01-01');
    await ready(page);
    await page.getByRole('radio', { name: 'No end' }).check();
    await page.getByRole('textbox', { name: 'Reason' }).fill('Longer repairs');
    await page.getByRole('button', { name: 'Set the end' }).click();
    await expect(page.getByText(`The access of ${bob.name} has a new end.`)).toBeVisible();
    await end.click();
    await ready(page);
    await page.getByRole('dialog', { name: `End the access of ${bob.name}?` }).getByRole('button', { name: 'End access' }).click();
    await expect(page.getByText(`${bob.name} is no longer technician by ${plant.name}.`, { exact: true })).toBeVisible();
    await bobs.reload();
    await expect(bobs.getByRole('heading', { name: 'Plant not found' })).toBeVisible();
  });

  test(`access to an organization is granted on a page, and a vendor loses all of it at once, ${how}`, async ({ alice, bob, root, server }) => {
    const plant = addPlant(server, alice);
    const until = new Date(Date.now() + 9 * 24 * 3600 * 1000).toISOString();
    const who = ['--user', root.name, '--role', 'technician', '--plant', plant.id, '--vendor', 'Helioserv'];
    server.run(['grant', 'add', ...who, '--until', until, '--reason', 'Service']);
    const page = await alice.signIn({ javaScriptEnabled });
    await page.goto(organizationPage(plant));
    await page.getByRole('link', { name: 'Grant access' }).click();
    await grantTechnician(page, bob, '2 devices of 1 plant');
    await expect(page.getByText(`${bob.name} is now technician by Nordlicht`)).toBeVisible();

    await ready(page);
    const add = page.getByRole('form', { name: 'Add a member' });
    await add.getByRole('textbox', { name: 'Username or email' }).fill('nobody at all');
    await add.getByRole('button', { name: 'Add member' }).click();
    await expect(page.getByRole('alert').filter({ hasText: 'There is no user' })).toBeVisible();
    await expect(add.getByRole('textbox', { name: 'Username or email' })).toHaveValue('nobody at all');
    await ready(page);
    await add.getByRole('textbox', { name: 'Username or email' }).fill(bob.name);
    await add.getByRole('button', { name: 'Add member' }).click();
    await expect(page.getByText(`${bob.name} is now a member of the organization.`)).toBeVisible();
    await page.getByRole('link', { name: `Change role of ${bob.name}` }).click();
    await ready(page);
    await page.getByRole('combobox', { name: 'New role' }).selectOption('Administrator');
    await page.getByRole('dialog').getByRole('button', { name: 'Change role' }).click();
    await expect(page.getByText(`${bob.name} is now an administrator of the organization.`)).toBeVisible();

    await page.getByRole('link', { name: 'End all access of Helioserv' }).click();
    await ready(page);
    const dialog = page.getByRole('dialog', { name: 'End all access of Helioserv?' });
    await expect(dialog).toContainText(`${root.name}loses access to 1 plant`);
    await dialog.getByRole('button', { name: 'End all access' }).click();
    await expect(page.getByText('1 grant ended. The vendor reaches nothing here any longer.')).toBeVisible();
    await page.getByRole('link', { name: `Remove ${bob.name}` }).click();
    await ready(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await expect(page.getByText('The person was removed, and 1 grant ended.')).toBeVisible();
  });

  test(`a plant and a device are added, edited by two people, and deleted, ${how}`, async ({ alice, bob, server }) => {
    const plant = addPlant(server, alice);
    grant(server, bob, 'operator', '--organization', plant.organization);
    const [page, bobs] = [await alice.signIn({ javaScriptEnabled }), await bob.signIn({ javaScriptEnabled })];
    await page.goto('/plants/new');
    await ready(page);
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Windpark');
    await page.getByRole('combobox', { name: 'Kind' }).selectOption('Wind');
    await page.getByRole('textbox', { name: 'Latitude' }).fill('north');
    await page.getByRole('button', { name: 'Add plant' }).click();
    await expect(page.getByRole('alert').filter({ hasText: 'Enter a number' })).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('Windpark');
    await ready(page);
    await page.getByRole('textbox', { name: 'Latitude' }).fill('');
    await page.getByRole('button', { name: 'Add plant' }).click();
    await expect(page.getByText('Windpark was added. Add its devices next.')).toBeVisible();
    await page.getByRole('link', { name: 'Add a device' }).click();
    await ready(page);
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Gate');
    await page.getByLabel('Kind').fill('camera');
    await page.getByRole('textbox', { name: 'Host name' }).fill(`gate.${plant.suffix}`);
    await page.getByRole('button', { name: 'Add device' }).click();
    await expect(page.getByText('Gate was added.')).toBeVisible();

    await page.getByRole('link', { name: 'Edit Windpark' }).click();
    await expect(page.getByRole('heading', { name: 'Edit Windpark' })).toBeVisible();
    await bobs.goto(page.url());
    for (const each of [page, bobs]) await ready(each);
    await bobs.getByRole('textbox', { name: 'Town or region' }).fill('Husum');
    await bobs.getByRole('button', { name: 'Save' }).click();
    await expect(bobs.getByText('The plant was saved.')).toBeVisible();
    await page.getByRole('textbox', { name: 'Town or region' }).fill('Eggebek');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Town or region is saved as Husum')).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Town or region' })).toHaveValue('Eggebek');
    await ready(page);
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('The plant was saved.')).toBeVisible();
    await expect(page.getByRole('main')).toContainText('Eggebek');

    await page.getByRole('link', { name: 'Edit Windpark' }).click();
    await page.getByRole('link', { name: 'Delete this plant' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete Windpark?' });
    await expect(dialog).toContainText('1 device goes with it.');
    await ready(page);
    await dialog.getByRole('textbox').fill('Solarpark');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await expect(dialog.getByRole('alert')).toContainText('This is not the name.');
    await ready(page);
    await dialog.getByRole('textbox').fill('Windpark');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await expect(page.getByText('Windpark was deleted.')).toBeVisible();
    await bobs.reload();
    await expect(bobs.getByRole('heading', { name: 'Plant not found' })).toBeVisible();
  });
}

test('the card beside the form follows each choice, and a vendor has an end', async ({ alice, bob, server }) => {
  const plant = addPlant(server, alice);
  server.run(['plant', 'add', '--portfolio', plant.portfolio, '--name', 'Second', '--kind', 'wind']);
  const page = await alice.signIn();
  await page.goto(`/grants/new?at=plant:${plant.id}&person=${bob.name}`);
  await page.getByRole('link', { name: new RegExp(bob.name) }).click();
  await hydrated(page);
  const changes = page.getByRole('complementary', { name: 'What changes' });
  await page.getByRole('radio', { name: /^Operator/ }).check();
  await expect(changes).toContainText('2 devices of 1 plant as operator');
  await expect(changes).not.toContainText('Not included');
  await page.getByRole('radio', { name: /^North/ }).check();
  await expect(changes).toContainText('2 devices of 2 plants as operator');
  await expect(changes).toContainText('Plants that come to North later are included.');
  await page.getByText('No end', { exact: true }).click();
  await expect(changes).toContainText('with no end');
  await page.getByRole('checkbox', { name: /works for a vendor/ }).check();
  await expect(page.getByText('No end', { exact: true })).toBeHidden();
  await page.getByRole('textbox', { name: 'Vendor' }).fill('Helioserv');
  await page.getByRole('textbox', { name: 'Reason' }).fill('Service');
  await expect(changes).toContainText('Not included: to manage plants.');
  await expect(changes).not.toContainText('with no end');
  await page.getByRole('button', { name: 'Grant access' }).click();
  await expect(page.getByText(`${bob.name} is now operator by North.`)).toBeVisible();
  await openPlant(page, plant);
  await expect(page.getByRole('region', { name: 'Who can reach this' })).toContainText('Helioserv');
});

test('access is granted and ended with the keyboard alone', async ({ alice, bob, server }) => {
  const plant = addPlant(server, alice);
  const page = await alice.signIn();
  await openPlant(page, plant);
  await tabTo(page, page.getByRole('button', { name: 'Grant access' }));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('searchbox', { name: 'Person' })).toBeFocused();
  await hydrated(page);
  await page.keyboard.type(bob.name);
  await page.keyboard.press('Enter');
  const found = page.getByRole('link', { name: new RegExp(bob.name) });
  await expect(found).toBeVisible();
  await hydrated(page);
  await tabTo(page, found);
  await page.keyboard.press('Enter');
  const viewer = page.getByRole('radio', { name: /^Viewer/ });
  await expect(viewer).toBeVisible();
  await hydrated(page);
  await tabTo(page, viewer);
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('radio', { name: /^Technician/ })).toBeChecked();
  await tabTo(page, page.getByRole('textbox', { name: 'Reason' }));
  await page.keyboard.type('Repairs');
  await tabTo(page, page.getByRole('dialog').getByRole('button', { name: 'Grant access' }));
  await page.keyboard.press('Enter');
  await expect(page.getByText(`${bob.name} is now technician by ${plant.name}.`)).toBeVisible();
  await hydrated(page);
  await tabTo(page, page.getByRole('link', { name: /^End: Technician/ }));
  await page.keyboard.press('Enter');
  const end = page.getByRole('dialog').getByRole('button', { name: 'End access' });
  await expect(end).toBeVisible();
  await hydrated(page);
  await tabTo(page, end);
  await page.keyboard.press('Enter');
  await expect(page.getByText(`${bob.name} is no longer technician by ${plant.name}.`, { exact: true })).toBeVisible();
});

// Each looks at every second page, so that the parts run at the same time.
for (const part of [0, 1]) {
  test(`no overflow and no axe violations on pages that change access and plants, part ${part + 1}`, async ({ alice, bob, root, server }) => {
    const plant = addPlant(server, alice);
    const long = server.run(['plant', 'add', '--portfolio', plant.portfolio, '--name', 'Longname'.repeat(10), '--kind', 'wind']).trim();
    const scope = ['--plant', plant.id, '--reason', 'Longreason'.repeat(12)];
    const granted = server.run(['grant', 'add', '--user', bob.name, '--role', 'viewer', ...scope]).trim();
    const until = new Date(Date.now() + 9 * 24 * 3600 * 1000).toISOString();
    server.run(['grant', 'add', '--user', root.name, '--role', 'operator', '--vendor', 'Vendor'.repeat(10), '--until', until, ...scope]);
    const [page, roots] = [await alice.signIn(), await root.signIn()];
    const organization = organizationPage(plant);
    const invited = { user: `invited${Date.now()}@${'long'.repeat(10)}.example`, role: 'viewer', plant: plant.id, reason: 'Visits' };
    expect((await page.request.post('/api/v1/grants', { data: invited, headers: { origin: server.url } })).ok()).toBe(true);
    await page.goto(organization);
    const address = (name: string | RegExp) => page.getByRole('link', { name }).first().getAttribute('href');
    const dialogs = await Promise.all([/^Rename/, /^Delete/, /^Leave/, /^Change role/, /^End all access/].map(address));
    const person = await address(root.name);
    await page.goto(`/plants/${plant.id}`);
    const device = await address('Edit Camera');
    await page.goto(`/grants/new?at=plant:${plant.id}&person=${bob.name}`);
    const terms = await address(new RegExp(bob.name));
    const paths = [
      organization, ...dialogs, person, `${organization}/import`, '/plants/new', `/plants/${long}/edit`, `/plants/${long}/edit?confirm=delete`,
      `/plants/${plant.id}/move`, `/portfolios/${plant.portfolio}/move`, `/devices/new?plant=${long}`, device, `${device}?confirm=delete`, terms, `${terms}&role=operator&review=yes`,
      `/grants/new?at=organization:${plant.organization}&person=new@example.com`, `/grants/${granted}`, `/plants/${plant.id}?grant=new`,
      `/plants/${plant.id}?end=${granted}`,
    ].filter((path) => path !== null);
    expect(paths.length).toBeGreaterThanOrEqual(20);
    for (const path of paths.filter((_, index) => index % 2 === part)) {
      expect((await page.goto(path))?.status(), path).toBe(200);
      await hydrated(page);
      await looksRight(page);
    }
    const path = ['/organizations/new', `${organization}?confirm=delete`][part];
    await roots.goto(path);
    await hydrated(roots);
    await looksRight(roots);
  });
}
