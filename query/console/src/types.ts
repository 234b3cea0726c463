/* types.ts -- what the server answers, as far as pages look at it. */
export interface Report {
  time: string; received: string; lat: number | null; lon: number | null; fix: boolean;
  speed_kmh: number | null; course_deg: number | null; altitude_m: number | null; mileage_km: number | null;
  alarm: number; status: number; flags: string[]; hash: string; body?: string;
}
export interface Position extends Report {
  device: string; plate: string | null; name: string | null; class: string | null; company: string | null; village: string | null;
  seen: string; reports: number;
}
export interface Place { lat: number; lon: number }
export interface Finding { start_ms: number; end_ms: number; open: boolean; numbers: Record<string, number>; digest: string | null }
export interface CaseEvent { number: number; event: string; event_zh: string; state: string; state_zh: string; at_ms: number; who: string | null; text: string | null; document: string | null }
export interface Violation extends Finding {
  id: number; rule: string; title: { zh: string; en: string } | null; kind: string; kind_zh: string; device: string | null; phone: string | null; plate: string | null;
  driver: string | null; other: string | null; company: string | null; village: string | null; fence: string | null; found_ms: number; late: boolean; confidence: number;
  severity: number | null; authority: string | null; start: Place; end: Place; state: string; state_zh: string; handled: boolean; amended: number; raised_ms: number;
  source?: string; history?: CaseEvent[];
}
export type Device = { id: string; kind: string; created: string; bindings?: Binding[] } & Record<string, string | null | undefined | Binding[]>;
export interface Binding { field: string; value: string | null; from: string; to: string; changed: string; by: string | null }
