/* Who one is and what one may: signing in and out, and every page as every role sees it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY, mapOf, openWorld, PASSWORD, PLATE } from './world.mjs';

const roles = { enterprise: { unit: '演示运输公司' }, clerk: {}, office: {}, police: {}, fishery: {}, auditor: {}, administrator: {} };
let w, truck;
before(async () => {
  w = await openWorld();
  for (const [role, change] of Object.entries(roles)) await w.user(role, change);
  truck = (await w.api('/api/v1/devices?class=muck')).devices[0].id;
});
after(async () => { await w?.close(); });

/* Says what a history is for, if that is asked, and waits for the end of it. */
async function settledFor(page, purpose) {
  await page.waitForFunction(() => document.querySelector('dialog') || (document.querySelector('#progress')?.hidden && document.querySelector('#content h1, #content h2')));
  if (await page.locator('dialog').count()) {
    await page.fill('dialog [name=text]', purpose);
    await page.click('dialog button.main');
  }
  await settled(page);
}
const settled = (page) => page.waitForFunction(() => document.querySelector('#progress')?.hidden && !document.querySelector('#content')?.textContent.includes('正在加载') && document.querySelector('#content')?.childElementCount);

test('a wrong password is told, the right one lets in, and signing out ends it', async () => {
  const page = await w.page('#/violations');
  await page.click('button:text-is("登录")');
  await page.fill('[name=name]', 'police');
  await page.fill('[name=password]', 'not-the-password');
  await page.click('form.login button.main');
  await page.waitForSelector('form.login [role=alert]:not(:empty)');
  assert.match(await page.textContent('form.login [role=alert]'), /用户名或密码/);
  await page.fill('[name=password]', PASSWORD);
  await page.click('form.login button.main');
  await page.waitForSelector('.who span:text-is("police")');
  await page.waitForSelector('h1:has-text("疑似违法线索")');
  await page.click('text=退出登录');
  await page.waitForSelector('.who span:text-is("local")'); // this machine itself, as the server has it
  await page.context().close();
});

test('a session that ends under an open page asks to sign in again, and goes on where one was', async () => {
  await w.user('police', { name: 'shortly', role: 'police' });
  const page = await w.pageOf('shortly', '#/violations');
  await page.waitForSelector('[role=region] tbody tr');
  await w.user('police', { name: 'shortly', role: 'police' }); // a change of an account ends its sessions
  await page.click('text=规则');
  await page.waitForSelector('form.login [role=alert]:has-text("会话已结束")');
  await page.fill('[name=name]', 'shortly');
  await page.fill('[name=password]', PASSWORD);
  await page.click('form.login button.main');
  await page.waitForSelector('h1:has-text("规则")');
  await page.context().close();
});

for (const role of Object.keys(roles))
  test(`${role}: every page that is offered opens without a refusal`, async () => {
    const page = await w.pageOf(role, '#/rules');
    const refused = [];
    page.on('response', (r) => { if (r.status() === 403) refused.push(`${new URL(page.url()).hash}: ${new URL(r.url()).pathname}`); });
    await page.waitForSelector('nav a');
    const paths = await page.$$eval('nav a', (list) => list.map((a) => a.getAttribute('href')));
    assert.ok(paths.length >= 4, paths.join(' '));
    for (const path of [...paths, '#/sensors?part=storm', '#/duty?part=alarms', '#/duty?part=warnings', '#/duty?part=incidents', '#/duty?part=log'].filter((p) => paths.some((q) => p.startsWith(q)))) {
      await page.goto(`${w.base}/${path}`);
      await page.waitForSelector('h1', { state: 'attached' });
      await settled(page);
      assert.equal(await page.locator('.notice.bad').count(), 0, `${path}: ${await page.locator('.notice.bad').allTextContents()}`);
    }
    if (paths.includes('#/devices')) {
      await page.goto(`${w.base}/#/devices/${truck}?day=${DAY}`);
      await settledFor(page, '巡查');
    }
    const [first] = (await w.api('/api/v1/violations?kind=overspeed')).violations;
    await page.goto(`${w.base}/#/violations/${first.id}`);
    await settledFor(page, '巡查');
    assert.deepEqual([...new Set(refused)], []);
    await page.context().close();
  });

test('a clerk has neither playback nor a way to change what he may not', async () => {
  const page = await w.pageOf('clerk', `#/devices/${truck}?day=${DAY}`);
  await page.waitForSelector(`h1:has-text("${PLATE}")`);
  await settled(page);
  assert.equal(await page.locator('.player, .timeline').count(), 0);
  assert.equal(await page.locator('text=编辑档案').count(), 0);
  await page.goto(`${w.base}/#/live`);
  await mapOf(page);
  await page.fill('[name=find]', 'c10001');
  await page.press('[name=find]', 'Enter');
  await page.waitForSelector('.over.right h2');
  assert.equal(await page.locator('text=当日轨迹').count(), 0);
  assert.equal(await page.locator('text=谁来过').count(), 0);
  await page.goto(`${w.base}/#/rules`);
  await page.waitForSelector('.rule');
  assert.equal(await page.locator('text=编辑规则文件').count(), 0);
  assert.equal(await page.locator('text=试算').count(), 0);
  await page.goto(`${w.base}/#/fences`);
  await page.waitForSelector('td:has-text("演示限速区")');
  assert.equal(await page.locator('text=停用').count(), 0);
  await page.context().close();
});

test('an enterprise sees its own alone', async () => {
  const page = await w.pageOf('enterprise', '#/devices');
  await page.waitForSelector('tbody tr');
  assert.deepEqual(await page.$$eval('tbody tr', (rows) => rows.length), 1);
  await page.context().close();
});

test('a history is told for a purpose, asked once and put on record', async () => {
  const page = await w.pageOf('police', `#/devices/${truck}?day=${DAY}`);
  await page.waitForSelector('dialog:has-text("查询用途")');
  await page.fill('dialog [name=text]', '核查渣土车超速');
  await page.click('dialog button.main');
  await page.waitForSelector('.timeline rect', { state: 'attached' });
  await page.goto(`${w.base}/#/violations`);
  await page.goto(`${w.base}/#/devices/${truck}?day=${DAY}`);
  await page.waitForSelector('.timeline rect', { state: 'attached' });
  assert.equal(await page.locator('dialog').count(), 0);
  const { entries, audit } = await w.api('/api/v1/audit');
  assert.ok(JSON.stringify(entries ?? audit).includes('核查渣土车超速'));
  await page.context().close();
});

test('the pages complained of nothing', () => { assert.deepEqual(w.complaints.filter((c) => !/40[01]/.test(c)), []); });
