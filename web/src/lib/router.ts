// SPDX-License-Identifier: Apache-2.0
// The address bar is the one copy of what a screen shows: pages read `route` and write with `go`.
import { computed, signal } from '@preact/signals';
import { hashOf, parseHash, readTime, writeTime, type TimeState } from './url';

export const PAGES = ['discover', 'stock', 'pipelines'] as const;
export type Page = (typeof PAGES)[number];

export const route = signal(parseHash(location.hash));
export const page = computed<Page | undefined>(() => {
  const p = route.value.page || 'discover';
  return PAGES.find((known) => known === p);
});

/** Where each page was left, so that the rail brings it back. */
const lastHash = new Map<Page, string>();
export const hashFor = (p: Page): string => lastHash.get(p) ?? `#/${p}`;

function onHash(): void {
  route.value = parseHash(location.hash);
  if (page.peek()) lastHash.set(page.peek() as Page, location.hash || '#/discover');
}
export function startRouter(): void {
  addEventListener('hashchange', onHash);
  onHash();
}

/** Changes some parameters of the current page. `isStep`: a step that Back undoes. */
export function go(change: Record<string, string | undefined>, isStep = true): void {
  const current = Object.fromEntries(route.peek().params);
  const hash = hashOf(page.peek() ?? 'discover', { ...current, ...change });
  if (hash === location.hash) return;
  if (isStep) location.hash = hash;
  else {
    history.replaceState(null, '', hash);
    onHash();
  }
}

const TIMES: Record<Page, TimeState> = {
  discover: { from: 'now-15m', to: 'now', refresh: 0 },
  stock: { from: 'now-2h', to: 'now', refresh: 2000 },
  pipelines: { from: 'now-15m', to: 'now', refresh: 2000 },
};
export const time = computed(() => {
  const own = TIMES[page.value ?? 'discover'];
  const r = route.value.params.get('r');
  const t = readTime(route.value.params, own);
  return r === '0' ? { ...t, refresh: 0 } : t;
});
export function setTime(change: Partial<TimeState>, isStep = true): void {
  const next = { ...time.peek(), ...change };
  const own = TIMES[page.peek() ?? 'discover'];
  go({ ...writeTime(next), r: next.refresh === own.refresh ? undefined : String(next.refresh) }, isStep);
}

/** Counts up on every refresh, asked for or automatic. */
export const refreshes = signal(0);
export const refresh = (): void => void refreshes.value++;
