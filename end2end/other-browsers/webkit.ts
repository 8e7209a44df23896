// WebKitGTK's MiniBrowser, driven over WebDriver. It has no headless mode, so it runs on a virtual screen.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Builder, By, Key as Keys, type WebDriver, type WebElement } from 'selenium-webdriver';
import { expect, freePort } from '../support.js';
import { type Engine, type Handle, type Key, Tab } from './tab.js';

/** Elements that can have a role. WebDriver cannot search by role, only return the role of an element. */
const CANDIDATES: Record<string, string> = {
  button: 'button, [role=button]',
  dialog: 'dialog, [role=dialog]',
  heading: 'h1, h2, h3',
  menuitem: '[role=menuitem]',
  row: 'tr',
  status: '[role=status]',
  textbox: 'input, textarea',
};

export async function startWebKit(): Promise<Engine> {
  const screen = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const display = `:${(await firstLine(screen)).trim()}`;
  const port = await freePort();
  const environment = { ...process.env, DISPLAY: display, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1' };
  const server = spawn('WebKitWebDriver', ['--host=127.0.0.1', `--port=${port}`], { env: environment, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await expect.poll(() => fetch(`${url}/status`).then((answer) => answer.status, () => 0), { timeout: 20_000 }).toBe(200);
  return {
    // A session of WebDriver is a browser of its own, without a stored profile.
    newTab: async () => new WebKitTab(await new Builder().usingServer(url).withCapabilities({ browserName: 'MiniBrowser' }).build()),
    async close() {
      for (const process of [server, screen]) await end(process);
    },
  };
}

async function firstLine(process: ChildProcess): Promise<string> {
  let text = '';
  for await (const part of process.stdout ?? []) {
    text += String(part);
    if (text.includes('\n')) break;
  }
  return text;
}

async function end(process: ChildProcess): Promise<void> {
  const ended = once(process, 'exit');
  process.kill();
  await ended;
}

class WebKitTab extends Tab {
  constructor(private readonly driver: WebDriver) {
    super();
  }

  open(url: string): Promise<void> {
    return this.driver.get(url);
  }

  url(): Promise<string> {
    return this.driver.getCurrentUrl();
  }

  press(key: Key): Promise<void> {
    const keys = { ArrowDown: Keys.ARROW_DOWN, ArrowUp: Keys.ARROW_UP, Escape: Keys.ESCAPE };
    return this.driver.actions().sendKeys(keys[key]).perform();
  }

  evaluate(expression: string): Promise<unknown> {
    return this.driver.executeScript(`return ${expression}`);
  }

  close(): Promise<void> {
    return this.driver.quit();
  }

  protected async find(role: string, name: string | undefined, inside: string): Promise<Handle[]> {
    const found: WebElement[] = [];
    for (const element of await this.driver.findElements(By.css(`${inside} :is(${CANDIDATES[role] ?? `[role=${role}]`})`))) {
      // First, because hidden elements have no role, and asking for it can fail.
      if (!(await element.isDisplayed()) || (await element.getAriaRole()) !== role) continue;
      if (name === undefined || (await element.getAccessibleName()) === name) found.push(element);
    }
    return found.map(handle);
  }
}

function handle(element: WebElement): Handle {
  return {
    text: () => element.getText(),
    click: () => element.click(),
    type: (text) => element.sendKeys(text),
  };
}
