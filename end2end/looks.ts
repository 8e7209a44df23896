// How a page looks on wide and narrow screens, light and dark.
import AxeBuilder from '@axe-core/playwright';
import { type Page, expect, test } from './support.js';

/** The rules of axe that depend on colors: all that can differ in a page's other color scheme. */
const COLOR_RULES = ['color-contrast', 'link-in-text-block'];

/** Asserts that nothing on the page overflows at any width, and that axe finds nothing wrong with either layout and either color scheme. */
export async function looksRight(page: Page): Promise<void> {
  // A test that looks at many pages takes longer, and is not one that hangs.
  test.setTimeout(test.info().timeout + 60_000);
  const resize = async (width: number) => {
    await page.setViewportSize({ width, height: 860 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth), `${page.url()} at ${width}`).toBeLessThanOrEqual(width);
  };
  await resize(700);
  for (const [width, colorScheme] of [[390, 'light'], [390, 'dark'], [1280, 'light'], [1280, 'dark']] as const) {
    await resize(width);
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const axe = new AxeBuilder({ page });
    if (colorScheme === 'dark') axe.withRules(COLOR_RULES);
    expect((await axe.analyze()).violations, `${page.url()} at ${width}, ${colorScheme}`).toEqual([]);
  }
}
