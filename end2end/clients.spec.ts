// Real scripts, as users run them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PASSWORD, expect, rows, test } from './support.js';

const shell = (program: string, args: string[]) => execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, no_proxy: '*' } });

test('curl signs in, lists, and is revoked', async ({ alice, bob }) => {
  const api = `${alice.server.url}/api/v1`;
  const body = JSON.stringify({ identifier: alice.name, password: PASSWORD });
  const { token } = JSON.parse(shell('curl', ['-s', '-H', 'content-type: application/json', '-d', body, `${api}/sessions`])) as { token: string };
  const bobs = await bob.script('curl/8.5.0');
  const page = await alice.signIn();
  await expect(rows(page).filter({ hasText: 'curl' })).toContainText('API client');
  const status = () => shell('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', `authorization: Bearer ${token}`, `${api}/sessions`]);
  expect(status()).toBe('200');
  await page.getByRole('button', { name: /^Revoke curl/ }).click();
  await expect(rows(page)).toHaveCount(1);
  expect(status()).toBe('401');
  expect(await bob.use(bobs)).toBe(200);
});

test('Python signs in and revokes all others', async ({ alice, bob }) => {
  const [other, bobs] = [await alice.script('Wget/1.21.3'), await bob.script('curl/8.5.0')];
  const script = `
import json, sys, urllib.request
api, name, password = sys.argv[1:]
def call(method, path, body=None, token=None):
    headers = {"content-type": "application/json"} | ({"authorization": "Bearer " + token} if token else {})
    request = urllib.request.Request(api + path, json.dumps(body).encode() if body else None, headers, method=method)
    return json.load(urllib.request.urlopen(request))
token = call("POST", "/sessions", {"identifier": name, "password": password})["token"]
print(call("GET", "/sessions/current", token=token)["device"]["label"])
print(call("DELETE", "/sessions", token=token)["revoked"])
`;
  expect(shell('python3', ['-c', script, `${alice.server.url}/api/v1`, alice.name, PASSWORD]).split('\n').slice(0, 2)).toEqual(['Python urllib', '1']);
  expect([await alice.use(other), await bob.use(bobs)]).toEqual([401, 200]);
});

test('the command line client is listed and can be revoked', async ({ alice, bob }) => {
  const home = mkdtempSync(join(tmpdir(), 'whereabouts-home-'));
  const run = (args: string[], input = '') => {
    const env = { PATH: process.env.PATH, HOME: home, no_proxy: '*' };
    return spawnSync('dist/whereabouts', args, { encoding: 'utf8', input, env });
  };
  const bobs = await bob.script('curl/8.5.0');
  const page = await alice.signIn();
  expect(run(['login', '--url', alice.server.url, '--username', alice.name, '--password-stdin'], `${PASSWORD}\n`).status).toBe(0);
  await expect(rows(page).filter({ hasText: 'Whereabouts CLI on Linux' })).toBeVisible();
  expect((JSON.parse(run(['sessions']).stdout) as unknown[]).length).toBe(2);
  await page.getByRole('button', { name: /^Revoke Whereabouts CLI on Linux/ }).click();
  await expect(rows(page)).toHaveCount(1);
  expect(run(['sessions']).status).toBe(3);
  expect(await bob.use(bobs)).toBe(200);
  rmSync(home, { recursive: true });
});

test('a confirmed revocation survives kill -9', async ({ browser }) => {
  const { Person, Server } = await import('./support.js');
  const server = await Server.start();
  try {
    for (const name of ['erin', 'frank']) server.addUser(name);
    const [erin, frank] = [new Person('erin', server, browser), new Person('frank', server, browser)];
    const [here, lost, franks] = [await erin.script('curl/8.5.0'), await erin.script('Wget/1.21.3'), await frank.script('curl/8.5.0')];
    const answer = await fetch(`${server.url}/api/v1/sessions`, { method: 'DELETE', headers: { authorization: `Bearer ${here}` } });
    expect(answer.status).toBe(200);
    await server.restart('SIGKILL');
    expect([await erin.use(here), await erin.use(lost), await frank.use(franks)]).toEqual([200, 401, 200]);
  } finally {
    await server.remove();
  }
});
