// SPDX-License-Identifier: Apache-2.0
// The time controls of the top bar: shift, range (quick, relative, absolute, recent), zone chip, refresh.
import { useEffect, useState } from 'preact/hooks';
import { serverNow } from '../api/server';
import { requestsUnderWay } from '../api/client';
import { relativeOf, resolve, resolveRange } from '../lib/datemath';
import { timeText } from '../lib/format';
import { onKey } from '../lib/keys';
import { refresh, setTime, time } from '../lib/router';
import { set, settings, zone } from '../lib/settings';
import { browserZone, isZone, offsetText, zoneLabel } from '../lib/tz';
import { spanText, t, type Key } from '../i18n/i18n';
import { IconButton, Menu, Popover, Segmented } from './controls';
import { Icon } from './icon';

const RECENT_MAX = 10;
const QUICK: readonly (readonly [string, string])[] = [
  ['now/d', 'now/d'], ['now-1d/d', 'now-1d/d'], ['now/w', 'now/w'], ['now/M', 'now/M'], ['now-15m', 'now'], ['now-30m', 'now'], ['now-1h', 'now'], ['now-2h', 'now'], ['now-24h', 'now'],
  ['now-7d', 'now'], ['now-30d', 'now'], ['now-90d', 'now'], ['now-1y', 'now'],
];
export const REFRESHES = [0, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000];
const NAMED: Record<string, Key> = { 'now/d|now/d': 'time.today', 'now-1d/d|now-1d/d': 'time.yesterday', 'now/w|now/w': 'time.week', 'now/M|now/M': 'time.month' };

const unitSpan = (n: number, unit: string): string =>
  unit === 's' || unit === 'm' || unit === 'h' || unit === 'd' ? spanText({ n, unit }) : `${n} ${t(`time.unit.${unit}` as Key)}`;

/** A range in words: "Last 15 minutes", "Today", or its two ends. */
export function rangeText(from: string, to: string, tz: string): string {
  const named = NAMED[`${from}|${to}`];
  if (named) return t(named);
  const r = relativeOf(from);
  if (to === 'now' && r && r.n > 0 && !r.round) return t('time.last', { span: unitSpan(r.n, r.unit) });
  const end = (text: string, roundUp: boolean): string => {
    if (text === 'now') return t('time.now');
    if (text.startsWith('now')) return text;
    const at = resolve(text, { now: serverNow(), tz, roundUp });
    return at === undefined ? text : timeText(at, tz, at % 1000 ? 'ms' : at % 60_000 ? 's' : 'm');
  };
  return `${end(from, false)} → ${end(to, true)}`;
}

export function chooseRange(from: string, to: string): void {
  const recent = settings.peek().recentRanges.filter((r) => r.from !== from || r.to !== to);
  set({ recentRanges: [{ from, to }, ...recent].slice(0, RECENT_MAX) });
  setTime({ from, to });
}

/** Moves or widens the range by a share of its length; the result is absolute. */
export function moveRange(by: number, widen = 0): void {
  const r = resolveRange(time.peek().from, time.peek().to, serverNow(), zone.peek());
  if (!r) return;
  const length = Math.max(1000, r.to - r.from);
  setTime({ from: new Date(r.from + by * length - widen * length).toISOString(), to: new Date(r.to + by * length + widen * length).toISOString() });
}

function End(p: { name: 'time.from' | 'time.to'; text: string; isEnd: boolean; onText: (s: string) => void }) {
  const tz = zone.value;
  const at = resolve(p.text, { now: serverNow(), tz, roundUp: p.isEnd });
  const relative = relativeOf(p.text);
  const [mode, setMode] = useState<'relative' | 'absolute' | 'now'>(p.text === 'now' ? 'now' : p.text.startsWith('now') ? 'relative' : 'absolute');
  const n = relative?.n || 15;
  const unit = relative?.unit && relative.n ? relative.unit : 'm';
  const local = at === undefined ? '' : timeText(at, tz, 's').replace(' ', 'T');
  return (
    <fieldset class="end">
      <legend>{t(p.name)}</legend>
      <Segmented label={t(p.name)} value={mode} onChange={(m) => {
        setMode(m);
        p.onText(m === 'now' ? 'now' : m === 'relative' ? `now-${n}${unit}` : at === undefined ? '' : timeText(at, tz, 's'));
      }} options={[['relative', t('time.relative')], ['absolute', t('time.absolute')], ['now', t('time.now')]]} />
      {mode === 'relative' && (
        <div class="row">
          <input type="number" min={0} class="input num" aria-label={t('time.relative')} value={n} onInput={(e) => p.onText(`now-${e.currentTarget.value || 0}${unit}${relative?.round ? `/${unit}` : ''}`)} />
          <select class="input" aria-label={t('time.relative')} value={unit} onChange={(e) => p.onText(`now-${n}${e.currentTarget.value}${relative?.round ? `/${e.currentTarget.value}` : ''}`)}>
            {(['s', 'm', 'h', 'd', 'w', 'M', 'y'] as const).map((u) => <option key={u} value={u}>{t(`time.unit.${u}`)}</option>)}
          </select>
          <label class="check"><input type="checkbox" checked={relative?.round ?? false} onChange={(e) => p.onText(`now-${n}${unit}${e.currentTarget.checked ? `/${unit}` : ''}`)} />{t('time.roundTo')}</label>
        </div>
      )}
      {mode === 'absolute' && (
        <input type="datetime-local" step="1" class="input" aria-label={t('time.absolute')} value={local} onInput={(e) => e.currentTarget.value && p.onText(e.currentTarget.value.replace('T', ' '))} />
      )}
      <input class={`input mono ${at === undefined ? 'bad' : ''}`} aria-label={t(p.name)} aria-invalid={at === undefined} value={p.text} spellcheck={false} onInput={(e) => p.onText(e.currentTarget.value)} />
      <div class={at === undefined ? 'bad-text' : 'dim small'}>{at === undefined ? t('time.bad') : timeText(at, tz)}</div>
    </fieldset>
  );
}

function RangePanel({ close }: { close: () => void }) {
  const [from, setFrom] = useState(time.value.from);
  const [to, setTo] = useState(time.value.to);
  const tz = zone.value;
  const now = serverNow();
  const a = resolve(from, { now, tz });
  const b = resolve(to, { now, tz, roundUp: true });
  const isBackwards = a !== undefined && b !== undefined && b < a;
  const pick = (f: string, u: string) => { close(); chooseRange(f, u); };
  return (
    <div class="range-panel">
      <div class="range-quick">
        <h3>{t('time.quick')}</h3>
        <div class="quick-list">
          {QUICK.map(([f, u]) => <button type="button" key={f + u} class={f === time.value.from && u === time.value.to ? 'on' : ''} onClick={() => pick(f, u)}>{rangeText(f, u, tz)}</button>)}
        </div>
        {settings.value.recentRanges.length > 0 && <h3>{t('time.recent')}</h3>}
        <div class="recent-list">
          {settings.value.recentRanges.slice(0, 5).map((r) => <button type="button" key={r.from + r.to} onClick={() => pick(r.from, r.to)}>{rangeText(r.from, r.to, tz)}</button>)}
        </div>
      </div>
      <form class="range-ends" onSubmit={(e) => { e.preventDefault(); if (a !== undefined && b !== undefined && !isBackwards) pick(from, to); }}>
        <End name="time.from" text={from} isEnd={false} onText={setFrom} />
        <End name="time.to" text={to} isEnd onText={setTo} />
        {isBackwards && <div class="bad-text" role="alert">{t('time.order')}</div>}
        <div class="row end-row">
          <span class="dim small grow">{t('time.zone', { zone: tz, offset: offsetText(tz, now) })}</span>
          <button class="btn primary" disabled={a === undefined || b === undefined || isBackwards}>{t('common.apply')}</button>
        </div>
      </form>
    </div>
  );
}

export function ZoneChooser() {
  const s = settings.value;
  const known = ['browser', 'Asia/Seoul', 'UTC'];
  const [other, setOther] = useState(known.includes(s.tz) ? '' : s.tz);
  return (
    <div class="zone-chooser">
      {known.map((tz) => (
        <label key={tz} class="check"><input type="radio" name="tz" checked={s.tz === tz} onChange={() => set({ tz })} />{tz === 'browser' ? t('settings.tz.browser', { zone: browserZone() }) : zoneLabel(tz) === tz ? tz : `${zoneLabel(tz)} · ${tz}`}</label>
      ))}
      <input class={`input ${other && !isZone(other) ? 'bad' : ''}`} placeholder={t('settings.tz.other')} aria-label={t('settings.tz.other')} value={other}
        onInput={(e) => { const v = e.currentTarget.value.trim(); setOther(v); if (v && isZone(v)) set({ tz: v }); }} />
      {other && !isZone(other) && <div class="bad-text">{t('settings.tz.bad')}</div>}
    </div>
  );
}

const rangeHandle: { open?: () => void } = {};

export function TimeControls({ hasRange = true }: { hasRange?: boolean }) {
  const tz = zone.value;
  const { from, to, refresh: every } = time.value;
  const isBusy = requestsUnderWay.value > 0;
  useEffect(() => {
    const off = [
      onKey('KeyR', refresh), onKey('KeyL', () => setTime({ refresh: time.peek().refresh ? 0 : 2000 }, false)),
      ...(hasRange ? [onKey('KeyT', () => rangeHandle.open?.()), onKey('BracketLeft', () => moveRange(-0.5)), onKey('BracketRight', () => moveRange(0.5)), onKey('Minus', () => moveRange(0, 0.5))] : []),
    ];
    return () => off.forEach((f) => f());
  }, [hasRange]);
  return (
    <div class="time-controls">
      {hasRange && (
        <div class="joined">
          <IconButton icon="left" label={t('time.back')} onClick={() => moveRange(-0.5)} />
          <Popover label={t('time.label')} class="btn range-btn" isRight handle={rangeHandle} trigger={<><Icon name="clock" size={14} /><span>{rangeText(from, to, tz)}</span></>}>
            {(close) => <RangePanel close={close} />}
          </Popover>
          <IconButton icon="right" label={t('time.forward')} onClick={() => moveRange(0.5)} />
          <IconButton icon="zoomOut" label={t('time.zoomOut')} onClick={() => moveRange(0, 0.5)} />
        </div>
      )}
      <Popover label={t('time.zone', { zone: tz, offset: offsetText(tz, serverNow()) })} class="chip" isRight trigger={zoneLabel(tz)}>{() => <div class="pad"><h3>{t('settings.tz')}</h3><ZoneChooser /></div>}</Popover>
      <div class="joined">
        <IconButton icon="refresh" label={t('time.refresh')} class={isBusy ? 'busy' : ''} onClick={refresh} />
        <Popover label={t('time.auto')} class={`btn ${every ? 'live' : ''}`} isRight trigger={<>{every > 0 && <i class="dot" />}<span>{every ? `${every / 1000}s` : t('time.auto.off')}</span><Icon name="down" size={12} /></>}>
          {(close) => <Menu close={close} items={REFRESHES.map((ms) => ({
            label: ms ? t('time.auto.every', { span: spanText(ms < 60_000 ? { n: ms / 1000, unit: 's' } : { n: ms / 60_000, unit: 'm' }) }) : t('time.auto.off'),
            isChecked: ms === every, run: () => setTime({ refresh: ms }, false) }))} />}
        </Popover>
      </div>
    </div>
  );
}
