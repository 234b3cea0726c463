/* fences.ts -- fences as they hold: seen, drawn (polygon with holes, circle, corridor; widths in metres), changed, ended,
 * taken from files. A change is a new version from an instant on; what was judged before stays judged so. */
import { get, send, url } from '../api';
import { startDrawing, type Drawing, type Shape } from '../drawing';
import { fill, h } from '../dom';
import { day, fromInput, toInput } from '../format';
import type { LonLat } from '../gcj02';
import { kmlFeatures } from '../kml';
import { addFences, circle, fitTo, mapFrame, metres, pointsOf, setData, shown, type MapLibre } from '../map';
import { chinese, t, type Key } from '../messages';
import { link, replaceQuery } from '../router';
import { may } from '../session';
import { button, busy, dialog, field, input, notice, table, textOf } from '../widgets';
import type { Mount } from './index';

type Fence = GeoJSON.Feature<GeoJSON.Geometry, { name?: string; tags?: string; limit_kmh?: number; when?: string; valid_from?: string; valid_to?: string }> & { id: string };
interface Refusal { feature: number; id: string; reason: string; reason_zh: string }

const shapes: [Key, Shape, Key][] = [['f_polygon', 'polygon', 'draw_hint_polygon'], ['f_circle', 'circle', 'f_hint_circle'], ['f_corridor', 'line', 'f_hint_corridor']];

export const mount: Mount = (root, { settings, place, principal }) => {
  const query = new URLSearchParams(place.query), listPlace = h('section', { class: 'panel' }), hint = h('p', { role: 'status', hidden: true });
  let fences: Fence[] = [], map: MapLibre | null = null, drawing: Drawing | null = null, drawn: GeoJSON.Geometry | null = null, fitted = false;
  const writes = may(principal, 'fences', true);
  const snap = h('input', { type: 'checkbox', checked: true });

  function draw(): void {
    const chosen = query.get('id');
    fill(listPlace, table(t('nav_fences'), [
      { head: t('name'), cell: (f) => f.properties.name || f.id }, { head: t('f_tags'), cell: (f) => f.properties.tags ?? '' }, { head: t('f_limit'), cell: (f) => (f.properties.limit_kmh === undefined ? '' : String(f.properties.limit_kmh)), class: 'number' },
      { head: t('f_when'), cell: (f) => f.properties.when ?? '' }, { head: t('f_valid'), cell: (f) => `${day(f.properties.valid_from)}${f.properties.valid_to ? ` – ${day(f.properties.valid_to)}` : ''}` },
      { head: '', cell: (f) => !writes ? null : h('span', { class: 'buttons' }, button(t('f_edit'), () => edit(f)), button(t('f_end'), () => end(f), { kind: 'bad', label: `${t('f_end')} ${f.properties.name || f.id}` })) },
    ], fences, (f) => { query.set('id', f.id); replaceQuery(place, query); draw(); show(f); }, (f) => f.id === chosen));
    if (!map) return;
    addFences(map, fences);
    if (!fitted && fences.length) { fitted = true; const one = fences.find((f) => f.id === chosen); if (one) show(one); else fitTo(map, fences.flatMap((f) => pointsOf(f.geometry)), { maxZoom: 12 }); }
  }
  const show = (f: Fence): void => { if (map) fitTo(map, pointsOf(f.geometry), { maxZoom: 16 }); };

  async function load(): Promise<void> {
    fences = (await get<{ features: Fence[] }>('/api/v1/fences')).features;
    draw();
  }

  // --- drawing ---
  const corners = (): LonLat[] => (snap.checked ? fences.flatMap((f) => pointsOf(f.geometry)) : []);
  function begin(shape: Shape, words: Key, done: (points: LonLat[]) => void): void {
    if (!map) return;
    drawing?.cancel();
    hint.hidden = false;
    fill(hint, t(words), ' ', button(t('draw_finish'), () => drawing?.finish()), button(t('f_undo'), () => drawing?.undo()), button(t('cancel'), () => { drawing?.cancel(); drawing = null; hint.hidden = true; }, { kind: 'quiet' }));
    drawing = startDrawing(map, shape, (points) => { drawing = null; hint.hidden = true; done(points); }, corners);
  }
  function showDrawn(g: GeoJSON.Geometry | null, radius_m = 0): void {
    drawn = g;
    if (!map) return;
    const rings = !g ? [] : g.type === 'Polygon' ? g.coordinates as LonLat[][] : g.type === 'Point' ? [circle(g.coordinates as LonLat, radius_m)] : g.type === 'LineString' ? [g.coordinates as LonLat[]] : [];
    setData(map, 'drawn', rings.map((ring) => ({ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: ring.map(shown) } })));
    if (!map.getLayer('drawn')) map.addLayer({ id: 'drawn', type: 'line', source: 'drawn', paint: { 'line-color': '#c62828', 'line-width': 2.5 } });
  }
  const start = (shape: Shape, words: Key): void => begin(shape, words, (points) => {
    const radius = shape === 'circle' ? Math.round(metres(points[0]!, points[1]!)) : 0;
    showDrawn(shape === 'circle' ? { type: 'Point', coordinates: points[0]! } : shape === 'line' ? { type: 'LineString', coordinates: points } : { type: 'Polygon', coordinates: [points] }, radius);
    edit(null, radius);
  });
  /* A hole goes into the outline that was drawn last and not saved yet. */
  const hole = (): void => {
    const outer = drawn;
    if (outer?.type !== 'Polygon') { notice(t('f_needs_shape'), true); return; }
    begin('polygon', 'draw_hint_polygon', (ring) => { showDrawn({ type: 'Polygon', coordinates: [...outer.coordinates, ring] }); edit(null); });
  };

  // --- saving ---
  async function put(features: GeoJSON.Feature[]): Promise<Refusal[]> {
    const answer = await send<{ accepted: number; refused: Refusal[] }>('POST', '/api/v1/fences', { type: 'FeatureCollection', features });
    if (answer.accepted) notice(`${t('f_saved')} (${answer.accepted})`);
    await load();
    return answer.refused;
  }
  const words = (r: Refusal): string => `${r.id || r.feature}: ${chinese() ? r.reason_zh : r.reason}`;

  function edit(f: Fence | null, radius = 0): void {
    const geometry = f ? f.geometry : drawn!, p = f?.properties ?? {};
    const extra = f ? null : geometry.type === 'Point' ? field(t('f_radius'), input('radius_m', { type: 'number', min: '1', value: String(radius), required: true })) : geometry.type === 'LineString' ? field(t('f_width'), input('half_width_m', { type: 'number', min: '1', value: '25', required: true })) : null;
    const id = input('id', { value: f?.id ?? '', required: true });
    id.readOnly = f !== null;
    dialog(f ? t('f_edit') : t('f_new'), [h('div', { class: 'two' }, field(t('f_id'), id), field(t('name'), input('name', { value: p.name ?? '' })), field(t('f_tags'), input('tags', { value: p.tags ?? '' })), field(t('f_limit'), input('limit_kmh', { type: 'number', min: '0', value: p.limit_kmh?.toString() ?? '' })),
      field(t('f_when'), input('when', { value: p.when ?? 'always' }), t('f_when_hint')), extra, field(t('f_valid_from'), input('valid_from', { type: 'datetime-local', value: toInput(Date.now()), required: true })), field(t('f_valid_to'), input('valid_to', { type: 'datetime-local', value: p.valid_to ? toInput(Date.parse(p.valid_to)) : '' })))], async (form) => {
      const text = (key: string): string => textOf(form, key), properties: Record<string, string | number> = { id: text('id') };
      for (const key of ['name', 'tags', 'when']) if (text(key)) properties[key] = text(key);
      for (const key of ['limit_kmh', 'radius_m', 'half_width_m']) if (text(key)) properties[key] = Number(text(key));
      for (const key of ['valid_from', 'valid_to']) if (text(key)) properties[key] = new Date(fromInput(text(key))).toISOString();
      const refused = await put([{ type: 'Feature', properties, geometry }]);
      if (refused.length) throw new Error(refused.map(words).join('\n'));
      showDrawn(null);
    });
  }

  function end(f: Fence): void {
    dialog(`${t('f_end')} ${f.properties.name || f.id}`, [h('p', null, t('f_end_sure'))], async () => {
      await send('DELETE', url(`/api/v1/fences/${encodeURIComponent(f.id)}`));
      await load();
    }, t('f_end'));
  }

  function upload(): void {
    const file = h('input', { type: 'file', accept: '.geojson,.json,.kml', required: true }), problems = h('div', { role: 'status' });
    dialog(t('f_upload'), [field(t('d_import_file'), file), problems], async () => {
      const text = await file.files![0]!.text();
      const features = file.files![0]!.name.toLowerCase().endsWith('.kml') ? kmlFeatures(text) : ((JSON.parse(text) as { features?: GeoJSON.Feature[] }).features ?? [JSON.parse(text) as GeoJSON.Feature]);
      const refused = await put(features);
      fill(problems, refused.length ? table(t('f_refused'), [{ head: t('f_refused'), cell: words }], refused) : null);
      if (refused.length) throw new Error(`${t('f_refused')} ${refused.length}`);
    }, t('f_upload'));
  }

  const frame = mapFrame(settings, { name: t('nav_fences') }, (made) => { map = made; draw(); });
  fill(root, h('h1', null, t('nav_fences')), h('div', { class: 'filters' }, writes ? [h('span', null, t('f_new')), ...shapes.map(([name, shape, w]) => button(t(name), () => start(shape, w))), button(t('f_hole'), hole), h('label', null, snap, ' ', t('f_snap')), button(t('f_upload'), upload)] : [], h('a', { href: link('rules') }, t('nav_rules'))), hint,
    h('div', { class: 'split' }, listPlace, frame.element));
  void busy(load());
  return { end: () => { drawing?.cancel(); frame.end(); } };
};
