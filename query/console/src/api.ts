/* api.ts -- questions to the server. A refusal (RFC 9457) becomes a Problem with words for the reader. */
import { chinese } from './messages';

export class Problem extends Error {
  constructor(readonly status: number, readonly body: Record<string, unknown>) {
    super(wordsOf(status, body));
  }
}

const hints: Record<number, [string, string]> = {
  0: ['连接不上服务器,请检查网络后重试', 'The server cannot be reached; check the network and try again'],
  401: ['请先登录', 'Please sign in'],
  403: ['您的角色不能这样做', 'Your role may not do this'],
  404: ['没有找到', 'Not found'],
  409: ['数据已被他人更新,请刷新后再试', 'Somebody changed this meanwhile; reload and try again'],
  412: ['数据已被他人更新,请刷新后再试', 'Somebody changed this meanwhile; reload and try again'],
  422: ['内容有误', 'The content has mistakes'],
  503: ['服务器忙,请稍后再试', 'The server is busy; try again in a moment'],
};

function wordsOf(status: number, body: Record<string, unknown>): string {
  const hint = hints[status]?.[chinese() ? 0 : 1];
  const detail = (chinese() && body.detail_zh) || body.detail || body.title || '';
  const named = (chinese() && body.field_zh) || body.parameter;
  const parameter = named ? ` (${String(named)})` : '';
  return [hint, `${String(detail)}${parameter}`].filter(Boolean).join(' · ') || `HTTP ${status}`;
}

const tokenKey = 'zayton.token';
export const setToken = (token: string): void => sessionStorage.setItem(tokenKey, token);
export const hasToken = (): boolean => sessionStorage.getItem(tokenKey) !== null;
export const forgetToken = (): void => sessionStorage.removeItem(tokenKey);

function headers(extra?: Record<string, string>): Record<string, string> {
  const token = sessionStorage.getItem(tokenKey);
  return { ...(token ? { authorization: `Bearer ${token}` } : {}), ...extra };
}

let onUnauthorized: () => void = () => {};
export const whenUnauthorized = (f: () => void): void => { onUnauthorized = f; };

/* Some servers want to know what a history of positions is asked for. Once one did, it is told each time, in the words
 * that were given; `askPurpose` gets them from the reader. */
let askPurpose: () => Promise<string> = () => Promise.reject(new Problem(400, { parameter: 'purpose' }));
let purpose: Promise<string> | null = null;
export const whenPurposeWanted = (f: () => Promise<string>): void => { askPurpose = f; };
const isHistory = (path: string): boolean => /\/(track|messages|sessions)(\?|$)/.test(path);

export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  if (purpose && isHistory(path)) return askOnce(withPurpose(path, await purpose), init);
  try {
    return await askOnce(path, init);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 400 || error.body.parameter !== 'purpose' || path.includes('purpose=')) throw error;
    purpose ??= askPurpose().catch((e: unknown) => { purpose = null; throw e; });
    return askOnce(withPurpose(path, await purpose), init);
  }
}
const withPurpose = (path: string, words: string): string => `${path}${path.includes('?') ? '&' : '?'}purpose=${encodeURIComponent(words)}`;

async function askOnce(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, headers: headers(init.headers as Record<string, string>) });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, {});
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({})) as Record<string, unknown>;
  if (answer.status === 401 && !path.startsWith('/api/v1/session')) onUnauthorized();
  throw new Problem(answer.status, body);
}

export type Query = Record<string, string | number | boolean | undefined | null>;

export function url(path: string, query: Query = {}): string {
  const text = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== null && value !== '') text.set(key, String(value));
  return text.size ? `${path}?${text}` : path;
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const answer = await ask(url(path, query), { signal: signal ?? null });
  return answer.json() as Promise<T>;
}

export async function send<T>(method: string, path: string, body?: unknown, extra: Record<string, string> = {}): Promise<T> {
  const text = typeof body === 'string';
  const answer = await ask(path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': text ? 'text/plain' : 'application/json' }), ...extra },
    body: body === undefined ? null : text ? body : JSON.stringify(body),
  });
  return (answer.status === 204 ? undefined : await answer.json().catch(() => undefined)) as T;
}

/* Rows of an answer in NDJSON as they come. */
export async function rows<T>(path: string, query: Query, visit: (row: T) => void, signal?: AbortSignal): Promise<void> {
  const answer = await ask(url(path, query), { headers: { accept: 'application/x-ndjson' }, signal: signal ?? null });
  await lines(answer, (line) => { if (line) visit(JSON.parse(line) as T); });
}

async function lines(answer: Response, visit: (line: string) => void): Promise<void> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split('\n');
    rest = parts.pop()!;
    parts.forEach((line) => visit(line.replace(/\r$/, '')));
  }
  if (rest) visit(rest);
}

/* All pages of a list, up to `most` rows. */
export async function all<T>(path: string, member: string, query: Query = {}, most = 20000): Promise<T[]> {
  const out: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Record<string, unknown> = await get(path, { ...query, cursor: cursor ?? undefined });
    out.push(...(page[member] as T[]));
    cursor = (page.next as string | null) ?? null;
  } while (cursor && out.length < most);
  return out;
}

/* A file that is asked for with credentials: a plain link would not carry a token. */
export async function download(path: string, name: string): Promise<void> {
  const answer = await ask(path);
  const object = URL.createObjectURL(await answer.blob());
  const anchor = document.createElement('a');
  anchor.href = object;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(object), 60000);
}

/* Server-sent events over fetch, which can carry a token. After a break it asks on from the last id that came.
 *   stop = listen('/api/v1/violations/live', { event: (name, data) => ..., state: (up) => ... }) */
export interface Listener {
  event: (name: string, data: unknown) => void;
  state?: (connected: boolean) => void;
  after?: string;
}

const AGAIN_MS = [500, 1000, 2000, 5000, 10000];

export function listen(path: string, to: Listener): () => void {
  const stop = new AbortController();
  let last = to.after;
  let tries = 0;

  const once = async (): Promise<void> => {
    const answer = await ask(url(path, { after: last }), { headers: { accept: 'text/event-stream' }, signal: stop.signal });
    to.state?.(true);
    tries = 0;
    let id: string | undefined, name = 'message', data: string[] = [];
    await lines(answer, (line) => {
      if (line === '') {
        if (data.length) to.event(name, JSON.parse(data.join('\n')));
        if (id !== undefined) last = id;
        id = undefined; name = 'message'; data = [];
      } else if (line.startsWith('id:')) id = line.slice(3).trim();
      else if (line.startsWith('event:')) name = line.slice(6).trim();
      else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
    });
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await once();
      } catch (error) {
        if (stop.signal.aborted) return;
        if (error instanceof Problem && [401, 403, 404].includes(error.status)) { to.state?.(false); return; }
      }
      to.state?.(false);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]));
    }
  };
  void run();
  return () => stop.abort();
}
