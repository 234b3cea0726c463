#include "engine/detect/sea_window.h"
#include "unit/detect/stage2_world.h"

#define A UINT64_C(11)
#define B UINT64_C(12)
#define START (MONDAY + 8 * HOUR)

static struct world w;
static struct told told;

static void begin(void)
{
	world_init(&w, 3);
	w.classes[1] = DEVICE_CLASS_VESSEL;
	w.classes[2] = DEVICE_CLASS_FISHING_BOAT;
	w.rules[0] = rule_of("collision", RULE_COLLISION, RULE_CLASSES_ANY);
	w.rules[0].params[PARAM_COLLISION_CPA] = 926000;
	w.rules[0].params[PARAM_COLLISION_TCPA] = 720000;
	w.rules[0].params[PARAM_COLLISION_RELEASE] = 20;
	w.rules[0].params[PARAM_COLLISION_TIMES] = 2;
	w.rules[0].params[PARAM_COLLISION_FRESH] = 180000;
	w.rules[1] = rule_of("encounter", RULE_ENCOUNTER, RULE_CLASSES_ANY);
	w.rules[1].params[PARAM_ENCOUNTER_DISTANCE] = 500000;
	w.rules[1].params[PARAM_ENCOUNTER_TIME] = 30 * MINUTE;
	w.rules[1].params[PARAM_ENCOUNTER_SPEED] = 37;
	w.rules[2] = rule_of("two-codes", RULE_TWO_CODES, RULE_CLASSES_ANY);
	w.rules[2].params[PARAM_TWO_CODES_DISTANCE] = 50000;
	w.rules[2].params[PARAM_TWO_CODES_TIME] = 30 * MINUTE;
	w.rules[2].params[PARAM_TWO_CODES_SPEED] = 37;
}

TestSuite(pairs, .init = begin);

static void judge(const struct fact *facts, size_t count, int64_t as_of_ms)
{
	struct detect_sink sink = {.context = &told, .finding = keep};
	told.count = 0;
	cr_assert_eq(pairs_judge(&w.context, facts, count, as_of_ms, &sink), STATUS_OK);
}

static struct fact risk(int64_t half_minute, int32_t cpa_m, int32_t tcpa_s)
{
	int64_t at = START + half_minute * SEA_GRID_MS;
	return (struct fact){.kind = FACT_RISK,
			     .device = sea_window_number(sea_window_of(at)),
			     .driver = A,
			     .place = pair_number(A, B),
			     .value = (int64_t)B,
			     .from_ms = at,
			     .to_ms = at,
			     .to_lat_e7 = cpa_m * 1000,
			     .to_lon_e7 = tcpa_s * 1000};
}

Test(pairs, two_half_minutes_within_both_limits_are_a_finding_and_the_fishing_boat_comes_first)
{
	struct fact facts[] = {risk(0, 900, 700), risk(1, 500, 670)};
	judge(facts, 2, INT64_MAX);
	cr_assert_eq(told.count, 1);
	const struct finding *f = told.findings;
	cr_expect_eq(f->subject, pair_number(B, A));
	cr_expect_eq(f->device, B);
	cr_expect_eq(f->other, A);
	cr_expect_eq(f->start_ms, START);
	cr_expect_eq(f->found_ms, START + SEA_GRID_MS);
	cr_expect_eq(f->numbers[FINDING_PEAK], 500000);
	cr_expect_eq(f->numbers[FINDING_OTHER], 670000);
	judge(facts, 1, INT64_MAX);
	cr_expect_eq(told.count, 0);
}

Test(pairs, what_lies_between_the_limits_neither_begins_nor_ends_a_risk)
{
	struct fact wide[] = {risk(0, 1000, 800), risk(1, 1000, 800), risk(2, 1000, 800)};
	judge(wide, 3, INT64_MAX);
	cr_expect_eq(told.count, 0);
	struct fact held[] = {risk(0, 900, 700), risk(1, 1000, 690), risk(2, 900, 600), risk(3, 1111, 860)};
	judge(held, 4, INT64_MAX);
	cr_assert_eq(told.count, 1);
	cr_expect_eq(told.findings[0].end_ms, START + 3 * SEA_GRID_MS);
	held[3] = risk(3, 1112, 860); /* 1111.2 m are 926 and a fifth */
	judge(held, 4, INT64_MAX);
	cr_expect_eq(told.findings[0].end_ms, START + 2 * SEA_GRID_MS);
}

Test(pairs, two_missing_half_minutes_end_it_and_one_does_not)
{
	struct fact facts[] = {risk(0, 900, 700), risk(1, 900, 670), risk(3, 900, 610), risk(6, 900, 500),
			       risk(7, 900, 470)};
	judge(facts, 5, INT64_MAX);
	cr_assert_eq(told.count, 2);
	cr_expect_eq(told.findings[0].end_ms, START + 3 * SEA_GRID_MS);
	judge(facts, 5, START + 7 * SEA_GRID_MS + 1000);
	cr_expect(told.findings[1].open);
	cr_expect(!told.findings[0].open);
}

Test(pairs, of_two_fishing_boats_nothing_is_said_unless_the_rule_asks)
{
	struct fact facts[] = {risk(0, 900, 700), risk(1, 500, 670)};
	w.classes[1] = DEVICE_CLASS_FISHING_BOAT;
	judge(facts, 2, INT64_MAX);
	cr_expect_eq(told.count, 0);
	w.rules[0].params[PARAM_COLLISION_PAIRS] = PAIRS_ANY_FISHING;
	judge(facts, 2, INT64_MAX);
	cr_expect_eq(told.count, 1);
}

static struct fact together(int64_t window, int32_t distance_m, int32_t faster_dkmh, int32_t slower_dkmh)
{
	int64_t from = START + window * SEA_WINDOW_MS;
	struct fact f = risk(0, 0, 0);
	f.kind = FACT_TOGETHER;
	f.from_ms = from;
	f.to_ms = from + 8 * MINUTE;
	f.to_lat_e7 = distance_m * 1000;
	f.to_lon_e7 = faster_dkmh << 16 | slower_dkmh;
	return f;
}

Test(pairs, slow_windows_in_a_row_are_an_encounter_and_a_hole_is_none)
{
	struct fact facts[] = {together(0, 400, 30, 2), together(1, 500, 36, 2), together(2, 100, 10, 2),
			       together(3, 100, 10, 2)};
	judge(facts, 4, INT64_MAX);
	cr_assert_eq(told.count, 1);
	cr_expect_str_eq(told.findings[0].rule, "encounter");
	cr_expect_eq(told.findings[0].numbers[FINDING_PEAK], 500000);
	cr_expect_eq(told.findings[0].found_ms, START + 30 * MINUTE);
	facts[1] = together(1, 501, 36, 2);
	judge(facts, 4, INT64_MAX);
	cr_expect_eq(told.count, 0);
	facts[1] = together(1, 400, 37, 2);
	judge(facts, 4, INT64_MAX);
	cr_expect_eq(told.count, 0);
}

Test(pairs, fast_windows_side_by_side_are_two_codes)
{
	struct fact facts[] = {together(0, 40, 110, 100), together(1, 50, 110, 37), together(2, 10, 110, 100),
			       together(3, 10, 110, 100)};
	judge(facts, 4, INT64_MAX);
	cr_assert_eq(told.count, 1);
	cr_expect_str_eq(told.findings[0].rule, "two-codes");
	facts[1] = together(1, 50, 110, 36);
	judge(facts, 4, INT64_MAX);
	cr_expect_eq(told.count, 0);
}

/* --- approaches --- */

Test(approach, two_head_on_at_ten_knots_each_meet_when_and_as_near_as_reckoned)
{
	struct mover a, b;
	struct approach p;
	cr_assert(mover_of(START, 0, 0, 185, 0, &a));
	cr_assert(mover_of(START, 600000, 18000, 185, 180, &b)); /* 3.6' north: 6667.2 m; 0.108' east: 200 m */
	cr_assert(approach_of(&a, &b, START, &p));
	struct approach_numbers n = approach_numbers(&p);
	cr_expect_eq(n.cpa_mm, 200015, "by the mean of the cosines");
	/* 37 km/h together: 6667.2 m in 648.7 s */
	cr_expect_lt(llabs(n.tcpa_ms - 648700), 50);
	cr_assert(approach_of(&a, &b, START + 60000, &p));
	cr_expect_lt(llabs(approach_numbers(&p).tcpa_ms - 588700), 50, "at another instant they are that much nearer");
	cr_expect(approach_within(&p, &(struct approach_limits){200016, 600000}));
	cr_expect(!approach_within(&p, &(struct approach_limits){200014, 600000}));
	cr_expect(!approach_within(&p, &(struct approach_limits){200016, 588000}));
}

Test(approach, who_draws_apart_is_no_risk_and_who_keeps_station_is_as_near_as_he_is)
{
	struct mover a, b;
	struct approach p;
	struct approach_limits wide = {1000000, 3600000};
	cr_assert(mover_of(START, 0, 0, 185, 180, &a));
	cr_assert(mover_of(START, 60000, 0, 185, 0, &b));
	cr_assert(approach_of(&a, &b, START, &p));
	cr_expect(!approach_within(&p, &wide));
	cr_expect_lt(approach_numbers(&p).tcpa_ms, 0);
	cr_assert(mover_of(START, 60000, 0, 186, 180, &b)); /* 0.1 km/h between them: nothing */
	cr_assert(approach_of(&a, &b, START, &p));
	cr_expect(approach_within(&p, &wide));
	cr_expect_eq(approach_numbers(&p).tcpa_ms, 0);
	cr_expect(!mover_of(START, 0, 0, SPEED_UNKNOWN, 0, &a));
	cr_expect(!mover_of(START, 0, 0, 100, COURSE_UNKNOWN, &a));
}

Test(approach, the_antimeridian_is_no_distance)
{
	struct mover a, b;
	struct approach p;
	cr_assert(mover_of(START, 0, 1799990000, 0, 0, &a));
	cr_assert(mover_of(START, 0, -1799990000, 0, 0, &b));
	cr_assert(approach_of(&a, &b, START, &p));
	cr_expect_eq(approach_numbers(&p).range_mm, 20000 * 11112 / 1000);
}

/* --- the watch --- */

Test(collision_watch, keeps_a_pair_between_the_limits_and_lets_it_go_beyond)
{
	struct collision_watch_options o = {.slots = 2,
					    .narrow = {500000, 720000},
					    .wide = {600000, 864000},
					    .fresh_ms = 180000,
					    .pairs = PAIRS_MERCHANT_FISHING};
	struct collision_watch *watch;
	struct mover a, b;
	size_t count;
	cr_assert_eq(collision_watch_new(&o, &watch), STATUS_OK);
	cr_assert(mover_of(START, 0, 0, 185, 0, &a));
	cr_assert_eq(collision_watch_report(watch, 0, MOVER_FISHING, &a, START), STATUS_OK);
	static const struct {
		int32_t aside_e7;
		size_t partners;
	} steps[] = {{50000, 0}, {40000, 1}, {50000, 1}, {55000, 0}, {50000, 0}};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		cr_assert(mover_of(START, 500000, steps[i].aside_e7, 185, 180, &b));
		cr_assert_eq(collision_watch_report(watch, 1, MOVER_MERCHANT, &b, START), STATUS_OK);
		collision_watch_partners(watch, 0, &count);
		cr_expect_eq(count, steps[i].partners, "step %zu: %zu", i, count);
		collision_watch_partners(watch, 1, &count);
		cr_expect_eq(count, steps[i].partners);
	}
	collision_watch_free(watch);
}
