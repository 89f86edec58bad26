// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { RateBook, ratesOf } from './rates';

test('rates between two readings', () => {
  expect(ratesOf({ at: 0, events: 100, ms: 10 }, { at: 2000, events: 300, ms: 30 })).toEqual({ perSecond: 100, msPerEvent: 0.1, busyMs: 20 });
  expect(ratesOf({ at: 0, events: 100, ms: 10 }, { at: 2000, events: 100, ms: 10 })).toEqual({ perSecond: 0, msPerEvent: undefined, busyMs: 0 });
  expect(ratesOf({ at: 0, events: 1000, ms: 10 }, { at: 1000, events: 50, ms: 5 })?.perSecond).toBe(50); // started anew
  expect(ratesOf({ at: 5, events: 0, ms: 0 }, { at: 5, events: 9, ms: 0 })).toBeUndefined();
});

test('a book of two readings', () => {
  const stats = (n: number) => ({ p: { events: { in: n, filtered: n, out: n }, plugins: {
    inputs: [{ id: 'i', name: 'beats', events: { out: n } }], filters: [{ id: 'f', name: 'ruby', failures: 2, events: { in: n, out: n, duration_in_millis: n * 3 } }],
    outputs: [{ id: 'o', name: 'jdbc', failures: 1, events: { in: n, out: n, duration_in_millis: n } }] } } });
  const book = new RateBook();
  expect(book.read(stats(10), 0)[0]?.plugins.map((p) => p.rates)).toEqual([undefined, undefined, undefined]);
  const row = book.read(stats(30), 1000)[0];
  expect(row?.rates).toEqual({ in: 20, filtered: 20, out: 20 });
  expect(row?.failures).toBe(3);
  expect(row?.plugins.map((p) => [p.stats.id, p.rates?.perSecond, p.meanMs, p.share])).toEqual([['i', 20, 0, 0], ['f', 20, 3, 0.75], ['o', 20, 1, 0.25]]);
});

test('a step of a few milliseconds gives way to the mean of the whole life', () => {
  const stats = (n: number, ms: number) => ({ p: { plugins: { filters: [{ id: 'f', name: 'date', events: { in: n, out: n, duration_in_millis: ms } }] } } });
  const book = new RateBook();
  book.read(stats(1000, 500), 0);
  expect(book.read(stats(1010, 505), 1000)[0]?.plugins[0]).toMatchObject({ meanMs: 0.5, share: 1 });
});
