#include "unit/detect/stage2_world.h"

static struct world w;
static struct told told;

static void judge_as_of(const struct fact *visits, size_t count, int64_t as_of_ms)
{
	struct detect_sink sink = {.context = &told, .finding = keep};
	told.count = 0;
	cr_assert_eq(patrol_judge(&w.context, span_of_string("g0"), visits, count, 0, as_of_ms, &sink), STATUS_OK);
}

/* Every fence of the tag once in 24 h by anybody; on duty from Monday 00:00. */
static void begin(void)
{
	world_init(&w, 1);
	w.rules[0] = rule_of("patrol", RULE_PATROL, 1u << DEVICE_CLASS_COACH);
	w.rules[0].params[PARAM_PATROL_TAG] = tag_param("patrol_cell");
	w.rules[0].params[PARAM_PATROL_TIME] = 24 * HOUR;
	w.context.fences = gates_of("patrol_cell", 2, MONDAY);
}

static void end(void)
{
	fence_set_unref((struct fence_set *)w.context.fences);
}

TestSuite(patrol, .init = begin, .fini = end);

Test(patrol, twenty_four_hours_are_in_time_and_one_millisecond_more_is_not)
{
	judge_as_of(NULL, 0, MONDAY + 24 * HOUR);
	cr_assert_eq(told.count, 0);
	judge_as_of(NULL, 0, MONDAY + 24 * HOUR + 1);
	cr_assert_eq(told.count, 1);
	const struct finding *f = told.findings;
	cr_assert_eq(f->subject, place_number(span_of_string("g0")));
	cr_assert_eq(f->device, 0);
	cr_assert_str_eq(f->fence, "g0");
	cr_assert_eq(f->start_ms, MONDAY);
	cr_assert_eq(f->found_ms, MONDAY + 24 * HOUR);
	cr_assert_eq(f->end_ms, MONDAY + 24 * HOUR + 1);
	cr_assert(f->open);
	cr_assert_eq(f->start_lat_e7, 240005000);
	cr_assert_eq(f->start_lon_e7, 1180005000);
	cr_assert_eq(f->numbers[FINDING_LEVEL], 1);
}

Test(patrol, a_visit_ends_it_and_the_next_begins_when_the_visitor_leaves)
{
	struct fact visits[] = {visit(1, "g0", MONDAY + 30 * HOUR, MONDAY + 31 * HOUR),
				visit(2, "g0", MONDAY + 30 * HOUR + 10 * MINUTE, MONDAY + 32 * HOUR),
				visit(2, "g1", MONDAY + 40 * HOUR, MONDAY + 41 * HOUR)};
	judge_as_of(visits, 3, MONDAY + 32 * HOUR + 50 * HOUR);
	cr_assert_eq(told.count, 2);
	cr_assert_eq(told.findings[0].end_ms, MONDAY + 30 * HOUR);
	cr_assert(!told.findings[0].open);
	cr_assert_eq(told.findings[1].start_ms, MONDAY + 32 * HOUR);
	cr_assert_eq(told.findings[1].numbers[FINDING_PEAK], 50 * HOUR);
	cr_assert_eq(told.findings[1].numbers[FINDING_LEVEL], 2);
	cr_assert(told.findings[1].open);
}

Test(patrol, whoever_is_not_of_the_classes_has_not_visited)
{
	struct fact visits[] = {visit(1, "g0", MONDAY + 20 * HOUR, MONDAY + 21 * HOUR)};
	judge_as_of(visits, 1, MONDAY + 30 * HOUR);
	cr_assert_eq(told.count, 0);
	w.classes[1] = DEVICE_CLASS_TRUCK;
	judge_as_of(visits, 1, MONDAY + 30 * HOUR);
	cr_assert_eq(told.count, 1);
}

Test(patrol, a_fence_that_ends_is_missed_until_then)
{
	struct fence_set *ended = NULL;
	struct fence change = *fence_set_find(w.context.fences, span_of_string("g0"), MONDAY);
	change.valid_from_ms = MONDAY + 30 * HOUR;
	change.area = NULL;
	cr_assert_eq(fence_set_change(w.context.fences, &change, 1, &ended), STATUS_OK);
	end();
	w.context.fences = ended;
	judge_as_of(NULL, 0, MONDAY + 60 * HOUR);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(told.findings[0].end_ms, MONDAY + 30 * HOUR);
	cr_assert(!told.findings[0].open);
}

Test(patrol, a_new_version_of_the_fence_changes_nothing_about_the_duty)
{
	struct fence_set *moved = NULL;
	struct fence change = *fence_set_find(w.context.fences, span_of_string("g0"), MONDAY);
	change.valid_from_ms = MONDAY + 20 * HOUR;
	change.version = 0;
	cr_assert_eq(fence_set_change(w.context.fences, &change, 1, &moved), STATUS_OK);
	end();
	w.context.fences = moved;
	judge_as_of(NULL, 0, MONDAY + 30 * HOUR);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(told.findings[0].start_ms, MONDAY);
	cr_assert_eq(told.findings[0].fence_version, 1);
	change.tag_count = 0; /* and without the tag it is no longer one */
	change.valid_from_ms = MONDAY + 22 * HOUR;
	cr_assert_eq(fence_set_change(w.context.fences, &change, 1, &moved), STATUS_OK);
	end();
	w.context.fences = moved;
	judge_as_of(NULL, 0, MONDAY + 60 * HOUR);
	cr_assert_eq(told.count, 0);
}

Test(patrol, nobody_is_missed_before_visits_are_known)
{
	struct detect_sink sink = {.context = &told, .finding = keep};
	told.count = 0;
	cr_assert_eq(
		patrol_judge(&w.context, span_of_string("g0"), NULL, 0, MONDAY + 10 * HOUR, MONDAY + 34 * HOUR, &sink),
		STATUS_OK);
	cr_assert_eq(told.count, 0);
	cr_assert_eq(patrol_judge(&w.context, span_of_string("g0"), NULL, 0, MONDAY + 10 * HOUR, INT64_MAX, &sink),
		     STATUS_OK);
	cr_assert_eq(told.findings[0].start_ms, MONDAY + 10 * HOUR);
}

Test(patrol, an_unknown_fence_is_not_missed)
{
	struct detect_sink sink = {.context = &told, .finding = keep};
	told.count = 0;
	cr_assert_eq(patrol_judge(&w.context, span_of_string("g7"), NULL, 0, 0, INT64_MAX, &sink), STATUS_OK);
	cr_assert_eq(told.count, 0);
}
