// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { relativeOf, resolve, resolveRange } from './datemath';

const now = Date.parse('2026-11-21T05:03:05.123Z'); // 14:03 in Seoul, a Saturday
const at = (text: string, tz = 'Asia/Seoul', roundUp = false): string | undefined => {
  const r = resolve(text, { now, tz, roundUp });
  return r === undefined ? undefined : new Date(r).toISOString();
};

describe('in Seoul', () => {
  test.each([
    ['now', '2026-11-21T05:03:05.123Z'], ['now-15m', '2026-11-21T04:48:05.123Z'], ['now-1h/h', '2026-11-21T04:00:00.000Z'],
    ['now/d', '2026-11-20T15:00:00.000Z'], ['now-1d/d', '2026-11-19T15:00:00.000Z'], ['now/w', '2026-11-15T15:00:00.000Z'],
    ['now/M', '2026-10-31T15:00:00.000Z'], ['now/y', '2025-12-31T15:00:00.000Z'], ['now-m', '2026-11-21T05:02:05.123Z'],
    ['now+1H', '2026-11-21T06:03:05.123Z'], ['2026-01-31||+1M', '2026-02-27T15:00:00.000Z'], ['2026-11-20 09:00', '2026-11-20T00:00:00.000Z'],
    ['2026-11-20T09:00:00Z', '2026-11-20T09:00:00.000Z'], ['2026-11-20T09:00:00.5+0900', '2026-11-20T00:00:00.500Z'],
    ['1763690400123', '2025-11-21T02:00:00.123Z'], ['2026', '2025-12-31T15:00:00.000Z'], ['now-1500ms', '2026-11-21T05:03:03.623Z'],
  ])('%s', (text, want) => expect(at(text)).toBe(want));
});

test('the end of a range rounds up to the last millisecond', () => {
  expect(at('now/d', 'Asia/Seoul', true)).toBe('2026-11-21T14:59:59.999Z');
  expect(at('now/w', 'Asia/Seoul', true)).toBe('2026-11-22T14:59:59.999Z');
  const today = resolveRange('now/d', 'now/d', now, 'Asia/Seoul');
  expect(today && today.to - today.from).toBe(86_400_000 - 1);
});

test('days follow summer time', () => {
  const berlin = { now: Date.parse('2026-03-29T12:00:00Z'), tz: 'Europe/Berlin' }; // A day of 23 hours
  expect(new Date(resolve('now/d', berlin) ?? 0).toISOString()).toBe('2026-03-28T23:00:00.000Z');
  expect(new Date(resolve('now/d', { ...berlin, roundUp: true }) ?? 0).toISOString()).toBe('2026-03-29T21:59:59.999Z');
  expect(new Date(resolve('now-1d', berlin) ?? 0).toISOString()).toBe('2026-03-28T13:00:00.000Z');
  expect(new Date(resolve('now-24h', berlin) ?? 0).toISOString()).toBe('2026-03-28T12:00:00.000Z');
});

test.each(['', 'yesterday', 'now-', 'now/2d', 'now-1x', '2026-13-01', '2026-02-30', '2026-11-20 25:00', '2026-11-20||', 'now-1d foo'])('%j is not a time', (text) => {
  const r = at(text);
  if (text === '2026-11-20||') expect(r).toBe('2026-11-19T15:00:00.000Z');
  else expect(r).toBeUndefined();
});

test('a range that ends before it starts is none', () => {
  expect(resolveRange('now', 'now-1h', now, 'UTC')).toBeUndefined();
  expect(resolveRange('nonsense', 'now', now, 'UTC')).toBeUndefined();
});

test('relative texts are taken apart', () => {
  expect(relativeOf('now-15m')).toEqual({ n: 15, unit: 'm', round: false });
  expect(relativeOf('now-7d/d')).toEqual({ n: 7, unit: 'd', round: true });
  expect(relativeOf('2026-11-20')).toBeUndefined();
});
