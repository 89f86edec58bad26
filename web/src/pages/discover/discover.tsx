// SPDX-License-Identifier: Apache-2.0
// Discover: index and time above, query and filters, then fields | histogram and table | document.
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { isAbort } from '../../api/client';
import { CSV_START, columnsOf, csvLine, csvRow } from '../../lib/csv';
import { bytesText, numberText, timeText } from '../../lib/format';
import { matches } from '../../lib/hangul';
import { refreshes, time } from '../../lib/router';
import { set, settings, zone } from '../../lib/settings';
import { t } from '../../i18n/i18n';
import { copyText, ErrorNote, Popover } from '../../ui/controls';
import { Icon } from '../../ui/icon';
import { toast } from '../../ui/toast';
import { TimeControls } from '../../ui/timepicker';
import { useAutoRefresh } from '../../ui/hooks';
import { DocumentPanel } from './document';
import { Empty } from './empty';
import { FieldList } from './fields';
import { FilterBar } from './filters';
import { FirstRun } from './first_run';
import { Grid } from './grid';
import { Histogram } from './histogram';
import { allRows, chooseIndex, fault, fields, fromUrl, indices, isBusy, isDate, loadIndices, queryFault, result, run, sayFault, state, update } from './model';
import { QueryBar } from './querybar';

function IndexChooser() {
  const s = state.value;
  const list = indices.value ?? [];
  return (
    <Popover label={`${t('discover.index')}: ${s.index}`} class="btn scope" panelClass="index-pop" trigger={<><span class="mono clip">{s.index || '–'}</span><Icon name="down" size={12} /></>}>
      {(close) => <IndexPanel close={close} list={list} />}
    </Popover>
  );
}

function IndexPanel({ close, list }: { close: () => void; list: NonNullable<typeof indices.value> }) {
  const [typed, setTyped] = useState('');
  const s = state.value;
  useEffect(() => { void loadIndices(); }, []);
  const found = list.filter((i) => matches(i.name, typed.replace(/\*.*$/, '')));
  const choose = (name: string) => { close(); chooseIndex(name); };
  const dates = fields.value.filter(isDate);
  return (
    <form onSubmit={(e) => { e.preventDefault(); const name = typed.trim() || found[0]?.name; if (name) choose(name); }}>
      <input class="input mono" data-autofocus placeholder={t('discover.index.hint')} aria-label={t('discover.index.hint')} value={typed} spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} />
      <div class="menu">
        {typed.trim() && !list.some((i) => i.name === typed.trim()) && <button type="submit"><span class="menu-icon"><Icon name="search" size={14} /></span><span class="grow">{t('discover.index.use', { pattern: typed.trim() })}</span></button>}
        {found.map((i) => <button type="button" key={i.name} aria-current={i.name === s.index} onClick={() => choose(i.name)}><span class="menu-icon">{i.name === s.index && <Icon name="check" size={14} />}</span><span class="grow mono">{i.name}</span><span class="dim small">{numberText(i.docs)} · {bytesText(i.bytes)}</span></button>)}
        {!found.length && <div class="dim pad-s">{t('discover.index.none')}</div>}
      </div>
      {dates.length > 1 && <label class="time-field">{t('discover.timeField')}<select class="input" value={s.timeField} onChange={(e) => { const timeField = e.currentTarget.value; set({ timeFields: { ...settings.peek().timeFields, [s.index]: timeField } }); update({ timeField }); }}>{dates.map((f) => <option key={f.name} value={f.name}>{f.name}</option>)}</select></label>}
    </form>
  );
}

const exporting = signal<{ n: number; abort: AbortController } | undefined>(undefined);

async function exportCsv(): Promise<void> {
  const r = result.peek();
  if (!r || exporting.peek()) return;
  const abort = new AbortController();
  exporting.value = { n: 0, abort };
  try {
    const s = state.peek();
    const parts: Blob[] = []; // A blob a page: the browser may keep them on disk
    let columns = s.columns.length ? [...(s.hasTime && !s.columns.includes(s.timeField) ? [s.timeField] : []), ...s.columns] : [];
    let n = 0;
    for await (const hits of allRows(r, abort.signal)) {
      if (!n) {
        if (!columns.length) columns = columnsOf(fields.peek().map((f) => f.name), hits);
        parts.push(new Blob([CSV_START + csvLine(columns)]));
      }
      parts.push(new Blob(hits.map((h) => csvRow(h, columns))));
      n += hits.length;
      exporting.value = { n, abort };
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob(parts, { type: 'text/csv;charset=utf-8' }));
    link.download = `${r.pattern.replace(/[^\w.-]+/g, '_')}-${timeText(r.at, zone.peek(), 's').replace(/[ :]/g, '-')}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    toast(t('discover.export.done', { n }));
  } catch (e) {
    if (!isAbort(e)) sayFault(e);
  } finally {
    exporting.value = undefined;
  }
}

function Body() {
  const r = result.value;
  const s = state.value;
  const f = fault.value;
  const busy = exporting.value;
  return (
    <div class="discover-body">
      <FieldList />
      <div class="discover-main">
        {f && <ErrorNote message={f.message} detail={f.detail} onRetry={() => void run()} />}
        {r?.note && <div class="note note-warn" role="status"><Icon name="warn" /><span>{r.note}</span></div>}
        {!s.isChartHidden && s.hasTime ? <Histogram /> : r && <div class="panel-bar bare"><strong>{t('discover.hits', { n: r.total })}</strong><span class="grow" />{s.hasTime && <button type="button" class="btn quiet" onClick={() => update({ isChartHidden: false })}><Icon name="chart" size={14} />{t('discover.chart.show')}</button>}</div>}
        <div class="panel-bar results-bar">
          <strong>{t('discover.table')}</strong>
          {r && <span class="dim">{t('discover.table.loaded', { n: r.hits.length, total: r.total })}</span>}
          <span class="grow" />
          {busy ? <><span class="dim" role="status">{t('discover.export.busy', { n: busy.n, total: r?.total ?? 0 })}</span><button type="button" class="btn" onClick={() => busy.abort.abort()}>{t('common.cancel')}</button></>
            : <button type="button" class="btn quiet" disabled={!r?.total} onClick={() => void exportCsv()}><Icon name="download" size={14} />{t('discover.export')}</button>}
          <button type="button" class="btn quiet" onClick={() => void copyText(location.href)}><Icon name="link" size={14} />{t('discover.share')}</button>
        </div>
        {r && r.total === 0 && !queryFault.value ? <Empty /> : <Grid />}
      </div>
      <DocumentPanel />
    </div>
  );
}

export default function Discover() {
  const s = state.value;
  const isFirst = indices.value !== undefined && indices.value.length === 0;
  // What a new search depends on: the address as it is (what is filled in comes from the run itself). Columns and an open
  // document do not count.
  const { columns: _columns, ...asked } = fromUrl.value;
  const question = JSON.stringify([asked, settings.value.index, settings.value.timeFields[s.index], time.value.from, time.value.to, zone.value, refreshes.value, isFirst],
    (_k, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v));
  useEffect(() => { void run(); }, [question]);
  useAutoRefresh(time.value.refresh, isBusy.value);
  return (
    <div class="discover">
      <header class="topbar">
        <h1 class="sr">{t('nav.discover')}</h1>
        <IndexChooser />
        {s.hasTime && <span class="dim mono small time-field-name" title={t('discover.timeField')}>{s.timeField}</span>}
        <span class="grow" />
        <TimeControls hasRange={!isFirst && (s.hasTime || !result.value)} />
      </header>
      {isFirst ? <FirstRun /> : <><div class="query-area"><QueryBar /><FilterBar /></div>{indices.value === undefined && fault.value ? <div class="pad"><ErrorNote message={fault.value.message} detail={fault.value.detail} onRetry={() => void run()} /></div> : <Body />}</>}
    </div>
  );
}
