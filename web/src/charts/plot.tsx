// SPDX-License-Identifier: Apache-2.0
// A uPlot chart as a component: follows its width, theme, language and time zone, and can be walked with the arrow keys
// (each point is read out). The caller gives a table twin.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { lang } from '../i18n/i18n';
import { clockText, dateText } from '../lib/format';
import { paletteVersion, zone } from '../lib/settings';

export type Palette = (name: string) => string;

let probe: HTMLElement | undefined;
/** A colour token as the browser resolves it for the theme of the moment. */
export const palette: Palette = (name) => {
  if (!probe) {
    probe = document.createElement('i');
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
};

export const SERIES_COUNT = 8;
const FONT = '11px system-ui, "Noto Sans CJK KR", sans-serif';

/** Labels of the time axis: the date below the first tick of each day. */
function timeLabels(tz: string) {
  return (_u: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] => {
    let day = '';
    return splits.map((s) => {
      const at = s * 1000;
      const d = dateText(at, tz);
      if (step >= 28 * 86_400) return d.slice(0, 7);
      if (step >= 86_400) return d.slice(5);
      const isNew = d !== day;
      day = d;
      return clockText(at, tz, step >= 60 ? 'm' : step >= 1 ? 's' : 'ms') + (isNew ? `\n${d.slice(5)}` : '');
    });
  };
}

export function timeAxis(c: Palette, tz: string): uPlot.Axis {
  return { stroke: c('text-dim'), font: FONT, size: 36, gap: 4, space: 64, grid: { show: false }, ticks: { stroke: c('line'), size: 4, width: 1 }, values: timeLabels(tz) };
}
export function valueAxis(c: Palette, text: (n: number) => string, size = 56): uPlot.Axis {
  return { stroke: c('text-dim'), font: FONT, size, gap: 6, space: 28, grid: { stroke: c('grid'), width: 1 }, ticks: { show: false }, border: { show: false }, values: (_u, splits) => splits.map((v) => (v === null ? '' : text(v))) };
}

export interface PlotProps {
  /** Changes when the options do; the chart is then built anew. */
  kind: string;
  options: (c: Palette, tz: string) => Omit<uPlot.Options, 'width' | 'height'>;
  data: uPlot.AlignedData;
  height: number;
  /** Text alternative: what the chart shows as a whole. */
  label: string;
  /** What a point says, in words: shown to screen readers while walking. */
  describe: (index: number) => string;
  onEnter?: (index: number) => void;
}

export function Plot(p: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data = useRef(p.data);
  data.current = p.data;
  const [spoken, setSpoken] = useState('');
  const key = `${p.kind}|${paletteVersion.value}|${zone.value}|${lang.value}|${p.height}`;
  useLayoutEffect(() => {
    const node = host.current;
    if (!node) return;
    const tz = zone.peek();
    const options = p.options(palette, tz);
    const made = new uPlot({ legend: { show: false }, tzDate: (s) => uPlot.tzDate(new Date(s * 1000), tz), ...options, width: Math.max(120, node.clientWidth), height: p.height }, data.current, node);
    made.root.querySelector('canvas')?.setAttribute('aria-hidden', 'true');
    plot.current = made;
    const sizes = new ResizeObserver(() => {
      const width = node.clientWidth;
      if (width > 0 && width !== made.width) made.setSize({ width, height: p.height });
    });
    sizes.observe(node);
    return () => {
      sizes.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [key]);
  useEffect(() => {
    if (plot.current && plot.current.data !== p.data) plot.current.setData(p.data);
  }, [p.data]);
  const walk = (e: KeyboardEvent) => {
    const u = plot.current;
    const count = p.data[0].length;
    if (!u || !count) return;
    const at = u.cursor.idx ?? -1;
    const next = e.key === 'ArrowRight' ? Math.min(count - 1, at + 1) : e.key === 'ArrowLeft' ? Math.max(0, at < 0 ? count - 1 : at - 1) : e.key === 'Home' ? 0 : e.key === 'End' ? count - 1 : undefined;
    if (e.key === 'Enter' && at >= 0) p.onEnter?.(at);
    if (next === undefined) return;
    e.preventDefault();
    u.setCursor({ left: u.valToPos(p.data[0][next] ?? 0, 'x'), top: u.over.clientHeight / 2 });
    setSpoken(p.describe(next));
  };
  return (
    <>
      <div ref={host} class="plot" role="img" aria-label={p.label} tabIndex={0} onKeyDown={walk} />
      <span class="sr" aria-live="polite">{spoken}</span>
    </>
  );
}

/** A floating box that follows the crosshair. `html`: rows as [swatch colour, name, value]. */
export function tooltipPlugin(rows: (index: number) => { title: string; rows: [string, string, string][] } | undefined): uPlot.Plugin {
  const box = document.createElement('div');
  box.className = 'tip';
  box.hidden = true;
  return { hooks: {
    init: (u) => {
      u.over.append(box);
      u.over.addEventListener('mouseleave', () => (box.hidden = true));
    },
    setCursor: (u) => {
      const { idx, left } = u.cursor;
      const content = idx === null || idx === undefined || left === undefined || left < 0 ? undefined : rows(idx);
      box.hidden = !content;
      if (!content) return;
      box.replaceChildren();
      const title = document.createElement('b');
      title.textContent = content.title;
      box.append(title);
      for (const [colour, name, value] of content.rows) {
        const row = document.createElement('div');
        const swatch = document.createElement('i');
        swatch.style.background = colour;
        const n = document.createElement('span');
        n.textContent = name;
        const v = document.createElement('em');
        v.textContent = value;
        row.append(swatch, n, v);
        box.append(row);
      }
      const isRight = (left ?? 0) > u.over.clientWidth / 2;
      box.style.left = isRight ? '' : `${(left ?? 0) + 14}px`;
      box.style.right = isRight ? `${u.over.clientWidth - (left ?? 0) + 14}px` : '';
      box.style.top = '4px';
    },
  } };
}

/** The table twin of a chart. */
export function DataTable(p: { caption: string; columns: string[]; rows: (string | number)[][]; height?: number }) {
  return (
    <div class="twin" tabIndex={0} role="region" aria-label={p.caption} style={p.height ? { height: `${p.height}px` } : {}}>
      <table class="grid-table">
        <thead><tr>{p.columns.map((c, i) => <th key={c} scope="col" class={i ? 'num' : ''}>{c}</th>)}</tr></thead>
        <tbody>{p.rows.map((r, i) => <tr key={i}>{r.map((v, j) => <td key={j} class={j ? 'num' : ''}>{v}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}
