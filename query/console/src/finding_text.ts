/* finding_text.ts -- what a finding is called, of whom it is, and its numbers with their units. */
import { duration, plate } from './format';
import { chinese, said } from './messages';
import type { Violation } from './types';

/* What stands, and what was only tried. */
export type Found = Pick<Violation, 'title' | 'kind' | 'kind_zh' | 'plate' | 'phone' | 'device' | 'fence'>;

export const titleOf = (v: Found): string => (v.title ? v.title[chinese() ? 'zh' : 'en'] : said(v as unknown as Record<string, unknown>, 'kind'));
export const who = (v: Found): string => plate(v.plate) || v.phone || v.device?.slice(0, 8) || v.fence || '—';

export const speedKinds = ['overspeed'];
/* Units of the numbers depend on the kind; these are those that all kinds share, and speeds. */
export function numberText(v: Found, key: string, value: number): string {
  if (key === 'duration') return duration(value);
  if (key === 'distance') return `${(value / 1e6).toFixed(2)} km`;
  if (speedKinds.includes(v.kind) && (key === 'limit' || key === 'peak' || key === 'other')) return `${(value / 10).toFixed(1)} km/h`;
  if (key === 'band') return value ? `≥ ${value} %` : '—';
  if (v.kind === 'fatigue' && (key === 'limit' || key === 'peak')) return duration(value);
  return String(value);
}

