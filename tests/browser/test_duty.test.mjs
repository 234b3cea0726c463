/* The duty room and the calendar, where the server has their routes; where it has not, the page says so. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mapOf, openWorld } from './world.mjs';

let w, known;
before(async () => { w = await openWorld('--terminals', 'open'); known = Object.keys((await w.api('/openapi.json')).paths); });
after(async () => { await w?.close(); });

test('the roll-call tells where each boat is, on the map as well', async () => {
  /* one boat reports now; the other was last heard of on the day of the world, long ago, and has no place */
  await w.report('13900000003', Date.now(), 24.82, 118.75, 12, 90);
  const page = await w.page('#/duty');
  if (!known.includes('/api/v1/roll-call')) {
    await page.waitForSelector('text=该功能在本服务器上没有启用');
  } else {
    await page.waitForSelector('td:has-text("演示渔1号")');
    const { counts } = await w.api('/api/v1/roll-call');
    await page.waitForSelector('td:has-text("演示渔2号")');
    assert.match(await page.textContent('.card'), new RegExp(`${counts.boats}船舶`));
    await mapOf(page);
    await page.waitForFunction(() => document.querySelector('.canvas').map.querySourceFeatures('points').length >= 1);
  }
  await page.context().close();
});

test('what is written into the shift log stands there, and a shift is handed over and taken', async () => {
  const page = await w.page('#/duty?part=log');
  if (!known.includes('/api/v1/shift-log')) {
    await page.waitForSelector('text=该功能在本服务器上没有启用');
  } else {
    await page.click('button:has-text("记事")');
    await page.fill('dialog [name=text]', '海面平静');
    await page.click('dialog button.main');
    await page.waitForSelector('.history:has-text("海面平静")');
    await page.click('button:has-text("交班")');
    await page.fill('dialog [name=to]', '李四');
    await page.fill('dialog [name=text]', '一切正常');
    await page.click('dialog button.main');
    await page.waitForSelector('.history:has-text("李四")');
  }
  await page.context().close();
});

test('the calendar shows a month of tasks', async () => {
  const page = await w.page('#/calendar?month=2026-12');
  await page.waitForSelector(known.includes('/api/v1/tasks') ? '.page-calendar table' : 'text=该功能在本服务器上没有启用');
  await page.context().close();
});

test('the pages complained of nothing', () => { assert.deepEqual(w.complaints, []); });
