/* drawing.ts -- shapes drawn on a map by clicks: box, polygon, circle, line.
 *
 *   startDrawing(map, 'polygon', done)    clicks are corners; double click or Enter ends, Escape gives up, Backspace
 *                                         takes a corner back; `snap` offers corners to hold on to (within SNAP_PX)
 *
 * `done` gets WGS-84: a closed ring for boxes and polygons, the points for lines, centre and rim for circles. */
import { circle, meant, metres, setData, shown, type MapLibre } from './map';
import type { LonLat } from './gcj02';

export type Shape = 'box' | 'polygon' | 'circle' | 'line';
export interface Drawing { cancel: () => void; undo: () => void; finish: () => void }

const SNAP_PX = 12;

export function startDrawing(map: MapLibre, shape: Shape, done: (points: LonLat[]) => void, snap: () => LonLat[] = () => []): Drawing {
  const points: LonLat[] = [];
  let over: LonLat | null = null;

  const snapped = (e: { lngLat: { lng: number; lat: number }; point: { x: number; y: number } }): LonLat => {
    for (const corner of snap()) {
      const at = map.project(shown(corner));
      if (Math.hypot(at.x - e.point.x, at.y - e.point.y) <= SNAP_PX) return corner;
    }
    const p = meant([e.lngLat.lng, e.lngLat.lat]);
    return [Number(p[0].toFixed(7)), Number(p[1].toFixed(7))];
  };
  const box = ([a, b]: LonLat[]): LonLat[] => [[a![0], a![1]], [b![0], a![1]], [b![0], b![1]], [a![0], b![1]], [a![0], a![1]]];

  const show = (): void => {
    const all = over ? [...points, over] : points;
    const line = shape === 'box' && all.length === 2 ? box(all) : shape === 'circle' && all.length === 2 ? circle(all[0]!, metres(all[0]!, all[1]!)) : shape === 'polygon' && all.length > 2 ? [...all, all[0]!] : all;
    setData(map, 'drawing', [
      { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: line.map(shown) } },
      ...points.map((p): GeoJSON.Feature => ({ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: shown(p) } })),
    ]);
    if (map.getLayer('drawing-line')) return;
    map.addLayer({ id: 'drawing-line', type: 'line', source: 'drawing', paint: { 'line-color': '#c62828', 'line-width': 2.5 } });
    map.addLayer({ id: 'drawing-corner', type: 'circle', source: 'drawing', filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-radius': 5, 'circle-color': '#fff', 'circle-stroke-color': '#c62828', 'circle-stroke-width': 2 } });
  };

  const end = (): void => {
    map.off('click', onClick);
    map.off('mousemove', onMove);
    map.off('dblclick', onDouble);
    document.removeEventListener('keydown', onKey);
    map.doubleClickZoom.enable();
    map.getCanvas().style.cursor = '';
    if (map.getSource('drawing')) setData(map, 'drawing', []);
  };
  const finish = (): void => {
    const enough = points.length >= (shape === 'polygon' ? 3 : 2);
    if (!enough) return;
    end();
    done(shape === 'box' ? box(points) : shape === 'polygon' ? [...points, points[0]!] : points);
  };
  const onClick = (e: { lngLat: { lng: number; lat: number }; point: { x: number; y: number } }): void => {
    const p = snapped(e), last = points[points.length - 1];
    if (last && last[0] === p[0] && last[1] === p[1]) return; // the second click of a double click
    points.push(p);
    show();
    if ((shape === 'box' || shape === 'circle') && points.length === 2) finish();
  };
  const onMove = (e: { lngLat: { lng: number; lat: number }; point: { x: number; y: number } }): void => { over = snapped(e); if (points.length) show(); };
  const onDouble = (e: { preventDefault: () => void }): void => { e.preventDefault(); finish(); };
  const undo = (): void => { points.pop(); show(); };
  const onKey = (e: KeyboardEvent): void => {
    if (e.target instanceof HTMLInputElement || e.target instanceof HTMLTextAreaElement) return;
    if (e.key === 'Escape') end();
    else if (e.key === 'Enter') finish();
    else if (e.key === 'Backspace') undo();
  };

  map.on('click', onClick);
  map.on('mousemove', onMove);
  map.on('dblclick', onDouble);
  document.addEventListener('keydown', onKey);
  map.doubleClickZoom.disable();
  map.getCanvas().style.cursor = 'crosshair';
  return { cancel: end, undo, finish };
}
