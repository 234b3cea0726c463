/* gcj02.ts -- display alone: where a base map is in GCJ-02, points are drawn shifted (engine/geo/gcj02.c has the sources
 * of the formula). Everything that is kept or asked stays WGS-84/CGCS2000. */
const A = 6378245.0; // the Krasovsky ellipsoid of 1940
const E2 = 0.00669342162296594323;

const waves = (a: number, x: number, b: number, y: number): number => (a * Math.sin(x) + b * Math.sin(y)) * 2 / 3;

export type LonLat = [number, number];

export function toGcj02([lon, lat]: LonLat): LonLat {
  if (lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271) return [lon, lat];
  const x = lon - 105, y = lat - 35, P = Math.PI, phi = lat / 180 * P;
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) +
    waves(20, 6 * x * P, 20, 2 * x * P) + waves(20, y * P, 40, y / 3 * P) + waves(160, y / 12 * P, 320, y * P / 30);
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) +
    waves(20, 6 * x * P, 20, 2 * x * P) + waves(20, x * P, 40, x / 3 * P) + waves(150, x / 12 * P, 300, x / 30 * P);
  const w2 = 1 - E2 * Math.sin(phi) ** 2, prime = A / Math.sqrt(w2), meridian = prime * (1 - E2) / w2;
  return [lon + east / (prime * Math.cos(phi) / 180 * P), lat + north / (meridian / 180 * P)];
}

export function fromGcj02(p: LonLat): LonLat {
  let at: LonLat = p;
  for (let i = 0; i < 6; i++) { // each step shrinks the error a hundredfold
    const there = toGcj02(at);
    at = [at[0] + p[0] - there[0], at[1] + p[1] - there[1]];
  }
  return at;
}
