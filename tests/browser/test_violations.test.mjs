/* Violations: what the judge found in the world's tracks, filtered by the address, reviewed, exported. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { mapOf, openWorld, PLATE } from './world.mjs';

let w, speeding;
before(async () => {
  w = await openWorld();
  speeding = (await w.api('/api/v1/violations?rule=overspeed-zone')).violations[0];
  assert.ok(speeding, 'the world has somebody speeding');
});
after(async () => { await w?.close(); });

const rows = (page) => page.locator('.page-violations tbody tr');

test('filters live in the address: a link shows what was filtered, and changing one changes the address', async () => {
  const page = await w.page('#/violations?kind=overspeed');
  await page.waitForSelector('td:has-text("区域超速")');
  const all = (await w.api('/api/v1/violations?kind=overspeed')).violations.length;
  assert.equal(await rows(page).count(), all);
  assert.equal(await page.locator('select').first().inputValue(), 'overspeed');
  await page.selectOption('select >> nth=2', '3');
  await page.waitForFunction(() => location.hash.includes('severity=3') && location.hash.includes('kind=overspeed'));
  await page.reload();
  await page.waitForSelector('td:has-text("严重")');
  assert.equal(await page.locator('tbody tr:has-text("违法")').count(), await page.locator('tbody tr:has-text("严重"):has-text("违法")').count());
  await page.context().close();
});

test('one shows its track by speed, the chart with the limit, its source and its evidence sheet', async () => {
  const page = await w.page(`#/violations/${speeding.id}`);
  await page.waitForSelector(`h1:has-text("${PLATE}")`);
  await mapOf(page);
  await page.waitForSelector('.chart canvas');
  assert.match(await page.textContent('#content'), /40\.0 km\/h/);
  assert.match(await page.textContent('#content'), /道路交通安全法/);
  await page.waitForFunction(() => document.querySelector('.canvas').map.querySourceFeatures('track').some((f) => f.properties.colour === '#c62828'));
  const href = await page.getAttribute('a:has-text("取证材料单")', 'href');
  const sheet = await fetch(w.base + href);
  assert.equal(sheet.status, 200);
  assert.match(await sheet.text(), new RegExp(PLATE));
  await page.click('summary:has-text("原始报文")');
  await page.waitForSelector('details code');
  await page.context().close();
});

test('a review goes 待核 to 属实 to 移交 with its reason, and the history tells it', async () => {
  const page = await w.page(`#/violations/${speeding.id}`);
  await page.click('button:has-text("属实")');
  await page.fill('dialog [name=why]', '核对无误');
  await page.click('dialog button.main');
  await page.waitForSelector('h1 .pill:has-text("属实")');
  assert.match(await page.textContent('.history'), /核对无误/);
  await page.click('button:has-text("移交")');
  await page.fill('dialog [name=why]', '移交大队');
  await page.fill('dialog [name=document]', '文1号');
  await page.click('dialog button.main');
  await page.waitForSelector('h1 .pill:has-text("移交")');
  assert.equal((await w.api(`/api/v1/violations/${speeding.id}`)).state, 'transferred');
  await page.context().close();
});

test('many are reviewed at once, by keyboard as well', async () => {
  const page = await w.page('#/violations?state=pending');
  await page.waitForSelector('tbody tr');
  const boxes = page.locator('tbody input[type=checkbox]');
  const before = await boxes.count();
  assert.ok(before >= 2, 'the world has two that wait');
  await boxes.nth(0).focus();
  await page.keyboard.press('Space');
  await boxes.nth(1).focus();
  await page.keyboard.press('Space');
  await page.click('button:has-text("批量审核")');
  await page.check('dialog input[value=rejected]');
  await page.fill('dialog [name=why]', '设备故障');
  await page.click('dialog button.main');
  await page.waitForFunction((n) => document.querySelectorAll('tbody tr').length === n, before - 2);
  assert.equal((await w.api('/api/v1/violations?state=rejected')).violations.length, 2);
  await page.context().close();
});

test('what is filtered is what is exported', async () => {
  const page = await w.page('#/violations?kind=overspeed');
  await page.waitForSelector('td:has-text("区域超速")');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('button:has-text("导出 CSV")')]);
  const lines = readFileSync(await download.path(), 'utf8').trim().split('\n');
  assert.equal(lines.length - 1, await rows(page).count());
  assert.ok(lines.slice(1).every((line) => line.includes('overspeed')));
  await page.context().close();
});

test('what another did meanwhile is said and not thrown over the reader', async () => {
  const page = await w.page('#/violations');
  await page.waitForSelector('tbody tr');
  const [one] = (await w.api('/api/v1/violations?state=pending')).violations;
  await fetch(`${w.base}/api/v1/violations/${one.id}/review`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ state: 'confirmed', why: 'w' }) });
  await page.waitForSelector('text=有新线索');
  await page.context().close();
});

test('the pages complained of nothing', () => { assert.deepEqual(w.complaints, []); });
