/* index.ts -- the pages: one file each, loaded when it is first looked at. */
import type { Key } from '../messages';
import type { Principal, Settings } from '../session';
import type { Place } from '../router';

export interface Context {
  principal: Principal;
  settings: Settings;
  place: Place;
}

/* Draws itself into `root`; what it gives back ends it: listeners, timers, maps. When only what follows the page's name
 * or its query changes, `moved` is told instead, if there is one. */
export interface Mounted { end: () => void; moved?: (place: Place) => void }
export type Mount = (root: HTMLElement, context: Context) => Mounted;

export interface Page {
  path: string;
  title: Key;
  right: string; // group of the matrix of rights that it reads (query/http/http_rights.h)
  load: () => Promise<{ mount: Mount }>;
}

export const pages: Page[] = [
  { path: 'live', title: 'nav_live', right: 'positions', load: () => import('./live') },
  { path: 'violations', title: 'nav_violations', right: 'violations', load: () => import('./violations') },
  { path: 'devices', title: 'nav_devices', right: 'devices', load: () => import('./devices') },
  { path: 'duty', title: 'nav_duty', right: 'duty', load: () => import('./duty') },
  { path: 'register', title: 'nav_register', right: 'hazards', load: () => import('./register') },
  { path: 'calendar', title: 'nav_calendar', right: 'tasks', load: () => import('./calendar') },
  { path: 'sensors', title: 'nav_sensors', right: 'series', load: () => import('./sensors') },
  { path: 'fences', title: 'nav_fences', right: 'fences', load: () => import('./fences') },
  { path: 'rules', title: 'nav_rules', right: 'rules', load: () => import('./rules') },
  { path: 'engine', title: 'nav_engine', right: 'metrics', load: () => import('./engine') },
];
