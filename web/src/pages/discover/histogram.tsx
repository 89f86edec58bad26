// SPDX-License-Identifier: Apache-2.0
// Documents over time: bars with a brush, broken down by a field if wanted.
import uPlot from 'uplot';
import { useMemo, useRef, useState } from 'preact/hooks';
import { chooseRange } from '../../ui/timepicker';
import { bucketText, numberText } from '../../lib/format';
import { CHOICES } from '../../lib/interval';
import { lang, t } from '../../i18n/i18n';
import { zone } from '../../lib/settings';
import { DataTable, palette, Plot, timeAxis, tooltipPlugin, valueAxis } from '../../charts/plot';
import { IconButton, Menu, Popover } from '../../ui/controls';
import { Icon } from '../../ui/icon';
import { fields, result, state, update, type Result } from './model';

/** Counts have no halves. */
const WHOLE = Array.from({ length: 13 }, (_x, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();
const HEIGHT = 124;

function zoomTo(from: number, to: number): void {
  chooseRange(new Date(Math.floor(from)).toISOString(), new Date(Math.ceil(to)).toISOString());
}

/** Stacked series, the largest at the bottom; "other" is what is left. */
function stack(r: Result): { data: uPlot.AlignedData; names: string[] } {
  const x = r.bars.map((b) => b.at / 1000);
  if (!r.parts.length) return { data: [x, r.bars.map((b) => b.count)], names: [] };
  const names = [...r.parts, t('common.other')];
  const tops = names.map((_n, i) => r.bars.map((b) => (i === names.length - 1 ? b.count : b.parts.slice(0, i + 1).reduce((s, v) => s + v, 0))));
  return { data: [x, ...tops.reverse()], names: names.reverse() };
}

export function Histogram() {
  const r = result.value;
  const s = state.value;
  const latest = useRef<Result | undefined>(undefined);
  const [isTable, setTable] = useState(false);
  latest.current = r;
  const stacked = useMemo(() => (r ? stack(r) : undefined), [r, lang.value]);
  if (!r?.range || !r.interval || !stacked) return null;
  const { range, interval } = r;
  const tz = zone.value;
  const text = (at: number) => bucketText(at, interval.ms, tz);
  const peak = r.bars.reduce((a, b) => (b.count > a.count ? b : a), { at: range.from, count: 0, parts: [] });
  const colour = (c: (n: string) => string, i: number) => (stacked.names.length ? (i === 0 ? c('other') : c(`s${r.colours[stacked.names.length - 1 - i]}`)) : c('bar'));
  const rowsAt = (i: number): [string, string, string][] => {
    const now = latest.current;
    const b = now?.bars[i];
    if (!now || !b) return [];
    if (!now.parts.length) return [[palette('bar'), t('common.count'), numberText(b.count)]];
    const rest = b.count - b.parts.reduce((x, y) => x + y, 0);
    return [...now.parts.map((p, k): [string, string, string] => [palette(`s${now.colours[k]}`), p, numberText(b.parts[k] ?? 0)]), ...(rest > 0 ? [[palette('other'), t('common.other'), numberText(rest)] as [string, string, string]] : [])];
  };
  const width = uPlot.paths.bars?.({ size: [0.86, 60], align: 1, gap: 0 });
  return (
    <section class="histogram" aria-label={t('discover.chart')}>
      <header class="panel-bar">
        <strong>{t('discover.hits', { n: r.total })}</strong>
        <span class="dim">{text(range.from)} → {text(range.to)}</span>
        <Popover label={t('discover.chart.interval')} class="btn quiet" trigger={<><span class="dim">{t('discover.chart.interval')}</span> {s.interval === 'auto' ? `${t('discover.chart.auto')} · ${interval.text}` : interval.isScaled ? `${s.interval} · ${t('discover.chart.scaled', { interval: interval.text })}` : interval.text}<Icon name="down" size={12} /></>}>
          {(close) => <Menu close={close} items={[{ label: t('discover.chart.auto'), isChecked: s.interval === 'auto', run: () => update({ interval: 'auto' }) }, ...CHOICES.map((c) => ({ label: c.text, isChecked: s.interval === c.text, run: () => update({ interval: c.text }) }))]} />}
        </Popover>
        <Popover label={t('discover.chart.split')} class="btn quiet" trigger={<><span class="dim">{t('discover.chart.split')}</span> {s.split || t('common.none')}<Icon name="down" size={12} /></>}>
          {(close) => <Menu close={close} items={[{ label: t('common.none'), isChecked: !s.split, run: () => update({ split: '' }) }, ...fields.value.filter((f) => f.exact && f.type !== 'date').map((f) => ({ label: f.name, isChecked: s.split === f.name, run: () => update({ split: f.name }) }))]} />}
        </Popover>
        {r.parts.length > 0 && <span class="legend">{r.parts.map((p, i) => <span key={p}><i class={`sw s${r.colours[i]}`} />{p}</span>)}</span>}
        <span class="grow" />
        <span class="dim small">{t('discover.took', { ms: r.took })}</span>
        <IconButton icon={isTable ? 'chart' : 'table'} label={t(isTable ? 'common.asChart' : 'common.asTable')} onClick={() => setTable(!isTable)} isSmall />
        <IconButton icon="up" label={t('discover.chart.hide')} onClick={() => update({ isChartHidden: true })} isSmall />
      </header>
      {isTable ? <DataTable caption={t('discover.chart')} height={HEIGHT} columns={[t('common.time'), t('common.count'), ...r.parts]} rows={r.bars.map((b) => [text(b.at), numberText(b.count), ...b.parts.map((v) => numberText(v))])} /> : (
        <Plot kind={`bars|${stacked.names.join()}|${r.colours.join()}|${interval.text}`} height={HEIGHT} data={stacked.data}
          label={`${t('discover.chart.summary', { n: r.bars.length, interval: interval.text, from: text(range.from), to: text(range.to), max: peak.count, peak: text(peak.at) })}. ${t('discover.chart.help')}`}
          describe={(i) => { const b = r.bars[i]; return b ? `${text(b.at)}: ${rowsAt(i).map(([, n, v]) => `${n} ${v}`).join(', ')}` : ''; }}
          onEnter={(i) => { const b = r.bars[i]; if (b) zoomTo(b.at, b.at + interval.ms - 1); }}
          options={(c, zoneName) => ({
            padding: [6, 18, 0, 0],
            scales: { x: { time: true, range: () => { const now = latest.current; const first = now?.bars[0]?.at ?? range.from, last = (now?.bars.at(-1)?.at ?? 0) + interval.ms; const span = now?.range ?? range; return [Math.min(span.from, first) / 1000, Math.max(span.to, last) / 1000]; } }, y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.08)] } },
            axes: [timeAxis(c, zoneName), { ...valueAxis(c, (n) => numberText(n), 50), incrs: WHOLE }],
            series: [{}, ...stacked.data.slice(1).map((_d, i) => ({ fill: colour(c, i), width: 0, points: { show: false }, ...(width ? { paths: width } : {}) }))],
            cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, uni: 4 } },
            hooks: { setSelect: [(u) => {
              if (u.select.width < 4) return;
              const a = u.posToVal(u.select.left, 'x') * 1000, b = u.posToVal(u.select.left + u.select.width, 'x') * 1000;
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              zoomTo(a, b);
            }] },
            plugins: [tooltipPlugin((i) => { const b = latest.current?.bars[i]; return b && { title: bucketText(b.at, latest.current?.interval?.ms ?? 1000, zoneName), rows: rowsAt(i) }; })],
          })} />
      )}
    </section>
  );
}
