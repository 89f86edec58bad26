// SPDX-License-Identifier: Apache-2.0
// The Elasticsearch side: indices, mappings as a flat field list, searches.
import { ApiError, get, post } from './client';
import type { Dsl } from './server';

export interface IndexInfo { name: string; docs: number; bytes: number }
export interface Field {
  name: string;
  /** Type as mapped; 'conflict' when the indices of the pattern disagree. */
  type: string;
  /** Types by index, for a conflict. */
  types?: Record<string, string[]>;
  /** The field that aggregations and sorting use: itself, or a keyword sub-field of a text; none: not possible. */
  exact?: string;
}
export interface Hit {
  _index: string; _id: string; _score?: number | null; _source?: Record<string, unknown>; sort?: unknown[];
}
export interface Bucket { key: string | number | bigint; key_as_string?: string; doc_count: number; [agg: string]: unknown }
export interface SearchReply {
  took: number; timed_out?: boolean;
  _shards?: { total: number; successful: number; failed: number; failures?: { reason?: { reason?: string } }[] };
  hits: { total?: { value: number; relation: string } | number; hits: Hit[] };
  aggregations?: Record<string, Record<string, unknown> & { buckets?: Bucket[]; value?: number | null; doc_count?: number }>;
}

export async function listIndices(abort?: AbortSignal): Promise<IndexInfo[]> {
  const rows = await get<Record<string, string>[] | undefined>('es/_cat/indices?format=json&bytes=b', abort);
  return (rows ?? [])
    .map((r) => ({ name: r['index'] ?? '', docs: Number(r['docs.count'] ?? 0), bytes: Number(r['store.size'] ?? 0) }))
    .filter((i) => i.name !== '')
    .sort((a, b) => a.name.localeCompare(b.name));
}

interface Property { type?: string; properties?: Record<string, Property>; fields?: Record<string, Property>; ignore_above?: number }

const EXACT_TYPES = new Set(['keyword', 'long', 'integer', 'short', 'byte', 'unsigned_long', 'double', 'float', 'half_float',
  'scaled_float', 'date', 'date_nanos', 'boolean', 'ip', 'constant_keyword', 'wildcard']);

function collect(properties: Record<string, Property>, prefix: string, index: string, into: Map<string, Map<string, string[]>>,
  exact: Map<string, string>): void {
  for (const [key, p] of Object.entries(properties)) {
    const name = prefix + key;
    if (p.properties) collect(p.properties, name + '.', index, into, exact);
    const type = p.type ?? (p.properties ? 'object' : 'unknown');
    if (type === 'object' || type === 'nested') continue;
    const types = into.get(name) ?? new Map<string, string[]>();
    types.set(type, [...(types.get(type) ?? []), index]);
    into.set(name, types);
    if (EXACT_TYPES.has(type)) exact.set(name, name);
    else {
      const sub = Object.entries(p.fields ?? {}).find(([, f]) => f.type === 'keyword');
      if (sub) exact.set(name, `${name}.${sub[0]}`);
    }
  }
}

/** All fields of a `_mapping` reply, sorted by name; multi-fields are folded into their parent. */
export function fieldsOf(reply: Record<string, { mappings?: { properties?: Record<string, Property> } }>): Field[] {
  const byName = new Map<string, Map<string, string[]>>();
  const exact = new Map<string, string>();
  for (const [index, entry] of Object.entries(reply)) collect(entry.mappings?.properties ?? {}, '', index, byName, exact);
  return [...byName].map(([name, types]): Field => {
    const only = types.size === 1 ? [...types.keys()][0] ?? 'unknown' : 'conflict';
    const e = exact.get(name);
    return { name, type: only, ...(only === 'conflict' ? { types: Object.fromEntries(types) } : {}), ...(e ? { exact: e } : {}) };
  }).sort((a, b) => a.name.localeCompare(b.name));
}

/** Fields of a pattern; an index that is not there has none. */
export async function readFields(pattern: string, abort?: AbortSignal): Promise<{ fields: Field[]; indices: string[] }> {
  try {
    const reply = await get<Record<string, { mappings?: { properties?: Record<string, Property> } }> | undefined>(
      `es/${encodePattern(pattern)}/_mapping`, abort);
    return { fields: fieldsOf(reply ?? {}), indices: Object.keys(reply ?? {}) };
  } catch (e) {
    if (e instanceof ApiError && e.status === 404) return { fields: [], indices: [] };
    throw e;
  }
}

/** Encodes each name of a pattern, keeping `,` and `*`. */
export function encodePattern(pattern: string): string {
  return pattern.split(',').map((p) => encodeURIComponent(p.trim())).filter((p) => p !== '').join(',');
}

export async function search(pattern: string, body: Dsl, abort?: AbortSignal): Promise<SearchReply> {
  return post<SearchReply>(`es/${encodePattern(pattern)}/_search?ignore_unavailable=true`, body, abort);
}

export function totalOf(reply: SearchReply): number {
  const total = reply.hits.total;
  return typeof total === 'number' ? total : total?.value ?? 0;
}

/** The time field of a pattern: `@timestamp`, else the only date, else the first. */
export function timeFieldOf(fields: Field[]): string | undefined {
  const dates = fields.filter((f) => f.type === 'date' || f.type === 'date_nanos');
  return (dates.find((f) => f.name === '@timestamp') ?? dates[0])?.name;
}

/** Value at a dotted path; a literal dotted key wins over nesting. Arrays of objects give arrays. */
export function valueAt(source: unknown, path: string): unknown {
  if (source === null || typeof source !== 'object') return undefined;
  if (Array.isArray(source)) {
    const all = source.map((s) => valueAt(s, path)).filter((v) => v !== undefined).flat();
    return all.length ? all : undefined;
  }
  const object = source as Record<string, unknown>;
  if (Object.hasOwn(object, path)) return object[path];
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const head = path.slice(0, dot);
    if (Object.hasOwn(object, head)) {
      const found = valueAt(object[head], path.slice(dot + 1));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Leaves of a source as [path, value]; arrays are leaves. */
export function flatten(source: unknown, prefix = ''): [string, unknown][] {
  if (source === null || typeof source !== 'object' || Array.isArray(source)) return [[prefix, source]];
  return Object.entries(source).flatMap(([k, v]) => flatten(v, prefix ? `${prefix}.${k}` : k));
}
