// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { candlesOf, cellText, numericColumns } from './archive';
import type { SqlRows } from '../../api/server';

const rows: SqlRows = { table: 'stock_10min', time_zone: 'Asia/Seoul', columns: ['mksc_shrn_iscd', 'window_start', 'open', 'high', 'low', 'close', 'volume', 'trade_count'],
  rows: [['005930', '2026-11-20 09:10:00', 53800, 53900, 53700, 53900, '18233', 2451], ['005930', '2026-11-20 09:00:00', 53700, 53900, 53600, 53800, '9007199254740993', 10]] };

test('windows become candles, oldest first, in the zone of the table', () => {
  const candles = candlesOf(rows);
  expect(candles?.map((c) => new Date(c.start).toISOString())).toEqual(['2026-11-20T00:00:00.000Z', '2026-11-20T00:10:00.000Z']);
  expect(candles?.[1]).toMatchObject({ open: 53800, high: 53900, low: 53700, close: 53900, volume: 18233, count: 2451 });
  expect(candlesOf({ ...rows, time_zone: 'UTC' })?.[0]?.start).toBe(Date.parse('2026-11-20T09:00:00Z'));
});

test('a table without prices gives no candles, a bad time leaves its row out', () => {
  expect(candlesOf({ ...rows, columns: ['a', 'b'] })).toBeUndefined();
  expect(candlesOf({ ...rows, rows: [['005930', 'soon', 1, 1, 1, 1, 1, 1]] })).toEqual([]);
});

test('cells: sums as text are numbers, codes are not', () => {
  expect(numericColumns(rows)).toEqual([false, false, true, true, true, true, true, true]);
  expect(cellText('9007199254740993', true)).toBe('9,007,199,254,740,993');
  expect(cellText('12.5', true)).toBe('12.5');
  expect(cellText('005930', false)).toBe('005930');
  expect(cellText(null, true)).toBe('');
});
