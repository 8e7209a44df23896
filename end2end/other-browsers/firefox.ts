// Firefox, driven over WebDriver BiDi.
import { existsSync } from 'node:fs';
import { type BrowserContext, type ElementHandle, type Page, launch } from 'puppeteer-core';
import { type Engine, type Handle, type Key, Tab } from './tab.js';

export async function startFirefox(): Promise<Engine> {
  const executablePath = [process.env.FIREFOX ?? '', '/usr/bin/firefox-esr', '/usr/bin/firefox'].find(existsSync);
  if (!executablePath) throw new Error('Firefox is not installed');
  const browser = await launch({ browser: 'firefox', executablePath, headless: true, defaultViewport: { width: 1280, height: 860 } });
  return {
    async newTab() {
      const context = await browser.createBrowserContext();
      return new FirefoxTab(context, await context.newPage());
    },
    close: () => browser.close(),
  };
}

class FirefoxTab extends Tab {
  constructor(
    private readonly context: BrowserContext,
    private readonly page: Page,
  ) {
    super();
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url);
  }

  async url(): Promise<string> {
    return this.page.url();
  }

  press(key: Key): Promise<void> {
    return this.page.keyboard.press(key);
  }

  evaluate(expression: string): Promise<unknown> {
    return this.page.evaluate(expression);
  }

  close(): Promise<void> {
    return this.context.close();
  }

  protected async find(role: string, name: string | undefined, inside: string): Promise<Handle[]> {
    // A password field has no role in ARIA, so that fields are found by their names alone.
    const isField = role === 'textbox';
    const selector = `::-p-aria(${name === undefined ? '' : `[name="${name}"]`}${isField ? '' : `[role="${role}"]`})`;
    const scope = await this.page.$(inside);
    const found = (await scope?.$$(selector)) ?? [];
    const fits = await Promise.all(
      found.map(async (element) => (await element.isVisible()) && (!isField || (await element.evaluate((element) => element.matches('input, textarea'))))),
    );
    return found.filter((_, index) => fits[index]).map(handle);
  }
}

function handle(element: ElementHandle<Element>): Handle {
  return {
    text: () => element.evaluate((element) => (element as HTMLElement).innerText),
    click: () => element.click(),
    type: (text) => element.type(text),
  };
}
