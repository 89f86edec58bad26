// SPDX-License-Identifier: Apache-2.0
// Numbers and times as text. Times are always `2026-11-21 14:03:05.123`; numbers 12,345.
import { writeJson } from '../api/json';
import { wallOf } from './tz';

const two = (n: number): string => (n < 10 ? '0' + n : String(n));

export function dateText(at: number, tz: string): string {
  const w = wallOf(tz, at);
  return `${String(w.year).padStart(4, '0')}-${two(w.month)}-${two(w.day)}`;
}

export function clockText(at: number, tz: string, precision: 'm' | 's' | 'ms' = 's'): string {
  const w = wallOf(tz, at);
  const minutes = `${two(w.hour)}:${two(w.minute)}`;
  if (precision === 'm') return minutes;
  return precision === 's' ? `${minutes}:${two(w.second)}` : `${minutes}:${two(w.second)}.${String(w.ms).padStart(3, '0')}`;
}

export const timeText = (at: number, tz: string, precision: 'm' | 's' | 'ms' = 'ms'): string =>
  `${dateText(at, tz)} ${clockText(at, tz, precision)}`;

/** A bucket's label: as fine as its interval asks for. */
export function bucketText(at: number, intervalMs: number, tz: string): string {
  if (intervalMs >= 364 * 86_400_000) return dateText(at, tz).slice(0, 4);
  if (intervalMs >= 28 * 86_400_000) return dateText(at, tz).slice(0, 7);
  if (intervalMs >= 86_400_000) return dateText(at, tz);
  return timeText(at, tz, intervalMs >= 60_000 ? 'm' : intervalMs >= 1000 ? 's' : 'ms');
}

/** A date of a document: ISO text or epoch milliseconds; digits beyond milliseconds stay. Anything else comes back as it is. */
export function documentTime(value: unknown, tz: string): string {
  if (typeof value === 'number' && Number.isFinite(value)) return timeText(value, tz);
  if (typeof value !== 'string') return valueText(value);
  const at = Date.parse(value);
  if (Number.isNaN(at)) return value;
  const finer = /\.\d{3}(\d{1,6})/.exec(value)?.[1] ?? '';
  return timeText(at, tz) + finer;
}

const integers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const decimals = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** 12,345 · 12.35 · 0.00123; integers of any size in full. */
export function numberText(n: number | bigint | null | undefined): string {
  if (n === null || n === undefined) return '–';
  if (typeof n === 'bigint') return integers.format(n);
  if (!Number.isFinite(n)) return '–';
  if (Number.isInteger(n)) return integers.format(n);
  return Math.abs(n) < 1 ? fine.format(n) : decimals.format(n);
}

export const signedText = (n: number): string => (n > 0 ? '+' : n < 0 ? '−' : '±') + numberText(Math.abs(n));

/** 0.1 %, 12 %; never "0 %" for something. */
export function percentText(share: number): string {
  if (!Number.isFinite(share)) return '–';
  const p = share * 100;
  if (p > 0 && p < 0.1) return '<0.1%';
  return (p >= 10 || p === 0 ? p.toFixed(0) : p.toFixed(1)) + '%';
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
export function bytesText(n: number): string {
  let i = 0;
  let v = n;
  for (; v >= 1024 && i < UNITS.length - 1; i++) v /= 1024;
  return `${i === 0 || v >= 100 ? v.toFixed(0) : v.toFixed(1)} ${UNITS[i]}`;
}

/** A rate: 0, 0.4, 12.3, 1,234. */
export function rateText(perSecond: number | undefined): string {
  if (perSecond === undefined || !Number.isFinite(perSecond)) return '–';
  if (perSecond === 0) return '0';
  return perSecond < 100 ? perSecond.toFixed(perSecond < 0.1 ? 2 : 1) : integers.format(perSecond);
}

/** Any JSON value as one line of text; integers exact. */
export function valueText(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'object') {
    return Array.isArray(value) && value.every((v) => v === null || typeof v !== 'object') ? value.map(valueText).join(', ') : writeJson(value);
  }
  return String(value);
}

/** Seconds, minutes, hours or days of a span: the largest whole unit and its count. */
export function spanOf(ms: number): { n: number; unit: 's' | 'm' | 'h' | 'd' } {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return { n: s, unit: 's' };
  if (s < 3600) return { n: Math.round(s / 60), unit: 'm' };
  if (s < 86_400) return { n: Math.round(s / 3600), unit: 'h' };
  return { n: Math.round(s / 86_400), unit: 'd' };
}
