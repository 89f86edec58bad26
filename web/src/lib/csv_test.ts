// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { columnsOf, csvCell, csvLine, csvRow } from './csv';
import { matches } from './hangul';

test.each([['a', 'a'], ['a,b', '"a,b"'], ['say "x"', '"say ""x"""'], ['two\nlines', '"two\nlines"'], [null, ''], [9007199254740993n, '9007199254740993'], [' x', '" x"'], [true, 'true']])(
  'cell %#', (value, want) => expect(csvCell(value)).toBe(want));

test('rows', () => {
  const hit = { _index: 'stock', _id: '1', _source: { a: { b: 1 }, c: [1, 2] } };
  expect(csvRow(hit, ['_id', 'a.b', 'c', 'none'])).toBe('1,1,"1, 2",\r\n');
  expect(columnsOf(['a.b'], [hit])).toEqual(['a.b', 'c']);
  expect(csvLine(['삼성', 1])).toBe('삼성,1\r\n');
});

test('lists are matched by part and by initial consonants', () => {
  expect(matches('삼성전자 005930', 'ㅅㅅㅈㅈ')).toBe(true);
  expect(matches('삼성전자 005930', '5930')).toBe(true);
  expect(matches('STCK_PRPR', 'prpr')).toBe(true);
  expect(matches('카카오', 'ㅅㅅ')).toBe(false);
});
