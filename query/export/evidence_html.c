/* evidence_html.c -- the evidence sheet as one page to print, Chinese first with English beside it. */
#include <stdarg.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/evidence.h"
#include "query/export/export_track.h"
#include "query/export/json_out.h"

/* A page being written: the first failure sticks. */
struct page {
	struct buf *out;
	enum status status;
};

static void put(struct page *p, const char *html)
{
	if (!p->status)
		p->status = buf_append(p->out, html, strlen(html));
}

static void put_span(struct page *p, struct span text)
{
	if (!p->status)
		p->status = xml_append(p->out, text);
}

static void put_text(struct page *p, const char *text)
{
	put_span(p, span_of_string(text && *text ? text : "—"));
}

/* Formatted text of our own making, with texts from outside only through put_text(). */
__attribute__((format(printf, 2, 3))) static void put_format(struct page *p, const char *format, ...)
{
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	put_span(p, span_of_string(text));
}

static void put_fixed(struct page *p, int64_t v, unsigned decimals)
{
	if (!p->status)
		p->status = fixed_append(p->out, v, decimals);
}

/* On the clock of China. */
static void put_time(struct page *p, int64_t ms)
{
	char text[TIME_TEXT_MAX];
	if (ms == INT64_MIN || ms == INT64_MAX) {
		put(p, "—");
		return;
	}
	time_format(ms, CHINA_OFFSET_MS, text);
	put_text(p, text);
}

static void put_hex(struct page *p, struct span bytes)
{
	static const char digits[] = "0123456789abcdef";
	char text[257];
	for (size_t at = 0; at < bytes.size;) {
		size_t n = 0;
		for (; n < 256 && at < bytes.size; n += 2, at++) {
			text[n] = digits[bytes.data[at] >> 4];
			text[n + 1] = digits[bytes.data[at] & 15];
		}
		text[n] = '\0';
		put(p, text);
	}
}

static void put_id(struct page *p, uint64_t id)
{
	if (id)
		put_format(p, "%016llx", (unsigned long long)id);
	else
		put(p, "—");
}

/* --- tables of two columns --- */

static void row_open(struct page *p, const char *label)
{
	put(p, "<tr><th>");
	put(p, label);
	put(p, "</th><td>");
}

static void row_close(struct page *p)
{
	put(p, "</td></tr>\n");
}

static void row_text(struct page *p, const char *label, const char *text)
{
	row_open(p, label);
	put_text(p, text);
	row_close(p);
}

static void row_time(struct page *p, const char *label, int64_t ms)
{
	row_open(p, label);
	put_time(p, ms);
	row_close(p);
}

static void row_id(struct page *p, const char *label, uint64_t id)
{
	row_open(p, label);
	put_id(p, id);
	row_close(p);
}

static void row_place(struct page *p, const char *label, int32_t lat_e7, int32_t lon_e7)
{
	row_open(p, label);
	put_fixed(p, lat_e7, 7);
	put(p, ", ");
	put_fixed(p, lon_e7, 7);
	row_close(p);
}

static void table_open(struct page *p, const char *title)
{
	put(p, "<h2>");
	put(p, title);
	put(p, "</h2>\n<table class=\"pairs\">\n");
}

static void table_close(struct page *p)
{
	put(p, "</table>\n");
}

/* --- parts --- */

static const char style[] =
	"<style>body{font:14px/1.5 \"Noto Sans CJK SC\",\"Microsoft YaHei\",sans-serif;max-width:60em;margin:1em auto;"
	"padding:0 1em;color:#000}h1{font-size:22px;text-align:center}h2{font-size:16px;border-bottom:1px solid #999;"
	"margin:1.2em 0 .4em}table{border-collapse:collapse;width:100%}th,td{border:1px solid #bbb;padding:2px 6px;"
	"text-align:left;vertical-align:top}.pairs "
	"th{width:15em;font-weight:600;background:#f4f4f0}.raw{font-size:11px}"
	".hex{font-family:monospace;word-break:break-all}pre{white-space:pre-wrap;background:#f4f4f0;padding:.5em;"
	"font-size:12px}.bad{border:3px solid #c01818;background:#ffecec;color:#900;font-weight:700;font-size:18px;"
	"padding:.6em}.note{color:#444;font-size:12px}thead{display:table-header-group}tr,svg{page-break-inside:avoid}"
	"@page{size:A4;margin:15mm}@media print{body{margin:0;max-width:none}}</style>\n";

static void put_banner(struct page *p, const struct evidence *e)
{
	if (e->digest_state != EVIDENCE_DIGEST_DIFFERENT)
		return;
	put(p, "<p class=\"bad\" role=\"alert\">");
	put_text(p, evidence_digest_chinese(e->digest_state));
	put(p, "<br>");
	put_text(p, evidence_digest_english(e->digest_state));
	put(p, "</p>\n");
}

static void put_head(struct page *p, const struct evidence *e)
{
	const struct violation *v = e->row.violation;
	put(p, "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head><meta charset=\"utf-8\"><title>取证材料单 ");
	put_format(p, "%llu", (unsigned long long)v->id);
	put(p, "</title>\n");
	put(p, style);
	put(p, "</head>\n<body>\n<h1>取证材料单 Evidence sheet<br>第 ");
	put_format(p, "%llu", (unsigned long long)v->id);
	put(p, " 号 No. ");
	put_format(p, "%llu", (unsigned long long)v->id);
	put(p, "</h1>\n");
	put_banner(p, e);
	put(p, "<p class=\"note\">疑似违法线索，须经人工核查；记分、罚款仅供参考。 "
	       "A suspicion found by a machine, to be reviewed by a person.</p>\n");
}

static void put_who(struct page *p, const struct evidence *e)
{
	const struct finding *f = &e->row.violation->finding;
	table_open(p, "一、对象 Who");
	row_text(p, "车牌 Plate", e->row.plate);
	row_text(p, "车辆类别 Class", evidence_value(e, DEVICE_FIELD_CLASS));
	row_text(p, "所属企业 Company", e->row.company);
	row_text(p, "所属村 Village", e->row.village);
	row_id(p, "驾驶员编号 Driver (hash)", f->driver);
	row_id(p, "终端 Device", f->device);
	row_text(p, "终端手机号 Phone", e->row.phone);
	if (f->other)
		row_id(p, "另一车辆 Other device", f->other);
	table_close(p);
}

static void put_when_and_where(struct page *p, const struct evidence *e)
{
	const struct violation *v = e->row.violation;
	const struct finding *f = &v->finding;
	table_open(p, "二、时间与地点 When and where");
	row_time(p, "开始 Start (UTC+8)", f->start_ms);
	row_open(p, f->open ? "截至（未结束） Until now, still open" : "结束 End (UTC+8)");
	put_time(p, f->end_ms);
	row_close(p);
	row_time(p, "达到认定条件 Found", f->found_ms);
	row_open(p, "产生 Raised");
	put_time(p, v->raised_ms);
	if (v->late)
		put(p, "（补传数据，事后发现 from late data）");
	row_close(p);
	row_place(p, "起点（纬度, 经度） Start, WGS-84", f->start_lat_e7, f->start_lon_e7);
	row_place(p, "终点（纬度, 经度） End, WGS-84", f->end_lat_e7, f->end_lon_e7);
	row_open(p, "围栏 Fence");
	put_text(p, f->fence);
	if (e->fence) {
		put(p, " ");
		put_text(p, e->fence->name);
		put_format(p, " v%u", e->fence->version);
		if (e->fence->version != f->fence_version)
			put_format(p, "（认定时为 judged by v%u）", f->fence_version);
	}
	row_close(p);
	table_close(p);
}

/* How a number of this kind of finding reads: 0.1 km/h, ms, mm, an instant, millionths or plain. */
enum reading { PLAIN, SPEED, TIME, LENGTH, PERCENT, DATE, MILLIONTHS };

/* The unit of LIMIT, PEAK and OTHER, by kind. */
static const struct {
	uint8_t limit, peak, other;
} readings[RULE_KIND_COUNT] = {
	[RULE_OVERSPEED] = {SPEED, SPEED, SPEED},      [RULE_COVER] = {SPEED, SPEED, PLAIN},
	[RULE_SECTION_SPEED] = {SPEED, SPEED, PLAIN},  [RULE_TWO_PLACES] = {SPEED, SPEED, PLAIN},
	[RULE_SPEED_MISMATCH] = {SPEED, SPEED, SPEED}, [RULE_FATIGUE] = {TIME, TIME, PLAIN},
	[RULE_PATROL] = {TIME, TIME, PLAIN},           [RULE_SILENT] = {TIME, TIME, PLAIN},
	[RULE_DUMPING] = {TIME, PLAIN, PLAIN},         [RULE_DETOUR] = {TIME, PLAIN, PLAIN},
	[RULE_CONVOY] = {PLAIN, PLAIN, TIME},          [RULE_GAP] = {LENGTH, PLAIN, PLAIN},
	[RULE_FROZEN] = {LENGTH, PLAIN, PLAIN},        [RULE_OFF_ROUTE] = {LENGTH, PLAIN, PLAIN},
	[RULE_EXPIRED] = {DATE, PLAIN, PLAIN},         [RULE_NO_VIDEO] = {DATE, PLAIN, PLAIN},
	[RULE_PORT_GAP] = {TIME, TIME, PLAIN},         [RULE_PORT_REPORT] = {TIME, PLAIN, PLAIN},
	[RULE_DRAG] = {LENGTH, LENGTH, PLAIN},         [RULE_JUMP] = {SPEED, SPEED, PLAIN},
	[RULE_COLLISION] = {LENGTH, LENGTH, TIME},     [RULE_ENCOUNTER] = {TIME, LENGTH, PLAIN},
	[RULE_TWO_CODES] = {TIME, LENGTH, PLAIN},
};

/* Of a stream, in its unit (stream_detect.h). */
static enum reading reading_of_stream(unsigned kind, unsigned number)
{
	bool of_time = kind == RULE_MISSING || kind == RULE_AGE;
	switch (number) {
	case FINDING_LIMIT:
		return of_time ? TIME : MILLIONTHS;
	case FINDING_PEAK:
		return MILLIONTHS;
	case FINDING_DURATION:
	case FINDING_OTHER:
		return TIME;
	default:
		return PLAIN;
	}
}

static enum reading reading_of(unsigned kind, unsigned number)
{
	if (rule_kind_stage(kind) == RULE_STAGE_STREAMS)
		return reading_of_stream(kind, number);
	switch (number) {
	case FINDING_DURATION:
		return TIME;
	case FINDING_DISTANCE:
		return LENGTH;
	case FINDING_BAND:
		return PERCENT;
	case FINDING_LIMIT:
		return (enum reading)readings[kind].limit;
	case FINDING_PEAK:
		return (enum reading)readings[kind].peak;
	case FINDING_OTHER:
		return (enum reading)readings[kind].other;
	default:
		return PLAIN;
	}
}

static void put_number(struct page *p, enum reading reading, int64_t v)
{
	switch (reading) {
	case SPEED:
		put_fixed(p, v, 1);
		put(p, " km/h");
		break;
	case TIME:
		put_fixed(p, v, 3);
		put(p, " s");
		if (v >= MS_PER_MINUTE)
			put_format(p, "（%lld:%02lld:%02lld）", (long long)(v / MS_PER_HOUR),
				   (long long)(v / MS_PER_MINUTE % 60), (long long)(v / MS_PER_SECOND % 60));
		break;
	case LENGTH:
		put_fixed(p, v, 3);
		put(p, " m");
		break;
	case PERCENT:
		put_fixed(p, v, 0);
		put(p, " %");
		break;
	case DATE:
		put_time(p, v);
		break;
	case MILLIONTHS:
		put_fixed(p, v, 6);
		break;
	default:
		put_fixed(p, v, 0);
		break;
	}
}

/* Of speeds: SUM over REPORTS, rounded down to 0.1 km/h. */
static void row_mean(struct page *p, const struct finding *f)
{
	int64_t sum = f->numbers[FINDING_SUM], reports = f->numbers[FINDING_REPORTS];
	if (readings[f->kind].peak != SPEED || sum == NUMBER_UNKNOWN || reports <= 0)
		return;
	row_open(p, "平均 mean");
	put_number(p, SPEED, sum / reports);
	row_close(p);
}

static void put_what(struct page *p, const struct evidence *e)
{
	const struct finding *f = &e->row.violation->finding;
	static const char *const confidences[] = {"—", "低 low", "中 medium", "高 high"};
	table_open(p, "三、事实 What");
	row_open(p, "类别 Kind");
	put_text(p, rule_kind_chinese(f->kind));
	put(p, " ");
	put_text(p, rule_kind_token(f->kind));
	row_close(p);
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++) {
		if (f->numbers[n] == NUMBER_UNKNOWN)
			continue;
		put(p, "<tr><th>");
		put_text(p, finding_number_chinese(n));
		put(p, " ");
		put_text(p, finding_number_token(n));
		put(p, "</th><td>");
		put_number(p, reading_of(f->kind, n), f->numbers[n]);
		row_close(p);
	}
	row_mean(p, f);
	row_text(p, "置信度 Confidence", confidences[f->confidence <= CONFIDENCE_HIGH ? f->confidence : 0]);
	table_close(p);
}

static void put_rule(struct page *p, const struct evidence *e)
{
	const struct rule *rule = e->row.rule;
	table_open(p, "四、依据 Rule and source");
	row_open(p, "规则 Rule");
	put_text(p, e->row.violation->finding.rule);
	if (rule) {
		put(p, "：");
		put_text(p, rule->title_zh);
		put(p, " ");
		put_text(p, rule->title_en);
	}
	row_close(p);
	row_text(p, "依据 Source", rule ? rule->source : "开始时所用规则集中已无此规则 no such rule held at the start");
	row_text(p, "处理部门 Authority", rule ? rule->authority : NULL);
	row_id(p, "认定所用规则版本 Version judged by", e->row.violation->finding.rule_version);
	if (rule && rule->version != e->row.violation->finding.rule_version)
		row_id(p, "注意：下列规则版本 Note: version shown", rule->version);
	table_close(p);
	if (!rule)
		return;
	put(p, "<pre>");
	put_span(p, buf_view(&e->rule_text));
	put(p, "</pre>\n");
}

static void put_drawings(struct page *p, const struct evidence *e)
{
	put(p, "<h2>五、轨迹与速度 Track and speed</h2>\n");
	if (!p->status)
		p->status = evidence_map(e, p->out);
	if (!p->status)
		p->status = evidence_profile(e, p->out);
}

static void put_metrology(struct page *p, const struct evidence *e)
{
	char day[TIME_TEXT_MAX];
	const char *due = evidence_value(e, DEVICE_FIELD_METROLOGY_DUE);
	time_format(e->row.violation->finding.start_ms, CHINA_OFFSET_MS, day);
	row_open(p, "检定有效期 Metrology due");
	put_text(p, due);
	if (due && *due)
		put(p, strncmp(day, due, 10) <= 0 ? "（当时有效 valid then）" : "（当时已过期 EXPIRED then）");
	row_close(p);
}

static void put_terminal(struct page *p, const struct evidence *e)
{
	table_open(p, "六、终端 Terminal");
	row_text(p, "终端型号 Model", evidence_value(e, DEVICE_FIELD_TERMINAL_MODEL));
	row_text(p, "终端ID Terminal ID", evidence_value(e, DEVICE_FIELD_TERMINAL_ID));
	row_text(p, "制造商 Manufacturer", evidence_value(e, DEVICE_FIELD_MANUFACTURER));
	put_metrology(p, e);
	row_text(p, "时间来源 Time source",
		 "终端上报时间（JT/T 808 位置汇报，UTC+8），平台接收时间并列 "
		 "the terminal's own clock as reported; receipt by the platform beside it");
	table_close(p);
}

static void put_digest_value(struct page *p, const char *label, const uint8_t digest[32])
{
	static const uint8_t none[32];
	row_open(p, label);
	put(p, "<span class=\"hex\">");
	if (memcmp(digest, none, sizeof none))
		put_hex(p, span_of(digest, 32));
	else
		put(p, "—");
	put(p, "</span>");
	row_close(p);
}

static void put_digest(struct page *p, const struct evidence *e)
{
	table_open(p, "七、原始报文摘要 Digest of the raw reports (SHA-256)");
	put_digest_value(p, "存证摘要 Stored", e->row.violation->finding.digest);
	put_digest_value(p, "现算摘要 Recomputed", e->digest);
	row_open(p, "结果 Result");
	put(p, e->digest_state == EVIDENCE_DIGEST_DIFFERENT ? "<strong class=\"bad\">" : "<strong>");
	put_text(p, evidence_digest_chinese(e->digest_state));
	put(p, " ");
	put_text(p, evidence_digest_english(e->digest_state));
	put(p, "</strong>");
	row_close(p);
	table_close(p);
}

static void put_state(struct page *p, const struct evidence *e)
{
	const struct violation *v = e->row.violation;
	table_open(p, "八、核查 Review");
	row_open(p, "状态 State");
	put_text(p, case_state_chinese(v->state));
	put(p, " ");
	put_text(p, case_state_token(v->state));
	row_close(p);
	row_text(p, "处置 Handled", v->handled ? "已处置 yes" : "未处置 no");
	if (v->has_confirmed) {
		row_open(p, "属实时的起止 As confirmed");
		put_time(p, v->confirmed.start_ms);
		put(p, " – ");
		put_time(p, v->confirmed.end_ms);
		row_close(p);
	}
	table_close(p);
	put(p, "<table>\n<thead><tr><th>序号 No.</th><th>时间 Time</th><th>事项 Event</th><th>状态 State</th><th>经办 "
	       "Who</th><th>内容 Text</th><th>文号 Document</th></tr></thead>\n<tbody>\n");
}

static enum status html_head(const struct evidence *e, struct buf *out)
{
	struct page p = {out, STATUS_OK};
	put_head(&p, e);
	put_who(&p, e);
	put_when_and_where(&p, e);
	put_what(&p, e);
	put_rule(&p, e);
	put_drawings(&p, e);
	put_terminal(&p, e);
	put_digest(&p, e);
	put_state(&p, e);
	return p.status;
}

static enum status html_event(const struct case_event *event, struct buf *out)
{
	struct page p = {out, STATUS_OK};
	put(&p, "<tr><td>");
	put_format(&p, "%u", event->number);
	put(&p, "</td><td>");
	put_time(&p, event->at_ms);
	put(&p, "</td><td>");
	put_text(&p, case_event_chinese(event->kind));
	put(&p, " ");
	put_text(&p, case_event_token(event->kind));
	put(&p, "</td><td>");
	put_text(&p, case_state_chinese(event->state));
	put(&p, "</td><td>");
	put_span(&p, event->who);
	put(&p, "</td><td>");
	put_span(&p, event->text);
	put(&p, "</td><td>");
	put_span(&p, event->document);
	put(&p, "</td></tr>\n");
	return p.status;
}

static enum status html_middle(const struct evidence *e, struct buf *out)
{
	struct page p = {out, STATUS_OK};
	put(&p, "</tbody></table>\n<h2>九、原始报文 Raw reports (");
	put_format(&p, "%llu", (unsigned long long)e->reports);
	put(&p, ")</h2>\n<table class=\"raw\">\n<thead><tr><th>序号</th><th>终端 Device</th><th>终端时间 "
		"Time</th><th>接收 Received</th>"
		"<th>纬度 Lat</th><th>经度 Lon</th><th>速度 km/h</th><th>里程 km</th><th>报警 Alarm</th><th>状态 "
		"Status</th>"
		"<th>标志 Flags</th><th>原始报文 Original body</th></tr></thead>\n<tbody>\n");
	return p.status;
}

static void cell_fixed(struct page *p, bool known, int64_t v, unsigned decimals)
{
	put(p, "</td><td>");
	if (known)
		put_fixed(p, v, decimals);
	else
		put(p, "—");
}

static enum status html_report(uint64_t number, uint64_t device, const struct report *r, struct buf *out)
{
	struct page p = {out, STATUS_OK};
	struct buf body = buf_init(REPORT_BODY_MAX + 64);
	char flags[64];
	export_flags_text(r->flags, flags);
	put(&p, "<tr><td>");
	put_format(&p, "%llu", (unsigned long long)number);
	put(&p, "</td><td>");
	put_id(&p, device);
	put(&p, "</td><td>");
	put_time(&p, r->time_ms);
	put(&p, "</td><td>");
	put_time(&p, r->received_ms);
	cell_fixed(&p, export_has_position(r), r->lat_e7, 7);
	cell_fixed(&p, export_has_position(r), r->lon_e7, 7);
	cell_fixed(&p, r->speed_dkmh != SPEED_UNKNOWN, r->speed_dkmh, 1);
	cell_fixed(&p, r->mileage_hm != MILEAGE_UNKNOWN, r->mileage_hm, 1);
	put(&p, "</td><td>");
	put_format(&p, "%08x", r->alarm);
	put(&p, "</td><td>");
	put_format(&p, "%08x", r->status);
	put(&p, "</td><td>");
	put_text(&p, flags);
	put(&p, "</td><td class=\"hex\">");
	if (!p.status)
		p.status = report_body(r, &body);
	put_hex(&p, buf_view(&body));
	put(&p, "</td></tr>\n");
	buf_deinit(&body);
	return p.status;
}

static enum status html_tail(const struct evidence *e, struct buf *out)
{
	struct page p = {out, STATUS_OK};
	put(&p, "</tbody></table>\n<p class=\"note\">制表 Made by: ");
	put_text(&p, e->made_by);
	put(&p, "，");
	put_time(&p, e->made_ms);
	put(&p, "。本单含行踪轨迹信息，查阅已留痕。 This sheet holds movements of a person; looking at it was recorded."
		"</p>\n</body>\n</html>\n");
	return p.status;
}

const struct evidence_writer evidence_html = {
	"text/html; charset=utf-8", html_head, html_event, html_middle, html_report, html_tail};
