// SPDX-License-Identifier: Apache-2.0
// Shortcuts. Letters are matched by `event.code`, so they work while a Hangul keyboard is on; single keys rest while one
// types and can be switched off.
import { settings } from './settings';

type Handler = (event: KeyboardEvent) => void;
/** Names: `Slash`, `KeyT`, `Mod+KeyK`, `Shift+Slash`; a sequence with a space: `KeyG KeyD`. */
const handlers = new Map<string, Handler[]>();
let pending = '';
let pendingAt = 0;
const SEQUENCE_MS = 1200;

/** Registers while the returned function has not been called; the newest handler of a name wins. */
export function onKey(name: string, handler: Handler): () => void {
  const list = handlers.get(name) ?? [];
  list.push(handler);
  handlers.set(name, list);
  return () => {
    const at = list.indexOf(handler);
    if (at >= 0) list.splice(at, 1);
  };
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
}

function nameOf(e: KeyboardEvent): string {
  return (e.ctrlKey || e.metaKey ? 'Mod+' : '') + (e.altKey ? 'Alt+' : '') + (e.shiftKey ? 'Shift+' : '') + e.code;
}

export function startKeys(): void {
  addEventListener('keydown', (e) => {
    if (e.isComposing || e.defaultPrevented) return;
    const name = nameOf(e);
    const isSingle = !name.startsWith('Mod+');
    if (isSingle && (isTyping(e.target) || !settings.peek().hasSingleKeys || document.querySelector('dialog[open], :popover-open'))) return;
    // Enter belongs to the control that has the focus.
    if (name === 'Enter' && e.target instanceof HTMLElement && e.target.closest('button, a, summary, [role=img]')) return;
    const sequence = pending && Date.now() - pendingAt < SEQUENCE_MS ? `${pending} ${name}` : '';
    const handler = (sequence && handlers.get(sequence)?.at(-1)) || handlers.get(name)?.at(-1);
    pending = isSingle && [...handlers.keys()].some((k) => k.startsWith(name + ' ')) ? name : '';
    pendingAt = Date.now();
    if (!handler) return;
    e.preventDefault();
    handler(e);
  });
}
