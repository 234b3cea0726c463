/* map.ts -- the one user of MapLibre: the base map, and what all maps of the console do alike.
 *
 *   const map = await makeMap(place, settings)     land and water of the program, or the operator's tiles
 *   setPoints(map, 'x', features)                  positions in WGS-84: shown shifted where the base map is (GCJ-02)
 *
 * The worker is a file of its own (the CSP build), so that the policy can stay without blob: scripts. */
import maplibregl, { type GeoJSONSource, type Map as MapLibre, type StyleSpecification } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-csp-worker.js?url';
import landUrl from '@land?url';
import { h } from './dom';
import { fromGcj02, toGcj02, type LonLat } from './gcj02';
import { t } from './messages';
import type { Settings } from './session';

maplibregl.setWorkerUrl(new URL(workerUrl, location.href).href);

export type { MapLibre };
export { maplibregl };

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* Quanzhou's coast, until there is something to show. */
const HOME: { center: LonLat; zoom: number } = { center: [118.75, 24.9], zoom: 9.5 };
const FONT = ['system-ui'];

let shifted = false;
export const shown = (p: LonLat): LonLat => (shifted ? toGcj02(p) : p);
export const meant = (p: LonLat): LonLat => (shifted ? fromGcj02(p) : p);

/* Any GeoJSON coordinates, however deep. */
function shift(c: unknown): unknown {
  return Array.isArray(c) && typeof c[0] === 'number' ? toGcj02(c as LonLat) : Array.isArray(c) ? c.map(shift) : c;
}
export function shownGeometry<G extends GeoJSON.Geometry>(g: G): G {
  return shifted && 'coordinates' in g ? { ...g, coordinates: shift(g.coordinates) } as G : g;
}

function style(settings: Settings): StyleSpecification {
  const tiles = settings.tiles;
  const land = (id: string, detail: number, colour: string) => ({ id, type: 'fill' as const, source: 'land', filter: ['==', ['get', 'detail'], detail] as never, paint: { 'fill-color': colour, 'fill-antialias': detail !== 2 } });
  return {
    version: 8,
    sources: {
      land: { type: 'geojson', data: new URL(landUrl, location.href).href, attribution: t('map_land') },
      ...(tiles ? { tiles: { type: 'raster' as const, tiles: tiles.url.includes('{s}') ? '01234567'.split('').map((s) => tiles.url.replace('{s}', s)) : [tiles.url], tileSize: 256, maxzoom: 18 } } : {}),
    },
    layers: [
      { id: 'sea', type: 'background', paint: { 'background-color': css('--sea') } },
      land('land-world', 0, css('--land')), land('land-region-sea', 2, css('--sea')), land('land-region', 1, css('--land')),
      ...(tiles ? [{ id: 'tiles', type: 'raster' as const, source: 'tiles' }] : []),
    ],
  };
}

export interface MapOptions { name: string; words?: string }

/* Rejects when there is no WebGL. */
export async function makeMap(place: HTMLElement, settings: Settings, o: MapOptions): Promise<MapLibre> {
  const canvas = h('div', { class: 'canvas' });
  place.append(canvas);
  shifted = settings.tiles?.gcj02 ?? false;
  const map = new maplibregl.Map({
    container: canvas, style: style(settings), ...HOME, minZoom: 2, maxZoom: 19, attributionControl: false, pitchWithRotate: false, dragRotate: false, fadeDuration: 0,
    locale: { 'NavigationControl.ZoomIn': t('map_zoom_in'), 'NavigationControl.ZoomOut': t('map_zoom_out'), 'NavigationControl.ResetBearing': t('map_north'), 'AttributionControl.ToggleAttribution': t('map_attribution'), 'Map.Title': o.name },
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), 'top-right');
  map.addControl(new maplibregl.ScaleControl({ unit: 'metric' }), 'bottom-right');
  map.addControl(new maplibregl.AttributionControl({ compact: true, customAttribution: settings.tiles?.approval ? `${t('map_approval')} ${settings.tiles.approval}` : [] }), 'bottom-right');
  // tests and people with a console can reach it
  (canvas as HTMLElement & { map?: MapLibre }).map = map;
  await new Promise<void>((resolve, reject) => {
    map.once('load', () => resolve());
    map.once('error', (e) => { if (!map.isStyleLoaded()) reject(e.error); });
  });
  addArrows(map);
  return map;
}

/* A map in its frame. Without WebGL the frame says so, and the rest of the page goes on. `draw` gets the map once it is
 * there, unless the frame was ended meanwhile. */
export function mapFrame(settings: Settings, o: MapOptions, draw: (map: MapLibre) => void): { element: HTMLElement; end: () => void } {
  const element = h('div', { class: 'map' });
  let map: MapLibre | null = null, ended = false;
  const begin = (): void => {
    makeMap(element, settings, o).then((made) => {
      if (ended) { made.remove(); return; }
      map = made;
      draw(made);
    }, () => element.append(h('p', { class: 'none', role: 'status' }, t('map_nothing'))));
  };
  requestAnimationFrame(begin); // the frame has its size by then
  return { element, end: () => { ended = true; map?.remove(); } };
}

/* Arrows for those that move, dots for those that stand: one picture each, coloured by the layer (SDF). */
function addArrows(map: MapLibre): void {
  const size = 48;
  const draw = (path: (c: CanvasRenderingContext2D) => void): ImageData => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = size;
    const c = canvas.getContext('2d')!;
    c.translate(size / 2, size / 2);
    c.fillStyle = '#000';
    path(c);
    c.fill();
    return c.getImageData(0, 0, size, size);
  };
  map.addImage('arrow', draw((c) => { c.beginPath(); c.moveTo(0, -18); c.lineTo(12, 15); c.lineTo(0, 8); c.lineTo(-12, 15); c.closePath(); }), { pixelRatio: 2, sdf: true });
  map.addImage('dot', draw((c) => { c.beginPath(); c.arc(0, 0, 10, 0, 7); }), { pixelRatio: 2, sdf: true });
}

const empty: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

export function setData(map: MapLibre, id: string, features: GeoJSON.Feature[], o: { cluster?: boolean } = {}): void {
  const source = map.getSource(id) as GeoJSONSource | undefined;
  const data: GeoJSON.FeatureCollection = { ...empty, features };
  if (source) source.setData(data);
  else map.addSource(id, { type: 'geojson', data, ...(o.cluster ? { cluster: true, clusterMaxZoom: 11, clusterRadius: 44, clusterMinPoints: 4 } : {}) });
}

/* Of a source whose features have ids: these are new or changed, those are gone. Costs what changed, not what is there. */
export function addData(map: MapLibre, id: string, add: GeoJSON.Feature[], remove: string[] = []): void {
  (map.getSource(id) as GeoJSONSource).updateData({ add, remove });
}

export const textLayout = (field: unknown, size = 12) => ({ 'text-field': field as never, 'text-font': FONT, 'text-size': size, 'text-max-width': 12 });
export const textPaint = () => ({ 'text-color': css('--text'), 'text-halo-color': css('--panel'), 'text-halo-width': 1.5 });

export function fitTo(map: MapLibre, points: LonLat[], o: { maxZoom?: number; padding?: number } = {}): void {
  if (!points.length) return;
  const box = points.slice(1).reduce((b, p) => b.extend(shown(p)), new maplibregl.LngLatBounds(shown(points[0]!), shown(points[0]!)));
  map.fitBounds(box, { padding: o.padding ?? 48, maxZoom: o.maxZoom ?? 14, animate: false });
}

export function pointsOf(g: GeoJSON.Geometry | null): LonLat[] {
  const out: LonLat[] = [];
  const walk = (c: unknown): void => { if (Array.isArray(c)) { if (typeof c[0] === 'number') out.push(c as LonLat); else c.forEach(walk); } };
  if (g && 'coordinates' in g) walk(g.coordinates);
  return out;
}

/* Fences with their names, below what moves. */
export function addFences(map: MapLibre, features: GeoJSON.Feature[], before?: string): void {
  const accent = css('--accent');
  setData(map, 'fences', features.map((f) => ({ ...f, geometry: shownGeometry(f.geometry) })));
  if (map.getLayer('fence-fill')) return;
  map.addLayer({ id: 'fence-fill', type: 'fill', source: 'fences', paint: { 'fill-color': accent, 'fill-opacity': 0.12 }, filter: ['!=', ['geometry-type'], 'LineString'] }, before);
  map.addLayer({ id: 'fence-line', type: 'line', source: 'fences', paint: { 'line-color': accent, 'line-width': 1.5 } }, before);
  map.addLayer({ id: 'fence-name', type: 'symbol', source: 'fences', minzoom: 9, layout: { ...textLayout(['case', ['has', 'limit_kmh'], ['concat', ['coalesce', ['get', 'name'], ''], ' ', ['get', 'limit_kmh'], ' km/h'], ['coalesce', ['get', 'name'], '']]), 'symbol-placement': 'point' }, paint: textPaint() }, before);
}

/* Metres between two points: a sphere is enough for a circle that is drawn by hand. */
export function metres([aLon, aLat]: LonLat, [bLon, bLat]: LonLat): number {
  const r = Math.PI / 180, dLat = (bLat - aLat) * r, dLon = (bLon - aLon) * r;
  const s = Math.sin(dLat / 2) ** 2 + Math.cos(aLat * r) * Math.cos(bLat * r) * Math.sin(dLon / 2) ** 2;
  return 2 * 6371008.8 * Math.asin(Math.sqrt(s));
}

export function circle([lon, lat]: LonLat, radius_m: number, corners = 72): LonLat[] {
  const r = 180 / Math.PI / 6371008.8;
  return Array.from({ length: corners + 1 }, (_, i): LonLat => {
    const a = (i % corners) / corners * 2 * Math.PI;
    return [lon + radius_m * r * Math.sin(a) / Math.cos(lat * Math.PI / 180), lat + radius_m * r * Math.cos(a)];
  });
}
