// SPDX-License-Identifier: Apache-2.0
// DEVELOPMENT ONLY. A stand-in for the server, for working on the screens without building the C program: serves dist/
// and answers API.md's requests from invented, deterministic trades. Not part of any build or test of the product.
// Use: npm run build && npm run dev [-- --port 5601] [--empty] [--no-archive]
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

const flag = (name) => process.argv.includes(name);
const port = Number(process.argv[process.argv.indexOf('--port') + 1]) || 5601;
const dist = join(import.meta.dirname, '..', 'dist');
const started = Date.now();

// ---- invented trades -------------------------------------------------------------------------------------------
function rng(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const docs = [];
const HISTORY_MS = 2.3 * 3_600_000;
const stocks = [{ code: '005930', price: 53800, tick: 100, r: rng(7) }, { code: '000660', price: 178500, tick: 500, r: rng(11) }];
for (const s of stocks) Object.assign(s, { first: s.price, high: s.price, low: s.price, total: 0, drift: 0 });
let madeUntil = Math.floor((started - HISTORY_MS) / 1000) * 1000;
function makeTrades(until) {
  for (; madeUntil < until; madeUntil += 1000) {
    for (const s of stocks) {
      s.drift = s.drift * 0.99 + (s.r() - 0.5) * 0.02 + (s.first - s.price) / s.first * 0.02;
      for (let n = Math.floor(s.r() * s.r() * 5); n > 0; n--) {
        const r = s.r();
        if (r < 0.08 + s.drift) s.price += s.tick;
        else if (r > 0.92 + s.drift) s.price -= s.tick;
        s.price = Math.max(s.price, s.tick * 100);
        const volume = Math.max(1, Math.floor(Math.exp(s.r() * s.r() * 7)));
        s.total += volume;
        s.high = Math.max(s.high, s.price);
        s.low = Math.min(s.low, s.price);
        docs.push({ _index: 'stock', _id: `s${docs.length.toString(36).padStart(7, '0')}`, seq: docs.length, t: madeUntil, _source: {
          MKSC_SHRN_ISCD: s.code, STCK_CNTG_HOUR: new Date(madeUntil).toISOString(), STCK_PRPR: s.price, CNTG_VOL: volume, ACML_VOL: s.total,
          STCK_HGPR: s.high, STCK_LWPR: s.low } });
      }
    }
  }
}
const logs = [];
{
  const r = rng(3);
  const texts = ['GET /api/orders 200 12ms', 'payment declined: insufficient funds', '주문 처리 완료', 'connection reset by peer', 'cache miss for key user:42'];
  for (let i = 0; i < 4000; i++) {
    const t = started - Math.floor(r() * 6 * 86_400_000) - 3 * 3_600_000;
    logs.push({ _index: 'logs-app', _id: `l${i}`, seq: i, t, _source: { '@timestamp': new Date(t).toISOString(), message: texts[Math.floor(r() * 5)], level: r() < 0.1 ? 'ERROR' : r() < 0.3 ? 'WARN' : 'INFO',
      status: r() < 0.1 ? 500 : 200, order_id: 9007199254740993n + BigInt(i), host: { name: `web-${Math.floor(r() * 4)}`, ip: `10.0.0.${Math.floor(r() * 9)}` } } });
  }
}
const mappings = {
  stock: { MKSC_SHRN_ISCD: { type: 'text', fields: { keyword: { type: 'keyword' } } }, STCK_CNTG_HOUR: { type: 'date' }, STCK_PRPR: { type: 'long' }, CNTG_VOL: { type: 'long' },
    ACML_VOL: { type: 'long' }, STCK_HGPR: { type: 'long' }, STCK_LWPR: { type: 'long' } },
  'logs-app': { '@timestamp': { type: 'date' }, message: { type: 'text' }, level: { type: 'keyword' }, status: { type: 'long' }, order_id: { type: 'long' },
    host: { properties: { name: { type: 'keyword' }, ip: { type: 'ip' } } } },
};

const extra = {}; // index -> documents that were posted
function store(index, source) {
  const properties = (mappings[index] ??= {});
  for (const [k, v] of Object.entries(source)) properties[k] ??= { type: typeof v === 'number' || typeof v === 'bigint' ? 'long' : typeof v === 'boolean' ? 'boolean' : /^\d{4}-\d\d-\d\dT/.test(v) ? 'date' : 'text' };
  const list = (extra[index] ??= []);
  list.push({ _index: index, _id: `x${list.length}`, seq: list.length, _source: source });
  return { _index: index, _id: `x${list.length - 1}`, result: 'created' };
}

// ---- a small search --------------------------------------------------------------------------------------------
const dates = new Set(['STCK_CNTG_HOUR', '@timestamp']);
const fieldOf = (f) => f.replace(/\.keyword$/, '');
function value(doc, field) {
  if (field === '_seq_no' || field === '_doc') return doc.seq;
  if (field === '_index') return doc._index;
  return fieldOf(field).split('.').reduce((o, k) => (o == null ? undefined : o[k]), doc._source);
}
const num = (v, f) => (dates.has(f) ? Date.parse(v) : typeof v === 'bigint' ? Number(v) : v);
const one = (o) => Object.entries(o)[0];
function compile(q) {
  const [kind, body] = one(q);
  if (kind === 'match_all') return () => true;
  if (kind === 'exists') return (d) => value(d, body.field) !== undefined;
  if (kind === 'match_phrase' || kind === 'match' || kind === 'term') {
    const [f, raw] = one(body);
    const want = String(raw?.query ?? raw?.value ?? raw).toLowerCase();
    return (d) => { const v = value(d, f); return v !== undefined && (f === 'message' ? v.toLowerCase().includes(want) : String(v).toLowerCase() === want); };
  }
  if (kind === 'range') {
    const [f, r] = one(body);
    const n = (v) => (v === undefined ? undefined : num(v, f));
    const [gte, gt, lte, lt] = [r.gte, r.gt, r.lte, r.lt].map(n);
    return (d) => { const v = num(value(d, f), f); return v !== undefined && (gte === undefined || v >= gte) && (gt === undefined || v > gt) && (lte === undefined || v <= lte) && (lt === undefined || v < lt); };
  }
  if (kind === 'bool') {
    const all = [body.filter ?? [], body.must ?? []].flat().map(compile);
    const not = [body.must_not ?? []].flat().map(compile);
    const should = [body.should ?? []].flat().map(compile);
    return (d) => all.every((f) => f(d)) && !not.some((f) => f(d)) && (!should.length || should.some((f) => f(d)));
  }
  throw { status: 400, type: 'parsing_exception', reason: `unknown query [${kind}]` };
}
const FIXED = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000, M: 30 * 86_400_000, y: 365 * 86_400_000 };
function aggregate(spec, hits) {
  return Object.fromEntries(Object.entries(spec ?? {}).map(([name, a]) => {
    const sub = a.aggs;
    const [kind, p] = Object.entries(a).find(([k]) => k !== 'aggs');
    const nums = () => hits.map((d) => num(value(d, p.field), p.field)).filter((v) => v !== undefined);
    const bucket = (key, list, more) => ({ key, ...more, doc_count: list.length, ...aggregate(sub, list) });
    if (kind === 'filter') return [name, { doc_count: hits.filter(compile(p)).length, ...aggregate(sub, hits.filter(compile(p))) }];
    if (kind === 'date_histogram') {
      const m = /^(\d+)(\w+)$/.exec(p.fixed_interval ?? p.calendar_interval);
      const ms = Number(m[1]) * FIXED[m[2]];
      const shift = p.time_zone === 'Asia/Seoul' ? 9 * 3_600_000 : 0;
      const map = new Map();
      for (const d of hits) {
        const k = Math.floor((num(value(d, p.field), p.field) + shift) / ms) * ms - shift;
        if (!map.has(k)) map.set(k, []);
        map.get(k).push(d);
      }
      const keys = [...map.keys()].sort((x, y) => x - y);
      const out = [];
      for (let k = keys[0]; k <= keys.at(-1); k += ms) if (p.min_doc_count === 0 || map.has(k)) out.push(bucket(k, map.get(k) ?? [], { key_as_string: new Date(k).toISOString() }));
      return [name, { buckets: out }];
    }
    if (kind === 'terms') {
      if (p.field === 'message') throw { status: 400, type: 'illegal_argument_exception', reason: 'Text fields are not optimised for aggregations: [message]' };
      const map = new Map();
      for (const d of hits) {
        const v = value(d, p.field);
        if (v === undefined) continue;
        if (!map.has(v)) map.set(v, []);
        map.get(v).push(d);
      }
      const all = [...map].sort((x, y) => y[1].length - x[1].length);
      const shown = all.slice(0, p.size ?? 10);
      return [name, { sum_other_doc_count: all.slice(p.size ?? 10).reduce((n, [, l]) => n + l.length, 0), buckets: shown.map(([k, l]) => bucket(dates.has(p.field) ? Date.parse(k) : k, l, dates.has(p.field) ? { key_as_string: k } : {})) }];
    }
    if (kind === 'cardinality') return [name, { value: new Set(hits.map((d) => value(d, p.field)).filter((v) => v !== undefined)).size }];
    if (kind === 'top_hits') return [name, { hits: { hits: sortHits(hits, p.sort).slice(0, p.size ?? 3).map((d) => show(d)) } }];
    if (kind === 'percentiles') {
      const s = nums().sort((x, y) => x - y);
      return [name, { values: Object.fromEntries(p.percents.map((x) => [x.toFixed(1), s.length ? s[Math.min(s.length - 1, Math.floor((x / 100) * s.length))] : null])) }];
    }
    const s = nums();
    const sum = s.reduce((x, y) => x + y, 0);
    const v = { min: () => s.reduce((x, y) => Math.min(x, y), Infinity), max: () => s.reduce((x, y) => Math.max(x, y), -Infinity), avg: () => sum / s.length, sum: () => sum, value_count: () => s.length }[kind];
    if (!v) throw { status: 400, type: 'parsing_exception', reason: `unknown aggregation [${kind}]` };
    return [name, { value: s.length || kind === 'sum' || kind === 'value_count' ? v() : null }];
  }));
}
const sortSpec = (sort) => (sort ?? []).map((s) => { const [f, o] = typeof s === 'string' ? [s, 'asc'] : one(s); return [f, (o.order ?? o) === 'desc' ? -1 : 1]; });
const keyOf = (d, f) => { const v = value(d, f); return dates.has(f) ? Date.parse(v) : v; };
function sortHits(hits, sort) {
  const by = sortSpec(sort);
  return [...hits].sort((a, b) => { for (const [f, s] of by) { const x = keyOf(a, f), y = keyOf(b, f); if (x !== y) return x === undefined ? 1 : y === undefined ? -1 : x < y ? -s : s; } return 0; });
}
const show = (d, sort) => ({ _index: d._index, _type: '_doc', _id: d._id, _score: null, _source: d._source, ...(sort ? { sort } : {}) });
function searchIn(pattern, body) {
  const names = indicesOf(pattern);
  const all = (names.includes('stock') ? docs : []).concat(names.includes('logs-app') ? logs : [], ...names.map((n) => extra[n] ?? []));
  let hits = all.filter(compile(body.query ?? { match_all: {} }));
  const total = hits.length;
  const aggregations = body.aggs ? aggregate(body.aggs, hits) : undefined;
  const by = sortSpec(body.sort);
  if (body.size !== 0) hits = sortHits(hits, body.sort);
  if (body.search_after) {
    const after = body.search_after;
    hits = hits.filter((d) => { for (const [i, [f, s]] of by.entries()) { const x = keyOf(d, f); if (x !== after[i]) return (x < after[i] ? -1 : 1) === s; } return false; });
  }
  return { took: 3, timed_out: false, _shards: { total: names.length, successful: names.length, skipped: 0, failed: 0 },
    hits: { total: { value: total, relation: 'eq' }, max_score: null, hits: hits.slice(0, body.size ?? 10).map((d) => show(d, by.map(([f]) => keyOf(d, f)))) }, ...(aggregations ? { aggregations } : {}) };
}
function indicesOf(pattern) {
  const parts = pattern.split(',').map((p) => new RegExp('^' + p.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*') + '$'));
  return Object.keys(mappings).filter((n) => (n in extra || !flag('--empty')) && parts.some((p) => p.test(n)));
}

// ---- query text: enough of KQL for clicking about; the real grammar is the server's ------------------------------
function parseText(text) {
  const bad = /&&|\|\|/.exec(text);
  if (bad) throw { kql: { message: `expected "and" or "or" but found "${bad[0]}"`, position: bad.index, length: 2, hint: `KQL joins with "${bad[0] === '&&' ? 'and' : 'or'}"`, hint_text: text.replaceAll('&&', 'and').replaceAll('||', 'or') } };
  if (text.trim() === '') return { match_all: {} };
  return { bool: { filter: text.split(/\s+and\s+/i).map((part) => {
    const m = /^\s*(not\s+)?([\w.@]+)\s*(:|>=|<=|>|<)\s*(.*?)\s*$/i.exec(part);
    if (!m) return { bool: { should: [{ match: { message: part.trim() } }, { match: { MKSC_SHRN_ISCD: part.trim() } }] } };
    if (m[4] === '') throw { kql: { message: `expected a value after "${m[3]}"`, position: text.length, length: 1 } };
    const v = m[4].replace(/^"|"$/g, '');
    const q = m[3] === ':' ? (v === '*' ? { exists: { field: m[2] } } : { match_phrase: { [m[2]]: v } }) : { range: { [m[2]]: { [{ '>=': 'gte', '<=': 'lte', '>': 'gt', '<': 'lt' }[m[3]]]: Number(v) } } };
    return m[1] ? { bool: { must_not: [q] } } : q;
  }) } };
}

function parseLucene(text) {
  const m = /^(\w+):\[(\d+) TO (\d+|\*)\]$/.exec(text.trim());
  if (!m) throw { kql: { message: 'the stand-in knows field:[a TO b] only', position: 0, length: text.length } };
  return { range: { [m[1]]: { gte: Number(m[2]), ...(m[3] === '*' ? {} : { lte: Number(m[3]) }) } } };
}

// ---- archive, pipelines, status -----------------------------------------------------------------------------------
const kst = (t) => new Date(t + 9 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
function windows(stock) {
  const map = new Map();
  for (const d of docs) {
    if (stock && d._source.MKSC_SHRN_ISCD !== stock) continue;
    const start = Math.floor(d.t / 600_000) * 600_000;
    if (start + 630_000 > Date.now()) continue;
    const k = `${d._source.MKSC_SHRN_ISCD} ${start}`;
    const p = d._source.STCK_PRPR;
    const w = map.get(k) ?? { code: d._source.MKSC_SHRN_ISCD, start, o: p, h: p, l: p, c: p, v: 0, n: 0 };
    Object.assign(w, { h: Math.max(w.h, p), l: Math.min(w.l, p), c: p, v: w.v + d._source.CNTG_VOL, n: w.n + 1, last: d });
    map.set(k, w);
  }
  return [...map.values()].sort((a, b) => b.start - a.start);
}
function pipelines() {
  const n = docs.length, s = (Date.now() - started) / 1000;
  const plugin = (id, name, ms, more = {}) => ({ id, name, events: { in: n, out: n, duration_in_millis: n * ms }, ...more });
  return { pipelines: {
    csv_to_es: { events: { in: n, filtered: n, out: n - 3, duration_in_millis: n * 0.03, queue_push_duration_in_millis: 12 }, plugins: {
      inputs: [{ id: 'beats_2', name: 'beats', events: { out: n, queue_push_duration_in_millis: 12 } }], codecs: [],
      filters: [plugin('mutate_8', 'mutate', 0.0011), plugin('ruby_22', 'ruby', 0.0093), plugin('date_36', 'date', 0.0018, { failures: 2, last_error: 'cannot parse "abc" with yyyy-MM-dd HH:mm:ss' }), plugin('mutate_43', 'mutate', 0.0009), plugin('mutate_53', 'mutate', 0.0006)],
      outputs: [plugin('stdout_59', 'stdout', 0.0024), plugin('elasticsearch_63', 'elasticsearch', 0.0041, { failures: 0 })] },
      queue: { type: 'memory', events_count: Math.floor(rng(Math.floor(s))() * 40), capacity: { max_events: 4000 } }, reloads: { successes: 0, failures: 0, last_error: null } },
    stock_10min: { events: { in: n, filtered: 26, out: 26, duration_in_millis: n * 0.004 }, plugins: {
      inputs: [{ id: 'elasticsearch_3', name: 'elasticsearch', events: { out: n } }], filters: [{ id: 'window_12', name: 'window', events: { in: n, out: 26, duration_in_millis: n * 0.0021 } }],
      outputs: [{ id: 'jdbc_30', name: 'jdbc', events: { in: 26, out: 26, duration_in_millis: 61 }, failures: 0 }] }, queue: { type: 'memory', events_count: 0, capacity: { max_events: 4000 } } },
    es_to_mysql: { events: { in: 13, filtered: 13, out: 13, duration_in_millis: 20 }, plugins: { inputs: [{ id: 'elasticsearch_2', name: 'elasticsearch', events: { out: 13 } }],
      filters: [{ id: 'ruby_22', name: 'ruby', events: { in: 13, out: 13, duration_in_millis: 2.1 } }], outputs: [{ id: 'jdbc_52', name: 'jdbc', events: { in: 13, out: 13, duration_in_millis: 18 } }] }, queue: { type: 'memory', events_count: 0 } },
  } };
}
const countOf = (index) => (index === 'stock' ? docs : index === 'logs-app' ? logs : extra[index]).length;
const archive = (table, columns, rows) => ({ table, driver: 'sqlite', time_zone: 'Asia/Seoul', took_ms: 1, truncated: false, columns, rows });

function answer(method, path, q, body) {
  makeTrades(Math.floor(Date.now() / 1000) * 1000 + 1000);
  if (path === '/api/status') return { name: 'naru', version: 'dev-server', uptime_ms: Date.now() - started, now_ms: Date.now(), documents: docs.length, trades: docs.length, windows: windows().length, archive_rows: windows().length, events_per_s: 2.1, archive: { driver: 'sqlite', available: !flag('--no-archive') } };
  if (path === '/api/pipelines') return pipelines();
  if (path === '/api/query/parse') return { query: body.language === 'lucene' ? parseLucene(body.text) : parseText(body.text) };
  if (path.startsWith('/api/archive/')) {
    if (flag('--no-archive')) throw { status: 404, message: 'no SQL archive is configured' };
    const list = windows(q.get('stock')).filter((w) => w.start >= Date.parse(q.get('from')) && w.start < Date.parse(q.get('to')));
    if (path.endsWith('ten_minutes')) return archive('stock_10min', ['mksc_shrn_iscd', 'window_start', 'open', 'high', 'low', 'close', 'volume', 'trade_count'], list.map((w) => [w.code, kst(w.start), w.o, w.h, w.l, w.c, w.v, w.n]));
    return archive('kr_stock_trade', ['mksc_shrn_iscd', 'stck_cntg_hour', 'stck_prpr', 'cntg_vol', 'acml_vol', 'stck_hgpr', 'stck_lwpr', 'now_time'],
      list.map((w) => { const s = w.last._source; return [s.MKSC_SHRN_ISCD, kst(w.last.t), s.STCK_PRPR, s.CNTG_VOL, s.ACML_VOL, s.STCK_HGPR, s.STCK_LWPR, kst(w.start + 600_000)]; }));
  }
  const es = /^\/api\/es\/(.*)$/.exec(path)?.[1];
  if (es === '_cat/indices') return Object.keys(mappings).filter((n) => n in extra || !flag('--empty')).map((index) => ({ index, health: 'green', status: 'open', 'docs.count': String(countOf(index)), 'store.size': String(countOf(index) * 61) }));
  const put = /^([^/]+)\/_doc$/.exec(es ?? '');
  if (put && method === 'POST') return store(put[1], body);
  if (method === 'DELETE' && extra[es]) {
    delete extra[es];
    delete mappings[es];
    return { acknowledged: true };
  }
  const m = /^([^/]+)\/(_mapping|_search)$/.exec(es ?? '');
  if (m?.[2] === '_mapping') return Object.fromEntries(indicesOf(m[1]).map((n) => [n, { mappings: { properties: mappings[n] } }]));
  if (m) return searchIn(m[1], body);
  throw { status: 404, message: `no such path: ${method} ${path}` };
}
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.json': 'application/json' };
const parse = (text) => JSON.parse(text.replace(/:\s*(\d{16,})(?=[,}\s])/g, ':"@@$1@@"'), (_k, v) => (typeof v === 'string' && /^@@\d+@@$/.test(v) ? BigInt(v.slice(2, -2)) : v));
const json = (v) => JSON.stringify(v, (_k, x) => (typeof x === 'bigint' ? `@@${x}@@` : x)).replace(/"@@(\d+)@@"/g, '$1');

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const path = decodeURIComponent(url.pathname);
  try {
    if (path.startsWith('/api/')) {
      const chunks = [];
      for await (const c of request) chunks.push(c);
      const text = Buffer.concat(chunks).toString();
      const reply = answer(request.method, path, url.searchParams, text ? parse(text) : {});
      response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(json(reply));
      return;
    }
    const file = normalize(path === '/' ? '/index.html' : path);
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Encoding': 'gzip' }).end(await readFile(join(dist, file + '.gz')));
  } catch (e) {
    const status = e.kql ? 400 : e.status ?? (e.code === 'ENOENT' ? 404 : 500);
    const error = e.kql ?? (e.type ? { root_cause: [{ type: e.type, reason: e.reason }], type: e.type, reason: e.reason } : { message: e.message ?? String(e) });
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(json({ error, status }));
  }
}).listen(port, '127.0.0.1', () => console.log(`development stand-in: http://127.0.0.1:${port}`));
makeTrades(Date.now());
