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
  load: () => Promise<{ mount: Mount }>;
}

export const pages: Page[] = [
  { path: 'live', title: 'nav_live', load: () => import('./live') },
  { path: 'violations', title: 'nav_violations', load: () => import('./violations') },
  { path: 'devices', title: 'nav_devices', load: () => import('./devices') },
  { path: 'register', title: 'nav_register', load: () => import('./register') },
  { path: 'sensors', title: 'nav_sensors', load: () => import('./sensors') },
  { path: 'fences', title: 'nav_fences', load: () => import('./fences') },
  { path: 'rules', title: 'nav_rules', load: () => import('./rules') },
  { path: 'engine', title: 'nav_engine', load: () => import('./engine') },
];
