/* The office: hazards and their steps, fences, rules, sensors, the engine. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mapOf, openWorld } from './world.mjs';

let w;
before(async () => { w = await openWorld(); });
after(async () => { await w?.close(); });

test('a hazard is recorded, registered and assigned by the steps that are allowed, and the books hold it', async () => {
  const page = await w.page('#/register');
  await page.waitForSelector('.board');
  await page.click('text=登记隐患');
  for (const [name, text] of [['description', '堤坝裂缝'], ['site', '东村水库'], ['company', '演示水利公司'], ['village', '东村'], ['finder', '李四'], ['sector', '水利'], ['category', '工程隐患'], ['basis', '巡查']]) await page.fill(`dialog [name=${name}]`, text);
  await page.selectOption('dialog [name=grade]', 'general');
  await page.click('dialog button.main');
  await page.click('.ticket:has-text("堤坝裂缝")');
  await page.waitForSelector('h1 .pill:has-text("排查")');
  await page.click('button:has-text("登记")');
  await page.fill('dialog [name=unit]', '演示水利公司');
  await page.click('dialog button.main');
  await page.waitForSelector('h1 .pill:has-text("登记")');
  await page.click('button:has-text("交办")');
  await page.click('dialog button.main');
  await page.waitForSelector('dialog [role=alert]:has-text("缺少必填项")');
  for (const [name, text] of [['person', '王五'], ['supervisor', '水务站'], ['measures', '灌浆'], ['fund', '1万元'], ['plan', '转移方案'], ['deadline', new Date(Date.now() + 5 * 86400000).toISOString().slice(0, 10)]]) await page.fill(`dialog [name=${name}]`, text);
  await page.click('dialog button.main');
  await page.waitForSelector('h1 .pill:has-text("交办")');
  assert.match(await page.textContent('.history'), /交办[\s\S]*登记[\s\S]*排查/);
  await page.goto(`${w.base}/#/register?view=table`);
  await page.waitForSelector('td:has-text("堤坝裂缝")');
  await page.click('text=导出台账');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=六个清单(工作簿)')]);
  assert.match(download.suggestedFilename(), /\.xlsx$/);
  await page.context().close();
});

test('a fence is drawn as a circle of so many metres, saved, and a file is refused feature by feature', async () => {
  const page = await w.page('#/fences');
  await page.waitForSelector('td:has-text("演示限速区")');
  await mapOf(page);
  await page.evaluate(() => document.querySelector('.canvas').map.jumpTo({ center: [118.6, 24.8], zoom: 12 }));
  await page.click('button:has-text("圆")');
  const canvas = await page.locator('.maplibregl-canvas').boundingBox();
  await page.mouse.click(canvas.x + 200, canvas.y + 150);
  await page.mouse.click(canvas.x + 260, canvas.y + 150);
  await page.waitForSelector('dialog [name=radius_m]');
  assert.ok(Number(await page.inputValue('dialog [name=radius_m]')) > 100);
  await page.fill('dialog [name=id]', 'round');
  await page.fill('dialog [name=name]', '圆围栏');
  await page.fill('dialog [name=radius_m]', '500');
  await page.click('dialog button.main');
  await page.waitForSelector('td:has-text("圆围栏")');
  const { features } = await w.api('/api/v1/fences?id=round');
  const ring = features[0].geometry.coordinates[0], heights = ring.map((p) => p[1]);
  assert.ok(Math.abs((Math.max(...heights) - Math.min(...heights)) * 111200 - 1000) < 10, 'a kilometre across');
  await page.click('text=上传 GeoJSON / KML');
  const kml = '<kml><Document><Placemark id="k1"><name>走廊</name><ExtendedData><Data name="half_width_m"><value>30</value></Data></ExtendedData><LineString><coordinates>118.5,24.7 118.6,24.7</coordinates></LineString></Placemark><Placemark id="k2"><name>坏</name><Polygon><outerBoundaryIs><LinearRing><coordinates>1,1 2,2 1,1</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>';
  await page.setInputFiles('dialog input[type=file]', { name: 'f.kml', mimeType: 'application/xml', buffer: Buffer.from(kml) });
  await page.click('dialog button.main');
  await page.waitForSelector('dialog td:has-text("k2")');
  await page.click('dialog >> text=取消');
  await page.waitForSelector('td:has-text("走廊")');
  await page.context().close();
});

test('rules are read with their sources; a mistake is told at its line and nothing is taken', async () => {
  const page = await w.page('#/rules?q=overspeed-zone');
  await page.waitForSelector('.rule:has-text("区域超速")');
  assert.match(await page.textContent('.rule'), /依据.*道路交通安全法实施条例/);
  await page.click('text=编辑规则文件');
  const text = await page.inputValue('textarea');
  await page.fill('textarea', `${text}\n[broken]\nkind = nonsense\n`);
  await page.click('button:has-text("启用")');
  await page.waitForSelector('text=有错误,规则没有启用');
  assert.match(await page.textContent('[role=alert]'), /第 \d+ 行/);
  await page.fill('textarea', text.replace('区域超速 |', '限速区超速 |'));
  await page.click('button:has-text("启用")');
  await page.waitForSelector('.rule h3:has-text("限速区超速")');
  await page.context().close();
});

test('values are drawn with their thresholds, and a gap stays a gap', async () => {
  const page = await w.page('#/sensors');
  await page.click('[aria-label="监测项"] tr:has-text("水位") button.row');
  await page.waitForSelector('.page-sensors .chart canvas');
  const facts = await page.textContent('.page-sensors .facts');
  assert.match(facts, /下限0/);
  assert.match(facts, /上限12/);
  assert.match(facts, /数量61/);
  assert.match(facts, /中断次数[1-9]/);
  assert.match(await page.evaluate(() => location.hash), /stream=dam1%2Flevel/);
  await page.context().close();
});

test('the engine tells its rates and keeps looking', async () => {
  const page = await w.page('#/engine');
  await page.waitForFunction(() => /^[\d,]+上报速率/.test(document.querySelector('.card')?.textContent ?? ''));
  assert.match(await page.textContent('.cards'), /字节\/点/);
  await page.waitForSelector('.chart canvas');
  await page.context().close();
});

test('the pages complained of nothing', () => { assert.deepEqual(w.complaints.filter((c) => !/422/.test(c)), []); });
