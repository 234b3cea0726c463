/* format.ts -- numbers and times as they are read in China: UTC+8, whatever the browser's own zone is. */
import { t, chinese } from './messages';

const zone = 'Asia/Shanghai';
const parts = new Intl.DateTimeFormat('sv-SE', {
  timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
});

export type Instant = number | string | null | undefined;
export const msOf = (at: Instant): number | null => (at === null || at === undefined ? null : typeof at === 'number' ? at : Date.parse(at));

/* 2026-11-25 18:40:02 */
export function time(at: Instant): string {
  const ms = msOf(at);
  return ms === null || Number.isNaN(ms) ? '—' : parts.format(ms);
}
export const clock = (at: Instant): string => time(at).slice(11);
export const day = (at: Instant): string => time(at).slice(0, 10);
export const dayStart = (text: string): number => Date.parse(`${text}T00:00:00+08:00`);
export const DAY_MS = 86400000;
/* of <input type="datetime-local">, which has no zone */
export const toInput = (ms: number): string => parts.format(ms).replace(' ', 'T').slice(0, 16);
export const fromInput = (text: string): number => Date.parse(`${text}:00+08:00`);

export function ago(at: Instant, now = Date.now()): string {
  const ms = msOf(at);
  return ms === null ? '—' : duration(Math.max(0, now - ms));
}

export function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} ${t('unit_s')}`;
  if (s < 3600) return `${Math.floor(s / 60)} ${t('unit_min')}${s % 60 ? ` ${s % 60} ${t('unit_s')}` : ''}`;
  if (s < 86400) return `${Math.floor(s / 3600)} ${t('unit_h')} ${Math.floor((s % 3600) / 60)} ${t('unit_min')}`;
  return `${Math.floor(s / 86400)} ${t('unit_d')} ${Math.floor((s % 86400) / 3600)} ${t('unit_h')}`;
}

export const count = (n: number): string => n.toLocaleString(chinese() ? 'zh-CN' : 'en');

export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) { n /= 1024; i++; }
  return `${n.toFixed(i && n < 100 ? 1 : 0)} ${units[i]}`;
}

/* A plate is kept as "colour:plate" (JT/T 697.7): people read the plate, and the colour in words. */
const colours: Record<string, [string, string]> = {
  1: ['蓝', 'blue'], 2: ['黄', 'yellow'], 3: ['黑', 'black'], 4: ['白', 'white'], 5: ['绿', 'green'], 9: ['其他', 'other'],
  91: ['农黄', 'farm yellow'], 92: ['农绿', 'farm green'], 93: ['黄绿', 'yellow-green'], 94: ['渐变绿', 'gradient green'],
};
export function plate(value: string | null | undefined): string {
  if (!value) return '';
  const at = value.indexOf(':');
  return at < 0 ? value : value.slice(at + 1);
}
export function plateLong(value: string | null | undefined): string {
  const colour = value ? colours[value.split(':')[0]!] : undefined;
  return colour ? `${plate(value)} ${colour[chinese() ? 0 : 1]}` : plate(value);
}

export const knots = (kmh: number): number => kmh / 1.852;
