// Measures pages with Lighthouse, on a phone and on a desktop. Prints the scores of its four categories, and what lowers them.
// `lighthouse.js URL TOKEN`: the server, and the token of a session.
// @ts-check
import { existsSync } from 'node:fs';
import lighthouse, { defaultConfig, desktopConfig } from 'lighthouse';
import { launch } from 'puppeteer-core';

const [url, token] = process.argv.slice(2);
if (!url || !token) throw new Error('lighthouse.js URL TOKEN');

const PAGES = [
  { name: 'Login', path: '/login', isSignedIn: false },
  { name: 'Security', path: '/profile?tab=security', isSignedIn: true },
  { name: 'Profile', path: '/profile?tab=profile', isSignedIn: true },
  { name: 'API Tokens', path: '/profile?tab=api-tokens', isSignedIn: true },
];
const DEVICES = [
  { name: 'mobile', config: defaultConfig },
  { name: 'desktop', config: desktopConfig },
];
const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo'];
/** Other processes on the machine lower the performance score, and nothing raises it, so that the best of some runs is nearest to the truth. */
const MAX_RUNS = 3;

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (!executablePath) throw new Error('Chromium is not installed');

/** @typedef {import('lighthouse').Result} Report */

/**
 * Measures a page. Chromium loses the start of a trace now and then; Lighthouse then asks to run it again.
 * @param {typeof PAGES[number]} page
 * @param {import('lighthouse').Config} config
 * @returns {Promise<Report>}
 */
async function measure(page, config) {
  for (let runs = 1; ; runs += 1) {
    const report = await load(page, config);
    if (!report.runtimeError) return report;
    if (runs === MAX_RUNS) throw new Error(`${page.path}: ${report.runtimeError.message}`);
  }
}

/**
 * Loads a page in a new browser.
 * @param {typeof PAGES[number]} page
 * @param {import('lighthouse').Config} config
 * @returns {Promise<Report>}
 */
async function load({ path, isSignedIn }, config) {
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const browser = await launch({ executablePath, args });
  try {
    const { hostname } = new URL(url);
    if (isSignedIn) await browser.setCookie({ name: 'whereabouts', value: token, domain: hostname, path: '/', httpOnly: true, sameSite: 'Lax' });
    const result = await lighthouse(url + path, { onlyCategories: CATEGORIES, output: 'json', logLevel: 'error' }, config, await browser.newPage());
    if (!result) throw new Error(`no report of ${path}`);
    const { lhr } = result;
    if (!lhr.runtimeError && lhr.finalDisplayedUrl !== url + path) throw new Error(`${path} led to ${lhr.finalDisplayedUrl}`);
    return lhr;
  } finally {
    await browser.close();
  }
}

/** @param {Report} report @param {string} category */
function score(report, category) {
  return Math.round((report.categories[category]?.score ?? 0) * 100);
}

/**
 * Returns the audits that lower the score of a category. The performance score consists of times, so the failed hints at their causes are added.
 * @param {Report} report @param {string} category
 */
function failedAudits(report, category) {
  const refs = report.categories[category]?.auditRefs ?? [];
  return refs.flatMap(({ id, weight, group }) => {
    const audit = report.audits[id];
    if (!audit || audit.score === null) return [];
    const isHint = category === 'performance' && group !== 'hidden' && audit.score < 0.9;
    return isHint || (weight > 0 && audit.score < 1) ? [audit] : [];
  });
}

/**
 * Returns the first elements, addresses or messages of an audit, one a line.
 * @param {Report['audits'][string]} audit
 */
function details({ details: found }) {
  /** @type {Record<string, any>[]} */
  const items = found && 'items' in found && Array.isArray(found.items) ? found.items : [];
  return items
    .map((item) => item.node?.snippet ?? item.url ?? item.source?.url ?? item.description ?? item.label)
    .filter((text) => typeof text === 'string')
    .slice(0, 3)
    .map((text) => `\n        ${text.replace(/\s+/g, ' ').slice(0, 200)}`)
    .join('');
}

/** @param {string[]} cells */
function line([page = '', device = '', ...cells]) {
  console.log(page.padEnd(12) + device.padEnd(9) + cells.map((cell) => cell.padStart(16)).join(''));
}

line(['Page', 'Device', 'Performance', 'Accessibility', 'Best practices', 'SEO']);
/**
 * What is below 100, and on which pages.
 * @type {Map<string, string[]>}
 */
const findings = new Map();
for (const page of PAGES) {
  for (const device of DEVICES) {
    let best = await measure(page, device.config);
    for (let runs = 1; runs < MAX_RUNS && score(best, 'performance') < 100; runs += 1) {
      const report = await measure(page, device.config);
      if (score(report, 'performance') > score(best, 'performance')) best = report;
    }
    line([page.name, device.name, ...CATEGORIES.map((category) => `${score(best, category)}${score(best, category) < 100 ? ' ✗' : '  '}`)]);
    for (const category of CATEGORIES.filter((category) => score(best, category) < 100)) {
      for (const audit of failedAudits(best, category)) {
        const key = `${category}: ${audit.id}: ${audit.title}`;
        const value = audit.displayValue ? `: ${audit.displayValue}` : '';
        findings.set(key, [...(findings.get(key) ?? []), `    ${page.name}, ${device.name}${value}${details(audit)}`]);
      }
    }
  }
}
if (findings.size > 0) console.log('\n✗ is below 100. The audits that failed:');
for (const [audit, pages] of findings) console.log(`\n${audit}\n${pages.join('\n')}`);
