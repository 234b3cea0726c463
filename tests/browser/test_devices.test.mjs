/* Devices: search, a day as timeline and playback, the registry edited, a table looked at before it is taken. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY, mapOf, openWorld, PLATE } from './world.mjs';

let w, truck;
before(async () => { w = await openWorld(); truck = (await w.api('/api/v1/devices?class=muck')).devices[0].id; });
after(async () => { await w?.close(); });

test('a device is found by a piece of its plate', async () => {
  const page = await w.page('#/devices');
  await page.waitForSelector('tbody tr');
  assert.equal(await page.locator('tbody tr').count(), 5); // the sensor site, too
  await page.fill('[name=q]', '闽C10001');
  await page.press('[name=q]', 'Enter');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  await page.click(`tbody >> text=${PLATE}`);
  await page.waitForSelector(`h1:has-text("${PLATE}")`);
  await page.context().close();
});

test('a day is driving, stops and gaps with their sums', async () => {
  const page = await w.page(`#/devices/${truck}?day=${DAY}`);
  await page.waitForSelector('.timeline rect[fill="#2e8b57"]');
  const facts = await page.textContent('.facts');
  // legs of the world: 20 min at 30, 15 at 58, 30 at 35, 20 at 35: 53.7 km but for the last 10 s of each stretch
  const km = Number(/里程([\d.]+) km/.exec(facts)[1]);
  assert.ok(km > 53 && km < 58, facts);
  assert.match(facts, /停留次数1/);
  assert.match(facts, /中断次数1/);
  assert.match(facts, /最高速度58 km\/h/);
  assert.equal(await page.locator('.timeline rect[fill="url(#gap)"]').count(), 1);
  await mapOf(page);
  await page.context().close();
});

test('playback moves through the day, faster when asked, and stops', async () => {
  const page = await w.page(`#/devices/${truck}?day=${DAY}`);
  await page.waitForSelector('.player');
  await page.selectOption('.player select', '1200');
  const at = () => page.$eval('.player input[type=range]', (e) => Number(e.value));
  const before = await at();
  await page.click('.player >> text=播放');
  await page.waitForFunction((b) => Number(document.querySelector('.player input[type=range]').value) > b + 600000, before);
  await page.click('.player >> text=暂停');
  const stopped = await at();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.equal(await at(), stopped);
  await page.waitForFunction(() => document.querySelector('.canvas').map?.querySourceFeatures('now').length > 0);
  await page.context().close();
});

test('the registry is edited from an instant on, and its history keeps what was', async () => {
  const page = await w.page(`#/devices/${truck}?day=${DAY}`);
  await page.click('text=编辑档案');
  await page.fill('dialog [name=driver]', '张三');
  await page.click('dialog button.main');
  await page.waitForSelector('.facts:has-text("张三")');
  await page.click('summary:has-text("变更记录")');
  await page.waitForSelector('details td:has-text("张三")');
  await page.context().close();
});

test('a table tells every mistake at its line, and takes the rest', async () => {
  const page = await w.page('#/devices');
  await page.click('text=导入 CSV');
  await page.setInputFiles('dialog input[type=file]', { name: 'd.csv', mimeType: 'text/csv', buffer: Buffer.from('终端手机号,车牌颜色,车牌号,车辆类别\n13900000011,黄,闽C20001,渣土车\n139x,黄,闽C20002,渣土车\n13900000013,黄,闽C20003,坦克\n13900000011,黄,闽C20004,muck\n') });
  await page.waitForSelector('dialog >> text=错误 3');
  const mistakes = await page.textContent('dialog');
  for (const words of ['device 写法不对', '没有这个类别', '与前面的行重复']) assert.match(mistakes, new RegExp(words));
  await page.click('dialog button.main');
  await page.waitForSelector('text=已导入 1');
  assert.equal((await w.api('/api/v1/devices?class=muck')).devices.length, 2);
  await page.context().close();
});

test('the pages complained of nothing', () => { assert.deepEqual(w.complaints, []); });
