/* land.mjs -- land and water without borders, for maps without a tile server.
 *
 *   world-atlas land-110m (the world)  ┐
 *   world-atlas land-10m  (the region) ┴─> cut to a box, rounded ──> build/console/land.geojson
 *
 * Natural Earth is in the public domain. Rings are cut by Sutherland and Hodgman (1974), which may leave edges along
 * the box: the map fills them and draws no outline there. Features: detail 0 the world outside the region, 1 the
 * region. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { feature } from 'topojson-client';

const REGION = [114, 20, 126, 30]; // west, south, east, north in degrees: Fujian, its strait and its neighbours
const DECIMALS = 4; // 11 m, below the data's own error
const SPARE = 0.0015; // degrees: vertices nearer than this to the one before are left out

const require = createRequire(import.meta.url);
const read = (name) => JSON.parse(readFileSync(require.resolve(`world-atlas/${name}.json`), 'utf8'));

function cutEdge(ring, axis, bound, keepAbove) {
  const inside = (p) => (keepAbove ? p[axis] >= bound : p[axis] <= bound);
  const out = [];
  for (let i = 0; i < ring.length; i++) {
    const a = ring[i], b = ring[(i + 1) % ring.length];
    if (inside(a)) out.push(a);
    if (inside(a) !== inside(b)) {
      const t = (bound - a[axis]) / (b[axis] - a[axis]);
      const p = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
      p[axis] = bound;
      out.push(p);
    }
  }
  return out;
}

function cut(ring, [west, south, east, north]) {
  let open = ring.slice(0, -1);
  for (const [axis, bound, above] of [[0, west, true], [0, east, false], [1, south, true], [1, north, false]]) {
    if (!open.length) return [];
    open = cutEdge(open, axis, bound, above);
  }
  return open;
}

function thin(ring, spare, decimals) {
  const out = [];
  for (const p of ring) {
    const q = p.map((v) => Number(v.toFixed(decimals)));
    const last = out[out.length - 1];
    if (!last || Math.abs(q[0] - last[0]) + Math.abs(q[1] - last[1]) > spare) out.push(q);
  }
  if (out.length < 3) return null;
  return [...out, out[0]];
}

function polygons(atlas, box, spare, decimals) {
  const land = feature(atlas, atlas.objects.land);
  const all = (land.features ?? [land]).flatMap((f) =>
    f.geometry.type === 'Polygon' ? [f.geometry.coordinates] : f.geometry.coordinates);
  return all
    .map((rings) => rings.map((r) => thin(box ? cut(r, box) : r.slice(0, -1), spare, decimals)).filter(Boolean))
    .filter((rings) => rings.length);
}

const features = [
  { type: 'Feature', properties: { detail: 0 }, geometry: { type: 'MultiPolygon', coordinates: polygons(read('land-110m'), null, 0.05, 2) } },
  { type: 'Feature', properties: { detail: 1 }, geometry: { type: 'MultiPolygon', coordinates: polygons(read('land-10m'), REGION, SPARE, DECIMALS) } },
];
const [w, s, e, n] = REGION;
features.push({ type: 'Feature', properties: { detail: 2 }, geometry: { type: 'Polygon', coordinates: [[[w, s], [e, s], [e, n], [w, n], [w, s]]] } });
mkdirSync(new URL('../../build/console/', import.meta.url), { recursive: true });
writeFileSync(new URL('../../build/console/land.geojson', import.meta.url), JSON.stringify({ type: 'FeatureCollection', features }));
