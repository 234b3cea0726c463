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
