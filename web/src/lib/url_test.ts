// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { DISCOVER_DEFAULT, hashOf, parseHash, readDiscover, readFilters, readTime, writeDiscover, writeTime, type DiscoverState } from './url';

test('a state goes through the address and comes back', () => {
  const state: DiscoverState = {
    index: 'logs-*,stock', timeField: '@timestamp', query: 'a : "b & c" and d >= 1 + 2%', language: 'lucene', columns: ['a.b', 'odd,name', '100%', '한글'],
    sort: [['t', 'desc'], ['-odd', 'asc']].slice(0, 1) as DiscoverState['sort'],
    filters: [{ field: 'id', op: 'is', values: [9007199254740993n, 'x'] }, { field: 'b', op: 'exists', not: true, off: true }, { field: 'p', op: 'range', gte: 1 }],
    interval: '1m', split: 'host', isChartHidden: true,
  };
  const time = { from: 'now-1d/d', to: '2026-11-21T00:00:00.000Z', refresh: 5000 };
  const hash = hashOf('discover', { ...writeDiscover(state), ...writeTime(time) });
  const route = parseHash(hash);
  expect(route.page).toBe('discover');
  expect(readDiscover(route.params)).toEqual(state);
  expect(readTime(route.params)).toEqual(time);
});

test('the defaults write nothing but the time', () => {
  expect(hashOf('discover', writeDiscover(DISCOVER_DEFAULT))).toBe('#/discover');
  expect(parseHash('')).toMatchObject({ page: '' });
  expect(readDiscover(new URLSearchParams(''))).toEqual(DISCOVER_DEFAULT);
  expect(hashOf('discover', { i: 'stock', f: 'now-15m', t: 'now' })).toBe('#/discover?i=stock&f=now-15m&t=now');
});

test.each(['[', '{}', '[1,null,{"field":1}]', '[{"field":"a","op":"is","values":[]}]', '[{"field":"a","op":"is","values":[{}]}]', '[{"field":"a","op":"run"}]'])(
  'filters from a bad address: %s', (text) => expect(readFilters(text)).toEqual([]));

test('a refresh faster than a second is off', () => {
  expect(readTime(new URLSearchParams('r=10')).refresh).toBe(0);
  expect(readTime(new URLSearchParams('r=abc')).refresh).toBe(0);
});
