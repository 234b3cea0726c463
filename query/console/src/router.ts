/* router.ts -- where one is, in the address: #/violations/17?kind=overspeed. Pages and their filters can be linked,
 * kept as bookmarks and gone back to. */

export interface Place {
  page: string;
  rest: string[]; // what follows the page's name
  query: URLSearchParams;
}

export function readPlace(hash: string): Place {
  const text = hash.replace(/^#\/?/, '');
  const at = text.indexOf('?');
  const path = (at < 0 ? text : text.slice(0, at)).split('/').filter(Boolean).map(decodeURIComponent);
  return { page: path[0] ?? '', rest: path.slice(1), query: new URLSearchParams(at < 0 ? '' : text.slice(at + 1)) };
}

export function link(page: string, rest: string[] = [], query?: URLSearchParams | Record<string, string>): string {
  const path = [page, ...rest].map(encodeURIComponent).join('/');
  const text = new URLSearchParams(query).toString();
  return `#/${path}${text ? `?${text}` : ''}`;
}

export function go(to: string): void {
  if (location.hash !== to) location.hash = to;
}

/* The address of a page whose filters changed: no new page, no new entry to go back through. */
export function replaceQuery(place: Place, query: URLSearchParams): void {
  history.replaceState(null, '', link(place.page, place.rest, query));
  place.query = query;
}
