// Organizations with plants, and the way to a plant's page.
import { type Page, type Person, type Server, expect, hydrated } from './support.js';

export interface Plant {
  readonly id: string;
  readonly name: string;
  readonly organization: string;
  readonly portfolio: string;
  /** The domain of its organization's devices. */
  readonly suffix: string;
}

let places = 0;

/** Adds an organization with a plant of two devices. Its owner is `owner`. */
export function addPlant(server: Server, owner: Person): Plant {
  const unique = `${process.pid}x${String((places += 1)).padStart(3, '0')}`; // in the order of their names
  const add = (...args: string[]) => server.run(args).trim();
  const suffix = `site${unique}.example`;
  const organization = add('organization', 'add', '--name', `Nordlicht ${unique}`, '--owner', owner.name, '--host-suffix', suffix);
  const portfolio = add('portfolio', 'add', '--organization', organization, '--name', 'North');
  const where = ['--place', 'Eggebek', '--country', 'DE', '--latitude', '54.63', '--longitude', '9.37'];
  const what = ['--kind', 'solar', '--capacity-kw', '12400', '--time-zone', 'Europe/Berlin'];
  const name = `Solarpark ${unique}`;
  const plant = add('plant', 'add', '--portfolio', portfolio, '--name', name, ...what, ...where);
  for (const device of ['Inverter', 'Camera']) {
    add('device', 'add', '--plant', plant, '--name', device, '--kind', device.toLowerCase(), '--host', `${device.toLowerCase()}.${suffix}`);
  }
  return { id: plant, name, organization, portfolio, suffix };
}

/** Grants a role from the command line. */
export function grant(server: Server, person: Person, role: string, ...scope: string[]): void {
  server.run(['grant', 'add', '--user', person.name, '--role', role, ...scope, '--reason', 'Maintenance']);
}

/** Opens the page of a plant from wherever the page is. */
export async function openPlant(page: Page, plant: Plant, isScripted = true): Promise<void> {
  await page.getByRole('link', { name: 'Plants', exact: true }).first().click();
  await expect(page.getByRole('heading', { name: 'Plants', exact: true })).toBeVisible();
  await page.getByRole('link', { name: plant.name, exact: true }).click();
  await expect(page.getByRole('heading', { name: plant.name, exact: true })).toBeVisible();
  if (isScripted) await hydrated(page);
}
