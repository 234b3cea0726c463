/* bench_console.mjs -- the live map with 5,000 moving devices in a real browser: how soon it shows them, how smoothly it runs.
 *
 *   node bench_console.mjs ZAYTON ZAYTON_SIM [devices] [seconds]       packages: tests/browser/node_modules
 *
 *   terminals (zayton_sim run, a report every 10 s each) ──> zayton serve ──> server-sent events ──> Chromium
 *
 * Back of the envelope: 16.7 ms a frame at 60 a second; 500 positions a second are 200 KB of JSON, some 2 ms to parse, and
 * a diff of 500 points to the map's worker. What is measured: first contentful paint and the instant at which every
 * device is on the map, from the start of the navigation; frames by requestAnimationFrame while positions stream, still
 * and while the map moves; time of the main thread by the browser's own counters; bytes of the page as packed. Without a
 * graphics card the browser draws with SwiftShader on the processor, which the frames of a moving map then measure: the
 * main thread's share of a frame is what the page itself costs. clustered: as the map opens; moving: the same while it is
 * dragged; single: every device by itself. Prints one flat JSON object. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { chromium } = createRequire(new URL('../../tests/browser/', import.meta.url))('playwright-core');
const [zayton, sim, devicesText = '5000', secondsText = '15'] = process.argv.slice(2);
const DEVICES = Number(devicesText), SECONDS = Number(secondsText);
const folder = mkdtempSync(join(tmpdir(), 'zayton-bench-console-')), children = [];

function start(program, words, stdout) {
  const child = spawn(program, words, { stdio: ['ignore', stdout, 'ignore'] });
  children.push(child);
  return child;
}
function end() {
  for (const child of children) child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}

function ready(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => { text += chunk; const line = text.split('\n').find((l) => l.includes('"ready":true')); if (line) resolve(JSON.parse(line)); });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

async function until(what, condition) {
  for (let i = 0; i < 600; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`waited in vain: ${what}`);
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
const round = (x, digits = 1) => Number(x.toFixed(digits));

const named = (prefix, figures) => Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${prefix}_${key}`, value]));

/* Frames of `seconds`, and what the main thread did meanwhile. `moving`: the map goes round and round. */
async function frames(page, cdp, seconds, moving) {
  const counters = async () => Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));
  const before = await counters();
  const gaps = await page.evaluate(([ms, goes]) => new Promise((resolve) => {
    const map = document.querySelector('.canvas').map, at = map.getCenter(), times = [], began = performance.now();
    const turn = (now) => {
      times.push(now);
      if (goes) map.jumpTo({ center: [at.lng + 0.05 * Math.sin(now / 900), at.lat + 0.03 * Math.cos(now / 900)] });
      if (now - began < ms) { requestAnimationFrame(turn); return; }
      if (goes) map.jumpTo({ center: at });
      resolve(times.slice(1).map((t, i) => t - times[i]));
    };
    requestAnimationFrame(turn);
  }), [seconds * 1000, moving]);
  const after = await counters(), sorted = [...gaps].sort((a, b) => a - b), spent = (name) => (after[name] - before[name]) * 1000;
  return { frames_per_s: round(gaps.length / (gaps.reduce((a, b) => a + b, 0) / 1000)), frame_p50_ms: round(quantile(sorted, 0.5)), frame_p95_ms: round(quantile(sorted, 0.95)), frame_max_ms: round(sorted.at(-1) ?? 0),
    script_ms_per_s: round(spent('ScriptDuration') / seconds), main_thread_ms_per_s: round(spent('TaskDuration') / seconds), main_thread_ms_per_frame: round(spent('TaskDuration') / gaps.length, 2) };
}

async function measure(base) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] });
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'zh-CN' })).newPage(), cdp = await page.context().newCDPSession(page);
    let packed = 0;
    await cdp.send('Network.enable');
    cdp.on('Network.loadingFinished', (e) => { packed += assets.has(e.requestId) ? e.encodedDataLength : 0; });
    const assets = new Set();
    cdp.on('Network.responseReceived', (e) => { const path = new URL(e.response.url).pathname; if ((path === '/' || path.startsWith('/assets/')) && !path.includes('land-')) assets.add(e.requestId); });
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' }); // its own time, whatever else runs
    await page.goto(`${base}/#/live`);
    const useful = await page.waitForFunction((n) => Number(/(\d+)/.exec(document.querySelector('.up')?.textContent ?? '')?.[1] ?? 0) >= n && document.querySelector('.canvas')?.map?.getSource('things')?.loaded() && performance.now(), DEVICES, { polling: 'raf', timeout: 120000 });
    const useful_ms = round(await useful.jsonValue()), paint_ms = round(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0));
    const still = await frames(page, cdp, SECONDS, false), moving = await frames(page, cdp, SECONDS, true);
    await page.click('details:has-text("图层") summary');
    await page.uncheck('label:has-text("聚合显示") input');
    await page.waitForFunction(() => document.querySelector('.canvas').map.areTilesLoaded());
    const single = await frames(page, cdp, SECONDS, false);
    return { devices: DEVICES, drawn_by: await page.evaluate(() => { const gl = document.createElement('canvas').getContext('webgl'), info = gl?.getExtension('WEBGL_debug_renderer_info'); return String(info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : 'unknown').replace(/["\\]/g, ''); }),
      first_contentful_paint_ms: paint_ms, all_devices_shown_ms: useful_ms, packed_bytes: packed, ...named('clustered', still), ...named('moving', moving), ...named('single', single) };
  } finally { await browser.close(); }
}

try {
  const server = start(zayton, ['serve', '--data-dir', join(folder, 'data'), '--http', '127.0.0.1:0', '--jt808-tcp', '127.0.0.1:0', '--terminals', 'open', '--demo', 'yes', '--log-level', 'error'], 'pipe');
  const { http, jt808_tcp: port } = await ready(server), base = `http://127.0.0.1:${http}`;
  start(sim, ['run', '--port', String(port), '--http', String(http), '--terminals', String(DEVICES), '--interval', '10', '--from-now', '--no-scenes', '--no-sensors'], 'ignore');
  await until('every terminal to report', async () => (await (await fetch(`${base}/api/v1/positions`, { headers: { accept: 'application/x-ndjson' } })).text()).trim().split('\n').length >= DEVICES);
  console.log(JSON.stringify(await measure(base)));
} finally { end(); }
