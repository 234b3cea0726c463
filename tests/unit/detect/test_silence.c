/* test_silence.c -- what is missing or cannot be: gap, silent, no_fix, frozen, shielded, two_places; facts of drives.
 */
#include "unit/detect/step_world.h"

/* 1e-6 degree */
#define FROZEN_TEST_E7 10

static struct step_world w;

static void begin(void)
{
	world_init(&w, DEVICE_CLASS_MUCK_TRUCK);
}

static void finish(void)
{
	world_deinit(&w);
}

TestSuite(silence, .init = begin, .fini = finish);

static void rules(const char *text)
{
	world_rules(&w, INT64_MIN, text);
	world_start(&w);
}

static struct report lost(struct report r)
{
	r.status &= ~STATUS_BIT_FIX;
	return r;
}

static struct report counted(struct report r, uint32_t mileage_hm)
{
	r.mileage_hm = mileage_hm;
	return r;
}

#define GAP "[gap]\nkind = gap\n" RULE("time = 10 min\ndistance = 2 km\n")

Test(silence, a_gap_is_more_than_its_time_and_more_than_its_distance)
{
	rules(GAP);
	world_send(&w, report_at(NOON, 0, 0, 300));
	world_send(&w, report_at(NOON + 10 * MINUTE, 30, 0, 300)); /* 3 km, exactly 10 min */
	world_send(&w, report_at(NOON + 21 * MINUTE, 45, 0, 300)); /* 1.5 km */
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON + 31 * MINUTE + 1, 75, 0, 300));
	const struct finding *f = ended_at(&w, "gap", 0);
	cr_assert_eq(w.finding_count, 1);
	cr_assert_eq(f->start_ms, NOON + 21 * MINUTE);
	cr_assert_eq(f->end_ms, NOON + 31 * MINUTE + 1);
	cr_assert_eq(f->numbers[FINDING_DURATION], 10 * MINUTE + 1);
	cr_assert_gt(f->numbers[FINDING_DISTANCE], 3000000);
	cr_assert_lt(f->numbers[FINDING_DISTANCE], 3100000);
	cr_assert_eq(f->confidence, CONFIDENCE_HIGH);
}

Test(silence, a_gap_of_a_dead_zone_is_none)
{
	rules(GAP);
	world_send(&w, report_at(NOON, 0, 0, 300));
	w.dead = true;
	world_send(&w, report_at(NOON + HOUR, 90, 0, 300));
	cr_assert_eq(w.finding_count, 0);
}

#define SILENT "[silent]\nkind = silent\n" RULE("time = 30 min\nlive = yes\n")

Test(silence, the_clock_raises_silence_once_and_the_next_report_ends_it)
{
	rules(SILENT);
	world_send(&w, report_at(NOON, 0, 0, 300));
	cr_assert_eq(detect_wake(w.state, w.detector), NOON + 30 * MINUTE);
	cr_assert_eq(detect_tick(w.state, w.detector, NOON + 30 * MINUTE - 1, &w.sink), STATUS_OK);
	cr_assert_eq(w.finding_count, 0);
	world_restart(&w);
	cr_assert_eq(detect_wake(w.state, w.detector), NOON + 30 * MINUTE);
	cr_assert_eq(detect_tick(w.state, w.detector, NOON + 30 * MINUTE, &w.sink), STATUS_OK);
	cr_assert_eq(opened(&w, "silent"), 1);
	cr_assert_eq(w.findings[0].f.found_ms, NOON + 30 * MINUTE);
	cr_assert_eq(detect_wake(w.state, w.detector), INT64_MAX);
	world_restart(&w);
	cr_assert_eq(detect_tick(w.state, w.detector, NOON + HOUR, &w.sink), STATUS_OK);
	cr_assert_eq(opened(&w, "silent"), 1);
	world_send(&w, report_at(NOON + HOUR, 0, 0, 300));
	const struct finding *f = ended_at(&w, "silent", 0);
	cr_assert_eq(f->start_ms, NOON);
	cr_assert_eq(f->end_ms, NOON + HOUR);
	cr_assert_eq(f->found_ms, NOON + 30 * MINUTE);
}

Test(silence, silence_is_found_without_any_tick_too)
{
	rules(SILENT);
	world_send(&w, report_at(NOON, 0, 0, 300));
	world_send(&w, report_at(NOON + 30 * MINUTE - 1, 0, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON + 60 * MINUTE - 1, 0, 0, 300));
	cr_assert_eq(ended_at(&w, "silent", 0)->found_ms, NOON + 60 * MINUTE - 1);
}

Test(silence, who_stands_with_acc_off_may_be_silent)
{
	rules(SILENT);
	struct report parked = report_at(NOON, 0, 0, 0);
	parked.status &= ~STATUS_BIT_ACC;
	world_send(&w, parked);
	cr_assert_eq(detect_wake(w.state, w.detector), INT64_MAX);
	world_send(&w, report_at(NOON + 9 * HOUR, 0, 0, 300));
	cr_assert_eq(w.finding_count, 0);
}

#define NO_FIX "[no-fix]\nkind = no_fix\n" RULE("hold = 5 min\n")

Test(silence, five_minutes_without_a_fix_on_the_odometer_are_found_and_a_fix_ends_it)
{
	rules(NO_FIX);
	world_send(&w, counted(report_at(NOON, 0, 0, 300), 100));
	for (int i = 1; i <= 31; i++) { /* the odometer counts at every second report */
		world_send(&w, counted(lost(report_at(NOON + i * 10 * SECOND, 0, 0, 0)), 100 + (uint32_t)(i + 1) / 2));
		cr_assert_eq(opened(&w, "no-fix"), i == 31);
	}
	world_send(&w, counted(report_at(NOON + 320 * SECOND, 0, 0, 300), 120));
	const struct finding *f = ended_at(&w, "no-fix", 0);
	cr_assert_eq(f->start_ms, NOON + 10 * SECOND);
	cr_assert_eq(f->end_ms, NOON + 310 * SECOND);
	cr_assert_eq(f->numbers[FINDING_DISTANCE], 16 * 100000);
	cr_assert_eq(f->confidence, CONFIDENCE_MEDIUM);
}

Test(silence, standing_without_a_fix_or_one_fix_in_between_is_not_found)
{
	rules(NO_FIX);
	for (int i = 0; i <= 60; i++)
		world_send(&w, counted(lost(report_at(NOON + i * 10 * SECOND, 0, 0, 0)), 100));
	for (int i = 0; i <= 60; i++) {
		struct report r = report_at(NOON + HOUR + i * 10 * SECOND, 0, 0, 300);
		world_send(&w, i == 30 ? r : lost(r));
	}
	cr_assert_eq(w.finding_count, 0);
}

#define FROZEN "[frozen]\nkind = frozen\n" RULE("distance = 2 km\n")

Test(silence, a_position_that_stays_while_the_odometer_grows_by_more_than_2_km)
{
	rules(FROZEN);
	for (uint32_t i = 0; i <= 21; i++) {
		struct report r = counted(report_at(NOON + i * 10 * SECOND, 0, 0, 300), 500 + i);
		r.lat_e7 += i & 1 ? FROZEN_TEST_E7 : 0;
		world_send(&w, r);
		cr_assert_eq(opened(&w, "frozen"), i == 21, "%u", i);
		world_restart(&w);
	}
	world_send(&w, counted(report_at(NOON + 300 * SECOND, 1, 0, 300), 522));
	cr_assert_eq(ended_at(&w, "frozen", 0)->start_ms, NOON);
	cr_assert_eq(ended_at(&w, "frozen", 0)->numbers[FINDING_DISTANCE], 2100000);
}

Test(silence, a_position_that_moves_by_more_than_1e_6_degree_is_not_frozen)
{
	rules(FROZEN);
	for (uint32_t i = 0; i <= 100; i++) {
		struct report r = counted(report_at(NOON + i * 10 * SECOND, 0, 0, 300), 500 + i);
		r.lat_e7 += i & 1 ? FROZEN_TEST_E7 + 1 : 0;
		world_send(&w, r);
	}
	cr_assert_eq(w.finding_count, 0);
}

#define SHIELDED "[shielded]\nkind = shielded\n" RULE("hold = 2 min\nsignal = 15\n")

static struct report radio(int64_t time_ms, uint8_t items[6], uint8_t signal, uint8_t satellites)
{
	struct report r = lost(report_at(time_ms, 0, 0, 300));
	memcpy(items, ((uint8_t[]){0x30, 1, signal, 0x31, 1, satellites}), 6);
	r.items = items;
	r.items_size = 6;
	return r;
}

Test(silence, no_satellites_with_a_good_signal_for_two_minutes)
{
	uint8_t items[6];
	rules(SHIELDED);
	for (int i = 0; i <= 12; i++)
		world_send(&w, radio(NOON + i * 10 * SECOND, items, 15, 0));
	cr_assert_eq(opened(&w, "shielded"), 1);
	world_send(&w, radio(NOON + 130 * SECOND, items, 15, 1));
	cr_assert_eq(ended_at(&w, "shielded", 0)->end_ms, NOON + 120 * SECOND);
	for (int i = 20; i <= 60; i++)
		world_send(&w, radio(NOON + i * 10 * SECOND, items, 14, 0));
	cr_assert_eq(w.finding_count, 2);
}

#define TWO "[two]\nkind = two_places\n" RULE("limit = 200 km/h\ntimes = 3\ntime = 30 min\n")

Test(silence, three_jumps_back_and_forth_are_one_identity_at_two_places)
{
	rules(TWO);
	for (int i = 0; i < 3; i++) {
		world_send(&w, report_at(NOON + i * 10 * SECOND, i & 1 ? 50 : 0, 0, 300));
		world_restart(&w);
	}
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON + 30 * SECOND, 50, 0, 300));
	cr_assert_eq(opened(&w, "two"), 1);
	cr_assert_eq(w.findings[0].f.start_ms, NOON);
	for (int i = 1; i < 40; i++)
		world_send(&w, report_at(NOON + 30 * SECOND + i * MINUTE, 50, 0, 0));
	cr_assert_eq(ended(&w, "two"), 1);
	cr_assert_eq(ended_at(&w, "two", 0)->end_ms, NOON + 30 * SECOND);
	cr_assert_eq(ended_at(&w, "two", 0)->numbers[FINDING_REPORTS], 3);
}

Test(silence, a_leap_that_does_not_come_back_is_none_and_so_are_three_too_slow)
{
	rules(TWO);
	for (int i = 0; i < 8; i++)
		world_send(&w, report_at(NOON + i * 10 * SECOND, i * 50, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	for (int i = 0; i < 8; i++) /* 5 km in 91 s: 199 km/h */
		world_send(&w, report_at(NOON + HOUR + i * 92 * SECOND, i & 1 ? 50 : 0, 0, 300));
	cr_assert_eq(w.finding_count, 0);
}

#define FACTS "[none]\nkind = alarm_bits\n" RULE("bits = 31\n")

Test(silence, a_drive_ends_with_a_stand_of_a_minute_and_not_with_less)
{
	rules(FACTS);
	world_send(&w, report_at(NOON, 0, 0, 50));
	world_send(&w, report_at(NOON + 10 * SECOND, 1, 0, 49));
	world_send(&w, report_at(NOON + 69 * SECOND, 1, 0, 0));
	world_send(&w, report_at(NOON + 70 * SECOND - 1, 2, 0, 300));
	cr_assert_eq(w.fact_count, 0);
	world_send(&w, report_at(NOON + 80 * SECOND, 2, 0, 0));
	world_restart(&w);
	world_send(&w, report_at(NOON + 140 * SECOND, 2, 0, 0));
	const struct fact *f = fact_at(&w, FACT_DRIVE, false, 0);
	cr_assert_eq(w.fact_count, 1);
	cr_assert_eq(f->from_ms, NOON);
	cr_assert_eq(f->to_ms, NOON + 70 * SECOND - 1);
	cr_assert_eq(f->driver, 0);
}

Test(silence, a_card_divides_a_drive_and_the_same_card_again_does_not)
{
	rules(FACTS);
	world_send(&w, report_at(NOON, 0, 0, 300));
	cr_assert_eq(detect_driver(w.state, w.detector, NOON + SECOND, 7, &w.sink), STATUS_OK);
	cr_assert_eq(detect_driver(w.state, w.detector, NOON + SECOND, 7, &w.sink), STATUS_OK);
	cr_assert_eq(facts_of(&w, FACT_DRIVE, false), 1);
	world_send(&w, report_at(NOON + 10 * SECOND, 0, 0, 300));
	world_restart(&w);
	cr_assert_eq(detect_driver(w.state, w.detector, NOON + 11 * SECOND, 0, &w.sink), STATUS_OK);
	cr_assert_eq(fact_at(&w, FACT_DRIVE, false, 1)->driver, 7);
	cr_assert_eq(detect_driver(w.state, w.detector, NOON, 7, &w.sink), STATUS_INVALID);
}

Test(silence, a_gap_over_which_nothing_moved_is_no_fact_and_one_over_which_the_odometer_moved_is)
{
	rules(FACTS);
	world_send(&w, counted(report_at(NOON, 0, 0, 0), 5));
	world_send(&w, counted(report_at(NOON + HOUR, 0, 0, 0), 5));
	cr_assert_eq(w.fact_count, 0);
	world_send(&w, counted(report_at(NOON + 2 * HOUR, 0, 0, 0), 6));
	cr_assert_eq(fact_at(&w, FACT_GAP, false, 0)->value, 100000);
	world_send(&w, counted(lost(report_at(NOON + 3 * HOUR, 0, 0, 0)), 6));
	cr_assert_eq(facts_of(&w, FACT_GAP, false), 2);
}

Test(silence, an_idle_device_is_less_than_80_bytes)
{
	struct buf bytes = buf_init(4096);
	rules(FACTS);
	cr_assert_eq(detect_driver(w.state, w.detector, NOON, UINT64_MAX, &w.sink), STATUS_OK);
	struct report r = report_at(NOON, 0, 0, 0);
	r.status = UINT32_MAX & ~STATUS_BIT_OFFSET;
	r.mileage_hm = 100000000;
	world_send(&w, r);
	cr_assert_eq(detect_state_encode(w.state, &bytes), STATUS_OK);
	cr_assert_lt(bytes.size, 80);
	buf_deinit(&bytes);
}
