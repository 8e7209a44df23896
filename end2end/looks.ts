// How a page looks on wide and narrow screens, light and dark.
import AxeBuilder from '@axe-core/playwright';
import { type Page, expect } from './support.js';

/** Asserts that nothing on the page overflows at any width, and that axe finds nothing wrong with either layout and either color scheme. */
export async function looksRight(page: Page): Promise<void> {
  const resize = async (width: number) => {
    await page.setViewportSize({ width, height: 860 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth), `${page.url()} at ${width}`).toBeLessThanOrEqual(width);
  };
  await resize(700);
  for (const [width, colorScheme] of [[390, 'light'], [390, 'dark'], [1280, 'light'], [1280, 'dark']] as const) {
    await resize(width);
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect((await new AxeBuilder({ page }).analyze()).violations, `${page.url()} at ${width}, ${colorScheme}`).toEqual([]);
  }
}
