// SPDX-License-Identifier: Apache-2.0
// The address is the state: `#/discover?i=stock&f=now-15m&t=now&q=…`. Only what differs from the defaults is written.
import { parseJson, writeJson } from '../api/json';
import type { Filter, Scalar } from './filters';

export interface Route { page: string; params: URLSearchParams }

export function parseHash(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const mark = text.indexOf('?');
  return { page: mark < 0 ? text : text.slice(0, mark), params: new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1)) };
}

/** Readable where the address allows it: commas, colons and slashes stay. */
export function hashOf(page: string, params: Record<string, string | undefined>): string {
  const q = Object.entries(params)
    .filter((e): e is [string, string] => e[1] !== undefined && e[1] !== '')
    .map(([k, v]) => `${k}=${encodeURIComponent(v).replace(/%(2C|3A|2F|40|7C)/g, (c) => decodeURIComponent(c)).replaceAll('%20', '+')}`);
  return `#/${page}${q.length ? '?' + q.join('&') : ''}`;
}

export interface TimeState { from: string; to: string; refresh: number }
export const TIME_DEFAULT: TimeState = { from: 'now-15m', to: 'now', refresh: 0 };

export interface DiscoverState {
  index: string; timeField: string; query: string; language: 'kuery' | 'lucene'; columns: string[];
  sort: [string, 'asc' | 'desc'][]; filters: Filter[]; interval: string; split: string; isChartHidden: boolean;
}
export const DISCOVER_DEFAULT: DiscoverState = {
  index: '', timeField: '', query: '', language: 'kuery', columns: [], sort: [], filters: [], interval: 'auto', split: '', isChartHidden: false,
};

const isScalar = (v: unknown): v is Scalar => ['string', 'number', 'bigint', 'boolean'].includes(typeof v);

/** Checks what came from an address: anything that is not a filter is left out. */
export function readFilters(text: string | null): Filter[] {
  if (!text) return [];
  let list: unknown;
  try {
    list = parseJson(text);
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.flatMap((raw: unknown): Filter[] => {
    const f = raw as Record<string, unknown> | null;
    if (!f || typeof f !== 'object' || typeof f['field'] !== 'string') return [];
    const base = { field: f['field'], ...(f['not'] === true ? { not: true } : {}), ...(f['off'] === true ? { off: true } : {}) };
    if (f['op'] === 'exists') return [{ ...base, op: 'exists' }];
    if (f['op'] === 'is' && Array.isArray(f['values']) && f['values'].length && f['values'].every(isScalar)) return [{ ...base, op: 'is', values: f['values'] }];
    if (f['op'] === 'range') {
      return [{ ...base, op: 'range', ...(isScalar(f['gte']) ? { gte: f['gte'] } : {}), ...(isScalar(f['lt']) ? { lt: f['lt'] } : {}) }];
    }
    return [];
  });
}

export function readTime(p: URLSearchParams, other: TimeState = TIME_DEFAULT): TimeState {
  const refresh = Number(p.get('r') ?? other.refresh);
  return { from: p.get('f') || other.from, to: p.get('t') || other.to, refresh: Number.isFinite(refresh) && refresh >= 1000 ? refresh : 0 };
}

export const writeTime = (t: TimeState): Record<string, string | undefined> =>
  ({ f: t.from, t: t.to, r: t.refresh ? String(t.refresh) : undefined });

// Only the two characters that writeDiscover escapes.
const unescapeName = (n: string): string => n.replaceAll('%2C', ',').replaceAll('%25', '%');

export function readDiscover(p: URLSearchParams): DiscoverState {
  const list = (key: string) => (p.get(key) ?? '').split(',').filter((s) => s !== '').map(unescapeName);
  return {
    index: p.get('i') ?? '', timeField: p.get('tf') ?? '', query: p.get('q') ?? '', language: p.get('l') === 'lucene' ? 'lucene' : 'kuery',
    columns: [...new Set(list('c'))],
    sort: list('s').map((s): [string, 'asc' | 'desc'] => (s.startsWith('-') ? [s.slice(1), 'desc'] : [s, 'asc'])),
    filters: readFilters(p.get('fl')), interval: p.get('h') || 'auto', split: p.get('b') ?? '', isChartHidden: p.get('ch') === '0',
  };
}

export function writeDiscover(s: DiscoverState): Record<string, string | undefined> {
  // A comma in a name is escaped before joining, so that it comes back whole.
  const name = (n: string) => n.replaceAll('%', '%25').replaceAll(',', '%2C');
  return {
    i: s.index, tf: s.timeField || undefined, q: s.query || undefined, l: s.language === 'lucene' ? 'lucene' : undefined,
    c: s.columns.map(name).join(',') || undefined, s: s.sort.map(([f, d]) => (d === 'desc' ? '-' : '') + name(f)).join(',') || undefined,
    fl: s.filters.length ? writeJson(s.filters) : undefined, h: s.interval === 'auto' ? undefined : s.interval, b: s.split || undefined,
    ch: s.isChartHidden ? '0' : undefined,
  };
}
