// SPDX-License-Identifier: Apache-2.0
// Texts by key, one catalogue a language, loaded when it is chosen. A text may have `{name}` and one level of
// `{n, plural, one {# hit} other {# hits}}`.
import { signal } from '@preact/signals';
import type english from './en.json';
import { numberText } from '../lib/format';

export type Key = keyof typeof english;
export type Lang = 'en' | 'ko';
export const LANGUAGES: readonly [Lang, string][] = [['ko', '한국어'], ['en', 'English']];
export type Params = Record<string, string | number | bigint>;

const catalogue = signal<Record<string, string>>({});
export const lang = signal<Lang>('en');

const loaders: Record<Lang, () => Promise<{ default: Record<string, string> }>> = {
  en: () => import('./en.json'),
  ko: () => import('./ko.json'),
};

export async function useLanguage(next: Lang): Promise<void> {
  const loaded = await loaders[next]();
  catalogue.value = loaded.default;
  lang.value = next;
  if (typeof document !== 'undefined') document.documentElement.lang = next;
}

/** The text with its parameters put in; numbers as 12,345. */
export function fill(text: string, params: Params, locale: string): string {
  const plain = text.replace(/\{(\w+), plural, ((?:\w+ \{[^{}]*\} ?)+)\}/g, (_all, name: string, forms: string) => {
    const n = Number(params[name] ?? 0);
    const kind = new Intl.PluralRules(locale).select(n);
    const byKind = Object.fromEntries([...forms.matchAll(/(\w+) \{([^{}]*)\}/g)].map((m) => [m[1], m[2]]));
    return (byKind[kind] ?? byKind['other'] ?? '').replaceAll('#', numberText(n));
  });
  return plain.replace(/\{(\w+)\}/g, (all, name: string) => {
    const value = params[name];
    return value === undefined ? all : typeof value === 'string' ? value : numberText(value);
  });
}

export function t(key: Key, params?: Params): string {
  const text = catalogue.value[key] ?? key;
  return params ? fill(text, params, lang.value) : text;
}

/** A span in words: "3 hours". */
export const spanText = (s: { n: number; unit: 's' | 'm' | 'h' | 'd' }): string => t(`span.${s.unit}`, { n: s.n });
