// SPDX-License-Identifier: Apache-2.0
// The console's own requests (API.md, sections 3 to 6).
import { get, post } from './client';

export type Dsl = Record<string, unknown>;

export interface Status {
  name: string; version: string; uptime_ms: number; now_ms: number;
  documents?: number; trades?: number; windows?: number; archive_rows?: number; events_per_s?: number;
  archive?: { driver?: string; available: boolean; error?: string };
}

export interface SqlRows {
  table: string; driver?: string; time_zone?: string; took_ms?: number; truncated?: boolean;
  columns: string[]; rows: (string | number | bigint | boolean | null)[][];
}

export interface PluginStats {
  id: string; name: string; failures?: number; last_error?: string; position?: string;
  events?: { in?: number; out?: number; duration_in_millis?: number; queue_push_duration_in_millis?: number };
}

export interface PipelineStats {
  failures?: number;
  events?: { in?: number; filtered?: number; out?: number; duration_in_millis?: number; queue_push_duration_in_millis?: number };
  plugins?: { inputs?: PluginStats[]; codecs?: PluginStats[]; filters?: PluginStats[]; outputs?: PluginStats[] };
  queue?: { type?: string; events_count?: number; events?: number; queue_size_in_bytes?: number; max_queue_size_in_bytes?: number;
    capacity?: { max_events?: number; max_queue_size_in_bytes?: number } };
  reloads?: { successes?: number; failures?: number; last_error?: { message?: string } | null };
  dead_letter_queue?: { queue_size_in_bytes?: number };
}

/** How far the server's clock is ahead of this machine's; relative ranges are counted on the server's. */
let clockAhead = 0;
export const serverNow = (): number => Date.now() + clockAhead;

export async function readStatus(abort?: AbortSignal): Promise<Status> {
  const sent = Date.now();
  const status = await get<Status>('status', abort);
  if (Number.isFinite(status.now_ms)) {
    const ahead = status.now_ms - (sent + Date.now()) / 2;
    clockAhead = Math.abs(ahead) < 250 ? 0 : ahead;
  }
  return status;
}

export async function parseQuery(text: string, language: string, fields: string[], abort?: AbortSignal): Promise<Dsl> {
  const reply = await post<{ query: Dsl }>('query/parse', { text, language, fields }, abort);
  return reply.query;
}

function archivePath(kind: string, from: number, to: number, stock: string, size: number): string {
  const q = new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), size: String(size) });
  if (stock) q.set('stock', stock);
  return `archive/${kind}?${q}`;
}

export const readTenMinutes = (from: number, to: number, stock: string, abort?: AbortSignal) =>
  get<SqlRows>(archivePath('ten_minutes', from, to, stock, 1000), abort);
export const readTicks = (from: number, to: number, stock: string, abort?: AbortSignal) =>
  get<SqlRows>(archivePath('ticks', from, to, stock, 1000), abort);

export async function readPipelines(abort?: AbortSignal): Promise<Record<string, PipelineStats>> {
  return (await get<{ pipelines?: Record<string, PipelineStats> }>('pipelines', abort)).pipelines ?? {};
}
