// A separate server for each worker, and separate users with their browsers and scripts for each test.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, type BrowserContext, type Page, test as base, expect } from '@playwright/test';
import { Mails } from './mails.js';

export const PASSWORD = 'correct horse battery';
const BINARY = resolve(process.env.WHEREABOUTS_TEST_BINARY ?? resolve(import.meta.dirname, '../dist/whereabouts'));

export const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
export const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

export class Server {
  private constructor(
    readonly port: number,
    private readonly folder: string,
    readonly mails: Mails,
    private process: ChildProcess,
  ) {
    process.stdout?.on('data', (text: Buffer) => {
      this.printed += text.toString();
    });
  }

  private printed = '';

  static async start(): Promise<Server> {
    const [port, folder, mails] = [await freePort(), mkdtempSync(join(tmpdir(), 'whereabouts-')), await Mails.start()];
    const server = new Server(port, folder, mails, Server.spawn(port, folder, mails));
    await server.ready();
    return server;
  }

  private static environment(port: number, folder: string, mails: Mails) {
    return {
      ...process.env,
      WHEREABOUTS_ADDR: `127.0.0.1:${port}`,
      WHEREABOUTS_DATA_DIR: folder,
      WHEREABOUTS_TRUSTED_PROXIES: '127.0.0.0/8',
      WHEREABOUTS_SMTP_URL: mails.url,
      WHEREABOUTS_LOG: 'warn',
    };
  }

  private static spawn(port: number, folder: string, mails: Mails): ChildProcess {
    return spawn(BINARY, ['serve'], { env: Server.environment(port, folder, mails), stdio: ['ignore', 'pipe', 'inherit'] });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  private async ready(): Promise<void> {
    await expect.poll(() => fetch(`${this.url}/readyz`).then((answer) => answer.status, () => 0), { timeout: 20_000 }).toBe(200);
  }

  /** Runs a command beside the running server. */
  run(args: string[], input = ''): string {
    const env = Server.environment(this.port, this.folder, this.mails);
    return execFileSync(BINARY, args, { env, input, encoding: 'utf8' });
  }

  addUser(name: string, ...more: string[]): void {
    this.run(['user', 'add', '--username', name, '--email', `${name}@example.com`, '--password-stdin', ...more], `${PASSWORD}\n`);
  }

  /** Stops the server with this signal. Returns how long it took, in milliseconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    const [started, ended] = [Date.now(), new Promise((done) => this.process.once('exit', done))];
    this.process.kill(signal);
    await ended;
    return Date.now() - started;
  }

  /** Starts the server again with the same data. */
  async resume(): Promise<void> {
    this.process = Server.spawn(this.port, this.folder, this.mails);
    await this.ready();
  }

  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.stop(signal);
    await this.resume();
  }

  /** Returns the id of this user's session on this device. */
  async sessionId(user: string, device: string): Promise<string> {
    const sessions = JSON.parse(this.run(['session', 'list', '--user', user, '--json'])) as { id: string; device: { label: string } }[];
    const found = sessions.find((session) => session.device.label === device);
    if (!found) throw new Error(`${user} has no session of ${device}`);
    return found.id;
  }

  /** Returns the one-time setup link that the server prints while it has no account. */
  async setupLink(): Promise<string> {
    await expect.poll(() => this.printed).toContain('/setup?token=');
    return /http\S+\/setup\?token=\S+/.exec(this.printed)?.[0] ?? '';
  }

  async remove(): Promise<void> {
    await this.stop();
    await this.mails.stop();
    rmSync(this.folder, { recursive: true });
  }
}

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}

/** A user with their own account, who uses it from scripts. */
export class User {
  constructor(
    readonly name: string,
    readonly server: Server,
  ) {}

  get email(): string {
    return `${this.name}@example.com`;
  }

  /** Waits for an email to this user. */
  mail(subject: string | RegExp) {
    return this.server.mails.to(this.email, subject);
  }

  /** Signs in over the API as a script. Returns the session token. */
  async script(userAgent: string, address = '81.2.69.142'): Promise<string> {
    const answer = await fetch(`${this.server.url}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': userAgent, 'x-forwarded-for': address },
      body: JSON.stringify({ identifier: this.name, password: PASSWORD }),
    });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { token: string }).token;
  }

  /** Sends a request as a script. Returns the status of the response. */
  async use(token: string, userAgent = 'curl/8.5.0', address = '81.2.69.142'): Promise<number> {
    const headers = { authorization: `Bearer ${token}`, 'user-agent': userAgent, 'x-forwarded-for': address };
    return (await fetch(`${this.server.url}/api/v1/me`, { headers })).status;
  }
}

/** A user with their own account, who uses it from browsers and scripts. */
export class Person extends User {
  constructor(
    name: string,
    server: Server,
    readonly browser: Browser,
  ) {
    super(name, server);
  }

  /** Opens a page in a new browser context, not signed in. */
  async open(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await this.browser.newContext({ baseURL: this.server.url, ...options });
    return context.newPage();
  }

  /** Opens a page in a new browser context and signs in with the form. Returns it on the Security tab. */
  async signIn(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const page = await this.open(options);
    await page.goto('/login');
    if (options?.javaScriptEnabled !== false) await hydrated(page);
    await fillIn(page, this.name);
    await expect(page.getByRole('heading', { name: 'Active Sessions' })).toBeVisible();
    if (options?.javaScriptEnabled !== false) await hydrated(page);
    return page;
  }
}

export async function hydrated(page: Page): Promise<void> {
  await expect(page.locator('body[data-hydrated="true"]')).toBeAttached();
}

export async function fillIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByRole('textbox', { name: 'Username or email' }).fill(name);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Returns the rows of the card without the header. */
export function rows(page: Page) {
  return page.getByRole('table').getByRole('rowgroup').last().getByRole('row');
}

let people = 0;

export const test = base.extend<{ alice: Person; bob: Person; root: Person; closesContexts: void }, { server: Server }>({
  // Pages that stay open after their test slow the following ones down.
  closesContexts: [
    async ({ browser }, use) => {
      await use();
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    { auto: true },
  ],
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.remove();
    },
    { scope: 'worker' },
  ],
  alice: async ({ server, browser }, use) => {
    await use(person('alice', server, browser));
  },
  bob: async ({ server, browser }, use) => {
    await use(person('bob', server, browser));
  },
  root: async ({ server, browser }, use) => {
    await use(person('root', server, browser, '--admin'));
  },
});

/** Adds a user whose name starts with this. Returns the whole name. */
export function addUnique(name: string, server: Server, ...more: string[]): string {
  const unique = `${name}${process.pid}x${(people += 1)}`;
  server.addUser(unique, ...more);
  return unique;
}

function person(name: string, server: Server, browser: Browser, ...more: string[]): Person {
  return new Person(addUnique(name, server, ...more), server, browser);
}

export { type BrowserContext, expect, type Page };
