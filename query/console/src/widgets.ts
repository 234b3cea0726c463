/* widgets.ts -- what pages are made of: fields, tables, dialogs, notices, and waiting that shows. */
import { download, hasToken } from './api';
import { h, fill, type Child } from './dom';
import { t } from './messages';

export function button(text: string, onclick: () => void, o: { kind?: 'main' | 'bad' | 'quiet'; label?: string; pressed?: boolean; disabled?: boolean } = {}): HTMLButtonElement {
  return h('button', {
    type: 'button', class: o.kind ?? '', onclick, 'aria-label': o.label, disabled: o.disabled,
    'aria-pressed': o.pressed === undefined ? undefined : String(o.pressed),
  }, text);
}

let fieldNumber = 0;
/* A label and its input, joined by id. */
export function field(text: string, input: HTMLElement, hint?: string): HTMLElement {
  input.id ||= `field-${++fieldNumber}`;
  const note = hint ? h('small', { id: `${input.id}-hint` }, hint) : null;
  if (note) input.setAttribute('aria-describedby', note.id);
  return h('div', { class: 'field' }, h('label', { for: input.id }, text), input, note);
}

export function select(options: [string, string][], value: string, onchange: (value: string) => void): HTMLSelectElement {
  return h('select', { value, onchange: (e: Event) => onchange((e.target as HTMLSelectElement).value) },
    options.map(([key, text]) => h('option', { value: key }, text)));
}

export function pill(text: string, kind = ''): HTMLElement {
  return h('span', { class: `pill ${kind}` }, text);
}

export interface Column<T> {
  head: string;
  cell: (row: T) => Child | Child[];
  class?: string;
}

/* A table whose rows can be chosen by mouse and by keyboard (the first cell of a row is a button then). */
export function table<T>(caption: string, columns: Column<T>[], rows: T[], choose?: (row: T) => void, isChosen?: (row: T) => boolean): HTMLElement {
  const body = rows.map((row) => h('tr', { class: choose ? 'choosable' : '', 'aria-selected': isChosen ? String(isChosen(row)) : undefined, onclick: choose ? () => choose(row) : undefined },
    columns.map((column, i) => {
      const content = column.cell(row);
      const first = i === columns.findIndex((c) => c.class !== 'select');
      return h('td', { class: column.class ?? '' }, choose && first
        ? h('button', { type: 'button', class: 'row', onclick: (e: Event) => { e.stopPropagation(); choose(row); } }, content) : content);
    })));
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', null, h('caption', { class: 'hidden' }, caption),
      h('thead', null, h('tr', null, columns.map((c) => h('th', { scope: 'col', class: c.class ?? '' }, c.head || h('span', { class: 'hidden' }, t('v_select_all')))))),
      h('tbody', null, body)),
    rows.length ? null : h('p', { class: 'none' }, t('none')));
}

export function facts(pairs: [string, Child | Child[]][]): HTMLElement {
  return h('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))));
}

/* A notice at the foot of the page, read out by screen readers. */
export function notice(text: string, bad = false): void {
  const place = document.getElementById('notices')!;
  const one = h('div', { class: bad ? 'notice bad' : 'notice', role: bad ? 'alert' : 'status' }, text,
    h('button', { type: 'button', class: 'quiet', 'aria-label': t('close'), onclick: () => one.remove() }, '×'));
  place.append(one);
  setTimeout(() => one.remove(), bad ? 15000 : 5000);
}

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

let waiting = 0;
/* What takes time shows a bar at the head of the page; what fails says so. */
export async function busy<T>(work: Promise<T>): Promise<T | undefined> {
  const bar = document.getElementById('progress');
  waiting++;
  bar?.removeAttribute('hidden');
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) notice(wordsOf(error), true);
    return undefined;
  } finally {
    if (--waiting === 0) bar?.setAttribute('hidden', '');
  }
}

/* The same for a part of the page: words while waiting, and a way to try again. */
export async function into<T>(place: Element, work: () => Promise<T>, show: (value: T) => Child | Child[]): Promise<void> {
  fill(place, h('p', { class: 'none', role: 'status' }, t('loading')));
  try {
    fill(place, show(await work()));
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    fill(place, h('div', { class: 'none', role: 'alert' }, h('p', null, wordsOf(error)), button(t('retry'), () => void into(place, work, show))));
  }
}

/* A form in a dialog. `send` gets its values; what it throws is shown in the dialog, which then stays open. */
export function dialog(title: string, content: Child[], send: ((form: FormData) => Promise<void>) | null, action = t('save')): HTMLDialogElement {
  const problem = h('p', { class: 'bad', role: 'alert' });
  const submit = h('button', { class: 'main' }, action);
  const form = h('form', { method: 'dialog', onsubmit: async (e: Event) => {
    e.preventDefault();
    if (!send) { box.close(); return; }
    submit.disabled = true;
    try { await send(new FormData(form)); box.close(); } catch (error) { problem.textContent = wordsOf(error); } finally { submit.disabled = false; }
  } }, h('h2', null, title), ...content, problem,
  h('div', { class: 'actions' }, button(t(send ? 'cancel' : 'close'), () => box.close()), send ? submit : null));
  const box = h('dialog', { 'aria-label': title, onclose: () => box.remove() }, form);
  document.body.append(box);
  box.showModal();
  return box;
}

/* One line from the reader; rejects when he gives none. */
export function askText(title: string, hint: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const box = dialog(title, [field(title, input('text', { required: true }), hint)], (form) => { resolve(textOf(form, 'text')); return Promise.resolve(); }, t('done_ok'));
    box.addEventListener('close', () => reject(new Error(hint)));
  });
}

export function input(name: string, o: { type?: string; value?: string; required?: boolean; pattern?: string; placeholder?: string; step?: string; min?: string; max?: string; list?: string } = {}): HTMLInputElement {
  return h('input', { name, type: o.type ?? 'text', value: o.value ?? '', required: o.required, pattern: o.pattern, placeholder: o.placeholder, step: o.step, min: o.min, max: o.max, list: o.list, autocomplete: 'off' });
}

export const textOf = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

/* A page that the server makes. A link does not carry a token: who has one gets a file. */
export function paper(text: string, address: string, name: string): HTMLElement {
  return hasToken() ? button(text, () => void busy(download(address, name))) : h('a', { href: address, target: '_blank', rel: 'noopener' }, text);
}
