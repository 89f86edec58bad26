// SPDX-License-Identifier: Apache-2.0
// The only place that calls fetch. Paths are relative to the page, so the console works under any prefix.
import { signal } from '@preact/signals';
import { parseJson, writeJson } from './json';

/** What went wrong, in the server's words where it gave any. */
export class ApiError extends Error {
  constructor(message: string, readonly status: number, readonly body: unknown = undefined) {
    super(message);
  }
  /** Members of `{error:{…}}`, when the reply had that shape. */
  get detail(): { message?: string; reason?: string; position?: number; length?: number; hint?: string; hint_text?: string } {
    const error = (this.body as { error?: unknown } | undefined)?.error;
    return error && typeof error === 'object' ? error : {};
  }
}

/** Requests under way; the shell shows a thin bar while this is not 0. */
export const requestsUnderWay = signal(0);

function reasonOf(body: unknown, status: number): string {
  const error = (body as { error?: unknown } | undefined)?.error;
  if (typeof error === 'string') return error;
  if (error && typeof error === 'object') {
    const e = error as { message?: string; reason?: string; type?: string; root_cause?: { reason?: string }[] };
    const text = e.message ?? e.root_cause?.[0]?.reason ?? e.reason;
    if (text) return text;
  }
  return `HTTP ${status}`;
}

export async function request<T>(method: string, path: string, body?: unknown, abort?: AbortSignal): Promise<T> {
  requestsUnderWay.value++;
  try {
    const response = await fetch('api/' + path, {
      method,
      ...(body === undefined ? {} : { body: writeJson(body), headers: { 'Content-Type': 'application/json' } }),
      ...(abort ? { signal: abort } : {}),
    });
    const text = await response.text();
    let reply: unknown;
    try {
      reply = text === '' ? undefined : parseJson(text);
    } catch {
      throw new ApiError(response.ok ? 'the reply is not JSON' : `HTTP ${response.status}`, response.status, text.slice(0, 2000));
    }
    if (!response.ok) throw new ApiError(reasonOf(reply, response.status), response.status, reply);
    return reply as T;
  } catch (e) {
    if (e instanceof ApiError || isAbort(e)) throw e;
    throw new ApiError('', 0, e instanceof Error ? e.message : undefined);
  } finally {
    requestsUnderWay.value--;
  }
}

export const get = <T>(path: string, abort?: AbortSignal) => request<T>('GET', path, undefined, abort);
export const post = <T>(path: string, body: unknown, abort?: AbortSignal) => request<T>('POST', path, body, abort);

export function isAbort(e: unknown): boolean {
  return e instanceof DOMException && e.name === 'AbortError';
}

/** Hands out abort signals; each new one aborts the one before: a newer query cancels its predecessor. */
export class Latest {
  private controller: AbortController | undefined;
  next(): AbortSignal {
    this.controller?.abort();
    this.controller = new AbortController();
    return this.controller.signal;
  }
  stop(): void {
    this.controller?.abort();
  }
}
