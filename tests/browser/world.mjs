/* world.mjs -- a small deterministic world made by the real program, and a browser that looks at it.
 *
 *   const w = await openWorld();            imports tables, tracks, fences and values, serves, judges to the end
 *   const page = await w.page('#/live');    Chromium; what the page complains of is collected in w.complaints
 *   await w.close();
 *
 * 2 March 2026, China time, from 08:00: a muck truck at 58 km/h through a 40 zone, stopping, driving on; a coach; two
 * boats at sea. Everything fictitious. The map needs WebGL, which SwiftShader draws without a graphics card. */
import { chromium } from 'playwright-core';
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ZAYTON = process.env.ZAYTON ?? new URL('../../build/release/zayton', import.meta.url).pathname;
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const DAY = '2026-03-02';
export const START_MS = Date.parse(`${DAY}T08:00:00+08:00`);
export const END_MS = START_MS + 4 * 3600000;
export const PLATE = '闽C10001';
export const PASSWORD = 'a-long-password-1';

const iso = (ms) => new Date(ms).toISOString();

/* A report every 10 s along legs of [minutes, km/h, course]; nothing during a leg of speed null. */
function track(phone, lat, lon, legs) {
  const rows = [];
  let ms = START_MS;
  for (const [minutes, kmh, course] of legs) {
    for (let i = 0; i < minutes * 6; i++, ms += 10000) {
      if (kmh === null) continue;
      const step = kmh / 360 / 111.2; // degrees in 10 s
      lat += step * Math.cos(course * Math.PI / 180);
      lon += step * Math.sin(course * Math.PI / 180) / Math.cos(lat * Math.PI / 180);
      rows.push(`${phone},${iso(ms)},${lat.toFixed(7)},${lon.toFixed(7)},${kmh},${course}`);
    }
  }
  return rows;
}

const devices = `phone,plate_colour,plate,class,company,village,name
13900000001,黄,${PLATE},muck,演示运输公司,东村,
13900000002,黄,闽C10002,coach,演示客运公司,西村,
13900000003,,,fishing,,港村,演示渔1号
13900000004,,,fishing,,港村,演示渔2号
`;

const tracks = ['device,time,lat,lon,speed,course',
  ...track('13900000001', 24.85, 118.70, [[20, 30, 90], [15, 58, 90], [20, 0, 90], [30, 35, 0], [40, null, 0], [20, 35, 270]]),
  ...track('13900000002', 24.95, 118.60, [[60, 55, 90], [30, 0, 90], [30, 50, 180]]),
  ...track('13900000003', 24.70, 118.95, [[180, 12, 120]]),
  ...track('13900000004', 24.72, 118.93, [[120, 9, 200], [60, 0, 200]])].join('\n') + '\n';

const square = (west, south, east, north) => [[[west, south], [east, south], [east, north], [west, north], [west, south]]];
const fences = JSON.stringify({ type: 'FeatureCollection', features: [
  { type: 'Feature', properties: { id: 'speed-40', name: '演示限速区', tags: 'speed_zone', limit_kmh: 40, valid_from: '2020-01-01T00:00:00+08:00' }, geometry: { type: 'Polygon', coordinates: square(118.78, 24.84, 119.0, 24.86) } },
  { type: 'Feature', properties: { id: 'works', name: '演示工地', tags: 'site', valid_from: '2020-01-01T00:00:00+08:00' }, geometry: { type: 'Polygon', coordinates: square(118.9, 24.88, 118.92, 24.9) } },
] });

const streams = `site,quantity,unit,stream_kind,range_min,range_max,interval,name,village
dam1,level,m,,0,12,10m,演示水库水位,东村
dam1,rain,mm,,0,100,10m,演示雨量,东村
`;
const values = ['site,quantity,time,value',
  ...Array.from({ length: 72 }, (_, i) => i).filter((i) => i < 30 || i > 40)
    .map((i) => `dam1,level,${iso(START_MS + i * 600000)},${(6 + 3 * Math.sin(i / 8)).toFixed(2)}`),
  // 12 mm every ten minutes from 09:00 for an hour and a half, dry around it but for what the gauge did not say
  ...Array.from({ length: 72 }, (_, i) => i).filter((i) => i < 20 || i > 22)
    .map((i) => `dam1,rain,${iso(START_MS + i * 600000)},${i >= 6 && i < 15 ? 12 : 0}`)].join('\n') + '\n';

function run(...args) {
  try {
    return execFileSync(ZAYTON, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`zayton ${args.join(' ')}\n${error.stdout}${error.stderr}`);
  }
}

/* The line in which the server says that it is ready. */
function ready(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const line = text.split('\n').find((l) => l.includes('"ready":true'));
      if (line) resolve(JSON.parse(line));
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
  });
}

export async function openWorld(...settings) {
  const folder = mkdtempSync(join(tmpdir(), 'zayton-browser-')), data = join(folder, 'data');
  const file = (name, text) => { const path = join(folder, name); writeFileSync(path, text); return path; };
  run('import', 'devices', file('devices.csv', devices), '--data', data, '--from', 'always');
  run('import', 'fences', file('fences.geojson', fences), '--data', data);
  run('import', 'tracks', file('tracks.csv', tracks), '--data', data, '--device-by', 'phone');
  run('import', 'streams', file('streams.csv', streams), '--data', data, '--from', 'always');
  run('import', 'series', file('values.csv', values), '--data', data);
  const start = (http, tcp) => spawn(ZAYTON, ['serve', '--data-dir', data, '--http', `127.0.0.1:${http}`, '--jt808-tcp', `127.0.0.1:${tcp}`, '--demo', 'yes', '--log-level', 'warn', ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
  let child = start(0, 0);
  const { http, jt808_tcp: jt808 } = await ready(child);
  const base = `http://127.0.0.1:${http}`;
  const settle = await fetch(`${base}/api/v1/judge/settle?as_of=${END_MS}`, { method: 'POST', headers: { 'content-length': '0' } });
  if (!settle.ok) throw new Error(`judging: ${settle.status} ${await settle.text()}`);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] });
  const complaints = [];

  async function page(hash, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'zh-CN', timezoneId: 'UTC', acceptDownloads: true, ...options });
    const p = await context.newPage();
    p.setDefaultTimeout(30000);
    p.on('pageerror', (error) => complaints.push(error.message));
    p.on('console', (message) => { if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text()); });
    p.on('request', (request) => { if (!request.url().startsWith(base) && !/^(blob|data):/.test(request.url())) complaints.push(`asked elsewhere: ${request.url()}`); });
    await p.goto(`${base}/${hash}`);
    return p;
  }

  async function stop() {
    child.removeAllListeners('exit');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
  /* The server ends and comes back on its ports; `meanwhile` runs while it is gone. */
  async function restart(meanwhile) {
    await stop();
    await meanwhile();
    child = start(http, jt808);
    await ready(child);
  }
  async function close() {
    await browser.close();
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
  /* A report of a terminal that speaks JT/T 808: registers, authenticates, reports, and waits for each answer. */
  const report = (...fields) => sendReport(jt808, ...fields);
  /* An account of `role`, whose name and unit it is; its scope is everything. */
  async function user(role, change = {}) {
    const answer = await fetch(`${base}/api/v1/users`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: role, role, unit: role, scope: 'all', password: PASSWORD, ...change }) });
    if (!answer.ok) throw new Error(`account: ${answer.status} ${await answer.text()}`);
  }
  /* A page of somebody who signed in by the form, at `hash`. */
  async function pageOf(role, hash, options) {
    const p = await page('', options);
    await p.click('button:text-is("登录")');
    await p.fill('[name=name]', role);
    await p.fill('[name=password]', PASSWORD);
    await p.click('form.login button.main');
    await p.waitForSelector(`.who span:text-is("${role}")`);
    await p.goto(`${base}/${hash}`);
    return p;
  }
  const api = async (path, init) => (await fetch(base + path, init)).json();
  return { base, page, pageOf, user, api, report, restart, close, complaints, folder };
}

/* --- a terminal of JT/T 808-2013 --- */

function frame(phone, id, serial, body) {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(body.length, 2);
  Buffer.from(phone.padStart(12, '0'), 'hex').copy(head, 4);
  head.writeUInt16BE(serial, 10);
  const bytes = Buffer.concat([head, body]), sum = bytes.reduce((a, b) => a ^ b, 0), out = [0x7e];
  for (const b of [...bytes, sum]) out.push(...(b === 0x7e ? [0x7d, 2] : b === 0x7d ? [0x7d, 1] : [b]));
  return Buffer.from([...out, 0x7e]);
}

function location(ms, lat, lon, kmh, course) {
  const body = Buffer.alloc(28);
  body.writeUInt32BE(3, 4); // ACC on, positioned
  body.writeUInt32BE(Math.round(lat * 1e6), 8);
  body.writeUInt32BE(Math.round(lon * 1e6), 12);
  body.writeUInt16BE(Math.round(kmh * 10), 18);
  body.writeUInt16BE(course, 20);
  Buffer.from(new Date(ms + 8 * 3600000).toISOString().slice(2, 19).replace(/\D/g, ''), 'hex').copy(body, 22);
  return body;
}

/* The body of the answer with this id, its escapes undone. */
function answerOf(socket, wanted) {
  return new Promise((resolve, reject) => {
    let rest = Buffer.alloc(0);
    const take = (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (const part of rest.toString('latin1').split('\x7e').filter(Boolean)) {
        const plain = Buffer.from(part.replaceAll('\x7d\x02', '\x7e').replaceAll('\x7d\x01', '\x7d'), 'latin1');
        if (plain.length > 12 && plain.readUInt16BE(0) === wanted) { socket.off('data', take); resolve(plain.subarray(12, -1)); return; }
      }
    };
    socket.on('data', take);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server closed the connection')));
  });
}

async function sendReport(port, phone, ms, lat, lon, kmh, course) {
  const socket = connect(port, '127.0.0.1');
  const registration = Buffer.concat([Buffer.from([0, 35, 2, 5]), Buffer.from('ZYSIM'), Buffer.from('TEST'.padEnd(20, '\0')), Buffer.from('0000001'), Buffer.from([2]), Buffer.from('x')]);
  let answer = answerOf(socket, 0x8100);
  socket.write(frame(phone, 0x0100, 1, registration));
  const code = (await answer).subarray(3);
  answer = answerOf(socket, 0x8001);
  socket.write(frame(phone, 0x0102, 2, code));
  await answer;
  answer = answerOf(socket, 0x8001);
  socket.write(frame(phone, 0x0200, 3, location(ms, lat, lon, kmh, course)));
  const [, , , , result] = await answer;
  socket.removeAllListeners('close');
  socket.end();
  if (result !== 0) throw new Error(`the report was answered ${result}`);
}

/* The map inside the page, once it has drawn all it has. */
export async function mapOf(page) {
  await page.waitForFunction(() => document.querySelector('.canvas')?.map?.isStyleLoaded());
  return page.evaluateHandle(() => document.querySelector('.canvas').map);
}
