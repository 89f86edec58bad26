// SPDX-License-Identifier: Apache-2.0
// What Discover shows and how it comes: the address gives the state, `run` turns it into one search (rows, total and
// histogram together), `more` goes on with search_after. A newer run aborts the one before; old results stay on screen,
// dimmed, until the new ones are there.
import { batch, computed, signal } from '@preact/signals';
import { ApiError, isAbort, Latest } from '../../api/client';
import { listIndices, readFields, search, timeFieldOf, totalOf, type Bucket, type Field, type Hit, type IndexInfo, type SearchReply } from '../../api/es';
import { parseQuery, serverNow, type Dsl } from '../../api/server';
import { resolveRange, type Range } from '../../lib/datemath';
import { addFilter, queryDsl, type Filter, type Scalar } from '../../lib/filters';
import { histogramOf, intervalFor, type Interval } from '../../lib/interval';
import { go, route, time } from '../../lib/router';
import { set, settings, zone } from '../../lib/settings';
import { readDiscover, writeDiscover, type DiscoverState } from '../../lib/url';
import { t } from '../../i18n/i18n';

export const PAGE_ROWS = 500;
const WINDOW_MAX = 10_000; // Elasticsearch's from + size limit
const SPLIT_MAX = 5;
const QUERIES_MAX = 20;

export interface Bar { at: number; count: number; parts: number[] }
export interface Result {
  hits: Hit[]; total: number; took: number; bars: Bar[]; parts: string[]; colours: number[]; interval?: Interval & { isScaled: boolean }; range: Range | undefined;
  /** The whole query without size and sort, for field cards and export. */
  query: Dsl; pattern: string; isEnd: boolean; note: string; at: number;
}
export interface QueryFault { message: string; position?: number; length?: number; hint?: string; fixed?: string }

export const indices = signal<IndexInfo[] | undefined>(undefined);
export const fields = signal<Field[]>([]);
export const matched = signal<string[]>([]);
/** The pattern that `fields` belongs to. */
const fieldsOfPattern = signal<string | undefined>(undefined);
export const result = signal<Result | undefined>(undefined);
export const isBusy = signal(false);
export const isLoadingMore = signal(false);
export const fault = signal<{ message: string; detail: string } | undefined>(undefined);
export const queryFault = signal<QueryFault | undefined>(undefined);
/** Index of the open document in `result.hits`. */
export const opened = signal<number | undefined>(undefined);
export const active = signal(0);

/** The state as the address has it, nothing filled in. */
export const fromUrl = computed(() => readDiscover(route.value.params));
/** The state with what the address leaves out filled in: index, time field. */
export const state = computed<DiscoverState & { hasTime: boolean }>(() => {
  const s = fromUrl.value;
  const list = indices.value;
  const remembered = settings.value.index;
  const isThere = list?.some((i) => i.name === remembered) || remembered.includes('*');
  const index = s.index || (isThere ? remembered : list?.find((i) => i.name === 'stock')?.name ?? list?.find((i) => i.docs > 0 && !i.name.startsWith('.'))?.name ?? list?.[0]?.name ?? '');
  const known = fields.value;
  const wanted = s.timeField || settings.value.timeFields[index] || '';
  const timeField = known.some((f) => f.name === wanted) ? wanted : timeFieldOf(known) ?? '';
  return { ...s, index, timeField, hasTime: timeField !== '' };
});

export function update(change: Partial<DiscoverState>, isStep = true): void {
  go({ ...writeDiscover({ ...fromUrl.peek(), ...change }) }, isStep);
}

export function chooseIndex(index: string): void {
  set({ index });
  update({ index, timeField: '', columns: [], sort: [], filters: [], split: '' });
}
export const toggleColumn = (name: string): void => {
  const { columns } = state.peek();
  update({ columns: columns.includes(name) ? columns.filter((c) => c !== name) : [...columns, name] });
};
export const pin = (f: Filter): void => update({ filters: addFilter(state.peek().filters, f) });

/** A filter for (or without) the value of a field in a document; arrays give one of their values each. */
export function filterValue(field: string, value: unknown, not: boolean): void {
  if (value === null || value === undefined) return pin({ field, op: 'exists', not: !not });
  const values = (Array.isArray(value) ? value : [value]).filter((v): v is Scalar => ['string', 'number', 'bigint', 'boolean'].includes(typeof v));
  if (values.length) pin({ field, op: 'is', values, ...(not ? { not: true } : {}) });
}

const byName = computed(() => new Map(fields.value.map((f) => [f.name, f])));
export const fieldOf = (name: string): Field | undefined => byName.peek().get(name);
export const isDate = (f: Field | undefined): boolean => f?.type === 'date' || f?.type === 'date_nanos';

export function sayFault(e: unknown): void {
  if (isAbort(e)) return;
  const message = e instanceof ApiError ? e.message || t('error.network') : String(e);
  fault.value = { message, detail: e instanceof ApiError ? JSON.stringify({ status: e.status, body: e.body }, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v), 1) : String(e) };
}

const indexLoad = new Latest();
export async function loadIndices(): Promise<void> {
  try {
    indices.value = await listIndices(indexLoad.next());
  } catch (e) {
    if (!indices.peek()) sayFault(e);
  }
}

const parsed = new Map<string, Dsl>();
const PARSED_MAX = 50;
const names = (): string[] => fields.peek().map((f) => f.name).slice(0, 2000);

/** The bar's text as DSL; a mistake is kept for the bar to underline and gives undefined. */
async function barDsl(text: string, language: string, abort: AbortSignal): Promise<Dsl | undefined> {
  if (text.trim() === '') {
    queryFault.value = undefined;
    return { match_all: {} };
  }
  const key = `${language}|${fieldsOfPattern.peek()}|${text}`;
  let dsl = parsed.get(key);
  try {
    if (!dsl) {
      dsl = await parseQuery(text, language, names(), abort);
      if (parsed.size >= PARSED_MAX) parsed.clear();
      parsed.set(key, dsl);
    }
    queryFault.value = undefined;
    return dsl;
  } catch (e) {
    if (!(e instanceof ApiError) || e.status !== 400) throw e;
    queryFault.value = faultOf(e);
    return undefined;
  }
}

function faultOf(e: ApiError): QueryFault {
  const d = e.detail;
  return { message: d.message ?? e.message, ...(d.position === undefined ? {} : { position: d.position }), ...(d.length === undefined ? {} : { length: d.length }), ...(d.hint ? { hint: d.hint } : {}), ...(d.hint_text ? { fixed: d.hint_text } : {}) };
}

const checks = new Latest();
/** Looks at the text while it is typed, without running it. */
export async function checkQuery(text: string, language: string): Promise<void> {
  try {
    await barDsl(text, language, checks.next());
  } catch { /* Typing must not raise messages; running will. */ }
}

// What the server accepts as the last sort key; found out once.
const TIES = ['_seq_no', '_doc', '_id'];
let tie = 0;
function sortOf(s: DiscoverState & { hasTime: boolean }): Dsl[] {
  const chosen = s.sort.map(([name, order]): Dsl => {
    const f = fieldOf(name);
    return { [f?.exact ?? name]: { order, ...(f && f.type !== 'conflict' ? { unmapped_type: f.type === 'text' ? 'keyword' : f.type } : {}) } };
  });
  const base = chosen.length || !s.hasTime ? chosen : [{ [s.timeField]: { order: 'desc', unmapped_type: 'date' } }];
  return [...base, { [TIES[tie] ?? '_doc']: { order: s.sort[0]?.[1] ?? 'desc' } }, ...(matched.peek().length > 1 ? [{ _index: { order: 'asc' } }] : [])];
}

async function searchTied(pattern: string, make: () => Dsl, abort: AbortSignal): Promise<SearchReply> {
  for (;;) {
    try {
      return await search(pattern, make(), abort);
    } catch (e) {
      if (!(e instanceof ApiError) || e.status !== 400 || tie >= TIES.length - 1 || !e.message.includes(TIES[tie] ?? '')) throw e;
      tie++;
    }
  }
}

// A value keeps its colour while the page lives, whatever its rank is now.
const SLOTS = 8;
const slots = new Map<string, number>();
export function coloursFor(field: string, parts: string[]): number[] {
  const key = (p: string) => `${field}\n${p}`;
  const taken = new Set<number>();
  for (const p of parts) {
    const known = slots.get(key(p));
    if (known !== undefined && !taken.has(known)) taken.add(known);
    else slots.delete(key(p));
  }
  for (const p of parts) {
    if (slots.has(key(p))) continue;
    const free = Array.from({ length: SLOTS }, (_x, i) => i + 1).find((i) => !taken.has(i)) ?? 1;
    taken.add(free);
    slots.set(key(p), free);
  }
  return parts.map((p) => slots.get(key(p)) ?? 1);
}

function barsOf(reply: SearchReply, field: string): { bars: Bar[]; parts: string[]; colours: number[] } {
  const buckets = reply.aggregations?.['h']?.buckets ?? [];
  const sub = (b: Bucket): Bucket[] => (b['s'] as { buckets?: Bucket[] } | undefined)?.buckets ?? [];
  const sums = new Map<string, number>();
  const nameOf = (b: Bucket): string => b.key_as_string ?? String(b.key);
  for (const b of buckets) for (const x of sub(b)) sums.set(nameOf(x), (sums.get(nameOf(x)) ?? 0) + x.doc_count);
  const largest = [...sums].sort((a, b) => b[1] - a[1]).slice(0, SPLIT_MAX).map(([k]) => k);
  const colourOf = new Map(coloursFor(field, largest).map((c, i) => [largest[i] ?? '', c]));
  const parts = largest.sort((a, b) => (colourOf.get(a) ?? 0) - (colourOf.get(b) ?? 0)); // so the stack's order stays, too
  return { parts, colours: parts.map((p) => colourOf.get(p) ?? 1), bars: buckets.map((b) => ({ at: Number(b.key), count: b.doc_count, parts: parts.map((p) => sub(b).find((x) => nameOf(x) === p)?.doc_count ?? 0) })) };
}

function noteOf(reply: SearchReply): string {
  const s = reply._shards;
  if (s && s.failed > 0) return t('error.partial', { failed: s.failed, total: s.total, reason: s.failures?.[0]?.reason?.reason ?? '' });
  return reply.timed_out ? t('error.timedOut') : '';
}

const latest = new Latest();
let lastQuestion = '';

export async function run(): Promise<void> {
  const abort = latest.next();
  isBusy.value = true;
  try {
    await runWith(abort);
  } catch (e) {
    if (isAbort(e)) return;
    sayFault(e);
  } finally {
    if (!abort.aborted) isBusy.value = false;
  }
}

async function runWith(abort: AbortSignal): Promise<void> {
  if (!indices.peek() || !indices.peek()?.length) {
    indices.value = await listIndices(abort);
  }
  const pattern = state.peek().index;
  if (!pattern) return;
  // The mapping may grow with every document; it is small, so it is read with every run.
  const mapping = await readFields(pattern, abort);
  batch(() => {
    if (JSON.stringify(fields.peek()) !== JSON.stringify(mapping.fields)) fields.value = mapping.fields;
    matched.value = mapping.indices;
    fieldsOfPattern.value = pattern;
  });
  const s = state.peek();
  const bar = await barDsl(s.query, s.language, abort);
  if (!bar) return;
  const range = s.hasTime ? resolveRange(time.peek().from, time.peek().to, serverNow(), zone.peek()) : undefined;
  const query = queryDsl(bar, s.filters, range && { field: s.timeField, ...range });
  const question = JSON.stringify([pattern, s.query, s.language, s.sort, s.filters.length, time.peek()]);
  const isSame = question === lastQuestion;
  lastQuestion = question;
  // An automatic refresh keeps as many rows as were loaded.
  const size = isSame ? Math.min(WINDOW_MAX, Math.max(PAGE_ROWS, result.peek()?.hits.length ?? 0)) : PAGE_ROWS;
  const interval = range && intervalFor(s.interval, range.to - range.from);
  const split = s.split ? fieldOf(s.split)?.exact : undefined;
  const aggs = range && interval && !s.isChartHidden ? { aggs: { h: { date_histogram: histogramOf(s.timeField, interval, zone.peek()), ...(split ? { aggs: { s: { terms: { field: split, size: SPLIT_MAX } } } } : {}) } } } : {};
  const reply = await searchTied(pattern, () => ({ query, size, sort: sortOf(s), track_total_hits: true, ...aggs }), abort);
  const hits = reply.hits.hits;
  const total = totalOf(reply);
  batch(() => {
    // The open document stays open when it is still there.
    const id = opened.peek() === undefined ? undefined : result.peek()?.hits[opened.peek() ?? 0];
    result.value = { hits, total, took: reply.took, ...barsOf(reply, s.split), ...(interval ? { interval } : {}), range, query, pattern, isEnd: hits.length >= total || hits.length < size, note: noteOf(reply), at: serverNow() };
    if (id) {
      const again = hits.findIndex((h) => h._id === id._id && h._index === id._index);
      opened.value = again < 0 ? undefined : again;
    }
    if (!isSame) active.value = 0;
    fault.value = undefined;
  });
  if (s.query.trim()) set({ queries: [s.query, ...settings.peek().queries.filter((q) => q !== s.query)].slice(0, QUERIES_MAX) });
}

export async function more(): Promise<void> {
  const r = result.peek();
  const last = r?.hits.at(-1);
  if (!r || !last?.sort || r.isEnd || isLoadingMore.peek() || isBusy.peek()) return;
  isLoadingMore.value = true;
  try {
    const reply = await search(r.pattern, { query: r.query, size: PAGE_ROWS, sort: sortOf(state.peek()), search_after: last.sort, track_total_hits: false });
    if (result.peek() === r) result.value = { ...r, hits: [...r.hits, ...reply.hits.hits], isEnd: reply.hits.hits.length < PAGE_ROWS };
  } catch (e) {
    sayFault(e);
  } finally {
    isLoadingMore.value = false;
  }
}

/** All rows of a result, page by page, for the export. */
export async function* allRows(r: Result, abort: AbortSignal): AsyncGenerator<Hit[]> {
  const PAGE = 5000;
  let after: unknown[] | undefined;
  for (;;) {
    const body: Dsl = { query: r.query, size: PAGE, sort: sortOf(state.peek()), track_total_hits: false, ...(after ? { search_after: after } : {}) };
    const hits: Hit[] = (await search(r.pattern, body, abort)).hits.hits;
    if (hits.length) yield hits;
    after = hits.at(-1)?.sort;
    if (hits.length < PAGE || !after) return;
  }
}
