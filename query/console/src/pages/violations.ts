/* violations.ts -- suspected violations: a list by filters that live in the address, beside a map; one with its track,
 * its chart and what was done about it; reviews, one or many at once.
 *
 *   #/violations?kind=overspeed&state=pending     the list
 *   #/violations/17?...                           one, going back to that list */
import { all, download, get, listen, rows, send, url } from '../api';
import { timeChart, type Chart } from '../charts';
import { fill, h } from '../dom';
import { DAY_MS, day, dayStart, duration, plateLong, time } from '../format';
import type { LonLat } from '../gcj02';
import { addFences, fitTo, mapFrame, setData, shown, textLayout, textPaint, type MapLibre } from '../map';
import { said, t, word, type Key } from '../messages';
import { go, link, replaceQuery, type Place } from '../router';
import { may } from '../session';
import { numberText, speedKinds, titleOf, who } from '../finding_text';
import { fixesOf, speedLines } from '../track';
import type { Report, Violation } from '../types';
import { button, busy, dialog, facts, field, input, into, notice, paper, pill, select, table, textOf } from '../widgets';
import type { Context, Mount } from './index';

const PAGE = 200;
const ROOM_MS = 10 * 60000; // of track before and after
const states = ['pending', 'confirmed', 'rejected', 'transferred', 'withdrawn'];
const filters = ['kind', 'state', 'severity', 'plate', 'company', 'village', 'device', 'rule', 'fence'];

const stateKind: Record<string, string> = { pending: 'warn', confirmed: 'bad', rejected: 'soft', transferred: 'good', withdrawn: 'soft' };
const statePill = (v: Violation): HTMLElement => pill(word('v', v.state), stateKind[v.state] ?? '');
/* The query of the server for the filters of the address: whole days of China. */
function asked(query: URLSearchParams): Record<string, string> {
  const out: Record<string, string> = {};
  for (const key of filters) { const value = query.get(key); if (value) out[key] = value; }
  const from = query.get('from'), to = query.get('to');
  if (from) out.from = String(dayStart(from));
  if (to) out.to = String(dayStart(to) + DAY_MS - 1);
  return out;
}

export const mount: Mount = (root, context) => {
  let view = show(root, context, context.place);
  return { end: () => view(), moved: (place) => { view(); root.replaceChildren(); context.place = place; view = show(root, context, place); } };
};

const show = (root: HTMLElement, context: Context, place: Place): (() => void) => (place.rest[0] ? one(root, context, place) : list(root, context, place));

// --- the list ---

function list(root: HTMLElement, context: Context, place: Place): () => void {
  const query = new URLSearchParams(place.query);
  let shownRows: Violation[] = [], next: string | null = null, map: MapLibre | null = null;
  const chosen = new Set<number>();
  const tablePlace = h('div'), bar = h('div', { class: 'buttons' }), news = h('p', { role: 'status', hidden: true });
  const kinds = select([['', t('all')]], '', (value) => change('kind', value));

  function change(key: string, value: string): void {
    if (value) query.set(key, value); else query.delete(key);
    replaceQuery(place, query);
    void load();
  }
  const textFilter = (key: string, title: string): HTMLElement => field(title, h('input', { type: 'search', value: query.get(key) ?? '', onchange: (e: Event) => change(key, (e.target as HTMLInputElement).value.trim()) }));
  const dateFilter = (key: string, title: string): HTMLElement => field(title, h('input', { type: 'date', value: query.get(key) ?? '', onchange: (e: Event) => change(key, (e.target as HTMLInputElement).value) }));
  const form = h('form', { class: 'filters', role: 'search', onsubmit: (e: Event) => e.preventDefault() },
    field(t('v_kind'), kinds),
    field(t('v_state'), select([['', t('all')], ...states.map((s): [string, string] => [s, t(`v_${s}` as Key)])], query.get('state') ?? '', (v) => change('state', v))),
    field(t('v_severity'), select([['', t('all')], ...['1', '2', '3'].map((s): [string, string] => [s, t(`v_sev_${s}` as Key)])], query.get('severity') ?? '', (v) => change('severity', v))),
    textFilter('plate', t('plate')), textFilter('company', t('company')), textFilter('village', t('village')), dateFilter('from', t('from')), dateFilter('to', t('to')),
    query.get('device') ? button(`${t('device')} ${query.get('device')!.slice(0, 8)} ×`, () => { change('device', ''); go(link('violations', [], query)); }) : null,
    button(t('clear'), () => { go(link('violations')); if (location.hash === link('violations')) context.place.query = new URLSearchParams(); }));

  async function loadKinds(): Promise<void> {
    const counts = await get<{ groups: { key: string; key_zh: string; count: number }[] }>('/api/v1/violations/counts', { by: 'kind' });
    fill(kinds, h('option', { value: '' }, t('all')), counts.groups.map((g) => h('option', { value: g.key }, `${said(g as unknown as Record<string, unknown>, 'key')} (${g.count})`)));
    kinds.value = query.get('kind') ?? '';
  }

  async function load(cursor?: string): Promise<void> {
    const page = await get<{ violations: Violation[]; next: string | null }>('/api/v1/violations', { ...asked(query), limit: PAGE, cursor });
    if (!cursor) { shownRows = []; chosen.clear(); }
    shownRows.push(...page.violations);
    next = page.next;
    news.hidden = true;
    draw();
  }

  function draw(): void {
    const newest = [...shownRows].sort((a, b) => b.start_ms - a.start_ms);
    const allBox = h('input', { type: 'checkbox', 'aria-label': t('v_select_all'), checked: chosen.size > 0 && chosen.size === shownRows.length, onchange: () => { if (allBox.checked) shownRows.forEach((v) => chosen.add(v.id)); else chosen.clear(); draw(); } });
    fill(tablePlace, table(t('v_title'), [
      { head: '', class: 'select', cell: (v) => h('input', { type: 'checkbox', checked: chosen.has(v.id), 'aria-label': `${t('v_selected')} ${v.id} ${who(v)}`, onclick: (e: Event) => e.stopPropagation(), onchange: (e: Event) => { if ((e.target as HTMLInputElement).checked) chosen.add(v.id); else chosen.delete(v.id); drawBar(); } }) },
      { head: t('v_start'), class: 'nowrap', cell: (v) => time(v.start_ms) },
      { head: t('device'), class: 'nowrap', cell: who },
      { head: t('v_kind'), cell: (v) => [titleOf(v), v.open ? [' ', pill(t('v_open'), 'warn')] : []].flat() },
      { head: t('v_duration'), class: 'nowrap', cell: (v) => duration(v.end_ms - v.start_ms) },
      { head: t('company'), cell: (v) => v.company ?? v.village ?? '' },
      { head: t('v_severity'), cell: (v) => (v.severity ? pill(t(`v_sev_${v.severity}` as Key), v.severity === 3 ? 'bad' : v.severity === 1 ? 'soft' : '') : '') },
      { head: t('v_state'), cell: statePill },
    ], newest, (v) => go(link('violations', [String(v.id)], query))));
    tablePlace.querySelector('th.select')?.replaceChildren(allBox);
    if (next) tablePlace.append(h('div', { class: 'actions' }, button(t('more'), () => void busy(load(next!)))));
    drawBar();
    drawMap();
  }

  function drawBar(): void {
    const many = [...chosen];
    fill(bar, h('span', { role: 'status' }, `${shownRows.length}${next ? '+' : ''} ${t('rows')}${many.length ? ` · ${t('v_selected')} ${many.length}` : ''}`),
      !may(context.principal, 'violations', true) ? null : button(t('v_bulk'), () => review(many, undefined, () => void busy(load())), { disabled: !many.length }),
      button(`${t('export')} CSV`, () => void busy(download(url('/api/v1/violations', { ...asked(query), format: 'csv' }), 'violations.csv'))),
      button(`${t('export')} GeoJSON`, () => void busy(download(url('/api/v1/violations', { ...asked(query), format: 'geojson', limit: 10000 }), 'violations.geojson'))),
      button(t('print'), () => print(), { kind: 'quiet' }));
  }

  function drawMap(): void {
    if (!map) return;
    setData(map, 'violations', shownRows.filter((v) => v.start.lat || v.start.lon).map((v) => ({ type: 'Feature', properties: { id: v.id, text: who(v), colour: v.severity === 3 ? '#c62828' : v.severity === 1 ? '#0b7ea4' : '#b35900' }, geometry: { type: 'Point', coordinates: shown([v.start.lon, v.start.lat]) } })), { cluster: true });
    fitTo(map, shownRows.filter((v) => v.start.lat || v.start.lon).map((v): LonLat => [v.start.lon, v.start.lat]));
  }

  const frame = mapFrame(context.settings, { name: t('map') }, (made) => {
    map = made;
    setData(made, 'violations', [], { cluster: true });
    made.addLayer({ id: 'clusters', type: 'circle', source: 'violations', filter: ['has', 'point_count'], paint: { 'circle-color': '#8a3b12', 'circle-radius': 16, 'circle-stroke-color': '#fff', 'circle-stroke-width': 2 } });
    made.addLayer({ id: 'cluster-count', type: 'symbol', source: 'violations', filter: ['has', 'point_count'], layout: { ...textLayout(['get', 'point_count'], 12), 'text-allow-overlap': true }, paint: { 'text-color': '#fff' } });
    made.addLayer({ id: 'points', type: 'circle', source: 'violations', filter: ['!', ['has', 'point_count']], paint: { 'circle-color': ['get', 'colour'], 'circle-radius': 7, 'circle-stroke-color': '#fff', 'circle-stroke-width': 2 } });
    made.addLayer({ id: 'names', type: 'symbol', source: 'violations', filter: ['!', ['has', 'point_count']], layout: { ...textLayout(['get', 'text'], 11), 'text-anchor': 'top', 'text-offset': [0, 0.8] }, paint: textPaint() });
    made.on('click', 'points', (e) => go(link('violations', [String(e.features![0]!.properties.id)], query)));
    drawMap();
  });
  fill(root, h('h1', null, t('v_title')), form, news, h('div', { class: 'split' }, h('section', { class: 'panel', 'aria-label': t('v_title') }, bar, tablePlace), frame.element));
  /* The list is asked for once the feed listens (or was refused): nothing can happen between the two unheard. */
  let stop = (): void => {};
  const heard = new Promise<void>((listening) => {
    stop = listen('/api/v1/violations/live', {
      event: () => { news.hidden = false; fill(news, `${t('v_new')} `, button(t('v_show'), () => void busy(load()))); },
      state: () => listening(),
    });
  });
  void busy(Promise.all([loadKinds(), heard.then(() => load())]));
  return () => { stop(); frame.end(); };
}

// --- a review, of one or of many ---

function review(ids: number[], only: string | undefined, done: () => void): void {
  const choices = (only ? [only] : ['confirmed', 'rejected', 'transferred', 'pending']).map((s, i) => h('label', null, h('input', { type: 'radio', name: 'state', value: s, checked: i === 0, required: true }), ' ', t(s === 'pending' ? 'v_reopen' : `v_${s}` as Key)));
  dialog(`${t('v_review')} (${ids.length})`, [h('fieldset', { class: 'buttons' }, h('legend', null, t('v_state')), choices), field(t('v_why'), input('why', { required: true })), field(t('v_document'), input('document'))], async (form) => {
    const refused: string[] = [];
    for (const id of ids) {
      const body = { state: textOf(form, 'state'), why: textOf(form, 'why'), ...(textOf(form, 'document') ? { document: textOf(form, 'document') } : {}) };
      await send('POST', `/api/v1/violations/${id}/review`, body).catch((error: Error) => refused.push(`${id}: ${error.message}`));
    }
    if (refused.length === ids.length) throw new Error(refused[0]);
    refused.forEach((text) => notice(text, true));
    notice(t('v_reviewed'));
    done();
  });
}

// --- one ---

interface LedgerRow { violation: number; act: string; who: string | null; at: string | null; words: string | null; answer: string | null; result: string | null }

function one(root: HTMLElement, context: Context, place: Place): () => void {
  const id = place.rest[0]!, ended: (() => void)[] = [];
  const draw = (): void => void into(root, () => get<Violation>(`/api/v1/violations/${encodeURIComponent(id)}`), (v) => detail(v));

  function detail(v: Violation): HTMLElement[] {
    const again = (): void => { ended.splice(0).forEach((f) => f()); draw(); };
    const act = (state: string, text: Key, kind?: 'main' | 'bad'): HTMLElement => button(t(text), () => review([v.id], state, again), kind ? { kind } : {});
    const chartPlace = h('div'), ledger = h('div'), raw = h('div');
    const speeds = speedKinds.includes(v.kind) && v.numbers.limit !== undefined ? v.numbers.limit / 10 : null;
    let map: MapLibre | null = null, reports: Report[] = [], chart: Chart | null = null;
    ended.push(() => chart?.destroy());

    function drawTrack(): void {
      if (!map || !reports.length) return;
      const fixes = fixesOf(reports);
      setData(map, 'track', speedLines(fixes, speeds));
      fitTo(map, fixes.filter((f) => f.ms >= v.start_ms - 60000 && f.ms <= v.end_ms + 60000).map((f) => f.at).concat([[v.start.lon, v.start.lat]]), { maxZoom: 15 });
    }
    const frame = mapFrame(context.settings, { name: t('map') }, (made) => {
      map = made;
      setData(made, 'track', []);
      setData(made, 'ends', [['start', v.start], ['end', v.end]].map(([key, p]) => ({ type: 'Feature', properties: { text: t(key === 'start' ? 'v_start' : 'v_end') }, geometry: { type: 'Point', coordinates: shown([(p as Violation['start']).lon, (p as Violation['start']).lat]) } })));
      setData(made, 'cursor', []);
      made.addLayer({ id: 'track', type: 'line', source: 'track', layout: { 'line-cap': 'round', 'line-join': 'round' }, paint: { 'line-color': ['get', 'colour'], 'line-width': 4 } });
      made.addLayer({ id: 'ends', type: 'circle', source: 'ends', paint: { 'circle-radius': 6, 'circle-color': '#fff', 'circle-stroke-color': '#c62828', 'circle-stroke-width': 3 } });
      made.addLayer({ id: 'end-names', type: 'symbol', source: 'ends', layout: { ...textLayout(['get', 'text'], 12), 'text-anchor': 'bottom', 'text-offset': [0, -0.8] }, paint: textPaint() });
      made.addLayer({ id: 'cursor', type: 'circle', source: 'cursor', paint: { 'circle-radius': 7, 'circle-color': '#ffb300', 'circle-stroke-color': '#000', 'circle-stroke-width': 1.5 } });
      fitTo(made, [[v.start.lon, v.start.lat]]);
      get<{ features: GeoJSON.Feature[] }>('/api/v1/fences', { at: v.start_ms }).then((f) => addFences(made, f.features, 'track')).catch(() => { /* the map is good without */ });
      drawTrack();
    });
    ended.push(frame.end);

    async function loadTrack(): Promise<void> {
      if (!v.device) return;
      reports = [];
      await rows<Report>(`/api/v1/devices/${v.device}/track`, { from: v.start_ms - ROOM_MS, to: v.end_ms + ROOM_MS, format: 'ndjson', case: `violation ${v.id}` }, (r) => reports.push(r));
      if (!chartPlace.isConnected) return;
      drawTrack();
      const fixes = fixesOf(reports);
      chart = timeChart(reports.map((r) => Date.parse(r.time)), [{ label: t('speed'), values: reports.map((r) => r.speed_kmh) }], 'km/h', { name: t('v_speed_chart'), height: 220,
        levels: speeds ? [{ value: speeds, label: `${t('v_limit')} ${speeds} km/h` }] : [],
        onTime: (ms) => { const near = fixes.reduce<{ at: LonLat; ms: number } | null>((best, f) => (!best || Math.abs(f.ms - ms) < Math.abs(best.ms - ms) ? f : best), null); if (map && near) setData(map, 'cursor', [{ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: shown(near.at) } }]); } });
      fill(chartPlace, chart.element);
    }
    async function loadLedger(): Promise<void> {
      const list = await all<LedgerRow>('/api/v1/ledger', 'ledger', { device: v.device, rule: v.rule, from: v.start_ms, to: v.start_ms });
      const mine = list.filter((r) => r.violation === v.id && r.act !== 'none');
      fill(ledger, mine.length ? table(t('v_reminders'), [{ head: t('time'), cell: (r) => time(r.at), class: 'nowrap' }, { head: t('v_how'), cell: (r) => r.act }, { head: t('v_why'), cell: (r) => r.words ?? '' }, { head: t('v_result'), cell: (r) => r.answer ?? r.result ?? '' }, { head: t('signed_in'), cell: (r) => r.who ?? '' }], mine) : h('p', { class: 'none' }, t('v_unhandled')));
    }
    const handle = (): void => void dialog(t('v_handle'), [field(t('v_how'), input('how', { required: true })), field(t('v_result'), input('result', { required: true }))], async (form) => {
      await send('POST', `/api/v1/violations/${v.id}/handling`, { how: textOf(form, 'how'), result: textOf(form, 'result') });
      again();
    });
    const showRaw = async (): Promise<void> => {
      const out: Report[] = [];
      await rows<Report>(`/api/v1/devices/${v.device}/track`, { from: v.start_ms, to: v.end_ms, format: 'ndjson', body: 1, case: `violation ${v.id}` }, (r) => out.push(r));
      fill(raw, table(t('v_raw'), [{ head: t('time'), cell: (r) => time(r.time), class: 'nowrap' }, { head: t('speed'), cell: (r) => (r.speed_kmh === null ? '—' : String(r.speed_kmh)), class: 'number' }, { head: t('place'), cell: (r) => (r.lat === null ? '—' : `${r.lat}, ${r.lon}`), class: 'nowrap' }, { head: '0x0200', cell: (r) => h('code', null, r.body ?? '') }], out));
    };
    setTimeout(() => { if (v.device && may(context.principal, 'tracks')) void busy(loadTrack()); void loadLedger().catch(() => fill(ledger, h('p', { class: 'none' }, t('not_there')))); });

    const decided = v.state !== 'pending';
    return [h('p', null, h('a', { href: link('violations', [], place.query) }, `← ${t('v_back')}`)),
      h('h1', null, `${titleOf(v)} · ${plateLong(v.plate) || who(v)} `, statePill(v), v.open ? [' ', pill(t('v_open'), 'warn')] : []),
      h('div', { class: 'buttons panel' }, v.state === 'withdrawn' || !may(context.principal, 'violations', true) ? null : [decided ? act('pending', 'v_reopen') : [act('confirmed', 'v_confirm', 'main'), act('rejected', 'v_reject', 'bad')], v.state === 'confirmed' || v.state === 'pending' ? act('transferred', 'v_transfer') : null, button(t('v_handle'), handle)].flat().filter(Boolean) as HTMLElement[],
        !may(context.principal, 'evidence') ? null : paper(t('v_evidence'), `/api/v1/violations/${v.id}/evidence?format=html`, `evidence-${v.id}.html`), v.device && may(context.principal, 'tracks') ? h('a', { href: link('devices', [v.device], { day: day(v.start_ms) }) }, t('day_track')) : null, button(t('print'), () => print(), { kind: 'quiet' })),
      h('div', { class: 'split' }, h('div', null, frame.element, h('section', { class: 'panel' }, h('h2', null, t('v_speed_chart')), chartPlace)),
        h('div', null, h('section', { class: 'panel' },
          facts([[t('v_start'), time(v.start_ms)], [t('v_end'), v.open ? t('v_open') : time(v.end_ms)], [t('v_duration'), duration(v.end_ms - v.start_ms)], [t('company'), v.company], [t('village'), v.village], [t('driver'), v.driver], [t('v_fence'), v.fence],
            [t('v_rule'), v.rule], [t('v_severity'), v.severity ? t(`v_sev_${v.severity}` as Key) : null], [t('v_authority'), v.authority], [t('v_confidence'), `${v.confidence} / 3`],
            ...Object.entries(v.numbers).filter(([key]) => !['sum', 'level', 'code'].includes(key)).map(([key, value]): [string, string] => [word('n', key), numberText(v, key, value)])]),
          v.source ? h('p', null, h('strong', null, `${t('v_source')}:`), v.source) : null, v.digest ? h('p', null, h('small', null, `${t('v_digest')} SHA-256 `, h('code', null, v.digest.slice(0, 16), '…'))) : null),
        h('section', { class: 'panel' }, h('h2', null, t('v_history')), h('ol', { class: 'history' }, (v.history ?? []).map((e) => h('li', null, h('time', null, time(e.at_ms)), h('strong', null, said(e as unknown as Record<string, unknown>, 'event')), ` · ${word('v', e.state)}`, e.who ? ` · ${e.who}` : '', e.text ? h('div', null, e.text) : null, e.document ? h('div', null, `${t('v_document')} ${e.document}`) : null)))),
        h('section', { class: 'panel' }, h('h2', null, t('v_reminders')), ledger),
        v.device ? h('details', { class: 'panel', ontoggle: (e: Event) => { if ((e.target as HTMLDetailsElement).open && !raw.childElementCount) void busy(showRaw()); } }, h('summary', null, t('v_raw')), raw) : null))];
  }
  draw();
  return () => ended.forEach((f) => f());
}
