/* Findings into the register: counted, joined, taken back, and once only, whatever is taken in again. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/fleet/streams.h"
#include "engine/register/hazard_feed.h"

#define TRUCK 0x1122334455667788u
#define OTHER 0x2122334455667788u
#define NOW INT64_C(1780000000000)

static char dir[64];
static struct engine *engine;
static struct hazards *hazards;
static struct hazard_feed *feed;
static int64_t now_ms;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void no_mistake(void *context, const char *path, const char *text)
{
	(void)context;
	cr_assert_fail("%s: %s", path, text);
}

static const char policy_text[] =
	"{\"policies\": ["
	"{\"id\": \"speed\", \"kinds\": [\"overspeed\"], \"classes\": [\"muck\"], \"per\": \"plate\", \"count\": 3, "
	"\"within\": \"7 d\", \"grade\": \"general\", \"unit\": \"{company}\", \"deadline_days\": 15,"
	" \"description\": \"{plate}{within}内第{count}次{kind}\"},"
	"{\"id\": \"zone\", \"rules\": [\"closed-road\"], \"states\": [\"confirmed\"], \"per\": \"company\", "
	"\"description\": \"{company}{fence}\"},"
	"{\"id\": \"late\", \"rules\": [\"emergency\", \"fire-alarm\"], \"per\": \"device\", \"unanswered\": \"10 "
	"min\", "
	"\"description\": \"无人处置\"}]}";

static void open_all(void)
{
	struct engine_options options = engine_options_default(dir);
	struct hazard_policy law = hazard_policy_default();
	struct feed_policies *policies;
	options.create = true;
	cr_assert_eq(engine_open(&options, &engine), STATUS_OK);
	cr_assert_eq(hazards_open(engine_store(engine), &law, &hazards), STATUS_OK);
	cr_assert_eq(feed_policies_parse(span_of_string(policy_text), no_mistake, NULL, &policies), STATUS_OK);
	cr_assert_eq(hazard_feed_new(engine, hazards, policies, &feed), STATUS_OK);
}

static void close_all(void)
{
	hazard_feed_free(feed);
	hazards_close(hazards);
	engine_close(engine);
}

static void name_device(uint64_t id, const char *plate)
{
	const struct registry_change changes[] = {{DEVICE_FIELD_PLATE, span_of_string(plate)},
						  {DEVICE_FIELD_COMPANY, span_of_string("海湾运输")},
						  {DEVICE_FIELD_CLASS, span_of_string("muck")}};
	cr_assert_eq(registry_apply(engine_registry(engine), id, DEVICE_KIND_FILE, changes, 3, VALID_ALWAYS_FROM,
				    "test", NULL),
		     STATUS_OK);
}

static void begin(void)
{
	snprintf(dir, sizeof dir, "/tmp/zayton-feed-XXXXXX");
	cr_assert(mkdtemp(dir));
	now_ms = NOW;
	open_all();
	name_device(TRUCK, "2:闽C12345");
	name_device(OTHER, "1:闽C12345");
}

static void end(void)
{
	close_all();
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(hazard_feed, .init = begin, .fini = end);

/* --- findings --- */

static int64_t day(int n)
{
	return NOW - 30 * MS_PER_DAY + n * MS_PER_DAY;
}

static struct told_finding told(uint64_t device, uint8_t kind, const char *rule, int64_t start_ms)
{
	struct told_finding t = {.decided = {start_ms + 1000, 7}};
	t.finding = (struct finding){.subject = device,
				     .device = device,
				     .kind = kind,
				     .confidence = CONFIDENCE_HIGH,
				     .start_ms = start_ms,
				     .end_ms = start_ms + 1000,
				     .found_ms = start_ms,
				     .start_lat_e7 = 249000000,
				     .start_lon_e7 = -1187200001};
	strcpy(t.finding.rule, rule);
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		t.finding.numbers[n] = NUMBER_UNKNOWN;
	return t;
}

static void replace_of(uint64_t subject, enum replace_scope scope, const struct told_finding *list, size_t count)
{
	struct replacement r = {.subject = subject,
				.stage = 1,
				.scope = scope,
				.keep_before_ms = INT64_MIN,
				.findings = list,
				.finding_count = count,
				.now_ms = now_ms};
	cr_assert_eq(findings_replace(engine_findings(engine), &r, NULL, NULL), STATUS_OK);
}

static void speeds(uint64_t device, int64_t start_ms)
{
	struct told_finding t = told(device, RULE_OVERSPEED, "overspeed-muck", start_ms);
	replace_of(device, REPLACE_TOLD, &t, 1);
}

static void run(void)
{
	cr_assert_eq(hazard_feed_run(feed, now_ms), STATUS_OK);
}

static struct hazard get(uint64_t id)
{
	struct hazard h;
	cr_assert_eq(hazards_get(hazards, id, &h), STATUS_OK, "hazard %llu", (unsigned long long)id);
	return h;
}

static void linked(uint64_t id, uint32_t expected)
{
	struct hazard h = get(id);
	cr_assert_eq(h.linked, expected, "%u", h.linked);
	hazard_deinit(&h);
}

static void says(uint64_t id, unsigned field, const char *expected)
{
	struct hazard h = get(id);
	struct span value = hazard_value(&h, field);
	cr_assert(span_equal(value, span_of_string(expected)), "%.*s", (int)value.size, (const char *)value.data);
	hazard_deinit(&h);
}

static void review(uint64_t id, uint8_t state)
{
	struct review r = {state, "李", "核对", ""};
	cr_assert_eq(violation_review(engine_findings(engine), id, &r, now_ms), STATUS_OK);
}

/* --- the tests --- */

Test(hazard_feed, the_third_within_seven_days_makes_a_hazard_and_the_fourth_joins_it)
{
	speeds(TRUCK, day(0));
	speeds(TRUCK, day(3));
	run();
	cr_assert_eq(hazards_count(hazards), 0);
	speeds(TRUCK, day(7));
	run();
	cr_assert_eq(hazards_count(hazards), 1);
	linked(1, 3);
	says(1, HAZARD_FIELD_DESCRIPTION, "闽C123457天内第3次超速");
	says(1, HAZARD_FIELD_COMPANY, "海湾运输");
	says(1, HAZARD_FIELD_UNIT, "海湾运输");
	says(1, HAZARD_FIELD_PLACE, "24.9000000,-118.7200001");
	speeds(TRUCK, day(8));
	run();
	linked(1, 4);
	speeds(TRUCK, day(20));
	run();
	linked(1, 4);
	cr_assert_eq(hazards_count(hazards), 1);
}

Test(hazard_feed, a_millisecond_past_the_span_is_past_it_and_plates_are_told_apart_by_colour)
{
	speeds(TRUCK, day(0));
	speeds(TRUCK, day(3));
	speeds(TRUCK, day(7) + 1);
	speeds(OTHER, day(1));
	run();
	cr_assert_eq(hazards_count(hazards), 0);
}

Test(hazard_feed, late_findings_fill_a_span_in_the_past)
{
	speeds(TRUCK, day(10));
	speeds(TRUCK, day(4));
	run();
	speeds(TRUCK, day(6));
	run();
	cr_assert_eq(hazards_count(hazards), 1);
	linked(1, 3);
}

Test(hazard_feed, a_rejected_finding_is_taken_back_and_a_hazard_without_any_is_void)
{
	for (int i = 0; i < 3; i++)
		speeds(TRUCK, day(i));
	run();
	linked(1, 3);
	review(2, CASE_REJECTED);
	run();
	linked(1, 2);
	run();
	linked(1, 2);
	review(2, CASE_PENDING);
	run();
	linked(1, 3);
	replace_of(TRUCK, REPLACE_ALL, NULL, 0);
	run();
	linked(1, 0);
	struct hazard h = get(1);
	cr_assert_eq(h.state, HAZARD_VOID);
	hazard_deinit(&h);
}

Test(hazard_feed, only_a_confirmed_finding_counts_where_the_policy_says_so)
{
	struct told_finding t = told(TRUCK, RULE_ZONE, "closed-road", day(1));
	strcpy(t.finding.fence, "a1");
	replace_of(TRUCK, REPLACE_TOLD, &t, 1);
	run();
	cr_assert_eq(hazards_count(hazards), 0);
	review(1, CASE_CONFIRMED);
	run();
	cr_assert_eq(hazards_count(hazards), 1);
	says(1, HAZARD_FIELD_DESCRIPTION, "海湾运输a1");
	says(1, HAZARD_FIELD_CAUSE, "zone/海湾运输");
}

static void emergency(int64_t start_ms)
{
	struct told_finding t = told(TRUCK, RULE_ALARM_BITS, "emergency", start_ms);
	replace_of(TRUCK, REPLACE_TOLD, &t, 1);
}

Test(hazard_feed, an_alarm_nobody_handles_in_ten_minutes_becomes_a_hazard)
{
	emergency(day(1));
	run();
	now_ms = NOW + 10 * MS_PER_MINUTE - 1;
	run();
	cr_assert_eq(hazards_count(hazards), 0);
	now_ms = NOW + 10 * MS_PER_MINUTE;
	run();
	cr_assert_eq(hazards_count(hazards), 1);
	linked(1, 1);
}

Test(hazard_feed, an_alarm_handled_in_time_does_not)
{
	emergency(day(1));
	run();
	now_ms = NOW + 5 * MS_PER_MINUTE;
	cr_assert_eq(violation_handle(engine_findings(engine), 1, "李", "电话", "已提醒", now_ms), STATUS_OK);
	run();
	now_ms = NOW + 20 * MS_PER_MINUTE;
	run();
	cr_assert_eq(hazards_count(hazards), 0);
}

/* A sensor's alarm: the subject is the stream, the device its site, whose company and village the hazard gets. */
Test(hazard_feed, an_alarm_of_a_site_nobody_handles_becomes_a_hazard_of_its_company)
{
	const struct registry_change changes[] = {{DEVICE_FIELD_COMPANY, span_of_string("东村木器厂")},
						  {DEVICE_FIELD_VILLAGE, span_of_string("东村")}};
	const uint64_t site = site_id(span_of_string("E-1"));
	const uint64_t stream = stream_id(site, span_of_string("fire_alarm"));
	cr_assert_eq(registry_apply(engine_registry(engine), site, DEVICE_KIND_SENSOR, changes, 2, VALID_ALWAYS_FROM,
				    "test", NULL),
		     STATUS_OK);
	struct told_finding t = told(site, RULE_STATE, "fire-alarm", day(1));
	t.finding.subject = stream;
	t.finding.open = true;
	t.finding.start_lat_e7 = t.finding.start_lon_e7 = 0;
	struct replacement r = {.subject = stream,
				.stage = RULE_STAGE_STREAMS,
				.scope = REPLACE_AFTER,
				.after = {day(0), 0},
				.keep_before_ms = INT64_MIN,
				.findings = &t,
				.finding_count = 1,
				.now_ms = now_ms};
	cr_assert_eq(findings_replace(engine_findings(engine), &r, NULL, NULL), STATUS_OK);
	run();
	now_ms = NOW + 10 * MS_PER_MINUTE;
	run();
	cr_assert_eq(hazards_count(hazards), 1);
	says(1, HAZARD_FIELD_COMPANY, "东村木器厂");
	says(1, HAZARD_FIELD_VILLAGE, "东村");
	says(1, HAZARD_FIELD_PLACE, ""); /* nobody said where the site is */
}

Test(hazard_feed, a_closed_hazard_relapses_with_what_begins_after_it)
{
	struct hazard_outcome out;
	const struct hazard_actor office = {HAZARD_ROLE_OFFICE, "林安", "乡安办"},
				  firm = {HAZARD_ROLE_ENTERPRISE, "陈", "海湾运输"},
				  clerk = {HAZARD_ROLE_CLERK, "王验", "交警大队"};
	const struct hazard_change registered[] = {{HAZARD_FIELD_SITE, span_of_string("停车场")},
						   {HAZARD_FIELD_SECTOR, span_of_string("道路交通")}},
				   assigned[] = {{HAZARD_FIELD_PERSON, span_of_string("陈")},
						 {HAZARD_FIELD_SUPERVISOR, span_of_string("交警大队")}},
				   measures[] = {{HAZARD_FIELD_MEASURES, span_of_string("培训")}};
	const struct hazard_order orders[] = {
		{.step = HAZARD_STEP_REGISTER, .actor = office, .changes = registered, .change_count = 2},
		{.step = HAZARD_STEP_ASSIGN, .actor = office, .changes = assigned, .change_count = 2},
		{.step = HAZARD_STEP_START, .actor = firm},
		{.step = HAZARD_STEP_APPLY,
		 .actor = firm,
		 .note = span_of_string("已整改"),
		 .changes = measures,
		 .change_count = 1},
		{.step = HAZARD_STEP_ACCEPT, .actor = clerk, .note = span_of_string("合格")},
		{.step = HAZARD_STEP_CLOSE, .actor = office}};
	for (int i = 0; i < 3; i++)
		speeds(TRUCK, day(i));
	run();
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		struct hazard_order o = orders[i];
		o.id = 1;
		o.at_ms = NOW + MS_PER_HOUR;
		cr_assert_eq(hazards_step(hazards, &o, &out), STATUS_OK, "%zu %s", i,
			     hazard_refusal_english(out.refusal.reason));
	}
	/* late, from before it was closed: counted, no relapse */
	speeds(TRUCK, day(3));
	run();
	linked(1, 4);
	struct hazard h = get(1);
	cr_assert_eq(h.state, HAZARD_CLOSED);
	hazard_deinit(&h);
	now_ms = NOW + 5 * MS_PER_DAY;
	for (int i = 0; i < 3; i++)
		speeds(TRUCK, NOW + MS_PER_DAY + i * MS_PER_HOUR);
	run();
	linked(1, 7);
	h = get(1);
	cr_assert_eq(h.state, HAZARD_REGISTERED);
	cr_assert_eq(h.relapses, 1);
	hazard_deinit(&h);
	cr_assert_eq(hazards_count(hazards), 1);
}

/* The cursor of a crash lies behind what was done: everything is taken in a second time. */
Test(hazard_feed, what_is_taken_in_twice_changes_nothing)
{
	uint8_t key[9] = {0x0a}, zero[8] = {0};
	struct store_batch *b;
	for (int i = 0; i < 4; i++)
		speeds(TRUCK, day(i));
	run();
	uint64_t steps = hazards_sequence(hazards);
	cr_assert_eq(steps, 4);
	cr_assert_eq(store_batch_new(engine_store(engine), &b), STATUS_OK);
	store_batch_put(b, STORE_HAZARD, span_of(key, sizeof key), span_of(zero, sizeof zero));
	cr_assert_eq(store_commit(engine_store(engine), b, true), STATUS_OK);
	store_batch_free(b);
	close_all();
	open_all();
	run();
	cr_assert_eq(hazards_sequence(hazards), steps);
	struct buf complaints = buf_init(4096);
	cr_assert_eq(hazards_check(engine_store(engine), &complaints), STATUS_OK, "%.*s", (int)complaints.size,
		     complaints.data);
	buf_deinit(&complaints);
}

#ifdef ZAYTON_CRASH_POINTS
/* RocksDB's threads do not come along to a child: this test's own process opens no store before the last child is gone.
 */
static int in_child(void (*work)(void), const char *crash)
{
	int state;
	pid_t child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		if (crash)
			setenv("ZAYTON_CRASH", crash, 1);
		open_all();
		work();
		close_all();
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &state, 0), child);
	return state;
}

static void tell_ten(void)
{
	name_device(TRUCK, "2:闽C12345");
	name_device(OTHER, "1:闽C12345");
	for (int i = 0; i < 5; i++) {
		speeds(TRUCK, day(i));
		speeds(OTHER, day(i));
	}
}

/* Killed again and again, wherever it is: in the end the register is as if nothing had happened. */
Test(hazard_feed_killed, every_finding_is_given_once, .timeout = 240)
{
	static const char *const points[] = {"feed_rows", "feed_step", "feed_cursor"};
	unsigned killed = 0;
	snprintf(dir, sizeof dir, "/tmp/zayton-feed-XXXXXX");
	cr_assert(mkdtemp(dir));
	now_ms = NOW;
	cr_assert_eq(in_child(tell_ten, NULL), 0);
	for (size_t p = 0; p < sizeof points / sizeof *points; p++)
		for (int n = 1; n <= 4; n++) {
			char crash[64];
			snprintf(crash, sizeof crash, "%s:%d", points[p], n);
			int state = in_child(run, crash);
			killed += WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL;
		}
	cr_assert_gt(killed, 5, "%u", killed);
	open_all();
	run();
	cr_assert_eq(hazards_count(hazards), 2);
	linked(1, 5);
	linked(2, 5);
	struct buf complaints = buf_init(4096);
	cr_assert_eq(hazards_check(engine_store(engine), &complaints), STATUS_OK, "%.*s", (int)complaints.size,
		     complaints.data);
	buf_deinit(&complaints);
	end();
}
#endif

Test(hazard_feed, a_thread_takes_in_what_comes)
{
	cr_assert_eq(hazard_feed_start(feed), STATUS_OK);
	for (int i = 0; i < 3; i++)
		speeds(TRUCK, day(i));
	while (hazards_count(hazards) == 0)
		usleep(1000);
	hazard_feed_free(feed);
	feed = NULL;
	linked(1, 3);
}

/* --- the policy file --- */

struct mistakes {
	char text[4096];
};

static void note_mistake(void *context, const char *path, const char *text)
{
	struct mistakes *m = context;
	snprintf(m->text + strlen(m->text), sizeof m->text - strlen(m->text), "%s: %s\n", path, text);
}

static void mistaken(const char *text, const char *expected)
{
	struct mistakes m = {""};
	struct feed_policies *p;
	cr_assert_eq(feed_policies_parse(span_of_string(text), note_mistake, &m, &p), STATUS_MALFORMED);
	cr_assert(strstr(m.text, expected), "%s", m.text);
}

Test(feed_policy, the_shipped_policy_is_taken_and_says_that_it_is_a_sample)
{
	struct feed_policies *p;
	cr_assert_eq(feed_policies_parse(feed_policies_default(), no_mistake, NULL, &p), STATUS_OK);
	cr_assert_gt(p->count, 3);
	for (size_t i = 0; i < p->count; i++)
		cr_assert(p->items[i].sample, "%s", p->items[i].id);
	feed_policies_free(p);
}

Test(feed_policy, every_mistake_is_told_by_its_path)
{
#define ONE(rest)                                                                                                      \
	"{\"policies\": [{\"id\": \"a\", \"per\": \"plate\", \"kinds\": [\"zone\"], \"description\": \"d\"" rest "}]}"
	mistaken("{\"policies\": [", "line 1");
	mistaken("{}", "policies: is no list");
	mistaken("{\"policies\": [7]}", "policies[0]: is no object");
	mistaken(ONE(", \"colour\": 1"), "policies[0].colour: is no key");
	mistaken(ONE(", \"count\": 0"), "policies[0].count: is no whole number from 1 to 1000");
	mistaken(ONE(", \"count\": 3"), "policies[0].within: is missing");
	mistaken(ONE(", \"within\": \"7 weeks\""), "policies[0].within: is no span");
	mistaken(ONE(", \"within\": \"0 d\""), "policies[0].within: is no span");
	mistaken(ONE(", \"classes\": [\"tank\"]"), "policies[0].classes: \"tank\" is not known");
	mistaken(ONE(", \"states\": [\"rejected\"]"), "policies[0].states: \"rejected\"");
	mistaken(ONE(", \"grade\": \"huge\""), "policies[0].grade: is none of");
	mistaken(ONE(", \"unit\": \"{owner}\""), "policies[0].unit: has a word in braces");
	mistaken(ONE(", \"sample\": 1"), "policies[0].sample: is neither");
	mistaken("{\"policies\": [{\"id\": \"A\"}]}", "policies[0].id: is missing, or not made");
	mistaken("{\"policies\": [{\"id\": \"a\"}]}", "policies[0].rules: is missing");
	mistaken("{\"policies\": [{\"id\": \"a\"}, {\"id\": \"a\"}]}", "policies[1].id: is there twice");
	mistaken("{\"policies\": [{\"id\": \"a\"}]}", "policies[0].description: is missing");
	mistaken("{\"policies\": [{\"id\": \"a\"}]}", "policies[0].per: is none of");
}
