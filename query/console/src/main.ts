/* main.ts -- the shell: who one is, the head with the pages, and the page itself. */
import { get, whenPurposeWanted, whenUnauthorized } from './api';
import { fill, h } from './dom';
import { chinese, setLanguage, t } from './messages';
import { pages, type Mounted, type Page } from './pages';
import { go, link, readPlace } from './router';
import { loginForm, may, signOut, whoAmI, type Principal, type Settings } from './session';
import { askText, button, busy, wordsOf } from './widgets';

const app = document.getElementById('app')!;
const noSettings: Settings = { demo: false, tiles: null };

type Theme = 'auto' | 'light' | 'dark';
const theme = (): Theme => (localStorage.getItem('zayton.theme') as Theme | null) ?? 'auto';

export const isDark = (): boolean => theme() === 'dark' || (theme() === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);

function applyTheme(): void {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
}

function toggleTheme(): void {
  localStorage.setItem('zayton.theme', isDark() ? 'light' : 'dark');
  applyTheme();
  void start(); // maps and charts take their colours when they are drawn
}

let mounted: { page: Page; end: Mounted } | null = null;
let turn = 0;

function endPage(): void {
  mounted?.end.end();
  mounted = null;
}

function header(principal: Principal, settings: Settings): HTMLElement {
  const nav = h('nav', { id: 'pages', 'aria-label': t('menu') }, pages.filter((page) => may(principal, page.right)).map((page) => h('a', { href: link(page.path), 'data-page': page.path }, t(page.title))));
  const menu = button('☰', () => { const open = nav.classList.toggle('open'); menu.setAttribute('aria-expanded', String(open)); }, { kind: 'quiet', label: t('menu') });
  menu.classList.add('menu');
  menu.setAttribute('aria-controls', 'pages');
  menu.setAttribute('aria-expanded', 'false');
  nav.addEventListener('click', () => { nav.classList.remove('open'); menu.setAttribute('aria-expanded', 'false'); });
  return h('header', null, menu, h('span', { class: 'brand' }, t('app')), settings.demo ? h('strong', { class: 'demo' }, t('demo')) : null, nav,
    h('div', { class: 'who' },
      h('span', { title: `${t('signed_in')} ${principal.name} · ${principal.role} · ${principal.unit}` }, principal.name),
      button(t('language'), () => { setLanguage(chinese() ? 'en' : 'zh'); void start(); }, { kind: 'quiet' }),
      button('◐', toggleTheme, { kind: 'quiet', label: t('theme') }),
      principal.sessions && !principal.until ? button(t('sign_in'), () => signIn(true, '', () => void start()), { kind: 'quiet' }) : null,
      principal.until || sessionStorage.getItem('zayton.token') ? button(t('sign_out'), () => { signedIn = false; void busy(signOut(principal)).then(start); }, { kind: 'quiet' }) : null));
}

async function show(principal: Principal, settings: Settings): Promise<void> {
  const place = readPlace(location.hash);
  const page = pages.find((p) => p.path === place.page);
  const root = document.getElementById('content')!;
  if (!place.page) { go(link((pages.find((p) => may(principal, p.right)) ?? pages[0]!).path)); return; }
  if (page && mounted?.page === page && mounted.end.moved) { mounted.end.moved(place); return; }
  const mine = ++turn;
  endPage();
  document.querySelectorAll('nav a').forEach((a) => {
    if ((a as HTMLElement).dataset.page === place.page) a.setAttribute('aria-current', 'page'); else a.removeAttribute('aria-current');
  });
  document.title = `${page ? t(page.title) : t('no_page')} · ${t('app')}`;
  if (!page) { fill(root, h('p', { class: 'none' }, t('no_page'))); return; }
  fill(root, h('p', { class: 'none', role: 'status' }, t('loading')));
  try {
    const { mount } = await page.load();
    if (mine !== turn) return;
    root.replaceChildren();
    root.className = `page-${page.path}`;
    mounted = { page, end: mount(root, { principal, settings, place }) };
  } catch (error) {
    fill(root, h('div', { class: 'none', role: 'alert' }, h('p', null, wordsOf(error)), button(t('retry'), () => void show(principal, settings))));
  }
}

let onHash = (): void => {};
window.addEventListener('hashchange', () => onHash());

/* The form in place of everything else. */
function signIn(sessions: boolean, why: string, back: (() => void) | null = null): void {
  endPage();
  onHash = () => {};
  document.title = `${t('sign_in')} · ${t('app')}`;
  fill(app, loginForm(sessions, () => void start(), why, back));
  (app.querySelector('input') as HTMLElement | null)?.focus();
}

let signedIn = false;

async function start(): Promise<void> {
  endPage();
  setLanguage(chinese() ? 'zh' : 'en');
  const { principal, sessions } = await whoAmI();
  if (!principal) {
    signIn(sessions, signedIn ? t('session_ended') : '');
    return;
  }
  signedIn = true;
  const settings = await get<Settings>('/api/v1/console').catch(() => noSettings);
  fill(app, h('a', { class: 'skip', href: '#content', onclick: (e: Event) => { e.preventDefault(); document.getElementById('content')!.focus(); } }, t('skip')),
    h('progress', { id: 'progress', 'aria-label': t('loading'), hidden: true }),
    header(principal, settings), h('main', { id: 'content', tabindex: '-1' }), h('div', { id: 'notices' }));
  onHash = () => void show(principal, settings);
  await show(principal, settings);
}

applyTheme();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', applyTheme);
whenUnauthorized(() => void start());
whenPurposeWanted(() => askText(t('purpose'), t('purpose_hint')));
// the page's own code comes while the server is asked who one is
(pages.find((p) => p.path === readPlace(location.hash).page) ?? pages[0]!).load().catch(() => { /* show() says so */ });
start().catch((error: unknown) => fill(app, h('main', { id: 'content' }, h('div', { class: 'none', role: 'alert' }, h('p', null, wordsOf(error)), button(t('retry'), () => location.reload())))));
