/* rules.ts -- what is judged by: every rule with its source in plain words, and the file itself to be changed. A file
 * with any mistake is not taken; all mistakes come back with their lines. What is in the box can be tried on what is
 * stored before it is switched on (backtest.ts).
 *
 *   #/rules?q=overspeed&try=17 */
import { ask, get, Problem, send, url } from '../api';
import { makeTrial, triedRules, type Mistake } from '../backtest';
import { fill, h } from '../dom';
import { fromInput, time, toInput } from '../format';
import { chinese, t } from '../messages';
import { link, replaceQuery } from '../router';
import { may } from '../session';
import { parseRules, titleOfRule, withValue, type Rule } from '../rules_text';
import { button, busy, dialog, facts, field, input, notice, pill, table, textOf } from '../widgets';
import type { Mount } from './index';

interface Version { from: string; said: string; who: string; bytes: number }

const told = ['kind', 'title', 'source', 'authority', 'rows', 'where', 'devices', 'class', 'classes', 'hold', 'severity', 'live', 'sample', 'remind', 'remind_after', 'remind_every', 'enabled'];
const yes = (v: string | undefined): boolean => v === 'yes';

export const mount: Mount = (root, context) => {
  const { place, principal } = context, writes = may(principal, 'rules', true), tries = may(principal, 'backtests', true);
  const query = new URLSearchParams(place.query), listPlace = h('div'), editPlace = h('section', { class: 'panel', hidden: true }), versions = h('details', { class: 'panel' }, h('summary', null, t('r_versions')));
  let text = '', counts = new Map<string, number>(), trial: ReturnType<typeof makeTrial> | null = null;

  const title = (r: Rule): string => titleOfRule(r, chinese());
  function draw(): void {
    const wanted = (query.get('q') ?? '').toLowerCase();
    const rules = parseRules(text).filter((r) => !wanted || `${r.id} ${Object.values(r.values).join(' ')}`.toLowerCase().includes(wanted));
    fill(listPlace, h('p', { role: 'status' }, `${rules.length} ${t('rows')}`), rules.map((r) => h('section', { class: 'panel rule', id: `rule-${r.id}` },
      h('header', null, h('h3', null, title(r)), h('code', null, r.id), yes(r.values.live) ? pill(t('r_live'), 'warn') : null, yes(r.values.sample) || /示例政策/.test(r.values.source ?? '') ? pill(t('r_sample'), 'soft') : null, /未核实/.test(r.values.source ?? '') ? pill(t('r_unchecked'), 'warn') : null, r.values.enabled === 'no' ? pill(t('r_off'), 'bad') : null,
        tries ? button(t('r_try_rule'), () => editRule(r), { kind: 'quiet', label: `${t('r_try_rule')} ${title(r)}` }) : null, counts.get(r.id) ? h('a', { href: link('violations', [], { rule: r.id }) }, `${t('nav_violations')} ${counts.get(r.id)}`) : null),
      h('p', null, h('strong', null, `${t('r_source')}: `), r.values.source ?? '—'),
      facts([[t('r_for'), r.values.authority], [t('r_where'), r.values.where], [t('r_who'), r.values.devices ?? r.values.class ?? r.values.classes], [t('r_hold'), r.values.hold], ...Object.entries(r.values).filter(([k]) => !told.includes(k)).map(([k, v]): [string, string] => [k, v])]),
      r.values.remind ? h('p', null, h('small', null, `${t('v_reminders')}: ${r.values.remind}`)) : null)));
  }

  async function load(): Promise<void> {
    const [answer, groups] = await Promise.all([ask('/api/v1/rules').then((a) => a.text()), get<{ groups: { key: string; count: number }[] }>('/api/v1/violations/counts', { by: 'rule' }).catch(() => ({ groups: [] }))]);
    text = answer;
    counts = new Map(groups.groups.map((g) => [g.key, g.count]));
    draw();
    const list = await get<Version[]>('/api/v1/rules', { list: 1 });
    fill(versions, h('summary', null, t('r_versions')), table(t('r_versions'), [{ head: t('d_valid_from'), cell: (v) => time(v.from), class: 'nowrap' }, { head: t('time'), cell: (v) => time(v.said), class: 'nowrap' }, { head: t('signed_in'), cell: (v) => v.who }, { head: t('e_bytes'), cell: (v) => String(v.bytes), class: 'number' }], list));
  }

  // --- changing and trying ---
  function edit(changed = text): void {
    trial?.end();
    const area = h('textarea', { rows: 24, spellcheck: 'false', 'aria-label': t('r_text') }, changed), mistakes = h('div', { role: 'alert' }), from = input('from', { type: 'datetime-local', value: toInput(Date.now()) });
    area.value = changed;
    const mistaken = (list: Mistake[]): void => fill(mistakes, list.length ? h('p', { class: 'bad' }, t('r_mistakes')) : null, list.map((m) => h('p', null, button(t('r_line', { n: m.line }), () => jump(area, m.line), { kind: 'quiet' }), chinese() ? m.text_zh : m.text)));
    const put = async (): Promise<void> => {
      const at = fromInput(from.value);
      try {
        await send('PUT', url('/api/v1/rules', { from: new Date(at >= Date.now() - 60000 ? Math.max(at, Date.now()) : at).toISOString() }), area.value);
        notice(t('r_put_done'));
        close();
        await load();
      } catch (error) {
        const list = error instanceof Problem ? error.body.mistakes as Mistake[] | undefined : undefined;
        if (!list) throw error;
        mistaken(list);
      }
    };
    trial = tries ? makeTrial(context, () => area.value, mistaken) : null;
    editPlace.hidden = false;
    fill(editPlace, h('h2', null, t('r_edit')), mistakes, area, trial?.element,
      h('div', { class: 'filters' }, writes ? [field(t('d_valid_from'), from, t('r_put_sure')), button(t('r_put'), () => void busy(put()), { kind: 'main' })] : null, button(t('r_discard'), close)));
    area.focus();
  }
  function close(): void {
    trial?.end();
    trial = null;
    editPlace.hidden = true;
    editPlace.replaceChildren();
  }
  /* One rule's thresholds as fields; what is changed goes into the file's text, which is then tried. */
  function editRule(r: Rule): void {
    const keys = ['hold', ...Object.keys(r.values).filter((k) => !told.includes(k))].filter((k) => r.values[k] !== undefined);
    dialog(title(r), [h('p', null, h('small', null, `${t('r_source')}: ${r.values.source ?? '—'}`)), h('div', { class: 'two' }, keys.map((k) => field(k === 'hold' ? t('r_hold') : k, input(k, { value: r.values[k]!, required: true }))))], (form) => {
      edit(keys.reduce((all, k) => (textOf(form, k) === r.values[k] ? all : withValue(all, r.id, k, textOf(form, k))), text));
      return Promise.resolve();
    }, t('r_apply'));
  }
  function jump(area: HTMLTextAreaElement, line: number): void {
    const before = area.value.split('\n').slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0), end = area.value.indexOf('\n', before);
    area.focus();
    area.setSelectionRange(before, end < 0 ? area.value.length : end);
  }

  const search = h('input', { type: 'search', value: query.get('q') ?? '', 'aria-label': t('search'), placeholder: t('search'), oninput: () => { if (search.value) query.set('q', search.value); else query.delete('q'); replaceQuery(place, query); draw(); } });
  fill(root, h('h1', null, t('nav_rules')), h('div', { class: 'filters' }, h('div', { class: 'field grow' }, search), writes || tries ? button(t(writes ? 'r_edit' : 'r_try'), () => edit()) : null), editPlace, listPlace, versions);
  void busy(load().then(() => { if (tries && place.query.get('try')) edit(triedRules() ?? text); }));
  return { end: close };
};
