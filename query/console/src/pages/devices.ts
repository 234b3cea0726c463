/* devices.ts -- vehicles and boats: search, the registry with its history, and a day of one as timeline and playback.
 *
 *   #/devices?q=闽C1            the list
 *   #/devices/ID?day=2026-03-02   one */
import { all, get, rows, send } from '../api';
import { timeChart, type Chart } from '../charts';
import { classTokens, isBoat } from '../classes';
import { columns as columnNames, readDevices } from '../devices_csv';
import { fill, h } from '../dom';
import { clock, DAY_MS, day, dayStart, duration, fromInput, knots, plate, plateLong, time, toInput } from '../format';
import { fitTo, mapFrame, setData, shown, type MapLibre } from '../map';
import { t, word, type Key } from '../messages';
import { go, link, replaceQuery, type Place } from '../router';
import { may } from '../session';
import { fixesOf, segments, speedLines, type Fix, type Kind, type Segment } from '../track';
import type { Device, Report, Violation } from '../types';
import { button, busy, dialog, facts, field, input, into, notice, pill, select, table, textOf } from '../widgets';
import type { Context, Mount } from './index';

const nameOf = (d: Device): string => plate(d.plate as string | null) || (d.name as string | null) || (d.phone as string | null) || d.id.slice(0, 8);
const text = (d: Device, key: string): string => (d[key] as string | null | undefined) ?? '';

export const mount: Mount = (root, context) => {
  let end = show(root, context, context.place);
  return { end: () => end(), moved: (place) => { end(); root.replaceChildren(); end = show(root, context, place); } };
};
const show = (root: HTMLElement, context: Context, place: Place): (() => void) => (place.rest[0] ? one(root, context, place) : list(root, context, place));

// --- the list ---

function list(root: HTMLElement, context: Context, place: Place): () => void {
  const query = new URLSearchParams(place.query), tablePlace = h('section', { class: 'panel' });
  const search = input('q', { type: 'search', value: query.get('q') ?? '', placeholder: t('d_search_hint') });
  search.setAttribute('aria-label', t('d_search_hint'));
  let devices: Device[] = [], next: string | null = null;
  async function load(cursor?: string): Promise<void> {
    const page = await get<{ devices: Device[]; next: string | null }>('/api/v1/devices', { q: query.get('q'), class: query.get('class'), limit: 200, cursor });
    devices = cursor ? [...devices, ...page.devices] : page.devices;
    next = page.next;
    fill(tablePlace, table(t('nav_devices'), [
      { head: t('device'), class: 'nowrap', cell: nameOf },
      { head: t('class'), cell: (d) => pill(word('class', text(d, 'class') || 'other'), 'soft') },
      { head: t('company'), cell: (d) => text(d, 'company') || text(d, 'village') }, { head: t('phone'), cell: (d) => text(d, 'phone'), class: 'nowrap' },
      { head: 'SIM / MMSI', cell: (d) => text(d, 'mmsi') || text(d, 'beidou_card') || text(d, 'sim'), class: 'nowrap' }, { head: t('driver'), cell: (d) => text(d, 'driver') },
    ], devices, (d) => go(link('devices', [d.id]))), next ? h('div', { class: 'actions' }, button(t('more'), () => void busy(load(next!)))) : null);
  }
  const change = (key: string, value: string): void => { if (value) query.set(key, value); else query.delete(key); replaceQuery(place, query); void busy(load()); };
  fill(root, h('h1', null, t('nav_devices')), h('form', { class: 'filters', role: 'search', onsubmit: (e: Event) => { e.preventDefault(); change('q', search.value.trim()); } },
    h('div', { class: 'field grow' }, search), h('button', { class: 'main' }, t('search')),
    field(t('class'), select([['', t('all')], ...classTokens.map((c): [string, string] => [c, word('class', c)])], query.get('class') ?? '', (v) => change('class', v))),
    may(context.principal, 'devices', true) ? button(t('d_import'), importTable) : null), tablePlace);
  void busy(load());
  return () => { /* nothing runs on */ };

  function importTable(): void {
    const preview = h('div', { role: 'status' });
    let read: ReturnType<typeof readDevices> = { rows: [], mistakes: [] };
    const file = h('input', { type: 'file', accept: '.csv,text/csv', required: true, onchange: async () => {
      const bytes = await file.files![0]!.arrayBuffer();
      let words: string;
      try { words = new TextDecoder('utf-8', { fatal: true }).decode(bytes); } catch { words = new TextDecoder('gb18030').decode(bytes); }
      read = readDevices(words);
      fill(preview, h('p', null, pill(`${t('d_good')} ${read.rows.length}`, 'good'), ' ', pill(`${t('d_mistake')} ${read.mistakes.length}`, read.mistakes.length ? 'bad' : 'soft')),
        read.mistakes.length ? table(t('d_mistake'), [{ head: t('d_line'), cell: (m) => String(m.line), class: 'number' }, { head: t('name'), cell: (m) => m.column }, { head: t('d_mistake'), cell: (m) => t(m.key) }, { head: t('s_value'), cell: (m) => m.text }], read.mistakes) : null,
        read.rows.length ? table(t('d_good'), [{ head: t('d_line'), cell: (r) => String(r.line), class: 'number' }, { head: t('phone'), cell: (r) => r.phone }, { head: t('d_registry'), cell: (r) => Object.entries(r.fields).map(([k, v]) => `${columnNames[k]} ${v}`).join(' · ') }], read.rows.slice(0, 100)) : null);
    } });
    dialog(t('d_import'), [field(t('d_import_file'), file, t('d_import_hint')), preview], async () => {
      const refused: string[] = [];
      for (const row of read.rows)
        await send('PATCH', `/api/v1/devices/${encodeURIComponent(`phone:${row.phone}`)}`, { ...(row.from ? { from: row.from } : {}), fields: row.fields }).catch(async (error: Error & { status?: number }) => {
          if (error.status !== 404) { refused.push(`${t('d_line')} ${row.line}: ${error.message}`); return; }
          await send('PUT', `/api/v1/devices/${encodeURIComponent(`phone:${row.phone}`)}`, { ...(row.from ? { from: row.from } : {}), fields: row.fields }).catch((e: Error) => refused.push(`${t('d_line')} ${row.line}: ${e.message}`));
        });
      refused.slice(0, 5).forEach((words) => notice(words, true));
      notice(`${t('d_imported')} ${read.rows.length - refused.length}`);
      void busy(load());
    }, t('d_import_go'));
  }
}

// --- one ---

const editable = ['plate', 'name', 'class', 'company', 'village', 'driver', 'sim', 'mmsi', 'beidou_card', 'permit', 'owner', 'home_port', 'gear', 'note', 'inspection_due', 'scrap_due'];
const kindColour: Record<Kind, string> = { driving: '#2e8b57', stop: '#8a97a3', gap: 'transparent' };

function one(root: HTMLElement, context: Context, place: Place): () => void {
  const id = place.rest[0]!, ended: (() => void)[] = [];
  const head = h('div'), dayPlace = h('div'), registry = h('section', { class: 'panel' });
  let device: Device | null = null, date = place.query.get('day') ?? day(Date.now());
  let map: MapLibre | null = null, fixes: Fix[] = [], chart: Chart | null = null, playing = 0, drawnFor = '';
  ended.push(() => cancelAnimationFrame(playing), () => chart?.destroy());

  const frame = mapFrame(context.settings, { name: t('map') }, (made) => {
    map = made;
    for (const source of ['track', 'stops', 'now', 'violations']) setData(made, source, []);
    made.addLayer({ id: 'track', type: 'line', source: 'track', layout: { 'line-cap': 'round', 'line-join': 'round' }, paint: { 'line-color': ['get', 'colour'], 'line-width': 4 } });
    made.addLayer({ id: 'stops', type: 'circle', source: 'stops', paint: { 'circle-radius': 5, 'circle-color': '#fff', 'circle-stroke-color': '#536472', 'circle-stroke-width': 2.5 } });
    made.addLayer({ id: 'violations', type: 'circle', source: 'violations', paint: { 'circle-radius': 7, 'circle-color': '#c62828', 'circle-stroke-color': '#fff', 'circle-stroke-width': 2 } });
    made.addLayer({ id: 'now', type: 'symbol', source: 'now', layout: { 'icon-image': ['get', 'icon'], 'icon-rotate': ['get', 'course'], 'icon-size': 1.3, 'icon-allow-overlap': true }, paint: { 'icon-color': '#d84315', 'icon-halo-color': '#fff', 'icon-halo-width': 2 } });
    drawMap([]);
  });
  ended.push(frame.end);

  function drawMap(violations: Violation[]): void {
    if (!map) return;
    setData(map, 'track', speedLines(fixes, null));
    setData(map, 'stops', segments(fixes).filter((s) => s.kind === 'stop').map((s) => ({ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: shown(s.at) } })));
    setData(map, 'violations', violations.filter((v) => v.start.lat || v.start.lon).map((v) => ({ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: shown([v.start.lon, v.start.lat]) } })));
    if (drawnFor !== date && fixes.length) { drawnFor = date; fitTo(map, fixes.map((f) => f.at)); }
  }

  const showAt = (ms: number): void => {
    let low = 0, high = fixes.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (fixes[middle]!.ms <= ms) low = middle; else high = middle - 1; }
    const f = fixes[low];
    if (!f) return;
    if (map) setData(map, 'now', [{ type: 'Feature', properties: { course: f.course, icon: f.kmh < 2 ? 'dot' : 'arrow' }, geometry: { type: 'Point', coordinates: shown(f.at) } }]);
  };

  async function loadDay(): Promise<void> {
    const from = dayStart(date), reports: Report[] = [];
    cancelAnimationFrame(playing);
    const [, violations] = await Promise.all([
      rows<Report>(`/api/v1/devices/${id}/track`, { from, to: from + DAY_MS - 1, format: 'ndjson' }, (r) => reports.push(r)),
      all<Violation>('/api/v1/violations', 'violations', { device: id, from: from - DAY_MS, to: from + DAY_MS - 1 }).then((list) => list.filter((v) => v.end_ms >= from)),
    ]);
    fixes = fixesOf(reports);
    chart?.destroy();
    chart = null;
    drawMap(violations);
    fill(dayPlace, dayView(from, reports, violations));
  }

  function dayView(from: number, reports: Report[], violations: Violation[]): HTMLElement {
    const step = (by: number): void => { date = day(dayStart(date) + by * DAY_MS); place.query.set('day', date); replaceQuery(place, place.query); void busy(loadDay()); };
    const picker = h('input', { type: 'date', value: date, 'aria-label': t('d_day'), onchange: () => { if (!picker.value) return; date = picker.value; step(0); } });
    const controls = h('div', { class: 'buttons' }, button('‹', () => step(-1), { label: t('d_previous') }), picker, button('›', () => step(1), { label: t('d_next') }));
    if (!reports.length) return h('section', { class: 'panel' }, h('h2', null, t('d_timeline')), controls, h('p', { class: 'none' }, t('d_no_reports')));
    const parts = segments(fixes), boat = isBoat(text(device!, 'class'));
    const sum = (kind: Kind, value: (s: Segment) => number): number => parts.filter((s) => s.kind === kind).reduce((n, s) => n + value(s), 0);
    const top = Math.max(...fixes.map((f) => f.kmh), 0), speed = (kmh: number): string => (boat ? `${knots(kmh).toFixed(1)} kn` : `${kmh.toFixed(0)} km/h`);

    // playback: the clock of the day runs `rate` times as fast as the one on the wall
    const first = fixes[0]?.ms ?? from, last = fixes[fixes.length - 1]?.ms ?? from + DAY_MS;
    let at = first, rate = 60, wall = 0;
    const label = h('output', null, clock(at)), range = h('input', { type: 'range', min: first, max: last, step: 1000, value: String(first), 'aria-label': t('d_position'), oninput: () => { at = Number(range.value); moved(); } });
    const play = button(t('d_play'), () => { if (playing) stop(); else start(); }, { kind: 'main' });
    const hand = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    function moved(): void { range.value = String(at); label.textContent = clock(at); range.setAttribute('aria-valuetext', clock(at)); hand.setAttribute('x', String((at - from) / DAY_MS * 1440)); showAt(at); }
    function stop(): void { cancelAnimationFrame(playing); playing = 0; play.textContent = t('d_play'); }
    function frameOf(now: number): void {
      at = Math.min(last, at + (now - wall) * rate);
      wall = now;
      moved();
      if (at >= last || !play.isConnected) { stop(); return; }
      playing = requestAnimationFrame(frameOf);
    }
    function start(): void { if (at >= last) at = first; wall = performance.now(); play.textContent = t('d_pause'); playing = requestAnimationFrame(frameOf); }

    chart = timeChart(fixes.map((f) => f.ms), [{ label: t('speed'), values: fixes.map((f, i) => (i && f.ms - fixes[i - 1]!.ms > 5 * 60000 ? null : f.kmh)) }], 'km/h', { name: t('v_speed_chart'), height: 160, onTime: (ms) => { if (!playing) { at = ms; moved(); } } });
    setTimeout(moved);
    return h('section', { class: 'panel' }, h('h2', null, t('d_timeline')), controls,
      facts([[t('d_distance'), `${(parts.reduce((n, s) => n + s.metres, 0) / 1000).toFixed(1)} km`], [t('d_drive_time'), duration(sum('driving', (s) => s.to - s.from))], [t('d_stops'), String(parts.filter((s) => s.kind === 'stop').length)], [t('d_gaps'), String(parts.filter((s) => s.kind === 'gap').length)], [t('d_top'), speed(top)], [t('reports'), String(reports.length)], [t('nav_violations'), String(violations.length)]]),
      timeline(from, parts, violations, hand), h('div', { class: 'hours', 'aria-hidden': 'true' }, ['00', '04', '08', '12', '16', '20', '24'].map((x) => h('span', null, x))),
      h('div', { class: 'key' }, (['driving', 'stop', 'gap'] as Kind[]).map((kind) => { const i = h('i'); i.style.background = kind === 'gap' ? 'repeating-linear-gradient(45deg,#999 0 2px,transparent 2px 5px)' : kindColour[kind]; return h('span', null, i, t(`d_${kind}` as Key)); }), (() => { const i = h('i'); i.style.background = '#c62828'; return h('span', null, i, t('d_violation')); })()),
      h('div', { class: 'player' }, play, range, label, h('label', null, `${t('d_rate')} `, select([['10', '10×'], ['60', '60×'], ['300', '300×'], ['1200', '1200×']], '60', (v) => { rate = Number(v); }))),
      chart.element,
      h('details', null, h('summary', null, `${t('d_trips')} (${parts.filter((s) => s.kind === 'driving').length})`), table(t('d_trips'), [{ head: t('from'), cell: (s) => clock(s.from), class: 'nowrap' }, { head: t('to'), cell: (s) => clock(s.to), class: 'nowrap' }, { head: t('state'), cell: (s) => t(`d_${s.kind}` as Key) }, { head: t('v_duration'), cell: (s) => duration(s.to - s.from), class: 'nowrap' }, { head: t('d_distance'), cell: (s) => `${(s.metres / 1000).toFixed(1)} km`, class: 'number' }], parts, (s) => { at = s.from; moved(); })),
      violations.length ? h('details', { open: true }, h('summary', null, `${t('nav_violations')} (${violations.length})`), table(t('nav_violations'), [{ head: t('time'), cell: (v) => clock(v.start_ms), class: 'nowrap' }, { head: t('v_kind'), cell: (v) => v.title?.zh ?? v.kind_zh }, { head: t('v_state'), cell: (v) => word('v', v.state) }], violations, (v) => go(link('violations', [String(v.id)])))) : null);
  }

  function timeline(from: number, parts: Segment[], violations: Violation[], hand: SVGElement): HTMLElement {
    const ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg');
    const bar = (a: number, b: number, y: number, height: number, colour: string, words: string): void => {
      const r = document.createElementNS(ns, 'rect'), title = document.createElementNS(ns, 'title');
      const x = Math.max(0, (a - from) / DAY_MS * 1440), end = Math.min(1440, (b - from) / DAY_MS * 1440);
      for (const [k, v] of Object.entries({ x, y, width: Math.max(1, end - x), height, fill: colour })) r.setAttribute(k, String(v));
      title.textContent = words;
      r.append(title);
      svg.append(r);
    };
    svg.setAttribute('viewBox', '0 0 1440 40');
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', t('d_timeline'));
    svg.innerHTML = '<defs><pattern id="gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2" height="6" fill="#999"/></pattern></defs>';
    for (const s of parts) bar(s.from, s.to, 14, 26, s.kind === 'gap' ? 'url(#gap)' : kindColour[s.kind], `${t(`d_${s.kind}` as Key)} ${clock(s.from)}–${clock(s.to)}`);
    for (const v of violations) bar(v.start_ms, Math.max(v.end_ms, v.start_ms + 240000), 0, 12, '#c62828', `${v.title?.zh ?? v.kind_zh} ${clock(v.start_ms)}`);
    for (const [k, v] of Object.entries({ y: 0, width: 3, height: 40, fill: '#d84315' })) hand.setAttribute(k, String(v));
    svg.append(hand);
    return h('div', { class: 'timeline' }, svg as unknown as HTMLElement);
  }

  // --- the registry ---
  function drawRegistry(d: Device): void {
    const known = Object.entries(d).filter(([key, value]) => value && typeof value === 'string' && !['id', 'kind', 'created'].includes(key)) as [string, string][];
    const history = h('div');
    fill(registry, h('h2', null, t('d_registry')), facts([[t('device'), h('code', null, d.id)], ...known.map(([key, value]): [string, string] => [columnNames[key] ?? key, key === 'plate' ? plateLong(value) : key === 'class' ? word('class', value) : value])]),
      h('div', { class: 'buttons' }, may(context.principal, 'devices', true) ? button(t('d_edit'), () => edit(d)) : null, h('a', { href: link('live', [], { follow: d.id }) }, t('nav_live')), h('a', { href: link('violations', [], { device: d.id }) }, t('nav_violations'))),
      h('details', { ontoggle: (e: Event) => { if ((e.target as HTMLDetailsElement).open && !history.childElementCount) void into(history, () => get<Device>(`/api/v1/devices/${id}/history`), (all_) => table(t('d_history'), [{ head: t('name'), cell: (b) => columnNames[b.field] ?? b.field }, { head: t('s_value'), cell: (b) => b.value ?? '—' }, { head: t('d_valid_from'), cell: (b) => time(b.from), class: 'nowrap' }, { head: t('signed_in'), cell: (b) => b.by ?? '' }], all_.bindings ?? [])); } }, h('summary', null, t('d_history')), history));
  }

  function edit(d: Device): void {
    const from = input('valid_from', { type: 'datetime-local', value: toInput(Date.now()), required: true });
    const fields = editable.map((key) => (key === 'class' ? field(t('class'), h('select', { name: key, value: text(d, key) }, [['', '—'], ...classTokens.map((c) => [c, word('class', c)])].map(([v, words]) => h('option', { value: v }, words!)))) : field(columnNames[key] ?? key, input(key, { value: text(d, key), type: key.endsWith('_due') ? 'date' : 'text' }))));
    dialog(t('d_edit'), [field(t('d_valid_from'), from), h('div', { class: 'two' }, fields)], async (form) => {
      const changed = Object.fromEntries(editable.filter((key) => textOf(form, key) !== text(d, key)).map((key) => [key, textOf(form, key) || null]));
      await send('PATCH', `/api/v1/devices/${id}`, { from: new Date(fromInput(textOf(form, 'valid_from'))).toISOString(), fields: changed });
      notice(t('d_saved'));
      await load();
    });
  }

  async function load(): Promise<void> {
    device = await get<Device>(`/api/v1/devices/${encodeURIComponent(id)}`);
    fill(head, h('p', null, h('a', { href: link('devices') }, `← ${t('nav_devices')}`)), h('h1', null, `${nameOf(device)} `, pill(word('class', text(device, 'class') || 'other'), 'soft')));
    drawRegistry(device);
  }
  fill(root, head, h('div', { class: 'split' }, h('div', null, dayPlace), h('div', null, frame.element, registry)));
  void busy(load().then(async () => { if (!place.query.get('day')) { const p = await get<{ time: string }>(`/api/v1/devices/${id}/position`).catch(() => null); if (p) date = day(p.time); } if (may(context.principal, 'tracks')) await loadDay(); }));
  return () => ended.forEach((f) => f());
}
