/* Warnings: read from JSON and CAP, kept, lent as fences, ended by what comes later, in whatever order it comes. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/duty/roll_call.h"
#include "engine/duty/warnings.h"
#include "support/harbour.h"

/* 2026-08-20T00:00:00Z */
#define DAY INT64_C(1787184000000)
#define HOUR MS_PER_HOUR

static struct harbour_world world;
static struct warnings *warnings;

static void open_warnings(void)
{
	cr_assert_eq(warnings_open(engine_store(world.engine), engine_context(world.engine), false, &warnings),
		     STATUS_OK);
}

static void begin(void)
{
	harbour_begin(&world);
	open_warnings();
}

static void end(void)
{
	warnings_close(warnings);
	harbour_end(&world);
}

TestSuite(warnings, .init = begin, .fini = end, .timeout = 120);

/* --- reading --- */

static void expect_wrong(const char *text, const char *part)
{
	struct warning_drafts d;
	char wrong[WARNING_WRONG_MAX];
	cr_expect_eq(warning_read(span_of_string(text), &d, wrong), STATUS_MALFORMED, "%s", text);
	cr_expect(strstr(wrong, part), "%s: %s", wrong, part);
	cr_expect_eq(d.count, 0);
}

#define HEAD "\"identifier\": \"W1\", \"sender\": \"qzmo\", \"sent\": \"2026-08-20T08:00:00+08:00\""
#define SQUARE "[{\"polygon\": [[118.6, 24.6], [119.0, 24.6], [119.0, 25.0], [118.6, 25.0]]}]"
#define GALE                                                                                                            \
	"{" HEAD ", \"kind\": \"gale\", \"level\": \"橙色\", \"until\": \"2026-08-20T20:00:00+08:00\", \"wind\": 9, " \
	"\"gust\": 11, \"headline\": \"大风橙色预警\", \"units\": [\"水产站\", \"白奇村委会\"], \"areas\": " SQUARE     \
	"}"

Test(warnings, a_json_warning_is_read_with_its_area)
{
	struct warning_drafts d;
	char wrong[WARNING_WRONG_MAX];
	cr_assert_eq(warning_read(span_of_string(GALE), &d, wrong), STATUS_OK, "%s", wrong);
	cr_assert_eq(d.count, 1);
	const struct warning *w = &d.items[0]->w;
	cr_expect_eq(w->kind, WARNING_GALE);
	cr_expect_eq(w->level, WARNING_ORANGE);
	cr_expect_eq(w->sent_ms, DAY);
	cr_expect_eq(w->from_ms, DAY, "what says no beginning begins when it is sent");
	cr_expect_eq(w->until_ms, DAY + 12 * HOUR);
	cr_expect_eq(w->wind, 9);
	cr_expect_eq(d.items[0]->area_count, 1);
	cr_expect(fence_area_contains(d.items[0]->areas[0], (struct geo_point){248000000, 1188000000}));
	warning_drafts_deinit(&d);
}

Test(warnings, what_is_wrong_is_said)
{
	expect_wrong("", "line 1");
	expect_wrong("[]", "no object");
	expect_wrong("{" HEAD "}", "kind: is missing");
	expect_wrong("{" HEAD ", \"kind\": \"gale\", \"areas\": " SQUARE "}", "until");
	expect_wrong("{" HEAD ", \"kind\": \"gale\", \"until\": \"2026-08-20T20:00:00Z\"}", "area is needed");
	expect_wrong("{" HEAD ", \"kind\": \"hail?\"}", "kind: is no value");
	expect_wrong("{" HEAD ", \"kind\": \"gale\", \"colour\": \"red\"}", "colour: is not known");
	expect_wrong("{" HEAD ", \"kind\": \"gale\", \"until\": \"2027-08-20T20:00:00Z\", \"areas\": " SQUARE "}",
		     "60 days");
	expect_wrong(
		"{" HEAD
		", \"kind\": \"gale\", \"type\": \"update\", \"until\": \"2026-08-20T20:00:00Z\", \"areas\": " SQUARE
		"}",
		"references");
	expect_wrong("{" HEAD
		     ", \"kind\": \"gale\", \"until\": \"2026-08-20T20:00:00Z\", \"areas\": [{\"circle\": [200, 24], "
		     "\"radius_m\": 5}]}",
		     "areas[0]");
}

#define CAP_HEAD(id, sent, type)                                                                                       \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert "                                                          \
	"xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>" id                                               \
	"</identifier><sender>qzmo</sender><sent>" sent "</sent><status>Actual</status><msgType>" type                 \
	"</msgType><scope>Public</scope>"
#define CAP_INFO(language, event, effective, expires, area)                                                            \
	"<info><language>" language "</language><category>Met</category><event>" event                                 \
	"</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</"                           \
	"certainty><effective>" effective "</effective><expires>" expires "</expires><headline>headline</headline>"    \
	"<parameter><valueName>wind</valueName><value>10</value></parameter><area><areaDesc>泉州湾</areaDesc>" area    \
	"</area></info>"
#define CAP_SQUARE "<polygon>24.6,118.6 24.6,119.0\n 25.0,119.0 25.0,118.6 24.6,118.6</polygon>"

static struct warning_draft *read_one(struct warning_drafts *d, const char *text)
{
	char wrong[WARNING_WRONG_MAX];
	cr_assert_eq(warning_read(span_of_string(text), d, wrong), STATUS_OK, "%s", wrong);
	return d->items[0];
}

Test(warnings, a_cap_message_is_read_by_its_chinese_blocks)
{
	struct warning_drafts d;
	struct warning_draft *one = read_one(
		&d,
		CAP_HEAD("C1", "2026-08-20T08:00:00+08:00", "Alert")
			CAP_INFO("en-US", "gale", "2026-08-20T09:00:00+08:00", "2026-08-20T20:00:00+08:00", CAP_SQUARE)
				CAP_INFO("zh-CN", "台风红色预警", "2026-08-20T09:00:00+08:00",
					 "2026-08-20T20:00:00+08:00", CAP_SQUARE "<circle>24.5,118.5 10</circle>")
					CAP_INFO("zh-CN", "大风", "2026-08-20T09:00:00+08:00",
						 "2026-08-20T21:00:00+08:00", CAP_SQUARE) "</alert>");
	cr_assert_eq(d.count, 2);
	cr_expect_eq(one->w.kind, WARNING_TYPHOON);
	cr_expect_eq(one->w.level, WARNING_RED, "the colour in words goes before the severity");
	cr_expect_eq(one->w.from_ms, DAY + HOUR);
	cr_expect_eq(one->w.wind, 10);
	cr_expect_eq(one->area_count, 2);
	cr_expect_str_eq(one->w.area, "泉州湾");
	cr_expect_eq(d.items[1]->w.part, 1);
	cr_expect_eq(d.items[1]->w.level, WARNING_ORANGE);
	cr_expect(fence_area_contains(one->areas[1], (struct geo_point){245000000, 1185500000}));
	warning_drafts_deinit(&d);
}

Test(warnings, a_cap_message_that_is_none_is_refused)
{
	expect_wrong("<alert", "line");
	expect_wrong("<rss></rss>", "is no CAP alert");
	expect_wrong("<!DOCTYPE a [<!ENTITY x \"y\">]><alert></alert>", "document type");
	expect_wrong(CAP_HEAD("C1", "2026-08-20T08:00:00+08:00", "Alert") "</alert>", "no info block");
	expect_wrong(CAP_HEAD("C1", "yesterday", "Alert") "</alert>", "is no time");
	expect_wrong(CAP_HEAD("C1", "2026-08-20T08:00:00+08:00", "Alarm") "</alert>", "none of the words");
	expect_wrong(CAP_HEAD("C1", "2026-08-20T08:00:00+08:00", "Alert")
			     CAP_INFO("zh", "大风", "2026-08-20T09:00:00+08:00", "2026-08-20T20:00:00+08:00",
				      "<polygon>24.6,118.6 24.6</polygon>") "</alert>",
		     "no polygon");
	expect_wrong("<alert><references>a,b</references></alert>", "references");
}

/* --- keeping --- */

static uint64_t take(const char *text, enum status expected)
{
	struct warning_drafts d;
	char wrong[WARNING_WRONG_MAX] = "";
	uint64_t id = 0;
	read_one(&d, text);
	enum status status = warnings_take(warnings, d.items[0], "值班", DAY, &id, wrong);
	cr_assert_eq(status, expected, "%s %s", status_text(status), wrong);
	warning_drafts_deinit(&d);
	return id;
}

/* Tags that hold at a place and an instant, as the judge sees them. */
static bool tag_holds(const char *tag, int64_t at_ms)
{
	struct judged_by *by = context_take(engine_context(world.engine));
	uint32_t slots[64];
	uint16_t number;
	bool found = false;
	cr_assert_eq(tag_number(span_of_string(tag), &number), STATUS_OK);
	size_t n = fence_index_find(fence_set_index(by->fences), NULL, (struct geo_point){248000000, 1188000000}, slots,
				    64);
	for (size_t i = 0; i < n; i++) {
		const struct fence *f = fence_set_at(by->fences, slots[i]);
		found |= f->valid_from_ms <= at_ms && at_ms < f->valid_to_ms && fence_has_tag(f, number);
	}
	judged_by_release(by);
	return found;
}

#define CANCEL                                                                                                         \
	"{\"identifier\": \"W9\", \"sender\": \"qzmo\", \"sent\": \"2026-08-20T14:00:00+08:00\", \"type\": "           \
	"\"cancel\", "                                                                                                 \
	"\"references\": [\"W1\"]}"
#define UPDATE                                                                                                         \
	"{\"identifier\": \"W2\", \"sender\": \"qzmo\", \"sent\": \"2026-08-20T12:00:00+08:00\", \"type\": "           \
	"\"update\", "                                                                                                 \
	"\"references\": [\"W1\"], \"kind\": \"gale\", \"level\": \"red\", \"until\": \"2026-08-21T08:00:00+08:00\", " \
	"\"areas\": " SQUARE "}"

static void expect_updated(void)
{
	cr_expect(tag_holds("warning-gale-orange", DAY));
	cr_expect(tag_holds("warning-gale-orange", DAY + 4 * HOUR - 1));
	cr_expect_not(tag_holds("warning-gale-orange", DAY + 4 * HOUR));
	cr_expect(tag_holds("warning-gale-red", DAY + 4 * HOUR));
	cr_expect_not(tag_holds("warning-gale-red", DAY + 24 * HOUR));
}

Test(warnings, a_warning_holds_for_rules_while_it_stands)
{
	uint64_t id = take(GALE, STATUS_OK);
	cr_expect(tag_holds("warning", DAY));
	cr_expect(tag_holds("warning-gale", DAY));
	cr_expect(tag_holds("wind_9", DAY));
	cr_expect(tag_holds("wind", DAY), "the shipped rule over-wind looks for it");
	cr_expect_not(tag_holds("fog", DAY));
	cr_expect(tag_holds("warning-gale-orange", DAY + 12 * HOUR - 1));
	cr_expect_not(tag_holds("warning", DAY + 12 * HOUR));
	cr_expect_not(tag_holds("warning", DAY - 1));
	cr_expect_eq(take(GALE, STATUS_EXISTS), id);
	take("{" HEAD ", \"kind\": \"fog\", \"until\": \"2026-08-20T20:00:00+08:00\", \"areas\": " SQUARE "}",
	     STATUS_CONFLICT);
}

Test(warnings, fog_and_a_ban_are_what_the_rules_of_the_sea_look_for)
{
	take("{" HEAD ", \"kind\": \"fog\", \"until\": \"2026-08-20T20:00:00+08:00\", \"areas\": " SQUARE "}",
	     STATUS_OK);
	cr_expect(tag_holds("fog", DAY));
	cr_expect_not(tag_holds("sail_ban", DAY));
	cr_expect_not(tag_holds("wind", DAY));
	warnings_close(warnings);
	harbour_end(&world);
	begin();
	take("{" HEAD ", \"kind\": \"ban\", \"until\": \"2026-08-20T20:00:00+08:00\", \"areas\": " SQUARE "}",
	     STATUS_OK);
	cr_expect(tag_holds("sail_ban", DAY));
	cr_expect_not(tag_holds("fog", DAY));
}

Test(warnings, an_update_ends_what_it_names_whichever_comes_first)
{
	take(GALE, STATUS_OK);
	take(UPDATE, STATUS_OK);
	expect_updated();
	warnings_close(warnings);
	harbour_end(&world);
	begin();
	take(UPDATE, STATUS_OK);
	take(GALE, STATUS_OK);
	expect_updated();
	struct warning w;
	cr_assert_eq(warnings_get(warnings, 2, &w), STATUS_OK);
	cr_expect_str_eq(w.identifier, "W1");
	cr_expect_eq(w.ended_ms, DAY + 4 * HOUR);
	cr_expect_not(warning_is_active(&w, DAY + 4 * HOUR));
}

Test(warnings, the_first_of_two_ends_counts)
{
	take(CANCEL, STATUS_OK);
	take(GALE, STATUS_OK);
	cr_expect(tag_holds("warning-gale-orange", DAY + 6 * HOUR - 1));
	cr_expect_not(tag_holds("warning-gale-orange", DAY + 6 * HOUR));
	take(UPDATE, STATUS_OK);
	expect_updated();
}

Test(warnings, nobody_ends_what_another_has_issued)
{
	take(GALE, STATUS_OK);
	take("{\"identifier\": \"X\", \"sender\": \"somebody\", \"sent\": \"2026-08-20T14:00:00+08:00\", \"type\": "
	     "\"cancel\", "
	     "\"references\": [\"W1\"]}",
	     STATUS_OK);
	cr_expect(tag_holds("warning-gale-orange", DAY + 11 * HOUR));
}

Test(warnings, an_exercise_is_kept_and_holds_nowhere)
{
	uint64_t id = take("{" HEAD
			   ", \"status\": \"exercise\", \"kind\": \"gale\", \"until\": \"2026-08-20T20:00:00+08:00\", "
			   "\"areas\": " SQUARE "}",
			   STATUS_OK);
	struct warning w;
	cr_expect_not(tag_holds("warning", DAY));
	cr_assert_eq(warnings_get(warnings, id, &w), STATUS_OK);
	cr_expect_eq(w.status, WARNING_EXERCISE);
}

#define NAMED(area) "{" HEAD ", \"kind\": \"ban\", \"until\": \"2026-08-20T20:00:00+08:00\", \"areas\": [" area "]}"

Test(warnings, fences_and_codes_lend_their_areas)
{
	harbour_fence(&world, "bay", (const char *const[]){"area-350521", NULL}, 247000000, 1187000000, 3000000,
		      INT64_MIN, INT64_MAX);
	take(NAMED("{\"fence\": \"nowhere\"}"), STATUS_NOT_FOUND);
	take(NAMED("{\"code\": \"999999\"}"), STATUS_NOT_FOUND);
	cr_expect_not(tag_holds("warning-ban", DAY));
	take(NAMED("{\"code\": \"350521\"}"), STATUS_OK);
	cr_expect(tag_holds("warning-ban", DAY));
}

static enum status count_unit(void *context, const struct book_event *e)
{
	*(unsigned *)context += !strcmp(e->what, "acknowledged") && !strcmp(e->text, "水产站") && !strcmp(e->who, "王");
	return STATUS_OK;
}

Test(warnings, units_take_note)
{
	unsigned count = 0;
	uint64_t id = take(GALE, STATUS_OK);
	cr_expect_eq(warnings_acknowledge(warnings, id, "", "王", DAY), STATUS_INVALID);
	cr_expect_eq(warnings_acknowledge(warnings, 99, "水产站", "王", DAY), STATUS_NOT_FOUND);
	cr_assert_eq(warnings_acknowledge(warnings, id, "水产站", "王", DAY), STATUS_OK);
	cr_assert_eq(warnings_history(warnings, id, count_unit, &count), STATUS_OK);
	cr_expect_eq(count, 1);
}

/* --- a process that ends in between --- */

#ifdef ZAYTON_CRASH_POINTS
/* Another process takes it in, and dies at the point; no store was opened here before. */
static void die_at(const char *point)
{
	world = (struct harbour_world){.dir = "/tmp/zayton-harbour-XXXXXX"};
	cr_assert(mkdtemp(world.dir));
	fflush(NULL);
	pid_t child = fork();
	cr_assert_neq(child, -1);
	if (child == 0) {
		setenv("ZAYTON_CRASH", point, 1);
		harbour_open(&world);
		open_warnings();
		take(GALE, STATUS_OK);
		_exit(0);
	}
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s did not end it", point);
	harbour_open(&world);
	open_warnings();
	cr_expect(tag_holds("warning-gale-orange", DAY));
	cr_expect_eq(take(GALE, STATUS_EXISTS), 1);
	end();
}

Test(warnings_crash, a_warning_that_was_taken_in_has_its_fences_after_a_crash, .timeout = 120)
{
	die_at("warning_taken:1");
}

Test(warnings_crash, and_when_the_fences_were_put_and_not_noted, .timeout = 120)
{
	die_at("warning_fences:1");
}
#endif
