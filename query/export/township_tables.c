#include "query/export/township_tables.h"

#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/export_hazards.h"

/* --- periods --- */

static int32_t month_first(unsigned year, unsigned month)
{
	struct civil c = {
		.year = (int32_t)(year + (month - 1) / 12), .month = (uint8_t)((month - 1) % 12 + 1), .day = 1};
	return (int32_t)(civil_to_ms(&c) / MS_PER_DAY);
}

static enum status period_of(unsigned year, unsigned month, unsigned months, struct table_period *out)
{
	if (year < 2000 || year > 2099 || month < 1 || month > 12)
		return STATUS_OUT_OF_RANGE;
	*out = (struct table_period){month_first(year, month), month_first(year, month + months) - 1};
	return STATUS_OK;
}

static bool text_of(struct span text, char out[40])
{
	if (text.size >= 40)
		return false;
	if (text.size)
		memcpy(out, text.data, text.size);
	out[text.size] = '\0';
	return true;
}

enum status table_quarter_parse(struct span text, struct table_period *out)
{
	char t[40];
	unsigned year, quarter;
	int size = 0;
	if (!text_of(text, t))
		return STATUS_MALFORMED;
	if ((sscanf(t, "%4uQ%1u%n", &year, &quarter, &size) == 2 && !t[size]) ||
	    (sscanf(t, "%4u年第%1u季度%n", &year, &quarter, &size) == 2 && size && !t[size]))
		return quarter >= 1 && quarter <= 4 ? period_of(year, 3 * quarter - 2, 3, out) : STATUS_OUT_OF_RANGE;
	return STATUS_MALFORMED;
}

enum status table_month_parse(struct span text, struct table_period *out)
{
	char t[40];
	unsigned year, month;
	int size = 0;
	if (!text_of(text, t) || sscanf(t, "%4u-%2u%n", &year, &month, &size) != 2 || t[size])
		return STATUS_MALFORMED;
	return period_of(year, month, 1, out);
}

/* --- fire lanes --- */

/* What a column shows: a figure, what is left of a whole, or a part of it. */
enum lane_kind { LANE_FIGURE, LANE_REST, LANE_SHARE, LANE_YES, LANE_ENTRY };
enum lane_entry { LANE_UNIT, LANE_REPORTER, LANE_PHONE, LANE_REVIEWER };

#define ESTATES "划线管理/居住建筑/"
#define PARKING "公共停车设施建设/"
/* X(key, title, width, kind, figure (or entry), whole) */
#define LANE_TABLE(X)                                                                                                  \
	X("city_schemes", "方案制定/市级“一城一策”方案(份)", 14, FIGURE, FIGURE_CITY_SCHEMES, 0)                       \
	X("county_schemes", "方案制定/县级“一城一策”方案(份)", 14, FIGURE, FIGURE_COUNTY_SCHEMES, 0)                   \
	X("estate_schemes", "方案制定/老旧小区“一区一策”方案(份)", 14, FIGURE, FIGURE_ESTATE_SCHEMES, 0)               \
	X("existing_total", ESTATES "既有住宅小区/现有数量", 10, FIGURE, FIGURE_EXISTING_TOTAL, 0)                     \
	X("existing_marked", ESTATES "既有住宅小区/已按标准划线", 10, FIGURE, FIGURE_EXISTING_MARKED, 0)               \
	X("existing_unmarked", ESTATES "既有住宅小区/未划线", 10, REST, FIGURE_EXISTING_MARKED, FIGURE_EXISTING_TOTAL) \
	X("existing_share", ESTATES "既有住宅小区/完成率(%)", 10, SHARE, FIGURE_EXISTING_MARKED,                       \
	  FIGURE_EXISTING_TOTAL)                                                                                       \
	X("old_total", ESTATES "老旧小区/现有数量", 10, FIGURE, FIGURE_OLD_TOTAL, 0)                                   \
	X("old_marked", ESTATES "老旧小区/已按标准划线", 10, FIGURE, FIGURE_OLD_MARKED, 0)                             \
	X("old_unmarked", ESTATES "老旧小区/未划线", 10, REST, FIGURE_OLD_MARKED, FIGURE_OLD_TOTAL)                    \
	X("old_share", ESTATES "老旧小区/完成率(%)", 10, SHARE, FIGURE_OLD_MARKED, FIGURE_OLD_TOTAL)                   \
	X("new_2020_total", ESTATES "新建住宅小区/2020年/建成数量", 10, FIGURE, FIGURE_NEW_2020_TOTAL, 0)              \
	X("new_2020_marked", ESTATES "新建住宅小区/2020年/已按标准划线", 10, FIGURE, FIGURE_NEW_2020_MARKED, 0)        \
	X("new_2020_unmarked", ESTATES "新建住宅小区/2020年/未划线", 10, REST, FIGURE_NEW_2020_MARKED,                 \
	  FIGURE_NEW_2020_TOTAL)                                                                                       \
	X("new_2021_total", ESTATES "新建住宅小区/2021年/建成数量", 10, FIGURE, FIGURE_NEW_2021_TOTAL, 0)              \
	X("new_2021_marked", ESTATES "新建住宅小区/2021年/已按标准划线", 10, FIGURE, FIGURE_NEW_2021_MARKED, 0)        \
	X("new_2021_unmarked", ESTATES "新建住宅小区/2021年/未划线", 10, REST, FIGURE_NEW_2021_MARKED,                 \
	  FIGURE_NEW_2021_TOTAL)                                                                                       \
	X("new_2022_total", ESTATES "新建住宅小区/2022年/建成数量", 10, FIGURE, FIGURE_NEW_2022_TOTAL, 0)              \
	X("new_2022_marked", ESTATES "新建住宅小区/2022年/已按标准划线", 10, FIGURE, FIGURE_NEW_2022_MARKED, 0)        \
	X("new_2022_unmarked", ESTATES "新建住宅小区/2022年/未划线", 10, REST, FIGURE_NEW_2022_MARKED,                 \
	  FIGURE_NEW_2022_TOTAL)                                                                                       \
	X("public_total", "划线管理/公共建筑/现有数量", 10, FIGURE, FIGURE_PUBLIC_TOTAL, 0)                            \
	X("public_marked", "划线管理/公共建筑/已按标准划线", 10, FIGURE, FIGURE_PUBLIC_MARKED, 0)                      \
	X("public_unmarked", "划线管理/公共建筑/未划线", 10, REST, FIGURE_PUBLIC_MARKED, FIGURE_PUBLIC_TOTAL)          \
	X("public_share", "划线管理/公共建筑/完成率(%)", 10, SHARE, FIGURE_PUBLIC_MARKED, FIGURE_PUBLIC_TOTAL)         \
	X("ground_planned", PARKING "地上停车场/规划数量", 10, FIGURE, FIGURE_GROUND_PLANNED, 0)                       \
	X("ground_planned_spaces", PARKING "地上停车场/规划车位", 10, FIGURE, FIGURE_GROUND_PLANNED_SPACES, 0)         \
	X("ground_built", PARKING "地上停车场/建成数量(个)", 10, FIGURE, FIGURE_GROUND_BUILT, 0)                       \
	X("ground_built_spaces", PARKING "地上停车场/建成车位", 10, FIGURE, FIGURE_GROUND_BUILT_SPACES, 0)             \
	X("defence_converted", PARKING "人防设施改造/改造数量(处)", 10, FIGURE, FIGURE_DEFENCE_CONVERTED, 0)           \
	X("defence_spaces", PARKING "人防设施改造/改造车位", 10, FIGURE, FIGURE_DEFENCE_SPACES, 0)                     \
	X("road_spaces_added", PARKING "道路车位/新增数量", 10, FIGURE, FIGURE_ROAD_SPACES, 0)                         \
	X("parking_plan", PARKING "是否启动编制城市停车设施建设专项规划", 16, YES, FIGURE_PARKING_PLAN, 0)             \
	X("unit", "填报单位", 20, ENTRY, LANE_UNIT, 0)                                                                 \
	X("reporter", "填报人", 12, ENTRY, LANE_REPORTER, 0)                                                           \
	X("phone", "联系电话", 14, ENTRY, LANE_PHONE, 0)                                                               \
	X("reviewer", "审核人", 12, ENTRY, LANE_REVIEWER, 0)

static const struct paper_column lane_columns[] = {
#define X(key, title, width, kind, figure, whole) {key, title, width},
	LANE_TABLE(X)
#undef X
};
static const struct {
	uint8_t kind, figure, whole;
} lanes[] = {
#define X(key, title, width, kind, figure, whole) {LANE_##kind, figure, whole},
	LANE_TABLE(X)
#undef X
};
#define LANES (sizeof lanes / sizeof *lanes)

/* Who filled in what takes part last. */
struct filler {
	uint64_t sequence;
	char texts[4][FIGURES_TEXT_MAX + 1]; /* by enum lane_entry */
};

static enum status take_filler(void *context, const struct figures_entry *e)
{
	struct filler *f = context;
	const struct span texts[] = {e->unit, e->reporter, e->phone, e->reviewer};
	if (e->sequence != f->sequence)
		return STATUS_END;
	for (size_t i = 0; i < 4; i++)
		snprintf(f->texts[i], sizeof f->texts[i], "%.*s", (int)texts[i].size, (const char *)texts[i].data);
	return STATUS_END;
}

static void lane_cell(struct paper *p, size_t lane, const struct figures_sum *sum, const struct filler *filler)
{
	unsigned figure = lanes[lane].figure, whole = lanes[lane].whole;
	uint64_t wanted = whole ? UINT64_C(1) << whole : UINT64_C(1) << figure;
	if (lanes[lane].kind == LANE_ENTRY && figure == LANE_PHONE)
		paper_people(p, span_of_string(filler->texts[figure]));
	else if (lanes[lane].kind == LANE_ENTRY)
		paper_string(p, filler->texts[figure]);
	else if ((sum->said & wanted) != wanted)
		paper_none(p);
	else if (lanes[lane].kind == LANE_REST)
		paper_number(p, sum->values[whole] - sum->values[figure]);
	else if (lanes[lane].kind == LANE_SHARE)
		paper_share(p, (uint64_t)sum->values[figure], (uint64_t)sum->values[whole]);
	else if (lanes[lane].kind == LANE_YES)
		paper_string(p, sum->values[figure] ? "是" : "否");
	else
		paper_number(p, sum->values[figure]);
}

static void note_days(struct paper *p, const struct table_period *period)
{
	char text[80];
	struct civil a, b;
	civil_from_ms((int64_t)period->first_day * MS_PER_DAY, &a);
	civil_from_ms((int64_t)period->last_day * MS_PER_DAY, &b);
	snprintf(text, sizeof text, "%04d-%02u-%02u 至 %04d-%02u-%02u", a.year, a.month, a.day, b.year, b.month, b.day);
	paper_note(p, "统计期间", text);
}

/* What the register itself knows of blocked lanes, beside the table. */
static void note_register(struct paper *p, struct hazards *r, const struct table_period *quarter, struct span village)
{
	struct hazard_filter f = {.list = HAZARD_LIST_HAZARDS,
				  .today = quarter->last_day,
				  .found_from_ms = INT64_MIN,
				  .found_to_ms = (quarter->last_day + INT64_C(1)) * MS_PER_DAY - CHINA_OFFSET_MS};
	struct hazard_counts counts;
	char text[120];
	f.words[HAZARD_WORD_CATEGORY] = span_of_string("占用消防车通道");
	f.words[HAZARD_WORD_VILLAGE] = village;
	hazards_counts(r, &f, &counts);
	snprintf(text, sizeof text, "%llu 项，其中现在未销号 %llu 项", (unsigned long long)counts.all,
		 (unsigned long long)counts.open);
	paper_note(p, "台账中季度末前发现的“占用消防车通道”隐患", text);
}

enum status table_fire_lanes(struct figures *f, struct hazards *r, const struct table_period *quarter,
			     struct span village, struct paper *out)
{
	struct figures_sum sum;
	struct filler filler = {0};
	char places[64];
	*out = paper_init("打通消防生命通道工作统计表", lane_columns, LANES);
	figures_on(f, span_of(NULL, 0), village, quarter->last_day, &sum);
	filler.sequence = sum.last;
	enum status status = sum.last ? figures_entries(f, sum.last - 1, take_filler, &filler) : STATUS_OK;
	if (status && status != STATUS_END)
		return status;
	for (size_t i = 0; i < LANES; i++)
		lane_cell(out, i, &sum, &filler);
	note_days(out, quarter);
	snprintf(places, sizeof places, "%zu 处填报", sum.places);
	paper_note(out, "填报范围", places);
	paper_note(out, "取数", "各处截至期末最近一次填报之和；无人填报的栏留空；完成率=已按标准划线/现有数量");
	paper_note(out, "报送", "每季度末月24日前（另一处写25日）");
	note_register(out, r, quarter, village);
	return out->status;
}

/* --- hazards of prominent sites --- */

static const struct paper_column site_columns[] = {
	{"number", "序号", 8},       {"site", "场所名称", 26},         {"unit", "责任单位", 24},
	{"hazards", "隐患问题", 44}, {"measures", "整改措施", 40},     {"deadline", "整改时限", 12},
	{"person", "责任人", 12},    {"progress", "整改进展情况", 24}, {"code", "台账编号", 14},
	{"village", "所属村", 12},   {"grade", "隐患等级", 10},
};
#define SITE_COLUMNS (sizeof site_columns / sizeof *site_columns)

/* A hazard folded up to an instant. */
struct then {
	struct hazard h;
	int64_t end_ms;
};

static enum status fold_until(void *context, uint64_t id, const struct hazard_event *e,
			      const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	struct then *f = context;
	(void)id;
	return e->at_ms < f->end_ms ? hazard_fold(&f->h, e, digest) : STATUS_END;
}

static void site_row(struct paper *p, const struct hazard *h, int32_t last_day)
{
	char code[HAZARD_CODE_MAX], progress[80];
	struct span site = hazard_value(h, HAZARD_FIELD_SITE), company = hazard_value(h, HAZARD_FIELD_COMPANY);
	export_hazard_code(h, code);
	snprintf(progress, sizeof progress, "%s%s%s", hazard_chinese(HAZARD_TABLE_STATE, h->state),
		 export_hazard_is_overdue(h, last_day) ? "，逾期" : "", h->relapses ? "，曾反弹" : "");
	paper_number(p, (int64_t)paper_rows(p) + 1);
	paper_text(p, site.size ? site : company);
	paper_text(p, hazard_value(h, HAZARD_FIELD_UNIT));
	paper_text(p, hazard_value(h, HAZARD_FIELD_DESCRIPTION));
	paper_text(p, hazard_value(h, HAZARD_FIELD_MEASURES));
	paper_day(p, h->deadline_day);
	paper_text(p, hazard_value(h, HAZARD_FIELD_PERSON));
	paper_string(p, progress);
	paper_string(p, code);
	paper_text(p, hazard_value(h, HAZARD_FIELD_VILLAGE));
	paper_string(p, hazard_chinese(HAZARD_TABLE_GRADE, h->grade));
}

/* As it stood at the end of the month: closed before its beginning, void or not yet entered is no row of it. */
static enum status add_site(struct hazards *r, uint64_t id, const struct table_period *month, struct paper *p)
{
	struct then f = {.end_ms = (month->last_day + INT64_C(1)) * MS_PER_DAY - CHINA_OFFSET_MS};
	int64_t begin_ms = (int64_t)month->first_day * MS_PER_DAY - CHINA_OFFSET_MS;
	hazard_init(&f.h, id);
	enum status status = hazards_history(r, id, 0, fold_until, &f);
	status = status == STATUS_END ? STATUS_OK : status;
	bool gone = f.h.state == HAZARD_VOID || (f.h.state == HAZARD_CLOSED && f.h.closed_ms < begin_ms);
	if (!status && f.h.events && !gone)
		site_row(p, &f.h, month->last_day);
	hazard_deinit(&f.h);
	return status;
}

enum status table_fire_sites(struct hazards *r, const struct hazard_filter *filter, struct span sector,
			     const struct table_period *month, struct paper *out)
{
	struct hazard_filter f = *filter;
	struct hazard_cursor cursor = {0};
	uint64_t ids[HAZARDS_PAGE_MAX];
	size_t n;
	enum status status = STATUS_OK;
	*out = paper_init("消防安全隐患突出场所隐患问题汇总表", site_columns, SITE_COLUMNS);
	f.list = HAZARD_LIST_HAZARDS;
	f.states = (1u << HAZARD_STATE_COUNT) - 1; /* void now, and perhaps not then */
	f.words[HAZARD_WORD_SECTOR] = sector.size ? sector : span_of_string("消防");
	f.found_from_ms = INT64_MIN;
	f.found_to_ms = (month->last_day + INT64_C(1)) * MS_PER_DAY - CHINA_OFFSET_MS;
	do {
		n = hazards_page(r, &f, HAZARD_BY_ID, &cursor, ids, HAZARDS_PAGE_MAX);
		for (size_t i = 0; i < n && !status; i++)
			status = add_site(r, ids[i], month, out);
		if (!status && paper_rows(out) > TABLE_FIRE_SITES_MAX)
			status = STATUS_FULL;
	} while (n == HAZARDS_PAGE_MAX && !status);
	note_days(out, month);
	paper_note(out, "取数", "台账中该行业月末前发现、月初前未销号的隐患，按月末状态");
	paper_note(out, "报送", "每月28日前");
	return status ? status : out->status;
}
