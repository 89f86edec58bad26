// SPDX-License-Identifier: Apache-2.0
// JSON with exact integers. An integer that a double cannot hold becomes a BigInt: with the source access of JSON.parse
// where the browser has it (Chromium 114, Firefox 135), otherwise by quoting such integers first.

const MARK = '\u0001int:';
const LONG_DIGITS = /\d{16}/;
type Context = { source?: string };
type RawJson = { rawJSON?: (text: string) => unknown };

function isUnsafe(source: string): boolean {
  return /^-?\d{16,}$/.test(source) && !Number.isSafeInteger(Number(source));
}

function hasSourceAccess(): boolean {
  let seen = false;
  JSON.parse('1', ((_key: string, value: unknown, context?: Context) => {
    seen = context?.source === '1';
    return value;
  }) as (key: string, value: unknown) => unknown);
  return seen;
}

/** Text with every integer beyond 2^53 turned into a marked string; strings in the text are left alone. */
export function quoteBigIntegers(text: string): string {
  let out = '';
  let from = 0;
  const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  for (let m = token.exec(text); m; m = token.exec(text)) {
    const source = m[0];
    if (source[0] !== '"' && isUnsafe(source)) {
      out += text.slice(from, m.index) + '"\\u0001int:' + source + '"';
      from = m.index + source.length;
    }
  }
  return out + text.slice(from);
}

const withSource = hasSourceAccess();

export function parseJson(text: string): unknown {
  if (!LONG_DIGITS.test(text)) return JSON.parse(text);
  if (withSource) {
    return JSON.parse(text, ((_key: string, value: unknown, context?: Context) =>
      typeof value === 'number' && context?.source !== undefined && isUnsafe(context.source)
        ? BigInt(context.source) : value) as (key: string, value: unknown) => unknown);
  }
  return JSON.parse(quoteBigIntegers(text), (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value);
}

/** JSON.stringify that writes BigInts as plain integers. */
export function writeJson(value: unknown, indent?: number): string {
  const raw = (JSON as RawJson).rawJSON;
  if (raw) return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? raw(String(v)) : v), indent);
  const text = JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? MARK + String(v) : v), indent);
  return text.replace(/"\\u0001int:(-?\d+)"/g, '$1');
}
