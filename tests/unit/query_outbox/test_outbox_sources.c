/* What else leaves: findings as they are raised, amended and withdrawn, and what the calendar reminds of. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/outbox/outbox.h"
#include "query/outbox/outbox_rows.h"
#include "unit/query_outbox/receivers.h"

/* 2026-03-02 12:00 in China */
#define NOON INT64_C(1772424000000)

static char folder[64], key_path[64];
static struct engine *engine;
static struct hazards *hazards;
static struct figures *figures;
static struct calendar *calendar;
static struct receiver city;
static struct outbox *box;

static int remove_entry(const char *path, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen, (void)kind, (void)walk;
	return remove(path);
}

static void tell(void *context, const char *path, const char *text)
{
	(void)context;
	cr_assert_fail("%s %s", path, text);
}

static void open_all(void)
{
	struct hazard_policy law = hazard_policy_default();
	struct calendar_rules *rules;
	struct engine_options o = engine_options_default(folder);
	o.create = true;
	cr_assert_eq(engine_open(&o, &engine), STATUS_OK);
	cr_assert_eq(hazards_open(engine_store(engine), &law, &hazards), STATUS_OK);
	cr_assert_eq(figures_open(engine_store(engine), &figures), STATUS_OK);
	cr_assert_eq(calendar_rules_parse(calendar_rules_default(), tell, NULL, &rules), STATUS_OK);
	cr_assert_eq(calendar_open(engine_store(engine), rules, figures, &calendar), STATUS_OK);
}

static void close_all(void)
{
	calendar_close(calendar);
	figures_close(figures);
	hazards_close(hazards);
	engine_close(engine);
}

/* `what`: ",\"findings\":{...}" of the destination. */
static void open_box(const char *what, bool with_calendar)
{
	char text[1024];
	struct outbox_config *c;
	struct outbox_options o = outbox_options_default(engine_store(engine), hazards, engine);
	snprintf(text, sizeof text,
		 "{\"destinations\":[{\"name\":\"city\",\"kind\":\"webhook\",\"url\":\"http://127.0.0.1:%u/in\","
		 "\"secret_file\":\"%s\"%s}]}",
		 city.port, key_path, what);
	cr_assert_eq(outbox_config_parse(span_of_string(text), tell, NULL, &c), STATUS_OK);
	o.calendar = with_calendar ? calendar : NULL;
	o.retry_ms = o.poll_ms = 5;
	cr_assert_eq(outbox_open(&o, c, &box), STATUS_OK);
}

static void begin(void)
{
	log_set_level(LOG_OFF);
	signal(SIGPIPE, SIG_IGN);
	strcpy(folder, "/tmp/zayton-outbox-XXXXXX");
	cr_assert(mkdtemp(folder));
	strcpy(key_path, "/tmp/zayton-key-XXXXXX");
	int fd = mkstemp(key_path);
	cr_assert_eq(write(fd, "0123456789abcdef", 16), 16);
	close(fd);
	receiver_open(&city, false);
	open_all();
}

static void end(void)
{
	outbox_free(box);
	receiver_close(&city);
	receiver_forget(&city);
	close_all();
	unlink(key_path);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
TestSuite(outbox_sources, .init = begin, .fini = end, .timeout = 120);

static void start_and_empty(void)
{
	struct outbox_state s = {.pending = 1};
	cr_assert_eq(outbox_take(box), STATUS_OK);
	cr_assert_eq(outbox_start(box), STATUS_OK);
	for (outbox_state(box, 0, &s); s.pending; outbox_state(box, 0, &s))
		usleep(2000); /* until the last row is crossed out */
}

/* The text of a member that is one, of what came as number `i`; "" without it. */
static const char *member(size_t i, const char *key)
{
	static char out[64];
	char wanted[64];
	snprintf(wanted, sizeof wanted, "\"%s\":\"", key);
	const char *at = strstr(city.all[i].body, wanted);
	out[0] = '\0';
	if (at)
		snprintf(out, sizeof out, "%.*s", (int)strcspn(at + strlen(wanted), "\""), at + strlen(wanted));
	return out;
}

/* --- findings --- */

static struct finding finding_at(const char *rule, uint64_t device, int64_t start_ms, int64_t end_ms)
{
	struct finding f = {.subject = device,
			    .device = device,
			    .kind = RULE_OVERSPEED,
			    .confidence = CONFIDENCE_HIGH,
			    .start_ms = start_ms,
			    .end_ms = end_ms,
			    .found_ms = end_ms};
	snprintf(f.rule, sizeof f.rule, "%s", rule);
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		f.numbers[n] = NUMBER_UNKNOWN;
	return f;
}

/* Everything of the device is now this finding, or nothing (NULL). */
static void judge_again(uint64_t device, const struct finding *f)
{
	struct told_finding told = {.decided = {NOON, 1}};
	struct replacement r = {.subject = device,
				.stage = (uint8_t)rule_kind_stage(RULE_OVERSPEED),
				.scope = REPLACE_ALL,
				.keep_before_ms = INT64_MIN,
				.findings = &told,
				.finding_count = f != NULL,
				.now_ms = NOON};
	if (f)
		told.finding = *f;
	cr_assert_eq(findings_replace(engine_findings(engine), &r, NULL, NULL), STATUS_OK);
}

static int ill_at_first(const struct received *r, size_t count)
{
	(void)r;
	return count < 4 ? 503 : 200;
}

Test(outbox_sources, a_finding_is_told_as_it_is_raised_amended_and_withdrawn_in_this_order)
{
	static const char *const wanted[] = {"raised", "amended", "withdrawn"};
	struct finding one = finding_at("overspeed-muck", 7, NOON, NOON + 60000),
		       other = finding_at("overspeed-coach", 9, NOON, NOON + 60000);
	open_box(",\"findings\":{\"events\":[\"raised\",\"amended\",\"withdrawn\"],\"rules\":[\"overspeed-muck\"]}",
		 false);
	city.judge = ill_at_first;
	judge_again(7, &one);
	judge_again(9, &other); /* of a rule that was not asked for */
	one.end_ms += 30000;
	judge_again(7, &one);
	judge_again(7, NULL);
	start_and_empty();
	size_t told = 0;
	char first[64] = "";
	for (size_t i = 0; i < city.count; i++) {
		cr_expect_str_eq(member(i, "rule"), "overspeed-muck");
		if (!city.all[i].accepted)
			continue;
		cr_assert_lt(told, 3u);
		cr_expect_str_eq(member(i, "event"), wanted[told++]);
		/* one case: the ids differ in the row of the feed alone */
		size_t size = (size_t)(strrchr(city.all[i].id, '-') - city.all[i].id);
		if (*first)
			cr_expect(!strncmp(first, city.all[i].id, size), "%s %s", first, city.all[i].id);
		strcpy(first, city.all[i].id);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(city.all[k].id, city.all[i].id))
				cr_expect_str_eq(city.all[k].body, city.all[i].body);
	}
	cr_expect_eq(told, 3u);
}

Test(outbox_sources, findings_before_the_first_start_are_no_news_and_a_restart_tells_none_twice)
{
	struct finding one = finding_at("overspeed-muck", 7, NOON, NOON + 60000);
	const char *what = ",\"findings\":{\"events\":[\"raised\",\"amended\"]}";
	judge_again(7, &one);
	open_box(what, false);
	one.end_ms += 30000;
	judge_again(7, &one);
	start_and_empty();
	outbox_free(box);
	close_all();
	open_all();
	open_box(what, false);
	start_and_empty();
	cr_assert_eq(city.count, 1u);
	cr_expect_str_eq(member(0, "event"), "amended");
}

/* --- the calendar --- */

static const char report_[] = "annex6-month";

static int32_t day(const char *text)
{
	int32_t out;
	cr_assert_eq(hazard_day_parse(span_of_string(text), &out), STATUS_OK);
	return out;
}

static void tick(const char *when)
{
	size_t written;
	cr_assert_eq(calendar_tick(calendar, (int64_t)day(when) * MS_PER_DAY, &written), STATUS_OK);
}

/* What was accepted of the month's report, "remind 1, escalate 1, ...". */
static void told_of_report(char *out, size_t room)
{
	size_t n = 0;
	*out = '\0';
	for (size_t i = 0; i < city.count; i++) {
		char event[64];
		unsigned level = 0;
		strcpy(event, member(i, "event"));
		if (!city.all[i].accepted || strcmp(member(i, "rule"), report_) != 0 ||
		    strcmp(member(i, "due"), "2026-08-28") != 0)
			continue;
		cr_expect(!strncmp(city.all[i].id, "task-", 5), "%s", city.all[i].id);
		cr_assert_eq(sscanf(strstr(city.all[i].body, "\"level\":"), "\"level\":%u", &level), 1);
		n += (size_t)snprintf(out + n, room - n, "%s%s %u", n ? ", " : "", event, level);
	}
}

static void month_of_ticks(void)
{
	for (int32_t today = day("2026-07-25"); today < day("2026-07-25") + 50; today++) {
		size_t written;
		cr_assert_eq(calendar_tick(calendar, (int64_t)today * MS_PER_DAY, &written), STATUS_OK);
	}
}

static int ill_now_and_then(const struct received *r, size_t count)
{
	(void)r;
	return count % 3 == 1 ? 503 : 200;
}

Test(outbox_sources, reminders_and_delays_leave_in_the_order_of_their_task)
{
	char told[256];
	open_box(",\"tasks\":{}", true);
	city.judge = ill_now_and_then;
	month_of_ticks();
	start_and_empty();
	told_of_report(told, sizeof told);
	cr_expect_str_eq(told, "remind 1, remind 2, escalate 1, escalate 2");
	for (size_t i = 0; i < city.count; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(city.all[k].id, city.all[i].id))
				cr_expect_str_eq(city.all[k].body, city.all[i].body);
}

Test(outbox_sources, a_destination_may_want_delays_alone)
{
	char told[256];
	open_box(",\"tasks\":{\"events\":[\"escalate\"]}", true);
	month_of_ticks();
	start_and_empty();
	told_of_report(told, sizeof told);
	cr_expect_str_eq(told, "escalate 1, escalate 2");
}

Test(outbox_sources, reminders_before_the_first_start_with_a_calendar_are_no_news)
{
	char told[256];
	open_box(",\"tasks\":{}", false);
	tick("2026-08-27");
	outbox_free(box);
	/* as a store of a version without the calendar's part has it */
	struct store_batch *b;
	struct outbox_position p;
	struct outbox_key key = outbox_key_of(OUTBOX_POSITION, 0);
	struct buf value = buf_init(64);
	cr_assert_eq(outbox_position_get(engine_store(engine), &p), STATUS_OK);
	cr_assert_eq(store_get(engine_store(engine), STORE_OUTBOX, outbox_key_view(&key), &value), STATUS_OK);
	cr_assert_eq(store_batch_new(engine_store(engine), &b), STATUS_OK);
	store_batch_put(b, STORE_OUTBOX, outbox_key_view(&key), span_of(value.data, 24));
	cr_assert_eq(store_commit(engine_store(engine), b, true), STATUS_OK);
	store_batch_free(b);
	buf_deinit(&value);
	open_box(",\"tasks\":{}", true);
	tick("2026-08-29");
	start_and_empty();
	told_of_report(told, sizeof told);
	cr_expect_str_eq(told, "escalate 1");
}

Test(outbox_sources, a_subject_is_read_from_every_kind_of_id)
{
	uint64_t subject;
	cr_expect_eq(outbox_subject_of("hazard-7-3", &subject), STATUS_OK);
	cr_expect_eq(subject, 7u);
	cr_expect_eq(outbox_subject_of("finding-12-88", &subject), STATUS_OK);
	cr_expect_eq(subject, UINT64_C(1) << 63 | 12);
	cr_expect_eq(outbox_subject_of("task-0123456789abcdef-2", &subject), STATUS_OK);
	cr_expect_eq(subject, UINT64_C(0xc123456789abcdef));
	cr_expect_eq(outbox_subject_of("hazard-7", &subject), STATUS_CORRUPT);
	cr_expect_eq(outbox_subject_of("hazard-7-3x", &subject), STATUS_CORRUPT);
	cr_expect_eq(outbox_subject_of("", &subject), STATUS_CORRUPT);
}
