/* backtest.ts -- rules tried on what is stored: asked, watched, and shown against what stands, rule by rule and on a map.
 *
 *   const trial = makeTrial(context, () => text)      trial.element goes into the page; trial.end() leaves it
 *
 * The server judges in the background; the job's number stands in the address (`try`), so that a reload finds it again. */
import { get, Problem, send } from './api';
import { fill, h } from './dom';
import { titleOf, who, type Found } from './finding_text';
import { count, DAY_MS, day, dayStart, duration, time } from './format';
import type { LonLat } from './gcj02';
import { fitTo, mapFrame, setData, shown, type MapLibre } from './map';
import { said, t, word } from './messages';
import type { Context } from './pages';
import { replaceQuery } from './router';
import { button, busy, field, input, pill, select, table, wordsOf } from './widgets';

export interface Mistake { line: number; text: string; text_zh: string }
interface Counts { found: number; standing: number; same: number; new: number; gone: number }
interface Row extends Found { rule: string; change: 'same' | 'new' | 'gone'; start_ms: number; end_ms: number; open: boolean; start: { lat: number; lon: number } }
interface Job {
  id: number; state: string; state_zh: string; devices_done: number; devices: number; error: string | null; from: string; to: string;
  result?: Counts & { reports: number; rows: number; rows_kept: number; rules: (Counts & { rule: string; title: { zh: string; en: string } | null })[] };
}

/* The rules that were tried last in this window. */
const keptText = 'zayton.tried';
export const triedRules = (): string | null => sessionStorage.getItem(keptText);

const PAGE = 200;
const EVERY_MS = 400;
const changes = ['new', 'gone', 'same'] as const;
const colours = { new: '#c62828', gone: '#6b7b88', same: '#0b5c7a' };
const kinds = { new: 'bad', gone: 'soft', same: '' };

/* The month before this one, in days of China. */
export function lastMonth(now = Date.now()): { from: string; to: string } {
  const last = day(dayStart(`${day(now).slice(0, 7)}-01`) - DAY_MS);
  return { from: `${last.slice(0, 7)}-01`, to: last };
}

export function makeTrial({ settings, place }: Context, rules: () => string, mistaken: (list: Mistake[]) => void): { element: HTMLElement; end: () => void } {
  const span = lastMonth(), from = input('try_from', { type: 'date', value: span.from, required: true }), to = input('try_to', { type: 'date', value: span.to, required: true });
  const device = input('try_device', { placeholder: t('all') }), run = button(t('r_run'), () => void busy(begin()), { kind: 'main' });
  const progress = h('div', { role: 'status', 'aria-live': 'polite' }), outcome = h('div');
  const frame: { element: HTMLElement; end: () => void }[] = [];
  let ended = false, map: MapLibre | null = null, points: Row[] = [];

  const remember = (id: number | null): void => { const query = new URLSearchParams(place.query); if (id) query.set('try', String(id)); else query.delete('try'); replaceQuery(place, query); };
  function clear(): void {
    frame.splice(0).forEach((f) => f.end());
    map = null;
    outcome.replaceChildren();
  }

  async function begin(): Promise<void> {
    clear();
    mistaken([]);
    run.disabled = true;
    try {
      const job = await send<Job>('POST', '/api/v1/backtests', { rules: rules(), from: new Date(dayStart(from.value)).toISOString(), to: new Date(dayStart(to.value) + DAY_MS - 1).toISOString(), ...(device.value.trim() ? { devices: [device.value.trim()] } : {}) });
      remember(job.id);
      sessionStorage.setItem(keptText, rules());
      await watch(job);
    } catch (error) {
      const list = error instanceof Problem ? error.body.mistakes as Mistake[] | undefined : undefined;
      if (!list) throw error;
      mistaken(list);
    } finally { run.disabled = false; }
  }

  /* Until it has ended, or the page has. */
  async function watch(first: Job): Promise<void> {
    const bar = h('progress', { max: '1', value: '0', 'aria-label': t('r_try') }), words = h('span');
    fill(progress, h('div', { class: 'buttons' }, bar, words, button(t('r_stop'), () => void busy(stop(first.id)), { kind: 'bad' })));
    let job = first;
    while (!ended && ['waiting', 'judging', 'comparing'].includes(job.state)) {
      bar.max = Math.max(1, job.devices);
      bar.value = job.devices_done;
      words.textContent = `${said(job as unknown as Record<string, unknown>, 'state')} · ${t('r_progress', { done: count(job.devices_done), all: count(job.devices) })}`;
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      try { job = await get<Job>(`/api/v1/backtests/${first.id}`); } catch (error) {
        if (!(error instanceof Problem) || error.status !== 404) throw error;
        if (progress.childElementCount) fill(progress, h('p', null, t('r_stopped')));
        remember(null);
        return;
      }
    }
    if (ended) return;
    fill(progress);
    if (job.state === 'failed') fill(progress, h('p', { class: 'bad' }, `${t('r_failed')}: ${job.error ?? ''}`)); else show(job);
  }

  async function stop(id: number): Promise<void> {
    await send('DELETE', `/api/v1/backtests/${id}`);
    fill(progress, h('p', null, t('r_stopped')));
    remember(null);
  }

  // --- what came of it ---
  function show(job: Job): void {
    const r = job.result!, rowsPlace = h('div'), card = (name: string, n: number, alert = false): HTMLElement => h('div', { class: alert ? 'card alert' : 'card' }, h('b', null, count(n)), h('span', null, name));
    let rule = '', change = '';
    const again = (): void => void busy(list());
    const byRule = h('div');
    const drawRules = (): void => fill(byRule, table(t('r_by_rule'), [
      { head: t('v_rule'), cell: (n) => (n.title ? said({ title: n.title.en, title_zh: n.title.zh }, 'title') : n.rule) }, { head: t('r_standing'), cell: (n) => count(n.standing), class: 'number' }, { head: t('r_found'), cell: (n) => count(n.found), class: 'number' },
      { head: t('r_same'), cell: (n) => count(n.same), class: 'number' }, { head: t('r_new'), cell: (n) => h('span', { class: n.new ? 'bad' : '' }, count(n.new)), class: 'number' }, { head: t('r_gone'), cell: (n) => count(n.gone), class: 'number' },
    ], r.rules, (n) => { rule = rule === n.rule ? '' : n.rule; drawRules(); again(); }, (n) => n.rule === rule));

    async function list(): Promise<void> {
      const rows: Row[] = [];
      let next: number | null = null;
      const more = async (): Promise<void> => {
        const page: { findings: Row[]; next: number | null } = await get(`/api/v1/backtests/${job.id}/findings`, { rule, change, limit: PAGE, cursor: next });
        rows.push(...page.findings);
        next = page.next;
        draw();
      };
      const draw = (): void => {
        points = rows;
        fill(rowsPlace, h('div', { class: 'filters' }, field(t('r_change'), select([['', t('all')], ...changes.map((c): [string, string] => [c, word('r', c)])], change, (v) => { change = v; again(); })), rule ? button(`${t('all')} · ${t('v_rule')}`, () => { rule = ''; drawRules(); again(); }) : null),
          table(t('r_found'), [
            { head: t('r_change'), cell: (v) => pill(word('r', v.change), kinds[v.change]) }, { head: t('v_start'), cell: (v) => time(v.start_ms), class: 'nowrap' }, { head: t('device'), cell: who },
            { head: t('v_kind'), cell: titleOf }, { head: t('v_duration'), cell: (v) => (v.open ? t('v_open') : duration(v.end_ms - v.start_ms)), class: 'nowrap' },
          ], rows, (v) => { if (map) fitTo(map, [[v.start.lon, v.start.lat]], { maxZoom: 14 }); }),
          next === null ? null : button(t('more'), () => void busy(more())));
        drawPoints();
      };
      await more();
    }
    const made = mapFrame(settings, { name: t('r_found') }, (m) => { map = m; drawPoints(); });
    frame.push(made);
    fill(outcome, h('div', { class: 'cards' }, card(t('r_standing'), r.standing), card(t('r_found'), r.found), card(t('r_same'), r.same), card(t('r_new'), r.new, r.new > 0), card(t('r_gone'), r.gone), card(t('r_reports'), r.reports)),
      h('p', null, `${time(job.from).slice(0, 16)} – ${time(job.to).slice(0, 16)}`, r.new || r.gone ? null : ` · ${t('r_no_difference')}`), r.rows > r.rows_kept ? h('p', { class: 'bad' }, t('r_kept', { n: count(r.rows_kept) })) : null,
      byRule, h('div', { class: 'split' }, rowsPlace, made.element));
    drawRules();
    again();
  }
  function drawPoints(): void {
    if (!map) return;
    const placed = points.filter((v) => v.start.lat || v.start.lon);
    setData(map, 'tried', placed.map((v) => ({ type: 'Feature', geometry: { type: 'Point', coordinates: shown([v.start.lon, v.start.lat]) }, properties: { change: v.change } })));
    if (!map.getLayer('tried')) map.addLayer({ id: 'tried', type: 'circle', source: 'tried', paint: { 'circle-radius': 6, 'circle-stroke-width': 1.5, 'circle-stroke-color': '#fff', 'circle-color': ['match', ['get', 'change'], 'new', colours.new, 'gone', colours.gone, colours.same] } });
    fitTo(map, placed.map((v): LonLat => [v.start.lon, v.start.lat]), { maxZoom: 13 });
  }

  const element = h('section', { class: 'rule-trial', 'aria-label': t('r_try') }, h('h3', null, t('r_try')), h('p', null, h('small', null, t('r_try_hint'))),
    h('div', { class: 'filters' }, field(t('from'), from), field(t('to'), to), field(t('r_only_device'), device, t('r_only_device_hint')), run), progress, outcome);
  const kept = Number(place.query.get('try'));
  if (kept) get<Job>(`/api/v1/backtests/${kept}`).then(watch).catch((error: unknown) => { fill(progress, h('p', null, wordsOf(error))); remember(null); });
  return { element, end: () => { ended = true; clear(); } };
}
