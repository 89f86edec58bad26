// SPDX-License-Identifier: Apache-2.0
// The field list and the field card. A card's numbers are exact (one aggregation over all documents of the result); only a
// text without a keyword is counted on the rows on screen, and says so.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { isAbort } from '../../api/client';
import { flatten, search, valueAt, type Bucket, type Field, type Hit } from '../../api/es';
import type { Scalar } from '../../lib/filters';
import { numberText, percentText, timeText, valueText } from '../../lib/format';
import { matches } from '../../lib/hangul';
import { set, settings, zone } from '../../lib/settings';
import { onKey } from '../../lib/keys';
import { t } from '../../i18n/i18n';
import { ErrorNote, IconButton, Popover } from '../../ui/controls';
import { Icon } from '../../ui/icon';
import { fields, filterValue, isDate, pin, result, state, toggleColumn, update, type Result } from './model';

const NUMBERS = new Set(['long', 'integer', 'short', 'byte', 'unsigned_long', 'double', 'float', 'half_float', 'scaled_float']);
const SIGNS: Record<string, string> = { text: 'T', keyword: 'k', constant_keyword: 'k', wildcard: 'k', date: 'd', date_nanos: 'd', boolean: 'b', ip: 'ip', geo_point: 'g', conflict: '!' };

export function TypeIcon({ type }: { type: string }) {
  const kind = NUMBERS.has(type) ? 'number' : SIGNS[type] ? type : 'other';
  return <i class={`type type-${kind}`} title={type} role="img" aria-label={type}>{NUMBERS.has(type) ? '#' : SIGNS[type] ?? '?'}</i>;
}

interface Stats { isSample: boolean; n: number; has: number; distinct?: number; top: { value: unknown; label: string; count: number }[]; min?: number; max?: number; avg?: number; p50?: number; p95?: number }

async function exactStats(f: Field, r: Result, abort: AbortSignal): Promise<Stats> {
  const field = f.exact ?? f.name;
  const isNumber = NUMBERS.has(f.type);
  const reply = await search(r.pattern, { size: 0, track_total_hits: true, query: r.query, aggs: {
    has: { filter: { exists: { field: f.name } } }, distinct: { cardinality: { field } },
    ...(isDate(f) ? {} : { top: { terms: { field, size: 10 } } }), ...(isNumber || isDate(f) ? { min: { min: { field } }, max: { max: { field } } } : {}),
    ...(isNumber ? { avg: { avg: { field } }, p: { percentiles: { field, percents: [50, 95] } } } : {}) } }, abort);
  const a = reply.aggregations ?? {};
  const number = (name: string) => { const v = a[name]?.value; return typeof v === 'number' || typeof v === 'bigint' ? Number(v) : undefined; };
  const percentiles = (a['p']?.['values'] ?? {}) as Record<string, number | null>;
  const opt = <K extends string>(k: K, v: number | null | undefined) => (v === undefined || v === null ? {} : { [k]: v } as Record<K, number>);
  return { isSample: false, n: typeof reply.hits.total === 'number' ? reply.hits.total : reply.hits.total?.value ?? 0, has: a['has']?.doc_count ?? 0, ...opt('distinct', number('distinct')),
    top: (a['top']?.buckets ?? []).map((b: Bucket) => ({ value: f.type === 'boolean' ? b.key_as_string === 'true' : b.key, label: b.key_as_string ?? String(b.key), count: b.doc_count })),
    ...opt('min', number('min')), ...opt('max', number('max')), ...opt('avg', number('avg')), ...opt('p50', percentiles['50.0']), ...opt('p95', percentiles['95.0']) };
}

function sampleStats(f: Field, r: Result): Stats {
  const counts = new Map<string, { value: unknown; count: number }>();
  let has = 0;
  for (const h of r.hits) {
    const v = valueAt(h._source, f.name);
    if (v === undefined || v === null) continue;
    has++;
    for (const x of new Set([v].flat().map((y: unknown) => y))) {
      const key = valueText(x);
      const c = counts.get(key);
      if (c) c.count++;
      else counts.set(key, { value: x, count: 1 });
    }
  }
  return { isSample: true, n: r.hits.length, has, distinct: counts.size, top: [...counts].map(([label, c]) => ({ label, ...c })).sort((x, y) => y.count - x.count).slice(0, 10) };
}

function Card({ f, close }: { f: Field; close: () => void }) {
  const r = result.value;
  const [stats, setStats] = useState<Stats>();
  const [bad, setBad] = useState('');
  useEffect(() => {
    if (!r) return;
    if (!f.exact) return setStats(sampleStats(f, r));
    const abort = new AbortController();
    exactStats(f, r, abort.signal).then((s) => { setStats(s); setBad(''); }, (e: unknown) => { if (!isAbort(e)) setBad(e instanceof Error ? e.message : String(e)); });
    return () => abort.abort();
  }, [f.name, r]);
  const tz = zone.value;
  const number = (n: number) => (isDate(f) ? timeText(n, tz, 's') : numberText(n));
  const facts: [string, string][] = stats ? [
    ...(stats.distinct === undefined ? [] : [[t('discover.field.distinct'), numberText(stats.distinct)] as [string, string]]),
    ...(['min', 'max', 'avg', 'p50', 'p95'] as const).flatMap((k): [string, string][] => { const v = stats[k]; return v === undefined ? [] : [[t(`discover.field.${k}`), number(v)]]; })] : [];
  const isColumn = state.value.columns.includes(f.name);
  return (
    <div class="card">
      <header><TypeIcon type={f.type} /><strong class="mono grow">{f.name}</strong><span class="dim small">{f.type}</span></header>
      {f.types && <div class="note-text warn-text">{t('discover.field.conflict')}{Object.entries(f.types).map(([type, list]) => <div key={type} class="small"><b>{type}</b> {list.join(', ')}</div>)}</div>}
      <div class="card-actions">
        <button type="button" class="btn" onClick={() => toggleColumn(f.name)}><Icon name={isColumn ? 'minus' : 'column'} size={12} />{t(isColumn ? 'discover.table.remove' : 'discover.toggleColumn')}</button>
        <button type="button" class="btn" onClick={() => { close(); pin({ field: f.name, op: 'exists' }); }}><Icon name="exists" size={12} />{t('discover.field.filterExists')}</button>
        {f.exact && !isDate(f) && <button type="button" class="btn" onClick={() => { close(); update({ split: f.name, isChartHidden: false }); }}><Icon name="chart" size={12} />{t('discover.field.breakdown')}</button>}
      </div>
      {bad && <ErrorNote message={bad} />}
      {!stats && !bad && <div class="dim">{t('common.loading')}</div>}
      {stats && (
        <>
          <div class="dim small">{t('discover.field.in', { n: stats.has, share: percentText(stats.has / stats.n) })} · {stats.isSample ? t('discover.field.sampled', { n: stats.n }) : t('discover.field.exact', { n: stats.n })}</div>
          {!f.exact && <div class="dim small">{t('discover.field.noExact')}</div>}
          {facts.length > 0 && <dl class="facts">{facts.map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>}
          {stats.top.length > 0 && <h3>{t('discover.field.top')}</h3>}
          {stats.has === 0 && <div class="dim">{t('discover.field.noValues')}</div>}
          <ul class="top">
            {stats.top.map((v) => (
              <li key={v.label}>
                <div class="top-line"><span class="mono clip" title={v.label}>{v.label === '' ? '""' : v.label}</span><span class="num">{numberText(v.count)}</span><span class="num dim share">{percentText(v.count / Math.max(1, stats.n))}</span>
                  <IconButton isSmall icon="plus" label={`${t('discover.filterFor')}: ${v.label}`} onClick={() => { close(); filterValue(f.name, v.value as Scalar, false); }} />
                  <IconButton isSmall icon="minus" label={`${t('discover.filterOut')}: ${v.label}`} onClick={() => { close(); filterValue(f.name, v.value as Scalar, true); }} />
                </div>
                <div class="meter"><i style={{ width: `${(100 * v.count) / Math.max(1, stats.n)}%` }} /></div>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function Row({ f, isSelected, isEmpty }: { f: Field; isSelected: boolean; isEmpty?: boolean }) {
  return (
    <li class={`field ${isEmpty ? 'empty' : ''}`} data-field={f.name}>
      <Popover label={f.name} class="field-name" isBeside panelClass="card-pop" trigger={<><TypeIcon type={f.type} /><span class="clip">{f.name}</span></>}>{(close) => <Card f={f} close={close} />}</Popover>
      <IconButton isSmall icon={isSelected ? 'minus' : 'plus'} label={t(isSelected ? 'discover.fields.remove' : 'discover.fields.add', { field: f.name })} onClick={() => toggleColumn(f.name)} />
    </li>
  );
}

/** A mapping may have ten thousand fields; the list shows this many and the search finds the rest. */
const ROWS_MAX = 300;

/** Every path that the rows have, with the objects on the way. */
function pathsOf(hits: Hit[]): Set<string> {
  const all = new Set<string>();
  for (const h of hits) {
    for (const [path] of flatten(h._source ?? {})) {
      for (let dot = path.length; dot > 0 && !all.has(path.slice(0, dot)); dot = path.lastIndexOf('.', dot - 1)) all.add(path.slice(0, dot));
    }
  }
  return all;
}

export function FieldList() {
  const [typed, setTyped] = useState('');
  const s = state.value;
  const r = result.value;
  useEffect(() => onKey('KeyC', () => {
    const name = document.activeElement?.closest<HTMLElement>('[data-field]')?.dataset['field'];
    if (name) toggleColumn(name);
  }), []);
  const present = useMemo(() => pathsOf(r?.hits.slice(0, 500) ?? []), [r]);
  if (settings.value.areFieldsHidden) {
    return <div class="fields-closed"><IconButton icon="panel" label={t('discover.fields.expand')} onClick={() => set({ areFieldsHidden: false })} /></div>;
  }
  const all = fields.value.filter((f) => matches(f.name, typed));
  const byName = new Map(fields.value.map((f) => [f.name, f]));
  const selected = s.columns.map((c) => byName.get(c) ?? { name: c, type: 'unknown' }).filter((f) => matches(f.name, typed));
  const rest = all.filter((f) => !s.columns.includes(f.name));
  const isPresent = (f: Field) => !r?.hits.length || present.has(f.name);
  const available = rest.filter(isPresent);
  const empty = rest.filter((f) => !isPresent(f));
  return (
    <aside class="fields" aria-label={t('discover.fields')}>
      <div class="fields-head">
        <input class="input" type="search" placeholder={t('discover.fields.search')} aria-label={t('discover.fields.search')} value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />
        <IconButton icon="panel" label={t('discover.fields.collapse')} onClick={() => set({ areFieldsHidden: true })} />
      </div>
      <div class="fields-scroll" tabIndex={-1}>
        {selected.length > 0 && <><h3>{t('discover.fields.selected')} <span class="dim">{selected.length}</span></h3><ul>{selected.map((f) => <Row key={f.name} f={f} isSelected />)}</ul></>}
        <h3>{t('discover.fields.available')} <span class="dim">{available.length}</span></h3>
        <ul>{available.slice(0, ROWS_MAX).map((f) => <Row key={f.name} f={f} isSelected={false} />)}</ul>
        {available.length > ROWS_MAX && <div class="dim pad-s small">{t('discover.fields.more', { n: available.length - ROWS_MAX })}</div>}
        {!all.length && typed && <div class="dim pad-s">{t('discover.fields.none')}</div>}
        {empty.length > 0 && <details><summary>{t('discover.fields.empty')} <span class="dim">{empty.length}</span></summary><ul>{empty.slice(0, ROWS_MAX).map((f) => <Row key={f.name} f={f} isSelected={false} isEmpty />)}</ul></details>}
      </div>
    </aside>
  );
}
