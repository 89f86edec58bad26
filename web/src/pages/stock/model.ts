// SPDX-License-Identifier: Apache-2.0
// The stock day's data: one search a refresh for chart, totals and the latest trades; the first trade of the day and the
// list of stocks now and then; the archive from SQL. Field names are those of the user's pipeline.
import { batch, signal } from '@preact/signals';
import { ApiError, isAbort, Latest } from '../../api/client';
import { readFields, search, totalOf, type Bucket } from '../../api/es';
import { readTenMinutes, readTicks, serverNow, type Dsl, type SqlRows } from '../../api/server';
import { resolveRange, type Range } from '../../lib/datemath';
import { CHOICES, histogramOf, type Interval } from '../../lib/interval';
import { route, time } from '../../lib/router';
import { zone } from '../../lib/settings';
import { wallOf } from '../../lib/tz';
import { t } from '../../i18n/i18n';

export const INDEX = 'stock';
export const F = { code: 'MKSC_SHRN_ISCD', time: 'STCK_CNTG_HOUR', price: 'STCK_PRPR', volume: 'CNTG_VOL', total: 'ACML_VOL', high: 'STCK_HGPR', low: 'STCK_LWPR' } as const;
const MARKET_ZONE = 'Asia/Seoul';
const POINTS_MAX = 300;
const TAPE_ROWS = 60;
const ARCHIVE_EVERY_MS = 5000;
const LIST_EVERY_MS = 30_000;

export interface Trade { id: string; at: number; price: number; volume: number; total: number; high: number; low: number }
export interface Point { at: number; high: number | null; low: number | null; last: number | null; dayHigh: number | null; dayLow: number | null; volume: number; count: number }
export interface Day {
  code: string; range: Range; interval: Interval; points: Point[]; trades: Trade[]; count: number; volume: number; first: number | undefined; took: number; at: number;
}

export const day = signal<Day | undefined>(undefined);
export const codes = signal<string[]>([]);
export const isBusy = signal(false);
export const fault = signal('');
export const hasIndex = signal<boolean | undefined>(undefined);
export const windows = signal<SqlRows | undefined>(undefined);
export const ticks = signal<SqlRows | undefined>(undefined);
export const archiveFault = signal<{ message: string; isMissing: boolean } | undefined>(undefined);

const num = (v: unknown): number => Number(v);
const orNull = (v: unknown): number | null => (v === null || v === undefined || !Number.isFinite(Number(v)) ? null : Number(v));

function tradeOf(id: string, s: Record<string, unknown>): Trade {
  const at = s[F.time];
  return { id, at: typeof at === 'number' ? at : Date.parse(String(at)), price: num(s[F.price]), volume: num(s[F.volume]), total: num(s[F.total]), high: num(s[F.high]), low: num(s[F.low]) };
}

function pointOf(b: Bucket): Point {
  const value = (name: string) => orNull((b[name] as { value?: unknown } | undefined)?.value);
  const source = (b['last'] as { hits?: { hits?: { _source?: Record<string, unknown> }[] } } | undefined)?.hits?.hits?.[0]?._source;
  return { at: Number(b.key), high: value('high'), low: value('low'), last: orNull(source?.[F.price]), dayHigh: value('dayHigh'), dayLow: value('dayLow'), volume: value('volume') ?? 0, count: b.doc_count };
}

/** The finest step that gives at most 300 points. */
export function stepFor(range: Range): Interval {
  const length = range.to - range.from;
  return CHOICES.find((c) => length / c.ms <= POINTS_MAX) ?? (CHOICES.at(-1) as Interval);
}

const NEWEST: Dsl[] = [{ [F.time]: { order: 'desc' } }, { [F.total]: { order: 'desc' } }];
let exactCode: string | undefined;
let listedAt = 0;
const firsts = new Map<string, number>();

async function listCodes(abort: AbortSignal): Promise<void> {
  const known = await readFields(INDEX, abort);
  hasIndex.value = known.indices.length > 0;
  exactCode = known.fields.find((f) => f.name === F.code)?.exact;
  if (!hasIndex.value || !exactCode) return;
  const reply = await search(INDEX, { size: 0, track_total_hits: false, aggs: { codes: { terms: { field: exactCode, size: 100 } } } }, abort);
  const found = (reply.aggregations?.['codes']?.buckets ?? []).map((b) => String(b.key));
  if (found.join() !== codes.peek().join()) codes.value = found;
  listedAt = Date.now();
}

/** Price of the first trade of the market's day that `at` lies in; kept, for it does not change. */
async function firstOfDay(code: string, at: number, abort: AbortSignal): Promise<number | undefined> {
  const w = wallOf(MARKET_ZONE, at);
  const key = `${code} ${w.year}-${w.month}-${w.day}`;
  const known = firsts.get(key);
  if (known !== undefined) return known;
  const today = resolveRange('now/d', 'now/d', at, MARKET_ZONE);
  if (!today) return undefined;
  const reply = await search(INDEX, { size: 1, track_total_hits: false, query: queryFor(code, today), sort: [{ [F.time]: { order: 'asc' } }, { [F.total]: { order: 'asc' } }] }, abort);
  const source = reply.hits.hits[0]?._source;
  if (!source) return undefined;
  const price = num(source[F.price]);
  // A feed that is still being read in may bring earlier trades: keep it only once the day is an hour old.
  if (at - tradeOf('', source).at > 3_600_000) firsts.set(key, price);
  return price;
}

function queryFor(code: string, range: Range): Dsl {
  return { bool: { filter: [{ match_phrase: { [F.code]: code } }, { range: { [F.time]: { gte: new Date(range.from).toISOString(), lte: new Date(range.to).toISOString(), format: 'strict_date_optional_time' } } }] } };
}

export const codeOfUrl = (): string => route.value.params.get('stock') ?? '';

const latest = new Latest();
export async function run(): Promise<void> {
  const abort = latest.next();
  isBusy.value = true;
  try {
    if (Date.now() - listedAt > LIST_EVERY_MS) await listCodes(abort);
    const code = codeOfUrl() || (codes.peek().includes('005930') ? '005930' : codes.peek()[0] ?? '');
    const range = resolveRange(time.peek().from, time.peek().to, serverNow(), zone.peek());
    if (!hasIndex.peek() || !code || !range) {
      listedAt = 0;
      day.value = undefined;
      fault.value = '';
      return;
    }
    const interval = stepFor(range);
    const of = (kind: string, field: string) => ({ [kind]: { field } });
    const [reply] = await Promise.all([search(INDEX, { size: TAPE_ROWS, track_total_hits: true, query: queryFor(code, range), sort: NEWEST, aggs: {
      volume: of('sum', F.volume),
      h: { date_histogram: histogramOf(F.time, interval, zone.peek()), aggs: { high: of('max', F.price), low: of('min', F.price), volume: of('sum', F.volume), dayHigh: of('max', F.high), dayLow: of('min', F.low),
        last: { top_hits: { size: 1, sort: NEWEST, _source: [F.price] } } } } } }, abort), readArchive(code, range, abort)]);
    const trades = reply.hits.hits.map((h) => tradeOf(h._id, h._source ?? {}));
    const first = await firstOfDay(code, trades[0]?.at ?? range.to, abort);
    batch(() => {
      day.value = { code, range, interval, points: (reply.aggregations?.['h']?.buckets ?? []).map(pointOf), trades, count: totalOf(reply), volume: num(reply.aggregations?.['volume']?.value ?? 0), first, took: reply.took, at: serverNow() };
      fault.value = '';
    });
  } catch (e) {
    if (!isAbort(e)) fault.value = e instanceof ApiError ? e.message || t('error.network') : String(e);
  } finally {
    if (!abort.aborted) isBusy.value = false;
  }
}

let archiveAt = 0;
let archiveOf = '';
async function readArchive(code: string, range: Range, abort: AbortSignal): Promise<void> {
  const key = `${code} ${time.peek().from} ${time.peek().to}`;
  if (archiveOf === key && Date.now() - archiveAt < ARCHIVE_EVERY_MS) return;
  try {
    const from = Math.floor(range.from / 600_000) * 600_000; // the window that the range begins in counts too
    const [w, k] = await Promise.all([readTenMinutes(from, range.to, code, abort), readTicks(range.from, range.to, code, abort).catch((e: unknown) => { if (isAbort(e)) throw e; return undefined; })]);
    batch(() => { windows.value = w; ticks.value = k; archiveFault.value = undefined; });
    archiveOf = key;
    archiveAt = Date.now();
  } catch (e) {
    if (isAbort(e)) throw e;
    batch(() => {
      windows.value = undefined;
      archiveFault.value = { message: e instanceof Error ? e.message : String(e), isMissing: e instanceof ApiError && e.status === 404 };
    });
  }
}
