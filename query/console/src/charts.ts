/* charts.ts -- lines over time (uPlot), coloured as the page is; gaps are gaps. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { time, clock } from './format';
import { t } from './messages';

export interface Line {
  label: string;
  values: (number | null)[];
  colour?: string;
  stepped?: boolean;
  dash?: number[];
  fill?: string;
  band?: boolean;
}
/* One that does not `stretch` is drawn only where the values come near it. */
export interface Level { value: number; label: string; colour?: string; stretch?: boolean }
export interface Chart { element: HTMLElement; destroy: () => void }

const style = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* `times_ms` ascending; every line has as many values. `levels` are drawn as straight dashed lines with their words. */
export function timeChart(times_ms: number[], lines: Line[], unit: string, o: {
  height?: number; levels?: Level[]; name: string; onTime?: (ms: number) => void;
}): Chart {
  const element = document.createElement('div');
  element.className = 'chart';
  element.setAttribute('role', 'img');
  element.setAttribute('aria-label', o.name);
  const axis = { stroke: style('--soft'), grid: { stroke: style('--line'), width: 1 }, ticks: { stroke: style('--line'), width: 1 }, font: '12px system-ui' };
  const levels = o.levels ?? [];
  const stretching = levels.filter((l) => l.stretch !== false).map((l) => l.value);
  const least = (low: number) => Math.min(low, ...stretching);
  const most = (high: number) => Math.max(high, ...stretching);
  let plot: uPlot | null = null;

  const draw = (width: number): void => {
    plot?.destroy();
    plot = new uPlot({
      width, height: o.height ?? 220,
      legend: { live: true },
      cursor: { drag: { x: true, y: false }, points: { size: 6 } },
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), 'Asia/Shanghai'),
      scales: { x: { time: true }, y: { range: (_, low, high) => {
        const a = least(low ?? 0), b = most(high ?? 1), room = (b - a || 1) * 0.08;
        return [a >= 0 && a - room < 0 ? 0 : a - room, b + room];
      } } },
      axes: [
        { ...axis, space: 80, values: (_, ticks) => ticks.map((s) => { const text = time(s * 1000); return text.slice(11) === '00:00:00' ? text.slice(5, 10) : text.slice(11, 16); }) },
        { ...axis, size: 56, label: unit, labelSize: 18, labelFont: '12px system-ui' },
      ],
      series: [
        { label: t('time'), value: (_, s) => (s === null || s === undefined ? '—' : clock(s * 1000)) },
        ...lines.map((line): uPlot.Series => ({
          label: line.label, stroke: line.colour ?? style('--accent'), width: line.dash ? 1.5 : 2, spanGaps: false,
          points: { show: times_ms.length < 80, size: 5 },
          value: (_: uPlot, v: number | null) => (v === null || v === undefined ? '—' : `${Math.round(v * 100) / 100} ${unit}`),
          ...(line.dash ? { dash: line.dash } : {}), ...(line.fill ? { fill: line.fill } : {}),
          ...(line.stepped ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
        })),
      ],
      hooks: {
        draw: [(u) => {
          u.ctx.save();
          u.ctx.font = `${12 * devicePixelRatio}px system-ui`;
          u.ctx.textAlign = 'left';
          u.ctx.textBaseline = 'bottom';
          u.ctx.setLineDash([6, 4]);
          for (const level of levels) {
            const y = u.valToPos(level.value, 'y', true);
            if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) continue;
            u.ctx.strokeStyle = u.ctx.fillStyle = level.colour ?? style('--bad');
            u.ctx.beginPath();
            u.ctx.moveTo(u.bbox.left, y);
            u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
            u.ctx.stroke();
            u.ctx.fillText(level.label, u.bbox.left + 6, y - 4);
          }
          u.ctx.restore();
        }],
        setCursor: [(u) => { if (o.onTime && u.cursor.idx !== null && u.cursor.idx !== undefined) { const x = u.data[0][u.cursor.idx]; if (x) o.onTime(x * 1000); } }],
      },
    }, [times_ms.map((ms) => ms / 1000), ...lines.map((line) => line.values)] as uPlot.AlignedData, element);
  };
  const observer = new ResizeObserver(() => { const width = element.clientWidth; if (width > 0 && plot?.width !== width) draw(width); });
  observer.observe(element);
  return { element, destroy: () => { observer.disconnect(); plot?.destroy(); } };
}
