// SPDX-License-Identifier: Apache-2.0
// What the console's browser tests share: a Chromium, pages that record every request and fault, the server's own answers.
// BASE_URL is the console's address (`naru demo` prints it). CHROMIUM names another browser binary.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const repository = join(import.meta.dirname, '..', '..', '..');
const require = createRequire(join(repository, 'web', 'package.json'));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

assert.ok(process.env.BASE_URL, 'BASE_URL is not set: start "naru demo" and give the address of its console, e.g. BASE_URL=http://127.0.0.1:5601');
export const BASE = process.env.BASE_URL.replace(/\/$/, '');
export const LANGUAGES = ['ko', 'en'];
export const ZONE = 'Asia/Seoul';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];

let browser;
export async function open() {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}
export async function close() {
  await browser?.close();
}

/** A page with a profile of its own. `page.seen` has every request's URL, `page.faults` uncaught errors and console errors. */
export async function visit(hash, { lang = 'en', theme = 'light', width = 1440, height = 900 } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: lang === 'ko' ? 'ko-KR' : 'en-US', timezoneId: ZONE, colorScheme: theme, acceptDownloads: true });
  const page = await context.newPage();
  page.seen = [];
  page.faults = [];
  page.on('request', (r) => page.seen.push(r.url()));
  page.on('pageerror', (e) => page.faults.push(String(e)));
  page.on('console', (m) => m.type() === 'error' && !/status of 400/.test(m.text()) && page.faults.push(m.text()));
  page.setDefaultTimeout(20_000);
  await page.goto(`${BASE}/${hash}`);
  return page;
}

/** Closes a page after checking that it met no fault and asked nobody else. */
export async function leave(page) {
  const origin = new URL(BASE).origin;
  const strangers = page.seen.filter((u) => !u.startsWith(origin + '/') && !u.startsWith('data:') && !u.startsWith('blob:'));
  assert.deepEqual(strangers, [], 'requests to other places than the console');
  assert.deepEqual(page.faults, [], 'faults in the page');
  await page.context().close();
}

/** One of the server's own answers, for comparison. */
export async function ask(path, body, method = body ? 'POST' : 'GET') {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${BASE}/api/${path}`, { method, ...(text ? { body: text, headers: { 'Content-Type': 'application/json' } } : {}) });
  const reply = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${reply.slice(0, 300)}`);
  return reply ? JSON.parse(reply) : undefined;
}

export const newestTrade = async () =>
  (await ask('es/stock/_search', { size: 1, sort: [{ STCK_CNTG_HOUR: { order: 'desc' } }, { ACML_VOL: { order: 'desc' } }] })).hits.hits[0];

/** Polls until `test` gives something true; fails with `what` otherwise. */
export async function until(what, test, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      const value = await test();
      if (value) return value;
      last = undefined;
    } catch (e) {
      last = e;
    }
    if (Date.now() > end) assert.fail(`waited ${seconds} s for ${what}${last ? `: ${last.message}` : ''}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** No serious or critical finding of axe on the page as it is. */
export async function accessible(page, where) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ['violations'] })).violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${v.id}: ${v.nodes.slice(0, 8).map((n) => `${n.target} ${n.any.map((a) => a.message).join('; ').slice(0, 200)}`).join(' | ')}`));
  assert.deepEqual(found, [], `axe: ${where}`);
}

/** Writes docs/images/<name>.png when SCREENSHOTS=1. */
export async function picture(page, name) {
  if (process.env.SCREENSHOTS !== '1') return;
  const path = join(repository, 'docs', 'images', `${name}.png`);
  mkdirSync(dirname(path), { recursive: true });
  await page.mouse.move(0, 0);
  await page.screenshot({ path });
}

export const rows = (page) => page.locator('.grid .tr');
export async function results(page) {
  await rows(page).first().waitFor();
}
export const hitCount = async (page) => Number((await page.locator('.histogram .panel-bar strong').first().innerText()).replace(/\D/g, ''));
