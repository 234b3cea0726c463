/* classes.ts -- what devices are: groups with a colour each, distinct for the colour-blind as far as eight go
 * (after Okabe and Ito, 2008, darkened for contrast on land and sea). */
import type { Key } from './messages';

export interface Group { key: string; title: Key; colour: string; classes: string[] }

export const groups: Group[] = [
  { key: 'muck', title: 'class_muck', colour: '#b35900', classes: ['muck'] },
  { key: 'hazmat', title: 'class_hazmat', colour: '#c2185b', classes: ['hazmat'] },
  { key: 'coach', title: 'class_coach', colour: '#0072b2', classes: ['coach', 'school', 'bus', 'taxi'] },
  { key: 'truck', title: 'class_truck', colour: '#6a4c93', classes: ['truck', 'tractor', 'trailer'] },
  { key: 'fishing', title: 'class_fishing', colour: '#00795c', classes: ['fishing', 'fishing-small', 'fishing-medium', 'fishing-large', 'township'] },
  { key: 'vessel', title: 'class_vessel', colour: '#4a6572', classes: ['vessel', 'sar-aircraft', 'distress'] },
  { key: 'other', title: 'class_other', colour: '#5d5d5d', classes: [] },
];
const byClass = new Map(groups.flatMap((g) => g.classes.map((c): [string, Group] => [c, g])));
export const groupOf = (token: string | null | undefined): Group => byClass.get(token ?? '') ?? groups[groups.length - 1]!;

export const classTokens = ['muck', 'hazmat', 'coach', 'school', 'truck', 'bus', 'taxi', 'tractor', 'trailer', 'fishing-small', 'fishing-medium', 'fishing-large', 'fishing', 'township', 'vessel', 'gear', 'person', 'other'];

/* At sea speed is said in knots. */
export const isBoat = (token: string | null | undefined): boolean => ['fishing', 'vessel'].includes(groupOf(token).key);
