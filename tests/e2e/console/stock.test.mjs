// SPDX-License-Identifier: Apache-2.0
// The dashboard "Stock day" and the pipelines page in a real browser, against a server with live trades and an archive.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, ask, close, LANGUAGES, leave, newestTrade, open, picture, until, visit } from './browser.mjs';

before(open);
after(close);

const TITLE = { ko: '주식 하루', en: 'Stock day' };
const digits = (s) => Number(s.replace(/[^\d]/g, ''));

for (const lang of LANGUAGES) {
  test(`${lang}: last price, charts, archive`, async () => {
    const newest = await newestTrade();
    const code = newest._source.MKSC_SHRN_ISCD;
    const page = await visit(`#/stock?stock=${code}`, { lang });
    await page.getByRole('heading', { name: TITLE[lang] }).waitFor();
    await page.locator('.last-price').waitFor();
    await until('charts', async () => (await page.locator('.stock-main .plot canvas').count()) >= 2);
    // The last price is the newest trade's.
    await until('the newest price', async () => {
      const reply = await ask('es/stock/_search', { size: 1, query: { match_phrase: { MKSC_SHRN_ISCD: code } }, sort: [{ STCK_CNTG_HOUR: 'desc' }, { ACML_VOL: 'desc' }] });
      return digits(await page.locator('.last-price').innerText()) === reply.hits.hits[0]._source.STCK_PRPR;
    });
    // The archive's table shows what the SQL table has.
    const sql = await ask(`archive/ten_minutes?stock=${code}&from=${new Date(Date.now() - 3 * 3_600_000).toISOString()}&to=${new Date(Date.now() + 60_000).toISOString()}`);
    if (sql.rows.length) {
      const at = sql.columns.indexOf('window_start');
      const close = sql.columns.indexOf('close');
      const table = page.getByTestId('archive-table');
      await table.waitFor();
      const text = await table.innerText();
      assert.ok(text.includes(String(sql.rows[0][at])), `window ${sql.rows[0][at]} is shown`);
      assert.ok(text.includes(Number(sql.rows[0][close]).toLocaleString('en-US')), 'with its close');
    }
    await picture(page, `stock-day-${lang}`);
    await leave(page);
  });
}

test('new trades come into the tape by themselves', async () => {
  const code = (await newestTrade())._source.MKSC_SHRN_ISCD;
  const page = await visit(`#/stock?stock=${code}&r=1000`);
  const tape = page.getByTestId('tape');
  await tape.locator('tbody tr').first().waitFor();
  const before = new Set(await tape.locator('tbody tr').evaluateAll((all) => all.map((r) => r.dataset.id)));
  await until('a trade that was not there', async () => (await tape.locator('tbody tr').first().getAttribute('data-id').then((id) => !before.has(id))), 30);
  await leave(page);
});

test('the stock chooser and the table twin', async () => {
  const page = await visit('#/stock');
  await page.locator('.last-price').waitFor();
  const codes = await page.locator('#stock-code option').evaluateAll((all) => all.map((o) => o.value));
  assert.ok(codes.length >= 1);
  await page.locator('#stock-code').selectOption(codes.at(-1));
  if (codes.length > 1) await until('the stock in the address', () => page.url().includes(`stock=${codes.at(-1)}`));
  await page.locator('.stock-main .panel .panel-bar .ib').first().click();
  await page.locator('.twin tbody tr').first().waitFor();
  await leave(page);
});

test('pipelines: rates of every plugin from two readings', async () => {
  const page = await visit('#/pipelines');
  await page.locator('.pipeline').first().waitFor();
  const known = Object.keys((await ask('pipelines')).pipelines);
  const shown = await page.locator('.pipeline h2').allInnerTexts();
  assert.deepEqual(shown.sort(), known.sort());
  await until('rates', async () => (await page.locator('.plugins tbody tr:not(.stage) td:nth-child(2)').allInnerTexts()).every((s) => /^[\d.,]+$/.test(s)));
  await page.waitForTimeout(process.env.SCREENSHOTS === '1' ? 15_000 : 0);
  await picture(page, 'pipelines-en');
  await leave(page);
});

for (const theme of ['light', 'dark']) for (const lang of LANGUAGES) {
  test(`axe: Stock day and pipelines, ${theme}, ${lang}`, async () => {
    const page = await visit('#/stock?r=0', { lang, theme });
    await page.locator('.last-price').waitFor();
    await until('charts', async () => (await page.locator('.stock-main .plot canvas').count()) >= 2);
    await accessible(page, 'Stock day');
    if (theme === 'dark') await picture(page, `stock-day-dark-${lang}`);
    await page.goto(page.url().replace(/#.*/, '#/pipelines'));
    await page.locator('.pipeline').first().waitFor();
    await accessible(page, 'pipelines');
    await page.keyboard.press('Shift+?');
    await page.locator('dialog').waitFor();
    await accessible(page, 'help');
    await leave(page);
  });
}
