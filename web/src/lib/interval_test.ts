// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { autoInterval, histogramOf, intervalFor } from './interval';

const M = 60_000, H = 60 * M, D = 24 * H;

test.each([
  [100, '2ms'], [1000, '20ms'], [20_000, '400ms'], [40_000, '1s'], [15 * M, '30s'], [H, '1m'], [6.5 * H, '5m'], [24 * H, '30m'], [7 * D, '3h'], [30 * D, '12h'], [90 * D, '1d'],
  [365 * D, '1w'], [5 * 365 * D, '1M'], [60 * 365 * D, '1y'], [0, '1ms'],
])('range of %d ms gives %s', (range, text) => {
  expect(autoInterval(range).text).toBe(text);
});

test('no range of any length gives too many bars', () => {
  for (let range = 1; range < 90 * 365 * D; range = Math.ceil(range * 1.1)) {
    expect(range / autoInterval(range).ms, `${range}`).toBeLessThanOrEqual(range < 100 ? 100 : 620);
  }
});

test('a choice is kept while it fits and scaled when it does not', () => {
  expect(intervalFor('1m', H)).toMatchObject({ text: '1m', isScaled: false });
  expect(intervalFor('1s', H)).toMatchObject({ text: '1m', isScaled: true });
  expect(intervalFor('auto', H)).toMatchObject({ text: '1m', isScaled: false });
  expect(intervalFor('1s', 10_000 * 365 * D).isScaled).toBe(true);
});

test('calendar units are asked for as such', () => {
  expect(histogramOf('t', autoInterval(90 * D), 'Asia/Seoul')).toEqual({ field: 't', calendar_interval: '1d', time_zone: 'Asia/Seoul', min_doc_count: 0 });
  expect(histogramOf('t', autoInterval(H), 'UTC')).toMatchObject({ fixed_interval: '1m' });
});
