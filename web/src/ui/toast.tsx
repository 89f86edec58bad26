// SPDX-License-Identifier: Apache-2.0
// Short messages at the edge of the screen; read out politely.
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

const toasts = signal<{ id: number; text: ComponentChildren }[]>([]);
let last = 0;
const SHOWN_MS = 3500;

export function toast(text: ComponentChildren): void {
  const id = ++last;
  toasts.value = [...toasts.value, { id, text }];
  setTimeout(() => (toasts.value = toasts.value.filter((x) => x.id !== id)), SHOWN_MS);
}

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">{toasts.value.map((x) => <div key={x.id} class="toast">{x.text}</div>)}</div>
);
