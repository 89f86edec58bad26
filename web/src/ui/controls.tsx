// SPDX-License-Identifier: Apache-2.0
// Buttons and floating layers on native elements: `popover` closes on Escape and outside clicks and gives focus back.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n/i18n';
import { Icon, type IconName } from './icon';
import { toast } from './toast';

export function IconButton(p: { icon: IconName; label: string; onClick?: (e: MouseEvent) => void; class?: string; isPressed?: boolean; isDisabled?: boolean; isSmall?: boolean; tabIndex?: number }) {
  return (
    <button type="button" class={`ib ${p.isSmall ? 'ib-s' : ''} ${p.class ?? ''}`} aria-label={p.label} title={p.label} disabled={p.isDisabled ?? false}
      {...(p.isPressed === undefined ? {} : { 'aria-pressed': p.isPressed })} {...(p.tabIndex === undefined ? {} : { tabIndex: p.tabIndex })} {...(p.onClick ? { onClick: p.onClick } : {})}>
      <Icon name={p.icon} size={p.isSmall ? 14 : 16} />
    </button>
  );
}

const MARGIN = 8;

function place(panel: HTMLElement, anchor: DOMRect, isRight: boolean, isBeside: boolean): void {
  const w = panel.offsetWidth, h = panel.offsetHeight;
  let left = isBeside ? anchor.right + 6 : isRight ? anchor.right - w : anchor.left;
  let top = isBeside ? anchor.top - 8 : anchor.bottom + 4;
  if (top + h > innerHeight - MARGIN) top = isBeside ? innerHeight - MARGIN - h : Math.max(MARGIN, anchor.top - 4 - h >= MARGIN ? anchor.top - 4 - h : innerHeight - MARGIN - h);
  left = Math.min(Math.max(MARGIN, left), innerWidth - MARGIN - w);
  panel.style.left = `${left}px`;
  panel.style.top = `${Math.max(MARGIN, top)}px`;
}

/** A button and its floating panel. The button is named by what it shows, or by `label` when that is an icon only; children are rendered while it is open. `open`: a handle for shortcuts. */
export function Popover(p: {
  trigger: ComponentChildren; label: string; class?: string; panelClass?: string; isRight?: boolean; isBeside?: boolean; title?: string; isIconOnly?: boolean;
  handle?: { open?: () => void }; onClose?: () => void; children: (close: () => void) => ComponentChildren;
}) {
  const id = useId();
  const panel = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  const close = () => panel.current?.hidePopover();
  if (p.handle) p.handle.open = () => panel.current?.showPopover();
  useLayoutEffect(() => {
    if (!isOpen || !panel.current || !button.current) return;
    const node = panel.current, anchor = button.current;
    const again = () => place(node, anchor.getBoundingClientRect(), p.isRight === true, p.isBeside === true);
    again();
    node.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    const sizes = new ResizeObserver(again);
    sizes.observe(node);
    return () => sizes.disconnect();
  }, [isOpen]);
  return (
    <>
      <button ref={button} type="button" class={p.class ?? 'btn'} aria-haspopup="dialog" aria-expanded={isOpen} {...(p.isIconOnly ? { 'aria-label': p.label } : {})} title={p.title ?? p.label} popovertarget={id}>
        {p.trigger}
      </button>
      <div ref={panel} id={id} popover="auto" role="dialog" aria-label={p.label} class={`pop ${p.panelClass ?? ''}`}
        onToggle={(e) => {
          const open = (e as unknown as ToggleEvent).newState === 'open';
          setOpen(open);
          if (!open) p.onClose?.();
        }}>
        {isOpen && p.children(close)}
      </div>
    </>
  );
}

export interface MenuItem { label: string; icon?: IconName; isChecked?: boolean; hint?: string; run: () => void }

/** A list of commands for use inside a Popover: arrow keys walk it. */
export function Menu({ items, close }: { items: (MenuItem | undefined)[]; close: () => void }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector<HTMLElement>('button')?.focus(), []);
  const walk = (e: KeyboardEvent) => {
    const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
    if (!step || !list.current) return;
    e.preventDefault();
    const all = [...list.current.querySelectorAll('button')];
    all[(all.indexOf(document.activeElement as HTMLButtonElement) + step + all.length) % all.length]?.focus();
  };
  return (
    <div class="menu" role="menu" ref={list} onKeyDown={walk}>
      {items.filter((i) => i !== undefined).map((i) => (
        <button type="button" key={i.label} {...(i.isChecked === undefined ? { role: 'menuitem' } : { role: 'menuitemradio', 'aria-checked': i.isChecked })}
          onClick={() => { close(); i.run(); }}>
          <span class="menu-icon">{i.isChecked ? <Icon name="check" size={14} /> : i.icon ? <Icon name={i.icon} size={14} /> : null}</span>
          <span class="grow">{i.label}</span>
          {i.hint && <kbd>{i.hint}</kbd>}
        </button>
      ))}
    </div>
  );
}

/** One of a few: a row of radio buttons. */
export function Segmented<T extends string>(p: { label: string; value: T | undefined; options: readonly (readonly [T, string])[]; onChange: (v: T) => void }) {
  const name = useId();
  return (
    <div class="seg" role="radiogroup" aria-label={p.label}>
      {p.options.map(([value, label]) => (
        <label key={value} class={value === p.value ? 'on' : ''}>
          <input type="radio" name={name} checked={value === p.value} onChange={() => p.onChange(value)} />
          <span>{label}</span>
        </label>
      ))}
    </div>
  );
}

export function Dialog(p: { title: string; onClose: () => void; class?: string; children: ComponentChildren }) {
  const node = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const d = node.current;
    if (d && !d.open) d.showModal();
    return () => d?.close();
  }, []);
  return (
    <dialog ref={node} class={p.class ?? ''} aria-label={p.title} onClose={p.onClose} onClick={(e) => e.target === node.current && p.onClose()}>
      <div class="dialog-body">
        <header><h2>{p.title}</h2><IconButton icon="close" label={t('common.close')} onClick={p.onClose} /></header>
        {p.children}
      </div>
    </dialog>
  );
}

export function ErrorNote(p: { message: string; detail?: string; onRetry?: () => void }) {
  return (
    <div class="note note-error" role="alert">
      <Icon name="warn" />
      <div class="grow">
        <strong>{t('error.title')}</strong>
        <div class="note-text">{p.message || t('error.network')}</div>
      </div>
      {p.detail && <button type="button" class="btn" onClick={() => void copyText(p.detail ?? '')}>{t('common.copyDetails')}</button>}
      {p.onRetry && <button type="button" class="btn" onClick={p.onRetry}>{t('common.retry')}</button>}
    </div>
  );
}

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Clipboard access needs a secure context; the old way works on plain HTTP.
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  toast(t('common.copied'));
}
