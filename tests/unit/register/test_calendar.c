#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/register/calendar.h"
#include "support/register_desk.h"

static struct desk d;
static struct calendar *c;
static struct figures *figures;

static void no_mistake(void *context, const char *path, const char *text)
{
	(void)context;
	cr_assert_fail("%s %s", path, text);
}

static void open_calendar(void)
{
	struct calendar_rules *rules;
	cr_assert_eq(calendar_rules_parse(calendar_rules_default(), no_mistake, NULL, &rules), STATUS_OK);
	cr_assert_eq(figures_open(d.store, &figures), STATUS_OK);
	cr_assert_eq(calendar_open(d.store, rules, figures, &c), STATUS_OK);
}

static void close_calendar(void)
{
	calendar_close(c);
	figures_close(figures);
}

static void begin(void)
{
	desk_open(&d);
	open_calendar();
}

static void end(void)
{
	close_calendar();
	desk_close(&d);
}

TestSuite(calendar, .init = begin, .fini = end);

static void reopen(void)
{
	close_calendar();
	desk_reopen(&d);
	open_calendar();
}

static int32_t day(const char *text)
{
	int32_t out;
	cr_assert_eq(hazard_day_parse(span_of_string(text), &out), STATUS_OK, "%s", text);
	return out;
}

/* The tasks of a list, as far as the tests look. */
struct seen {
	size_t count;
	struct {
		uint64_t id;
		int32_t start, due, days[CALENDAR_DATES_MAX];
		unsigned state, level, day_count, done, wanted;
		char period[CALENDAR_PERIOD_MAX], subject[64], title[128];
		bool known;
		int64_t actual, of;
	} items[400];
};
static struct seen seen;

static void copy(char *out, size_t room, struct span text)
{
	snprintf(out, room, "%.*s", (int)text.size, (const char *)text.data);
}

static enum status note(void *context, const struct calendar_task *t)
{
	struct seen *s = context;
	cr_assert_lt(s->count, 400);
	s->items[s->count].id = t->id;
	s->items[s->count].start = t->start_day;
	s->items[s->count].due = t->due_day;
	memcpy(s->items[s->count].days, t->days, sizeof t->days);
	s->items[s->count].day_count = t->day_count;
	s->items[s->count].state = t->state;
	s->items[s->count].level = t->level;
	s->items[s->count].done = t->done;
	s->items[s->count].wanted = t->wanted;
	s->items[s->count].known = t->target.known;
	s->items[s->count].actual = t->target.actual;
	s->items[s->count].of = t->target.of;
	copy(s->items[s->count].period, CALENDAR_PERIOD_MAX, t->texts[TASK_FIELD_PERIOD]);
	copy(s->items[s->count].subject, 64, t->texts[TASK_FIELD_SUBJECT]);
	copy(s->items[s->count].title, 128, t->texts[TASK_FIELD_TITLE]);
	s->count++;
	return STATUS_OK;
}

static size_t list(const char *rule, const char *from, const char *to, const char *today)
{
	struct calendar_filter f = {.from_day = day(from), .to_day = day(to), .today = day(today)};
	f.rule = rule ? span_of_string(rule) : f.rule;
	seen.count = 0;
	cr_assert_eq(calendar_list(c, &f, note, &seen), STATUS_OK);
	return seen.count;
}

static enum status say(uint64_t id, unsigned deed, unsigned role, const char *unit, const char *text, const char *when,
		       struct calendar_outcome *out)
{
	struct calendar_order o = {.deed = (uint8_t)deed,
				   .id = id,
				   .at_ms = (int64_t)day(when) * MS_PER_DAY,
				   .actor = {.role = (uint8_t)role, .name = "林安"},
				   .note = span_of_string(text),
				   .evidence = span_of_string("乡安办〔2026〕3号"),
				   .day = HAZARD_DAY_NONE,
				   .start_day = HAZARD_DAY_NONE,
				   .due_day = HAZARD_DAY_NONE};
	snprintf(o.actor.unit, sizeof o.actor.unit, "%s", unit);
	return calendar_do(c, &o, out);
}

static void subject(const char *name, unsigned risk, bool high, const char *since)
{
	struct calendar_subject s = {.name = span_of_string(name),
				     .village = span_of_string("白奇"),
				     .sector = span_of_string("仓储"),
				     .risk = (uint8_t)risk,
				     .high_risk = high,
				     .since_day = since ? day(since) : HAZARD_DAY_NONE,
				     .until_day = HAZARD_DAY_NONE};
	struct hazard_actor office = {.role = HAZARD_ROLE_OFFICE, .name = "林安", .unit = "乡安办"};
	cr_assert_eq(calendar_subject_set(c, &s, &office, 1), STATUS_OK);
}

/* --- when things are due --- */

Test(calendar, dates_that_contradict_each_other_are_both_kept_and_the_earlier_counts)
{
	cr_assert_eq(list("annex6-quarter", "2021-01-01", "2021-12-31", "2021-03-01"), 4);
	cr_assert_str_eq(seen.items[0].period, "2021Q1");
	cr_assert_eq(seen.items[0].due, day("2021-03-24"));
	cr_assert_eq(seen.items[0].day_count, 2);
	cr_assert_eq(seen.items[0].days[1], day("2021-03-25"));
	cr_assert_eq(seen.items[3].due, day("2021-12-24"));
}

Test(calendar, the_campaign_has_its_five_dates)
{
	static const struct {
		const char *rule, *start, *due;
	} dates[] = {{"annex10-plan", "2026-01-01", "2026-07-31"},
		     {"annex10-self-check", "2026-08-01", "2026-09-30"},
		     {"annex10-action", "2026-09-01", "2026-10-31"},
		     {"annex10-summary", "2026-01-01", "2026-11-10"},
		     {"annex10-report", "2026-01-01", "2026-11-15"}};
	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(list(dates[i].rule, "2026-01-01", "2026-12-31", "2026-03-01"), 1);
		cr_assert_eq(seen.items[0].start, day(dates[i].start), "%s", dates[i].rule);
		cr_assert_eq(seen.items[0].due, day(dates[i].due), "%s", dates[i].rule);
	}
}

Test(calendar, a_day_past_the_end_of_a_month_is_its_last)
{
	subject("海湾仓储", CALENDAR_RISK_RED, false, NULL);
	cr_assert_eq(list("inspection-red", "2028-02-01", "2028-04-30", "2026-03-01"), 3);
	cr_assert_eq(seen.items[0].due, day("2028-02-29"));
	cr_assert_eq(seen.items[2].due, day("2028-04-30"));
}

Test(calendar, a_list_ends_with_its_last_day_and_a_rule_with_its_until)
{
	cr_assert_eq(list("annex6-month", "2026-01-28", "2026-02-28", "2026-01-01"), 2);
	cr_assert_eq(list("annex6-month", "2026-01-29", "2026-02-27", "2026-01-01"), 0);
	cr_assert_eq(list("annex5-year", "2019-01-01", "2029-12-31", "2026-01-01"), 3);
}

Test(calendar, high_risk_enterprises_are_assessed_yearly_and_others_every_three_years)
{
	subject("高危化工", CALENDAR_RISK_ORANGE, true, NULL);
	subject("普通针织", CALENDAR_RISK_BLUE, false, NULL);
	cr_assert_eq(list("risk-assessment-year", "2020-01-01", "2025-12-31", "2026-01-01"), 6);
	cr_assert_str_eq(seen.items[0].subject, "高危化工");
	cr_assert_eq(list("risk-assessment-3-years", "2020-01-01", "2025-12-31", "2026-01-01"), 2);
	cr_assert_str_eq(seen.items[0].subject, "普通针织");
	cr_assert_str_eq(seen.items[0].period, "2020-2022");
	cr_assert_eq(seen.items[0].due, day("2022-12-31"));
	cr_assert_str_eq(seen.items[1].period, "2023-2025");
}

Test(calendar, the_class_of_risk_says_how_often_an_enterprise_is_inspected)
{
	subject("甲", CALENDAR_RISK_RED, false, NULL);
	subject("乙", CALENDAR_RISK_ORANGE, false, NULL);
	subject("丙", CALENDAR_RISK_YELLOW, false, NULL);
	cr_assert_eq(list("inspection-red", "2026-01-01", "2026-12-31", "2026-01-01"), 12);
	cr_assert_eq(list("inspection-orange", "2026-01-01", "2026-12-31", "2026-01-01"), 4);
	cr_assert_eq(list("inspection-yellow", "2026-01-01", "2026-12-31", "2026-01-01"), 2);
	subject("甲", CALENDAR_RISK_YELLOW, false, NULL);
	cr_assert_eq(list("inspection-yellow", "2026-01-01", "2026-12-31", "2026-01-01"), 4);
}

Test(calendar, an_enterprise_owes_nothing_that_was_due_before_it_was_there)
{
	subject("海湾仓储", CALENDAR_RISK_NONE, false, "2026-04-01");
	cr_assert_eq(list("self-check", "2026-01-01", "2026-12-31", "2026-05-01"), 3);
	cr_assert_str_eq(seen.items[0].period, "2026Q2");
}

/* --- states --- */

Test(calendar, a_task_goes_from_upcoming_to_overdue_on_the_day_after_its_due_day)
{
	static const struct {
		const char *today;
		unsigned state, level;
	} days[] = {{"2026-03-01", TASK_OPEN, 0},     {"2026-03-09", TASK_OPEN, 0},    {"2026-03-10", TASK_DUE_SOON, 0},
		    {"2026-03-24", TASK_DUE_SOON, 0}, {"2026-03-25", TASK_OVERDUE, 1}, {"2026-03-30", TASK_OVERDUE, 1},
		    {"2026-03-31", TASK_OVERDUE, 2},  {"2025-12-31", TASK_UPCOMING, 0}};
	for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
		cr_assert_eq(list("annex6-quarter", "2026-03-01", "2026-03-31", days[i].today), 1);
		cr_assert_eq(seen.items[0].state, days[i].state, "%s", days[i].today);
		cr_assert_eq(seen.items[0].level, days[i].level, "%s", days[i].today);
	}
}

Test(calendar, what_is_wanted_twice_is_done_with_the_second_deed)
{
	struct calendar_outcome out;
	cr_assert_eq(list("annex10-training", "2026-01-01", "2026-12-31", "2026-03-01"), 1);
	uint64_t id = seen.items[0].id;
	cr_assert_eq(say(id, TASK_DEED_DONE, HAZARD_ROLE_OFFICE, "乡安办", "第一批", "2026-03-01", &out), STATUS_OK);
	list("annex10-training", "2026-01-01", "2026-12-31", "2026-03-01");
	cr_assert_eq(seen.items[0].state, TASK_OPEN);
	cr_assert_eq(say(id, TASK_DEED_DONE, HAZARD_ROLE_OFFICE, "乡安办", "第二批", "2026-04-01", &out), STATUS_OK);
	reopen();
	list("annex10-training", "2026-01-01", "2026-12-31", "2026-04-02");
	cr_assert_eq(seen.items[0].id, id);
	cr_assert_eq(seen.items[0].state, TASK_DONE);
	cr_assert_eq(seen.items[0].done, 2);
	cr_assert_eq(say(id, TASK_DEED_DONE, HAZARD_ROLE_OFFICE, "乡安办", "", "2026-04-02", &out), STATUS_DENIED);
	cr_assert_eq(out.refusal, TASK_REFUSAL_STATE);
}

Test(calendar, what_is_done_on_the_due_day_is_in_time_and_a_day_later_late)
{
	struct calendar_outcome out;
	for (unsigned late = 0; late < 2; late++) {
		const char *rule = late ? "annex10-summary" : "annex10-report",
			   *on = late ? "2026-11-11" : "2026-11-15";
		list(rule, "2026-11-01", "2026-11-30", "2026-11-01");
		cr_assert_eq(say(seen.items[0].id, TASK_DEED_DONE, HAZARD_ROLE_OFFICE, "乡安办", "", on, &out),
			     STATUS_OK);
		list(rule, "2026-11-01", "2026-11-30", "2026-12-01");
		cr_assert_eq(seen.items[0].state, late ? TASK_DONE_LATE : TASK_DONE);
	}
}

/* --- who may --- */

Test(calendar, an_enterprise_reports_its_own_self_check_and_no_other_and_waives_nothing)
{
	struct calendar_outcome out;
	subject("海湾仓储", CALENDAR_RISK_NONE, false, NULL);
	list("self-check", "2026-03-01", "2026-03-31", "2026-03-20");
	uint64_t id = seen.items[0].id;
	cr_assert_eq(say(id, TASK_DEED_DONE, HAZARD_ROLE_ENTERPRISE, "别家公司", "", "2026-03-20", &out),
		     STATUS_DENIED);
	cr_assert_eq(out.refusal, TASK_REFUSAL_NOT_OWN);
	cr_assert_eq(say(id, TASK_DEED_WAIVE, HAZARD_ROLE_ENTERPRISE, "海湾仓储", "停产", "2026-03-20", &out),
		     STATUS_DENIED);
	cr_assert_eq(out.refusal, TASK_REFUSAL_ROLE);
	cr_assert_eq(say(id, TASK_DEED_DONE, HAZARD_ROLE_AUDITOR, "乡安办", "", "2026-03-20", &out), STATUS_DENIED);
	cr_assert_eq(out.refusal, TASK_REFUSAL_ROLE);
	cr_assert_eq(say(id, TASK_DEED_DONE, HAZARD_ROLE_ENTERPRISE, "海湾仓储", "", "2026-03-20", &out), STATUS_OK);
	cr_assert_eq(say(id, TASK_DEED_REOPEN, HAZARD_ROLE_OFFICE, "乡安办", "", "2026-03-21", &out), STATUS_DENIED);
	cr_assert_eq(out.refusal, TASK_REFUSAL_NOTE);
	cr_assert_eq(say(id, TASK_DEED_REOPEN, HAZARD_ROLE_OFFICE, "乡安办", "弄虚作假", "2026-03-21", &out),
		     STATUS_OK);
	cr_assert_eq(say(id, TASK_DEED_WAIVE, HAZARD_ROLE_OFFICE, "乡安办", "停产", "2026-03-22", &out), STATUS_OK);
	list("self-check", "2026-03-01", "2026-03-31", "2026-04-22");
	cr_assert_eq(seen.items[0].state, TASK_WAIVED);
}

Test(calendar, of_two_who_act_at_once_the_second_is_told_to_read_again)
{
	struct calendar_outcome out;
	list("annex6-month", "2026-03-01", "2026-03-31", "2026-03-20");
	struct calendar_order o = {.deed = TASK_DEED_NOTE,
				   .id = seen.items[0].id,
				   .at_ms = d.now_ms,
				   .actor = {.role = HAZARD_ROLE_OFFICE, .name = "甲", .unit = "乡安办"},
				   .note = span_of_string("催办")};
	cr_assert_eq(calendar_do(c, &o, &out), STATUS_OK);
	cr_assert_eq(out.version, 1);
	o.version = 1;
	cr_assert_eq(calendar_do(c, &o, &out), STATUS_OK);
	cr_assert_eq(calendar_do(c, &o, &out), STATUS_CONFLICT);
	cr_assert_eq(out.version, 2);
}

/* --- entered tasks --- */

static struct calendar_order addition(void)
{
	struct calendar_order o = {.deed = TASK_DEED_ADD,
				   .at_ms = d.now_ms,
				   .actor = {.role = HAZARD_ROLE_OFFICE, .name = "林安", .unit = "乡安办"},
				   .day = HAZARD_DAY_NONE,
				   .start_day = HAZARD_DAY_NONE,
				   .due_day = day("2026-06-30")};
	o.texts[TASK_FIELD_ANNEX] = span_of_string("2");
	o.texts[TASK_FIELD_NUMBER] = span_of_string("7");
	o.texts[TASK_FIELD_TITLE] = span_of_string("建立一村一册");
	o.texts[TASK_FIELD_UNIT] = span_of_string("各村委会");
	return o;
}

Test(calendar, an_entered_task_is_there_once_and_may_be_amended)
{
	struct calendar_outcome out, again;
	struct calendar_order o = addition();
	cr_assert_eq(calendar_do(c, &o, &out), STATUS_OK);
	cr_assert_eq(calendar_do(c, &o, &again), STATUS_EXISTS);
	cr_assert_eq(again.id, out.id);
	struct calendar_order amend = {.deed = TASK_DEED_AMEND,
				       .id = out.id,
				       .at_ms = d.now_ms,
				       .actor = o.actor,
				       .day = HAZARD_DAY_NONE,
				       .start_day = HAZARD_DAY_NONE,
				       .due_day = day("2026-07-31")};
	amend.texts[TASK_FIELD_PERSON] = span_of_string("王主任");
	cr_assert_eq(calendar_do(c, &amend, &again), STATUS_OK);
	reopen();
	cr_assert_eq(list(NULL, "2026-07-31", "2026-07-31", "2026-07-01"), 2); /* and the campaign's plan */
	size_t mine = seen.items[0].id == out.id ? 0 : 1;
	cr_assert_eq(seen.items[mine].id, out.id);
	cr_assert_str_eq(seen.items[mine].title, "建立一村一册");
	o.texts[TASK_FIELD_UNIT] = span_of(NULL, 0);
	cr_assert_eq(calendar_do(c, &o, &out), STATUS_DENIED);
	cr_assert_eq(out.refusal, TASK_REFUSAL_MISSING);
}

Test(calendar, a_task_whose_rule_is_gone_stays_with_what_was_done)
{
	struct calendar_outcome out;
	struct calendar_rules *rules;
	list("annex6-month", "2026-03-01", "2026-03-31", "2026-03-20");
	uint64_t id = seen.items[0].id;
	cr_assert_eq(say(id, TASK_DEED_DONE, HAZARD_ROLE_OFFICE, "乡安办", "", "2026-03-20", &out), STATUS_OK);
	calendar_close(c);
	cr_assert_eq(calendar_rules_parse(span_of_string("{\"rules\": []}"), no_mistake, NULL, &rules), STATUS_OK);
	cr_assert_eq(calendar_open(d.store, rules, figures, &c), STATUS_OK);
	cr_assert_eq(list(NULL, "2026-03-01", "2026-03-31", "2026-03-21"), 1);
	cr_assert_eq(seen.items[0].id, id);
	cr_assert_eq(seen.items[0].state, TASK_DONE);
	cr_assert_eq(seen.items[0].due, day("2026-03-28"));
}

/* --- reminders --- */

struct deeds {
	size_t count;
	unsigned deeds[32], levels[32];
};

static enum status note_deed(void *context, uint64_t id, const struct calendar_deed *deed)
{
	struct deeds *s = context;
	(void)id;
	s->deeds[s->count] = deed->deed;
	s->levels[s->count++] = deed->level;
	return STATUS_OK;
}

Test(calendar, each_reminder_and_each_delay_is_written_once)
{
	size_t n;
	struct deeds s = {0};
	int32_t from = day("2026-07-25");
	list("annex6-month", "2026-08-01", "2026-08-31", "2026-07-20");
	uint64_t id = seen.items[0].id;
	for (int32_t today = from; today < from + 50; today++)
		for (unsigned twice = 0; twice < 2; twice++) {
			cr_assert_eq(calendar_tick(c, (int64_t)today * MS_PER_DAY, &n), STATUS_OK);
			if (twice)
				cr_assert_eq(n, 0);
			if (today % 7 == 0)
				reopen();
		}
	cr_assert_eq(calendar_history(c, id, note_deed, &s), STATUS_OK);
	static const unsigned wanted[][2] = {
		{TASK_DEED_REMIND, 1}, {TASK_DEED_REMIND, 2}, {TASK_DEED_ESCALATE, 1}, {TASK_DEED_ESCALATE, 2}};
	cr_assert_eq(s.count, 4);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(s.deeds[i], wanted[i][0]);
		cr_assert_eq(s.levels[i], wanted[i][1]);
	}
}

/* --- figures and targets --- */

static enum status enter(const char *place, const char *when, int64_t total, int64_t marked)
{
	uint8_t figure;
	struct figures_entry e = {.place = span_of_string(place),
				  .village = span_of_string("白奇"),
				  .day = day(when),
				  .count = 2,
				  .actor = {.role = HAZARD_ROLE_CLERK, .name = "陈", .unit = "白奇村委会"},
				  .at_ms = d.now_ms};
	e.values[0].figure = FIGURE_OLD_TOTAL;
	e.values[0].value = total;
	e.values[1].figure = FIGURE_OLD_MARKED;
	e.values[1].value = marked;
	return figures_enter(figures, &e, &figure);
}

Test(calendar, a_target_is_held_against_what_was_entered_up_to_its_day)
{
	cr_assert_eq(enter("东园小区", "2020-06-01", 10, 3), STATUS_OK);
	cr_assert_eq(enter("西园小区", "2020-06-01", 10, 0), STATUS_OK);
	cr_assert_eq(enter("西园小区", "2020-12-31", 10, 4), STATUS_OK);
	cr_assert_eq(enter("西园小区", "2021-01-01", 10, 10), STATUS_OK);
	cr_assert_eq(enter("西园小区", "2021-01-01", 10, 11), STATUS_CONFLICT);
	reopen();
	list("old-estates-2020", "2020-01-01", "2020-12-31", "2026-01-01");
	cr_assert(seen.items[0].known);
	cr_assert_eq(seen.items[0].actual, 7);
	cr_assert_eq(seen.items[0].of, 20);
	struct figures_sum sum;
	figures_on(figures, span_of_string("西园小区"), span_of(NULL, 0), day("2020-12-30"), &sum);
	cr_assert_eq(sum.values[FIGURE_OLD_MARKED], 0);
	figures_on(figures, span_of_string("西园小区"), span_of(NULL, 0), day("2020-12-31"), &sum);
	cr_assert_eq(sum.values[FIGURE_OLD_MARKED], 4);
	figures_on(figures, span_of(NULL, 0), span_of_string("里春"), day("2020-12-31"), &sum);
	cr_assert_eq(sum.places, 0);
}

/* --- the file --- */

static void count_mistake(void *context, const char *path, const char *text)
{
	(void)text;
	snprintf(context, 64, "%s", path);
}

Test(calendar, every_mistake_of_the_file_is_told_by_its_path)
{
	static const struct {
		const char *text, *path;
	} files[] = {
		{"{\"rules\": [{\"id\": \"a\", \"title\": \"t\", \"unit\": \"u\", \"every\": \"week\", \"dates\": "
		 "[{\"on\": \"2026-01-01\"}]}]}",
		 "rules[0].every"},
		{"{\"rules\": [{\"id\": \"a\", \"title\": \"t\", \"unit\": \"u\", \"every\": \"quarter\", \"from\": "
		 "\"2020-01-01\", \"dates\": [{\"on\": \"4-1\"}]}]}",
		 "rules[0].dates[0]"},
		{"{\"rules\": [{\"id\": \"a\", \"title\": \"t\", \"unit\": \"u\", \"every\": \"month\", \"from\": "
		 "\"2020-01-01\", \"dates\": [{\"on\": \"1\"}, {\"on\": \"2\", \"source\": \"x\"}]}]}",
		 "rules[0].dates[0]"},
		{"{\"rules\": [{\"id\": \"a\", \"title\": \"t\", \"unit\": \"u\", \"every\": \"month\", \"dates\": "
		 "[{\"on\": \"1\"}]}]}",
		 "rules[0].from"},
		{"{\"rules\": [{\"id\": \"a\", \"title\": \"t\", \"unit\": \"u\", \"every\": \"once\", \"dates\": "
		 "[{\"on\": \"2026-01-01\"}], \"remind_days\": [3, 14]}]}",
		 "rules[0].remind_days"},
		{"{\"rules\": [{\"id\": \"a\", \"title\": \"t\", \"unit\": \"u\", \"every\": \"once\", \"dates\": "
		 "[{\"on\": \"2026-01-01\"}], \"word\": 1}]}",
		 "rules[0].word"},
		{"{\"rules\": 3}", "rules"},
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[64] = "";
		struct calendar_rules *rules;
		cr_assert_eq(calendar_rules_parse(span_of_string(files[i].text), count_mistake, path, &rules),
			     STATUS_MALFORMED, "%zu", i);
		cr_assert_str_eq(path, files[i].path);
	}
}
