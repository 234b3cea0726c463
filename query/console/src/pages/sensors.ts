/* sensors.ts -- sites and their streams: who reports, and a chart of values. Where data are missing the line is
 * missing: a step without values is null, never a bridge.
 *
 *   #/sensors?stream=dam1/level&span=24h */
import { get } from '../api';
import { timeChart, type Chart } from '../charts';
import { fill, h } from '../dom';
import { count, duration, time } from '../format';
import { t, word, type Key } from '../messages';
import { replaceQuery } from '../router';
import { button, busy, facts, field, pill, select, table } from '../widgets';
import type { Mount } from './index';

interface Stream { stream: string; site: string; quantity: string; unit: string; kind: string; range_min: number | null; range_max: number | null; interval_ms: number | null; name: string }
interface Last { stream: string; site: string; quantity: string; unit: string; time: string | null; value: number | string | null; in_range: boolean | null; state: string }
interface Bucket { from: string; until: string; count: number; min: number | null; max: number | null; mean: number | null }
type Board = Record<string, string | number | null>;

const spans: [string, Key, number, number][] = [['6h', 's_6h', 6 * 3600000, 60000], ['24h', 's_24h', 24 * 3600000, 300000], ['7d', 's_7d', 7 * 86400000, 1800000], ['30d', 's_30d', 30 * 86400000, 7200000]];
const stateKind: Record<string, string> = { ok: 'good', late: 'warn', silent: 'bad', never: 'soft' };
const statePill = (s: string): HTMLElement => pill(word('s', s), stateKind[s] ?? '');

export const mount: Mount = (root, { place }) => {
  const query = new URLSearchParams(place.query);
  const board = h('section', { class: 'panel' }), listPlace = h('section', { class: 'panel' }), chartPlace = h('section', { class: 'panel' });
  let streams: Stream[] = [], lasts: Last[] = [], chart: Chart | null = null, shown = 0;

  async function loadBoard(group: string): Promise<void> {
    const { rows } = await get<{ rows: Board[] }>('/api/v1/sites/board', { group });
    fill(board, h('h2', null, t('s_sites')), h('div', { class: 'filters' }, field(t('s_group'), select(['site', 'village', 'company', 'sector'].map((g): [string, string] => [g, t(`s_${g}` as Key)]), group, (v) => void busy(loadBoard(v))))),
      table(t('s_sites'), [
        { head: t(`s_${group}` as Key), cell: (r) => String(r[group] || '—') }, { head: t('s_ok'), cell: (r) => String(r.ok), class: 'number' }, { head: t('s_late'), cell: (r) => String(r.late), class: 'number' }, { head: t('s_silent'), cell: (r) => String(r.silent), class: 'number' }, { head: t('s_never'), cell: (r) => String(r.never), class: 'number' },
        { head: t('s_last'), cell: (r) => time(r.last as string | null), class: 'nowrap' }, { head: t('s_state'), cell: (r) => statePill(String(r.state)) }], rows));
  }

  function drawList(): void {
    const chosen = query.get('stream');
    fill(listPlace, h('h2', null, t('s_streams')), table(t('s_streams'), [
      { head: t('s_site'), cell: (s) => s.site }, { head: t('s_quantity'), cell: (s) => `${s.name || s.quantity}${s.unit ? ` (${s.unit})` : ''}` },
      { head: t('s_value'), class: 'number', cell: (s) => { const l = lasts.find((x) => x.stream === s.stream); return l?.value === null || l?.value === undefined ? '—' : h('span', { class: l.in_range === false ? 'bad' : '' }, String(l.value)); } },
      { head: t('s_state'), cell: (s) => statePill(lasts.find((x) => x.stream === s.stream)?.state ?? 'never') },
    ], streams, (s) => { query.set('stream', `${s.site}/${s.quantity}`); query.delete('to'); replaceQuery(place, query); drawList(); void busy(drawChart()); }, (s) => chosen === `${s.site}/${s.quantity}`));
  }

  async function drawChart(): Promise<void> {
    const name = query.get('stream'), mine = ++shown;
    const stream = streams.find((s) => `${s.site}/${s.quantity}` === name), last = lasts.find((l) => l.stream === stream?.stream);
    chart?.destroy();
    chart = null;
    if (!stream) { fill(chartPlace, h('p', { class: 'none' }, t('s_choose'))); return; }
    const [token, , length, least] = spans.find(([s]) => s === query.get('span')) ?? spans[1]!;
    // the span ends now, or where the last value is when that is long ago
    const lastMs = last?.time ? Date.parse(last.time) : Date.now();
    const to = Date.now() - lastMs > length ? lastMs + 1 : Date.now(), from = to - length, step = Math.max(least, stream.interval_ms ?? 0);
    const { rows } = await get<{ rows: Bucket[] }>('/api/v1/series', { stream: stream.stream, from: Math.floor(from / step) * step, to, step: `${Math.round(step / 1000)}s`, aggregate: 'min,max,mean' });
    if (mine !== shown) return;
    const known = rows.filter((r) => r.count > 0);
    const all = (f: (r: Bucket) => number | null): (number | null)[] => rows.map((r) => (r.count ? f(r) : null));
    const levels = [stream.range_min === null || stream.range_min === undefined ? null : { value: stream.range_min, label: t('s_low') }, stream.range_max === null || stream.range_max === undefined ? null : { value: stream.range_max, label: t('s_high') }].filter((l): l is { value: number; label: string } => l !== null);
    chart = timeChart(rows.map((r) => Date.parse(r.from)), [{ label: t('s_mean'), values: all((r) => r.mean) }, { label: t('s_min'), values: all((r) => r.min), dash: [3, 3], colour: '#7a8b99' }, { label: t('s_max'), values: all((r) => r.max), dash: [3, 3], colour: '#b35900' }], stream.unit, { name: `${stream.site} ${stream.quantity}`, height: 300, levels });
    const gaps = rows.reduce((n, r, i) => n + (r.count === 0 && (i === 0 || rows[i - 1]!.count > 0) ? 1 : 0), 0);
    fill(chartPlace, h('h2', null, `${stream.site} · ${stream.name || stream.quantity}`), h('div', { class: 'buttons', role: 'group', 'aria-label': t('s_range') }, spans.map(([s, key]) => button(t(key), () => { query.set('span', s); replaceQuery(place, query); void busy(drawChart()); }, { pressed: s === token }))),
      chart.element, h('p', null, h('small', null, t('s_gaps'))),
      facts([[t('s_min'), known.length ? String(Math.min(...known.map((r) => r.min!))) : '—'], [t('s_max'), known.length ? String(Math.max(...known.map((r) => r.max!))) : '—'], [t('count'), count(rows.reduce((n, r) => n + r.count, 0))], [t('d_gaps'), String(gaps)], [t('s_low'), stream.range_min?.toString() ?? '—'], [t('s_high'), stream.range_max?.toString() ?? '—'], [t('s_range'), `${time(from)} – ${time(to)}`], ['Δ', stream.interval_ms ? duration(stream.interval_ms) : '—']]));
  }

  fill(root, h('h1', null, t('nav_sensors')), board, h('div', { class: 'split wide-left' }, listPlace, chartPlace));
  async function load(): Promise<void> {
    const [a, b] = await Promise.all([get<{ rows: Stream[] }>('/api/v1/streams'), get<{ rows: Last[] }>('/api/v1/series/last')]);
    streams = a.rows;
    lasts = b.rows;
    drawList();
    await drawChart();
  }
  void busy(Promise.all([loadBoard('site'), load()]));
  const timer = setInterval(() => { if (!document.hidden) void get<{ rows: Last[] }>('/api/v1/series/last').then((l) => { lasts = l.rows; drawList(); }).catch(() => { /* the next turn asks again */ }); }, 30000);
  return { end: () => { clearInterval(timer); chart?.destroy(); } };
};
