/* One vehicle seen by several sources: one case, whoever of them shows it. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/fleet/findings.h"

#define OWN 11u /* the vehicle's terminal */
#define WEST 22u
#define EAST 33u  /* platforms that forward it */
#define OTHER 44u /* of another vehicle */
#define NOW 1780000000000

static char dir[64];
static struct store *store;
static struct findings *findings;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static size_t sources(void *context, uint64_t device, int64_t at_ms, uint64_t *out, size_t max)
{
	static const uint64_t all[] = {OWN, WEST, EAST};
	size_t count = 0;
	(void)context, (void)at_ms, (void)max;
	for (size_t i = 0; i < 3 && device != OTHER; i++)
		if (all[i] != device)
			out[count++] = all[i];
	return count;
}

static void begin(void)
{
	struct store_options options = {.dir = dir, .create = true};
	snprintf(dir, sizeof dir, "/tmp/zayton-join-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
	cr_assert_eq(findings_open(store, &findings), STATUS_OK);
	findings_on_sources(findings, sources, NULL);
}

static void end(void)
{
	findings_close(findings);
	store_close(store);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(findings_join, .init = begin, .fini = end);

static struct told_finding shown(uint64_t device, int64_t start_ms, int64_t end_ms)
{
	struct told_finding t = {.decided = {end_ms, 7}};
	t.finding = (struct finding){.subject = device,
				     .device = device,
				     .rule = "fast",
				     .kind = RULE_OVERSPEED,
				     .confidence = CONFIDENCE_HIGH,
				     .start_ms = start_ms,
				     .end_ms = end_ms,
				     .found_ms = start_ms};
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		t.finding.numbers[n] = NUMBER_UNKNOWN;
	return t;
}

static void tell(const struct told_finding *list, size_t count)
{
	struct replacement r = {.stage = 1,
				.scope = REPLACE_TOLD,
				.keep_before_ms = INT64_MIN,
				.findings = list,
				.finding_count = count,
				.now_ms = NOW};
	cr_assert_eq(findings_replace(findings, &r, NULL, NULL), STATUS_OK);
}

static void show(uint64_t device, int64_t start_ms, int64_t end_ms)
{
	struct told_finding t = shown(device, start_ms, end_ms);
	tell(&t, 1);
}

/* All that the device showed is this; with `end_ms` 0 nothing. */
static void show_instead(uint64_t device, int64_t start_ms, int64_t end_ms)
{
	struct told_finding t = shown(device, start_ms, end_ms);
	struct replacement r = {.subject = device,
				.stage = 1,
				.scope = REPLACE_ALL,
				.keep_before_ms = INT64_MIN,
				.findings = &t,
				.finding_count = end_ms != 0,
				.now_ms = NOW};
	cr_assert_eq(findings_replace(findings, &r, NULL, NULL), STATUS_OK);
}

/* "id:device state", of cases or of all findings. */
static enum status write_case(void *context, const struct violation *v)
{
	char *text = context;
	sprintf(text + strlen(text), "%s%llu:%llu %s", *text ? ", " : "", (unsigned long long)v->id,
		(unsigned long long)v->finding.device, case_state_token(v->state));
	return STATUS_OK;
}

static void expect_cases(const char *expected)
{
	char text[512] = "";
	cr_assert_eq(violations_scan(findings, INT64_MIN, INT64_MAX, 0, 0, write_case, text), STATUS_OK);
	cr_expect_str_eq(text, expected);
}

static enum status count_standing(void *context, const struct violation *v)
{
	*(unsigned *)context += v->state != CASE_WITHDRAWN;
	return STATUS_OK;
}

static void expect_standing(unsigned expected)
{
	unsigned count = 0;
	cr_assert_eq(violations_scan_all(findings, INT64_MIN, INT64_MAX, count_standing, &count), STATUS_OK);
	cr_expect_eq(count, expected, "%u findings stand, not %u", count, expected);
}

static enum status write_event(void *context, const struct case_event *e)
{
	char *text = context;
	sprintf(text + strlen(text), "%s%u %s", *text ? ", " : "", e->number, case_event_token(e->kind));
	if (e->has_finding)
		sprintf(text + strlen(text), " %llu", (unsigned long long)e->finding.device);
	return STATUS_OK;
}

static void expect_history(uint64_t id, const char *expected)
{
	char text[1024] = "";
	cr_assert_eq(violation_history(findings, id, write_event, text), STATUS_OK);
	cr_expect_str_eq(text, expected);
}

static uint64_t raised(void)
{
	return findings_stats(findings)->raised;
}

static void confirm(uint64_t id)
{
	struct review r = {CASE_CONFIRMED, "li", "seen", NULL};
	cr_assert_eq(violation_review(findings, id, &r, NOW), STATUS_OK);
}

Test(findings_join, what_a_second_source_shows_of_the_same_joins_the_first_case)
{
	struct violation guest;
	show(OWN, 100, 200);
	show(WEST, 150, 250);
	show(EAST, 240, 260); /* touches what West shows alone, and not the case */
	expect_cases("1:11 pending, 3:33 pending");
	expect_standing(3);
	cr_expect_eq(raised(), 2);
	expect_history(1, "1 raised 11, 2 closed 11, 3 joined 22");
	expect_history(2, "");
	cr_assert_eq(violation_get(findings, 2, &guest), STATUS_OK);
	cr_expect_eq(guest.joined, 1);
	struct review r = {CASE_CONFIRMED, "li", "seen", NULL};
	cr_expect_eq(violation_review(findings, 2, &r, NOW), STATUS_CONFLICT);
}

Test(findings_join, another_vehicle_another_rule_and_another_time_are_cases_of_their_own)
{
	struct told_finding other = shown(WEST, 150, 160);
	show(OWN, 100, 200);
	show(OTHER, 100, 200);
	show(WEST, 201, 250);
	strcpy(other.finding.rule, "slow");
	tell(&other, 1);
	expect_cases("1:11 pending, 2:44 pending, 4:22 pending, 3:22 pending");
}

Test(findings_join, both_told_at_once_are_one_case)
{
	struct told_finding both[] = {shown(WEST, 100, 200), shown(OWN, 100, 210)};
	tell(both, 2);
	expect_cases("1:11 pending");
	expect_standing(2);
	expect_history(1, "1 raised 11, 2 closed 11, 3 joined 22");
}

Test(findings_join, one_that_is_open_takes_in_what_comes_later)
{
	struct told_finding open = shown(OWN, 100, 100);
	open.finding.open = true;
	tell(&open, 1);
	show(WEST, 150, 170);
	expect_cases("1:11 pending");
	show(OWN, 100, 200);
	expect_cases("1:11 pending");
	show_instead(OWN, 100, 120); /* it had ended before */
	expect_cases("1:11 pending, 2:22 pending");
	expect_standing(2);
	expect_history(1, "1 raised 11, 2 joined 22, 3 closed 11, 4 amended 11, 5 parted 22");
	expect_history(2, "1 raised 22, 2 closed 22");
}

Test(findings_join, when_the_first_goes_the_second_has_the_case)
{
	struct violation v;
	show(OWN, 100, 200);
	show(WEST, 100, 250);
	confirm(1);
	show_instead(OWN, 0, 0);
	expect_cases("1:22 pending");
	expect_standing(1);
	expect_history(1, "1 raised 11, 2 closed 11, 3 joined 22, 4 reviewed 11, 5 amended 22");
	cr_assert_eq(violation_get(findings, 1, &v), STATUS_OK);
	cr_expect(v.has_confirmed && v.confirmed.device == OWN, "what was confirmed is kept");
	cr_expect_eq(violation_get(findings, 2, &v), STATUS_NOT_FOUND);
	cr_expect_eq(findings_stats(findings)->withdrawn, 0);
	show_instead(WEST, 0, 0);
	expect_cases("1:22 withdrawn");
	expect_standing(0);
}

Test(findings_join, when_the_second_goes_the_case_stays)
{
	show(OWN, 100, 200);
	show(WEST, 150, 250);
	confirm(1);
	show_instead(WEST, 0, 0);
	expect_cases("1:11 confirmed");
	expect_standing(1);
	expect_history(1, "1 raised 11, 2 closed 11, 3 joined 22, 4 reviewed 11, 5 parted 22");
	show(WEST, 150, 250); /* and back */
	expect_cases("1:11 confirmed");
}

Test(findings_join, a_guest_that_overlaps_no_more_has_a_case_of_its_own)
{
	show(OWN, 100, 200);
	show(WEST, 190, 400);
	show_instead(WEST, 195, 410);
	expect_cases("1:11 pending");
	show_instead(WEST, 300, 400);
	expect_cases("1:11 pending, 2:22 pending");
	expect_history(2, "1 raised 22, 2 closed 22");
	cr_expect_eq(raised(), 2);
}

Test(findings_join, of_two_guests_the_one_that_does_not_fit_the_successor_parts)
{
	show(OWN, 100, 400);
	show(WEST, 100, 200);
	show(EAST, 300, 400);
	expect_cases("1:11 pending");
	show_instead(OWN, 0, 0);
	expect_cases("1:22 pending, 3:33 pending");
	expect_standing(2);
}
