/* sensors.ts -- sites and their streams: what is not well first, by village and kind; a chart of values with the
 * thresholds of the rules that hold. Where data are missing the line is missing: a step without values is null, never
 * a bridge. The storm page is storm.ts.
 *
 *   #/sensors?group=village&stream=dam1/level&span=24h      #/sensors?part=storm */
import { ask, get } from '../api';
import { timeChart, type Chart, type Level } from '../charts';
import { fill, h, type Child } from '../dom';
import { count, duration, time } from '../format';
import { chinese, t, word, type Key } from '../messages';
import { replaceQuery } from '../router';
import { globFits, parseRules, titleOfRule, type Rule } from '../rules_text';
import { stormPart, type Status } from '../storm';
import { button, busy, facts, field, input, pill, select, table } from '../widgets';
import type { Context, Mount } from './index';

interface Stream { stream: string; site: string; quantity: string; unit: string; kind: string; range_min: number | null; range_max: number | null; interval_ms: number | null; name: string }
interface Bucket { from: string; until: string; count: number; min: number | null; max: number | null; mean: number | null }
interface Coverage { installed: number; reporting: number; coverage_percent: number | null; [group: string]: string | number | null }
interface Group { key: string; rows: Status[] }

const spans: [string, Key, number, number][] = [['6h', 's_6h', 6 * 3600000, 60000], ['24h', 's_24h', 24 * 3600000, 300000], ['7d', 's_7d', 7 * 86400000, 1800000], ['30d', 's_30d', 30 * 86400000, 7200000]];
const groupings = ['village', 'quantity', 'site', 'sector', 'company'] as const;
const conditions = ['alarm', 'fault', 'test', 'normal'] as const;
const states = ['ok', 'late', 'silent', 'never'] as const;
const stateKind: Record<string, string> = { ok: 'good', late: 'warn', silent: 'bad', never: 'soft' };
const conditionKind: Record<string, string> = { alarm: 'bad', fault: 'warn', test: 'soft', normal: 'good' };
const EVERY_MS = 30000;
const LISTED = 500;

const parts: [string, Key][] = [['status', 's_part_status'], ['storm', 's_part_storm']];

export const mount: Mount = (root, context) => {
  const query = new URLSearchParams(context.place.query), part = query.get('part') === 'storm' ? 'storm' : 'status', place = h('div');
  fill(root, h('h1', null, t('nav_sensors')), h('div', { class: 'tabs', role: 'group', 'aria-label': t('nav_sensors') }, parts.map(([key, name]) => button(t(name), () => {
    current.end();
    root.replaceChildren();
    replaceQuery(context.place, new URLSearchParams(key === 'status' ? {} : { part: key }));
    current = mount(root, context);
  }, { pressed: key === part }))), place);
  const shown = part === 'storm' ? stormPart(context.principal, context.place) : statusPart(context);
  fill(place, shown.element);
  let current: { end: () => void } = shown;
  return { end: () => current.end() };
};

const worst = (a: Status, b: Status): number => conditions.indexOf(a.condition as never) - conditions.indexOf(b.condition as never) || states.indexOf(b.state as never) - states.indexOf(a.state as never) || a.site.localeCompare(b.site) || a.quantity.localeCompare(b.quantity);
const isUnwell = (s: Status): boolean => s.condition !== 'normal' || s.state !== 'ok' || s.in_range === false;
const valueOf = (s: Status): Child => (s.value === null || s.value === undefined ? '—' : h('span', { class: s.in_range === false ? 'bad' : '' }, `${s.value}${s.unit ? ` ${s.unit}` : ''}`));

function statusPart({ place }: Context): { element: HTMLElement; end: () => void } {
  const query = new URLSearchParams(place.query), cards = h('div', { class: 'cards' }), board = h('section', { class: 'panel' }), listPlace = h('section', { class: 'panel' }), chartPlace = h('section', { class: 'panel' });
  let streams: Stream[] = [], status: Status[] = [], rules: Rule[] = [], coverage: Coverage[] = [], chart: Chart | null = null, shown = 0;
  const grouping = (): typeof groupings[number] => groupings.find((g) => g === query.get('group')) ?? 'village';
  const change = (key: string, value: string): void => { if (value) query.set(key, value); else query.delete(key); replaceQuery(place, query); };

  // --- the board ---
  function groups(): Group[] {
    const by = new Map<string, Status[]>();
    for (const s of status) { const key = String((s as unknown as Record<string, unknown>)[grouping()] ?? ''); by.set(key, [...by.get(key) ?? [], s]); }
    return [...by].map(([key, rows]) => ({ key, rows })).sort((a, b) => a.key.localeCompare(b.key, 'zh'));
  }
  function drawBoard(): void {
    const has = (k: string) => (rows: Status[]): number => rows.filter((s) => s.condition === k || s.state === k).length, of = (key: string) => coverage.find((c) => c[grouping()] === key);
    const number = (k: string): { head: string; class: string; cell: (g: Group) => Child } => ({ head: t(`s_${k}` as Key), class: 'number', cell: (g) => { const n = has(k)(g.rows); return h('span', { class: n && (k === 'alarm' || k === 'silent') ? 'bad' : '' }, String(n)); } });
    const card = (k: string): HTMLElement => h('div', { class: (k === 'alarm' || k === 'silent') && has(k)(status) ? 'card alert' : 'card' }, h('b', null, count(has(k)(status))), h('span', null, t(`s_${k}` as Key)));
    const all = of('*');
    fill(cards, h('div', { class: 'card' }, h('b', null, count(status.length)), h('span', null, t('s_streams'))), ['alarm', 'fault', 'test', 'ok', 'late', 'silent', 'never'].map(card),
      all ? h('div', { class: 'card' }, h('b', null, `${all.coverage_percent ?? 0} %`), h('span', null, `${t('s_coverage')} ${all.reporting} / ${all.installed}`)) : null);
    fill(board, h('div', { class: 'filters' }, field(t('s_by'), select(groupings.map((g): [string, string] => [g, t(g === 'quantity' ? 's_kind' : `s_${g}`)]), grouping(), (v) => { change('group', v); change('of', ''); void busy(loadCoverage().then(draw)); })), button(t('print'), () => print(), { kind: 'quiet' })),
      table(t('s_part_status'), [
        { head: t(grouping() === 'quantity' ? 's_kind' : `s_${grouping()}` as Key), cell: (g) => (grouping() === 'quantity' ? word('q', g.key) : g.key || t('s_unsaid')) }, { head: t('s_streams'), cell: (g) => String(g.rows.length), class: 'number' },
        ...['alarm', 'fault', 'test', 'ok', 'late', 'silent', 'never'].map(number),
        ...(grouping() === 'quantity' ? [] : [{ head: t('s_coverage'), class: 'number', cell: (g: Group): Child => { const c = of(g.key); return c ? `${c.coverage_percent ?? 0} % (${c.reporting}/${c.installed})` : '—'; } }]),
      ], groups(), (g) => { change('of', query.get('of') === `=${g.key}` ? '' : `=${g.key}`); draw(); }, (g) => query.get('of') === `=${g.key}`));
  }

  // --- streams, what is not well first ---
  function drawList(): void {
    const chosen = query.get('stream'), text = (query.get('q') ?? '').toLowerCase(), of = query.get('of')?.slice(1);
    const fits = status.filter((s) => (of === undefined || String((s as unknown as Record<string, unknown>)[grouping()] ?? '') === of) && (!query.get('unwell') || isUnwell(s)) && (!text || `${s.site} ${s.name} ${s.quantity} ${s.village}`.toLowerCase().includes(text))).sort(worst);
    fill(listTable, h('p', { role: 'status' }, `${count(fits.length)} ${t('rows')}`), table(t('s_streams'), [
      { head: t('s_site'), cell: (s) => (s.name ? [s.name, h('br'), h('small', null, s.site)] : s.site) }, { head: t('s_quantity'), cell: (s) => { const name = streams.find((x) => x.stream === s.stream)?.name; const said = name || word('q', s.quantity); return said === s.quantity ? said : [said, h('br'), h('small', null, s.quantity)]; } },
      { head: t('s_value'), class: 'number', cell: valueOf },
      { head: t('s_state'), cell: (s) => [s.condition === 'normal' ? null : pill(t(`s_${s.condition}` as Key), conditionKind[s.condition] ?? ''), ' ', pill(word('s', s.state), stateKind[s.state] ?? '')] },
      { head: t('s_age'), class: 'nowrap', cell: (s) => (s.age_s === null ? '—' : duration(s.age_s * 1000)) },
    ], fits.slice(0, LISTED), (s) => { change('stream', `${s.site}/${s.quantity}`); drawList(); void busy(drawChart()); }, (s) => chosen === `${s.site}/${s.quantity}` || chosen === s.stream));
  }
  const search = input('q', { type: 'search', value: query.get('q') ?? '', placeholder: t('search') });
  search.setAttribute('aria-label', t('search'));
  search.addEventListener('input', () => { change('q', search.value.trim()); drawList(); });
  const unwell = h('input', { type: 'checkbox', checked: query.get('unwell') === '1', onchange: () => { change('unwell', unwell.checked ? '1' : ''); drawList(); } });
  const listTable = h('div');
  fill(listPlace, h('h2', null, t('s_streams')), h('div', { class: 'filters' }, h('div', { class: 'field grow' }, search), h('label', null, unwell, ' ', t('s_worst'))), listTable);

  // --- one stream ---
  /* Limits of the rules that hold for this quantity, in its unit; the physical range does not stretch the chart. */
  function levelsOf(s: Stream): Level[] {
    const own = rules.filter((r) => r.values.kind === 'level' && r.values.enabled !== 'no' && r.values.limit !== undefined && Number.isFinite(Number(r.values.limit)) && globFits(r.values.quantity ?? '', s.quantity) && (!r.values.unit || !s.unit || r.values.unit === s.unit));
    const range = ([['s_low', s.range_min], ['s_high', s.range_max]] as [Key, number | null][]).filter((e): e is [Key, number] => e[1] !== null && e[1] !== undefined);
    return [...own.map((r) => ({ value: Number(r.values.limit), label: titleOfRule(r, chinese()) })), ...range.map(([key, value]) => ({ value, label: t(key), colour: '#7a8b99', stretch: false }))];
  }
  async function drawChart(): Promise<void> {
    const name = query.get('stream'), mine = ++shown;
    const stream = streams.find((s) => `${s.site}/${s.quantity}` === name || s.stream === name), last = status.find((s) => s.stream === stream?.stream);
    chart?.destroy();
    chart = null;
    if (!stream) { fill(chartPlace, h('p', { class: 'none' }, t('s_choose'))); return; }
    const [token, , length, least] = spans.find(([s]) => s === query.get('span')) ?? spans[1]!;
    // the span ends now, or where the last value is when that is long ago
    const lastMs = last?.time ? Date.parse(last.time) : Date.now();
    const to = Date.now() - lastMs > length ? lastMs + 1 : Date.now(), from = to - length, step = Math.max(least, stream.interval_ms ?? 0);
    const { rows } = await get<{ rows: Bucket[] }>('/api/v1/series', { stream: stream.stream, from: Math.floor(from / step) * step, to, step: `${Math.round(step / 1000)}s`, aggregate: 'count,min,max,mean' });
    if (mine !== shown) return;
    const known = rows.filter((r) => r.count > 0), levels = levelsOf(stream);
    const all = (f: (r: Bucket) => number | null): (number | null)[] => rows.map((r) => (r.count ? f(r) : null));
    if (known.some((r) => r.mean !== null)) chart = timeChart(rows.map((r) => Date.parse(r.from)), [{ label: t('s_mean'), values: all((r) => r.mean) }, { label: t('s_min'), values: all((r) => r.min), dash: [3, 3], colour: '#7a8b99' }, { label: t('s_max'), values: all((r) => r.max), dash: [3, 3], colour: '#b35900' }], stream.unit, { name: `${stream.site} ${stream.quantity}`, height: 300, levels });
    const gaps = rows.reduce((n, r, i) => n + (r.count === 0 && (i === 0 || rows[i - 1]!.count > 0) ? 1 : 0), 0);
    fill(chartPlace, h('h2', null, `${last?.name || stream.site} · ${stream.name || word('q', stream.quantity)}`, ' ', last ? pill(t(`s_${last.condition}` as Key), conditionKind[last.condition] ?? '') : null), h('div', { class: 'buttons', role: 'group', 'aria-label': t('s_range') }, spans.map(([s, key]) => button(t(key), () => { change('span', s); void busy(drawChart()); }, { pressed: s === token }))),
      chart ? [chart.element, h('p', null, h('small', null, `${t('s_gaps')};${t('s_thresholds')}`))] : h('p', { class: 'none' }, t('s_no_values')),
      facts([[t('s_value'), last ? valueOf(last) : null], [t('s_last'), last?.time ? time(last.time) : null], [t('s_min'), known.length ? String(Math.min(...known.map((r) => r.min ?? NaN))) : '—'], [t('s_max'), known.length ? String(Math.max(...known.map((r) => r.max ?? NaN))) : '—'], [t('count'), count(rows.reduce((n, r) => n + r.count, 0))], [t('d_gaps'), String(gaps)], [t('s_low'), stream.range_min?.toString() ?? '—'], [t('s_high'), stream.range_max?.toString() ?? '—'],
        ...levels.filter((l) => l.stretch !== false).map((l): [string, string] => [l.label, `${l.value} ${stream.unit}`]), [t('s_range'), `${time(from)} – ${time(to)}`], ['Δ', stream.interval_ms ? duration(stream.interval_ms) : '—']]));
  }

  const draw = (): void => { drawBoard(); drawList(); };
  async function loadCoverage(): Promise<void> {
    coverage = grouping() === 'quantity' ? [] : (await get<{ rows: Coverage[] }>('/api/v1/sites/coverage', { group: grouping(), from: Date.now() - 86400000 })).rows;
  }
  async function load(): Promise<void> {
    const [a, b, text] = await Promise.all([get<{ rows: Stream[] }>('/api/v1/streams'), get<{ rows: Status[] }>('/api/v1/sites/status'), ask('/api/v1/rules').then((r) => r.text(), () => ''), loadCoverage()]);
    streams = a.rows;
    status = b.rows;
    rules = parseRules(text);
    draw();
    await drawChart();
  }
  void busy(load());
  const timer = setInterval(() => { if (!document.hidden && !board.contains(document.activeElement)) void get<{ rows: Status[] }>('/api/v1/sites/status').then((l) => { status = l.rows; draw(); }).catch(() => { /* the next turn asks again */ }); }, EVERY_MS);
  return { element: h('div', null, cards, board, h('div', { class: 'split' }, listPlace, chartPlace)), end: () => { clearInterval(timer); chart?.destroy(); } };
}
