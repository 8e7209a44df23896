// The browsers that Playwright cannot drive as Debian packages them. It runs the tests; puppeteer and selenium drive the browsers.
import { defineConfig } from '@playwright/test';
import { type Options } from './fixtures.js';

export default defineConfig<object, Options>({
  testDir: '.',
  outputDir: '../../test-results/other-browsers',
  fullyParallel: false,
  workers: 1,
  retries: 0,
  forbidOnly: true,
  // Only detects tests that hang. Not a performance limit, as in the main configuration.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: [['list'], ['json', { outputFile: '../../test-results/other-browsers/report.json' }]],
  projects: [
    { name: 'Firefox', use: { engineName: 'firefox' } },
    { name: 'WebKit', use: { engineName: 'webkit' } },
  ],
});
