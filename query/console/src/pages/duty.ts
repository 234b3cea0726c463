/* duty.ts -- the duty room of the sea: roll-call, alarms with their clock, collision courses, warnings, incidents, the
 * shift log. What a server does not have says so in its place.
 *
 *   #/duty?part=alarms */
import { get, Problem, send } from '../api';
import { fill, h, type Child } from '../dom';
import { ago, duration, fromInput, knots, time, toInput } from '../format';
import type { LonLat } from '../gcj02';
import { fitTo, mapFrame, setData, shown, textLayout, textPaint, type MapLibre } from '../map';
import { said, t, type Key } from '../messages';
import { link, replaceQuery } from '../router';
import { may } from '../session';
import { button, busy, dialog, facts, field, input, pill, select, table, textOf, wordsOf } from '../widgets';
import type { Mount } from './index';

interface Boat { device: string; hull: string | null; name: string | null; class: string; village: string | null; state: string; state_zh: string; place: string | null; heard: string | null; silent_s: number | null; lon: number | null; lat: number | null; speed_kmh: number | null; aboard: number | null; certified: number | null; overdue: boolean; warned: string | null }
interface Counts { boats: number; in: number; sea: number; dark: number; unknown: number; overdue: number; warned: number; people: { aboard: number; aboard_not_in: number } }
interface RollCall { at: string; dark_after_s: number; counts: Counts; villages: (Counts & { name: string })[]; harbours: { id: string; name: string; capacity: number | null; present: number; over_capacity: boolean }[]; boats: Boat[] }
interface Alarm { number: number; violation: number; device?: string; state: string; state_zh: string; priority: string; priority_zh: string; kind: string; kind_zh: string; name: string | null; village: string | null; raised: string; due: string | null; acknowledged: string | null; acknowledged_by: string | null; escalated_to: string | null; overdue: boolean; note: string | null; lat: number | null; lon: number | null }
interface Vessel { device: string; title: string | null; lon: number; lat: number; speed_kmh: number; course_deg: number }
interface Pair { merchant_and_fishing: boolean; cpa_m: number; tcpa_s: number; range_m: number; vessels: [Vessel, Vessel] }
type Row = Record<string, unknown>;

const EVERY_MS = 5000;
const stateKind: Record<string, string> = { in: 'good', sea: '', dark: 'bad', unknown: 'warn', open: 'bad', acknowledged: 'good', withdrawn: 'soft' };
const stateColour: Record<string, string> = { in: '#2e8b57', sea: '#0b7ea4', dark: '#c62828', unknown: '#8a5300' };
const text = (r: Row, key: string): string => (r[key] === null || r[key] === undefined ? '' : String(r[key]));
const boatName = (b: Boat): string => b.name ?? b.hull ?? b.device.slice(0, 8);

const parts: [string, Key][] = [['roll', 'y_roll'], ['alarms', 'y_alarms'], ['collisions', 'y_collisions'], ['warnings', 'y_warnings'], ['incidents', 'y_incidents'], ['log', 'y_log']];

export const mount: Mount = (root, { settings, place, principal }) => {
  const query = new URLSearchParams(place.query), tabs = h('div', { class: 'tabs', role: 'group', 'aria-label': t('nav_duty') }), body = h('div');
  const writes = may(principal, 'duty', true);
  let ended = false, timer = 0, map: MapLibre | null = null, fitted = '';
  const part = (): string => query.get('part') ?? 'roll';

  // the map and its points outlive a turn, so that nobody's view is thrown about
  const frame = mapFrame(settings, { name: t('nav_duty') }, (made) => {
    map = made;
    setData(made, 'points', []);
    setData(made, 'lines', []);
    made.addLayer({ id: 'lines', type: 'line', source: 'lines', paint: { 'line-color': '#c62828', 'line-width': 2, 'line-dasharray': [2, 1] } });
    made.addLayer({ id: 'points', type: 'circle', source: 'points', paint: { 'circle-radius': 7, 'circle-color': ['get', 'colour'], 'circle-stroke-color': '#fff', 'circle-stroke-width': 2 } });
    made.addLayer({ id: 'names', type: 'symbol', source: 'points', minzoom: 8, layout: { ...textLayout(['get', 'text'], 11), 'text-anchor': 'top', 'text-offset': [0, 0.8] }, paint: textPaint() });
    void turn();
  });
  function points(list: { at: LonLat; text: string; colour: string }[], lines: LonLat[][] = []): void {
    if (!map) return;
    setData(map, 'points', list.map((p) => ({ type: 'Feature', properties: { text: p.text, colour: p.colour }, geometry: { type: 'Point', coordinates: shown(p.at) } })));
    setData(map, 'lines', lines.map((l) => ({ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: l.map(shown) } })));
    if (fitted !== part() && list.length) { fitted = part(); fitTo(map, list.map((p) => p.at), { maxZoom: 12 }); }
  }

  const card = (name: string, n: number, alert = false): HTMLElement => h('div', { class: alert && n ? 'card alert' : 'card' }, h('b', null, String(n)), h('span', null, name));

  // --- roll-call ---
  async function roll(): Promise<Child[]> {
    const r = await get<RollCall>('/api/v1/roll-call', { village: query.get('village') });
    const wanted = query.get('state'), order = ['dark', 'unknown', 'sea', 'in'];
    const boats = r.boats.filter((b) => !wanted || b.state === wanted).sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (b.silent_s ?? 0) - (a.silent_s ?? 0));
    points(r.boats.filter((b) => b.lat != null).map((b) => ({ at: [b.lon!, b.lat!], text: boatName(b), colour: stateColour[b.state] ?? '#5d5d5d' })));
    const c = r.counts;
    return [h('div', { class: 'cards' }, card(t('y_boats'), c.boats), card(t('y_in'), c.in), card(t('y_sea'), c.sea), card(t('y_dark'), c.dark, true), card(t('y_unknown'), c.unknown), card(t('y_overdue'), c.overdue, true), card(t('y_people'), c.people.aboard_not_in)),
      h('div', { class: 'filters' }, field(t('state'), select([['', t('all')], ...order.map((s): [string, string] => [s, t(`y_${s}` as Key)])], wanted ?? '', (v) => change('state', v))), h('small', null, `${time(r.at)} · ${t('y_dark_after')} ${duration(r.dark_after_s * 1000)}`), button(t('print'), () => print(), { kind: 'quiet' })),
      h('section', { class: 'panel' }, h('h2', null, t('y_boats')), table(t('y_boats'), [
        { head: t('name'), cell: (b) => h('a', { href: link('devices', [b.device]) }, boatName(b)), class: 'nowrap' }, { head: t('state'), cell: (b) => [pill(said(b as unknown as Row, 'state'), stateKind[b.state] ?? ''), b.overdue ? pill(t('y_overdue'), 'bad') : null] },
        { head: t('y_silent'), cell: (b) => (b.silent_s === null ? '—' : duration(b.silent_s * 1000)), class: 'nowrap' }, { head: t('village'), cell: (b) => b.village ?? '' }, { head: t('y_place'), cell: (b) => b.place ?? (b.lat == null ? '—' : `${b.lat.toFixed(4)}, ${b.lon!.toFixed(4)}`), class: 'nowrap' },
        { head: t('speed'), cell: (b) => (b.speed_kmh == null ? '—' : `${knots(b.speed_kmh).toFixed(1)} kn`), class: 'number' }, { head: t('y_aboard'), cell: (b) => (b.aboard === null ? '—' : String(b.aboard)), class: 'number' },
      ], boats)),
      h('section', { class: 'panel' }, h('h2', null, t('y_by_village')), table(t('y_by_village'), [{ head: t('village'), cell: (v) => v.name ?? '—' }, ...(['boats', 'in', 'sea', 'dark', 'unknown'] as const).map((k) => ({ head: t(`y_${k}` as Key), cell: (v: Counts) => String(v[k]), class: 'number' }))], r.villages)),
      r.harbours.length ? h('section', { class: 'panel' }, h('h2', null, t('y_harbours')), table(t('y_harbours'), [{ head: t('name'), cell: (p) => p.name ?? p.id }, { head: t('y_present'), cell: (p) => String(p.present), class: 'number' }, { head: t('y_capacity'), cell: (p) => (p.over_capacity ? pill(String(p.capacity), 'bad') : String(p.capacity ?? '—')), class: 'number' }], r.harbours)) : null];
  }

  // --- alarms ---
  async function alarms(): Promise<Child[]> {
    const [{ alarms: list }, times] = await Promise.all([get<{ alarms: Alarm[] }>('/api/v1/alarms', { state: query.get('state') ?? 'open', limit: 100 }), get<Record<string, number | null>>('/api/v1/alarm-times')]);
    points(list.filter((a) => a.lat !== null && a.lat !== undefined).map((a) => ({ at: [a.lon!, a.lat!], text: a.name ?? a.kind_zh, colour: a.overdue ? '#c62828' : '#b35900' })));
    const acknowledge = (a: Alarm): void => void dialog(`${t('y_acknowledge')} ${a.kind_zh}`, [field(t('h_note'), input('note'))], async (form) => { await send('POST', `/api/v1/alarms/${a.number}/acknowledge`, textOf(form, 'note') ? { note: textOf(form, 'note') } : {}); await turn(); }, t('y_acknowledge'));
    return [h('div', { class: 'cards' }, card(t('y_raised'), times.raised ?? 0), card(t('y_open'), times.open ?? 0, true), card(t('y_in_time'), times.in_time ?? 0), card(t('y_escalated'), times.escalated ?? 0, true)),
      h('div', { class: 'filters' }, field(t('state'), select([['open', t('y_open')], ['acknowledged', t('y_acknowledged')], ['withdrawn', t('v_withdrawn')]], query.get('state') ?? 'open', (v) => change('state', v)))),
      h('section', { class: 'panel' }, table(t('y_alarms'), [
        { head: t('time'), cell: (a) => time(a.raised), class: 'nowrap' }, { head: t('v_kind'), cell: (a) => said(a as unknown as Row, 'kind') }, { head: t('device'), cell: (a) => (a.device ? h('a', { href: link('devices', [a.device]) }, a.name ?? a.device.slice(0, 8)) : a.name ?? '—') }, { head: t('village'), cell: (a) => a.village ?? '' },
        { head: t('v_severity'), cell: (a) => pill(said(a as unknown as Row, 'priority'), a.overdue ? 'bad' : 'warn') },
        { head: t('y_clock'), class: 'nowrap', cell: (a) => (a.state !== 'open' ? [pill(said(a as unknown as Row, 'state'), stateKind[a.state] ?? ''), ` ${a.acknowledged_by ?? ''}`] : a.overdue ? h('strong', { class: 'bad' }, `+${ago(a.due)}`) : a.due ? `−${duration(Math.max(0, Date.parse(a.due) - Date.now()))}` : ago(a.raised)) },
        { head: '', cell: (a) => [a.violation ? h('a', { href: link('violations', [String(a.violation)]) }, t('nav_violations')) : null, a.state === 'open' && writes ? button(t('y_acknowledge'), () => acknowledge(a), { kind: 'main', label: `${t('y_acknowledge')} ${a.number}` }) : null] },
      ], list))];
  }

  async function collisions(): Promise<Child[]> {
    const { collisions: pairs } = await get<{ collisions: Pair[] }>('/api/v1/collisions');
    points(pairs.flatMap((p) => p.vessels.map((v) => ({ at: [v.lon, v.lat] as LonLat, text: v.title ?? v.device.slice(0, 8), colour: '#c62828' }))), pairs.map((p) => p.vessels.map((v): LonLat => [v.lon, v.lat])));
    const vessel = (v: Vessel): HTMLElement => h('a', { href: link('live', [], { follow: v.device }) }, `${v.title ?? v.device.slice(0, 8)} ${knots(v.speed_kmh).toFixed(1)} kn ${v.course_deg}°`);
    return [h('section', { class: 'panel' }, table(t('y_collisions'), [{ head: 'A', cell: (p) => vessel(p.vessels[0]) }, { head: 'B', cell: (p) => vessel(p.vessels[1]) }, { head: 'CPA', cell: (p) => `${Math.round(p.cpa_m)} m`, class: 'number' }, { head: 'TCPA', cell: (p) => duration(p.tcpa_s * 1000), class: 'nowrap' }, { head: t('d_distance'), cell: (p) => `${(p.range_m / 1852).toFixed(2)} nm`, class: 'number' }, { head: '', cell: (p) => (p.merchant_and_fishing ? pill(t('y_merchant'), 'bad') : '') }], pairs))];
  }

  async function warnings(): Promise<Child[]> {
    const { warnings: list } = await get<{ warnings: Row[] }>('/api/v1/warnings', { limit: 50 });
    points([]);
    return [h('section', { class: 'panel' }, table(t('y_warnings'), [{ head: t('v_kind'), cell: (w) => [said(w, 'kind'), ' ', pill(said(w, 'level') || '—', 'warn'), w.active ? pill(t('y_active'), 'bad') : null] }, { head: t('y_headline'), cell: (w) => text(w, 'headline') || text(w, 'description') || text(w, 'area') }, { head: t('from'), cell: (w) => time((w.from ?? w.sent) as string | null), class: 'nowrap' }, { head: t('to'), cell: (w) => time(w.until as string | null), class: 'nowrap' },
      { head: '', cell: (w) => (w.active && writes ? button(t('y_sign'), () => void busy(send('POST', `/api/v1/warnings/${text(w, 'number')}/acknowledgements`, {}).then(turn))) : '') }], list))];
  }

  async function incidents(): Promise<Child[]> {
    const { incidents: list } = await get<{ incidents: Row[] }>('/api/v1/incidents', { limit: 50 });
    points(list.filter((i) => typeof i.lat === 'number').map((i) => ({ at: [i.lon as number, i.lat as number], text: text(i, 'boat_name') || said(i, 'kind'), colour: '#c62828' })));
    const report = (): void => void dialog(t('y_report'), [h('div', { class: 'two' }, field(t('v_kind'), h('select', { name: 'kind' }, ['collision', 'sinking', 'wind', 'fire'].map((k) => h('option', { value: k }, t(`y_${k}` as Key))))), field(t('time'), input('occurred', { type: 'datetime-local', value: toInput(Date.now()), required: true })), field(t('name'), input('boat_name')), field(t('y_place'), input('place')), field(t('y_aboard'), input('aboard', { type: 'number', min: '0' })), field(t('y_missing'), input('missing', { type: 'number', min: '0' }))), field(t('h_description'), input('text', { required: true }))], async (form) => {
      const body: Row = { kind: textOf(form, 'kind'), occurred: new Date(fromInput(textOf(form, 'occurred'))).toISOString(), text: textOf(form, 'text') };
      for (const key of ['boat_name', 'place']) if (textOf(form, key)) body[key] = textOf(form, key);
      for (const key of ['aboard', 'missing']) if (textOf(form, key)) body[key] = Number(textOf(form, key));
      await send('POST', '/api/v1/incidents', body);
      await turn();
    });
    return [writes ? h('div', { class: 'buttons' }, button(t('y_report'), report, { kind: 'main' })) : null, h('section', { class: 'panel' }, table(t('y_incidents'), [{ head: t('time'), cell: (i) => time(i.occurred as string | null), class: 'nowrap' }, { head: t('v_kind'), cell: (i) => said(i, 'kind') }, { head: t('state'), cell: (i) => pill(said(i, 'state')) }, { head: t('name'), cell: (i) => text(i, 'boat_name') }, { head: t('h_description'), cell: (i) => text(i, 'text') }, { head: t('y_missing'), cell: (i) => text(i, 'missing'), class: 'number' }], list))];
  }

  async function log(): Promise<Child[]> {
    const { entries } = await get<{ entries: Row[] }>('/api/v1/shift-log', { limit: 100 });
    points([]);
    const write = (): void => void dialog(t('y_write'), [field(t('h_note'), input('text', { required: true }))], async (form) => { await send('POST', '/api/v1/shift-log', { text: textOf(form, 'text') }); await turn(); });
    const over = (): void => void dialog(t('y_handover'), [field(t('y_handover_to'), input('to', { required: true })), field(t('h_note'), input('text', { required: true }))], async (form) => { await send('POST', '/api/v1/handovers', { to: textOf(form, 'to'), text: textOf(form, 'text') }); await turn(); });
    const accepted = new Set(entries.map((e) => Number(e.refers)).filter(Boolean));
    return [writes ? h('div', { class: 'buttons' }, button(t('y_write'), write, { kind: 'main' }), button(t('y_handover'), over)) : null, h('section', { class: 'panel' }, entries.length ? h('ol', { class: 'history' }, entries.map((e) => h('li', null, h('time', null, time(e.at as string)), h('strong', null, said(e, 'kind')), ` · ${text(e, 'who')}${e.to ? ` → ${text(e, 'to')}` : ''}`, h('div', null, text(e, 'text')),
      e.kind === 'handover' ? h('small', null, facts([[t('y_open'), text(e, 'alarms_open')], [t('y_incidents'), text(e, 'incidents_open')], [t('y_warnings'), text(e, 'warnings_active')], [t('y_raised'), text(e, 'alarms_raised')], [t('y_in_time'), text(e, 'alarms_in_time')]])) : null,
      e.kind === 'handover' && writes && !accepted.has(Number(e.number)) ? button(t('y_accept'), () => void busy(send('POST', '/api/v1/handovers', { accept: Number(e.number), text: t('y_accept') }).then(turn))) : null))) : h('p', { class: 'none' }, t('none')))];
  }

  const show: Record<string, () => Promise<Child[]>> = { roll, alarms, collisions, warnings, incidents, log };
  function change(key: string, value: string): void { if (value) query.set(key, value); else query.delete(key); replaceQuery(place, query); drawTabs(); void busy(turn()); }
  function drawTabs(): void { fill(tabs, parts.map(([token, key]) => button(t(key), () => { query.delete('state'); change('part', token); }, { pressed: token === part() }))); }

  let mine = 0;
  async function turn(): Promise<void> {
    const now = ++mine, of = part();
    let content: Child[];
    try { content = await show[of]!(); } catch (error) {
      if (ended) return;
      content = [h('p', { class: 'none', role: 'status' }, error instanceof Problem && error.status === 404 ? t('not_there') : wordsOf(error))];
    }
    // what somebody holds in the hand is not drawn anew
    if (!ended && now === mine && of === part() && !body.contains(document.activeElement)) fill(body, content);
    else if (!ended && now === mine && !body.childElementCount) fill(body, content);
  }
  const loop = (): void => { timer = window.setTimeout(() => { void (document.hidden || document.querySelector('dialog') ? Promise.resolve() : turn()).finally(() => { if (!ended) loop(); }); }, EVERY_MS); };

  fill(root, h('h1', null, t('nav_duty')), tabs, h('div', { class: 'split' }, body, frame.element));
  drawTabs();
  void busy(turn());
  loop();
  return { end: () => { ended = true; clearTimeout(timer); frame.end(); } };
};
