// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import en from './en.json';
import ko from './ko.json';
import { fill } from './i18n';

const names = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)[,}]/g)].map((m) => m[1] ?? ''))].sort();

test('both catalogues have the same keys', () => expect(Object.keys(ko).sort()).toEqual(Object.keys(en).sort()));

test.each(Object.keys(en) as (keyof typeof en)[])('%s has the same parameters and is not empty', (key) => {
  expect(names(ko[key])).toEqual(names(en[key]));
  expect(ko[key].trim() && en[key].trim()).toBeTruthy();
});

const sources = import.meta.glob<string>('../**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true });

test('every key is used', () => {
  const all = Object.values(sources).join('\n');
  const prefixes = [...all.matchAll(/`([a-z_]+(?:\.[A-Za-z_]+)*\.)\$\{/g)].map((m) => m[1] ?? '');
  const unused = Object.keys(en).filter((k) => !all.includes(`'${k}'`) && !prefixes.some((p) => k.startsWith(p)));
  expect(unused).toEqual([]);
});

test('parameters and plurals', () => {
  expect(fill('{n, plural, one {# hit} other {# hits}} in {x}', { n: 1, x: 'a' }, 'en')).toBe('1 hit in a');
  expect(fill('{n, plural, one {# hit} other {# hits}}', { n: 12345 }, 'en')).toBe('12,345 hits');
  expect(fill('문서 {n}건', { n: 12345 }, 'ko')).toBe('문서 12,345건');
  expect(fill('{missing}', {}, 'en')).toBe('{missing}');
});
