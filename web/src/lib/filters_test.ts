// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { addFilter, filterKql, queryDsl, type Filter } from './filters';

test.each<[Filter, string]>([
  [{ field: 'status', op: 'is', values: [500] }, 'status : 500'],
  [{ field: 'id', op: 'is', values: [9007199254740993n] }, 'id : 9007199254740993'],
  [{ field: 'a', op: 'is', values: ['say "hi" \\ (x)'] }, 'a : "say \\"hi\\" \\\\ (x)"'],
  [{ field: 'a', op: 'is', values: ['b\tc\nd'] }, 'a : "b\\tc\\nd"'],
  [{ field: 'a', op: 'is', values: ['x', 'y'], not: true }, 'not a : ("x" or "y")'],
  [{ field: 'a:b(c)', op: 'exists' }, 'a\\:b\\(c\\) : *'],
  [{ field: 'and', op: 'exists', not: true }, 'not \\and : *'],
  [{ field: 'a', op: 'is', values: ['or'] }, 'a : "or"'],
  [{ field: 'p', op: 'range', gte: 1, lt: 5 }, '(p >= 1 and p < 5)'],
  [{ field: 'p', op: 'range', gte: '2026-11-20' }, 'p >= "2026-11-20"'],
])('pill %#', (f, want) => expect(filterKql(f)).toBe(want));

test('pills become one bool', () => {
  expect(queryDsl(undefined, [])).toEqual({ match_all: {} });
  expect(queryDsl({ match_all: {} }, [])).toEqual({ match_all: {} });
  expect(queryDsl({ term: { a: 1 } }, [{ field: 'b', op: 'exists', not: true }, { field: 'c', op: 'is', values: [1, 2] }, { field: 'd', op: 'exists', off: true }],
    { field: 't', from: 0, to: 1000 })).toEqual({ bool: {
    filter: [{ term: { a: 1 } }, { bool: { should: [{ match_phrase: { c: 1 } }, { match_phrase: { c: 2 } }], minimum_should_match: 1 } },
      { range: { t: { gte: '1970-01-01T00:00:00.000Z', lte: '1970-01-01T00:00:01.000Z', format: 'strict_date_optional_time' } } }],
    must_not: [{ exists: { field: 'b' } }] } });
});

test('the same pill is not added twice, but turned round', () => {
  const first = addFilter([], { field: 'a', op: 'is', values: ['x'] });
  const out = addFilter(first, { field: 'a', op: 'is', values: ['x'], not: true });
  expect(out).toEqual([{ field: 'a', op: 'is', values: ['x'], not: true }]);
  expect(addFilter(out, { field: 'a', op: 'is', values: ['y'] })).toHaveLength(2);
});
