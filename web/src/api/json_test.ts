// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { parseJson, quoteBigIntegers, writeJson } from './json';

describe('big integers', () => {
  test.each([
    ['{"a":9007199254740993}', 9007199254740993n],
    ['{"a":-9223372036854775808}', -9223372036854775808n],
    ['{"a":18446744073709551615}', 18446744073709551615n],
    ['{"a":9007199254740991}', 9007199254740991],
    ['{"a":1.7976931348623157e308}', 1.7976931348623157e308],
    ['{"a":1234567890123456.5}', 1234567890123456.5],
    ['{"a":"9007199254740993"}', '9007199254740993'],
    ['{"a":"\\"9007199254740993"}', '"9007199254740993'],
  ])('%s', (text, value) => {
    expect((parseJson(text) as { a: unknown }).a).toEqual(value);
  });
  test('come back out as they came in', () => {
    const text = '{"sort":[9007199254740993,"a",1.5,[{"b":12345678901234567890}]],"t":"\\u0001x"}';
    expect(writeJson(parseJson(text))).toBe(text);
  });
  test('strings with digits are left alone', () => {
    const text = '{"k 12345678901234567890":"x:12345678901234567890,"}';
    expect(quoteBigIntegers(text)).toBe(text);
  });
  test('bad JSON is an error, with big integers too', () => {
    expect(() => parseJson('{"a":9007199254740993')).toThrow();
  });
});
