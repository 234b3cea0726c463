/* track.ts -- reports of a device as lines, segments and sums: pure, for the map, the chart and the day. */
import { metres, shown } from './map';
import type { LonLat } from './gcj02';
import type { Report } from './types';

export interface Fix { ms: number; at: LonLat; kmh: number; course: number }

export const fixesOf = (reports: Report[]): Fix[] => reports.filter((r) => r.fix && r.lat !== null && r.lon !== null)
  .map((r) => ({ ms: Date.parse(r.time), at: [r.lon!, r.lat!], kmh: r.speed_kmh ?? 0, course: r.course_deg ?? 0 }));

/* From slow to fast; beyond the limit red. */
export function speedColour(kmh: number, limit: number | null): string {
  if (limit !== null && kmh > limit) return '#c62828';
  return kmh < 2 ? '#6b7b88' : kmh < 40 ? '#2e8b57' : kmh < 80 ? '#0b7ea4' : '#8e5ea2';
}

const GAP_MS = 5 * 60000;
const STOP_MS = 3 * 60000; // a halt at lights is no stop
const STOP_KMH = 2;

/* Lines between neighbours no more than GAP_MS apart, joined while their colour is the same. */
export function speedLines(fixes: Fix[], limit: number | null): GeoJSON.Feature[] {
  const out: GeoJSON.Feature[] = [];
  let line: LonLat[] = [], colour = '';
  const flush = (): void => { if (line.length > 1) out.push({ type: 'Feature', properties: { colour }, geometry: { type: 'LineString', coordinates: line } }); };
  fixes.forEach((fix, i) => {
    const before = fixes[i - 1];
    if (!before) return;
    const c = speedColour(fix.kmh, limit);
    if (fix.ms - before.ms > GAP_MS) { flush(); line = []; colour = ''; return; }
    if (c !== colour) { flush(); line = [shown(before.at)]; colour = c; }
    line.push(shown(fix.at));
  });
  flush();
  return out;
}

export type Kind = 'driving' | 'stop' | 'gap';
export interface Segment { kind: Kind; from: number; to: number; metres: number; at: LonLat }

/* A day as what was done in it, one segment after the other without holes. */
export function segments(fixes: Fix[]): Segment[] {
  const raw: Segment[] = [];
  fixes.forEach((fix, i) => {
    const before = fixes[i - 1];
    if (!before) return;
    const kind: Kind = fix.ms - before.ms > GAP_MS ? 'gap' : before.kmh < STOP_KMH ? 'stop' : 'driving';
    const way = metres(before.at, fix.at), last = raw[raw.length - 1];
    if (last && last.kind === kind && kind !== 'gap') { last.to = fix.ms; last.metres += way; } else raw.push({ kind, from: before.ms, to: fix.ms, metres: way, at: before.at });
  });
  const out: Segment[] = [];
  for (const s of raw) {
    const kind: Kind = s.kind === 'stop' && s.to - s.from < STOP_MS ? 'driving' : s.kind, last = out[out.length - 1];
    if (last && last.kind === kind && kind === 'driving') { last.to = s.to; last.metres += s.metres; } else out.push({ ...s, kind });
  }
  return out;
}
