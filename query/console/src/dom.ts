/* dom.ts -- elements without a framework: h('button', { class: 'x', onclick: f }, 'text', child). */

export type Child = Node | string | number | null | undefined | false;
export type Props = Record<string, unknown>;

function setProperty(element: HTMLElement, key: string, value: unknown): void {
  if (value === undefined || value === null || value === false) return;
  if (key.startsWith('on')) element.addEventListener(key.slice(2), value as EventListener);
  else if (key === 'value' || key === 'checked' || key === 'indeterminate') Reflect.set(element, key, value);
  else element.setAttribute(key, value === true ? '' : String(value));
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, props?: Props | null, ...children: (Child | Child[])[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  add(element, ...children);
  // a select's value is one of its options, which are there by now
  for (const [key, value] of Object.entries(props ?? {})) setProperty(element, key, value);
  return element;
}

export function add(parent: Element, ...children: (Child | Child[])[]): void {
  for (const child of children.flat())
    if (child !== null && child !== undefined && child !== false)
      parent.append(child instanceof Node ? child : String(child));
}

export function fill(parent: Element, ...children: (Child | Child[])[]): void {
  parent.replaceChildren();
  add(parent, ...children);
}
