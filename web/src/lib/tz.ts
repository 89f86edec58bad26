// SPDX-License-Identifier: Apache-2.0
// Calendar arithmetic in a named time zone, from Intl alone. Instants are epoch milliseconds.

export interface Wall { year: number; month: number; day: number; hour: number; minute: number; second: number; ms: number }

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(tz: string): Intl.DateTimeFormat {
  let f = formats.get(tz);
  if (!f) {
    f = new Intl.DateTimeFormat('en-US', {
      timeZone: tz, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric',
      second: 'numeric', era: 'short',
    });
    formats.set(tz, f);
  }
  return f;
}

// Offsets change on quarter hours at the finest, so one look-up serves that long.
const offsets = new Map<string, Map<number, number>>();
const QUARTER = 900_000;
const CACHE_MAX = 4096;

/** Milliseconds that the zone is ahead of UTC at an instant. */
export function offsetAt(tz: string, at: number): number {
  if (tz === 'UTC') return 0;
  let cache = offsets.get(tz);
  if (!cache || cache.size > CACHE_MAX) offsets.set(tz, (cache = new Map()));
  const slot = Math.floor(at / QUARTER);
  const known = cache.get(slot);
  if (known !== undefined) return known;
  const base = slot * QUARTER;
  const p: Record<string, string> = {};
  for (const part of formatOf(tz).formatToParts(base)) p[part.type] = part.value;
  const year = p['era']?.startsWith('B') ? 1 - Number(p['year']) : Number(p['year']);
  const wall = Date.UTC(year, Number(p['month']) - 1, Number(p['day']), Number(p['hour']), Number(p['minute']), Number(p['second']));
  const offset = wall - base;
  cache.set(slot, offset);
  return offset;
}

export function wallOf(tz: string, at: number): Wall {
  const d = new Date(at + offsetAt(tz, at));
  return { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), hour: d.getUTCHours(),
    minute: d.getUTCMinutes(), second: d.getUTCSeconds(), ms: d.getUTCMilliseconds() };
}

/** The instant of a wall time; members may overflow (day 0, month 13). In a gap: the time after it. */
export function instantOf(tz: string, w: Partial<Wall> & { year: number }): number {
  const local = Date.UTC(w.year, (w.month ?? 1) - 1, w.day ?? 1, w.hour ?? 0, w.minute ?? 0, w.second ?? 0, w.ms ?? 0);
  const first = local - offsetAt(tz, local - offsetAt(tz, local));
  const second = local - offsetAt(tz, first);
  return offsetAt(tz, second) === local - second ? second : first;
}

export function isZone(tz: string): boolean {
  try {
    formatOf(tz);
    return true;
  } catch {
    return false;
  }
}

export const browserZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

/** `+09:00` at an instant. */
export function offsetText(tz: string, at: number): string {
  const minutes = Math.round(offsetAt(tz, at) / 60_000);
  const abs = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${String(Math.floor(abs / 60)).padStart(2, '0')}:${String(abs % 60).padStart(2, '0')}`;
}

const SHORT: Record<string, string> = { 'Asia/Seoul': 'KST', UTC: 'UTC', 'Etc/UTC': 'UTC', 'Asia/Tokyo': 'JST' };

/** What the zone is called on the chip: KST, or its city. */
export const zoneLabel = (tz: string): string => SHORT[tz] ?? tz.split('/').at(-1)?.replaceAll('_', ' ') ?? tz;
