#include "query/export/export_tasks.h"

#include <stdio.h>

#include "engine/core/clock.h"

static void member(struct json_out *j, const char *key, struct span text)
{
	jout_key(j, key);
	jout_text(j, text);
}

static void member_string(struct json_out *j, const char *key, const char *text)
{
	member(j, key, span_of_string(text));
}

static void member_number(struct json_out *j, const char *key, int64_t v)
{
	jout_key(j, key);
	jout_integer(j, v);
}

static void member_day(struct json_out *j, const char *key, int32_t day)
{
	jout_key(j, key);
	jout_day(j, day);
}

static void day_text(int32_t day, char out[16])
{
	struct civil c;
	civil_from_ms((int64_t)day * MS_PER_DAY, &c);
	snprintf(out, 16, "%04u-%02u-%02u", (unsigned)c.year % 10000, c.month, c.day);
}

void jout_day(struct json_out *j, int32_t day)
{
	char text[16];
	if (day == HAZARD_DAY_NONE) {
		jout_null(j);
		return;
	}
	day_text(day, text);
	jout_string(j, text);
}

/* Every date that a source names, and whether it was kept. */
static void dates(struct json_out *j, const struct calendar_task *t)
{
	jout_key(j, "dates");
	jout_open(j, '[');
	for (unsigned i = 0; i < t->day_count; i++) {
		jout_open(j, '{');
		member_day(j, "due", t->days[i]);
		member_string(j, "source", t->rule ? t->rule->dates[i].source : "");
		jout_key(j, "met");
		if (t->done >= t->wanted)
			jout_bool(j, t->done_day <= t->days[i]);
		else
			jout_null(j);
		jout_close(j, '}');
	}
	jout_close(j, ']');
}

static void target(struct json_out *j, const struct calendar_task *t)
{
	const struct calendar_target *wanted = t->rule ? &t->rule->target : NULL;
	jout_key(j, "target");
	if (!wanted || !wanted->figure) {
		jout_null(j);
		return;
	}
	jout_open(j, '{');
	member_string(j, "figure", figure_token(wanted->figure));
	member_string(j, "figure_zh", figure_chinese(wanted->figure));
	member_number(j, wanted->of ? "wanted_percent" : "wanted", wanted->wanted);
	if (t->target.known) {
		member_number(j, "actual", t->target.actual);
		if (wanted->of)
			member_number(j, "of", t->target.of);
		jout_key(j, "reached");
		jout_bool(j, wanted->of ? t->target.actual * 100 >= t->target.of * wanted->wanted
					: t->target.actual >= wanted->wanted);
	}
	jout_close(j, '}');
}

void export_task(struct json_out *j, const struct calendar_task *t)
{
	jout_open(j, '{');
	jout_key(j, "id");
	jout_hex64(j, t->id);
	for (unsigned i = 1; i < TASK_FIELD_COUNT; i++)
		if (t->texts[i].size)
			member(j, task_field_token(i), t->texts[i]);
	if (t->village.size)
		member(j, "village", t->village);
	member_day(j, "start", t->start_day);
	member_day(j, "due", t->due_day);
	dates(j, t);
	member_string(j, "state", task_state_token(t->state));
	member_string(j, "state_zh", task_state_chinese(t->state));
	member_number(j, "done", t->done);
	member_number(j, "wanted", t->wanted);
	member_day(j, "done_day", t->done_day);
	member_number(j, "level", t->level);
	member_string(j, "escalate_to", t->rule ? t->rule->escalate_to : "");
	jout_key(j, "sample");
	jout_bool(j, t->rule && t->rule->sample);
	target(j, t);
	member(j, "who", t->who);
	member(j, "note", t->note);
	member(j, "evidence", t->evidence);
	member_number(j, "version", t->version);
	jout_close(j, '}');
}

void export_task_deed(struct json_out *j, const struct calendar_deed *d)
{
	jout_open(j, '{');
	member_number(j, "number", d->number);
	member_string(j, "deed", task_deed_token(d->deed));
	member_string(j, "deed_zh", task_deed_chinese(d->deed));
	jout_key(j, "at");
	jout_time(j, d->at_ms);
	member_string(j, "who", d->actor.name);
	member_string(j, "unit", d->actor.unit);
	member_string(j, "role", hazard_token(HAZARD_TABLE_ROLE, d->actor.role));
	member_day(j, "day", d->day);
	member_day(j, "due", d->due_day);
	member_number(j, "level", d->level);
	member(j, "note", d->note);
	member(j, "evidence", d->evidence);
	jout_key(j, "fields");
	jout_open(j, '{');
	for (unsigned i = 1; i < TASK_FIELD_COUNT; i++)
		if (d->texts[i].data)
			member(j, task_field_token(i), d->texts[i]);
	jout_close(j, '}');
	jout_close(j, '}');
}

void export_task_subject(struct json_out *j, const struct calendar_subject *s)
{
	jout_open(j, '{');
	member(j, "name", s->name);
	member(j, "village", s->village);
	member(j, "sector", s->sector);
	member_string(j, "risk", calendar_risk_token(s->risk));
	jout_key(j, "high_risk");
	jout_bool(j, s->high_risk);
	member_day(j, "since", s->since_day);
	member_day(j, "until", s->until_day);
	jout_close(j, '}');
}

/* --- the table --- */

static const struct paper_column columns[] = {
	{"id", "编号", 18},
	{"annex", "附件", 8},
	{"number", "序号", 8},
	{"title", "任务", 44},
	{"subject", "对象", 26},
	{"village", "所属村", 12},
	{"unit", "责任单位", 22},
	{"partners", "配合单位", 22},
	{"person", "责任人", 12},
	{"period", "期间", 12},
	{"start", "开始日期", 12},
	{"due", "期限", 12},
	{"other_dates", "其他来源的期限", 26},
	{"state", "状态", 10},
	{"done", "已办次数", 10},
	{"wanted", "应办次数", 10},
	{"done_day", "办结日期", 12},
	{"level", "逾期上报级次", 12},
	{"who", "办理人", 12},
	{"note", "说明", 40},
	{"evidence", "佐证", 26},
	{"basis", "依据", 30},
	{"remark", "备注", 30},
};

struct paper export_tasks_paper(void)
{
	return paper_init("任务日历", columns, sizeof columns / sizeof *columns);
}

static void other_dates(struct paper *p, const struct calendar_task *t)
{
	char text[4 * CALENDAR_TEXT_MAX] = "", day[16];
	size_t size = 0;
	for (unsigned i = 0; t->rule && t->day_count > 1 && i < t->day_count && size < sizeof text; i++) {
		day_text(t->days[i], day);
		int n = snprintf(text + size, sizeof text - size, "%s%s (%s)", size ? "；" : "", day,
				 t->rule->dates[i].source);
		size += n > 0 ? (size_t)n : 0;
	}
	paper_string(p, text);
}

void export_task_row(struct paper *p, const struct calendar_task *t)
{
	char id[17];
	snprintf(id, sizeof id, "%016llx", (unsigned long long)t->id);
	paper_string(p, id);
	paper_text(p, t->texts[TASK_FIELD_ANNEX]);
	paper_text(p, t->texts[TASK_FIELD_NUMBER]);
	paper_text(p, t->texts[TASK_FIELD_TITLE]);
	paper_text(p, t->texts[TASK_FIELD_SUBJECT]);
	paper_text(p, t->village);
	paper_text(p, t->texts[TASK_FIELD_UNIT]);
	paper_text(p, t->texts[TASK_FIELD_PARTNERS]);
	paper_text(p, t->texts[TASK_FIELD_PERSON]);
	paper_text(p, t->texts[TASK_FIELD_PERIOD]);
	paper_day(p, t->start_day);
	paper_day(p, t->due_day);
	other_dates(p, t);
	paper_string(p, task_state_chinese(t->state));
	paper_number(p, t->done);
	paper_number(p, t->wanted);
	paper_day(p, t->done_day);
	paper_number(p, t->level);
	paper_text(p, t->who);
	paper_text(p, t->note);
	paper_text(p, t->evidence);
	paper_text(p, t->texts[TASK_FIELD_BASIS]);
	paper_text(p, t->texts[TASK_FIELD_REMARK]);
}
