// SPDX-License-Identifier: Apache-2.0
// Price with its band, volume below on the same axis, and the archive's candles.
import uPlot from 'uplot';
import { useMemo, useRef, useState } from 'preact/hooks';
import { DataTable, palette, Plot, timeAxis, tooltipPlugin, valueAxis } from '../../charts/plot';
import { bucketText, clockText, numberText, spanOf } from '../../lib/format';
import { settings, zone } from '../../lib/settings';
import { chooseRange } from '../../ui/timepicker';
import { IconButton } from '../../ui/controls';
import { spanText, t } from '../../i18n/i18n';
import type { Candle } from './archive';
import type { Day } from './model';

const AXIS = 64;
const isOf = <T,>(v: T | null | undefined): v is T => v !== null && v !== undefined;

/** Marks the last price on the right axis. */
function lastTag(last: () => number | undefined): uPlot.Plugin {
  return { hooks: { draw: (u) => {
    const v = last();
    if (v === undefined) return;
    const { ctx } = u;
    const r = devicePixelRatio;
    const y = Math.round(u.valToPos(v, 'y', true));
    const x = u.bbox.left + u.bbox.width;
    ctx.save();
    ctx.strokeStyle = palette('accent');
    ctx.setLineDash([2 * r, 3 * r]);
    ctx.beginPath();
    ctx.moveTo(u.bbox.left, y);
    ctx.lineTo(x, y);
    ctx.stroke();
    ctx.fillStyle = palette('accent-fill');
    ctx.fillRect(x + 1, y - 9 * r, (AXIS - 6) * r, 18 * r);
    ctx.fillStyle = palette('accent-text');
    ctx.font = `600 ${11 * r}px system-ui, sans-serif`;
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'left';
    ctx.fillText(numberText(v), x + 7 * r, y);
    ctx.restore();
  } } };
}

/** Dragging over a chart chooses the range. */
const brush: ((u: uPlot) => void)[] = [(u) => {
  if (u.select.width < 4) return;
  const a = u.posToVal(u.select.left, 'x') * 1000, b = u.posToVal(u.select.left + u.select.width, 'x') * 1000;
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  chooseRange(new Date(a).toISOString(), new Date(b).toISOString());
}];
const cursor: uPlot.Cursor = { y: false, sync: { key: 'stock-day' }, drag: { x: true, y: false, setScale: false, uni: 4 }, points: { size: 6 } };

export function PriceChart({ d, height }: { d: Day; height: number }) {
  const latest = useRef(d);
  latest.current = d;
  const [isTable, setTable] = useState(false);
  const tz = zone.value;
  const x = useMemo(() => d.points.map((p) => p.at / 1000), [d]);
  const price = useMemo<uPlot.AlignedData>(() => [x, d.points.map((p) => p.high), d.points.map((p) => p.low), d.points.map((p) => p.dayHigh), d.points.map((p) => p.dayLow), d.points.map((p) => p.last)], [d]);
  const volume = useMemo<uPlot.AlignedData>(() => {
    let before: number | null = null;
    const up: (number | null)[] = [], down: (number | null)[] = [], flat: (number | null)[] = [];
    for (const p of d.points) {
      const by = p.last === null || before === null ? 0 : p.last - before;
      up.push(by > 0 ? p.volume : null);
      down.push(by < 0 ? p.volume : null);
      flat.push(by === 0 && p.volume > 0 ? p.volume : null);
      before = p.last ?? before;
    }
    return [x, up, down, flat];
  }, [d]);
  const text = (at: number) => bucketText(at, d.interval.ms, tz);
  const lasts = d.points.map((p) => p.last).filter(isOf);
  const xRange = (): [number, number] => [latest.current.range.from / 1000, latest.current.range.to / 1000];
  const bars = uPlot.paths.bars?.({ size: [0.8, 24], align: 1 });
  const summary = lasts.length ? t('stock.summary', { title: t('stock.price'), n: d.points.length, from: text(d.range.from), to: text(d.range.to), min: Math.min(...lasts), max: Math.max(...lasts), last: lasts.at(-1) ?? 0 }) : t('stock.none');
  const says = (i: number): string => { const p = d.points[i]; return p ? `${text(p.at)}: ${t('stock.price.close')} ${numberText(p.last)}, ${t('stock.price.high')} ${numberText(p.high)}, ${t('stock.price.low')} ${numberText(p.low)}, ${t('stock.volumeChart')} ${numberText(p.volume)}` : ''; };
  const volumeHeight = 96;
  const kind = `${settings.value.upDown}|${d.interval.text}`;
  return (
    <section class="panel" aria-label={t('stock.price')}>
      <header class="panel-bar">
        <strong>{t('stock.price')}</strong>
        <span class="legend"><span><i class="sw line" />{t('stock.price.close')}</span><span><i class="sw band" />{t('stock.price.band', { interval: spanText(spanOf(d.interval.ms)) })}</span><span><i class="sw dash up" />{t('stock.high')}</span><span><i class="sw dash down" />{t('stock.low')}</span></span>
        <span class="grow" />
        <IconButton icon={isTable ? 'chart' : 'table'} label={t(isTable ? 'common.asChart' : 'common.asTable')} onClick={() => setTable(!isTable)} isSmall />
      </header>
      {isTable ? <DataTable caption={t('stock.price')} height={height + volumeHeight + 24} columns={[t('common.time'), t('stock.price.close'), t('stock.price.high'), t('stock.price.low'), t('stock.volumeChart'), t('stock.trades')]}
        rows={[...d.points].reverse().map((p) => [text(p.at), numberText(p.last), numberText(p.high), numberText(p.low), numberText(p.volume), numberText(p.count)])} /> : (
        <>
          <Plot kind={`price|${kind}`} height={height} data={price} label={summary} describe={says} options={(c, zoneName) => ({
            padding: [8, 0, 0, 10], cursor, hooks: { setSelect: brush },
            scales: { x: { time: true, range: xRange }, y: { range: (_u, min, max) => { const pad = Math.max((max - min) * 0.06, max * 0.0004); return [min - pad, max + pad]; } } },
            axes: [{ ...timeAxis(c, zoneName), size: 6, ticks: { show: false }, values: (_u, s) => s.map(() => '') }, { ...valueAxis(c, numberText, AXIS), side: 1 }],
            series: [{}, { width: 0, points: { show: false }, spanGaps: false }, { width: 0, points: { show: false }, spanGaps: false },
              { stroke: c('up'), width: 1, dash: [4, 4], points: { show: false }, spanGaps: true, alpha: 0.65 }, { stroke: c('down'), width: 1, dash: [4, 4], points: { show: false }, spanGaps: true, alpha: 0.65 },
              { stroke: c('accent'), width: 1.6, points: { show: false }, spanGaps: true }],
            bands: [{ series: [1, 2], fill: c('band') }],
            plugins: [lastTag(() => latest.current.trades[0]?.price), tooltipPlugin((i) => {
              const p = latest.current.points[i];
              return p && p.last !== null ? { title: bucketText(p.at, latest.current.interval.ms, zoneName), rows: [[c('accent'), t('stock.price.close'), numberText(p.last)], [c('band'), t('stock.price.high'), numberText(p.high)], [c('band'), t('stock.price.low'), numberText(p.low)], [c('bar'), t('stock.volumeChart'), numberText(p.volume)], [c('other'), t('stock.archive.count'), numberText(p.count)]] } : undefined;
            })] })} />
          <div class="sub-title">{t('stock.volumeChart')}</div>
          <Plot kind={`volume|${kind}`} height={volumeHeight} data={volume} label={`${t('stock.volumeChart')}. ${summary}`} describe={says} options={(c, zoneName) => ({
            padding: [2, 0, 0, 10], cursor: { ...cursor, points: { show: false } }, hooks: { setSelect: brush },
            scales: { x: { time: true, range: xRange }, y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.05)] } },
            axes: [timeAxis(c, zoneName), { ...valueAxis(c, (n) => (n >= 10_000 ? `${numberText(n / 1000)}k` : numberText(n)), AXIS), side: 1 }],
            series: [{}, ...(['up', 'down', 'other'] as const).map((name) => ({ fill: c(name), width: 0, points: { show: false }, ...(bars ? { paths: bars } : {}) }))] })} />
        </>
      )}
    </section>
  );
}

/** Candles drawn by hand over an invisible series. */
function candlePlugin(list: () => Candle[]): uPlot.Plugin {
  return { hooks: { draw: (u) => {
    const { ctx } = u;
    const all = list();
    const step = 600;
    const body = Math.max(2, Math.min(26 * devicePixelRatio, (u.valToPos(step, 'x', true) - u.valToPos(0, 'x', true)) * 0.62));
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    for (const k of all) {
      const x = Math.round(u.valToPos(k.start / 1000 + step / 2, 'x', true));
      const y = (v: number) => Math.round(u.valToPos(v, 'y', true));
      const colour = palette(k.close > k.open ? 'up' : k.close < k.open ? 'down' : 'text-dim');
      ctx.fillStyle = colour;
      ctx.fillRect(x - devicePixelRatio / 2, y(k.high), devicePixelRatio, Math.max(1, y(k.low) - y(k.high)));
      const top = y(Math.max(k.open, k.close)), bottom = y(Math.min(k.open, k.close));
      ctx.fillRect(x - body / 2, top, body, Math.max(devicePixelRatio, bottom - top));
    }
    ctx.restore();
  } } };
}

export function Candles({ list, height }: { list: Candle[]; height: number }) {
  const latest = useRef(list);
  latest.current = list;
  const tz = zone.value;
  const data = useMemo<uPlot.AlignedData>(() => [list.map((k) => k.start / 1000 + 300), list.map((k) => k.high), list.map((k) => k.low)], [list]);
  const first = list[0], last = list.at(-1);
  if (!first || !last) return null;
  const text = (k: Candle) => `${clockText(k.start, tz, 'm')}–${clockText(k.start + 600_000, tz, 'm')}`;
  return (
    <Plot kind={`candles|${settings.value.upDown}`} height={height} data={data} label={t('stock.summary', { title: t('stock.archive'), n: list.length, from: clockText(first.start, tz, 'm'), to: clockText(last.start + 600_000, tz, 'm'), min: Math.min(...list.map((k) => k.low)), max: Math.max(...list.map((k) => k.high)), last: last.close })}
      describe={(i) => { const k = list[i]; return k ? `${text(k)}: ${t('stock.archive.open')} ${numberText(k.open)}, ${t('stock.archive.high')} ${numberText(k.high)}, ${t('stock.archive.low')} ${numberText(k.low)}, ${t('stock.archive.close')} ${numberText(k.close)}` : ''; }}
      options={(c, zoneName) => ({
        padding: [8, 0, 0, 10], cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: { x: { time: true, range: () => [(latest.current[0]?.start ?? 0) / 1000 - 150, (latest.current.at(-1)?.start ?? 0) / 1000 + 750] }, y: { range: (_u, min, max) => { const pad = Math.max((max - min) * 0.08, max * 0.0004); return [min - pad, max + pad]; } } },
        axes: [timeAxis(c, zoneName), { ...valueAxis(c, numberText, AXIS), side: 1 }],
        series: [{}, { width: 0, points: { show: false } }, { width: 0, points: { show: false } }],
        plugins: [candlePlugin(() => latest.current), tooltipPlugin((i) => {
          const k = latest.current[i];
          const colour = k ? c(k.close > k.open ? 'up' : k.close < k.open ? 'down' : 'other') : '';
          return k && { title: text(k), rows: (['open', 'high', 'low', 'close', 'volume', 'count'] as const).map((m): [string, string, string] => [m === 'volume' || m === 'count' ? c('bar') : colour, t(`stock.archive.${m}`), numberText(k[m])]) };
        })] })} />
  );
}
