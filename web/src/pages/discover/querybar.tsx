// SPDX-License-Identifier: Apache-2.0
// The query bar: text with its faulty part underlined, suggestions for fields and values, KQL or Lucene, Run. The grammar
// is the server's; here is only what stands before the caret.
import { useEffect, useRef, useState } from 'preact/hooks';
import { search } from '../../api/es';
import { Latest } from '../../api/client';
import { onKey } from '../../lib/keys';
import { kqlField, kqlValue, type Scalar } from '../../lib/filters';
import { matches } from '../../lib/hangul';
import { settings } from '../../lib/settings';
import { refresh } from '../../lib/router';
import { t } from '../../i18n/i18n';
import { Icon } from '../../ui/icon';
import { Menu, Popover } from '../../ui/controls';
import { checkQuery, fieldOf, fields, isBusy, isDate, queryFault, result, state, update } from './model';

interface Suggestion { text: string; kind: 'field' | 'value' | 'operator'; from: number; note?: string }
const SHOWN_MAX = 12;
const CHECK_AFTER_MS = 250;
const values = new Latest();

/** What could stand at the caret: a value after `field :`, else a field name or an operator. */
async function suggest(text: string, caret: number): Promise<Suggestion[]> {
  const before = text.slice(0, caret);
  const value = /([\w@.\-]+)\s*:\s*("?)([^\s"():]*)$/u.exec(before);
  const field = value ? fieldOf(value[1] ?? '') : undefined;
  if (value && field?.exact && !isDate(field)) {
    const r = result.peek();
    const reply = await search(state.peek().index, { size: 0, query: r?.query ?? { match_all: {} }, aggs: { v: { terms: { field: field.exact, size: 50 } } } }, values.next()).catch(() => undefined);
    return (reply?.aggregations?.['v']?.buckets ?? []).filter((b) => matches(String(b.key), value[3] ?? '')).slice(0, SHOWN_MAX)
      .map((b) => ({ text: kqlValue((b.key_as_string ?? b.key) as Scalar) + ' ', kind: 'value', from: caret - (value[2]?.length ?? 0) - (value[3]?.length ?? 0), note: b.doc_count.toLocaleString('en-US') }));
  }
  if (value) return [];
  const word = /(?:^|[\s(])([^\s():<>"]*)$/u.exec(before)?.[1];
  if (word === undefined) return [];
  const isAfterValue = /[:<>=]\s*(?:"[^"]*"|[^\s"():<>=]+)\s+$/.test(before.slice(0, before.length - word.length));
  const operators = isAfterValue ? ['and', 'or'].filter((o) => o.startsWith(word)).map((o): Suggestion => ({ text: o + ' ', kind: 'operator', from: caret - word.length })) : [];
  const found = isAfterValue && word === '' ? [] : fields.peek().filter((f) => matches(f.name, word) && f.name !== word).slice(0, SHOWN_MAX).map((f): Suggestion => ({ text: kqlField(f.name) + ' : ', kind: 'field', from: caret - word.length, note: f.type }));
  return [...operators, ...found];
}

export function QueryBar() {
  const s = state.value;
  const [text, setText] = useState(s.query);
  const [list, setList] = useState<Suggestion[]>([]);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const under = useRef<HTMLDivElement>(null);
  const timer = useRef(0);
  useEffect(() => setText(s.query), [s.query]);
  useEffect(() => onKey('Slash', () => { input.current?.focus(); input.current?.select(); }), []);
  useEffect(() => onKey('Mod+Enter', run), [text]);
  function run(): void {
    setList([]);
    clearTimeout(timer.current);
    if (text === state.peek().query) refresh();
    else update({ query: text });
  }
  const look = (value: string) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void checkQuery(value, state.peek().language), CHECK_AFTER_MS) as unknown as number;
    if (state.peek().language !== 'kuery') return setList([]);
    const caret = input.current?.selectionStart ?? value.length;
    void suggest(value, caret).then((l) => { setList(l); setAt(-1); });
  };
  const take = (x: Suggestion) => {
    const caret = input.current?.selectionStart ?? text.length;
    const next = text.slice(0, x.from) + x.text + text.slice(caret);
    setText(next);
    setList([]);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(x.from + x.text.length, x.from + x.text.length);
      look(next);
    });
  };
  const key = (e: KeyboardEvent) => {
    if (e.isComposing) return;
    if (e.key === 'Escape') {
      if (list.length) setList([]);
      else input.current?.blur();
    } else if ((e.key === 'ArrowDown' || e.key === 'ArrowUp') && list.length) {
      e.preventDefault();
      setAt((at + (e.key === 'ArrowDown' ? 1 : -1) + list.length + 1) % (list.length + 1));
    } else if (e.key === 'ArrowDown') look(text);
    else if (e.key === 'Enter' && !e.ctrlKey && !e.metaKey) {
      e.preventDefault();
      const chosen = list[at];
      if (chosen) take(chosen);
      else run();
    } else if (e.key === 'Tab' && at >= 0 && list[at]) {
      e.preventDefault();
      take(list[at]);
    }
  };
  const bad = queryFault.value;
  const position = Math.min(bad?.position ?? text.length, text.length);
  const length = Math.max(1, bad?.length ?? 1);
  // While one types, an end that is still missing is no mistake, and no line of text pushes the page down.
  const isTyping = text !== s.query;
  const isShown = bad !== undefined && !(isTyping && position >= text.trimEnd().length);
  return (
    <div class="query">
      <div class={`query-box ${isShown ? 'has-fault' : ''}`}>
        <Icon name="search" size={14} />
        <div class="query-text">
          <div class="under" ref={under} aria-hidden="true">{isShown && <>{text.slice(0, position)}<u>{text.slice(position, position + length) || ' '}</u></>}</div>
          <input ref={input} class="mono" role="combobox" aria-label={t('discover.query')} aria-expanded={list.length > 0} aria-controls="suggestions" aria-autocomplete="list" aria-invalid={isShown}
            aria-activedescendant={at >= 0 ? `sug-${at}` : undefined} aria-describedby={bad && !isTyping ? 'query-fault' : undefined} spellcheck={false} autocomplete="off" value={text}
            placeholder={t(s.language === 'lucene' ? 'discover.query.lucene' : 'discover.query.kql')}
            onInput={(e) => { setText(e.currentTarget.value); look(e.currentTarget.value); }} onKeyDown={key} onBlur={() => setTimeout(() => setList([]), 120)}
            onScroll={(e) => { if (under.current) under.current.scrollLeft = e.currentTarget.scrollLeft; }} />
        </div>
        {text && <button type="button" class="ib ib-s" aria-label={t('common.clear')} title={t('common.clear')} onClick={() => { setText(''); update({ query: '' }); }}><Icon name="close" size={12} /></button>}
        {settings.value.queries.length > 0 && (
          <Popover label={t('discover.query.history')} isIconOnly class="ib ib-s" isRight trigger={<Icon name="clock" size={14} />} panelClass="history">
            {(close) => <Menu close={close} items={settings.value.queries.map((q) => ({ label: q, run: () => update({ query: q }) }))} />}
          </Popover>
        )}
        <Popover label={t('discover.query.language')} class="lang-btn" isRight trigger={<>{s.language === 'lucene' ? 'Lucene' : 'KQL'}<Icon name="down" size={12} /></>}>
          {(close) => <Menu close={close} items={[
            { label: 'KQL', isChecked: s.language === 'kuery', run: () => update({ language: 'kuery' }) }, { label: 'Lucene', isChecked: s.language === 'lucene', run: () => update({ language: 'lucene' }) }]} />}
        </Popover>
        <ul class="suggestions" id="suggestions" role="listbox" aria-label={t('discover.query')} hidden={!list.length}>
          {list.map((x, i) => (
            <li key={x.text} id={`sug-${i}`} role="option" aria-selected={i === at} onPointerDown={(e) => { e.preventDefault(); take(x); }}>
              <i class={`kind kind-${x.kind}`}>{t(`discover.suggest.${x.kind}`)}</i><code class="grow">{x.text}</code><span class="dim">{x.note}</span>
            </li>
          ))}
        </ul>
      </div>
      <button type="button" class="btn primary run" onClick={run} title="Ctrl+Enter"><Icon name="play" size={12} />{t('discover.query.run')}{isBusy.value && <i class="spin" />}</button>
      {bad && !isTyping && (
        <div class="query-fault" id="query-fault" role="alert">
          <Icon name="warn" size={14} /><span>{bad.message}{bad.position !== undefined && <span class="dim"> · {t('discover.query.column', { n: position + 1 })}</span>}{bad.hint && <> · {bad.hint}</>}</span>
          {bad.fixed && <button type="button" class="link" onClick={() => update({ query: bad.fixed ?? '' })}>{t('discover.query.fix', { text: bad.fixed })}</button>}
        </div>
      )}
    </div>
  );
}
