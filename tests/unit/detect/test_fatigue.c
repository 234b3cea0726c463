#include "unit/detect/stage2_world.h"

#define WANG DRIVER_WANG

static struct world w;
static struct told told;

static void judge_as_of(uint64_t subject, const struct fact *facts, size_t count, int64_t as_of_ms)
{
	struct detect_sink sink = {.context = &told, .finding = keep};
	told.count = 0;
	cr_assert_eq(fatigue_judge(&w.context, subject, facts, count, as_of_ms, &sink), STATUS_OK);
}

#define judge(subject, facts) judge_as_of(subject, facts, sizeof(facts) / sizeof(facts)[0], INT64_MAX)

static void begin(void)
{
	world_init(&w, 1);
	w.rules[0] = fatigue_rule();
}

static int64_t number(size_t at, unsigned which)
{
	return told.findings[at].numbers[which];
}

TestSuite(fatigue, .init = begin);

Test(fatigue, four_hours_are_not_over_and_one_millisecond_more_is)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 4 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 0);
	facts[0].to_ms++;
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	const struct finding *f = told.findings;
	cr_assert_eq(f->subject, WANG);
	cr_assert_eq(f->driver, WANG);
	cr_assert_eq(f->device, 1);
	cr_assert_eq(f->start_ms, MONDAY);
	cr_assert_eq(f->found_ms, MONDAY + 4 * HOUR);
	cr_assert_eq(f->end_ms, MONDAY + 4 * HOUR + 1);
	cr_assert_eq(f->confidence, CONFIDENCE_HIGH);
	cr_assert_eq(number(0, FINDING_LIMIT), 4 * HOUR);
	cr_assert_eq(number(0, FINDING_PEAK), 4 * HOUR + 1);
	cr_assert_eq(number(0, FINDING_CODE), 1);
	cr_assert_eq(number(0, FINDING_LEVEL), 1);
	cr_assert_eq(number(0, FINDING_REPORTS), NUMBER_UNKNOWN);
}

Test(fatigue, a_rest_of_20_min_counts_and_one_of_19_59_does_not)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 3 * HOUR),
			       drive(1, WANG, MONDAY + 3 * HOUR + 20 * MINUTE, MONDAY + 6 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 0);
	facts[1].from_ms -= 1000;
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	/* the stop is not driving: the fourth hour is full one hour after it */
	cr_assert_eq(told.findings[0].found_ms, facts[1].from_ms + HOUR);
	cr_assert_eq(number(0, FINDING_PEAK), 3 * HOUR + 6 * HOUR - 3 * HOUR - 20 * MINUTE + 1000);
}

Test(fatigue, each_further_hour_raises_the_level)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 5 * HOUR - 1)};
	judge(WANG, facts);
	cr_assert_eq(number(0, FINDING_LEVEL), 1);
	facts[0].to_ms++;
	judge(WANG, facts);
	cr_assert_eq(number(0, FINDING_LEVEL), 2);
	facts[0].to_ms += 2 * HOUR;
	judge(WANG, facts);
	cr_assert_eq(number(0, FINDING_LEVEL), 4);
}

Test(fatigue, a_tired_driver_who_changes_trucks_stays_tired)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 3 * HOUR),
			       drive(2, WANG, MONDAY + 3 * HOUR + 10 * MINUTE, MONDAY + 5 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(told.findings[0].device, 1);
	cr_assert_eq(told.findings[0].found_ms, MONDAY + 4 * HOUR + 10 * MINUTE);
}

Test(fatigue, a_fresh_driver_on_the_same_truck_is_fresh)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 3 * HOUR),
			       drive(1, 77, MONDAY + 3 * HOUR, MONDAY + 6 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 0);
	judge(77, facts);
	cr_assert_eq(told.count, 0);
}

Test(fatigue, without_a_card_the_vehicle_is_judged_with_low_confidence)
{
	struct fact facts[] = {drive(1, 0, MONDAY, MONDAY + 5 * HOUR), drive(1, WANG, MONDAY, MONDAY + 9 * HOUR),
			       drive(2, 0, MONDAY, MONDAY + 9 * HOUR)};
	judge(1, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(told.findings[0].subject, 1);
	cr_assert_eq(told.findings[0].driver, 0);
	cr_assert_eq(told.findings[0].confidence, CONFIDENCE_LOW);
	cr_assert_eq(told.findings[0].end_ms, MONDAY + 5 * HOUR);
}

Test(fatigue, a_card_on_two_vehicles_at_once_counts_once_and_is_less_sure)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 3 * HOUR),
			       drive(2, WANG, MONDAY + 2 * HOUR, MONDAY + 4 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 0);
	facts[1].to_ms += MINUTE;
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(number(0, FINDING_PEAK), 4 * HOUR + MINUTE);
	cr_assert_eq(told.findings[0].confidence, CONFIDENCE_MEDIUM);
}

Test(fatigue, a_data_gap_is_neither_driving_nor_rest)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 3 * HOUR),
			       drive(1, WANG, MONDAY + 4 * HOUR, MONDAY + 5 * HOUR + MINUTE),
			       gap(1, WANG, MONDAY + 3 * HOUR + 15 * MINUTE, MONDAY + 4 * HOUR - 15 * MINUTE)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(number(0, FINDING_PEAK), 4 * HOUR + MINUTE);
	cr_assert_eq(told.findings[0].confidence, CONFIDENCE_MEDIUM, "a rest may hide in the gap");
	facts[2].to_ms = MONDAY + 4 * HOUR - 20 * MINUTE; /* 20 min of known standing behind it */
	judge(WANG, facts);
	cr_assert_eq(told.count, 0);
}

Test(fatigue, a_gap_too_short_to_hide_a_rest_takes_no_confidence)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 3 * HOUR),
			       gap(1, WANG, MONDAY + 3 * HOUR, MONDAY + 3 * HOUR + 19 * MINUTE),
			       drive(1, WANG, MONDAY + 3 * HOUR + 19 * MINUTE, MONDAY + 5 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(told.findings[0].confidence, CONFIDENCE_HIGH);
}

Test(fatigue, nine_pm_to_half_past_midnight_counts_only_inside_the_night)
{
	w.rules[0].params[PARAM_FATIGUE_NIGHT] = 2 * HOUR;
	struct fact facts[] = {drive(1, WANG, MONDAY + 21 * HOUR, MONDAY + 24 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 0, "two hours of night are allowed");
	facts[0].to_ms += 30 * MINUTE;
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(number(0, FINDING_CODE), 2);
	cr_assert_eq(told.findings[0].start_ms, MONDAY + 22 * HOUR);
	cr_assert_eq(told.findings[0].found_ms, MONDAY + 24 * HOUR);
	cr_assert_eq(told.findings[0].end_ms, MONDAY + 24 * HOUR + 30 * MINUTE);
	cr_assert_eq(number(0, FINDING_PEAK), 150 * MINUTE);
}

Test(fatigue, a_night_ends_at_six_and_the_next_is_another)
{
	w.rules[0].params[PARAM_FATIGUE_CONTINUOUS] = 0;
	w.rules[0].params[PARAM_FATIGUE_NIGHT] = 2 * HOUR;
	struct fact facts[] = {drive(1, WANG, MONDAY + 3 * HOUR, MONDAY + 23 * HOUR + 30 * MINUTE)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(told.findings[0].start_ms, MONDAY + 3 * HOUR);
	cr_assert_eq(told.findings[0].end_ms, MONDAY + 6 * HOUR);
	cr_assert(!told.findings[0].open);
}

Test(fatigue, eight_hours_slide_over_any_24)
{
	w.rules[0].params[PARAM_FATIGUE_CONTINUOUS] = 0;
	w.rules[0].params[PARAM_FATIGUE_DAY] = 8 * HOUR;
	/* 4 h in the evening, 4 h in the morning, and from the 24th hour on each minute driven is one that leaves */
	struct fact facts[] = {drive(1, WANG, MONDAY + 18 * HOUR, MONDAY + 22 * HOUR),
			       drive(1, WANG, MONDAY + 30 * HOUR, MONDAY + 34 * HOUR),
			       drive(1, WANG, MONDAY + 42 * HOUR, MONDAY + 46 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 0);
	facts[2].from_ms -= 1; /* one millisecond before the evening's driving begins to leave the window */
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	const struct finding *f = told.findings;
	cr_assert_eq(number(0, FINDING_CODE), 3);
	cr_assert_eq(number(0, FINDING_PEAK), 8 * HOUR + 1);
	cr_assert_eq(f->start_ms, MONDAY + 18 * HOUR);
	cr_assert_eq(f->found_ms, MONDAY + 42 * HOUR - 1);
	cr_assert_eq(f->end_ms, MONDAY + 46 * HOUR);
}

Test(fatigue, driving_before_the_window_is_not_in_the_start_of_the_finding)
{
	w.rules[0].params[PARAM_FATIGUE_CONTINUOUS] = 0;
	w.rules[0].params[PARAM_FATIGUE_DAY] = 8 * HOUR;
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 4 * HOUR),
			       drive(1, WANG, MONDAY + 21 * HOUR, MONDAY + 30 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	/* the sum is 4 + 3 h at 24:00 and stays 7 h while the first four hours leave; 8 h are full at 29:00 */
	cr_assert_eq(told.findings[0].found_ms, MONDAY + 29 * HOUR);
	cr_assert_eq(told.findings[0].start_ms, MONDAY + 21 * HOUR);
}

Test(fatigue, falling_to_the_limit_ends_a_finding_and_exceeding_again_is_another)
{
	w.rules[0].params[PARAM_FATIGUE_CONTINUOUS] = 0;
	w.rules[0].params[PARAM_FATIGUE_DAY] = 8 * HOUR;
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 9 * HOUR),
			       drive(1, WANG, MONDAY + 48 * HOUR, MONDAY + 57 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 2);
	cr_assert_eq(told.findings[1].start_ms, MONDAY + 48 * HOUR);
}

Test(fatigue, forty_four_hours_slide_over_the_week_boundary)
{
	w.rules[0].params[PARAM_FATIGUE_CONTINUOUS] = 0;
	w.rules[0].params[PARAM_FATIGUE_WEEK] = 44 * HOUR;
	/* Thursday to next Wednesday, 6 h 20 min a day: 44 h 20 min in seven days across Sunday */
	struct fact facts[7];
	for (int i = 0; i < 7; i++) {
		int64_t from = MONDAY + (3 + i) * MS_PER_DAY + 8 * HOUR;
		facts[i] = drive(1, WANG, from, from + 6 * HOUR + 20 * MINUTE);
	}
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(number(0, FINDING_CODE), 4);
	cr_assert_eq(told.findings[0].found_ms, facts[6].to_ms - 20 * MINUTE);
	cr_assert_eq(number(0, FINDING_PEAK), 44 * HOUR + 20 * MINUTE);
	facts[6].to_ms -= 20 * MINUTE;
	judge(WANG, facts);
	cr_assert_eq(told.count, 0);
}

Test(fatigue, limits_of_one_rule_that_begin_together_are_told_apart)
{
	w.rules[0].params[PARAM_FATIGUE_DAY] = 8 * HOUR;
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 9 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 2);
	cr_assert_eq(told.findings[0].start_ms, told.findings[1].start_ms);
	cr_assert_eq(number(0, FINDING_CODE), 1);
	cr_assert_eq(number(1, FINDING_CODE), 3);
	cr_assert_lt(finding_compare(&told.findings[0], &told.findings[1]), 0);
}

Test(fatigue, all_driving_counts_but_only_a_bound_vehicle_makes_a_finding)
{
	w.classes[2] = DEVICE_CLASS_TRUCK;
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 3 * HOUR),
			       drive(2, WANG, MONDAY + 3 * HOUR, MONDAY + 5 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 0, "the truck is not bound by the coaches' rule");
	struct fact back[] = {facts[0], facts[1], drive(1, WANG, MONDAY + 5 * HOUR, MONDAY + 6 * HOUR)};
	judge(WANG, back);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(told.findings[0].found_ms, MONDAY + 5 * HOUR);
	cr_assert_eq(told.findings[0].start_ms, MONDAY);
	cr_assert_eq(number(0, FINDING_PEAK), 6 * HOUR);
}

Test(fatigue, a_vehicle_that_becomes_a_coach_is_bound_from_then_on)
{
	w.classes[1] = DEVICE_CLASS_TRUCK;
	w.later_ms = MONDAY + 5 * HOUR;
	memset(w.later_classes, DEVICE_CLASS_COACH, sizeof w.later_classes);
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 6 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(told.findings[0].found_ms, MONDAY + 5 * HOUR);
}

Test(fatigue, a_new_version_of_the_rule_is_a_new_finding)
{
	struct rule strict = fatigue_rule();
	strict.version = 2;
	strict.params[PARAM_FATIGUE_CONTINUOUS] = 3 * HOUR;
	w.books[1] = (struct rulebook){.rules = &strict, .count = 1, .references = 1};
	w.spans[1] = (struct rulebook_span){MONDAY + 5 * HOUR, &w.books[1]};
	w.context.book_count = 2;
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 6 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 2);
	cr_assert_eq(told.findings[0].end_ms, MONDAY + 5 * HOUR);
	cr_assert_eq(number(0, FINDING_PEAK), 5 * HOUR);
	cr_assert_eq(told.findings[1].start_ms, MONDAY + 5 * HOUR);
	cr_assert_eq(told.findings[1].found_ms, MONDAY + 5 * HOUR);
	cr_assert_eq(number(1, FINDING_LIMIT), 3 * HOUR);
	cr_assert_eq(number(1, FINDING_PEAK), 6 * HOUR);
}

Test(fatigue, a_new_book_with_the_same_rule_changes_nothing)
{
	w.books[1] = w.books[0];
	w.spans[1] = (struct rulebook_span){MONDAY + 4 * HOUR + MINUTE, &w.books[1]};
	w.context.book_count = 2;
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 6 * HOUR)};
	judge(WANG, facts);
	cr_assert_eq(told.count, 1);
	cr_assert_eq(told.findings[0].start_ms, MONDAY);
	cr_assert_eq(told.findings[0].end_ms, MONDAY + 6 * HOUR);
}

Test(fatigue, a_finding_is_open_until_a_valid_rest_is_over)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 5 * HOUR)};
	judge_as_of(WANG, facts, 1, MONDAY + 5 * HOUR + 20 * MINUTE - 1);
	cr_assert(told.findings[0].open);
	judge_as_of(WANG, facts, 1, MONDAY + 5 * HOUR + 20 * MINUTE);
	cr_assert(!told.findings[0].open);
	cr_assert_eq(told.findings[0].end_ms, MONDAY + 5 * HOUR);
}

Test(fatigue, what_comes_after_as_of_is_not_there)
{
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 9 * HOUR)};
	judge_as_of(WANG, facts, 1, MONDAY + 4 * HOUR);
	cr_assert_eq(told.count, 0);
	judge_as_of(WANG, facts, 1, MONDAY + 4 * HOUR + 1);
	cr_assert_eq(told.count, 1);
	cr_assert(told.findings[0].open);
	cr_assert_eq(told.findings[0].end_ms, MONDAY + 4 * HOUR + 1);
}

Test(fatigue, a_sum_stays_open_while_it_is_above_its_limit)
{
	w.rules[0].params[PARAM_FATIGUE_CONTINUOUS] = 0;
	w.rules[0].params[PARAM_FATIGUE_DAY] = 8 * HOUR;
	struct fact facts[] = {drive(1, WANG, MONDAY, MONDAY + 9 * HOUR)};
	judge_as_of(WANG, facts, 1, MONDAY + 25 * HOUR - 1);
	cr_assert(told.findings[0].open);
	judge_as_of(WANG, facts, 1, MONDAY + 25 * HOUR);
	cr_assert(!told.findings[0].open);
}

Test(fatigue, nobody_is_no_subject)
{
	struct detect_sink sink = {.context = &told, .finding = keep};
	cr_assert_eq(fatigue_judge(&w.context, 0, NULL, 0, INT64_MAX, &sink), STATUS_INVALID);
	judge_as_of(WANG, NULL, 0, INT64_MAX);
	cr_assert_eq(told.count, 0);
}
