#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/fleet/findings.h"

#define DEVICE 0x1122334455667788u
#define NOW 1780000000000

static char dir[64];
static struct store *store;
static struct findings *findings;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void open_all(void)
{
	struct store_options options = {.dir = dir, .create = true};
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
	cr_assert_eq(findings_open(store, &findings), STATUS_OK);
}

static void close_all(void)
{
	findings_close(findings);
	store_close(store);
}

static void begin(void)
{
	snprintf(dir, sizeof dir, "/tmp/zayton-findings-XXXXXX");
	cr_assert(mkdtemp(dir));
	open_all();
}

static void end(void)
{
	close_all();
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(findings, .init = begin, .fini = end);

/* --- what is told --- */

static struct told_finding told(int64_t start_ms, int64_t end_ms, bool open)
{
	struct told_finding t = {.decided = {end_ms, 7}};
	t.finding = (struct finding){.subject = DEVICE,
				     .device = DEVICE,
				     .rule = "closed-road",
				     .fence = "a1",
				     .fence_version = 1,
				     .kind = RULE_ZONE,
				     .confidence = CONFIDENCE_HIGH,
				     .open = open,
				     .start_ms = start_ms,
				     .end_ms = end_ms,
				     .found_ms = start_ms};
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		t.finding.numbers[n] = NUMBER_UNKNOWN;
	return t;
}

static void replace_of(struct replacement r)
{
	r.now_ms = NOW;
	cr_assert_eq(findings_replace(findings, &r, NULL, NULL), STATUS_OK);
}

static void tell(struct told_finding t)
{
	replace_of((struct replacement){
		.stage = 1, .scope = REPLACE_TOLD, .keep_before_ms = INT64_MIN, .findings = &t, .finding_count = 1});
}

/* Everything decided after `after_ms` is replaced by these. */
static void again(int64_t after_ms, const struct told_finding *list, size_t count)
{
	replace_of((struct replacement){.subject = DEVICE,
					.stage = 1,
					.scope = REPLACE_AFTER,
					.after = {after_ms, 7},
					.keep_before_ms = INT64_MIN,
					.findings = list,
					.finding_count = count});
}

static struct violation get(uint64_t id)
{
	struct violation v;
	cr_assert_eq(violation_get(findings, id, &v), STATUS_OK, "case %llu", (unsigned long long)id);
	return v;
}

static enum status review(uint64_t id, uint8_t state, const char *why, const char *document)
{
	struct review r = {state, "交警·李", why, document};
	return violation_review(findings, id, &r, NOW + 1);
}

/* --- what was written down, as "1 raised pending, 2 closed pending" --- */

static enum status write_event(void *context, const struct case_event *e)
{
	char *text = context;
	sprintf(text + strlen(text), "%s%u %s %s", *text ? ", " : "", e->number, case_event_token(e->kind),
		case_state_token(e->state));
	return STATUS_OK;
}

static void expect_history(uint64_t id, const char *expected)
{
	char text[1024] = "";
	cr_assert_eq(violation_history(findings, id, write_event, text), STATUS_OK);
	cr_expect_str_eq(text, expected);
}

static enum status write_feed(void *context, uint64_t feed, uint8_t event, uint64_t id, int64_t at_ms)
{
	char *text = context;
	(void)at_ms;
	sprintf(text + strlen(text), "%s%llu:%llu %s", *text ? ", " : "", (unsigned long long)feed,
		(unsigned long long)id, case_event_token(event));
	return STATUS_OK;
}

static void expect_feed(uint64_t after, const char *expected)
{
	char text[1024] = "";
	cr_assert_eq(findings_feed(findings, after, write_feed, text), STATUS_OK);
	cr_expect_str_eq(text, expected);
}

static enum status write_start(void *context, const struct violation *v)
{
	char *text = context;
	sprintf(text + strlen(text), "%s%llu@%lld", *text ? ", " : "", (unsigned long long)v->id,
		(long long)v->finding.start_ms);
	return STATUS_OK;
}

static void expect_scan(int64_t from_ms, int64_t to_ms, int64_t after_ms, uint64_t after_id, const char *expected)
{
	char text[1024] = "";
	cr_assert_eq(violations_scan(findings, from_ms, to_ms, after_ms, after_id, write_start, text), STATUS_OK);
	cr_expect_str_eq(text, expected);
}

/* --- raising and closing --- */

Test(findings, an_open_one_is_raised_grows_in_silence_and_closes)
{
	tell(told(1000, 2000, true));
	tell(told(1000, 5000, true));
	cr_expect_eq(get(1).finding.end_ms, 5000);
	cr_expect(get(1).finding.open);
	expect_history(1, "1 raised pending");
	tell(told(1000, 6000, false));
	expect_history(1, "1 raised pending, 2 closed pending");
	expect_feed(0, "1:1 raised, 2:1 closed");
	expect_feed(1, "2:1 closed");
	cr_expect_eq(findings_feed_last(findings), 2);
	cr_expect_eq(get(1).events, 2);
}

Test(findings, one_that_has_ended_is_raised_and_closed_at_once_and_said_twice_is_one)
{
	tell(told(1000, 2000, false));
	tell(told(1000, 2000, false));
	expect_history(1, "1 raised pending, 2 closed pending");
	expect_scan(INT64_MIN, INT64_MAX, 0, 0, "1@1000");
}

Test(findings, of_several_words_on_one_the_last_counts)
{
	struct told_finding list[] = {told(1000, 2000, true), told(1000, 3000, true), told(1000, 4000, false)};
	again(0, list, 3);
	cr_expect_eq(get(1).finding.end_ms, 4000);
	expect_history(1, "1 raised pending, 2 closed pending");
}

Test(findings, what_comes_to_light_long_after_is_no_news)
{
	struct told_finding news = told(NOW - 90000, NOW - 1000, false);
	tell(told(1000, 2000, false));
	tell(news);
	cr_expect(get(1).late);
	cr_expect_not(get(2).late);
	cr_expect_eq(findings_stats(findings)->late, 1);
	cr_expect_eq(findings_stats(findings)->raised, 2);
}

/* --- judged again --- */

Test(findings, another_start_amends_under_the_same_id)
{
	struct told_finding earlier = told(500, 2000, false);
	tell(told(1000, 2000, false));
	again(0, &earlier, 1);
	cr_expect_eq(get(1).finding.start_ms, 500);
	cr_expect_eq(get(1).amended, 1);
	expect_history(1, "1 raised pending, 2 closed pending, 3 amended pending");
	expect_scan(INT64_MIN, INT64_MAX, 0, 0, "1@500");
}

Test(findings, what_is_not_found_again_is_withdrawn_and_stays_readable)
{
	tell(told(1000, 2000, false));
	again(0, NULL, 0);
	struct violation v = get(1);
	cr_expect_eq(v.state, CASE_WITHDRAWN);
	cr_expect_eq(v.finding.start_ms, 1000);
	expect_history(1, "1 raised pending, 2 closed pending, 3 withdrawn withdrawn");
	/* found once more it is another case */
	tell(told(1000, 2000, false));
	expect_scan(INT64_MIN, INT64_MAX, 0, 0, "1@1000, 2@1000");
	cr_expect_eq(get(2).state, CASE_PENDING);
}

Test(findings, what_was_decided_before_is_left_alone_unless_it_is_open)
{
	tell(told(1000, 2000, false));
	tell(told(3000, 4000, true));
	again(4000, NULL, 0);
	cr_expect_eq(get(1).state, CASE_PENDING);
	cr_expect_eq(get(2).state, CASE_WITHDRAWN);
	again(1999, NULL, 0);
	cr_expect_eq(get(1).state, CASE_WITHDRAWN);
}

Test(findings, what_began_before_the_stored_track_is_not_withdrawn)
{
	tell(told(1000, 2000, false));
	tell(told(5000, 6000, false));
	replace_of((struct replacement){.subject = DEVICE, .stage = 1, .scope = REPLACE_ALL, .keep_before_ms = 3000});
	cr_expect_eq(get(1).state, CASE_PENDING);
	cr_expect_eq(get(2).state, CASE_WITHDRAWN);
}

Test(findings, stages_do_not_touch_each_other)
{
	struct told_finding fatigue = told(1000, 2000, false);
	fatigue.finding.kind = RULE_FATIGUE;
	strcpy(fatigue.finding.rule, "fatigue");
	replace_of((struct replacement){.subject = DEVICE,
					.stage = 2,
					.scope = REPLACE_ALL,
					.keep_before_ms = INT64_MIN,
					.findings = &fatigue,
					.finding_count = 1});
	tell(told(1000, 2000, false));
	again(0, NULL, 0);
	cr_expect_eq(get(1).state, CASE_PENDING);
	cr_expect_eq(get(2).state, CASE_WITHDRAWN);
}

Test(findings, the_largest_overlap_keeps_the_id)
{
	struct told_finding joined = told(90, 390, false);
	tell(told(0, 100, false));
	tell(told(200, 400, false));
	again(-1, &joined, 1);
	cr_expect_eq(get(1).state, CASE_WITHDRAWN);
	cr_expect_eq(get(2).finding.start_ms, 90);
	cr_expect_eq(get(2).amended, 1);
	/* and parted again: each side takes what it shares most with */
	struct told_finding parts[] = {told(60, 120, false), told(150, 390, false)};
	again(-1, parts, 2);
	cr_expect_eq(get(2).finding.start_ms, 150);
	cr_expect_eq(get(3).finding.start_ms, 60);
	expect_scan(INT64_MIN, INT64_MAX, 0, 0, "1@0, 3@60, 2@150");
}

Test(findings, another_rule_or_fence_is_another_finding)
{
	struct told_finding other = told(1000, 2000, false);
	strcpy(other.finding.fence, "a2");
	tell(told(1000, 2000, false));
	again(0, &other, 1);
	cr_expect_eq(get(1).state, CASE_WITHDRAWN);
	cr_expect_str_eq(get(2).finding.fence, "a2");
}

/* --- people --- */

Test(findings, only_steps_that_make_sense_are_taken)
{
	tell(told(1000, 2000, false));
	cr_expect_eq(review(1, CASE_TRANSFERRED, "核实", "D-1"), STATUS_CONFLICT);
	cr_expect_eq(review(1, CASE_PENDING, "核实", NULL), STATUS_CONFLICT);
	cr_expect_eq(review(1, CASE_CONFIRMED, "", NULL), STATUS_INVALID);
	cr_expect_eq(review(1, CASE_WITHDRAWN, "核实", NULL), STATUS_INVALID);
	cr_expect_eq(review(9, CASE_CONFIRMED, "核实", NULL), STATUS_NOT_FOUND);
	cr_expect_eq(review(1, CASE_REJECTED, "误报", NULL), STATUS_OK);
	cr_expect_eq(review(1, CASE_CONFIRMED, "核实", NULL), STATUS_CONFLICT);
	cr_expect_eq(review(1, CASE_PENDING, "再看", NULL), STATUS_OK);
	cr_expect_eq(review(1, CASE_CONFIRMED, "属实", NULL), STATUS_OK);
	cr_expect_eq(review(1, CASE_TRANSFERRED, "移交", NULL), STATUS_INVALID, "a transfer needs its document");
	cr_expect_eq(review(1, CASE_TRANSFERRED, "移交", ""), STATUS_INVALID);
	cr_expect_eq(review(1, CASE_TRANSFERRED, "移交", "闽交移 2026-7"), STATUS_OK);
	cr_expect_eq(review(1, CASE_REJECTED, "误报", NULL), STATUS_CONFLICT);
	expect_history(1, "1 raised pending, 2 closed pending, 3 reviewed rejected, 4 reopened pending, "
			  "5 reviewed confirmed, 6 reviewed transferred");
}

Test(findings, what_is_open_or_gone_is_not_confirmed)
{
	tell(told(1000, 2000, true));
	cr_expect_eq(review(1, CASE_CONFIRMED, "属实", NULL), STATUS_CONFLICT);
	cr_expect_eq(review(1, CASE_REJECTED, "误报", NULL), STATUS_OK);
	again(0, NULL, 0);
	for (uint8_t state = CASE_PENDING; state < CASE_WITHDRAWN; state++)
		cr_expect_eq(review(1, state, "为何", "D-1"), STATUS_CONFLICT, "%s", case_state_token(state));
}

Test(findings, what_was_confirmed_and_amended_is_looked_at_again_and_keeps_what_was_confirmed)
{
	struct told_finding longer = told(1000, 3000, false), longest = told(1000, 4000, false);
	tell(told(1000, 2000, false));
	cr_assert_eq(review(1, CASE_CONFIRMED, "属实", NULL), STATUS_OK);
	again(0, &longer, 1);
	again(0, &longest, 1);
	struct violation v = get(1);
	cr_expect_eq(v.state, CASE_PENDING);
	cr_assert(v.has_confirmed);
	cr_expect_eq(v.confirmed.end_ms, 2000);
	cr_expect_eq(v.finding.end_ms, 4000);
	cr_expect_eq(v.amended, 2);
	cr_assert_eq(review(1, CASE_CONFIRMED, "属实", NULL), STATUS_OK);
	cr_expect_eq(get(1).confirmed.end_ms, 4000);
	again(0, NULL, 0);
	cr_expect_eq(get(1).state, CASE_WITHDRAWN);
	cr_expect_eq(get(1).confirmed.end_ms, 4000);
}

static enum status last_event(void *context, const struct case_event *e)
{
	char *text = context;
	sprintf(text, "%s|%.*s|%.*s|%.*s", case_event_token(e->kind), (int)e->who.size, (const char *)e->who.data,
		(int)e->text.size, (const char *)e->text.data, (int)e->document.size, (const char *)e->document.data);
	return STATUS_OK;
}

Test(findings, who_dealt_with_it_and_how_is_kept)
{
	char text[512];
	tell(told(1000, 2000, true));
	cr_expect_eq(violation_handle(findings, 1, "值班员", "", "", NOW), STATUS_INVALID);
	cr_expect_eq(violation_handle(findings, 1, "", "电话", "", NOW), STATUS_INVALID);
	cr_expect_eq(violation_handle(findings, 2, "值班员", "电话", "", NOW), STATUS_NOT_FOUND);
	cr_expect_not(get(1).handled);
	cr_expect_eq(violation_handle(findings, 1, "值班员", "电话提醒", "已停车", NOW), STATUS_OK);
	cr_expect(get(1).handled);
	cr_expect_eq(get(1).state, CASE_PENDING);
	cr_assert_eq(violation_history(findings, 1, last_event, text), STATUS_OK);
	cr_expect_str_eq(text, "handled|值班员|电话提醒: 已停车|");
	tell(told(1000, 2000, false));
	cr_assert_eq(review(1, CASE_CONFIRMED, "属实", NULL), STATUS_OK);
	cr_assert_eq(review(1, CASE_TRANSFERRED, "移交", "D-7"), STATUS_OK);
	cr_assert_eq(violation_history(findings, 1, last_event, text), STATUS_OK);
	cr_expect_str_eq(text, "reviewed|交警·李|移交|D-7");
}

/* --- reading --- */

Test(findings, they_are_scanned_by_start_and_gone_on_with)
{
	tell(told(3000, 3500, false));
	tell(told(1000, 1500, false));
	tell(told(2000, 2500, false));
	expect_scan(INT64_MIN, INT64_MAX, 0, 0, "2@1000, 3@2000, 1@3000");
	expect_scan(1000, 2000, 0, 0, "2@1000, 3@2000");
	expect_scan(1001, 2999, 0, 0, "3@2000");
	expect_scan(INT64_MIN, INT64_MAX, 2000, 3, "1@3000");
}

Test(findings, numbers_go_on_after_the_store_was_closed)
{
	tell(told(1000, 2000, false));
	close_all();
	open_all();
	cr_expect_eq(findings_feed_last(findings), 2);
	tell(told(5000, 6000, true));
	expect_feed(0, "1:1 raised, 2:1 closed, 3:2 raised");
	cr_expect_eq(get(1).finding.start_ms, 1000);
	cr_expect_eq(get(2).finding.start_ms, 5000);
}

struct heard {
	unsigned count;
	uint64_t feed, id;
	enum case_event_kind event;
};

static void hear(void *context, uint64_t feed, enum case_event_kind event, const struct violation *v)
{
	struct heard *h = context;
	h->count++;
	h->feed = feed;
	h->event = event;
	h->id = v->id;
}

Test(findings, who_listens_is_told_every_event_once)
{
	struct heard h = {0};
	findings_on_change(findings, hear, &h);
	tell(told(1000, 2000, true));
	tell(told(1000, 3000, true));
	cr_expect_eq(h.count, 1);
	tell(told(1000, 3000, false));
	cr_expect_eq(h.count, 2);
	cr_expect_eq(h.feed, 2);
	cr_expect_eq(h.event, CASE_EVENT_CLOSED);
	cr_expect_eq(h.id, 1);
}

/* --- facts --- */

static struct told_fact drive(int64_t from_ms, int64_t to_ms, uint64_t driver)
{
	return (struct told_fact){
		.fact = {.kind = FACT_DRIVE, .device = DEVICE, .driver = driver, .from_ms = from_ms, .to_ms = to_ms},
		.decided = {to_ms, 7}};
}

/* "subject", and "!" when its raw reports may be others; the device as D. */
static void note_subject(void *context, uint64_t subject, int64_t raw_from_ms)
{
	char *text = context, name[20];
	snprintf(name, sizeof name, "%llx", (unsigned long long)subject);
	sprintf(text + strlen(text), "%s%s%s", *text ? " " : "", subject == DEVICE ? "D" : name,
		raw_from_ms == INT64_MAX ? "" : "!");
}

static void tell_facts(enum replace_scope scope, const struct told_fact *facts, size_t count, const char *touched)
{
	char text[512] = "";
	struct replacement r = {.subject = DEVICE,
				.stage = 1,
				.scope = scope,
				.keep_before_ms = INT64_MIN,
				.facts = facts,
				.fact_count = count,
				.now_ms = NOW};
	cr_assert_eq(findings_replace(findings, &r, note_subject, text), STATUS_OK);
	cr_expect_str_eq(text, touched);
}

static enum status count_fact(void *context, const struct fact *f)
{
	size_t *count = context;
	(void)f;
	++*count;
	return STATUS_OK;
}

static size_t facts_about(uint64_t subject)
{
	size_t count = 0;
	cr_assert_eq(facts_of(findings, subject, count_fact, &count), STATUS_OK);
	return count;
}

Test(findings, subjects_are_named_whose_facts_changed_or_whose_reports_were_judged_again)
{
	struct told_fact by_one = drive(1000, 2000, 0xa), by_other = drive(1000, 2000, 0xb);
	tell_facts(REPLACE_TOLD, &by_one, 1, "a");
	tell_facts(REPLACE_TOLD, &by_one, 1, "");
	tell_facts(REPLACE_ALL, &by_one, 1, "D! a!");
	cr_expect_eq(facts_about(0xa), 1);
	tell_facts(REPLACE_ALL, &by_other, 1, "D! a! b!");
	cr_expect_eq(facts_about(0xa), 0);
	cr_expect_eq(facts_about(0xb), 1);
	tell_facts(REPLACE_ALL, NULL, 0, "D! b!");
	cr_expect_eq(facts_about(0xb), 0);
}
