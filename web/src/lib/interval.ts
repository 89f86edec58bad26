// SPDX-License-Identifier: Apache-2.0
// The histogram's automatic interval: the range over 50 bars, put through a table of round steps (20 to
// 620 bars). A chosen interval that would give more than 100 bars is scaled up.

export interface Interval {
  /** As Elasticsearch writes it: `30s`, `1d`. */
  text: string;
  /** Nominal length; months and years vary. */
  ms: number;
  /** Calendar units follow the time zone. */
  isCalendar: boolean;
}

const S = 1000, M = 60 * S, H = 60 * M, D = 24 * H;
const BARS_AIM = 50;
export const BARS_MAX = 100;

const step = (text: string, ms: number, isCalendar = false): Interval => ({ text, ms, isCalendar });

/** [range / 50 from which on, step] */
const TABLE: readonly (readonly [number, Interval])[] = [
  [365 * D, step('1y', 365 * D, true)], [21 * D, step('1M', 30 * D, true)], [7 * D, step('1w', 7 * D, true)],
  [D, step('1d', D, true)], [6 * H, step('12h', 12 * H)], [2 * H, step('3h', 3 * H)], [45 * M, step('1h', H)],
  [20 * M, step('30m', 30 * M)], [9 * M, step('10m', 10 * M)], [3 * M, step('5m', 5 * M)], [45 * S, step('1m', M)],
  [15 * S, step('30s', 30 * S)], [7.5 * S, step('10s', 10 * S)], [5 * S, step('5s', 5 * S)], [0.5 * S, step('1s', S)],
];

export function autoInterval(rangeMs: number): Interval {
  const target = rangeMs / BARS_AIM;
  const found = TABLE.find(([from]) => target >= from);
  if (found) return found[1];
  const ms = Math.max(1, Math.floor(target));
  return step(`${ms}ms`, ms);
}

export const CHOICES: readonly Interval[] = [
  step('1s', S), step('5s', 5 * S), step('10s', 10 * S), step('30s', 30 * S), step('1m', M), step('5m', 5 * M), step('10m', 10 * M), step('30m', 30 * M),
  step('1h', H), step('3h', 3 * H), step('12h', 12 * H), step('1d', D, true), step('1w', 7 * D, true), step('1M', 30 * D, true), step('1y', 365 * D, true),
];

/** The chosen interval, or the automatic one; a choice with too many bars is scaled up to the next one that fits. */
export function intervalFor(choice: string, rangeMs: number): Interval & { isScaled: boolean } {
  const chosen = CHOICES.find((c) => c.text === choice);
  if (!chosen) return { ...autoInterval(rangeMs), isScaled: false };
  if (rangeMs / chosen.ms <= BARS_MAX) return { ...chosen, isScaled: false };
  const fits = CHOICES.find((c) => c.ms >= chosen.ms && rangeMs / c.ms <= BARS_MAX);
  return { ...(fits ?? autoInterval(rangeMs)), isScaled: true };
}

/** The members of a date_histogram for it. */
export function histogramOf(field: string, interval: Interval, tz: string): Record<string, unknown> {
  return { field, [interval.isCalendar ? 'calendar_interval' : 'fixed_interval']: interval.text, time_zone: tz, min_doc_count: 0 };
}
