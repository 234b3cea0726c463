/* register.ts -- the hazard register: six lists, a board by state, one hazard with its history and the next steps that
 * its state and one's role allow, books by one click.
 *
 *   #/register?list=hazards&view=board      #/register/7 */
import { ask, download, get, send, url } from '../api';
import { fill, h, type Child } from '../dom';
import { time, fromInput, toInput } from '../format';
import { chinese, said, t } from '../messages';
import { go, link, replaceQuery, type Place } from '../router';
import { button, busy, dialog, facts, field, input, into, notice, pill, select, table, textOf } from '../widgets';
import type { Mount } from './index';

const lists: [string, string, string][] = [['supervision', '监督清单', 'Supervision'], ['hazards', '隐患清单', 'Hazards'], ['rectification', '整改清单', 'Rectification'], ['acceptance', '验收销号清单', 'Acceptance'], ['enforcement', '执法清单', 'Enforcement'], ['accountability', '问责清单', 'Accountability']];
const lanes: [string, string, string][] = [['found', '排查', 'Found'], ['registered', '登记', 'Registered'], ['assigned', '交办', 'Assigned'], ['rectifying', '整改', 'Rectifying'], ['applied', '申请验收', 'Applied'], ['accepted', '验收', 'Accepted'], ['closed', '销号', 'Closed']];
const steps: Record<string, [string, string]> = { register: ['登记', 'Register'], assign: ['交办', 'Assign'], start: ['开始整改', 'Begin'], apply: ['申请验收', 'Apply for acceptance'], accept: ['验收通过', 'Accept'], return: ['退回', 'Return'], close: ['销号', 'Close'], request_listing: ['提请挂牌', 'Ask for listing'], list: ['挂牌督办', 'List'], release: ['解除挂牌', 'Release'], extend: ['延期', 'Extend'], hand_over: ['移交执法', 'Hand over'], account: ['问责', 'Hold to account'], recheck: ['回头看', 'Look again'], relapse: ['反弹', 'Relapsed'], join: ['并入线索', 'Join'], detach: ['撤回线索', 'Detach'], amend: ['更正', 'Amend'], attach: ['附件', 'Attach'], void: ['作废', 'Void'], escalate: ['提级', 'Escalate'] };
/* token: Chinese, English, kind of input */
const fields: Record<string, [string, string, string?]> = { source: ['来源', 'Source'], found: ['发现时间', 'Found at', 'time'], finder: ['排查人', 'Found by'], site: ['隐患点', 'Site'], company: ['企业', 'Company'], village: ['所属村', 'Village'], grid: ['网格', 'Grid'], place: ['坐标', 'Place'], sector: ['行业领域', 'Sector'], category: ['隐患类别', 'Category'], description: ['隐患描述', 'Description'], grade: ['隐患等级', 'Grade', 'grade'], life_threat: ['危及人身安全', 'Threatens lives', 'yes'], basis: ['判定依据', 'Basis'], unit: ['责任单位', 'Unit'], person: ['责任人', 'Person'], supervisor: ['监督部门', 'Supervisor'], measures: ['整改措施', 'Measures'], fund: ['整改资金', 'Fund'], plan: ['应急预案', 'Plan'], deadline: ['整改时限', 'Deadline', 'date'], acceptor: ['验收人', 'Accepted by'], leader: ['挂钩领导', 'Leader'], listing_document: ['挂牌文号', 'Listing document'], enforcement_document: ['执法文书号', 'Enforcement document'], accountability_document: ['问责文号', 'Accountability document'], cause: ['成因', 'Cause'], reference: ['来源编号', 'Reference'], signature: ['签字文件', 'Signature'], self_found: ['企业自查发现', 'Self-found', 'yes'], report_document: ['书面报告文号', 'Report document'] };
/* What a step usually says; what it must say the server tells. */
const asksFor: Record<string, string[]> = {
  find: ['description', 'site', 'company', 'village', 'found', 'finder', 'source', 'sector', 'category', 'grade', 'life_threat', 'basis'], register: ['description', 'site', 'sector', 'category', 'grade', 'life_threat', 'basis', 'unit'],
  assign: ['unit', 'person', 'supervisor', 'measures', 'fund', 'plan', 'deadline'], apply: ['measures'], accept: ['acceptor'], extend: ['deadline'], list: ['listing_document', 'leader'], hand_over: ['enforcement_document'], account: ['accountability_document'],
  amend: ['description', 'site', 'company', 'village', 'sector', 'category', 'grade', 'basis', 'unit', 'person', 'supervisor', 'leader'],
};
const grades: [string, string, string][] = [['general', '一般', 'General'], ['larger', '较大', 'Larger'], ['major', '重大', 'Major']];
const sources: [string, string, string][] = [['inspection', '检查', 'Inspection'], ['self_check', '自查', 'Self-check'], ['tip', '举报', 'Tip'], ['violation', '动态监控', 'Monitoring'], ['sensor', '传感报警', 'Sensor']];
const pick = (row: [string, string, string?] | [string, string] | undefined, token: string): string => row?.[chinese() ? 0 : 1] ?? token;
const words = (table_: [string, string, string][], token: string): string => { const row = table_.find(([k]) => k === token); return row ? row[chinese() ? 1 : 2] : token; };

interface Hazard { id: number; code: string; version: number; state: string; state_zh: string; listing: string; listing_zh: string; overdue: boolean; escalated: boolean; linked: number; relapses: number; changed: string; fields: Record<string, string>; allowed?: string[] }
interface Step { number: number; step: string; step_zh: string; at: string; who?: string; unit?: string; role_zh: string; role: string; note?: string; document?: string; link?: string; name?: string; attachment?: string; changes: Record<string, string> }
interface Counts { all: number; open: number; overdue: number; major_open: number; closed: number; relapsed: number }

export const mount: Mount = (root, context) => {
  const show = (place: Place): void => { root.replaceChildren(); if (place.rest[0]) one(root, place); else list(root, place); };
  show(context.place);
  return { end: () => { /* nothing runs on */ }, moved: show };
};

const gradePill = (hz: Hazard): HTMLElement => pill(words(grades, hz.fields.grade ?? '—'), hz.fields.grade === 'major' ? 'bad' : hz.fields.grade === 'larger' ? 'warn' : 'soft');
const ownerOf = (hz: Hazard): string => hz.fields.company || hz.fields.village || hz.fields.unit || '';
const shownValue = (key: string, value: string): string => (key === 'grade' ? words(grades, value) : key === 'source' ? words(sources, value) : key === 'found' ? time(value) : fields[key]?.[2] === 'yes' ? t(value === 'yes' ? 'yes' : 'no') : value);

// --- lists and the board ---

function list(root: HTMLElement, place: Place): void {
  const query = new URLSearchParams(place.query), cards = h('div', { class: 'cards' }), body = h('div');
  let rows: Hazard[] = [], next: string | null = null;
  const filter = (): Record<string, string | undefined> => ({ list: query.get('list') ?? 'hazards', village: query.get('village') ?? undefined, company: query.get('company') ?? undefined, grade: query.get('grade') ?? undefined, overdue: query.get('overdue') ?? undefined });
  const change = (key: string, value: string): void => { if (value) query.set(key, value); else query.delete(key); replaceQuery(place, query); draw(); void busy(load()); };

  async function load(cursor?: string): Promise<void> {
    const [page, counts] = await Promise.all([get<{ hazards: Hazard[]; next: string | null }>('/api/v1/hazards', { ...filter(), order: 'deadline', limit: 300, cursor }), get<Counts>('/api/v1/hazards/counts', filter())]);
    rows = cursor ? [...rows, ...page.hazards] : page.hazards;
    // overdue first, and then as the server has them: by deadline
    rows.sort((a, b) => Number(b.overdue) - Number(a.overdue));
    next = page.next;
    const card = (name: string, n: number, alert = false): HTMLElement => h('div', { class: alert && n ? 'card alert' : 'card' }, h('b', null, String(n)), h('span', null, name));
    fill(cards, card(t('h_all'), counts.all), card(t('h_open'), counts.open), card(t('h_overdue'), counts.overdue, true), card(t('h_major'), counts.major_open, true), card(t('h_closed'), counts.closed), card(t('h_relapsed'), counts.relapsed, true));
    drawBody();
  }
  function drawBody(): void {
    if (query.get('view') === 'table')
      fill(body, h('section', { class: 'panel' }, table(t('nav_register'), [
        { head: '№', cell: (r) => r.code, class: 'nowrap' }, { head: t('h_description'), cell: (r) => r.fields.description ?? '' }, { head: t('h_grade'), cell: gradePill }, { head: t('state'), cell: (r) => [said(r as unknown as Record<string, unknown>, 'state'), r.overdue ? [' ', pill(t('h_overdue'), 'bad')] : []].flat() as Child[] },
        { head: t('company'), cell: ownerOf }, { head: t('h_unit'), cell: (r) => r.fields.unit ?? '' }, { head: t('h_deadline'), cell: (r) => r.fields.deadline ?? '—', class: 'nowrap' },
      ], rows, (r) => go(link('register', [String(r.id)], query))), next ? h('div', { class: 'actions' }, button(t('more'), () => void busy(load(next!)))) : null));
    else
      fill(body, h('div', { class: 'board', tabindex: '0', role: 'region', 'aria-label': t('h_board') }, lanes.map(([token, zh, en]) => {
        const mine = rows.filter((r) => r.state === token);
        return h('section', { class: 'lane' }, h('h3', null, chinese() ? zh : en, h('span', null, String(mine.length))), mine.slice(0, 50).map((r) => h('button', { type: 'button', class: r.overdue ? 'ticket overdue' : 'ticket', onclick: () => go(link('register', [String(r.id)], query)) },
          h('strong', null, r.fields.description ?? r.code), h('small', null, `${r.code} · ${ownerOf(r)}`), h('span', null, gradePill(r), ' ', r.overdue ? pill(t('h_overdue'), 'bad') : null, r.fields.deadline ? h('small', null, `${t('h_deadline')} ${r.fields.deadline}`) : null))));
      })));
  }
  function draw(): void {
    const current = query.get('list') ?? 'hazards', view = query.get('view') ?? 'board';
    const search = (key: string, title: string): HTMLElement => field(title, h('input', { type: 'search', value: query.get(key) ?? '', onchange: (e: Event) => change(key, (e.target as HTMLInputElement).value.trim()) }));
    fill(root, h('h1', null, t('nav_register')), cards,
      h('div', { class: 'tabs', role: 'group', 'aria-label': t('h_lists') }, lists.map(([token, zh, en]) => button(chinese() ? zh : en, () => change('list', token), { pressed: token === current }))),
      h('div', { class: 'filters' }, search('village', t('village')), search('company', t('company')), field(t('h_grade'), select([['', t('all')], ...grades.map(([k, zh, en]): [string, string] => [k, chinese() ? zh : en])], query.get('grade') ?? '', (v) => change('grade', v))),
        h('label', null, h('input', { type: 'checkbox', checked: query.get('overdue') === '1', onchange: (e: Event) => change('overdue', (e.target as HTMLInputElement).checked ? '1' : '') }), ' ', t('h_overdue')),
        button(t('h_board'), () => change('view', ''), { pressed: view === 'board' }), button(t('h_table'), () => change('view', 'table'), { pressed: view === 'table' }), button(t('h_new'), () => take(null, 'find', () => void busy(load())), { kind: 'main' }), button(t('h_books'), books)), body);
    drawBody();
  }
  draw();
  void busy(load());
}

function books(): void {
  const village = input('village'), company = input('company'), sector = input('sector');
  const get_ = (kind: string, name: string | undefined, file: string): void => void busy(download(url('/api/v1/hazards/book', { kind, name }), `${file}.xlsx`));
  const row = (title: string, kind: string, which: HTMLInputElement): HTMLElement => h('div', { class: 'two' }, field(title, which), h('div', { class: 'actions' }, button(t('export'), () => { if (which.value.trim()) get_(kind, which.value.trim(), `${title}-${which.value.trim()}`); else which.focus(); })));
  dialog(t('h_books'), [button(t('h_book_six'), () => get_('lists', undefined, t('h_lists')), { kind: 'main' }), row(t('h_book_village'), 'village', village), row(t('h_book_company'), 'enterprise', company), row(t('h_book_sector'), 'sector', sector)], null);
}

// --- a step ---

function fieldInput(key: string, value: string): HTMLElement {
  const [zh, en, kind] = fields[key] ?? [key, key];
  const title = chinese() ? zh : en;
  const choice = (options: [string, string, string][]): HTMLElement => h('select', { name: key, value }, [['', '—', '—'] as [string, string, string], ...options].map(([k, a, b]) => h('option', { value: k }, chinese() ? a : b)));
  if (kind === 'grade') return field(title, choice(grades));
  if (key === 'source') return field(title, choice(sources));
  if (kind === 'yes') return field(title, choice([['yes', '是', 'Yes'], ['no', '否', 'No']]));
  if (kind === 'time') return field(title, input(key, { type: 'datetime-local', value: value ? toInput(Date.parse(value)) : toInput(Date.now()) }));
  return field(title, input(key, { value, type: kind ?? 'text' }));
}

function take(hz: Hazard | null, step: string, done: () => void): void {
  const asked = asksFor[step] ?? [];
  const defaults: Record<string, string> = hz?.fields ?? { source: 'inspection' };
  const file = step === 'attach' ? h('input', { type: 'file', name: 'file', required: true }) : null;
  dialog(pick(steps[step], step === 'find' ? t('h_new') : step), [h('div', { class: 'two' }, asked.map((key) => fieldInput(key, defaults[key] ?? ''))), file ? field(t('h_attach'), file) : null, step === 'find' || step === 'attach' ? null : field(t('h_note'), input('note')), step === 'join' || step === 'detach' ? field(fields.reference![chinese() ? 0 : 1], input('link', { required: true })) : null], async (form) => {
    const changed: Record<string, string> = {};
    for (const key of asked) {
      let value = textOf(form, key);
      if (fields[key]?.[2] === 'time' && value) value = new Date(fromInput(value)).toISOString();
      if (value && value !== hz?.fields[key]) changed[key] = value;
    }
    const match: Record<string, string> = hz ? { 'if-match': `"${hz.version}"` } : {};
    if (!hz) await send('POST', '/api/v1/hazards', { fields: changed });
    else if (file) await attach(hz, file.files![0]!);
    else await send('POST', `/api/v1/hazards/${hz.id}/steps`, { step, ...(textOf(form, 'note') ? { note: textOf(form, 'note') } : {}), ...(textOf(form, 'link') ? { link: textOf(form, 'link') } : {}), ...(Object.keys(changed).length ? { fields: changed } : {}) }, match);
    notice(t('h_taken'));
    done();
  }, t('h_take'));
}

async function attach(hz: Hazard, file: File): Promise<void> {
  await ask(url(`/api/v1/hazards/${hz.id}/attachments`, { name: file.name }), { method: 'POST', body: file, headers: { 'content-type': 'application/octet-stream', 'if-match': `"${hz.version}"` } });
}

// --- one ---

function one(root: HTMLElement, place: Place): void {
  const id = encodeURIComponent(place.rest[0]!);
  const draw = (): void => void into(root, () => Promise.all([get<Hazard>(`/api/v1/hazards/${id}`), get<Step[]>(`/api/v1/hazards/${id}/history`)]), ([hz, history]) => [
    h('p', null, h('a', { href: link('register', [], place.query) }, `← ${t('h_back')}`)),
    h('h1', null, `${hz.code} `, pill(said(hz as unknown as Record<string, unknown>, 'state')), ' ', gradePill(hz), hz.overdue ? [' ', pill(t('h_overdue'), 'bad')] : [], hz.listing !== 'none' ? [' ', pill(said(hz as unknown as Record<string, unknown>, 'listing'), 'warn')] : []),
    h('p', null, hz.fields.description ?? ''),
    h('section', { class: 'panel' }, h('h2', null, t('h_steps')), h('div', { class: 'buttons' }, (hz.allowed ?? []).map((step, i) => button(pick(steps[step], step), () => take(hz, step, draw), i === 0 ? { kind: 'main' } : step === 'void' ? { kind: 'bad' } : {})), hz.allowed?.length ? null : h('span', null, t('h_refused')))),
    h('div', { class: 'split' }, h('section', { class: 'panel' }, facts(Object.entries(hz.fields).filter(([key]) => key !== 'description').map(([key, value]) => [pick(fields[key], key), shownValue(key, value)]))),
      h('section', { class: 'panel' }, h('h2', null, t('h_history')), h('ol', { class: 'history' }, [...history].reverse().map((e) => h('li', null, h('time', null, time(e.at)), h('strong', null, said(e as unknown as Record<string, unknown>, 'step')), ` · ${e.who ?? ''} ${said(e as unknown as Record<string, unknown>, 'role')}`,
        e.note ? h('div', null, e.note) : null, e.document ? h('div', null, e.document) : null, e.link ? h('div', null, h('small', null, e.link)) : null,
        e.attachment ? h('div', null, button(e.name ?? t('h_attach'), () => void busy(download(`/api/v1/hazards/${id}/attachments/${e.attachment}`, e.name ?? 'file')), { kind: 'quiet' })) : null,
        Object.keys(e.changes).length ? h('small', null, Object.entries(e.changes).map(([key, value]) => `${pick(fields[key], key)} ${shownValue(key, value)}`).join(' · ')) : null)))))]);
  draw();
}
