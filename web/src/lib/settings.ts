// SPDX-License-Identifier: Apache-2.0
// What a person chose, kept in this browser only.
import { computed, effect, signal } from '@preact/signals';
import { lang, useLanguage, type Lang } from '../i18n/i18n';
import { browserZone, isZone } from './tz';

export interface Settings {
  lang: Lang; theme: 'system' | 'light' | 'dark'; tz: string; density: 'compact' | 'comfortable'; upDown: 'kr' | 'west';
  isRailWide: boolean; hasSingleKeys: boolean; recentRanges: { from: string; to: string }[]; queries: string[]; index: string;
  areFieldsHidden: boolean; timeFields: Record<string, string>;
}

const KEY = 'naru.settings';

function read(): Settings {
  let stored: Partial<Settings> = {};
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Settings>;
  } catch { /* No storage, or not ours: start from the defaults. */ }
  const defaults: Settings = {
    lang: navigator.language.startsWith('ko') ? 'ko' : 'en', theme: 'system', tz: 'browser', density: 'compact', upDown: 'kr',
    isRailWide: false, hasSingleKeys: true, recentRanges: [], queries: [], index: '', areFieldsHidden: false, timeFields: {},
  };
  return { ...defaults, ...stored };
}

export const settings = signal<Settings>(read());

export function set(change: Partial<Settings>): void {
  settings.value = { ...settings.peek(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(settings.peek()));
  } catch { /* A browser without storage keeps them for this page only. */ }
}

/** The zone that times are shown and date math is done in. */
export const zone = computed(() => {
  const tz = settings.value.tz;
  return tz !== 'browser' && isZone(tz) ? tz : browserZone();
});

/** Counts up when colours change, so that canvases are drawn anew. */
export const paletteVersion = signal(0);

export function startSettings(): void {
  const media = matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', () => paletteVersion.value++);
  effect(() => {
    const s = settings.value;
    const root = document.documentElement;
    if (s.theme === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = s.theme;
    root.dataset['density'] = s.density;
    root.dataset['updown'] = s.upDown;
    paletteVersion.value = paletteVersion.peek() + 1;
  });
  effect(() => {
    const wanted = settings.value.lang;
    if (wanted !== lang.peek()) void useLanguage(wanted);
  });
}
