// SPDX-License-Identifier: Apache-2.0
// Rates from two readings of counters that only grow. A counter that fell was started anew: it counts from zero.
import type { PipelineStats, PluginStats } from '../../api/server';

export interface Rates { perSecond: number; msPerEvent: number | undefined; busyMs: number }
interface Reading { at: number; events: number; ms: number }
const TREND_MAX = 60;
/** Durations come in whole milliseconds: a step with less says nothing, the whole life does. */
const STEP_MS_MIN = 20;

export function ratesOf(a: Reading, b: Reading): Rates | undefined {
  const seconds = (b.at - a.at) / 1000;
  if (seconds <= 0) return undefined;
  const isNew = b.events < a.events || b.ms < a.ms;
  const events = isNew ? b.events : b.events - a.events;
  const ms = isNew ? b.ms : b.ms - a.ms;
  return { perSecond: events / seconds, msPerEvent: events > 0 ? ms / events : undefined, busyMs: ms };
}

const eventsOf = (p: PluginStats): number => Number(p.events?.in ?? p.events?.out ?? 0);
const msOf = (p: PluginStats): number => Number(p.events?.duration_in_millis ?? 0);

export interface PluginRow { stage: 'inputs' | 'filters' | 'outputs'; stats: PluginStats; total: number; rates: Rates | undefined; trend: number[]; share: number | undefined; meanMs: number | undefined; isSlow: boolean }
export interface PipelineRow { name: string; stats: PipelineStats; rates: { in: number | undefined; filtered: number | undefined; out: number | undefined }; plugins: PluginRow[]; failures: number }

/** Keeps the readings of one page's life. */
export class RateBook {
  private readings = new Map<string, Reading>();
  private trends = new Map<string, number[]>();

  private step(key: string, next: Reading): { rates: Rates | undefined; trend: number[] } {
    const before = this.readings.get(key);
    this.readings.set(key, next);
    const rates = before && ratesOf(before, next);
    const trend = [...(this.trends.get(key) ?? []), ...(rates ? [rates.perSecond] : [])].slice(-TREND_MAX);
    this.trends.set(key, trend);
    return { rates, trend };
  }

  read(pipelines: Record<string, PipelineStats>, at: number): PipelineRow[] {
    return Object.entries(pipelines).map(([name, stats]): PipelineRow => {
      const plugins = (['inputs', 'filters', 'outputs'] as const).flatMap((stage) => (stats.plugins?.[stage] ?? []).map((p, i): PluginRow => {
        const total = eventsOf(p);
        return { stage, stats: p, total, ...this.step(`${name}/${stage}/${p.id || i}`, { at, events: total, ms: msOf(p) }), share: undefined, meanMs: undefined, isSlow: false };
      }));
      const whole = plugins.reduce((s, p) => s + msOf(p.stats), 0);
      const busy = plugins.reduce((s, p) => s + (p.rates?.busyMs ?? 0), 0);
      for (const p of plugins) {
        const rates = p.rates;
        p.meanMs = rates && rates.busyMs >= STEP_MS_MIN ? rates.msPerEvent : p.total > 0 ? msOf(p.stats) / p.total : undefined;
        p.share = busy >= STEP_MS_MIN ? (p.rates?.busyMs ?? 0) / busy : whole > 0 ? msOf(p.stats) / whole : undefined;
        p.isSlow = p.stage === 'filters' && (p.share ?? 0) > 0.5 && plugins.filter((x) => x.stage === 'filters').length > 2;
      }
      const of = (member: 'in' | 'filtered' | 'out') => this.step(`${name}//${member}`, { at, events: Number(stats.events?.[member] ?? 0), ms: 0 }).rates?.perSecond;
      return { name, stats, plugins, rates: { in: of('in'), filtered: of('filtered'), out: of('out') }, failures: Number(stats.failures ?? plugins.reduce((s, p) => s + Number(p.stats.failures ?? 0), 0)) };
    });
  }
}
