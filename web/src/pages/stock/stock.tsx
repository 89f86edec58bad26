// SPDX-License-Identifier: Apache-2.0
// The stock day: last price and its day, price and volume over time, the trades as they come in, and the ten-minute archive
// as the SQL database has it.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { go, refreshes, setTime, time } from '../../lib/router';
import { clockText, numberText, percentText, signedText, spanOf, timeText } from '../../lib/format';
import { hashOf } from '../../lib/url';
import { writeJson } from '../../api/json';
import { zone } from '../../lib/settings';
import { lang, spanText, t, type Key } from '../../i18n/i18n';
import { ErrorNote, Segmented } from '../../ui/controls';
import { Icon } from '../../ui/icon';
import { TimeControls } from '../../ui/timepicker';
import { useAutoRefresh } from '../../ui/hooks';
import type { SqlRows } from '../../api/server';
import { candlesOf, cellText, numericColumns } from './archive';
import { Candles, PriceChart } from './charts';
import { archiveFault, codeOfUrl, codes, day, F, fault, hasIndex, INDEX, isBusy, run, ticks, windows, type Day } from './model';
import { stockName } from './names';

const RANGES = [['now-30m|now', 'stock.range.30m'], ['now-2h|now', 'stock.range.2h'], ['now/d|now', 'stock.range.day']] as const;

const label = (code: string): string => { const name = stockName(code, lang.value); return name ? `${name} ${code}` : code; };
const tone = (n: number): string => (n > 0 ? 'up' : n < 0 ? 'down' : '');

function Metric({ name, value, tone: cls }: { name: string; value: string; tone?: string }) {
  return <div class="metric"><dt>{name}</dt><dd class={cls ?? ''}>{value}</dd></div>;
}

function Metrics({ d }: { d: Day }) {
  const last = d.trades[0];
  const tz = zone.value;
  const by = last && d.first !== undefined ? last.price - d.first : 0;
  return (
    <section class="metrics" aria-label={t('stock.last')}>
      <div class="last" data-testid="last-price">
        <div class="last-name">{label(d.code)}</div>
        <div class="last-row">
          <span class={`last-price ${tone(by)}`} aria-live="off">{last ? numberText(last.price) : '–'}</span><span class="dim">{t('stock.won')}</span>
          {last && d.first !== undefined && <span class={`last-change ${tone(by)}`}>{by > 0 ? '▲' : by < 0 ? '▼' : '–'} {signedText(by)} ({by < 0 ? '−' : by > 0 ? '+' : ''}{percentText2(Math.abs(by) / d.first)})</span>}
        </div>
        <div class="dim small">{t('stock.change')}{last && <> · {t('stock.lastAt', { time: clockText(last.at, tz) })} · {t('stock.ago', { span: spanText(spanOf(d.at - last.at)) })}</>}</div>
      </div>
      <dl>
        <Metric name={t('stock.first')} value={numberText(d.first)} />
        <Metric name={t('stock.high')} value={numberText(last?.high)} tone={last && d.first !== undefined ? tone(last.high - d.first) : ''} />
        <Metric name={t('stock.low')} value={numberText(last?.low)} tone={last && d.first !== undefined ? tone(last.low - d.first) : ''} />
        <Metric name={t('stock.accumulated')} value={numberText(last?.total)} />
        <Metric name={t('stock.volume')} value={numberText(d.volume)} />
        <Metric name={t('stock.trades')} value={numberText(d.count)} />
      </dl>
    </section>
  );
}
const percentText2 = (share: number): string => (share < 0.1 ? (share * 100).toFixed(2) + '%' : percentText(share));

function Tape({ d }: { d: Day }) {
  const tz = zone.value;
  return (
    <section class="panel tape" aria-label={t('stock.tape')}>
      <header class="panel-bar"><strong>{t('stock.tape')}</strong><span class="grow" />{time.value.refresh > 0 && <span class="live-mark"><i class="dot" />{t('time.live')}</span>}</header>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('stock.tape')}>
        <table class="grid-table mono" data-testid="tape">
          <thead><tr><th scope="col">{t('common.time')}</th><th scope="col" class="num">{t('stock.tape.price')}</th><th scope="col" class="num">{t('stock.tape.volume')}</th></tr></thead>
          <tbody>
            {d.trades.map((x, i) => {
              const older = d.trades[i + 1];
              const by = older ? x.price - older.price : 0;
              return <tr key={x.id} data-id={x.id}><td class="dim">{clockText(x.at, tz)}</td><td class={`num ${tone(by)}`}>{by > 0 ? '▲ ' : by < 0 ? '▼ ' : ''}{numberText(x.price)}</td><td class="num">{numberText(x.volume)}</td></tr>;
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const KNOWN: Record<string, Key> = { window_start: 'stock.archive.window', open: 'stock.archive.open', high: 'stock.archive.high', low: 'stock.archive.low', close: 'stock.archive.close', volume: 'stock.archive.volume', trade_count: 'stock.archive.count', count: 'stock.archive.count',
  mksc_shrn_iscd: 'stock.col.mksc_shrn_iscd', stck_cntg_hour: 'stock.col.stck_cntg_hour', stck_prpr: 'stock.col.stck_prpr', cntg_vol: 'stock.col.cntg_vol', acml_vol: 'stock.col.acml_vol', stck_hgpr: 'stock.col.stck_hgpr', stck_lwpr: 'stock.col.stck_lwpr', now_time: 'stock.col.now_time' };

/** Rows as the database has them. The stock's column is left out: all rows are the chosen stock's. */
function SqlTable({ rows: all, title }: { rows: SqlRows; title: string }) {
  const code = all.columns.findIndex((c) => c.toLowerCase() === 'mksc_shrn_iscd');
  const isOne = code >= 0 && all.rows.every((r) => r[code] === all.rows[0]?.[code]);
  const rows = isOne ? { columns: all.columns.filter((_c, i) => i !== code), rows: all.rows.map((r) => r.filter((_v, i) => i !== code)) } : all;
  const at = (name: string) => rows.columns.findIndex((c) => c.toLowerCase() === name);
  const [open, close] = [at('open'), at('close')];
  const numeric = numericColumns({ ...all, ...rows });
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={title}>
      <table class="grid-table mono" data-testid="archive-table">
        <thead><tr>{rows.columns.map((c, i) => <th key={c} scope="col" title={c} class={numeric[i] ? 'num' : ''}>{KNOWN[c.toLowerCase()] ? t(KNOWN[c.toLowerCase()] as Key) : c}</th>)}</tr></thead>
        <tbody>{rows.rows.map((r, k) => (
          <tr key={k}>{r.map((v, i) => <td key={i} class={`${numeric[i] ? 'num' : ''} ${i === close && open >= 0 ? tone(Number(v) - Number(r[open])) : ''}`}>{cellText(v, numeric[i] === true)}</td>)}</tr>))}</tbody>
      </table>
    </div>
  );
}

function Archive() {
  const [tab, setTab] = useState<'windows' | 'ticks'>('windows');
  const w = windows.value;
  const shown = tab === 'windows' ? w : ticks.value;
  const bad = archiveFault.value;
  const candles = useMemo(() => (w ? candlesOf(w) : undefined), [w]);
  return (
    <section class="panel archive" aria-label={t('stock.archive')}>
      <header class="panel-bar">
        <strong>{t('stock.archive')}</strong>
        {shown && <span class="dim">{t('stock.archive.sql', { table: `${shown.driver ? shown.driver + ' · ' : ''}${shown.table}` })} · {t('stock.archive.rows', { n: shown.rows.length })}</span>}
        <span class="grow" />
        {w && <Segmented label={t('stock.archive')} value={tab} options={[['windows', t('stock.archive.windows')], ['ticks', t('stock.archive.ticks')]]} onChange={setTab} />}
      </header>
      {bad && (bad.isMissing ? <div class="pad dim">{t('stock.archive.none')} <span class="small">({bad.message})</span></div> : <ErrorNote message={bad.message} />)}
      {shown && (shown.rows.length === 0 ? <div class="pad dim">{t('stock.archive.empty')}</div> : (
        <div class={tab === 'windows' && candles?.length ? 'archive-body' : 'archive-body one'}>
          {tab === 'windows' && candles && candles.length > 0 && <div class="archive-chart"><Candles list={candles} height={228} /></div>}
          <SqlTable rows={shown} title={t(tab === 'windows' ? 'stock.archive.windows' : 'stock.archive.ticks')} />
        </div>
      ))}
    </section>
  );
}

function useWindowHeight(): number {
  const [h, setH] = useState(innerHeight);
  useEffect(() => {
    const on = () => setH(innerHeight);
    addEventListener('resize', on);
    return () => removeEventListener('resize', on);
  }, []);
  return h;
}

export default function Stock() {
  const tm = time.value;
  const code = codeOfUrl();
  useEffect(() => { void run(); }, [tm.from, tm.to, code, zone.value, refreshes.value]);
  useAutoRefresh(tm.refresh || (hasIndex.value === false ? 2000 : 0), isBusy.value);
  const d = day.value;
  const shownCode = d?.code ?? code;
  const priceHeight = Math.max(180, Math.min(560, useWindowHeight() - 592));
  const range = RANGES.find(([v]) => v === `${tm.from}|${tm.to}`)?.[0];
  const discover = d ? hashOf('discover', { i: INDEX, f: tm.from, t: tm.to, c: [F.code, F.price, F.volume, F.total].join(','), fl: writeJson([{ field: F.code, op: 'is', values: [d.code] }]) }) : '#/discover';
  return (
    <div class="stock">
      <header class="topbar">
        <h1>{t('stock.title')}</h1>
        <label class="sr" for="stock-code">{t('stock.choose')}</label>
        <select id="stock-code" class="input scope" value={shownCode} onChange={(e) => go({ stock: e.currentTarget.value })}>
          {[...new Set([...(shownCode ? [shownCode] : []), ...codes.value])].sort().map((c) => <option key={c} value={c}>{label(c)}</option>)}
        </select>
        <Segmented label={t('stock.range')} value={range} options={RANGES.map(([v, k]) => [v, t(k)] as const)} onChange={(v) => { const [from = '', to = ''] = v.split('|'); setTime({ from, to }); }} />
        <span class="grow" />
        <a class="btn quiet" href={discover}><Icon name="discover" size={14} />{t('stock.openDiscover')}</a>
        <TimeControls />
      </header>
      {fault.value && <ErrorNote message={fault.value} onRetry={() => void run()} />}
      {hasIndex.value === false && <div class="empty"><h2>{t('stock.noIndex')}</h2></div>}
      {!d && hasIndex.value !== false && !fault.value && <div class="pad dim">{t('common.loading')}</div>}
      {d && (
        <div class="stock-body">
          <div class="stock-main">
            <Metrics d={d} />
            {d.count > 0 ? <PriceChart d={d} height={priceHeight} /> : <div class="panel pad dim">{t('stock.none')} · {timeText(d.range.from, zone.value, 'm')} → {timeText(d.range.to, zone.value, 'm')}</div>}
            <Archive />
          </div>
          <Tape d={d} />
        </div>
      )}
    </div>
  );
}
