/* storm.ts -- the storm page: how much it rained at every gauge in the last 1, 3, 6, 12 and 24 hours and which signal that
 * reaches by the rules that hold, water levels, warnings in force, and which boats are still out.
 *
 *   rain per ten minutes  [.][2][5][.][-][1]     '-' no value came: the sum is at least so much, and says so
 *                                 └── 1 h ──┘ */
import { ask, get, Problem } from './api';
import { fill, h, type Child } from './dom';
import { duration, fromInput, time, toInput } from './format';
import { chinese, t } from './messages';
import { link, replaceQuery, type Place } from './router';
import { globFits, parseRules, titleOfRule, type Rule } from './rules_text';
import { may, type Principal } from './session';
import { button, busy, field, input, pill, table, wordsOf } from './widgets';

export interface Status { stream: string; site: string; name: string; village: string; sector: string; quantity: string; kind: string; unit: string; time: string | null; value: number | string | null; in_range: boolean | null; age_s: number | null; state: string; condition: string; level: string; open_findings: number; rules: string }
interface Step { stream: string; site: string; quantity: string; from: string; count: number; sum: number | null }
interface Warning { number: number; headline?: string; kind_zh?: string; level?: string; level_zh?: string; kind?: string; from?: string; until?: string; state?: string }
interface RollCall { at: string; counts: Record<string, number> & { people: Record<string, number> }; villages: (Record<string, number> & { name: string | null })[] }

const HOURS = [1, 3, 6, 12, 24];
const STEP_MS = 600000;
const EVERY_MS = 60000;
const STREAMS = 40; // of one question: an address has its bounds
const signals = ['red', 'orange', 'yellow', 'blue'];
const isRain = (quantity: string): boolean => ['rain', 'rain_now', 'rain_5min'].includes(quantity);
const isLevel = (quantity: string): boolean => /(_level|_depth)$|^level$/.test(quantity);

interface Sum { mm: number; whole: boolean; none: boolean }
interface Gauge { stream: string; site: string; quantity: string; sums: Sum[]; reached: Rule[] }

/* Sums back from the end; a step without a value makes those that hold it a lower bound. */
function sumsOf(steps: Step[], endMs: number): Sum[] {
  return HOURS.map((hours) => {
    const within = steps.filter((s) => Date.parse(s.from) >= endMs - hours * 3600000);
    return { mm: Math.round(within.reduce((n, s) => n + (s.sum ?? 0), 0) * 10) / 10, whole: within.length > 0 && within.every((s) => s.count > 0), none: within.every((s) => s.count === 0) };
  });
}

const amount = (s: Sum): string => (s.none ? '—' : `${s.whole ? '' : '≥ '}${s.mm}`);

/* The rules of rain whose amount this gauge has had, heaviest first: as they are named, red before blue. */
function reachedBy(rules: Rule[], quantity: string, sums: Sum[]): Rule[] {
  return rules.filter((r) => {
    const at = HOURS.indexOf(Number(/^(\d+) h$/.exec(r.values.time ?? '')?.[1]));
    return r.values.kind === 'window_sum' && !r.values.where && at >= 0 && globFits(r.values.quantity ?? '', quantity) && sums[at]!.mm >= Number(r.values.limit);
  }).sort((a, b) => Number(b.values.severity) - Number(a.values.severity) || Number(b.values.limit) - Number(a.values.limit));
}
const signalOf = (r: Rule): string => signals.find((s) => r.id.includes(s)) ?? '';
const kindOf = (r: Rule): string => ({ red: 'bad', orange: 'bad', yellow: 'warn', blue: '' }[signalOf(r)] ?? 'soft');

/* What a role may not see, or a server does not have, is left out; what fails says so. */
async function perhaps<T>(allowed: boolean, work: () => Promise<T>): Promise<T | null> {
  if (!allowed) return null;
  try { return await work(); } catch (error) {
    if (error instanceof Problem && [403, 404].includes(error.status)) return null;
    throw error;
  }
}

export function stormPart(principal: Principal, place: Place): { element: HTMLElement; end: () => void } {
  const query = new URLSearchParams(place.query), body = h('div');
  const at = input('at', { type: 'datetime-local', value: query.get('at') ?? toInput(Date.now()) });
  let ended = false, mine = 0;
  at.addEventListener('change', () => { query.set('at', at.value); replaceQuery(place, query); void busy(load()); });

  async function gauges(rules: Rule[], status: Status[], nowMs: number): Promise<Gauge[]> {
    const rain = status.filter((s) => isRain(s.quantity));
    if (!rain.length) return [];
    const endMs = Math.ceil(nowMs / STEP_MS) * STEP_MS;
    const pages = await Promise.all(Array.from({ length: Math.ceil(rain.length / STREAMS) }, (_, i) => get<{ rows: Step[] }>('/api/v1/series', { stream: rain.slice(i * STREAMS, (i + 1) * STREAMS).map((s) => s.stream).join(','), from: endMs - 24 * 3600000, to: endMs - 1, step: '10m', aggregate: 'sum,count' })));
    const byStream = new Map<string, Step[]>();
    for (const row of pages.flatMap((p) => p.rows)) byStream.set(row.stream, [...byStream.get(row.stream) ?? [], row]);
    return rain.map((s) => {
      const sums = sumsOf(byStream.get(s.stream) ?? [], endMs);
      return { stream: s.stream, site: s.name ? `${s.name} (${s.site})` : s.site, quantity: s.quantity, sums, reached: reachedBy(rules, s.quantity, sums) };
    }).sort((a, b) => Number(b.reached[0]?.values.severity ?? 0) - Number(a.reached[0]?.values.severity ?? 0) || Number(a.sums[4]!.none) - Number(b.sums[4]!.none) || b.sums[4]!.mm - a.sums[4]!.mm);
  }

  const card = (name: string, value: string, alert = false): HTMLElement => h('div', { class: alert ? 'card alert' : 'card' }, h('b', null, value), h('span', null, name));

  async function load(): Promise<void> {
    const turn = ++mine, live = !query.get('at'), nowMs = live ? Date.now() : fromInput(query.get('at')!);
    const [rules, { rows: status }, warnings, roll] = await Promise.all([
      ask('/api/v1/rules').then((a) => a.text()).then(parseRules), get<{ rows: Status[] }>('/api/v1/sites/status'),
      perhaps(may(principal, 'warnings'), () => get<{ warnings: Warning[] }>('/api/v1/warnings', { at: nowMs })), perhaps(may(principal, 'roll-call'), () => get<RollCall>('/api/v1/roll-call', { at: live ? undefined : nowMs, boats: 'none' }))]);
    const list = await gauges(rules, status, nowMs);
    if (ended || turn !== mine) return;
    if (live) at.value = toInput(nowMs);
    const most = list.reduce<Gauge | null>((a, g) => (!a || g.sums[0]!.mm > a.sums[0]!.mm ? g : a), null), reached = list.filter((g) => g.reached.length);
    const levels = status.filter((s) => isLevel(s.quantity)).sort((a, b) => Number(b.condition === 'alarm') - Number(a.condition === 'alarm'));
    fill(body, h('div', { class: 'cards' },
      card(t('w_most'), most ? `${most.sums[0]!.mm} mm` : '—'), card(t('w_reached'), String(reached.length), reached.length > 0), card(t('w_in_force'), warnings ? String(warnings.warnings.length) : '—', (warnings?.warnings.length ?? 0) > 0),
      roll ? [card(t('y_sea'), String(roll.counts.sea)), card(t('y_dark'), String(roll.counts.dark), (roll.counts.dark ?? 0) > 0), card(t('y_people'), String(roll.counts.people.aboard_not_in ?? '—'))] : null),
    rainTable(list), h('div', { class: 'split' }, h('div', null, warningsOf(warnings), levelsOf(levels)), boatsOf(roll)));
  }

  const rainTable = (list: Gauge[]): HTMLElement => h('section', { class: 'panel' }, h('h2', null, t('w_rain')), table(t('w_rain'), [
    { head: t('s_site'), cell: (g) => h('a', { href: link('sensors', [], { stream: g.stream }) }, g.site) }, ...HOURS.map((hours, i) => ({ head: `${hours} ${t('unit_h')}`, class: 'number', cell: (g: Gauge): Child => amount(g.sums[i]!) })),
    { head: t('w_signal'), cell: (g) => g.reached.slice(0, 3).map((r) => pill(titleOfRule(r, chinese()), kindOf(r))) },
  ], list), h('p', null, h('small', null, t('w_gaps'))));

  const warningsOf = (w: { warnings: Warning[] } | null): Child => !w ? null : h('section', { class: 'panel' }, h('h2', null, t('w_in_force')), table(t('w_in_force'), [
    { head: t('y_headline'), cell: (x) => x.headline ?? x.kind_zh ?? x.kind ?? '' }, { head: t('h_grade'), cell: (x) => pill(String((chinese() ? x.level_zh : null) ?? x.level ?? '—'), x.level === 'red' || x.level === 'orange' ? 'bad' : x.level === 'yellow' ? 'warn' : '') }, { head: t('to'), cell: (x) => time(x.until), class: 'nowrap' },
  ], w.warnings));

  const levelsOf = (list: Status[]): Child => h('section', { class: 'panel' }, h('h2', null, t('w_levels')), table(t('w_levels'), [
    { head: t('s_site'), cell: (s) => h('a', { href: link('sensors', [], { stream: s.stream }) }, s.name ? `${s.name} (${s.site})` : s.site) }, { head: t('s_value'), cell: (s) => h('span', { class: s.condition === 'alarm' ? 'bad' : '' }, `${s.value ?? '—'} ${s.unit}`), class: 'number' },
    { head: t('s_condition'), cell: (s) => pill(t(s.condition === 'alarm' ? 's_alarm' : 's_normal'), s.condition === 'alarm' ? 'bad' : 'good') }, { head: t('s_age'), cell: (s) => (s.age_s === null ? '—' : duration(s.age_s * 1000)), class: 'nowrap' },
  ], list));

  const boatsOf = (r: RollCall | null): Child => !r ? null : h('section', { class: 'panel' }, h('h2', null, t('w_boats')), h('p', null, h('small', null, time(r.at)), ' ', may(principal, 'duty') ? h('a', { href: link('duty') }, t('y_roll')) : null), table(t('w_boats'), [
    { head: t('village'), cell: (v) => v.name ?? t('unknown') }, ...(['boats', 'sea', 'dark', 'unknown', 'in'] as const).map((k) => ({ head: t(`y_${k}`), class: 'number', cell: (v: Record<string, number> & { name: string | null }): Child => h('span', { class: k === 'dark' && v[k] ? 'bad' : '' }, String(v[k] ?? 0)) })),
  ], r.villages));

  const element = h('div', null, h('div', { class: 'filters' }, field(t('w_at'), at), button(t('w_now'), () => { query.delete('at'); replaceQuery(place, query); void busy(load()); }), button(t('print'), () => print(), { kind: 'quiet' })), body);
  const first = load().catch((error: unknown) => fill(body, h('p', { class: 'none', role: 'alert' }, wordsOf(error))));
  void busy(first);
  const timer = setInterval(() => { if (!document.hidden && !query.get('at')) void load().catch(() => { /* the next turn asks again */ }); }, EVERY_MS);
  return { element, end: () => { ended = true; clearInterval(timer); } };
}
