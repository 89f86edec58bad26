// SPDX-License-Identifier: Apache-2.0
// Discover in a real browser, against a server with the index "stock" that trades keep coming into.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { accessible, ask, BASE, close, hitCount, LANGUAGES, leave, newestTrade, open, picture, results, rows, until, visit, ZONE } from './browser.mjs';

before(open);
after(close);

const WORDS = { ko: { run: '실행', add: '열 추가', out: '이 값 빼기', json: 'JSON', forThis: '이 값만' }, en: { run: 'Run', add: 'Add as column', out: 'Filter out this value', json: 'JSON', forThis: 'Filter for this value' } };
const timeText = (iso) => new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE, dateStyle: 'short', timeStyle: 'medium' }).format(new Date(iso));

for (const lang of LANGUAGES) {
  test(`${lang}: from the first look to a filtered table`, async () => {
    const w = WORDS[lang];
    const page = await visit('#/discover?i=stock&f=now-2h&t=now', { lang });
    await results(page);
    assert.equal(await page.evaluate(() => document.documentElement.lang), lang);
    await page.getByRole('button', { name: w.run, exact: true }).waitFor();
    const all = await hitCount(page);
    assert.ok(all > 0, 'documents in the last two hours');
    await picture(page, `discover-${lang}`);

    // A field becomes a column in one click and the address says so.
    await page.locator('[data-field=STCK_PRPR]').hover();
    await page.getByRole('button', { name: new RegExp(`^${w.add}.*STCK_PRPR$`) }).click();
    await until('the column in the address', () => page.url().includes('c=STCK_PRPR'));
    await page.getByRole('columnheader', { name: 'STCK_PRPR' }).waitFor();

    // The field card is exact: the same numbers as an aggregation of the server over the same documents.
    await page.locator('[data-field=STCK_PRPR] .field-name').click();
    await page.locator('.card .facts').waitFor();
    const facts = (await page.locator('.card .facts dd').allInnerTexts()).map((s) => Number(s.replaceAll(',', '')));
    const agg = await ask('es/stock/_search', { size: 0, aggs: { min: { min: { field: 'STCK_PRPR' } }, max: { max: { field: 'STCK_PRPR' } } } });
    assert.ok(facts[1] >= agg.aggregations.min.value && facts[2] <= agg.aggregations.max.value && facts[1] <= facts[2], `min ${facts[1]} and max ${facts[2]} lie in the index's`);
    await picture(page, `field-card-${lang}`);
    const top = (await page.locator('.card .top-line .mono').first().innerText()).trim();
    await page.locator('.card').getByRole('button', { name: `${w.forThis}: ${top}` }).click();

    // The pill filters: every row shows the value.
    await page.locator('.pill').waitFor();
    await until('fewer hits', async () => (await hitCount(page)) <= all);
    await until('rows of that price only', async () => {
      const cells = await rows(page).locator('.td.num .clip').allInnerTexts();
      return cells.length > 0 && cells.every((c) => c.replaceAll(',', '') === top);
    });

    // The address alone brings everything back.
    const again = await visit(new URL(page.url()).hash, { lang });
    await results(again);
    assert.equal(await again.locator('.pill').count(), 1);
    await again.getByRole('columnheader', { name: 'STCK_PRPR' }).waitFor();
    await leave(again);
    await leave(page);
  });

  test(`${lang}: KQL runs, and a mistake is underlined where it is`, async () => {
    const page = await visit('#/discover?i=stock&f=now-2h&t=now&c=STCK_PRPR', { lang });
    await results(page);
    const { _source } = await newestTrade();
    await page.keyboard.press('/');
    await page.keyboard.type(`STCK_PRPR >= ${_source.STCK_PRPR} and MKSC_SHRN_ISCD : "${_source.MKSC_SHRN_ISCD}"`);
    await page.keyboard.press('Control+Enter');
    await until('the query in the address', () => page.url().includes('q=STCK_PRPR'));
    await until('matching rows', async () => {
      const prices = (await rows(page).locator('.td.num .clip').allInnerTexts()).map((s) => Number(s.replaceAll(',', '')));
      return prices.length > 0 && prices.every((p) => p >= _source.STCK_PRPR);
    });
    await page.locator('.query input').fill('STCK_PRPR >=');
    await page.keyboard.press('Enter');
    await page.locator('.query-fault').waitFor();
    assert.ok((await page.locator('.under u').count()) === 1, 'the faulty part is underlined');
    assert.ok((await page.locator('.query-fault').innerText()).length > 5);
    await accessible(page, 'a faulty query');
    await page.locator('.query input').fill('');
    await page.keyboard.press('Enter');
    await page.locator('.query-fault').waitFor({ state: 'detached' });
    await leave(page);
  });
}

test('Lucene: a range gives the rows that KQL gives', async () => {
  const { _source } = await newestTrade();
  const end = new Date(Date.now() - 60_000).toISOString();
  const count = async (language, text) => {
    const page = await visit(`#/discover?i=stock&f=now-1h&t=${end}&l=${language}&q=${encodeURIComponent(text)}`);
    await results(page);
    const n = await hitCount(page);
    await leave(page);
    return n;
  };
  const kql = await count('kuery', `STCK_PRPR >= ${_source.STCK_PRPR}`);
  const lucene = await count('lucene', `STCK_PRPR:[${_source.STCK_PRPR} TO *]`);
  assert.ok(kql > 0 && Math.abs(kql - lucene) <= kql * 0.02 + 10, `${kql} by KQL, ${lucene} by Lucene`); // the start of the hour moves a little
});

test('language, theme and time zone change at once and stay', async () => {
  const page = await visit('#/discover?i=stock&f=now-2h&t=now');
  await results(page);
  await page.locator('.rail-lang button').first().click();
  await page.getByRole('button', { name: '실행', exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ko');
  const seoul = await rows(page).first().locator('.time').innerText();
  await page.locator('.chip').click();
  await page.locator('.zone-chooser label', { hasText: 'UTC' }).click();
  await page.keyboard.press('Escape');
  await until('times in UTC', async () => (await page.locator('.chip').innerText()) === 'UTC' && (await rows(page).first().locator('.time').innerText()).slice(0, 13) !== seoul.slice(0, 13));
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.keyboard.press('Control+k');
  await page.locator('dialog.palette input').fill('어둡게');
  await page.keyboard.press('Enter');
  await until('a dark page', async () => (await background()) !== light);
  await page.reload();
  await results(page);
  assert.notEqual(await background(), light, 'the theme stays');
  assert.equal(await page.locator('.chip').innerText(), 'UTC', 'the zone stays');
  await leave(page);
});

test('the newest ticks appear by themselves', async () => {
  const page = await visit('#/discover?i=stock&f=now-15m&t=now&r=1000&c=ACML_VOL');
  await results(page);
  const before = await newestTrade();
  const later = await until('a new trade in the index', async () => { const n = await newestTrade(); return n && n._id !== before._id && n; }, 30);
  const total = later._source.ACML_VOL.toLocaleString('en-US');
  await until(`the trade of ${later._source.STCK_CNTG_HOUR} in the table`, async () => {
    const shown = await rows(page).allInnerTexts();
    return shown.some((r) => r.includes(timeText(later._source.STCK_CNTG_HOUR)) && r.includes(total));
  }, 15);
  await leave(page);
});

test('a brush over the histogram narrows the range, Back widens it again', async () => {
  const page = await visit('#/discover?i=stock&f=now-2h&t=now');
  await results(page);
  const all = await hitCount(page);
  const box = await page.locator('.histogram .u-over').boundingBox();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 30, { steps: 5 });
  await page.mouse.up();
  await until('an absolute range', () => /f=20\d\d-/.test(page.url()));
  await until('fewer hits', async () => (await hitCount(page)) < all);
  await page.goBack();
  await until('the old range', () => page.url().includes('f=now-2h'));
  await leave(page);
});

test('more rows by search_after: none twice, none missing', async () => {
  const page = await visit('#/discover?i=stock&f=now-2h&t=now&c=_id');
  await results(page);
  const count = await hitCount(page);
  const seen = new Set();
  const wanted = Math.min(count, 1100);
  let turns = 0;
  while (seen.size < wanted && turns++ < 400) {
    for (const id of await rows(page).locator('.td:last-child .clip').allInnerTexts()) seen.add(id);
    await page.locator('.grid').evaluate((g) => g.scrollBy(0, 480));
    await page.waitForTimeout(40);
  }
  assert.ok(seen.size >= wanted, `${seen.size} distinct rows of ${wanted}`);
  const newest = await ask('es/stock/_search', { size: wanted, _source: false, sort: [{ STCK_CNTG_HOUR: 'desc' }], query: { range: { STCK_CNTG_HOUR: { lte: 'now' } } } });
  // New trades may have come meanwhile; the older part must all be there.
  const missing = newest.hits.hits.slice(200, wanted - 100).filter((h) => !seen.has(h._id));
  assert.deepEqual(missing.map((h) => h._id), []);
  await leave(page);
});

test('keyboard alone: rows, document, filter, column', async () => {
  const page = await visit('#/discover?i=stock&f=now-2h&t=now');
  await results(page);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.locator('.doc').waitFor();
  await page.locator('.doc-row[data-field=STCK_PRPR]').focus();
  await page.keyboard.press('c');
  await until('the column', () => page.url().includes('c=STCK_PRPR'));
  await page.locator('.doc-row[data-field=MKSC_SHRN_ISCD]').focus();
  await page.keyboard.press('f');
  await page.locator('.pill').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.doc').waitFor({ state: 'detached' });
  await page.keyboard.press('Shift+?');
  await page.locator('dialog.help').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.locator('dialog.palette input').fill('Stock');
  await page.keyboard.press('Enter');
  await until('the other page', () => page.url().includes('#/stock'));
  await page.keyboard.press('g');
  await page.keyboard.press('p');
  await page.locator('.pipeline').first().waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await results(page);
  assert.ok(page.url().includes('c=STCK_PRPR'), 'Discover is as it was left');
  await leave(page);
});

test('integers beyond 2^53 are exact in table, document and CSV', async () => {
  const index = 'console-e2e';
  await fetch(`${BASE}/api/es/${index}`, { method: 'DELETE' });
  await ask(`es/${index}/_doc?refresh=true`, `{"at":"${new Date().toISOString()}","big":9007199254740993,"note":"둘, \\"인용\\""}`);
  try {
    const page = await visit(`#/discover?i=${index}&f=now-1d&t=now%2B1d&c=big,note`);
    await results(page);
    assert.match(await rows(page).first().innerText(), /9,007,199,254,740,993/);
    await rows(page).first().locator('.td-open').click();
    await page.getByRole('tab', { name: 'JSON' }).click();
    assert.match(await page.locator('.json').innerText(), /"big": 9007199254740993\b/);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export CSV' }).click()]);
    const csv = readFileSync(await download.path(), 'utf8');
    assert.match(csv, /^\ufeffat,big,note\r\n[^,]+,9007199254740993,"둘, ""인용"""\r\n$/);
    await leave(page);
  } finally {
    await ask(`es/${index}`, undefined, 'DELETE');
  }
});

test('the CSV has every row of the result', async () => {
  const end = new Date(Date.now() - 60_000).toISOString(); // a range that nothing is added to any more
  const page = await visit(`#/discover?i=stock&f=now-30m&t=${end}&c=STCK_PRPR,ACML_VOL`);
  await results(page);
  const count = await hitCount(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export CSV' }).click()]);
  const lines = readFileSync(await download.path(), 'utf8').trimEnd().split('\r\n');
  assert.ok(Math.abs(lines.length - 1 - count) <= count * 0.01 + 5, `${lines.length - 1} rows for ${count} hits`);
  assert.equal(new Set(lines).size, lines.length, 'no row twice');
  await leave(page);
});

test('a refresh never overlaps with the one before', async () => {
  const page = await visit('#/discover?i=stock&f=now-15m&t=now&r=1000');
  await results(page);
  let now = 0, most = 0, count = 0;
  await page.route('**/_search*', async (route) => {
    most = Math.max(most, ++now);
    count++;
    await new Promise((done) => setTimeout(done, 2500));
    now--;
    await route.continue();
  });
  await page.waitForTimeout(9000);
  assert.equal(most, 1, 'searches at the same time');
  assert.ok(count >= 2, 'it does refresh');
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await leave(page);
});

test('no hits: says when the last one was and jumps there', async () => {
  const page = await visit('#/discover?i=stock&f=now%2B1d&t=now%2B2d');
  await page.locator('.empty li button').first().click();
  await results(page);
  await leave(page);
});

for (const theme of ['light', 'dark']) for (const lang of LANGUAGES) {
  test(`axe: Discover, ${theme}, ${lang}`, async () => {
    const page = await visit('#/discover?i=stock&f=now-2h&t=now&c=STCK_PRPR,CNTG_VOL', { lang, theme });
    await results(page);
    await accessible(page, 'table');
    await rows(page).nth(2).locator('.td-open').click();
    await page.locator('.doc').waitFor();
    await accessible(page, 'document');
    await page.locator('[data-field=CNTG_VOL] .field-name').first().click();
    await page.locator('.card .facts').waitFor();
    await accessible(page, 'field card');
    await page.keyboard.press('Escape');
    await page.locator('.range-btn').click();
    await accessible(page, 'time range');
    await leave(page);
  });
}
