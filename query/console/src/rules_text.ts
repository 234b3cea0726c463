/* rules_text.ts -- the rules file as people read it: [sections] with `key = value` lines, comments by #. Pure; the server
 * is the judge of what is right (engine/detect/rules.h). */
export interface Rule { id: string; line: number; values: Record<string, string> }

export function parseRules(text: string): Rule[] {
  const out: Rule[] = [];
  let rule: Rule | null = null;
  text.split('\n').forEach((raw, i) => {
    const line = raw.replace(/\s+#.*$/, '').trim();
    const section = /^\[([^\]]+)\]$/.exec(line), pair = /^([a-z_0-9]+)\s*=\s*(.*)$/.exec(line);
    if (section) { rule = { id: section[1]!, line: i + 1, values: {} }; out.push(rule); } else if (pair && rule) rule.values[pair[1]!] = pair[2]!;
  });
  return out.filter((r) => r.values.kind !== undefined);
}

/* The file with another value of one rule's key; its comment stays. A key that the rule has not said yet comes right
 * below its heading. The text itself when there is no such rule. */
export function withValue(text: string, id: string, key: string, value: string): string {
  const lines = text.split('\n'), start = lines.findIndex((line) => line.trim() === `[${id}]`);
  if (start < 0) return text;
  const rest = lines.slice(start + 1), next = rest.findIndex((line) => /^\s*\[/.test(line));
  const own = next < 0 ? rest : rest.slice(0, next), at = own.findIndex((line) => new RegExp(`^\\s*${key}\\s*=`).test(line));
  if (at < 0) lines.splice(start + 1, 0, `${key} = ${value}`);
  else lines[start + 1 + at] = own[at]!.replace(/^(\s*[a-z_0-9]+\s*=\s*)(.*?)(\s+#.*)?$/, (_, head: string, __, comment: string | undefined) => head + value + (comment ?? ''));
  return lines.join('\n');
}

export function titleOfRule(r: Rule, inChinese: boolean): string {
  const [zh, en] = (r.values.title ?? r.id).split('|').map((s) => s.trim());
  return inChinese ? zh! : en ?? zh!;
}

/* Is `name` one of a rule's list of names, separated by blanks? A `*` in one stands for anything. */
export const globFits = (list: string, name: string): boolean => list.split(/\s+/).some((g) => g && new RegExp(`^${g.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(name));
