// SPDX-License-Identifier: Apache-2.0
// Elasticsearch's date math: `now-15m`, `now/d`, `2026-11-20||+1M/d`. Days, weeks, months and years are calendar units in
// the display time zone. A range's end rounds up to the last millisecond of its unit, its start down.
import { instantOf, wallOf, type Wall } from './tz';

export const UNITS = ['ms', 's', 'm', 'h', 'd', 'w', 'M', 'y'] as const;
export type Unit = (typeof UNITS)[number];
const FIXED: Partial<Record<Unit, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

export interface MathContext { now: number; tz: string; roundUp?: boolean }

function addTo(at: number, n: number, unit: Unit, tz: string): number {
  const fixed = FIXED[unit];
  if (fixed !== undefined) return at + n * fixed;
  const w = wallOf(tz, at);
  if (unit === 'd') return instantOf(tz, { ...w, day: w.day + n });
  if (unit === 'w') return instantOf(tz, { ...w, day: w.day + 7 * n });
  const months = (unit === 'y' ? 12 * n : n) + w.month - 1;
  const year = w.year + Math.floor(months / 12);
  const month = ((months % 12) + 12) % 12 + 1;
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate(); // 31 January + 1 month is the last of February
  return instantOf(tz, { ...w, year, month, day: Math.min(w.day, last) });
}

function floorTo(at: number, unit: Unit, tz: string): number {
  const w = wallOf(tz, at);
  const zero: Wall = { ...w, ms: 0 };
  switch (unit) {
    case 'ms': return Math.floor(at);
    case 's': return Math.floor(at / 1000) * 1000;
    case 'm': return Math.floor(at / 60_000) * 60_000;
    case 'h': return at - (w.minute * 60_000 + w.second * 1000 + w.ms); // not by wall: an hour may come twice
    case 'd': return instantOf(tz, { ...zero, hour: 0, minute: 0, second: 0 });
    case 'w': {
      const weekday = (new Date(Date.UTC(w.year, w.month - 1, w.day)).getUTCDay() + 6) % 7; // Monday first
      return instantOf(tz, { ...zero, day: w.day - weekday, hour: 0, minute: 0, second: 0 });
    }
    case 'M': return instantOf(tz, { year: w.year, month: w.month });
    case 'y': return instantOf(tz, { year: w.year });
  }
}

/** An ISO date or date-time (or epoch milliseconds); without an offset it is in `tz`. undefined: not a date. */
export function parseDate(text: string, tz: string): number | undefined {
  const t = text.trim();
  if (/^-?\d{11,}$/.test(t)) return Number(t);
  const m = /^(\d{4})(?:[-./](\d{1,2})(?:[-./](\d{1,2}))?)?(?:[T ]+(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i.exec(t);
  if (!m) return undefined;
  const n = (i: number, other: number) => (m[i] === undefined ? other : Number(m[i]));
  const w: Wall = { year: n(1, 0), month: n(2, 1), day: n(3, 1), hour: n(4, 0), minute: n(5, 0), second: n(6, 0),
    ms: m[7] === undefined ? 0 : Math.floor(Number(`0.${m[7]}`) * 1000) };
  const lastDay = new Date(Date.UTC(w.year, w.month, 0)).getUTCDate();
  if (w.month < 1 || w.month > 12 || w.day < 1 || w.day > lastDay || w.hour > 23 || w.minute > 59 || w.second > 59) return undefined;
  const zone = m[8];
  if (zone === undefined) return instantOf(tz, w);
  const local = Date.UTC(w.year, w.month - 1, w.day, w.hour, w.minute, w.second, w.ms);
  if (zone.toUpperCase() === 'Z') return local;
  const sign = zone[0] === '-' ? -1 : 1;
  return local - sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))) * 60_000;
}

/** The instant of a date-math text, or undefined when it is not one. */
export function resolve(text: string, context: MathContext): number | undefined {
  const t = text.trim();
  let at: number | undefined;
  let rest: string;
  if (t.startsWith('now')) {
    at = context.now;
    rest = t.slice(3);
  } else {
    const bar = t.indexOf('||');
    at = parseDate(bar < 0 ? t : t.slice(0, bar), context.tz);
    rest = bar < 0 ? '' : t.slice(bar + 2);
  }
  if (at === undefined) return undefined;
  const step = /([+-])(\d*)(ms|[smhHdwMy])|\/(1?)(ms|[smhHdwMy])/y;
  while (rest !== '') {
    step.lastIndex = 0;
    const m = step.exec(rest);
    if (!m) return undefined;
    const unit = ((m[3] ?? m[5]) === 'H' ? 'h' : m[3] ?? m[5]) as Unit;
    if (m[1]) at = addTo(at, (m[1] === '-' ? -1 : 1) * (m[2] === '' ? 1 : Number(m[2])), unit, context.tz);
    else {
      at = floorTo(at, unit, context.tz);
      if (context.roundUp) at = addTo(at, 1, unit, context.tz) - 1;
    }
    if (!Number.isFinite(at)) return undefined;
    rest = rest.slice(m[0].length);
  }
  return at;
}

export interface Range { from: number; to: number }

/** Both ends of a range; undefined when a text is bad or the end lies before the start. */
export function resolveRange(from: string, to: string, now: number, tz: string): Range | undefined {
  const a = resolve(from, { now, tz });
  const b = resolve(to, { now, tz, roundUp: true });
  return a === undefined || b === undefined || b < a ? undefined : { from: a, to: b };
}

/** `now-15m` taken apart, for the relative tab and for names such as "last 15 minutes". */
export function relativeOf(text: string): { n: number; unit: Unit; round: boolean } | undefined {
  if (text === 'now') return { n: 0, unit: 's', round: false };
  const m = /^now-(\d+)([smhdwMy])(\/\2)?$/.exec(text);
  return m ? { n: Number(m[1]), unit: m[2] as Unit, round: m[3] !== undefined } : undefined;
}
