// SPDX-License-Identifier: Apache-2.0
// One document at the side of the table: its fields with filters, or its JSON with integers as they were stored.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { flatten } from '../../api/es';
import { writeJson } from '../../api/json';
import { bytesText, documentTime, numberText, valueText } from '../../lib/format';
import { matches } from '../../lib/hangul';
import { onKey } from '../../lib/keys';
import { zone } from '../../lib/settings';
import { t } from '../../i18n/i18n';
import { copyText, IconButton } from '../../ui/controls';
import { active, fieldOf, filterValue, isDate, opened, pin, result, state, toggleColumn } from './model';
import { TypeIcon } from './fields';

const CLIP = 2048;
const LINES_MAX = 2000;
const ROWS_MAX = 400;

function Value({ text }: { text: string }) {
  const [isAll, setAll] = useState(false);
  if (text.length <= CLIP || isAll) return <span class="doc-value">{text}</span>;
  return <span class="doc-value">{text.slice(0, CLIP)}… <button type="button" class="link" onClick={() => setAll(true)}>{t('common.showAll', { size: bytesText(new Blob([text]).size) })}</button></span>;
}

/** JSON with its parts told apart; strings are clipped with a way to see them whole. */
function Json({ value }: { value: unknown }) {
  const [isAll, setAll] = useState(false);
  const lines = useMemo(() => writeJson(value, 2).split('\n'), [value]);
  const shown = isAll ? lines : lines.slice(0, LINES_MAX);
  return (
    <div class="json mono" tabIndex={0}>
      {shown.map((line, i) => {
        const m = /^(\s*)("(?:[^"\\]|\\.)*")?(: )?(.*?)(,?)$/.exec(line);
        const isKey = m?.[3] !== undefined;
        const v = (isKey ? m?.[4] : (m?.[2] ?? '') + (m?.[4] ?? '')) ?? '';
        const kind = v[0] === '"' ? 'str' : /^[-\d]/.test(v) ? 'nr' : /^(true|false|null)/.test(v) ? 'lit' : '';
        return <div key={i}>{m?.[1]}{isKey && <><span class="key">{m?.[2]}</span>: </>}<span class={kind}>{v.length > CLIP && !isAll ? v.slice(0, CLIP) + '…' : v}</span>{m?.[5]}</div>;
      })}
      {!isAll && (lines.length > LINES_MAX || lines.some((l) => l.length > CLIP)) && <button type="button" class="link" onClick={() => setAll(true)}>{t('common.showAll', { size: bytesText(lines.reduce((s, l) => s + l.length + 1, 0)) })}</button>}
    </div>
  );
}

export function DocumentPanel() {
  const [tab, setTab] = useState<'table' | 'json'>('table');
  const [typed, setTyped] = useState('');
  const at = opened.value;
  const r = result.value;
  const h = at === undefined ? undefined : r?.hits[at];
  useEffect(() => {
    const focused = () => (document.activeElement?.closest<HTMLElement>('[data-field]') ?? undefined)?.dataset['field'];
    const value = (name: string) => Object.fromEntries(flatten(result.peek()?.hits[opened.peek() ?? -1]?._source ?? {}))[name];
    const off = [onKey('KeyF', () => { const f = focused(); if (f) filterValue(f, value(f), false); }), onKey('KeyX', () => { const f = focused(); if (f) filterValue(f, value(f), true); })];
    return () => off.forEach((f) => f());
  }, []);
  if (!h || at === undefined || !r) return null;
  const tz = zone.value;
  const rows: [string, unknown][] = [['_index', h._index], ['_id', h._id], ...flatten(h._source ?? {}).sort((a, b) => a[0].localeCompare(b[0]))];
  const shown = typed ? rows.filter(([k, v]) => matches(k, typed) || matches(valueText(v), typed)) : rows;
  const step = (by: number) => { opened.value = Math.max(0, Math.min(r.hits.length - 1, at + by)); active.value = opened.value; };
  const full = { _index: h._index, _id: h._id, _source: h._source };
  return (
    <aside class="doc" aria-label={t('discover.document')}>
      <header>
        <div class="seg" role="tablist" aria-label={t('discover.document')}>
          {(['table', 'json'] as const).map((x) => <button type="button" role="tab" key={x} aria-selected={tab === x} class={tab === x ? 'on' : ''} onClick={() => setTab(x)}>{t(`discover.document.${x}`)}</button>)}
        </div>
        <span class="dim small grow">{t('discover.document.position', { n: at + 1, total: r.total })}</span>
        <IconButton icon="up" label={t('discover.document.previous')} isDisabled={at === 0} onClick={() => step(-1)} />
        <IconButton icon="down" label={t('discover.document.next')} isDisabled={at >= r.hits.length - 1} onClick={() => step(1)} />
        <IconButton icon="copy" label={t('common.copy')} onClick={() => void copyText(writeJson(full, 2))} />
        <IconButton icon="close" label={t('common.close')} onClick={() => (opened.value = undefined)} />
      </header>
      {tab === 'json' ? <Json value={full} /> : (
        <>
          <div class="pad-s"><input class="input" type="search" placeholder={t('discover.document.search')} aria-label={t('discover.document.search')} value={typed} onInput={(e) => setTyped(e.currentTarget.value)} /></div>
          <div class="doc-rows" role="table" aria-label={t('discover.document')} tabIndex={0}>
            {shown.slice(0, ROWS_MAX).map(([k, v]) => {
              const f = fieldOf(k);
              const isMeta = k === '_id' || k === '_index';
              const text = isDate(f) ? documentTime(v, tz) : typeof v === 'number' || typeof v === 'bigint' ? numberText(v) : valueText(v);
              return (
                <div class="doc-row" role="row" key={k} data-field={k} tabIndex={-1}>
                  <div class="doc-key" role="rowheader">{f ? <TypeIcon type={f.type} /> : <i class="type type-other">·</i>}<span>{k}</span></div>
                  <div class="doc-cell" role="cell" {...(isDate(f) ? { title: valueText(v) } : {})}><Value text={text} /></div>
                  <div class="doc-actions" role="cell">
                    {!isMeta && <>
                      <IconButton isSmall icon="plus" label={`${t('discover.filterFor')}: ${k}`} onClick={() => filterValue(k, v, false)} />
                      <IconButton isSmall icon="minus" label={`${t('discover.filterOut')}: ${k}`} onClick={() => filterValue(k, v, true)} />
                      <IconButton isSmall icon="exists" label={`${t('discover.field.filterExists')}: ${k}`} onClick={() => pin({ field: k, op: 'exists' })} />
                    </>}
                    <IconButton isSmall icon="column" label={`${t('discover.toggleColumn')}: ${k}`} isPressed={state.value.columns.includes(k)} onClick={() => toggleColumn(k)} />
                  </div>
                </div>
              );
            })}
            {shown.length > ROWS_MAX && <div class="dim pad-s small" role="row"><span role="cell">{t('discover.fields.more', { n: shown.length - ROWS_MAX })}</span></div>}
          </div>
        </>
      )}
    </aside>
  );
}
