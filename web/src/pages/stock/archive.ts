// SPDX-License-Identifier: Apache-2.0
// Rows of an SQL table for the eye: candles of the window table, cells as text. Drivers give sums as decimals, which come as
// strings.
import type { SqlRows } from '../../api/server';
import { parseDate } from '../../lib/datemath';
import { numberText } from '../../lib/format';

const MARKET_ZONE = 'Asia/Seoul';
const NUMBER = /^-?\d+(\.\d+)?$/;
const num = (v: unknown): number => Number(v);

export interface Candle { start: number; open: number; high: number; low: number; close: number; volume: number; count: number }

/** Rows of the window table as candles, oldest first; undefined when a column is not there. */
export function candlesOf(rows: SqlRows): Candle[] | undefined {
  const at = (...names: string[]) => rows.columns.findIndex((c) => names.includes(c.toLowerCase()));
  const [start, open, high, low, close, volume, count] = [at('window_start', 'start'), at('open'), at('high'), at('low'), at('close'), at('volume'), at('trade_count', 'count', 'trades')] as const;
  if ([start, open, high, low, close].some((i) => i < 0)) return undefined;
  return rows.rows.flatMap((r): Candle[] => {
    const when = parseDate(String(r[start]), rows.time_zone ?? MARKET_ZONE);
    return when === undefined ? [] : [{ start: when, open: num(r[open]), high: num(r[high]), low: num(r[low]), close: num(r[close]), volume: volume < 0 ? 0 : num(r[volume]), count: count < 0 ? 0 : num(r[count]) }];
  }).sort((a, b) => a.start - b.start);
}

/** Which columns are numbers in every row; a code with leading zeros is none. */
export function numericColumns(rows: SqlRows): boolean[] {
  return rows.columns.map((_c, i) => {
    const cells = rows.rows.map((r) => r[i]).filter((v) => v !== null && v !== undefined);
    return cells.length > 0 && cells.every((v) => typeof v === 'number' || typeof v === 'bigint' || (typeof v === 'string' && NUMBER.test(v) && !/^-?0\d/.test(v)));
  });
}

/** A cell as text; numbers grouped, integers of any size in full. */
export function cellText(v: SqlRows['rows'][number][number] | undefined, isNumber: boolean): string {
  if (v === null || v === undefined) return '';
  if (!isNumber || typeof v === 'boolean') return String(v);
  if (typeof v !== 'string') return numberText(v);
  return v.includes('.') ? numberText(Number(v)) : numberText(BigInt(v));
}
