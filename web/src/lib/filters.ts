// SPDX-License-Identifier: Apache-2.0
// Filter pills and what they mean: to Elasticsearch DSL, and to KQL text. Pills are joined with AND; the values of one
// pill with OR.
import type { Dsl } from '../api/server';

export type Scalar = string | number | bigint | boolean;
export type Filter = { field: string; not?: boolean; off?: boolean } & (
  | { op: 'is'; values: Scalar[] }
  | { op: 'exists' }
  | { op: 'range'; gte?: Scalar; lt?: Scalar });

export function filterDsl(f: Filter): Dsl {
  if (f.op === 'exists') return { exists: { field: f.field } };
  if (f.op === 'range') {
    return { range: { [f.field]: { ...(f.gte === undefined ? {} : { gte: f.gte }), ...(f.lt === undefined ? {} : { lt: f.lt }) } } };
  }
  const each = f.values.map((v): Dsl => ({ match_phrase: { [f.field]: v } }));
  return each.length === 1 && each[0] ? each[0] : { bool: { should: each, minimum_should_match: 1 } };
}

/** The whole query: the bar's, the pills', the time range's. */
export function queryDsl(bar: Dsl | undefined, filters: readonly Filter[], range?: { field: string; from: number; to: number }): Dsl {
  const filter: Dsl[] = [];
  const mustNot: Dsl[] = [];
  if (bar && !('match_all' in bar)) filter.push(bar);
  for (const f of filters) if (!f.off) (f.not ? mustNot : filter).push(filterDsl(f));
  if (range) {
    filter.push({ range: { [range.field]: { gte: new Date(range.from).toISOString(), lte: new Date(range.to).toISOString(),
      format: 'strict_date_optional_time' } } });
  }
  if (!filter.length && !mustNot.length) return { match_all: {} };
  return { bool: { ...(filter.length ? { filter } : {}), ...(mustNot.length ? { must_not: mustNot } : {}) } };
}

/** A value as KQL writes it: quoted, with `\` and `"` escaped; numbers and booleans bare. */
export function kqlValue(v: Scalar): string {
  if (typeof v !== 'string') return String(v);
  const body = v.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
  return `"${body}"`;
}

/** A field name as KQL writes it: special characters, inner spaces' keywords escaped. */
export function kqlField(name: string): string {
  return name.replace(/[\\():<>"*{}]/g, '\\$&').replace(/(^|\s)(and|or|not)(?=\s|$)/gi, '$1\\$2');
}

export function filterKql(f: Filter): string {
  const name = kqlField(f.field);
  const not = f.not ? 'not ' : '';
  if (f.op === 'exists') return `${not}${name} : *`;
  if (f.op === 'range') {
    const parts = [f.gte === undefined ? '' : `${name} >= ${kqlValue(f.gte)}`, f.lt === undefined ? '' : `${name} < ${kqlValue(f.lt)}`].filter(Boolean);
    return parts.length > 1 ? `${not}(${parts.join(' and ')})` : not + (parts[0] ?? '');
  }
  const values = f.values.map(kqlValue);
  return `${not}${name} : ${values.length === 1 ? values[0] : `(${values.join(' or ')})`}`;
}

const same = (a: Filter, b: Filter): boolean => a.field === b.field && a.op === b.op && filterKql({ ...a, not: false }) === filterKql({ ...b, not: false });

/** Adds a pill; the same one already there is switched on or turned round instead of doubled. */
export function addFilter(filters: readonly Filter[], f: Filter): Filter[] {
  const at = filters.findIndex((g) => same(f, g));
  return at < 0 ? [...filters, f] : filters.map((g, i) => (i === at ? f : g));
}
