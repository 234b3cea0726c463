/* Rules: tried on what is stored before they are switched on. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY, mapOf, openWorld, PLATE } from './world.mjs';

let w;
before(async () => { w = await openWorld(); });
after(async () => { await w?.close(); });

/* A row of the table by rule as numbers: stands, found, same, new, gone. */
const counts = (page, title) => page.$$eval('[aria-label="分规则对比"] tbody tr', (rows, wanted) => rows.map((r) => [...r.cells].map((c) => c.textContent)).filter(([name]) => name === wanted).map((c) => c.slice(1).map(Number))[0], title);
async function run(page) {
  await page.fill('[name=try_from]', DAY);
  await page.fill('[name=try_to]', DAY);
  await page.click('button:has-text("开始试算")');
  await page.waitForSelector('[aria-label="分规则对比"] tbody tr');
}

test('the rules that hold find what stands, and nothing else', async () => {
  const page = await w.page('#/rules');
  await page.click('button:has-text("编辑规则文件")');
  await run(page);
  await page.waitForSelector('text=与现有线索完全一致');
  const [stands, found, same, added, gone] = await counts(page, '区域超速');
  assert.deepEqual([stands, found, same, added, gone], [1, 1, 1, 0, 0]);
  await page.context().close();
});

test('a threshold is changed in the rule, tried, seen on the map, found again after a reload, and switched on', async () => {
  const page = await w.page('#/rules?q=overspeed-zone');
  const before = (await w.api('/api/v1/violations')).violations.length;
  await page.click('[aria-label="调整阈值并试算 区域超速"]');
  await page.fill('dialog [name=hold]', '30 min');
  await page.click('dialog button.main');
  assert.match(await page.inputValue('textarea'), /\[overspeed-zone\][^[]*hold\s*= 30 min/);
  await run(page);
  assert.deepEqual(await counts(page, '区域超速'), [1, 0, 0, 0, 1]);
  assert.match(await page.textContent('.rule-trial .cards'), /1不再出现/);
  await page.click('[aria-label="分规则对比"] button.row:text-is("区域超速")');
  await page.waitForFunction(() => document.querySelectorAll('[aria-label="试算结果"] tbody tr').length === 1);
  assert.match(await page.textContent('[aria-label="试算结果"] tbody'), new RegExp(`不再出现.*${PLATE}`));
  await mapOf(page);
  await page.waitForFunction(() => document.querySelector('.canvas').map.querySourceFeatures('tried').some((f) => f.properties.change === 'gone'));
  assert.equal((await w.api('/api/v1/violations')).violations.length, before, 'nothing that stands was changed');
  await page.reload();
  await page.waitForSelector('[aria-label="分规则对比"] tbody tr');
  assert.match(await page.inputValue('textarea'), /hold\s*= 30 min/);
  await page.click('button:has-text("启用")');
  await page.waitForSelector('text=新规则已生效');
  assert.match(await (await fetch(`${w.base}/api/v1/rules`)).text(), /hold\s*= 30 min/);
  await page.context().close();
});

test('a mistake is told at its line, and choosing it marks the line', async () => {
  const page = await w.page('#/rules');
  await page.click('button:has-text("编辑规则文件")');
  await page.fill('textarea', '[a]\nkind = overspeed\ntitle = 试 | T\nsource = s\nlimit = fast\n');
  await page.click('button:has-text("开始试算")');
  await page.click('[role=alert] button:has-text("第 5 行")');
  assert.equal(await page.$eval('textarea', (a) => a.value.slice(a.selectionStart, a.selectionEnd)), 'limit = fast');
  assert.equal((await w.api('/api/v1/backtests')).backtests.filter((b) => b.state !== 'done').length, 0);
  await page.context().close();
});

test('one that was stopped, or that a restart forgot, is said to be gone', async () => {
  const page = await w.page('#/rules');
  await page.click('button:has-text("编辑规则文件")');
  await run(page);
  const id = await page.evaluate(() => new URLSearchParams(location.hash.split('?')[1]).get('try'));
  assert.equal((await fetch(`${w.base}/api/v1/backtests/${id}`, { method: 'DELETE' })).status, 204);
  await page.reload();
  await page.waitForSelector('text=服务器重启后试算结果不再保留');
  await page.context().close();
});

test('the pages complained of nothing', () => { assert.deepEqual(w.complaints.filter((c) => !/422/.test(c)), []); });
