// SPDX-License-Identifier: Apache-2.0
// What each pipeline and each of its plugins does right now.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, isAbort, Latest } from '../../api/client';
import { readPipelines } from '../../api/server';
import { bytesText, numberText, percentText, rateText } from '../../lib/format';
import { refreshes, time } from '../../lib/router';
import { spanText, t } from '../../i18n/i18n';
import { ErrorNote } from '../../ui/controls';
import { Icon } from '../../ui/icon';
import { TimeControls } from '../../ui/timepicker';
import { useAutoRefresh } from '../../ui/hooks';
import { RateBook, type PipelineRow, type PluginRow } from './rates';

const book = new RateBook();
const rows = signal<PipelineRow[] | undefined>(undefined);
const fault = signal('');
const isBusy = signal(false);
const latest = new Latest();

async function run(): Promise<void> {
  const abort = latest.next();
  isBusy.value = true;
  try {
    rows.value = book.read(await readPipelines(abort), performance.now());
    fault.value = '';
  } catch (e) {
    if (!isAbort(e)) fault.value = e instanceof ApiError ? e.message || t('error.network') : String(e);
  } finally {
    if (!abort.aborted) isBusy.value = false;
  }
}

function Spark({ values }: { values: number[] }) {
  const w = 120, h = 18;
  if (values.length < 2) return <span class="spark" />;
  const max = Math.max(...values, 1e-9);
  const points = values.map((v, i) => `${((i / (values.length - 1)) * w).toFixed(1)},${(h - 1 - (v / max) * (h - 3)).toFixed(1)}`).join(' ');
  return <svg class="spark" width={w} height={h} viewBox={`0 0 ${w} ${h}`} aria-hidden="true"><polygon points={`0,${h} ${points} ${w},${h}`} /><polyline points={points} /></svg>;
}

const msText = (ms: number | undefined): string => (ms === undefined ? '–' : ms >= 100 ? numberText(Math.round(ms)) : ms >= 0.1 ? ms.toFixed(ms < 10 ? 3 : 1) : ms >= 0.00005 ? ms.toFixed(4) : '0');

function Plugin({ p }: { p: PluginRow }) {
  const failures = Number(p.stats.failures ?? 0);
  return (
    <tr>
      <td><span class="plugin-name">{p.stats.name}</span> <span class="dim mono">{p.stats.position ?? p.stats.id}</span>{p.isSlow && <span class="badge warn"><Icon name="warn" size={12} />{t('pipelines.slow')}</span>}
        {p.stats.last_error && <div class="bad-text wrap">{t('pipelines.lastError')}: {p.stats.last_error}</div>}</td>
      <td class="num strong">{rateText(p.rates?.perSecond)}</td>
      <td><Spark values={p.trend} /></td>
      <td class="num">{p.stage === 'inputs' ? '' : msText(p.meanMs)}</td>
      <td>{p.stage === 'inputs' || p.share === undefined ? '' : <span class="share-cell"><span class="meter"><i style={{ width: `${p.share * 100}%` }} /></span><span class="num">{percentText(p.share)}</span></span>}</td>
      <td class="num">{numberText(p.total)}</td>
      <td class={`num ${failures ? 'failed' : 'dim'}`}>{failures > 0 && <Icon name="warn" size={12} />} {numberText(failures)}</td>
    </tr>
  );
}

function Pipeline({ p }: { p: PipelineRow }) {
  const q = p.stats.queue;
  const events = Number(q?.events_count ?? q?.events ?? 0);
  const capacity = Number(q?.capacity?.max_events ?? 0);
  const maxBytes = Number(q?.max_queue_size_in_bytes ?? q?.capacity?.max_queue_size_in_bytes ?? 0);
  const fill = capacity > 0 ? events / capacity : maxBytes > 0 ? Number(q?.queue_size_in_bytes ?? 0) / maxBytes : undefined;
  const dead = Number(p.stats.dead_letter_queue?.queue_size_in_bytes ?? 0);
  return (
    <section class="panel pipeline" aria-label={p.name}>
      <header>
        <h2 class="mono">{p.name}</h2>
        <dl>
          {(['in', 'filtered', 'out'] as const).map((m) => <div key={m}><dt>{t(`pipelines.${m}`)}</dt><dd><b>{rateText(p.rates[m])}</b><span class="dim">/s · {numberText(Number(p.stats.events?.[m] ?? 0))}</span></dd></div>)}
          <div><dt>{t('pipelines.queue')} <span class="dim">{q?.type === 'persisted' ? t('pipelines.queue.persisted') : t('pipelines.queue.memory')}</span></dt><dd><b>{numberText(events)}</b>{fill !== undefined && <span class="queue"><span class="meter"><i class={fill > 0.8 ? 'full' : ''} style={{ width: `${Math.min(100, fill * 100)}%` }} /></span><span class="dim">{percentText(fill)}</span></span>}</dd></div>
          <div><dt>{t('pipelines.failures')}</dt><dd><b class={p.failures ? 'failed' : ''}>{p.failures > 0 && <Icon name="warn" size={14} />} {numberText(p.failures)}</b></dd></div>
          {dead > 0 && <div><dt>{t('pipelines.deadLetter')}</dt><dd><b class="failed">{bytesText(dead)}</b></dd></div>}
          {Number(p.stats.reloads?.failures ?? 0) > 0 && <div><dt>{t('pipelines.reloads')}</dt><dd><b class="failed">{numberText(p.stats.reloads?.failures)}</b></dd></div>}
        </dl>
      </header>
      {p.stats.reloads?.last_error?.message && <ErrorNote message={p.stats.reloads.last_error.message} />}
      <div class="scroll" tabIndex={0} role="region" aria-label={`${p.name}: ${t('pipelines.plugin')}`}>
        <table class="grid-table plugins">
          <thead><tr><th scope="col">{t('pipelines.plugin')}</th><th scope="col" class="num">{t('pipelines.rate')}</th><th scope="col">{t('pipelines.trend')}</th><th scope="col" class="num">{t('pipelines.perEvent')}</th><th scope="col">{t('pipelines.share')}</th><th scope="col" class="num">{t('pipelines.total')}</th><th scope="col" class="num">{t('pipelines.failures')}</th></tr></thead>
          {(['inputs', 'filters', 'outputs'] as const).map((stage) => {
            const list = p.plugins.filter((x) => x.stage === stage);
            return list.length > 0 && <tbody key={stage}><tr class="stage"><th colSpan={7} scope="rowgroup">{t(`pipelines.${stage}`)}</th></tr>{list.map((x) => <Plugin key={x.stats.id} p={x} />)}</tbody>;
          })}
        </table>
      </div>
    </section>
  );
}

export default function Pipelines() {
  const every = time.value.refresh;
  useEffect(() => { void run(); }, [refreshes.value]);
  useAutoRefresh(every, isBusy.value);
  const list = rows.value;
  return (
    <div class="pipelines">
      <header class="topbar">
        <h1>{t('pipelines.title')}</h1>
        <span class="dim small">{every > 0 && t('pipelines.every', { span: spanText({ n: every / 1000, unit: 's' }) })}</span>
        <span class="grow" />
        <TimeControls hasRange={false} />
      </header>
      <div class="pipelines-body">
        {fault.value && <ErrorNote message={fault.value} onRetry={() => void run()} />}
        {list?.length === 0 && <div class="empty"><h2>{t('pipelines.none')}</h2></div>}
        {list?.some((p) => p.rates.in === undefined) && <div class="dim small pad-s">{t('pipelines.waiting')}</div>}
        {list?.map((p) => <Pipeline key={p.name} p={p} />)}
      </div>
    </div>
  );
}
