/* session.ts -- who one is. With sessions: a name and a password. Without: this machine itself, or a token. */
import { ask, forgetToken, get, Problem, send, setToken } from './api';
import { h } from './dom';
import { t } from './messages';
import { button, field, input, textOf, wordsOf } from './widgets';

export interface Principal { name: string; role: string; unit: string; scope: string; sessions: boolean; until?: string | null; rights?: Record<string, string> }

/* May he read or write what `group` of the matrix of rights stands for? Without sessions everything is tried, and the
 * server says. Groups it does not name are not held back either. */
export function may(p: Principal, group: string, writes = false): boolean {
  const word = p.rights?.[group];
  return word === undefined || (word !== 'none' && (!writes || word.startsWith('write')));
}
/* Of the server: what it is, and what maps are drawn on. */
export interface Settings {
  demo: boolean;
  tiles: { url: string; gcj02: boolean; approval: string } | null;
}

async function fromInfo(): Promise<Principal> {
  const info = await get<{ principal: string; role: string; unit: string; scope: string }>('/api/v1/info');
  return { name: info.principal, role: info.role, unit: info.unit, scope: info.scope, sessions: false };
}

/* null: somebody has to sign in; `sessions` says how. */
export async function whoAmI(): Promise<{ principal: Principal | null; sessions: boolean }> {
  try {
    const principal = await get<Principal>('/api/v1/session');
    return { principal: { ...principal, sessions: true }, sessions: true };
  } catch (error) {
    if (!(error instanceof Problem) || ![401, 404].includes(error.status)) throw error;
    const sessions = error.status === 401;
    if (!sessions || sessionStorage.getItem('zayton.token'))
      try { return { principal: await fromInfo(), sessions }; } catch (e) { if (!(e instanceof Problem) || e.status !== 401) throw e; }
    return { principal: null, sessions };
  }
}

/* `why` (may be empty) is said above it; `back` is for those who need not sign in. */
export function loginForm(sessions: boolean, done: () => void, why = '', back: (() => void) | null = null): HTMLElement {
  const problem = h('p', { class: 'bad', role: 'alert' }, why);
  const form = h('form', { class: 'login', onsubmit: async (e: Event) => {
    e.preventDefault();
    const values = new FormData(form);
    problem.textContent = '';
    try {
      if (sessions) await send('POST', '/api/v1/session', { name: textOf(values, 'name'), password: String(values.get('password') ?? '') });
      else {
        setToken(textOf(values, 'token'));
        await ask('/api/v1/info');
      }
      done();
    } catch (error) {
      forgetToken();
      problem.textContent = wordsOf(error);
    }
  } }, h('h1', null, t('app')), sessions
    ? [field(t('user_name'), input('name', { required: true })), field(t('password'), input('password', { type: 'password', required: true }))]
    : field(t('token'), input('token', { type: 'password', required: true }), t('token_hint')),
  problem, h('button', { class: 'main' }, t('sign_in')), back ? button(t('cancel'), back) : null);
  return h('main', { id: 'content', tabindex: '-1' }, form);
}

export async function signOut(p: Principal): Promise<void> {
  forgetToken();
  if (p.sessions) await send('DELETE', '/api/v1/session');
}
