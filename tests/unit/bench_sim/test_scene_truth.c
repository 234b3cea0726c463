#include <stdlib.h>

#include "bench/sim/scene_truth.h"
#include "scene_helpers.h"

#define TEXT                                                                                                           \
	"scene a\n  vehicle A truck\n    start 10:00:00 at 24.9,118.8\n  vehicle B truck\n    start 10:00:00 at "      \
	"24.9,118.8\n"                                                                                                 \
	"  find speed A 10:00:00 .. 10:01:00 in zone\n  find tired A,B 10:00:00 .. 10:01:00 within 60 s\n"

static void add(struct found_list *l, const char *rule, const char *phone, const char *fence, int64_t start_s,
		int64_t end_s)
{
	struct found *f = found_list_add(l);
	snprintf(f->rule, sizeof f->rule, "%s", rule);
	snprintf(f->phone, sizeof f->phone, "%s", phone);
	snprintf(f->fence, sizeof f->fence, "%s", fence);
	f->start_ms = MIDNIGHT_MS + CLOCK_MS(10, 0, 0) + start_s * 1000;
	f->end_ms = MIDNIGHT_MS + CLOCK_MS(10, 0, 0) + end_s * 1000;
}

static struct truth_totals match(const struct scene_book *b, struct found_list *findings)
{
	struct truth_list truths;
	truth_list_make(b, &truths);
	struct truth_totals totals = truth_match(&truths, findings);
	truth_list_deinit(&truths);
	found_list_deinit(findings);
	return totals;
}

Test(scene_truth, a_finding_within_tolerance_is_found)
{
	struct scene_book b = book_of(TEXT);
	struct found_list l = {0};
	add(&l, "speed", "13906000001", "zone", 10, 50);
	add(&l, "tired", "13906000002", "", -60, 120);
	struct truth_totals t = match(&b, &l);
	cr_expect_eq(t.truths, 2);
	cr_expect_eq(t.found, 2);
	cr_expect_eq(t.missed + t.wrong, 0);
	scene_book_deinit(&b);
}

Test(scene_truth, another_rule_vehicle_fence_or_time_is_missed_and_false)
{
	static const struct {
		const char *rule, *phone, *fence;
		int start_s, end_s;
	} others[] = {{"speeds", "13906000001", "zone", 0, 60},
		      {"speed", "13906000002", "zone", 0, 60},
		      {"speed", "13906000001", "", 0, 60},
		      {"speed", "13906000001", "zone", 11, 60},
		      {"speed", "13906000001", "zone", 0, 71}};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct scene_book b = book_of(TEXT);
		struct found_list l = {0};
		add(&l, others[i].rule, others[i].phone, others[i].fence, others[i].start_s, others[i].end_s);
		struct truth_totals t = match(&b, &l);
		cr_expect_eq(t.found, 0, "case %zu", i);
		cr_expect_eq(t.missed, 2, "case %zu", i);
		cr_expect_eq(t.wrong, 1, "case %zu", i);
		scene_book_deinit(&b);
	}
}

Test(scene_truth, two_truths_need_two_findings)
{
	struct scene_book b = book_of(TEXT "  find speed A 10:00:05 .. 10:01:05 in zone\n");
	struct found_list l = {0};
	add(&l, "speed", "13906000001", "zone", 3, 63);
	struct truth_totals t = match(&b, &l);
	cr_expect_eq(t.found, 1);
	cr_expect_eq(t.missed, 2);
	cr_expect_eq(t.wrong, 0);
	scene_book_deinit(&b);
}

Test(scene_truth, two_findings_of_one_truth_are_one_too_many)
{
	struct scene_book b = book_of(TEXT);
	struct found_list l = {0};
	add(&l, "speed", "13906000001", "zone", 0, 60);
	add(&l, "speed", "13906000001", "zone", 1, 60);
	struct truth_totals t = match(&b, &l);
	cr_expect_eq(t.found, 1);
	cr_expect_eq(t.missed, 1);
	cr_expect_eq(t.wrong, 1);
	scene_book_deinit(&b);
}

Test(scene_truth, truth_is_written_a_line_each)
{
	struct scene_book b = book_of(TEXT);
	struct truth_list truths;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	truth_list_make(&b, &truths);
	truth_list_write(&truths, out);
	fclose(out);
	cr_expect_str_eq(text,
			 "{\"rule\":\"speed\",\"device\":\"13906000001\",\"devices\":[\"13906000001\"],"
			 "\"start_ms\":1773108000000,\"end_ms\":1773108060000,\"tolerance_ms\":10000,\"fence\":"
			 "\"zone\",\"scenario\":\"a\"}\n"
			 "{\"rule\":\"tired\",\"device\":\"13906000001\",\"devices\":[\"13906000001\",\"13906000002\"],"
			 "\"start_ms\":1773108000000,\"end_ms\":1773108060000,\"tolerance_ms\":60000,\"fence\":\"\","
			 "\"scenario\":\"a\"}\n");
	free(text);
	truth_list_deinit(&truths);
	scene_book_deinit(&b);
}
