// SPDX-License-Identifier: Apache-2.0
// No hits: say why. Looks for the nearest document before or after the range, and counts what each filter keeps away.
import { useEffect, useState } from 'preact/hooks';
import { isAbort } from '../../api/client';
import { search, totalOf, type Hit } from '../../api/es';
import { parseQuery, type Dsl } from '../../api/server';
import { filterKql, queryDsl } from '../../lib/filters';
import { spanOf, timeText } from '../../lib/format';
import { zone } from '../../lib/settings';
import { chooseRange } from '../../ui/timepicker';
import { spanText, t } from '../../i18n/i18n';
import { Icon } from '../../ui/icon';
import { fields, matched, result, state, update, type Result } from './model';

interface Reasons { last?: number; first?: number; filters: number[]; query?: number }

async function reasonsFor(r: Result, abort: AbortSignal): Promise<Reasons> {
  const s = state.peek();
  const bar: Dsl = s.query.trim() ? await parseQuery(s.query, s.language, fields.peek().map((f) => f.name), abort) : { match_all: {} };
  const range = r.range && s.timeField ? { field: s.timeField, ...r.range } : undefined;
  const nearest = async (isLast: boolean): Promise<number | undefined> => {
    if (!range) return undefined;
    const side: Dsl = { range: { [s.timeField]: isLast ? { lt: new Date(range.from).toISOString() } : { gt: new Date(range.to).toISOString() } } };
    const reply = await search(r.pattern, { size: 1, track_total_hits: false, query: { bool: { filter: [queryDsl(bar, s.filters), side] } }, sort: [{ [s.timeField]: { order: isLast ? 'desc' : 'asc', unmapped_type: 'date' } }] }, abort);
    const h: Hit | undefined = reply.hits.hits[0];
    const at = h?.sort?.[0];
    return typeof at === 'number' ? at : typeof at === 'string' ? Date.parse(at) : undefined;
  };
  const count = async (query: Dsl) => totalOf(await search(r.pattern, { size: 0, track_total_hits: true, query }, abort));
  const [last, first, query, ...filters] = await Promise.all([nearest(true), nearest(false), s.query.trim() ? count(queryDsl(undefined, s.filters, range)) : Promise.resolve(undefined),
    ...s.filters.map((f, i) => (f.off ? Promise.resolve(0) : count(queryDsl(bar, s.filters.filter((_x, k) => k !== i), range))))]);
  return { ...(last === undefined ? {} : { last }), ...(first === undefined ? {} : { first }), ...(query === undefined ? {} : { query }), filters: filters.map((n) => n ?? 0) };
}

/** A window of the same length that ends (or starts) at the document. */
function jump(r: Result, at: number, isLast: boolean): void {
  const length = Math.max(60_000, r.range ? r.range.to - r.range.from : 900_000);
  const edge = Math.min(60_000, length / 15);
  chooseRange(new Date(isLast ? at + edge - length : at - edge).toISOString(), new Date(isLast ? at + edge : at - edge + length).toISOString());
}

export function Empty() {
  const r = result.value;
  const s = state.value;
  const [why, setWhy] = useState<Reasons>();
  useEffect(() => {
    if (!r || r.total > 0) return;
    const abort = new AbortController();
    reasonsFor(r, abort.signal).then(setWhy, (e: unknown) => { if (!isAbort(e)) setWhy({ filters: [] }); });
    return () => abort.abort();
  }, [r]);
  if (!r) return null;
  const tz = zone.value;
  const hasReason = why && (why.last !== undefined || why.first !== undefined || (why.query ?? 0) > 0 || why.filters.some((n) => n > 0));
  return (
    <div class="empty">
      <h2>{matched.value.length ? t('discover.empty.title') : t('discover.empty.noIndex', { index: s.index })}</h2>
      {why && matched.value.length > 0 && (
        <ul>
          {why.last !== undefined && <li><Icon name="clock" /><span>{t('discover.empty.last', { span: spanText(spanOf(r.at - why.last)), time: timeText(why.last, tz, 's') })}</span><button type="button" class="btn" onClick={() => jump(r, why.last ?? 0, true)}>{t('discover.empty.jump')}</button></li>}
          {why.first !== undefined && <li><Icon name="clock" /><span>{t('discover.empty.first', { span: spanText(spanOf(why.first - (r.range?.to ?? r.at))), time: timeText(why.first, tz, 's') })}</span><button type="button" class="btn" onClick={() => jump(r, why.first ?? 0, false)}>{t('discover.empty.jump')}</button></li>}
          {s.filters.map((f, i) => ((why.filters[i] ?? 0) > 0 ? <li key={i}><Icon name="filter" /><span><code>{filterKql(f)}</code> · {t('discover.empty.filter', { n: why.filters[i] ?? 0 })}</span><button type="button" class="btn" onClick={() => update({ filters: s.filters.filter((_x, k) => k !== i) })}>{t('discover.empty.remove')}</button></li> : null))}
          {(why.query ?? 0) > 0 && <li><Icon name="search" /><span><code>{s.query}</code> · {t('discover.empty.query', { n: why.query ?? 0 })}</span><button type="button" class="btn" onClick={() => update({ query: '' })}>{t('discover.empty.remove')}</button></li>}
          {!hasReason && <li><Icon name="help" /><span>{t('discover.empty.nothing', { index: s.index })}</span></li>}
        </ul>
      )}
    </div>
  );
}
