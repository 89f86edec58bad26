// SPDX-License-Identifier: Apache-2.0
// What lies over a page: command palette, keyboard help, settings.
import { useEffect, useRef, useState } from 'preact/hooks';
import { LANGUAGES, t, type Key } from '../i18n/i18n';
import { listIndices } from '../api/es';
import { matches } from '../lib/hangul';
import { hashFor, page, PAGES, refresh, setTime, time } from '../lib/router';
import { hashOf } from '../lib/url';
import { set, settings, zone } from '../lib/settings';
import { Dialog, Segmented } from '../ui/controls';
import { chooseRange, moveRange, rangeText, ZoneChooser } from '../ui/timepicker';

const THEMES = ['system', 'light', 'dark'] as const;
interface Command { label: string; hint?: string; run: () => void }

function commands(indices: string[], onOpen: (l: 'help' | 'settings') => void): Command[] {
  const tz = zone.peek();
  return [
    ...PAGES.map((p): Command => ({ label: t('palette.goto', { page: t(`nav.${p}`) }), hint: { discover: 'g d', stock: 'g b', pipelines: 'g p' }[p], run: () => (location.hash = hashFor(p)) })),
    { label: t('time.refresh'), hint: 'r', run: refresh },
    { label: t('time.live'), hint: 'l', run: () => setTime({ refresh: time.peek().refresh ? 0 : 2000 }, false) },
    ...(page.peek() === 'pipelines' ? [] : [
      { label: t('time.zoomOut'), hint: '-', run: () => moveRange(0, 0.5) },
      ...[['now-15m', 'now'], ['now-1h', 'now'], ['now-2h', 'now'], ['now/d', 'now/d'], ['now-7d', 'now']].map(([f = '', u = '']): Command => ({ label: t('palette.range', { range: rangeText(f, u, tz) }), run: () => chooseRange(f, u) }))]),
    ...indices.map((index): Command => ({ label: t('palette.index', { index }), run: () => (location.hash = hashOf('discover', { i: index })) })),
    ...THEMES.map((theme): Command => ({ label: t('palette.theme', { theme: t(`theme.${theme}`) }), run: () => set({ theme }) })),
    ...LANGUAGES.map(([lang, name]): Command => ({ label: t('palette.language', { language: name }), run: () => set({ lang }) })),
    { label: t('nav.settings'), run: () => onOpen('settings') },
    { label: t('nav.help'), hint: '?', run: () => onOpen('help') },
  ];
}

export function Palette(p: { onClose: () => void; onOpen: (l: 'help' | 'settings') => void }) {
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const [indices, setIndices] = useState<string[]>([]);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => { listIndices().then((l) => setIndices(l.map((i) => i.name)), () => undefined); }, []);
  const found = commands(indices, p.onOpen).filter((c) => matches(c.label, typed));
  const chosen = Math.min(at, found.length - 1);
  useEffect(() => list.current?.children[chosen]?.scrollIntoView({ block: 'nearest' }), [chosen]);
  const run = (c: Command | undefined) => { if (c) { p.onClose(); c.run(); } };
  const key = (e: KeyboardEvent) => {
    if (e.isComposing) return;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      setAt((chosen + (e.key === 'ArrowDown' ? 1 : -1) + found.length) % Math.max(1, found.length));
    } else if (e.key === 'Enter') {
      e.preventDefault();
      run(found[chosen]);
    }
  };
  return (
    <Dialog title={t('nav.commands')} class="palette" onClose={p.onClose}>
      <input class="input" autofocus role="combobox" aria-expanded="true" aria-controls="palette-list" aria-label={t('palette.hint')} placeholder={t('palette.hint')}
        aria-activedescendant={found.length ? `cmd-${chosen}` : undefined} value={typed} onInput={(e) => { setTyped(e.currentTarget.value); setAt(0); }} onKeyDown={key} />
      <ul id="palette-list" role="listbox" aria-label={t('nav.commands')} ref={list}>
        {found.map((c, i) => <li key={c.label} id={`cmd-${i}`} role="option" aria-selected={i === chosen} onPointerMove={() => setAt(i)} onClick={() => run(c)}><span class="grow">{c.label}</span>{c.hint && <kbd>{c.hint}</kbd>}</li>)}
      </ul>
      {!found.length && <div class="dim pad">{t('palette.none')}</div>}
    </Dialog>
  );
}

const KEYS: [string, Key][] = [
  ['/', 'keys.query'], ['Ctrl Enter', 'keys.run'], ['Ctrl K', 'keys.palette'], ['?', 'keys.help'], ['t', 'keys.time'], ['[ ]', 'keys.shift'], ['-', 'keys.zoomOut'], ['r', 'keys.refresh'], ['l', 'keys.live'],
  ['j k', 'keys.row'], ['Enter', 'keys.open'], ['f x', 'keys.filter'], ['c', 'keys.column'], ['g·d g·b g·p', 'keys.goto'], ['Esc', 'keys.escape'],
];
const KQL: [string, Key][] = [
  ['MKSC_SHRN_ISCD : 005930', 'help.kql.is'], ['message : "connection reset"', 'help.kql.phrase'], ['status : (404 or 500)', 'help.kql.any'], ['STCK_PRPR >= 53800', 'help.kql.range'], ['STCK_CNTG_HOUR >= now-10m', 'help.kql.range'], ['user : *', 'help.kql.exists'],
  ['host : web-*', 'help.kql.wild'], ['a : 1 and not (b : 2 or c : 3)', 'help.kql.logic'],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t('nav.help')} class="help" onClose={onClose}>
      <div class="help-columns">
        <section><h3>{t('keys.title')}</h3><dl>{KEYS.map(([k, key]) => <div key={k}><dt>{k.split(' ').map((x, i) => <kbd key={i}>{x.replace('·', ' ')}</kbd>)}</dt><dd>{t(key)}</dd></div>)}</dl></section>
        <section><h3>{t('help.kql')}</h3><dl>{KQL.map(([k, key]) => <div key={k} class="kql"><dt><code>{k}</code></dt><dd>{t(key)}</dd></div>)}</dl></section>
      </div>
    </Dialog>
  );
}

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const s = settings.value;
  const row = (label: string, control: preact.ComponentChildren) => <div class="setting"><span>{label}</span><div>{control}</div></div>;
  return (
    <Dialog title={t('settings.title')} class="settings" onClose={onClose}>
      {row(t('lang.label'), <Segmented label={t('lang.label')} value={s.lang} options={LANGUAGES} onChange={(lang) => set({ lang })} />)}
      {row(t('theme.label'), <Segmented label={t('theme.label')} value={s.theme} options={THEMES.map((x) => [x, t(`theme.${x}`)] as const)} onChange={(theme) => set({ theme })} />)}
      {row(t('settings.density'), <Segmented label={t('settings.density')} value={s.density} options={[['compact', t('settings.density.compact')], ['comfortable', t('settings.density.comfortable')]]} onChange={(density) => set({ density })} />)}
      {row(t('settings.updown'), <Segmented label={t('settings.updown')} value={s.upDown} options={[['kr', t('settings.updown.kr')], ['west', t('settings.updown.west')]]} onChange={(upDown) => set({ upDown })} />)}
      {row(t('settings.keys'), <Segmented label={t('settings.keys')} value={s.hasSingleKeys ? 'on' : 'off'} options={[['on', t('settings.on')], ['off', t('settings.off')]]} onChange={(v) => set({ hasSingleKeys: v === 'on' })} />)}
      {row(t('settings.tz'), <ZoneChooser />)}
    </Dialog>
  );
}
