/* devices_csv.ts -- a table of devices (the form of `zayton import devices`): read whole, every mistake at its line and
 * column, nothing sent before somebody has looked at it. Pure.
 *
 *   phone,plate_colour,plate,class,company,valid_from      tokens of the registry or their Chinese names */
import { classTokens } from './classes';
import type { Key } from './messages';

/* Chinese names of columns, as engine/fleet/registry.h has them. */
export const columns: Record<string, string> = {
  phone: '终端手机号', plate_colour: '车牌颜色', plate: '车牌号', second_plate: '泉工号牌', trailer: '挂车号牌', class: '车辆类别', company: '所属企业', village: '所属村',
  sim: 'SIM卡号', terminal_model: '终端型号', terminal_id: '终端ID', manufacturer: '制造商', metrology_due: '检定有效期', driver: '驾驶员', permit: '许可证', state: '备案状态',
  vin: '车架号', name: '名称', note: '备注', inspection_due: '年检有效期', scrap_due: '报废日期', mmsi: 'MMSI', beidou_card: '北斗卡号', ais_card: 'AIS身份卡号',
  fishing_licence: '捕捞许可证号', gear: '作业类型', length_m: '船长', home_port: '船籍港', wind_rating: '抗风等级', owner: '船舶所有人', supervisor: '责任监管单位', crew: '船员', valid_from: '生效时间',
};
const classNames: Record<string, string> = { 渣土车: 'muck', 危险货物运输车: 'hazmat', 客运车辆: 'coach', 校车: 'school', 重型货车: 'truck', 公交车: 'bus', 出租汽车: 'taxi', 拖拉机: 'tractor', 挂车: 'trailer', 渔船: 'fishing', 商船: 'vessel', 小型渔船: 'fishing-small', 中型渔船: 'fishing-medium', 大型渔船: 'fishing-large', 乡镇船舶: 'township', 其他: 'other' };
const colours: Record<string, string> = { 蓝: '1', 黄: '2', 黑: '3', 白: '4', 绿: '5', 其他: '9', 农黄: '91', 农绿: '92', 黄绿: '93', 渐变绿: '94' };

export interface Mistake { line: number; column: string; key: Key; text: string }
export interface Row { line: number; phone: string; from: string | null; fields: Record<string, string> }
export interface Read { rows: Row[]; mistakes: Mistake[] }

/* RFC 4180: cells by line, quotes doubled inside quotes; null: a quote does not end. */
export function cells(text: string): { line: number; cells: string[] }[] | null {
  const out: { line: number; cells: string[] }[] = [];
  let row: string[] = [], cell = '', quoted = false, line = 1, began = 1;
  const first = text.split(/\r?\n/, 1)[0] ?? '', delimiter = [',', ';', '\t'].reduce((a, b) => (first.split(b).length > first.split(a).length ? b : a));
  const end = (): void => { row.push(cell); cell = ''; if (row.length > 1 || row[0]!.trim()) out.push({ line: began, cells: row }); row = []; };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') { cell += c; if (c === '\n') line++; } else if (text[i + 1] === '"') { cell += '"'; i++; } else quoted = false;
    } else if (c === '"' && cell === '') quoted = true;
    else if (c === delimiter) { row.push(cell); cell = ''; } else if (c === '\n') { end(); began = ++line; } else if (c !== '\r') cell += c;
  }
  if (quoted) return null;
  if (cell || row.length) end();
  return out;
}

function checked(column: string, value: string): Key | null {
  if (column === 'phone' && !/^\d{5,20}$/.test(value)) return 'm_bad_device';
  if (column === 'class' && !classTokens.includes(value)) return 'm_bad_class';
  if (column === 'plate' && !/^\d{1,2}:.{5,}$/.test(value)) return 'm_bad_plate';
  const isDate = column.endsWith('_due') || column === 'valid_from';
  if (isDate && (!/^\d{4}-\d{2}-\d{2}(T.*)?$/.test(value) || Number.isNaN(Date.parse(value)))) return 'm_bad_date';
  return null;
}

export function readDevices(text: string): Read {
  const table = cells(text.replace(/^\ufeff/, '')), mistakes: Mistake[] = [], rows: Row[] = [], seen = new Set<string>();
  if (!table) return { rows, mistakes: [{ line: 1, column: '', key: 'm_quote', text: '' }] };
  const names = Object.entries(columns), head = (table.shift()?.cells ?? []).map((cell) => cell.trim());
  const tokens = head.map((cell) => names.find(([token, chinese]) => token === cell || chinese === cell)?.[0] ?? null);
  tokens.forEach((token, i) => { if (!token) mistakes.push({ line: 1, column: head[i]!, key: 'm_unknown_column', text: head[i]! }); });
  if (!tokens.includes('phone')) mistakes.push({ line: 1, column: '', key: 'm_no_device', text: '' });
  if (mistakes.length) return { rows, mistakes };
  for (const { line, cells: values } of table) {
    const fields: Record<string, string> = {}, before = mistakes.length;
    if (values.length !== head.length) { mistakes.push({ line, column: '', key: 'm_cells', text: String(values.length) }); continue; }
    tokens.forEach((token, i) => { const value = values[i]!.trim(); if (value) fields[token!] = value; });
    if (fields.class) fields.class = classNames[fields.class] ?? fields.class;
    const colour = fields.plate_colour;
    delete fields.plate_colour;
    if (fields.plate && !fields.plate.includes(':')) fields.plate = `${colour ? colours[colour] ?? colour : '?'}:${fields.plate}`;
    for (const [column, value] of Object.entries(fields)) { const wrong = checked(column, value); if (wrong) mistakes.push({ line, column: columns[column]!, key: wrong, text: value }); }
    const phone = fields.phone ?? '';
    if (!phone) mistakes.push({ line, column: columns.phone!, key: 'm_empty_device', text: '' });
    else if (seen.has(phone)) mistakes.push({ line, column: columns.phone!, key: 'm_twice', text: phone });
    seen.add(phone);
    const from = fields.valid_from ? (fields.valid_from.length === 10 ? `${fields.valid_from}T00:00:00+08:00` : fields.valid_from) : null;
    delete fields.valid_from;
    delete fields.phone;
    if (mistakes.length === before) rows.push({ line, phone, from, fields });
  }
  return { rows, mistakes };
}
