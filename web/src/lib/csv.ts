// SPDX-License-Identifier: Apache-2.0
// CSV as RFC 4180 has it. The mark at the start tells spreadsheets that the text is UTF-8 (Hangul comes out right).
import { flatten, valueAt, type Hit } from '../api/es';
import { valueText } from './format';

export const CSV_START = '\ufeff';

export function csvCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : valueText(value);
  return /[",\r\n]/.test(text) || /^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csvLine = (values: readonly unknown[]): string => values.map(csvCell).join(',') + '\r\n';

export const csvRow = (hit: Hit, columns: readonly string[]): string =>
  csvLine(columns.map((c) => (c === '_id' ? hit._id : c === '_index' ? hit._index : valueAt(hit._source, c))));

/** Column names when the user chose none: every field that the mapping or the first page has. */
export function columnsOf(names: readonly string[], hits: readonly Hit[]): string[] {
  const all = new Set(names);
  for (const h of hits) for (const [path] of flatten(h._source ?? {})) if (path) all.add(path);
  return [...all];
}
