/* The live map: what is where, what comes in meanwhile, who was here. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mapOf, openWorld, PLATE } from './world.mjs';

let w;
before(async () => { w = await openWorld('--terminals', 'open'); });
after(async () => { await w?.close(); });

/* What the map has drawn of a source: titles, clusters counted by their members. */
const drawn = (page) => page.evaluate(() => {
  const map = document.querySelector('.canvas').map;
  const seen = [...map.querySourceFeatures('things'), ...map.querySourceFeatures('single')].map((f) => f.properties);
  return { titles: [...new Set(seen.filter((p) => p.title).map((p) => p.title))].sort(), icons: Object.fromEntries(seen.filter((p) => p.title).map((p) => [p.title, p.icon])) };
});
const untilDrawn = (page, title) => page.waitForFunction((wanted) => {
  const map = document.querySelector('.canvas')?.map;
  return map?.getSource('things') && [...map.querySourceFeatures('things'), ...map.querySourceFeatures('single')].some((f) => f.properties.title === wanted);
}, title);

test('every device is on the map with its label, its class is counted, fences have their names', async () => {
  const page = await w.page('#/live');
  await mapOf(page);
  await page.waitForSelector('.up:has-text("实时")');
  assert.match(await page.textContent('.over.left'), /渣土车\s*1/);
  assert.match(await page.textContent('.over.left'), /渔船\s*2/);
  await page.evaluate(() => document.querySelector('.canvas').map.jumpTo({ center: [118.9, 24.85], zoom: 9 }));
  await untilDrawn(page, PLATE);
  assert.deepEqual((await drawn(page)).titles, ['演示渔1号', '演示渔2号', PLATE, '闽C10002'].sort());
  await page.waitForFunction(() => document.querySelector('.canvas').map.querySourceFeatures('fences').some((f) => f.properties.name === '演示限速区'));
  await page.context().close();
});

test('a class that is switched off is gone, and comes back', async () => {
  const page = await w.page('#/live');
  await mapOf(page);
  await page.waitForSelector('[data-group=muck]');
  await page.evaluate(() => document.querySelector('.canvas').map.jumpTo({ center: [118.9, 24.9], zoom: 10 }));
  await untilDrawn(page, PLATE);
  await page.uncheck('[data-group=muck]');
  await page.waitForFunction((plate) => !document.querySelector('.canvas').map.querySourceFeatures('things').some((f) => f.properties.title === plate), PLATE);
  await page.check('[data-group=muck]');
  await untilDrawn(page, PLATE);
  await page.context().close();
});

test('a device is found by its plate, shown and followed', async () => {
  const page = await w.page('#/live');
  await mapOf(page);
  await page.waitForSelector('.up');
  await page.fill('[name=find]', 'c10001');
  await page.press('[name=find]', 'Enter');
  await page.waitForSelector(`.over.right h2:has-text("${PLATE}")`);
  assert.match(await page.textContent('.over.right'), /演示运输公司/);
  await page.click('.over.right >> text=跟随');
  await page.waitForSelector('.over.right >> text=停止跟随');
  await page.context().close();
});

test('a position that comes in meanwhile moves its device without a reload, also after a break', async () => {
  const page = await w.page('#/live');
  await mapOf(page);
  await page.waitForSelector('.up');
  const seen = async () => page.textContent('.over.right .facts');
  await page.fill('[name=find]', 'c10001');
  await page.press('[name=find]', 'Enter');
  await page.waitForSelector('.over.right h2');
  assert.doesNotMatch(await seen(), /24\.91000/);
  await w.report('13900000001', Date.now(), 24.905, 118.8, 31, 90);
  await page.waitForFunction(() => /24\.90500, 118\.80000/.test(document.querySelector('.over.right .facts').textContent));
  await w.restart(async () => page.waitForSelector('.down:has-text("正在重连")'));
  await page.waitForSelector('.up');
  await w.report('13900000001', Date.now(), 24.91, 118.81, 33, 90);
  await page.waitForFunction(() => /24\.91000, 118\.81000/.test(document.querySelector('.over.right .facts').textContent));
  assert.match(await seen(), /33 km\/h/);
  await page.context().close();
});

test('who was here is asked with a box and a case number, answered by name, and put on record', async () => {
  const page = await w.page('#/live');
  await mapOf(page);
  await page.waitForSelector('.up');
  await page.evaluate(() => document.querySelector('.canvas').map.jumpTo({ center: [118.9, 24.85], zoom: 10 }));
  await page.click('text=谁来过');
  await page.click('text=框选');
  const canvas = await page.locator('.maplibregl-canvas').boundingBox();
  const corner = async (lon, lat) => { const p = await page.evaluate((at) => document.querySelector('.canvas').map.project(at), [lon, lat]); await page.mouse.click(canvas.x + p.x, canvas.y + p.y); };
  await corner(118.85, 24.82);
  await corner(118.95, 24.88);
  await page.fill('[name=from]', '2026-03-02T07:00');
  await page.fill('[name=to]', '2026-03-02T13:00');
  await page.fill('[name=case]', '泉公交〔2026〕1号');
  await page.click('.over.right button.main');
  await page.waitForSelector(`.over.right td >> text=${PLATE}`);
  assert.equal(await page.locator('.over.right tbody tr').count(), 1);
  const { entries, audit } = await w.api('/api/v1/audit');
  assert.ok(JSON.stringify(entries ?? audit).includes('泉公交〔2026〕1号'));
  await page.context().close();
});

test('the pages complained of nothing', () => {
  assert.deepEqual(w.complaints.filter((c) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(c)), []);
});
