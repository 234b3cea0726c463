/* Sensors: the status board by village and kind, charts with thresholds, and the storm page. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY, openWorld } from './world.mjs';

let w;
before(async () => { w = await openWorld(); });
after(async () => { await w?.close(); });

const cells = (page, caption) => page.$$eval(`[aria-label="${caption}"] tbody tr`, (rows) => rows.map((r) => [...r.cells].map((c) => c.textContent.trim())));

test('the board adds up by village and by kind, and a row of it narrows the list', async () => {
  const page = await w.page('#/sensors');
  await page.waitForSelector('[aria-label="状态看板"] tbody tr');
  const [east] = await cells(page, '状态看板');
  assert.equal(east[0], '东村');
  assert.equal(east[1], '2', 'streams');
  assert.match(east.at(-1), /% \(0\/1\)/, 'nothing came in the last day');
  await page.selectOption('.page-sensors select', 'quantity');
  await page.waitForSelector('[aria-label="状态看板"] button.row:text-is("雨量")');
  assert.deepEqual((await cells(page, '状态看板')).map((r) => r[0]), ['水位', '雨量']);
  await page.click('[aria-label="状态看板"] button.row:text-is("雨量")');
  await page.waitForFunction(() => document.querySelectorAll('[aria-label="监测项"] tbody tr').length === 1);
  assert.match(await page.evaluate(() => location.hash), /group=quantity.*of=%3Drain/);
  await page.click('[aria-label="监测项"] button.row');
  await page.waitForSelector('.page-sensors .chart canvas');
  await page.context().close();
});

test('a limit of the rules that hold is a line of the chart, in its unit', async () => {
  const rules = await (await fetch(`${w.base}/api/v1/rules`)).text();
  const own = '\n[dam-level]\nkind = level\ntitle = 坝前水位超限 | Dam level\nsource = test\nquantity = level\nunit = m\nside = above\nlimit = 8.5\n';
  const answer = await fetch(`${w.base}/api/v1/rules`, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: rules + own });
  assert.equal(answer.status, 200, await answer.text());
  const page = await w.page('#/sensors?stream=dam1%2Flevel');
  await page.waitForSelector('.page-sensors .chart canvas');
  assert.match(await page.textContent('.page-sensors .facts'), /坝前水位超限8.5 m/);
  await page.context().close();
});

test('the storm page sums the rain back from an instant, says what is missing and which signal is reached', async () => {
  const page = await w.page(`#/sensors?part=storm&at=${DAY}T10:30`);
  await page.waitForSelector('[aria-label="累计雨量 mm"] tbody tr');
  const [row] = await cells(page, '累计雨量 mm');
  assert.equal(row[0], 'dam1');
  assert.deepEqual(row.slice(1, 4), ['72', '≥ 108', '≥ 108'], 'of one hour; of three, of which half an hour lies before the first value');
  assert.match(row[6], /暴雨红色预警雨量/);
  assert.match(await page.textContent('.page-sensors .cards'), /72 mm最大1小时雨量1达到标准的雨量站/);
  await page.fill('[name=at]', `${DAY}T12:00`);
  await page.dispatchEvent('[name=at]', 'change');
  await page.waitForFunction(() => document.querySelector('[aria-label="累计雨量 mm"] tbody td:nth-child(2)')?.textContent === '≥ 0');
  assert.match((await cells(page, '累计雨量 mm'))[0][2], /≥ 108/);
  await page.context().close();
});

test('a warning in force and boats out are beside it, for those who may see them', async () => {
  const body = JSON.stringify({ identifier: 'W1', sender: 'qzmo', sent: `${DAY}T08:00:00+08:00`, kind: 'rainstorm', level: 'red', headline: '演示暴雨红色预警', until: `${DAY}T20:00:00+08:00`, areas: [{ circle: [118.8, 24.8], radius_m: 50000 }] });
  const answer = await fetch(`${w.base}/api/v1/warnings`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.ok(answer.ok, await answer.text());
  const page = await w.page(`#/sensors?part=storm&at=${DAY}T10:30`);
  await page.waitForSelector('td:has-text("演示暴雨红色预警")');
  const [row] = (await cells(page, '在海船舶')).filter((r) => r[0] === '港村');
  assert.equal(row[1], '2', 'boats of the village');
  assert.equal(row[2], '2', 'at sea then');
  await page.context().close();
});

test('the pages complained of nothing', () => { assert.deepEqual(w.complaints, []); });
