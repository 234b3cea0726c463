/* live.ts -- where everything is now.
 *
 *   GET /positions (NDJSON, once) ──> what is known by device <── /positions/live (server-sent events)
 *                                            │ at most once a second: those that changed, as a difference
 *                                            └──> points of the map, trails, counts by class
 *
 * Between two positions of a device nothing is invented: an arrow stands where the device said it was. */
import { get, listen, rows, send } from '../api';
import { groupOf, groups, isBoat } from '../classes';
import { fill, h } from '../dom';
import { ago, fromInput, knots, plate, time, toInput, day } from '../format';
import type { LonLat } from '../gcj02';
import { addData, addFences, fitTo, mapFrame, maplibregl, setData, shown, textLayout, textPaint, type MapLibre } from '../map';
import { t, word, type Key } from '../messages';
import { link } from '../router';
import { may } from '../session';
import { startDrawing, type Drawing } from '../drawing';
import type { Position } from '../types';
import { busy, button, facts, field, input, pill, table, textOf } from '../widgets';
import type { Mount } from './index';

interface Visit { device: string; name: string | null; reports: number; first: { time: string }; last: { time: string } }

const TRAIL_POINTS = 40;
const SKIPPED_MAX = 5;
const AGAIN_MS = 60000; // everything anew: what nobody heard of grows silent without a word
const SILENT_MS = 30 * 60000;

export const title = (p: { plate: string | null; name: string | null; device: string }): string => plate(p.plate) || p.name || p.device.slice(0, 8);

function stateOf(p: Position, now: number): 'silent' | 'no_fix' | 'alarm' | 'moving' | 'stopped' {
  if (now - Date.parse(p.seen) > SILENT_MS) return 'silent';
  if (!p.fix) return 'no_fix';
  if (p.alarm !== 0) return 'alarm';
  return (p.speed_kmh ?? 0) >= 2 ? 'moving' : 'stopped';
}

function speedOf(p: Position): string {
  if (p.speed_kmh === null) return '—';
  return isBoat(p.class) ? `${knots(p.speed_kmh).toFixed(1)} kn` : `${p.speed_kmh.toFixed(0)} km/h`;
}

export const mount: Mount = (root, { settings, place, principal }) => {
  const known = new Map<string, Position>();
  const trails = new Map<string, LonLat[]>();
  const off = new Set<string>(), touched = new Set<string>(); // since the last drawing
  const layers: Record<string, boolean> = { layer_trails: true, layer_labels: true, layer_fences: true, layer_tiles: true, layer_cluster: true };
  let map: MapLibre | null = null, changed = false, skipped = 0, drawnAt = 0, fitted = false, followed = place.query.get('follow'), selected: string | null = null;
  let drawing: Drawing | null = null;
  const ended: (() => void)[] = [];

  // --- what is seen beside the map ---
  const counts = h('div', { class: 'legend' }), state = h('p', { role: 'status', class: 'down' }, t('loading'));
  const search = input('find', { placeholder: t('find_on_map'), type: 'search' });
  search.setAttribute('aria-label', t('find_on_map'));
  const found = h('div');
  const detail = h('div', { class: 'over right', hidden: true, role: 'region', 'aria-label': t('device') });
  const layerBoxes = h('div', { class: 'legend' }, Object.keys(layers).filter((key) => key !== 'layer_tiles' || settings.tiles).map((key) => {
    const box = h('input', { type: 'checkbox', checked: true, onchange: () => { layers[key] = box.checked; applyLayers(); } });
    return h('label', null, box, t(key as Key));
  }));
  const hint = h('p', { role: 'status', hidden: true });
  const panel = h('div', { class: 'over left' }, h('h1', { class: 'hidden' }, t('nav_live')), state, search, found, counts,
    h('details', null, h('summary', null, t('layers')), layerBoxes),
    !may(principal, 'archive') ? null : h('details', null, h('summary', null, t('who_was')), h('div', { class: 'buttons' }, button(t('draw_box'), () => draw('box')), button(t('draw_polygon'), () => draw('polygon'))), hint));

  search.addEventListener('input', () => {
    const text = search.value.trim().toUpperCase();
    const hits = text ? [...known.values()].filter((p) => `${p.plate} ${p.name} ${p.device}`.toUpperCase().includes(text)).slice(0, 8) : [];
    fill(found, hits.map((p) => button(title(p), () => { select(p.device, true); search.value = ''; fill(found); }, { kind: 'quiet' })));
  });
  search.addEventListener('keydown', (e) => { if (e.key === 'Enter') (found.querySelector('button') as HTMLElement | null)?.click(); });

  function showCounts(): void {
    const n = new Map<string, number>();
    for (const p of known.values()) n.set(groupOf(p.class).key, (n.get(groupOf(p.class).key) ?? 0) + 1);
    const focused = document.activeElement instanceof HTMLInputElement ? document.activeElement.dataset.group : undefined;
    fill(counts, groups.filter((g) => n.has(g.key)).map((g) => {
      const box = h('input', { type: 'checkbox', checked: !off.has(g.key), 'data-group': g.key, onchange: () => { if (box.checked) off.delete(g.key); else off.add(g.key); changed = true; } });
      const dot = h('span', { class: 'dot' });
      dot.style.background = g.colour;
      return h('label', null, box, dot, t(g.title), h('b', null, n.get(g.key)!));
    }));
    if (focused) (counts.querySelector(`[data-group="${focused}"]`) as HTMLElement | null)?.focus();
  }

  // --- the map ---
  function feature(p: Position, now: number): GeoJSON.Feature | null {
    if (p.lat === null || p.lon === null || off.has(groupOf(p.class).key)) return null;
    const state = stateOf(p, now);
    return { type: 'Feature', id: p.device, geometry: { type: 'Point', coordinates: shown([p.lon, p.lat]) },
      properties: { device: p.device, title: title(p), icon: state === 'moving' || (state === 'alarm' && (p.speed_kmh ?? 0) >= 2) ? 'arrow' : 'dot', course: p.course_deg ?? 0, colour: groupOf(p.class).colour, faint: state === 'silent' || state === 'no_fix' ? 0.45 : 1, alarm: state === 'alarm' ? 1 : 0 } };
  }

  function trail(device: string): GeoJSON.Feature | null {
    const points = trails.get(device), group = groupOf(known.get(device)?.class);
    return !layers.layer_trails || !points || points.length < 2 || off.has(group.key) ? null : { type: 'Feature', id: device, geometry: { type: 'LineString', coordinates: points.map(shown) }, properties: { colour: group.colour } };
  }
  const there = (f: GeoJSON.Feature | null): f is GeoJSON.Feature => f !== null;

  /* What the legend, the layers or time changed is drawn whole; else only what was heard of. */
  function redraw(): void {
    const now = Date.now(), whole = changed || now - drawnAt > AGAIN_MS;
    if (!map || (!whole && !touched.size)) return;
    const source = layers.layer_cluster ? 'things' : 'single', other = layers.layer_cluster ? 'single' : 'things';
    // a slow machine finishes drawing one turn before it gets the next, but is not kept waiting for ever
    if (map.getSource(source) && !map.isSourceLoaded(source) && ++skipped < SKIPPED_MAX) return;
    skipped = 0;
    const ids = whole ? [...known.keys()] : [...touched];
    changed = false;
    touched.clear();
    const features = ids.map((id) => feature(known.get(id)!, now)).filter(there), lines = (whole ? [...trails.keys()] : ids).map(trail).filter(there);
    if (whole) {
      drawnAt = now;
      setData(map, source, features);
      setData(map, other, []);
      setData(map, 'trails', lines);
    } else {
      const gone = ids.filter((id) => feature(known.get(id)!, now) === null);
      addData(map, source, features, gone);
      if (lines.length) addData(map, 'trails', lines);
    }
    showCounts();
    const p = followed ? known.get(followed) : undefined;
    if (p && p.lat !== null && p.lon !== null) map.easeTo({ center: shown([p.lon, p.lat]), duration: 400 });
    if (selected && (whole || ids.includes(selected))) showDetail();
    if (!fitted && whole && features.length) {
      fitted = true;
      if (followed) select(followed, true); else fitTo(map, [...known.values()].filter((q) => q.lat !== null && q.lon !== null && stateOf(q, now) !== 'silent').map((q): LonLat => [q.lon!, q.lat!]), { maxZoom: 12, padding: 80 });
    }
  }

  const text = (colour: string) => ({ ...textPaint(), 'text-color': colour });
  function addLayers(m: MapLibre): void {
    setData(m, 'trails', []);
    setData(m, 'things', [], { cluster: true });
    setData(m, 'single', []);
    setData(m, 'drawn', []);
    m.addLayer({ id: 'trails', type: 'line', source: 'trails', minzoom: 9, paint: { 'line-color': ['get', 'colour'], 'line-width': 2, 'line-opacity': 0.6 } });
    m.addLayer({ id: 'clusters', type: 'circle', source: 'things', filter: ['has', 'point_count'], paint: { 'circle-color': '#0b5c7a', 'circle-radius': ['interpolate', ['linear'], ['get', 'point_count'], 4, 14, 100, 24, 1000, 34], 'circle-stroke-color': '#fff', 'circle-stroke-width': 2 } });
    m.addLayer({ id: 'cluster-count', type: 'symbol', source: 'things', filter: ['has', 'point_count'], layout: { ...textLayout(['get', 'point_count_abbreviated'], 13), 'text-allow-overlap': true }, paint: { 'text-color': '#fff' } });
    for (const source of ['things', 'single']) {
      m.addLayer({ id: `${source}-alarm`, type: 'circle', source, filter: ['==', ['get', 'alarm'], 1], paint: { 'circle-color': '#c62828', 'circle-opacity': 0.3, 'circle-radius': 16 } });
      m.addLayer({ id: `${source}-icon`, type: 'symbol', source, filter: ['!', ['has', 'point_count']],
        layout: { 'icon-image': ['get', 'icon'], 'icon-rotate': ['get', 'course'], 'icon-rotation-alignment': 'map', 'icon-allow-overlap': true, 'icon-ignore-placement': true },
        paint: { 'icon-color': ['get', 'colour'], 'icon-opacity': ['get', 'faint'], 'icon-halo-color': '#fff', 'icon-halo-width': 1.5 } });
      m.addLayer({ id: `${source}-label`, type: 'symbol', source, minzoom: 10, filter: ['!', ['has', 'point_count']], layout: { ...textLayout(['get', 'title'], 11), 'text-anchor': 'top', 'text-offset': [0, 0.9], 'text-optional': true }, paint: text(textPaint()['text-color']) });
      m.on('click', `${source}-icon`, (e) => { if (!drawing) select(String(e.features![0]!.properties.device), false); });
      m.on('mouseenter', `${source}-icon`, () => { m.getCanvas().style.cursor = 'pointer'; });
      m.on('mouseleave', `${source}-icon`, () => { m.getCanvas().style.cursor = ''; });
    }
    m.on('click', 'clusters', (e) => {
      const hit = e.features![0]!, source = m.getSource('things') as maplibregl.GeoJSONSource;
      void source.getClusterExpansionZoom(Number(hit.properties.cluster_id)).then((zoom) => m.easeTo({ center: (hit.geometry as GeoJSON.Point).coordinates as LonLat, zoom: zoom + 0.5 }));
    });
    m.on('dragstart', () => { if (followed) { followed = null; if (selected) showDetail(); } });
  }

  function applyLayers(): void {
    if (!map) return;
    const set = (id: string, on: boolean) => { if (map!.getLayer(id)) map!.setLayoutProperty(id, 'visibility', on ? 'visible' : 'none'); };
    ['things-label', 'single-label'].forEach((id) => set(id, layers.layer_labels!));
    ['fence-fill', 'fence-line', 'fence-name'].forEach((id) => set(id, layers.layer_fences!));
    set('tiles', layers.layer_tiles!);
    changed = true;
    redraw();
  }

  // --- one device ---
  function select(device: string, move: boolean): void {
    const p = known.get(device);
    if (!p) return;
    selected = device;
    if (move && map && p.lat !== null && p.lon !== null) map.easeTo({ center: shown([p.lon, p.lat]), zoom: Math.max(map.getZoom(), 13), duration: 0 });
    showDetail();
  }

  function showDetail(): void {
    const p = known.get(selected!);
    if (!p) return;
    detail.hidden = false;
    const now = Date.now(), s = stateOf(p, now);
    fill(detail, h('h2', null, title(p), ' ', pill(word('class', p.class ?? 'other'), 'soft'), ' ', pill(t(s), s === 'alarm' ? 'bad' : s === 'silent' || s === 'no_fix' ? 'warn' : 'good')),
      facts([[t('speed'), speedOf(p)], [t('course'), p.course_deg === null ? null : `${p.course_deg}°`], [t('company'), p.company], [t('village'), p.village],
        [t('place'), p.lat === null ? null : `${p.lat.toFixed(5)}, ${p.lon!.toFixed(5)}`], [t('reported'), time(p.time)], [t('seen'), ago(p.seen)], [t('mileage'), p.mileage_km === null ? null : `${p.mileage_km} km`]]),
      h('div', { class: 'buttons' },
        button(t(followed === p.device ? 'unfollow' : 'follow'), () => { followed = followed === p.device ? null : p.device; changed = true; redraw(); showDetail(); }, { pressed: followed === p.device }),
        !may(principal, 'tracks') ? null : h('a', { href: link('devices', [p.device], { day: day(p.time) }) }, t('day_track')),
        h('a', { href: link('violations', [], { device: p.device }) }, t('nav_violations')),
        button(t('close'), () => { selected = null; detail.hidden = true; }, { kind: 'quiet' })));
  }

  // --- who was here ---
  function draw(shape: 'box' | 'polygon'): void {
    if (!map) return;
    drawing?.cancel();
    hint.hidden = false;
    fill(hint, t(shape === 'box' ? 'draw_hint_box' : 'draw_hint_polygon'));
    drawing = startDrawing(map, shape, (ring) => { drawing = null; hint.hidden = true; ask(ring); });
  }

  function ask(ring: LonLat[]): void {
    const now = Date.now();
    const from = input('from', { type: 'datetime-local', value: toInput(now - 6 * 3600000), required: true }), to = input('to', { type: 'datetime-local', value: toInput(now), required: true });
    const result = h('div', { role: 'status' });
    const form = h('form', { onsubmit: (e: Event) => { e.preventDefault(); void busy(answer(new FormData(form))); } },
      h('h2', null, t('who_was_title')), h('div', { class: 'two' }, field(t('from'), from), field(t('to'), to)),
      field(t('case_number'), input('case', { required: true }), t('case_why')),
      h('div', { class: 'actions' }, button(t('close'), () => { detail.hidden = true; setData(map!, 'drawn', []); drawn(null); }), h('button', { class: 'main' }, t('search'))), result);
    async function answer(values: FormData): Promise<void> {
      const body = { geometry: { type: 'Polygon', coordinates: [ring] }, from: fromInput(textOf(values, 'from')), to: fromInput(textOf(values, 'to')), case: textOf(values, 'case') };
      const { devices } = await send<{ devices: Visit[] }>('POST', '/api/v1/archive/who-was', body);
      fill(result, devices.length ? table(t('who_was'), [
        { head: t('device'), cell: (r) => h('a', { href: link('devices', [r.device], { day: day(r.first.time) }) }, plate(r.name) || r.device) },
        { head: t('first_in'), cell: (r) => time(r.first.time), class: 'nowrap' },
        { head: t('last_in'), cell: (r) => time(r.last.time), class: 'nowrap' },
        { head: t('reports'), cell: (r) => String(r.reports), class: 'number' }], devices) : h('p', { class: 'none' }, t('who_was_none')));
    }
    selected = null;
    detail.hidden = false;
    fill(detail, form);
    (form.querySelector('[name=case]') as HTMLElement).focus();
    drawn(ring);
  }

  function drawn(ring: LonLat[] | null): void {
    if (!map) return;
    setData(map, 'drawn', ring ? [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring.map(shown)] } }] : []);
    if (!map.getLayer('drawn')) map.addLayer({ id: 'drawn', type: 'line', source: 'drawn', paint: { 'line-color': '#c62828', 'line-width': 2.5, 'line-dasharray': [2, 1] } });
  }

  // --- what comes in ---
  function take(p: Position): void {
    const before = known.get(p.device);
    if (before && Date.parse(before.time) > Date.parse(p.time)) return;
    known.set(p.device, p);
    touched.add(p.device);
    if (p.lat === null || p.lon === null || (before && before.time === p.time)) return;
    const trail = trails.get(p.device) ?? [];
    trail.push([p.lon, p.lat]);
    if (trail.length > TRAIL_POINTS) trail.shift();
    trails.set(p.device, trail);
  }

  const frame = mapFrame(settings, { name: t('nav_live') }, (made) => {
    map = made;
    addLayers(made);
    changed = true;
    redraw();
    get<{ features: GeoJSON.Feature[] }>('/api/v1/fences').then((f) => { addFences(made, f.features, 'trails'); applyLayers(); }).catch(() => { /* the map is good without */ });
  });
  fill(root, frame.element, panel, detail);

  const stop = new AbortController();
  ended.push(() => stop.abort());
  const began = Date.now();
  const load = rows<Position>('/api/v1/positions', { format: 'ndjson' }, take, stop.signal).then(() => { changed = true; redraw(); showCounts(); });
  void busy(load.then(() => {
    if (stop.signal.aborted) return;
    ended.push(listen('/api/v1/positions/live', { after: String(began), event: (_, data) => { for (const p of (data as { positions?: Position[] }).positions ?? []) take(p); if (!map) showCounts(); },
      state: (up) => { fill(state, up ? `● ${t('live_on')} · ${known.size} ${t('live_count')}` : t('live_off')); state.className = up ? 'up' : 'down'; } }));
  }));
  const timer = setInterval(() => { if (!document.hidden) redraw(); }, 1000);
  ended.push(() => clearInterval(timer), frame.end);
  return { end: () => ended.forEach((f) => f()) };
};
