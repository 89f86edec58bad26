// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { encodePattern, fieldsOf, flatten, timeFieldOf, valueAt } from './es';

const mapping = {
  stock: { mappings: { properties: {
    MKSC_SHRN_ISCD: { type: 'text', fields: { keyword: { type: 'keyword' } } }, STCK_CNTG_HOUR: { type: 'date' }, STCK_PRPR: { type: 'long' },
    note: { type: 'text' }, deep: { properties: { port: { type: 'integer' } } } } } },
  other: { mappings: { properties: { STCK_PRPR: { type: 'keyword' }, '@timestamp': { type: 'date' } } } },
};

test('a mapping becomes a flat field list with conflicts and exact twins', () => {
  const fields = fieldsOf(mapping);
  expect(fields.map((f) => f.name)).toEqual(['@timestamp', 'deep.port', 'MKSC_SHRN_ISCD', 'note', 'STCK_CNTG_HOUR', 'STCK_PRPR']);
  expect(fields.find((f) => f.name === 'MKSC_SHRN_ISCD')?.exact).toBe('MKSC_SHRN_ISCD.keyword');
  expect(fields.find((f) => f.name === 'note')?.exact).toBeUndefined();
  const price = fields.find((f) => f.name === 'STCK_PRPR');
  expect(price?.type).toBe('conflict');
  expect(price?.types).toEqual({ long: ['stock'], keyword: ['other'] });
  expect(timeFieldOf(fields)).toBe('@timestamp');
  expect(timeFieldOf(fieldsOf({ stock: mapping.stock }))).toBe('STCK_CNTG_HOUR');
  expect(fieldsOf({ empty: {} })).toEqual([]);
});

test('values by path', () => {
  expect(valueAt({ a: { b: 1 } }, 'a.b')).toBe(1);
  expect(valueAt({ 'a.b': 2, a: { b: 1 } }, 'a.b')).toBe(2);
  expect(valueAt({ a: { 'b.c': 3 } }, 'a.b.c')).toBe(3);
  expect(valueAt({ a: [{ b: 1 }, { b: [2, 3] }, {}] }, 'a.b')).toEqual([1, 2, 3]);
  expect(valueAt({ a: 1 }, 'a.b')).toBeUndefined();
  expect(flatten({ a: { b: 1, c: [1, 2] }, d: null })).toEqual([['a.b', 1], ['a.c', [1, 2]], ['d', null]]);
});

test('patterns keep their stars and commas', () => {
  expect(encodePattern('logs-*, stock')).toBe('logs-*,stock');
  expect(encodePattern('a/b')).toBe('a%2Fb');
});
