// SPDX-License-Identifier: Apache-2.0
// The frame: icon rail, page, command palette, help, settings. Pages are loaded when they are first opened.
import { signal } from '@preact/signals';
import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { LANGUAGES, spanText, t } from './i18n/i18n';
import { readStatus, type Status } from './api/server';
import { requestsUnderWay } from './api/client';
import { numberText, rateText, spanOf } from './lib/format';
import { onKey } from './lib/keys';
import { hashFor, page, PAGES, type Page } from './lib/router';
import { set, settings } from './lib/settings';
import { ErrorNote, IconButton, Popover } from './ui/controls';
import { Icon } from './ui/icon';
import { Toasts } from './ui/toast';
import { Help, Palette, SettingsDialog } from './shell/dialogs';
import Discover from './pages/discover/discover';

const lazyPages: Record<Exclude<Page, 'discover'>, () => Promise<{ default: ComponentType }>> = {
  stock: () => import('./pages/stock/stock'),
  pipelines: () => import('./pages/pipelines/pipelines'),
};
const loaded: Partial<Record<Page, ComponentType>> = { discover: Discover };
const isLoaded = signal(0);

function load(p: Page): void {
  if (p === 'discover' || loaded[p]) return;
  void lazyPages[p]().then((m) => {
    loaded[p] = m.default;
    isLoaded.value++;
  });
}

/** A fault in a page leaves the rail alive. */
class Guard extends Component<{ children: ComponentChildren }, { error?: Error }> {
  override componentDidCatch(error: Error): void {
    this.setState({ error });
  }
  override render() {
    const { error } = this.state;
    return error ? <div class="pad"><ErrorNote message={`${t('error.screen')} ${error.message}`} detail={error.stack ?? ''} onRetry={() => location.reload()} /></div> : this.props.children;
  }
}

export const layer = signal<'' | 'palette' | 'help' | 'settings'>('');
const status = signal<Status | undefined>(undefined);
const isLost = signal(false);
const STATUS_EVERY_MS = 5000;

function useStatus(): void {
  useEffect(() => {
    let timer = 0;
    let isOver = false;
    const again = async () => {
      try {
        if (!document.hidden) {
          status.value = await readStatus();
          isLost.value = false;
        }
      } catch {
        isLost.value = true;
      }
      if (!isOver) timer = setTimeout(again, STATUS_EVERY_MS) as unknown as number;
    };
    void again();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
}

function StatusCard() {
  const s = status.value;
  if (!s) return <div class="pad">{isLost.value ? t('status.lost') : t('common.loading')}</div>;
  const rows: [string, string | undefined][] = [
    [t('status.documents'), s.documents === undefined ? undefined : numberText(s.documents)], [t('status.trades'), s.trades === undefined ? undefined : numberText(s.trades)],
    [t('status.windows'), s.windows === undefined ? undefined : numberText(s.windows)], [t('status.archive_rows'), s.archive_rows === undefined ? undefined : numberText(s.archive_rows)],
    [t('status.events_per_s'), s.events_per_s === undefined ? undefined : rateText(s.events_per_s)],
    [t('status.archive'), s.archive?.driver ? `${s.archive.driver}${s.archive.available ? '' : ` · ${t('status.archive.down')}`}` : t('status.archive.none')],
    [t('status.uptime'), spanText(spanOf(s.uptime_ms))],
  ];
  return (
    <div class="pad status-card">
      <h3>{s.name} {s.version}</h3>
      <dl>{rows.filter(([, v]) => v !== undefined).map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>
      {s.archive?.error && <div class="bad-text">{s.archive.error}</div>}
    </div>
  );
}

function Rail() {
  const isWide = settings.value.isRailWide;
  return (
    <nav class={`rail ${isWide ? 'wide' : ''}`} aria-label={t('nav.label')}>
      <a class="brand" href="#/discover" aria-label="naru"><Icon name="boat" size={20} /><b>naru</b></a>
      {PAGES.map((p) => (
        <a key={p} class={`rail-item ${page.value === p ? 'on' : ''}`} href={hashFor(p)} title={t(`nav.${p}`)} {...(page.value === p ? { 'aria-current': 'page' } : {})}
          onPointerEnter={() => load(p)} onFocus={() => load(p)} onClick={(e) => { e.currentTarget.href = hashFor(p); }}>
          <Icon name={p} size={18} /><span>{t(`nav.${p}`)}</span>
        </a>
      ))}
      <span class="grow" />
      <button type="button" class="rail-item" title={`${t('nav.commands')} (Ctrl+K)`} onClick={() => (layer.value = 'palette')}><Icon name="command" size={18} /><span>{t('nav.commands')}</span></button>
      <button type="button" class="rail-item" title={t('nav.help')} onClick={() => (layer.value = 'help')}><Icon name="help" size={18} /><span>{t('nav.help')}</span></button>
      <button type="button" class="rail-item" title={t('nav.settings')} onClick={() => (layer.value = 'settings')}><Icon name="settings" size={18} /><span>{t('nav.settings')}</span></button>
      <div class="rail-lang" role="group" aria-label={t('lang.label')}>
        {LANGUAGES.map(([code, name]) => <button type="button" key={code} lang={code} title={name} aria-pressed={settings.value.lang === code} class={settings.value.lang === code ? 'on' : ''} onClick={() => set({ lang: code })}>{code === 'ko' ? '한' : 'EN'}</button>)}
      </div>
      <Popover label={isLost.value ? t('status.lost') : t('status.ok')} class={`rail-item ${isLost.value ? 'lost' : 'ok'}`} isBeside trigger={<><i class="pulse" /><span>{isLost.value ? t('status.lost') : t('status.ok')}</span></>}>{() => <StatusCard />}</Popover>
      <IconButton class="rail-toggle" icon={isWide ? 'left' : 'right'} label={isWide ? t('nav.collapse') : t('nav.expand')} onClick={() => set({ isRailWide: !isWide })} isSmall />
    </nav>
  );
}

/** Shows after 150 ms of waiting: shorter waits need no sign. */
function Progress() {
  const isBusy = requestsUnderWay.value > 0;
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(isBusy), isBusy ? 150 : 0);
    return () => clearTimeout(timer);
  }, [isBusy]);
  return <div class={`progress ${isShown ? 'on' : ''}`} aria-hidden="true" />;
}

export function App() {
  useStatus();
  useEffect(() => {
    const off = [
      onKey('Mod+KeyK', () => (layer.value = layer.peek() === 'palette' ? '' : 'palette')), onKey('Shift+Slash', () => (layer.value = 'help')),
      onKey('KeyG KeyD', () => (location.hash = hashFor('discover'))), onKey('KeyG KeyB', () => (location.hash = hashFor('stock'))), onKey('KeyG KeyP', () => (location.hash = hashFor('pipelines'))),
    ];
    return () => off.forEach((f) => f());
  }, []);
  const current = page.value;
  useEffect(() => { if (current) load(current); }, [current]);
  useEffect(() => { document.title = current ? `${t(`nav.${current}`)} · naru` : 'naru'; });
  void isLoaded.value;
  const Shown = current ? loaded[current] : undefined;
  // A dialog's close event comes late: by then another layer may be open.
  const close = (which: typeof layer.value) => () => { if (layer.peek() === which) layer.value = ''; };
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>{t('app.skip')}</a>
      <Progress />
      <div class="frame">
        <Rail />
        <main id="main" tabIndex={-1}>
          <Guard key={current}>{current === undefined ? <div class="pad">{t('page.unknown')} <a href="#/discover">{t('nav.discover')}</a></div> : Shown ? <Shown /> : <div class="pad dim">{t('common.loading')}</div>}</Guard>
        </main>
      </div>
      {layer.value === 'palette' && <Palette onClose={close('palette')} onOpen={(l) => (layer.value = l)} />}
      {layer.value === 'help' && <Help onClose={close('help')} />}
      {layer.value === 'settings' && <SettingsDialog onClose={close('settings')} />}
      <Toasts />
    </>
  );
}
