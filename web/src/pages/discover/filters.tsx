// SPDX-License-Identifier: Apache-2.0
// The filter pills under the query bar, and the form that makes or changes one.
import { useState } from 'preact/hooks';
import { filterKql, type Filter, type Scalar } from '../../lib/filters';
import { valueText } from '../../lib/format';
import { t, type Key } from '../../i18n/i18n';
import { copyText, IconButton, Popover } from '../../ui/controls';
import { Icon } from '../../ui/icon';
import { fieldOf, fields, state, update } from './model';

type Op = 'is' | 'isNot' | 'oneOf' | 'notOneOf' | 'exists' | 'notExists' | 'range' | 'notRange';
const OPS: Op[] = ['is', 'isNot', 'oneOf', 'notOneOf', 'exists', 'notExists', 'range', 'notRange'];

function opOf(f: Filter): Op {
  if (f.op === 'exists') return f.not ? 'notExists' : 'exists';
  if (f.op === 'range') return f.not ? 'notRange' : 'range';
  return f.values.length > 1 ? (f.not ? 'notOneOf' : 'oneOf') : f.not ? 'isNot' : 'is';
}

const INTEGER_TYPES = new Set(['long', 'integer', 'short', 'byte', 'unsigned_long']);
/** Text from a form as the field's type has it; big integers stay exact. */
function scalar(text: string, field: string): Scalar {
  const type = fieldOf(field)?.type ?? '';
  const v = text.trim();
  if (INTEGER_TYPES.has(type) && /^-?\d+$/.test(v)) return Number.isSafeInteger(Number(v)) ? Number(v) : BigInt(v);
  if (/^(double|float|half_float|scaled_float)$/.test(type) && v !== '' && Number.isFinite(Number(v))) return Number(v);
  if (type === 'boolean' && (v === 'true' || v === 'false')) return v === 'true';
  return v;
}

function Form({ filter, close, onDone }: { filter?: Filter; close: () => void; onDone: (f: Filter) => void }) {
  const [field, setField] = useState(filter?.field ?? '');
  const [op, setOp] = useState<Op>(filter ? opOf(filter) : 'is');
  const [text, setText] = useState(filter?.op === 'is' ? filter.values.map(valueText).join(', ') : '');
  const [from, setFrom] = useState(filter?.op === 'range' ? valueText(filter.gte) : '');
  const [until, setUntil] = useState(filter?.op === 'range' ? valueText(filter.lt) : '');
  const not = op === 'isNot' || op.startsWith('not');
  const isMany = op === 'oneOf' || op === 'notOneOf';
  const needs = op === 'exists' || op === 'notExists' ? true : op.toLowerCase().endsWith('range') ? from.trim() !== '' || until.trim() !== '' : text.trim() !== '';
  const make = (): Filter => {
    const base = { field, ...(not ? { not: true } : {}) };
    if (op === 'exists' || op === 'notExists') return { ...base, op: 'exists' };
    if (op === 'range' || op === 'notRange') return { ...base, op: 'range', ...(from.trim() ? { gte: scalar(from, field) } : {}), ...(until.trim() ? { lt: scalar(until, field) } : {}) };
    return { ...base, op: 'is', values: (isMany ? text.split(',') : [text]).filter((v) => v.trim() !== '').map((v) => scalar(v, field)) };
  };
  return (
    <form class="filter-form" onSubmit={(e) => { e.preventDefault(); if (field && needs) { close(); onDone(make()); } }}>
      <label>{t('discover.filter.field')}<input class="input mono" list="filter-fields" data-autofocus value={field} onInput={(e) => setField(e.currentTarget.value)} /></label>
      <datalist id="filter-fields">{fields.value.map((f) => <option key={f.name} value={f.name} />)}</datalist>
      <label>{t('discover.filter.op')}<select class="input" value={op} onChange={(e) => setOp(e.currentTarget.value as Op)}>{OPS.map((o) => <option key={o} value={o}>{t(`discover.filter.${o}` as Key)}</option>)}</select></label>
      {(op === 'range' || op === 'notRange') && <div class="row"><label>{t('discover.filter.from')}<input class="input mono" value={from} onInput={(e) => setFrom(e.currentTarget.value)} /></label><label>{t('discover.filter.until')}<input class="input mono" value={until} onInput={(e) => setUntil(e.currentTarget.value)} /></label></div>}
      {(op === 'is' || op === 'isNot' || isMany) && <label>{t(isMany ? 'discover.filter.values' : 'discover.filter.value')}<input class="input mono" value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>}
      <div class="row end-row"><button class="btn primary" disabled={!field || !needs}>{t('common.apply')}</button></div>
    </form>
  );
}

function Pill({ f, at }: { f: Filter; at: number }) {
  const all = state.value.filters;
  const put = (g: Filter) => update({ filters: all.map((x, i) => (i === at ? g : x)) });
  const remove = () => update({ filters: all.filter((_x, i) => i !== at) });
  const value = f.op === 'is' ? f.values.map(valueText).join(', ') : f.op === 'range' ? `${f.gte === undefined ? '' : `≥ ${valueText(f.gte)}`} ${f.lt === undefined ? '' : `< ${valueText(f.lt)}`}` : '';
  return (
    <span class={`pill ${f.not ? 'not' : ''} ${f.off ? 'off' : ''}`}>
      <Popover label={t('discover.filter.menu', { text: filterKql(f) })} title={filterKql(f)} class="pill-text" trigger={<><b>{f.field}</b> {(f.op !== 'range' || f.not) && <i>{t(`discover.filter.${opOf(f)}` as Key)}</i>} {value && <span>{value}</span>}</>}>
        {(close) => (
          <div>
            <div class="pill-actions">
              <button type="button" class="btn" onClick={() => { close(); put({ ...f, off: !f.off }); }}>{t(f.off ? 'discover.filter.on' : 'discover.filter.off')}</button>
              <button type="button" class="btn" onClick={() => { close(); put({ ...f, not: !f.not }); }}>{t('discover.filter.turn')}</button>
              <button type="button" class="btn" onClick={() => { close(); void copyText(filterKql(f)); }}>{t('discover.filter.copy')}</button>
            </div>
            <h3>{t('discover.filter.edit')}</h3>
            <Form filter={f} close={close} onDone={put} />
          </div>
        )}
      </Popover>
      <IconButton icon="close" isSmall label={`${t('discover.filter.remove')}: ${filterKql(f)}`} onClick={remove} />
    </span>
  );
}

export function FilterBar() {
  const { filters } = state.value;
  return (
    <div class="filters" role="group" aria-label={t('discover.filters')}>
      {filters.map((f, i) => <Pill key={filterKql(f) + i} f={f} at={i} />)}
      <Popover label={t('discover.filter.add')} class="btn quiet" trigger={<><Icon name="plus" size={12} />{t('discover.filter.add')}</>}>
        {(close) => <Form close={close} onDone={(f) => update({ filters: [...filters, f] })} />}
      </Popover>
    </div>
  );
}
