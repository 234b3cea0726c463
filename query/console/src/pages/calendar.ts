/* calendar.ts -- tasks of the programme by the day they are due, overdue first; done, waived or noted from here.
 *
 *   #/calendar?state=overdue&month=2026-12 */
import { get, Problem, send } from '../api';
import { fill, h } from '../dom';
import { DAY_MS, day } from '../format';
import { said, t, type Key } from '../messages';
import { replaceQuery } from '../router';
import { may } from '../session';
import { button, busy, dialog, field, input, notice, pill, select, table, textOf, wordsOf } from '../widgets';
import type { Mount } from './index';

interface Task { id: string | number; title?: string; unit?: string; person?: string; subject?: string; annex?: string; basis?: string; start: string | null; due: string | null; state: string; state_zh: string; done: number; wanted: number; version: number }

const states = ['overdue', 'due_soon', 'open', 'upcoming', 'done', 'done_late', 'waived'];
const stateKind: Record<string, string> = { overdue: 'bad', due_soon: 'warn', done: 'good', done_late: 'warn', waived: 'soft', upcoming: 'soft' };

export const mount: Mount = (root, { place, principal }) => {
  const query = new URLSearchParams(place.query), body = h('div');
  const month = (): string => query.get('month') ?? day(Date.now()).slice(0, 7);
  const change = (key: string, value: string): void => { if (value) query.set(key, value); else query.delete(key); replaceQuery(place, query); draw(); void busy(load()); };

  async function load(): Promise<void> {
    const first = `${month()}-01`, last = day(Date.parse(`${first}T00:00:00+08:00`) + 31 * DAY_MS).slice(0, 7) === month() ? `${month()}-31` : day(Date.parse(`${day(Date.parse(`${first}T00:00:00+08:00`) + 31 * DAY_MS).slice(0, 7)}-01T00:00:00+08:00`) - DAY_MS);
    try {
      const { tasks } = await get<{ tasks: Task[] }>('/api/v1/tasks', { from: query.get('state') === 'overdue' ? undefined : first, to: last, state: query.get('state'), unit: query.get('unit') });
      tasks.sort((a, b) => Number(b.state === 'overdue') - Number(a.state === 'overdue') || String(a.due).localeCompare(String(b.due)));
      fill(body, h('section', { class: 'panel' }, h('p', { role: 'status' }, `${tasks.length} ${t('rows')}`), table(t('nav_calendar'), [
        { head: t('c_due'), cell: (k) => k.due ?? '—', class: 'nowrap' }, { head: t('c_task'), cell: (k) => [k.title ?? String(k.id), k.basis ? h('small', null, h('br'), k.basis) : null] }, { head: t('h_unit'), cell: (k) => k.unit ?? '' }, { head: t('c_subject'), cell: (k) => k.subject ?? '' },
        { head: t('c_done'), cell: (k) => `${k.done} / ${k.wanted}`, class: 'number' }, { head: t('state'), cell: (k) => pill(said(k as unknown as Record<string, unknown>, 'state'), stateKind[k.state] ?? '') },
        { head: '', cell: (k) => (may(principal, 'tasks', true) && !['done', 'done_late', 'waived'].includes(k.state) ? h('span', { class: 'buttons' }, button(t('c_do'), () => take(k, 'done'), { kind: 'main', label: `${t('c_do')} ${k.title ?? k.id}` }), button(t('c_waive'), () => take(k, 'waive'), { label: `${t('c_waive')} ${k.title ?? k.id}` })) : '') },
      ], tasks)));
    } catch (error) {
      fill(body, h('p', { class: 'none', role: 'status' }, error instanceof Problem && error.status === 404 ? t('not_there') : wordsOf(error)));
    }
  }
  function take(k: Task, deed: 'done' | 'waive'): void {
    dialog(`${t(deed === 'done' ? 'c_do' : 'c_waive')}: ${k.title ?? k.id}`, [field(t('h_note'), input('note', { required: deed === 'waive' })), field(t('c_evidence'), input('evidence')), deed === 'done' ? field(t('c_day'), input('day', { type: 'date', value: day(Date.now()) })) : null], async (form) => {
      const said_: Record<string, string> = {};
      for (const key of ['note', 'evidence', 'day']) if (textOf(form, key)) said_[key] = textOf(form, key);
      await send('POST', `/api/v1/tasks/${encodeURIComponent(String(k.id))}/${deed}`, said_, { 'if-match': `"${k.version}"` });
      notice(t('done'));
      await load();
    });
  }
  function draw(): void {
    fill(root, h('h1', null, t('nav_calendar')), h('div', { class: 'filters' }, field(t('c_month'), h('input', { type: 'month', value: month(), onchange: (e: Event) => change('month', (e.target as HTMLInputElement).value) })),
      field(t('state'), select([['', t('all')], ...states.map((s): [string, string] => [s, t(`c_${s}` as Key)])], query.get('state') ?? '', (v) => change('state', v))), field(t('h_unit'), h('input', { type: 'search', value: query.get('unit') ?? '', onchange: (e: Event) => change('unit', (e.target as HTMLInputElement).value.trim()) })), button(t('print'), () => print(), { kind: 'quiet' })), body);
  }
  draw();
  void busy(load());
  return { end: () => { /* nothing runs on */ } };
};
