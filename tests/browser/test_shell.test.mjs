/* The shell: the page of the real program in a real browser, in both languages, light and dark, on a telephone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { mapOf, openWorld } from './world.mjs';

const WEIGHT_MAX = 1.5 * 1024 * 1024; // bytes on the wire, all pages together, without map data
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let w;
before(async () => { w = await openWorld(); });
after(async () => { await w?.close(); });

const paths = async (page) => page.$$eval('nav a', (list) => list.map((a) => a.getAttribute('href')));

test('the page opens in Chinese, says that data are a demonstration, and shows the live map', async () => {
  const page = await w.page('');
  await page.waitForSelector('nav a[aria-current]');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
  assert.match(await page.textContent('header'), /演示数据/);
  await mapOf(page);
  await page.context().close();
});

test('English is one button away and stays', async () => {
  const page = await w.page('#/engine');
  await page.click('text=English');
  await page.waitForSelector('h1:has-text("Engine")');
  await page.reload();
  await page.waitForSelector('h1:has-text("Engine")');
  assert.equal(await page.getAttribute('html', 'lang'), 'en');
  await page.context().close();
});

test('dark is one button away, and the operating system is followed', async () => {
  const page = await w.page('#/engine', { colorScheme: 'dark' });
  await page.waitForSelector('h1');
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
  await page.click('[aria-label="深浅色"]');
  await page.waitForSelector('html[data-theme=light]');
  await page.context().close();
});

test('the menu opens on a telephone, and nothing is wider than its screen', async () => {
  const page = await w.page('#/engine', { viewport: { width: 390, height: 844 } });
  await page.waitForSelector('.card');
  assert.equal(await page.isVisible('nav'), false);
  await page.click('button.menu');
  assert.equal(await page.isVisible('nav'), true);
  for (const path of await paths(page)) {
    await page.goto(`${w.base}/${path}`);
    await page.waitForSelector('h1, h2', { state: 'attached' });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path);
  }
  await page.context().close();
});

test('every page has no serious finding of axe, light and dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await w.page('#/engine', { colorScheme });
    await page.waitForSelector('.card');
    for (const path of await paths(page)) {
      await page.goto(`${w.base}/${path}`);
      await page.waitForSelector('h1', { state: 'attached' });
      await page.waitForFunction(() => !document.querySelector('#content')?.textContent.includes('正在加载'));
      await page.evaluate(axe); // outside of the page's policy, as the tests' own
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      const serious = violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${path} ${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`);
      assert.deepEqual(serious, []);
    }
    await page.context().close();
  }
});

test('all that the pages load is small, packed, kept, and from here', async () => {
  const page = await w.page('#/engine');
  const seen = new Map();
  page.on('response', (r) => { if (new URL(r.url()).pathname.startsWith('/assets/')) seen.set(r.url(), r.headers()); });
  await page.waitForSelector('.card');
  const all = await paths(page);
  await page.reload();
  for (const path of all) { await page.goto(`${w.base}/${path}`); await page.waitForSelector('h1', { state: 'attached' }); }
  await page.goto(`${w.base}/#/live`);
  await mapOf(page);
  await page.context().close();
  let weight = 0;
  for (const url of seen.keys()) {
    const answer = await new Promise((resolve, reject) => import('node:http').then(({ get }) => get(url, { headers: { 'accept-encoding': 'gzip' } }, (r) => { const parts = []; r.on('data', (p) => parts.push(p)); r.on('end', () => resolve({ r, body: Buffer.concat(parts) })); }).on('error', reject)));
    assert.equal(answer.r.headers['content-encoding'], 'gzip', url);
    assert.match(answer.r.headers['cache-control'], /immutable/);
    assert.ok(gunzipSync(answer.body).length);
    if (!url.includes('land-')) weight += answer.body.length;
  }
  assert.ok(seen.size > 5, 'the test has seen what it measures');
  assert.ok(weight < WEIGHT_MAX, `${weight} bytes`);
});

test('a path that is none, and a server that is gone, are said', async () => {
  const page = await w.page('#/nowhere');
  await page.waitForSelector('text=没有这个页面');
  await page.route('**/metrics', (route) => route.abort());
  await page.goto(`${w.base}/#/engine`);
  await page.waitForSelector('[role=alert]:has-text("连接不上服务器")');
  await page.context().close();
});

test('the pages complained of nothing', () => {
  assert.deepEqual(w.complaints.filter((c) => !/ERR_FAILED/.test(c)), []);
});
