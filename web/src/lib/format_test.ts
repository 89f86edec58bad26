// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { bucketText, bytesText, documentTime, numberText, percentText, rateText, signedText, spanOf, timeText, valueText } from './format';
import { offsetText, wallOf, instantOf, isZone } from './tz';

const at = Date.parse('2026-11-21T05:03:05.123Z');

test('times', () => {
  expect(timeText(at, 'Asia/Seoul')).toBe('2026-11-21 14:03:05.123');
  expect(timeText(at, 'UTC', 's')).toBe('2026-11-21 05:03:05');
  expect(documentTime('2026-11-21T05:03:05.123456789Z', 'Asia/Seoul')).toBe('2026-11-21 14:03:05.123456789');
  expect(documentTime(at, 'UTC')).toBe('2026-11-21 05:03:05.123');
  expect(documentTime('not a date', 'UTC')).toBe('not a date');
  expect(offsetText('Asia/Seoul', at)).toBe('+09:00');
  expect(offsetText('America/St_Johns', at)).toBe('-03:30');
  expect(isZone('Asia/Seoul') && !isZone('Asia/Nowhere')).toBe(true);
});

test.each([[366 * 86_400_000, '2026'], [30 * 86_400_000, '2026-11'], [86_400_000, '2026-11-21'], [60_000, '2026-11-21 14:03'], [1000, '2026-11-21 14:03:05'], [5, '2026-11-21 14:03:05.123']])(
  'a bucket of %d ms', (ms, want) => expect(bucketText(at, ms, 'Asia/Seoul')).toBe(want));

test('wall time and instant are inverse through a gap and an overlap', () => {
  for (const text of ['2026-03-29T00:30:00Z', '2026-03-29T01:30:00Z', '2026-10-25T02:30:00Z', '1900-01-01T00:00:00Z']) {
    const t = Date.parse(text);
    expect(new Date(instantOf('Europe/Berlin', wallOf('Europe/Berlin', t))).toISOString().slice(0, 13)).toBe(text.slice(0, 13));
  }
  expect(new Date(instantOf('Europe/Berlin', { year: 2026, month: 3, day: 29, hour: 2, minute: 30 })).toISOString()).toBe('2026-03-29T01:30:00.000Z');
});

test('numbers', () => {
  expect(numberText(1234567)).toBe('1,234,567');
  expect(numberText(9007199254740993n)).toBe('9,007,199,254,740,993');
  expect(numberText(12.3456)).toBe('12.35');
  expect(numberText(0.0012345)).toBe('0.00123');
  expect(numberText(null)).toBe('–');
  expect(signedText(-100)).toBe('−100');
  expect(percentText(0.0004)).toBe('<0.1%');
  expect(percentText(0.999)).toBe('100%');
  expect(percentText(0.05)).toBe('5.0%');
  expect(bytesText(1536)).toBe('1.5 KB');
  expect(rateText(1234.5)).toBe('1,235');
  expect(rateText(undefined)).toBe('–');
  expect(spanOf(3 * 3_600_000)).toEqual({ n: 3, unit: 'h' });
});

test('values keep what they are', () => {
  expect(valueText(9007199254740993n)).toBe('9007199254740993');
  expect(valueText([1, 'a', null])).toBe('1, a, null');
  expect(valueText({ a: 9007199254740993n })).toBe('{"a":9007199254740993}');
  expect(valueText(undefined)).toBe('');
});
