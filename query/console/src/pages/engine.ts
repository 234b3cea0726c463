/* engine.ts -- how the program is doing: rates are the difference of two looks at /metrics. */
import { get, ask } from '../api';
import { timeChart, type Chart } from '../charts';
import { fill, h } from '../dom';
import { bytes, count, time } from '../format';
import { t } from '../messages';
import { facts, table, wordsOf } from '../widgets';
import type { Mount } from './index';

const EVERY_MS = 2000;
const KEPT = 300; // looks: ten minutes

type Metrics = Map<string, number>;

export function parseMetrics(text: string): Metrics {
  const out: Metrics = new Map();
  for (const line of text.split('\n')) {
    const at = line.lastIndexOf(' ');
    if (at > 0 && line[0] !== '#') out.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return out;
}

interface Refused { received: string; device: string | null; message: string; reason: string; size: number; bytes: string }

export const mount: Mount = (root) => {
  const cards = h('div', { class: 'cards' }), chartPlace = h('section', { class: 'panel' }), refused = h('section', { class: 'panel' }), links = h('section', { class: 'panel' });
  const allMetrics = h('details', { class: 'panel' }, h('summary', null, t('e_metrics')));
  const problem = h('p', { class: 'bad', role: 'alert' });
  fill(root, h('h1', null, t('nav_engine')), problem, cards, chartPlace, refused, links, allMetrics);
  const times: number[] = [], rate: (number | null)[] = [], p99: (number | null)[] = [];
  let before: { at: number; metrics: Metrics } | null = null, chart: Chart | null = null, ended = false;
  const stop = new AbortController();

  const card = (name: string, value: string, alert = false) => h('div', { class: alert ? 'card alert' : 'card' }, h('b', null, value), h('span', null, name));

  function draw(m: Metrics, perSecond: number | null): void {
    const v = (name: string): number => m.get(`zayton_${name}`) ?? 0;
    const points = v('sealed_reports_total'), left = m.get('zayton_disk_free_bytes'), days = m.get('zayton_disk_days_to_full');
    fill(cards,
      card(t('e_reports_s'), perSecond === null ? '…' : count(Math.round(perSecond))),
      card(t('e_devices'), count(v('devices_active'))),
      card(t('e_commit'), `${(v('commit_p50_us') / 1000).toFixed(1)} / ${(v('commit_p99_us') / 1000).toFixed(1)} ms`),
      card(t('e_bytes_point'), points ? (v('sealed_bytes_total') / points).toFixed(2) : '—'),
      card(t('e_head'), bytes(v('head_bytes'))), card(t('e_journal'), bytes(v('journal_bytes'))),
      card(t('e_pending'), bytes(v('journal_pending_bytes')), v('journal_pending_bytes') > 64 * 1024 * 1024),
      card(t('e_store'), bytes(v('store_rocksdb_total_sst_files_size'))),
      left === undefined ? null : card(t('e_disk'), bytes(left)), days === undefined ? null : card(t('e_full'), count(Math.round(days))),
      card(t('e_refused'), count(v('quarantined_total')), v('quarantined_total') > 0),
      card(t('e_duplicates'), count(v('duplicates_in_head_total'))),
      card(t('e_busy'), count(v('busy_refusals_total')), v('busy_refusals_total') > 0),
      card(t('e_findings'), count(v('findings_raised_total'))),
      card(t('e_http'), count(v('http_requests_total'))), card(t('e_queue'), count(v('http_pool_queue'))));
    const list = [...m].filter(([name]) => !name.startsWith('zayton_store_rocksdb')).sort(([a], [b]) => (a < b ? -1 : 1));
    if (allMetrics.open) fill(allMetrics, h('summary', null, t('e_metrics')), table(t('e_metrics'), [
      { head: t('e_metric'), cell: (r) => r[0] }, { head: t('s_value'), cell: (r) => count(r[1]), class: 'number' }], list));
  }

  function drawChart(): void {
    if (times.length < 2 || times.length % 3) return; // a legend under the mouse is not pulled away each time
    chart?.destroy();
    chart = timeChart(times, [{ label: t('e_reports_s'), values: rate }, { label: 'p99 ms', values: p99, colour: '#b35900' }], '', { name: t('e_rate_chart'), height: 200 });
    fill(chartPlace, h('h2', null, t('e_rate_chart')), chart.element);
  }

  async function look(): Promise<void> {
    try {
      const at = performance.now(), metrics = parseMetrics(await (await ask('/metrics', { signal: stop.signal })).text());
      const reports = metrics.get('zayton_reports_total') ?? 0;
      const perSecond = before ? (reports - (before.metrics.get('zayton_reports_total') ?? 0)) / ((at - before.at) / 1000) : null;
      before = { at, metrics };
      times.push(Date.now());
      rate.push(perSecond);
      p99.push((metrics.get('zayton_commit_p99_us') ?? 0) / 1000);
      if (times.length > KEPT) [times, rate, p99].forEach((list) => list.shift());
      problem.textContent = '';
      draw(metrics, perSecond);
      drawChart();
    } catch (error) {
      if (!ended) problem.textContent = wordsOf(error);
    }
    if (!ended) timer = window.setTimeout(() => void look(), EVERY_MS);
  }

  async function lists(): Promise<void> {
    const [q, l, s] = await Promise.allSettled([get<{ refused: Refused[] }>('/api/v1/quarantine', { limit: 50 }), get<{ links: Record<string, unknown>[] }>('/api/v1/links'), get<{ stations: Record<string, unknown>[] }>('/api/v1/stations')]);
    fill(refused, h('h2', null, t('e_refused_list')), q.status === 'fulfilled' ? table(t('e_refused_list'), [
      { head: t('time'), cell: (r) => time(r.received), class: 'nowrap' }, { head: t('e_reason'), cell: (r) => r.reason }, { head: t('device'), cell: (r) => r.device ?? '—' },
      { head: t('e_bytes'), cell: (r) => String(r.size), class: 'number' }, { head: '0x', cell: (r) => h('code', null, r.bytes.slice(0, 64)) }], q.value.refused) : h('p', { class: 'none' }, wordsOf(q.reason)));
    const rest = [...(l.status === 'fulfilled' ? l.value.links : []), ...(s.status === 'fulfilled' ? s.value.stations : [])];
    fill(links, h('h2', null, `${t('e_links')} · ${t('e_stations')}`), rest.length ? rest.map((one) => facts(Object.entries(one).filter(([, v]) => typeof v !== 'object').map(([k, v]) => [k, String(v)]))) : h('p', { class: 'none' }, t('none')));
  }

  let timer = 0;
  void look();
  void lists();
  return { end: () => { ended = true; stop.abort(); clearTimeout(timer); chart?.destroy(); } };
};
