// SPDX-License-Identifier: Apache-2.0
// The results: a virtual table with rows of one height. Only the rows in view are in the document. On a refresh the row
// at the top of the view stays where it is.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { flatten, valueAt, type Hit } from '../../api/es';
import { documentTime, numberText, valueText } from '../../lib/format';
import { onKey } from '../../lib/keys';
import { settings, zone } from '../../lib/settings';
import { t } from '../../i18n/i18n';
import { copyText, IconButton, Menu, Popover } from '../../ui/controls';
import { Icon } from '../../ui/icon';
import { active, fieldOf, filterValue, isBusy, isDate, isLoadingMore, more, opened, PAGE_ROWS, result, state, toggleColumn, update } from './model';

const CLIP = 2048;
const OVERSCAN = 12;
const TIME_WIDTH = 188;
const CHAR = 7.3; // width of a monospaced character at 12 px
const WIDTH_MIN = 76, WIDTH_MAX = 460;
const isNumeric = (name: string) => /^(long|integer|short|byte|unsigned_long|double|float|half_float|scaled_float)$/.test(fieldOf(name)?.type ?? '');

/** Widths from the contents of the first rows, so that a column is as wide as what it shows. */
function widthOf(name: string, hits: Hit[]): number {
  let longest = name.length + 4;
  for (const h of hits.slice(0, 50)) longest = Math.max(longest, cellText(h, name, 'UTC').length);
  return Math.round(Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, longest * CHAR + 24)));
}

function cellText(h: Hit, name: string, tz: string): string {
  const v = name === '_id' ? h._id : name === '_index' ? h._index : valueAt(h._source, name);
  if (v === undefined) return '';
  if (isDate(fieldOf(name))) return documentTime(v, tz);
  if ((typeof v === 'number' || typeof v === 'bigint') && isNumeric(name)) return numberText(v);
  const text = valueText(v);
  return text.length > CLIP ? text.slice(0, CLIP) + '…' : text;
}

function Summary({ h, skip, tz }: { h: Hit; skip: string; tz: string }) {
  const parts = flatten(h._source ?? {}).filter(([k]) => k !== skip).slice(0, 40);
  return <>{parts.map(([k, v]) => <span key={k} class="kv"><b>{k}</b>{isDate(fieldOf(k)) ? documentTime(v, tz) : valueText(v).slice(0, 300)}</span>)}</>;
}

function Head({ name, label, width, canMove }: { name: string; label: string; width: string; canMove: boolean }) {
  const s = state.value;
  const dir = s.sort.find(([f]) => f === name)?.[1] ?? (!s.sort.length && name === s.timeField ? 'desc' : undefined);
  const at = s.columns.indexOf(name);
  const move = (by: number) => {
    const c = [...s.columns];
    c.splice(at, 1);
    c.splice(at + by, 0, name);
    update({ columns: c });
  };
  const canSort = fieldOf(name)?.exact !== undefined;
  return (
    <div role="columnheader" class={`th ${isNumeric(name) ? 'num' : ''}`} style={{ flex: width }} {...(dir ? { 'aria-sort': dir === 'asc' ? 'ascending' : 'descending' } : {})}>
      {canSort || canMove ? (
        <Popover label={label} class="th-btn" trigger={<><span class="clip">{label}</span>{dir && <Icon name={dir === 'asc' ? 'up' : 'down'} size={12} />}</>}>
          {(close) => <Menu close={close} items={[
            ...(canSort ? [{ label: t('discover.table.sortAsc'), icon: 'up' as const, isChecked: dir === 'asc', run: () => update({ sort: [[name, 'asc']] }) }, { label: t('discover.table.sortDesc'), icon: 'down' as const, isChecked: dir === 'desc', run: () => update({ sort: [[name, 'desc']] }) }] : []),
            canMove && at > 0 ? { label: t('discover.table.moveLeft'), icon: 'left', run: () => move(-1) } : undefined, canMove && at < s.columns.length - 1 ? { label: t('discover.table.moveRight'), icon: 'right', run: () => move(1) } : undefined,
            canMove ? { label: t('discover.table.remove'), icon: 'close', run: () => toggleColumn(name) } : undefined, { label: t('discover.table.copyName'), icon: 'copy', run: () => void copyText(name) }]} />}
        </Popover>
      ) : <span class="clip">{label}</span>}
    </div>
  );
}

export function Grid() {
  const r = result.value;
  const s = state.value;
  const tz = zone.value;
  const body = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const rowHeight = settings.value.density === 'compact' ? 24 : 32;
  const [view, setView] = useState({ top: 0, height: 600 });
  const hits = r?.hits ?? [];
  const columns = s.columns;
  const shown = columns.length ? columns : ['_source'];
  const widths = useMemo(() => new Map(columns.map((c) => [c, widthOf(c, hits)])), [columns.join('\n'), r?.pattern, hits.length > 0]);
  // Keep the first row in view where it is when newer rows arrive above it.
  const before = useRef<Hit[]>([]);
  useLayoutEffect(() => {
    const node = body.current;
    const old = before.current;
    before.current = hits;
    if (!node || node.scrollTop < rowHeight || !old.length || old === hits) return;
    const first = old[Math.floor(node.scrollTop / rowHeight)];
    if (!first || hits[Math.floor(node.scrollTop / rowHeight)]?._id === first._id) return;
    const now = hits.findIndex((h) => h._id === first._id && h._index === first._index);
    if (now >= 0) node.scrollTop = now * rowHeight + (node.scrollTop % rowHeight);
  }, [hits]);
  useEffect(() => {
    const node = body.current;
    if (!node) return;
    const sizes = new ResizeObserver(() => setView((v) => ({ ...v, height: node.clientHeight })));
    sizes.observe(node);
    return () => sizes.disconnect();
  }, []);
  const select = (i: number) => {
    const node = body.current;
    const to = Math.max(0, Math.min(hits.length - 1, i));
    active.value = to;
    if (opened.peek() !== undefined) opened.value = to;
    if (!node) return;
    if (to * rowHeight < node.scrollTop) node.scrollTop = to * rowHeight;
    else if ((to + 1) * rowHeight > node.scrollTop + node.clientHeight - 28) node.scrollTop = (to + 1) * rowHeight - node.clientHeight + 28;
    if (to > hits.length - 20) void more();
  };
  useEffect(() => {
    const off = [onKey('KeyJ', () => select(active.peek() + 1)), onKey('KeyK', () => select(active.peek() - 1)), onKey('Escape', () => (opened.value = undefined)),
      onKey('Enter', () => { if (document.activeElement === document.body || document.activeElement === grid.current || document.activeElement?.id === 'main') opened.value = active.peek(); })];
    return () => off.forEach((f) => f());
  }, [hits]);
  const key = (e: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 2);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }[e.key];
    if (step === undefined && e.key !== 'Home' && e.key !== 'End') return;
    e.preventDefault();
    select(e.key === 'Home' ? 0 : e.key === 'End' ? hits.length - 1 : active.peek() + (step ?? 0));
  };
  const first = Math.max(0, Math.floor(view.top / rowHeight) - OVERSCAN);
  const last = Math.min(hits.length, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN);
  const flexOf = (c: string) => (c === '_source' ? '1 1 0' : `0 0 ${widths.get(c) ?? 120}px`);
  const total = s.columns.reduce((sum, c) => sum + (widths.get(c) ?? 120), 0) + (s.hasTime ? TIME_WIDTH : 0) + 32;
  const isActiveShown = active.value >= first && active.value < last;
  return (
    <div ref={body} class={`grid ${isBusy.value && r ? 'is-stale' : ''}`}
      onScroll={(e) => {
        const node = e.currentTarget;
        setView({ top: node.scrollTop, height: node.clientHeight });
        if (node.scrollTop + node.clientHeight > node.scrollHeight - 12 * rowHeight) void more();
      }}>
      <div ref={grid} role="grid" aria-label={t('discover.table')} aria-rowcount={(r?.total ?? 0) + 1} aria-busy={isBusy.value} tabIndex={0} style={columns.length ? { minWidth: `${total}px` } : {}}
        {...(isActiveShown && hits.length ? { 'aria-activedescendant': `row-${active.value}` } : {})} onKeyDown={key}>
        <div class="thead" role="row" aria-rowindex={1} style={columns.length ? { minWidth: `${total}px` } : {}}>
          <div class="th th-open" role="columnheader"><span class="sr">{t('discover.document.open')}</span></div>
          {s.hasTime && <Head name={s.timeField} label={s.timeField} width={`0 0 ${TIME_WIDTH}px`} canMove={false} />}
          {shown.map((c) => (c === '_source' ? <div key={c} role="columnheader" class="th" style={{ flex: '1 1 0' }}>{t('discover.document')}</div> : <Head key={c} name={c} label={c} width={flexOf(c)} canMove />))}
        </div>
        <div class="tbody" role="rowgroup" style={{ height: `${hits.length * rowHeight}px`, ...(columns.length ? { minWidth: `${total}px` } : {}) }}>
          {hits.slice(first, last).map((h, k) => {
            const i = first + k;
            return (
              <div key={h._index + h._id} id={`row-${i}`} role="row" aria-rowindex={i + 2} aria-selected={i === active.value} class={`tr ${i % 2 ? 'odd' : ''} ${opened.value === i ? 'open' : ''} ${i === active.value ? 'active' : ''}`}
                style={{ transform: `translateY(${i * rowHeight}px)`, height: `${rowHeight}px` }} onClick={(e) => {
                  if ((e.target as HTMLElement).closest('button') || getSelection()?.toString()) return;
                  active.value = i;
                  opened.value = opened.value === i ? undefined : i;
                }}>
                <div class="td td-open" role="gridcell"><Icon name={opened.value === i ? 'left' : 'right'} size={12} /></div>
                {s.hasTime && <div class="td time" role="gridcell" title={valueText(valueAt(h._source, s.timeField))} style={{ flex: `0 0 ${TIME_WIDTH}px` }}>{cellText(h, s.timeField, tz)}</div>}
                {shown.map((c) => (c === '_source' ? <div key={c} class="td source" role="gridcell"><Summary h={h} skip={s.hasTime ? s.timeField : ''} tz={tz} /></div> : (
                  <div key={c} class={`td ${isNumeric(c) ? 'num' : ''}`} role="gridcell" style={{ flex: flexOf(c) }}>
                    <span class="clip">{cellText(h, c, tz)}</span>
                    <span class="cell-actions">
                      <IconButton isSmall tabIndex={-1} icon="plus" label={t('discover.filterFor')} onClick={() => filterValue(c, valueAt(h._source, c), false)} />
                      <IconButton isSmall tabIndex={-1} icon="minus" label={t('discover.filterOut')} onClick={() => filterValue(c, valueAt(h._source, c), true)} />
                    </span>
                  </div>
                )))}
              </div>
            );
          })}
        </div>
      </div>
      {r && hits.length > 0 && (
        <div class="grid-foot">
          <span>{t('discover.table.loaded', { n: hits.length, total: r.total })}</span>
          {r.isEnd ? <span class="dim">{t('discover.table.end')}</span> : <button type="button" class="btn" disabled={isLoadingMore.value} onClick={() => void more()}>{t('discover.table.more', { n: PAGE_ROWS })}</button>}
        </div>
      )}
    </div>
  );
}
