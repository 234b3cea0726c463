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

/* --- between two reports --- */

#define CROSSED "[zone]\nkind = zone\n" RULE("where = tag:closed_road\nsegment = yes\n")

/* South of the fence "here" (cells 0..9 of row 0), a minute before the report that `end` is. */
static void crosses(struct report begin, struct report end)
{
	world_send(&w, begin);
	world_send(&w, end);
}

Test(zone, a_fence_crossed_between_two_reports_is_found_as_a_lead)
{
	fenced("closed_road", CROSSED);
	crosses(report_at(NOON, 4, -1, 400), report_at(NOON + MINUTE, 5, 1, 400));
	cr_assert_eq(w.finding_count, 1);
	const struct finding *f = ended_at(&w, "zone", 0);
	cr_expect_eq(f->confidence, CONFIDENCE_LOW);
	cr_expect_eq(f->numbers[FINDING_CODE], 1);
	cr_expect_eq(f->numbers[FINDING_REPORTS], 0);
	cr_expect_eq(f->numbers[FINDING_DURATION], MINUTE);
	cr_expect_eq(f->numbers[FINDING_DISTANCE] / 10000, 24, "some 240 m");
	cr_expect_eq(f->start_ms, NOON);
	cr_expect_eq(f->end_ms, NOON + MINUTE);
	cr_expect_eq(f->found_ms, NOON + MINUTE);
	cr_expect_eq(f->start_lat_e7, report_at(0, 4, -1, 0).lat_e7);
	cr_expect_eq(f->end_lon_e7, report_at(0, 5, 1, 0).lon_e7);
	cr_expect_str_eq(f->fence, "here");
}

Test(zone, touching_the_border_is_crossing_and_passing_beside_is_not)
{
	struct report begin = report_at(NOON, 9, -1, 400), end = report_at(NOON + MINUTE, 9, 1, 400);
	fenced("closed_road", CROSSED);
	begin.lon_e7 = end.lon_e7 = report_at(0, 9, 0, 0).lon_e7 + CELL_E7 / 2 + 1;
	crosses(begin, end);
	cr_expect_eq(w.finding_count, 0);
	begin.time_ms += HOUR;
	end.time_ms += HOUR;
	begin.lon_e7 -= 1;
	end.lon_e7 -= 1;
	crosses(begin, end);
	cr_expect_eq(w.finding_count, 1);
}

Test(zone, what_was_seen_inside_is_not_crossed_and_without_the_option_nothing_is)
{
	fenced("closed_road", CROSSED);
	crosses(report_at(NOON, 4, -1, 400), report_at(NOON + MINUTE, 5, 0, 400));
	crosses(report_at(NOON + 2 * MINUTE, 5, 1, 400), report_at(NOON + 3 * MINUTE, 5, 2, 400));
	cr_assert_eq(ended(&w, "zone"), 1);
	cr_expect_eq(ended_at(&w, "zone", 0)->numbers[FINDING_CODE], NUMBER_UNKNOWN);
	cr_expect_eq(ended_at(&w, "zone", 0)->start_ms, NOON + MINUTE);
	world_forget(&w);
	world_rules(&w, INT64_MIN + 1, "[zone]\nkind = zone\n" RULE("where = tag:closed_road\n"));
	world_start(&w);
	w.finding_count = 0;
	crosses(report_at(NOON + HOUR, 4, -1, 400), report_at(NOON + HOUR + MINUTE, 5, 1, 400));
	cr_expect_eq(w.finding_count, 0);
}

Test(zone, too_long_too_fast_or_not_to_be_judged_is_no_crossing)
{
	struct report shifted = report_at(NOON + 3 * HOUR + MINUTE, 5, 1, 400);
	fenced("closed_road", CROSSED);
	crosses(report_at(NOON, 4, -1, 400), report_at(NOON + 5 * MINUTE + 1, 4, 1, 400));
	cr_expect_eq(w.finding_count, 0, "longer than the gap");
	crosses(report_at(NOON + HOUR, 4, -1, 400), report_at(NOON + HOUR + 3 * SECOND, 4, 1, 400));
	cr_expect_eq(w.finding_count, 0, "266 km/h");
	crosses(report_at(NOON + 2 * HOUR, 4, -1, 400), report_at(NOON + 2 * HOUR + 4 * SECOND, 4, 1, 400));
	cr_expect_eq(w.finding_count, 1, "200 km/h");
	shifted.flags |= REPORT_FLAG_OFFSET;
	crosses(report_at(NOON + 3 * HOUR, 4, -1, 400), shifted);
	cr_expect_eq(w.finding_count, 1, "its position is shifted");
	world_send(&w, report_at(NOON + 3 * HOUR + 2 * MINUTE, 5, 1, 400));
	cr_expect_eq(w.finding_count, 2, "and the next one's is not");
	cr_expect_eq(ended_at(&w, "zone", 1)->start_ms, NOON + 3 * HOUR);
}

Test(zone, the_hours_must_hold_at_both_ends)
{
	fenced("closed_road",
	       "[zone]\nkind = zone\n" RULE("where = tag:closed_road\nsegment = yes\nwhen = 12:00-13:00\n"));
	crosses(report_at(NOON - 1, 4, -1, 400), report_at(NOON + MINUTE, 4, 1, 400));
	cr_expect_eq(w.finding_count, 0);
	crosses(report_at(NOON + HOUR - MINUTE, 4, -1, 400), report_at(NOON + HOUR, 4, 1, 400));
	cr_expect_eq(w.finding_count, 0);
	crosses(report_at(NOON + 24 * HOUR, 4, -1, 400), report_at(NOON + 24 * HOUR + MINUTE, 4, 1, 400));
	cr_expect_eq(w.finding_count, 1);
}

Test(zone, a_fence_that_begins_on_the_way_is_not_crossed)
{
	struct fence f = world_square("here", "closed_road", 0, 0, 9, 0);
	f.valid_from_ms = NOON + 1;
	world_fence(&w, &f);
	world_rules(&w, INT64_MIN, CROSSED);
	world_start(&w);
	crosses(report_at(NOON, 4, -1, 400), report_at(NOON + MINUTE, 4, 1, 400));
	cr_expect_eq(w.finding_count, 0);
	crosses(report_at(NOON + 2 * MINUTE, 4, 1, 400), report_at(NOON + 3 * MINUTE, 4, -1, 400));
	cr_expect_eq(w.finding_count, 1);
}

Test(zone, permits_and_exempt_places_let_cross_and_every_fence_on_the_way_is_told)
{
	struct fence relay = world_square("relay", "relay_point", 6, 0, 6, 0);
	struct fence other = world_square("other", "closed_road", 0, 2, 9, 2);
	world_fence(&w, &relay);
	world_fence(&w, &other);
	world_permit(&w, PERMIT_ZONE, "here", "12:00-13:00");
	fenced("closed_road", "[zone]\nkind = zone\n" RULE("where = tag:closed_road\nsegment = yes\npermit = yes\n"
							   "exempt = relay_point\n"));
	crosses(report_at(NOON, 4, -1, 400), report_at(NOON + MINUTE, 4, 3, 400));
	cr_assert_eq(w.finding_count, 1);
	cr_expect_str_eq(ended_at(&w, "zone", 0)->fence, "other", "a permit names the first");
	crosses(report_at(NOON + 2 * HOUR, 4, -1, 400), report_at(NOON + 2 * HOUR + MINUTE, 4, 3, 400));
	cr_expect_eq(w.finding_count, 3, "out of its hours both are told");
	crosses(report_at(NOON + 3 * HOUR, 6, -1, 400), report_at(NOON + 3 * HOUR + MINUTE, 6, 3, 400));
	cr_expect_eq(w.finding_count, 3, "through the relay point");
}

Test(zone, a_crossing_survives_a_restart_between_its_reports)
{
	fenced("closed_road", CROSSED);
	world_send(&w, report_at(NOON, 4, -1, 400));
	world_restart(&w);
	world_send(&w, report_at(NOON + MINUTE, 5, 1, 400));
	cr_expect_eq(ended(&w, "zone"), 1);
}

Test(zone, a_rule_without_the_option_has_the_version_it_had)
{
	struct buf out = buf_init(4096);
	world_rules(&w, INT64_MIN, CROSSED "[plain]\nkind = zone\n" RULE("where = tag:closed_road\n"));
	cr_assert_eq(rule_print(&w.books[0]->rules[0], &out), STATUS_OK);
	cr_assert_eq(buf_append_u8(&out, 0), STATUS_OK);
	cr_expect_null(strstr((char *)out.data, "segment"), "%s", (char *)out.data);
	buf_clear(&out);
	cr_assert_eq(rule_print(&w.books[0]->rules[1], &out), STATUS_OK);
	cr_assert_eq(buf_append_u8(&out, 0), STATUS_OK);
	cr_expect_not_null(strstr((char *)out.data, "segment     = yes\n"), "%s", (char *)out.data);
	buf_deinit(&out);
}
