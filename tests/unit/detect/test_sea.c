/* test_sea.c -- rules about one boat: ports and what is reported of them, silence of beacons, wind, areas, anchors,
 * gear.
 */
#include <stdio.h>

#include "engine/series/boat.h"
#include "unit/detect/rules_rig.h"
#include "unit/detect/step_world.h"

static struct step_world w;

static void begin(void)
{
	world_init(&w, DEVICE_CLASS_FISHING_MEDIUM);
	w.subject.source = 4; /* a Beidou beacon */
	w.later = w.subject;
}

static void finish(void)
{
	world_deinit(&w);
}

TestSuite(sea, .init = begin, .fini = finish);

static void fence(const char *id, const char *tag, int x0, int x1)
{
	struct fence f = world_square(id, tag, x0, 0, x1, 0);
	world_fence(&w, &f);
}

static void rules(const char *text)
{
	world_rules(&w, INT64_MIN, text);
	world_start(&w);
}

static void say(int64_t time_ms, int x)
{
	struct report r = report_at(time_ms, x, 0, 0);
	r.speed_dkmh = SPEED_UNKNOWN; /* beacons do not say */
	world_send(&w, r);
}

static struct permit *report_of_port(uint8_t kind, int64_t from_ms, int64_t to_ms)
{
	world_permit(&w, kind, NULL, "always");
	struct permit *p = &w.subject.permits[w.subject.permit_count - 1];
	p->valid_from_ms = from_ms;
	p->valid_to_ms = to_ms;
	w.later = w.subject;
	return p;
}

/* --- gear and sources --- */

#define BAN "[ban]\nkind = zone\n" RULE("gears = not angling\nwhere = tag:ban\nwhen = 05-01T12:00..08-16T12:00\n")
/* 2026-05-01 12:00 and 2026-08-16 12:00 in China */
#define CLOSED INT64_C(1777608000000)
#define OPEN INT64_C(1786852800000)

Test(sea, a_trawler_is_found_from_the_noon_of_may_1_to_the_noon_of_august_16)
{
	fence("south", "ban", 0, 9);
	w.subject.gears = w.later.gears = 1u << GEAR_TRAWL;
	rules(BAN);
	say(CLOSED - SECOND, 1);
	cr_assert_eq(w.finding_count, 0);
	say(CLOSED, 1);
	cr_assert_eq(opened(&w, "ban"), 1);
	say(OPEN - SECOND, 1);
	cr_assert_eq(opened(&w, "ban"), 2);
	say(OPEN, 1);
	cr_assert_eq(ended(&w, "ban"), 2);
	cr_assert_eq(ended_at(&w, "ban", 1)->end_ms, OPEN - SECOND);
}

Test(sea, an_angler_is_not_and_with_a_second_gear_or_an_unknown_one_it_is)
{
	fence("south", "ban", 0, 9);
	w.subject.gears = 1u << GEAR_ANGLING;
	w.subject.to_ms = CLOSED + HOUR;
	w.later_ms = CLOSED + HOUR;
	w.later.gears = 1u << GEAR_ANGLING | 1u << GEAR_GILLNET;
	rules(BAN);
	say(CLOSED, 1);
	cr_assert_eq(w.finding_count, 0);
	say(CLOSED + HOUR, 1);
	cr_assert_eq(opened(&w, "ban"), 1);
	w.later.gears = 1u << GEAR_ANGLING;
	world_start(&w);
	say(CLOSED + 2 * HOUR, 1);
	cr_assert_eq(ended(&w, "ban"), 1);
	w.later.gears = 0;
	world_start(&w);
	say(CLOSED + 3 * HOUR, 1);
	cr_assert_eq(opened(&w, "ban"), 2);
}

Test(sea, a_rule_asks_for_its_sources_only)
{
	fence("lake", "lake", 0, 9);
	rules("[none]\nkind = zone\n" RULE("sources = ais, nmea\nwhere = tag:lake\n"));
	say(NOON, 1);
	cr_assert_eq(w.finding_count, 0);
	w.subject.source = w.later.source = 8;
	world_start(&w);
	say(NOON + SECOND, 1);
	cr_assert_eq(opened(&w, "none"), 1);
}

Test(sea, gears_and_sources_are_printed_as_they_are_read_and_not_at_all_when_they_are_any)
{
	struct rules_read r = rules_read(span_of_string("[a]\nkind = zone\n" RULE(
		"gears = not angling, trawl\nsources = beidou "
		"ais\n") "[b]\nkind = zone\n" RULE("gears = gillnet 拖网\n") "[c]\nkind = zone\n" RULE("gears = "
												       "any\nsources = "
												       "any\n") "[d]"
														"\nkind"
														" = "
														"zone"
														"\n" RULE(
															"")));
	struct buf text = buf_init(65536);
	cr_assert_eq(r.status, STATUS_OK, "%s", (char *)r.mistakes.data);
	cr_assert_eq(rule_print(&r.book->rules[0], &text), STATUS_OK);
	cr_assert_eq(rule_print(&r.book->rules[1], &text), STATUS_OK);
	cr_assert_eq(buf_append_u8(&text, 0), STATUS_OK);
	cr_expect_not_null(strstr((char *)text.data, "gears       = not trawl, angling\n"));
	cr_expect_not_null(strstr((char *)text.data, "sources     = ais, beidou\n"));
	cr_expect_not_null(strstr((char *)text.data, "gears       = trawl, gillnet\n"));
	cr_expect_eq(r.book->rules[0].gears & r.book->rules[1].gears, 1u << GEAR_GILLNET);
	buf_clear(&text);
	cr_assert_eq(rule_print(&r.book->rules[2], &text), STATUS_OK);
	size_t size = text.size;
	cr_assert_eq(rule_print(&r.book->rules[3], &text), STATUS_OK);
	cr_expect_eq(text.size, 2 * size);
	cr_expect_null(memmem(text.data, text.size, "gears", 5));
	buf_deinit(&text);
	rules_read_deinit(&r);
}

/* --- silence --- */

#define DARK                                                                                                           \
	"[dark]\nkind = silent\n" RULE("sources = beidou\nwhere = tag:sea\ntime = 2 h\nstanding = yes\nexempt = "      \
				       "harbour\n")

Test(sea, a_beacon_silent_for_two_hours_at_sea_is_found_to_the_second_and_ends_when_it_speaks)
{
	fence("sea", "sea", 0, 9);
	rules(DARK);
	say(NOON, 5);
	cr_assert_eq(detect_wake(w.state, w.detector), NOON + 2 * HOUR);
	cr_assert_eq(detect_tick(w.state, w.detector, NOON + 2 * HOUR - 1, &w.sink), STATUS_OK);
	cr_assert_eq(w.finding_count, 0);
	cr_assert_eq(detect_tick(w.state, w.detector, NOON + 2 * HOUR, &w.sink), STATUS_OK);
	cr_assert_eq(opened(&w, "dark"), 1);
	say(NOON + 3 * HOUR, 5);
	cr_assert_eq(ended_at(&w, "dark", 0)->end_ms, NOON + 3 * HOUR);
}

Test(sea, in_port_elsewhere_and_by_another_source_silence_is_none)
{
	fence("sea", "sea", 0, 9);
	fence("port", "harbour", 4, 5);
	rules(DARK);
	say(NOON, 5);
	cr_assert_eq(detect_wake(w.state, w.detector), INT64_MAX);
	say(NOON + MINUTE, 20);
	cr_assert_eq(detect_wake(w.state, w.detector), INT64_MAX);
	w.subject.source = w.later.source = 3;
	world_start(&w);
	say(NOON + 2 * MINUTE, 8);
	cr_assert_eq(detect_wake(w.state, w.detector), INT64_MAX);
}

#define COVERED "[covered]\nkind = port_gap\n" RULE("tag = harbour\nmouth = mouth\ntime = 6 h\n")

Test(sea, silent_from_the_mouth_of_the_port_to_the_mouth_is_found)
{
	fence("port", "harbour", 0, 1);
	fence("bay", "mouth", 0, 5);
	rules(COVERED);
	say(NOON, 4);
	say(NOON + 6 * HOUR, 3); /* not more than it may */
	cr_assert_eq(w.finding_count, 0);
	say(NOON + 13 * HOUR, 0);
	const struct finding *f = ended_at(&w, "covered", 0);
	cr_assert_eq(f->start_ms, NOON + 6 * HOUR);
	cr_assert_eq(f->end_ms, NOON + 13 * HOUR);
	cr_assert_str_eq(f->fence, "bay");
}

Test(sea, silent_in_port_or_from_the_open_sea_is_not)
{
	fence("port", "harbour", 0, 1);
	fence("bay", "mouth", 0, 5);
	rules(COVERED);
	say(NOON, 1);
	say(NOON + 10 * HOUR, 4);
	say(NOON + 11 * HOUR, 9);
	say(NOON + 21 * HOUR, 4);
	say(NOON + 31 * HOUR, 9);
	cr_assert_eq(w.finding_count, 0);
}

/* --- ports --- */

#define PORT(more) "[port]\nkind = port_report\n" RULE("tag = harbour\nhold = 10 min\n" more)

static void leave_port(int64_t at_ms)
{
	say(at_ms - 10 * MINUTE, 1);
	for (int i = 0; i <= 7; i++)
		say(at_ms + i * 10 * MINUTE, 5);
}

Test(sea, out_of_port_without_a_report_is_found_when_the_grace_is_over)
{
	fence("port", "harbour", 0, 1);
	rules(PORT("grace = 1 h\n"));
	leave_port(NOON);
	const struct finding *f = ended_at(&w, "port", 0);
	cr_assert_eq(f->start_ms, NOON - 10 * MINUTE);
	cr_assert_eq(f->end_ms, NOON);
	cr_assert_eq(f->found_ms, NOON + HOUR);
	cr_assert_eq(f->numbers[FINDING_CODE], 1);
	cr_assert_str_eq(f->fence, "port");
	cr_assert_eq(facts_of(&w, FACT_VISIT, false), 1); /* and the visit of the harbour is a fact */
}

/* Findings of leaving at NOON with one report of port. */
static size_t found_with(uint8_t kind, int64_t from_ms, int64_t to_ms)
{
	fence("port", "harbour", 0, 1);
	report_of_port(kind, from_ms, to_ms);
	rules(PORT("grace = 1 h\n"));
	leave_port(NOON);
	return w.finding_count;
}

Test(sea, a_report_that_ends_after_the_last_report_in_port_covers_the_crossing)
{
	cr_assert_eq(found_with(PERMIT_LEAVE, NOON - HOUR, NOON - 10 * MINUTE + 1), 0);
}

Test(sea, a_report_that_ends_before_it_does_not)
{
	cr_assert_eq(found_with(PERMIT_LEAVE, NOON - HOUR, NOON - 10 * MINUTE), 1);
}

Test(sea, a_report_within_the_grace_covers_it)
{
	cr_assert_eq(found_with(PERMIT_LEAVE, NOON + HOUR, NOON + 2 * HOUR), 0);
}

Test(sea, a_report_behind_the_grace_does_not)
{
	cr_assert_eq(found_with(PERMIT_LEAVE, NOON + HOUR + 1, NOON + 2 * HOUR), 1);
}

Test(sea, a_report_of_entering_covers_no_leaving)
{
	cr_assert_eq(found_with(PERMIT_ENTER, NOON - HOUR, NOON + HOUR), 1);
}

Test(sea, what_trembles_on_the_harbours_border_has_not_crossed_it)
{
	fence("port", "harbour", 0, 1);
	rules(PORT("grace = 10 min\n"));
	for (int i = 0; i < 60; i++)
		say(NOON + i * 5 * MINUTE, i % 2 ? 2 : 1);
	cr_assert_eq(w.finding_count, 0);
}

Test(sea, into_port_without_a_report_is_found_and_survives_a_restart)
{
	fence("port", "harbour", 0, 1);
	rules(PORT("grace = 1 h\n"));
	say(NOON - 10 * MINUTE, 5);
	for (int i = 0; i <= 7; i++) {
		world_restart(&w);
		say(NOON + i * 10 * MINUTE, 1);
	}
	cr_assert_eq(ended_at(&w, "port", 0)->numbers[FINDING_CODE], 2);
}

Test(sea, a_report_that_no_crossing_follows_is_found_once_when_it_ends)
{
	fence("port", "harbour", 0, 1);
	report_of_port(PERMIT_LEAVE, NOON, NOON + HOUR);
	rules(PORT("missing = crossing\n"));
	for (int i = -2; i <= 12; i++) {
		world_restart(&w);
		say(NOON + i * 10 * MINUTE, 1);
	}
	const struct finding *f = ended_at(&w, "port", 0);
	cr_assert_eq(ended(&w, "port"), 1);
	cr_assert_eq(f->start_ms, NOON);
	cr_assert_eq(f->end_ms, NOON + HOUR);
	cr_assert_eq(f->numbers[FINDING_CODE], 1);
	say(NOON + 3 * 24 * HOUR, 1);
	cr_assert_eq(ended(&w, "port"), 1);
}

Test(sea, a_report_that_a_crossing_follows_is_not)
{
	fence("port", "harbour", 0, 1);
	report_of_port(PERMIT_LEAVE, NOON, NOON + HOUR);
	rules(PORT("missing = crossing\n"));
	leave_port(NOON + 55 * MINUTE);
	say(NOON + 4 * HOUR, 5);
	cr_assert_eq(w.finding_count, 0);
}

Test(sea, a_report_that_ends_while_the_boat_may_be_crossing_is_followed)
{
	fence("port", "harbour", 0, 1);
	report_of_port(PERMIT_LEAVE, NOON - HOUR, NOON - 5 * MINUTE);
	rules(PORT("missing = crossing\n"));
	leave_port(NOON);
	cr_assert_eq(w.finding_count, 0);
}

#define DEPART "[depart]\nkind = depart\n" RULE("tag = harbour\nwhere = tag:banned\n")

Test(sea, out_of_port_while_sailing_is_banned_is_found_to_the_second)
{
	fence("port", "harbour", 0, 1);
	struct fence ban = world_square("typhoon", "banned", 0, 0, 30, 0);
	ban.valid_from_ms = NOON;
	ban.valid_to_ms = NOON + HOUR;
	world_fence(&w, &ban);
	rules(DEPART);
	say(NOON - 2 * SECOND, 1);
	say(NOON - SECOND, 5);
	say(NOON + MINUTE, 1);
	say(NOON + HOUR - SECOND, 5);
	say(NOON + HOUR, 1);
	say(NOON + HOUR + SECOND, 5);
	cr_assert_eq(ended(&w, "depart"), 1);
	cr_assert_eq(ended_at(&w, "depart", 0)->start_ms, NOON + MINUTE);
	cr_assert_eq(ended_at(&w, "depart", 0)->end_ms, NOON + HOUR - SECOND);
	cr_assert_str_eq(ended_at(&w, "depart", 0)->fence, "typhoon");
	cr_assert_eq(ended_at(&w, "depart", 0)->confidence, CONFIDENCE_HIGH);
}

Test(sea, who_was_last_seen_in_port_before_the_ban_may_have_left_before_it)
{
	fence("port", "harbour", 0, 1);
	struct fence ban = world_square("typhoon", "banned", 0, 0, 30, 0);
	ban.valid_from_ms = NOON;
	world_fence(&w, &ban);
	rules(DEPART);
	say(NOON - SECOND, 1);
	say(NOON + 10 * MINUTE, 5);
	cr_assert_eq(ended_at(&w, "depart", 0)->confidence, CONFIDENCE_LOW);
}

Test(sea, who_was_at_sea_before_the_ban_has_not_left_in_it)
{
	fence("port", "harbour", 0, 1);
	struct fence ban = world_square("typhoon", "banned", 0, 0, 30, 0);
	ban.valid_from_ms = NOON;
	world_fence(&w, &ban);
	rules(DEPART);
	say(NOON - HOUR, 5);
	say(NOON, 6);
	say(NOON + HOUR, 1); /* comes home */
	cr_assert_eq(w.finding_count, 0);
}

/* --- wind, areas, people, papers --- */

static void wind(const char *mean, const char *gust)
{
	struct fence f = world_square("warning", "wind", 0, 0, 9, 0);
	cr_assert_eq(tag_number(span_of_string(mean), &f.tags[f.tag_count++]), STATUS_OK);
	cr_assert_eq(tag_number(span_of_string(gust), &f.tags[f.tag_count++]), STATUS_OK);
	for (int i = 0; i < 3; i++) /* ascending */
		for (int k = 0; k < 2; k++)
			if (f.tags[k] > f.tags[k + 1]) {
				uint16_t swap = f.tags[k];
				f.tags[k] = f.tags[k + 1];
				f.tags[k + 1] = swap;
			}
	world_fence(&w, &f);
}

#define WIND(more) "[wind]\nkind = over_wind\n" RULE("where = tag:wind\n" more)

Test(sea, wind_above_the_rating_is_found_and_wind_of_the_rating_is_not)
{
	wind("wind_8", "gust_10");
	w.subject.wind_rating = w.later.wind_rating = 8;
	rules(WIND(""));
	say(NOON, 1);
	cr_assert_eq(w.finding_count, 0);
	w.subject.wind_rating = w.later.wind_rating = 7;
	world_start(&w);
	say(NOON + MINUTE, 1);
	cr_assert_eq(opened(&w, "wind"), 1);
	cr_assert_eq(w.findings[0].f.numbers[FINDING_PEAK], 8);
	cr_assert_eq(w.findings[0].f.numbers[FINDING_LIMIT], 7);
}

Test(sea, gusts_are_another_rule_and_a_boat_without_a_rating_needs_one)
{
	wind("wind_8", "gust_10");
	rules(WIND("by = gust\n") "[assumed]\nkind = over_wind\n" RULE("where = tag:wind\nrating = 7\n"));
	say(NOON, 1);
	cr_assert_eq(opened(&w, "wind"), 0);
	cr_assert_eq(opened(&w, "assumed"), 1);
	w.subject.wind_rating = w.later.wind_rating = 9;
	world_start(&w);
	say(NOON + MINUTE, 1);
	cr_assert_eq(opened(&w, "wind"), 1);
	cr_assert_eq(ended(&w, "assumed"), 1);
}

Test(sea, gusts_within_the_margin_above_the_rating_are_not_too_strong)
{
	wind("wind_8", "gust_10");
	w.subject.wind_rating = w.later.wind_rating = 8;
	rules(WIND("by = gust\nmargin = 2\n"));
	say(NOON, 1);
	cr_assert_eq(w.finding_count, 0);
	w.subject.wind_rating = w.later.wind_rating = 7;
	world_start(&w);
	say(NOON + MINUTE, 1);
	cr_assert_eq(opened(&w, "wind"), 1);
}

Test(sea, outside_the_fences_of_the_licence_is_found_and_without_a_licence_nothing)
{
	fence("c2", "ground", 0, 9);
	rules("[out]\nkind = out_of_area\n" RULE("by = licence\nexempt = harbour\n"));
	say(NOON, 20);
	cr_assert_eq(w.finding_count, 0);
	snprintf(w.subject.areas[0], sizeof w.subject.areas[0], "c2");
	w.subject.area_count = 1;
	w.later = w.subject;
	world_start(&w);
	say(NOON + MINUTE, 9);
	cr_assert_eq(w.finding_count, 0);
	say(NOON + 2 * MINUTE, 10);
	cr_assert_eq(opened(&w, "out"), 1);
}

Test(sea, an_area_of_navigation_holds_the_areas_within_it)
{
	fence("coast", "nav_coastal", 0, 19);
	fence("bay", "nav_sheltered", 20, 29); /* drawn beside for the test */
	w.subject.navigation = w.later.navigation = AREA_COASTAL;
	rules("[out]\nkind = out_of_area\n" RULE("by = navigation\n"));
	say(NOON, 5);
	say(NOON + MINUTE, 25);
	cr_assert_eq(w.finding_count, 0);
	w.subject.navigation = w.later.navigation = AREA_SHELTERED;
	world_start(&w);
	say(NOON + 2 * MINUTE, 25);
	cr_assert_eq(w.finding_count, 0);
	say(NOON + 3 * MINUTE, 5);
	cr_assert_eq(opened(&w, "out"), 1);
	w.subject.navigation = w.later.navigation = AREA_NEAR; /* of which no fence was drawn */
	world_start(&w);
	say(NOON + 4 * MINUTE, 40);
	cr_assert_eq(ended(&w, "out"), 1);
	cr_assert_eq(opened(&w, "out"), 1);
}

Test(sea, one_more_aboard_than_certified_is_found_at_sea)
{
	fence("port", "harbour", 0, 1);
	w.subject.certified_persons = w.later.certified_persons = 9;
	w.subject.persons_aboard = w.later.persons_aboard = 9;
	rules("[crew]\nkind = over_crew\n" RULE("exempt = harbour\n"));
	say(NOON, 5);
	w.subject.persons_aboard = w.later.persons_aboard = 10;
	world_start(&w);
	say(NOON + MINUTE, 1);
	cr_assert_eq(w.finding_count, 0);
	say(NOON + 2 * MINUTE, 5);
	cr_assert_eq(opened(&w, "crew"), 1);
}

Test(sea, a_boats_paper_is_over_at_sea_though_no_speed_is_told)
{
	fence("port", "harbour", 0, 1);
	w.subject.survey_due_ms = w.later.survey_due_ms = NOON;
	rules("[survey]\nkind = expired\n" RULE(
		"where = not tag:harbour\nwhat = survey\n") "[licence]\nkind = expired\n" RULE("what = licence\n"));
	say(NOON - 1, 5);
	say(NOON, 1);
	cr_assert_eq(w.finding_count, 0);
	say(NOON + 1, 5);
	cr_assert_eq(opened(&w, "survey"), 1);
	cr_assert_eq(opened(&w, "licence"), 0);
	cr_assert_eq(w.findings[0].f.numbers[FINDING_CODE], 4);
}

/* --- anchors, jumps --- */

/* A class A report: type 1, and its status in the first of the small fields. */
static void say_status(int64_t time_ms, int x, unsigned status)
{
	uint8_t items[] = {0xa0, 5, 1 << 2, 0, 0, 0, 0, 0xa2, 2, (uint8_t)(status << 4), 0};
	struct report r = report_at(time_ms, x, 0, 10);
	r.items = items;
	r.items_size = sizeof items;
	world_send(&w, r);
}

#define DRAG(how) "[drag]\nkind = drag\n" RULE("while = " how "\ndistance = 300 m\ngap = 30 min\n")

Test(sea, four_cells_from_where_it_anchored_it_drags_and_two_are_its_swing)
{
	rules(DRAG("anchored"));
	say_status(NOON, 0, 0);
	say_status(NOON + 3 * MINUTE, 10, 1);
	say_status(NOON + 6 * MINUTE, 12, 1);
	say_status(NOON + 9 * MINUTE, 8, 1);
	cr_assert_eq(w.finding_count, 0);
	world_restart(&w);
	say_status(NOON + 12 * MINUTE, 14, 1);
	cr_assert_eq(opened(&w, "drag"), 1);
	say_status(NOON + 15 * MINUTE, 15, 1);
	say_status(NOON + 18 * MINUTE, 15, 0); /* weighs */
	const struct finding *f = ended_at(&w, "drag", 0);
	cr_assert_eq(f->start_ms, NOON + 12 * MINUTE);
	cr_assert_eq(f->end_ms, NOON + 15 * MINUTE);
	cr_assert_gt(f->numbers[FINDING_PEAK], 500000);
}

Test(sea, who_sails_anchors_elsewhere_or_was_silent_does_not_drag)
{
	rules(DRAG("anchored"));
	say_status(NOON, 0, 1);
	say_status(NOON + 3 * MINUTE, 10, 0);
	say_status(NOON + 6 * MINUTE, 20, 1);
	say_status(NOON + 40 * MINUTE, 30, 1); /* 34 min of silence */
	say_status(NOON + 43 * MINUTE, 31, 5);
	cr_assert_eq(w.finding_count, 0);
}

Test(sea, a_boat_laid_up_is_where_it_was_however_long_it_was_silent)
{
	w.subject.laid_up = w.later.laid_up = true;
	rules(DRAG("laid_up"));
	say(NOON, 10);
	say(NOON + 24 * HOUR, 12);
	cr_assert_eq(w.finding_count, 0);
	say(NOON + 48 * HOUR, 14);
	cr_assert_eq(opened(&w, "drag"), 1);
	say(NOON + 48 * HOUR + MINUTE, 11);
	cr_assert_eq(ended(&w, "drag"), 1);
	w.subject.laid_up = w.later.laid_up = false;
	world_start(&w);
	say(NOON + 49 * HOUR, 30);
	cr_assert_eq(opened(&w, "drag"), 1);
}

Test(sea, a_jump_is_marked_there_and_back_and_is_no_way_across_a_lane)
{
	fence("lane", "lane", 40, 41);
	rules("[jump]\nkind = jump\n" RULE("limit = 111 km/h\ndistance = 2 km\n") "[lane]\nkind = zone\n" RULE(
		"where = tag:lane\nsegment = yes\ngap = 30 min\n"));
	say(NOON, 0);
	say(NOON + 2 * MINUTE, 60); /* 6 km in 2 min: 182 km/h */
	say(NOON + 4 * MINUTE, 0);
	cr_assert_eq(ended(&w, "jump"), 2);
	cr_assert_eq(ended(&w, "lane"), 0);
	say(NOON + 14 * MINUTE, 60); /* in ten minutes it may */
	cr_assert_eq(ended(&w, "jump"), 2);
	cr_assert_eq(ended(&w, "lane"), 1);
}

/* --- crew, static data --- */

Test(sea, other_people_aboard_than_on_the_list_are_found_and_as_many_are_not)
{
	fence("port", "harbour", 0, 1);
	w.subject.crew_count = w.later.crew_count = 5;
	w.subject.persons_aboard = w.later.persons_aboard = 5;
	rules("[crew]\nkind = crew_differs\n" RULE("exempt = harbour\n"));
	say(NOON, 5);
	w.subject.persons_aboard = w.later.persons_aboard = 4;
	world_start(&w);
	say(NOON + MINUTE, 1);
	cr_assert_eq(w.finding_count, 0);
	say(NOON + 2 * MINUTE, 5);
	cr_assert_eq(opened(&w, "crew"), 1);
	cr_expect_eq(w.findings[0].f.numbers[FINDING_PEAK], 4);
	cr_expect_eq(w.findings[0].f.numbers[FINDING_LIMIT], 5);
	w.subject.crew_count = w.later.crew_count = 0; /* no list */
	world_start(&w);
	say(NOON + 3 * MINUTE, 5);
	cr_assert_eq(ended(&w, "crew"), 1);
}

#define CODES "[codes]\nkind = misstated\n" RULE("length = 3 m\n")

Test(sea, a_length_beyond_the_tolerance_is_found_and_one_within_it_is_not)
{
	w.subject.length_dm = w.later.length_dm = 200;
	w.subject.said_length_m = w.later.said_length_m = 23;
	rules(CODES);
	say(NOON, 5);
	cr_assert_eq(w.finding_count, 0);
	w.subject.said_length_m = w.later.said_length_m = 24;
	world_start(&w);
	say(NOON + MINUTE, 5);
	cr_assert_eq(opened(&w, "codes"), 1);
	const struct finding *f = &w.findings[0].f;
	cr_expect_eq(f->numbers[FINDING_CODE], MISSTATED_LENGTH);
	cr_expect_eq(f->numbers[FINDING_PEAK], 24000);
	cr_expect_eq(f->numbers[FINDING_LIMIT], 20000);
	w.subject.said_length_m = w.later.said_length_m = 0; /* not said */
	world_start(&w);
	say(NOON + 2 * MINUTE, 5);
	cr_assert_eq(ended(&w, "codes"), 1);
}

Test(sea, what_else_differs_is_another_finding)
{
	w.subject.misstated = w.later.misstated = MISSTATED_NAME;
	rules(CODES);
	say(NOON, 5);
	w.subject.misstated = w.later.misstated = MISSTATED_NAME | MISSTATED_TYPE;
	w.subject.said_type = w.later.said_type = 70;
	world_start(&w);
	say(NOON + MINUTE, 5);
	cr_assert_eq(ended(&w, "codes"), 1);
	say(NOON + 2 * MINUTE, 5);
	cr_assert_eq(opened(&w, "codes"), 2);
	const struct finding *f = &w.findings[w.finding_count - 1].f;
	cr_expect_eq(f->numbers[FINDING_CODE], MISSTATED_NAME | MISSTATED_TYPE);
	cr_expect_eq(f->numbers[FINDING_LEVEL], 70);
}

Test(boat, names_in_latin_are_compared_whole_and_of_chinese_ones_the_number)
{
	static const struct {
		const char *said, *registered;
		bool same;
	} cases[] = {{"MIN SHI YU 01234", "minshiyu01234", true},
		     {"MIN SHI YU 01235", "minshiyu01234", false},
		     {"MINSHIYU1234", "闽狮渔01234", true},
		     {"MINSHIYU01235", "闽狮渔01234", false},
		     {"MINSHIYU", "闽狮渔01234", false},
		     {"YU 7-1234", "闽狮渔1234号", true},
		     {"ANYTHING", "闽狮渔", true},
		     {"ANYTHING", "", true}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(boat_name_may_be(span_of_string(cases[i].said), span_of_string(cases[i].registered)),
			     cases[i].same, "%s, %s", cases[i].said, cases[i].registered);
	cr_expect_eq(boat_names_count(span_of_string("王一, 李 二、张三;Li Si/")), 4);
	cr_expect_eq(boat_names_count(span_of_string(" , ")), 0);
}

/* --- loitering, standing without a speed --- */

#define LOITER                                                                                                         \
	"[loiter]\nkind = loiter\n" RULE(                                                                              \
		"gap = 1 h\npoints = 4\ndistance = 1 km\ntime = 4 h\nspeed = 3.7 km/h\nexempt = harbour\n")

/* Every 10 min to and fro between two cells, `x` and its `by`-th neighbour; cells are 100 m. */
static void hang_about(int64_t from_ms, int64_t to_ms, int x, int by)
{
	for (int64_t at = from_ms; at <= to_ms; at += 10 * MINUTE)
		say(at, (at - from_ms) / (10 * MINUTE) % 2 ? x + by : x);
}

Test(sea, four_hours_within_a_kilometre_are_loitering_to_the_report)
{
	rules(LOITER);
	hang_about(NOON, NOON + 4 * HOUR - 10 * MINUTE, 5, 5);
	cr_assert_eq(w.finding_count, 0);
	world_restart(&w);
	say(NOON + 4 * HOUR, 5);
	cr_assert_eq(opened(&w, "loiter"), 1);
	cr_expect_eq(w.findings[0].f.start_ms, NOON);
	say(NOON + 4 * HOUR + 20 * MINUTE, 20); /* 1.5 km away in 20 min */
	cr_assert_eq(ended(&w, "loiter"), 1);
	cr_expect_lt(llabs(ended_at(&w, "loiter", 0)->numbers[FINDING_DISTANCE] - 505000), 5000);
}

Test(sea, who_goes_too_far_or_too_fast_begins_anew)
{
	rules(LOITER);
	hang_about(NOON, NOON + 2 * HOUR, 5, 0);
	hang_about(NOON + 2 * HOUR + 10 * MINUTE, NOON + 6 * HOUR, 16, 0); /* 1.1 km on */
	cr_assert_eq(w.finding_count, 0);
	hang_about(NOON + 8 * HOUR, NOON + 13 * HOUR, 16, 7); /* 700 m in 10 min are 4.2 km/h */
	cr_assert_eq(w.finding_count, 0);
}

Test(sea, in_port_and_with_hours_between_reports_nobody_loiters)
{
	fence("port", "harbour", 4, 6);
	rules(LOITER);
	hang_about(NOON, NOON + 6 * HOUR, 5, 0);
	say(NOON + 10 * HOUR, 9);
	say(NOON + 12 * HOUR, 9);
	say(NOON + 14 * HOUR, 9);
	say(NOON + 16 * HOUR, 9);
	cr_assert_eq(w.finding_count, 0);
}

#define DWELL "[dwell]\nkind = dwell\n" RULE("where = tag:lane\nhold = 20 min\ngap = 30 min\nstill = 3 km/h\n")

Test(sea, a_beacon_without_a_speed_stands_by_its_positions)
{
	fence("lane", "lane", 0, 30);
	rules(DWELL);
	say(NOON, 1);
	say(NOON + 10 * MINUTE, 5); /* 400 m: 2.4 km/h */
	say(NOON + 20 * MINUTE, 9);
	cr_assert_eq(w.finding_count, 0);
	say(NOON + 30 * MINUTE, 13);
	cr_assert_eq(opened(&w, "dwell"), 1);
	cr_expect_eq(w.findings[0].f.start_ms, NOON + 10 * MINUTE);
	say(NOON + 40 * MINUTE, 19); /* 3.6 km/h */
	cr_assert_eq(ended(&w, "dwell"), 1);
}

Test(sea, on_the_road_a_report_without_a_speed_does_not_tell)
{
	w.subject.class_code = w.later.class_code = DEVICE_CLASS_MUCK_TRUCK;
	fence("lane", "lane", 0, 30);
	rules(DWELL);
	for (int i = 0; i < 6; i++)
		say(NOON + i * 10 * MINUTE, 1);
	cr_assert_eq(w.finding_count, 0);
}
