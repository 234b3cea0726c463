/* test_zone.c -- where one may be and when: bans to the second, permits, fences that change, reports not to be judged.
 */
#include "unit/detect/step_world.h"

static struct step_world w;

static void begin(void)
{
	world_init(&w, DEVICE_CLASS_HAZMAT);
}

static void finish(void)
{
	world_deinit(&w);
}

TestSuite(zone, .init = begin, .fini = finish);

static void fenced(const char *tag, const char *text)
{
	struct fence f = world_square("here", tag, 0, 0, 9, 0);
	world_fence(&w, &f);
	world_rules(&w, INT64_MIN, text);
	world_start(&w);
}

static struct report loaded(struct report r)
{
	r.status |= STATUS_LOADED;
	return r;
}

#define BRIDGE                                                                                                         \
	"[inputs]\nload = status bits 8-9\n"                                                                           \
	"[bridge]\nkind = zone\n" RULE("where = tag:bay_bridge\nwhen = 2022-11-01..2027-10-31\nloaded = yes\n"         \
				       "points = 1\n")
/* 2022-11-01 00:00 in China */
#define BAN INT64_C(1667232000000)

Test(zone, a_loaded_tanker_is_on_the_bridge_one_second_before_the_ban_begins)
{
	fenced("bay_bridge", BRIDGE);
	world_send(&w, loaded(report_at(BAN - SECOND, 1, 0, 500)));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, loaded(report_at(BAN, 2, 0, 500)));
	cr_assert_eq(opened(&w, "bridge"), 1);
	world_send(&w, loaded(report_at(BAN + 10 * SECOND, 20, 0, 500)));
	cr_assert_eq(ended_at(&w, "bridge", 0)->start_ms, BAN);
	cr_assert_eq(ended_at(&w, "bridge", 0)->end_ms, BAN);
	cr_assert_str_eq(ended_at(&w, "bridge", 0)->fence, "here");
}

Test(zone, an_empty_tanker_may_cross_and_half_a_load_is_a_load)
{
	fenced("bay_bridge", BRIDGE);
	world_send(&w, report_at(BAN, 1, 0, 500));
	cr_assert_eq(w.finding_count, 0);
	struct report half = report_at(BAN + SECOND, 1, 0, 500);
	half.status |= 1u << 8;
	world_send(&w, half);
	cr_assert_eq(opened(&w, "bridge"), 1);
}

#define NIGHT                                                                                                          \
	"[night]\nkind = zone\n" RULE("classes = coach\nwhen = 02:00-05:00\nmoving = yes\nexempt = relay_point\n"      \
				      "relay = yes\npoints = 1\n")
/* 2026-03-03 02:00 in China, over midnight from NOON */
#define TWO (NOON + 14 * HOUR)

static void night_coach(void)
{
	w.subject.class_code = DEVICE_CLASS_COACH;
	w.later = w.subject;
	fenced("relay_point", NIGHT);
}

Test(zone, a_coach_at_01_59_59_may_run_and_at_02_00_00_not_and_at_05_00_00_again)
{
	night_coach();
	world_send(&w, report_at(TWO - SECOND, 20, 0, 50));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(TWO, 20, 0, 50));
	cr_assert_eq(opened(&w, "night"), 1);
	world_send(&w, report_at(TWO + 60 * SECOND, 20, 0, 49)); /* standing is below 5 km/h */
	cr_assert_eq(ended(&w, "night"), 1);
	world_send(&w, report_at(TWO + 3 * HOUR - SECOND, 20, 0, 600));
	cr_assert_eq(opened(&w, "night"), 2);
	world_send(&w, report_at(TWO + 3 * HOUR, 20, 0, 600));
	cr_assert_eq(ended(&w, "night"), 2);
	cr_assert_eq(ended_at(&w, "night", 1)->end_ms, TWO + 3 * HOUR - SECOND);
}

Test(zone, a_relay_point_exempts_and_a_relay_permit_within_its_hours_too)
{
	night_coach();
	world_send(&w, report_at(TWO, 5, 0, 600));
	cr_assert_eq(w.finding_count, 0);
	world_permit(&w, PERMIT_RELAY, NULL, "02:00-03:00");
	world_start(&w);
	world_send(&w, report_at(TWO + HOUR - SECOND, 20, 0, 600));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(TWO + HOUR, 20, 0, 600));
	cr_assert_eq(opened(&w, "night"), 1);
}

#define WATER(more) "[water]\nkind = zone\n" RULE("classes = hazmat\nwhere = tag:water_source\n" more)

Test(zone, a_permit_that_names_the_fence_lets_pass_until_it_ends)
{
	world_permit(&w, PERMIT_ZONE, "here", "always");
	fenced("water_source", WATER("permit = yes\npoints = 1\n"));
	int64_t end = NOON + 24 * HOUR;
	world_send(&w, report_at(end - 1, 1, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(end, 1, 0, 300));
	cr_assert_eq(opened(&w, "water"), 1);
}

Test(zone, a_permit_for_another_fence_does_not)
{
	world_permit(&w, PERMIT_ZONE, "there", "always");
	fenced("water_source", WATER("permit = yes\npoints = 1\n"));
	world_send(&w, report_at(NOON, 1, 0, 300));
	cr_assert_eq(opened(&w, "water"), 1);
}

Test(zone, the_border_belongs_to_the_fence)
{
	fenced("water_source", WATER("points = 1\n"));
	struct report r = report_at(NOON, 0, 0, 300);
	r.lon_e7 -= CELL_E7 / 2;
	struct report outside = r;
	outside.lon_e7 -= 1;
	world_send(&w, outside);
	cr_assert_eq(w.finding_count, 0);
	r.time_ms += SECOND;
	world_send(&w, r);
	cr_assert_eq(opened(&w, "water"), 1);
}

Test(zone, reports_without_fix_or_with_offset_begin_nothing_and_end_nothing)
{
	fenced("water_source", WATER("points = 3\n"));
	struct report lost = report_at(NOON, 1, 0, 300);
	lost.status &= ~STATUS_BIT_FIX;
	world_send(&w, lost);
	struct report offset = report_at(NOON + 10 * SECOND, 1, 0, 300);
	offset.status |= STATUS_BIT_OFFSET;
	world_send(&w, offset);
	world_send(&w, report_at(NOON + 20 * SECOND, 1, 0, 300));
	world_send(&w, report_at(NOON + 30 * SECOND, 1, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	lost.time_ms = NOON + 40 * SECOND;
	lost.lon_e7 += 100 * CELL_E7;
	world_send(&w, lost);
	world_send(&w, report_at(NOON + 50 * SECOND, 1, 0, 300));
	cr_assert_eq(opened(&w, "water"), 1);
	cr_assert_eq(w.findings[0].f.start_ms, NOON + 20 * SECOND);
	offset.time_ms = NOON + 60 * SECOND;
	offset.lon_e7 += 100 * CELL_E7;
	world_send(&w, offset);
	cr_assert_eq(ended(&w, "water"), 0);
	world_send(&w, report_at(NOON + 70 * SECOND, 20, 0, 300));
	cr_assert_eq(ended(&w, "water"), 1);
}

Test(zone, a_report_from_the_future_is_as_if_it_had_not_come)
{
	fenced("water_source", WATER("points = 1\n"));
	struct report r = report_at(NOON + 24 * HOUR, 1, 0, 300);
	r.flags = REPORT_FLAG_FUTURE;
	world_send(&w, r);
	cr_assert_eq(w.finding_count, 0);
	cr_assert_eq(detect_state_time(w.state), INT64_MIN);
	world_send(&w, report_at(NOON, 1, 0, 300));
	cr_assert_eq(detect_state_time(w.state), NOON);
	cr_assert_eq(detect_state_hash(w.state), w.hash);
}

Test(zone, a_new_version_of_the_fence_begins_another_episode)
{
	struct fence f = world_square("here", "water_source", 0, 0, 9, 0);
	world_fence(&w, &f);
	f = world_square("here", "water_source", 0, 0, 19, 0);
	f.valid_from_ms = NOON + 30 * SECOND;
	world_fence(&w, &f);
	world_rules(&w, INT64_MIN, WATER("points = 1\nrelease = 60 s\n"));
	world_start(&w);
	for (int i = 0; i <= 6; i++)
		world_send(&w, report_at(NOON + i * 10 * SECOND, 1, 0, 300));
	world_send(&w, report_at(NOON + 70 * SECOND, 30, 0, 300));
	world_send(&w, report_at(NOON + 130 * SECOND, 30, 0, 300));
	cr_assert_eq(ended(&w, "water"), 2);
	cr_assert_eq(ended_at(&w, "water", 0)->fence_version, 1);
	cr_assert_eq(ended_at(&w, "water", 0)->end_ms, NOON + 20 * SECOND);
	cr_assert_eq(ended_at(&w, "water", 1)->fence_version, 2);
	cr_assert_eq(ended_at(&w, "water", 1)->start_ms, NOON + 30 * SECOND);
	cr_assert_eq(ended_at(&w, "water", 1)->end_ms, NOON + 60 * SECOND);
}

Test(zone, a_fence_counts_only_within_its_own_schedule)
{
	struct fence f = world_square("here", "water_source", 0, 0, 9, 0);
	cr_assert_eq(schedule_parse(span_of_string("12:00:10-12:00:30"), &f.when, NULL), STATUS_OK);
	world_fence(&w, &f);
	world_rules(&w, INT64_MIN, WATER("points = 1\n"));
	world_start(&w);
	for (int i = 0; i <= 4; i++)
		world_send(&w, report_at(NOON + i * 10 * SECOND, 1, 0, 300));
	cr_assert_eq(ended(&w, "water"), 1);
	cr_assert_eq(ended_at(&w, "water", 0)->start_ms, NOON + 10 * SECOND);
	cr_assert_eq(ended_at(&w, "water", 0)->end_ms, NOON + 20 * SECOND);
}

Test(zone, outside_is_found_outside_every_fence_of_the_tag)
{
	struct fence f = world_square("there", "home_region", 20, 0, 29, 0);
	world_fence(&w, &f);
	fenced("home_region", "[away]\nkind = zone\n" RULE("where = not tag:home_region\nhold = 60 s\n"));
	world_send(&w, report_at(NOON, 5, 0, 300));
	world_send(&w, report_at(NOON + 60 * SECOND, 25, 0, 300));
	world_send(&w, report_at(NOON + 120 * SECOND, 15, 0, 300));
	world_send(&w, report_at(NOON + 179 * SECOND, 15, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON + 180 * SECOND, 15, 0, 300));
	cr_assert_eq(opened(&w, "away"), 1);
	world_send(&w, report_at(NOON + 190 * SECOND, 5, 0, 300));
	cr_assert_eq(ended_at(&w, "away", 0)->start_ms, NOON + 120 * SECOND);
	cr_assert_eq(ended_at(&w, "away", 0)->end_ms, NOON + 180 * SECOND);
}

Test(zone, release_bridges_what_is_shorter_and_the_end_is_where_it_last_held)
{
	fenced("water_source", WATER("release = 20 s\n"));
	world_send(&w, report_at(NOON, 5, 0, 300));
	world_send(&w, report_at(NOON + 10 * SECOND, 15, 0, 300));
	world_send(&w, report_at(NOON + 29 * SECOND, 15, 0, 300));
	world_send(&w, report_at(NOON + 40 * SECOND, 5, 0, 300));
	cr_assert_eq(ended(&w, "water"), 0);
	world_send(&w, report_at(NOON + 50 * SECOND, 15, 0, 300));
	world_send(&w, report_at(NOON + 70 * SECOND, 15, 0, 300));
	cr_assert_eq(ended(&w, "water"), 1);
	cr_assert_eq(ended_at(&w, "water", 0)->end_ms, NOON + 40 * SECOND);
	cr_assert_eq(ended_at(&w, "water", 0)->numbers[FINDING_REPORTS], 2);
}

Test(zone, thirty_fences_over_one_position_are_thirty_findings)
{
	for (int i = 0; i < 30; i++) {
		struct fence f = world_square((char[]){'f', (char)('A' + i), 0}, "water_source", 0, 0, 9, 0);
		world_fence(&w, &f);
	}
	world_rules(&w, INT64_MIN, WATER("points = 1\n"));
	world_start(&w);
	world_send(&w, report_at(NOON, 5, 0, 300));
	cr_assert_eq(opened(&w, "water"), 30);
	world_restart(&w);
	world_send(&w, report_at(NOON + 10 * SECOND, 5, 0, 300));
	world_send(&w, report_at(NOON + 20 * SECOND, 15, 0, 300));
	cr_assert_eq(opened(&w, "water"), 30);
	cr_assert_eq(ended(&w, "water"), 30);
}
