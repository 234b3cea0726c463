/* test_kinds.c -- the other kinds of rules: work of trucks, alarms, papers, sections, detours; and changes in between.
 */
#include "unit/detect/step_world.h"

static struct step_world w;

static void begin(void)
{
	world_init(&w, DEVICE_CLASS_MUCK_TRUCK);
}

static void finish(void)
{
	world_deinit(&w);
}

TestSuite(kinds, .init = begin, .fini = finish);

static void rules(const char *text)
{
	world_rules(&w, INT64_MIN, text);
	world_start(&w);
}

static void fence(const char *id, const char *tag, int x0, int x1)
{
	struct fence f = world_square(id, tag, x0, 0, x1, 0);
	f.length_mm = 1000000;
	world_fence(&w, &f);
}

static struct report loaded(struct report r)
{
	r.status |= STATUS_LOADED;
	return r;
}

static struct report with_items(struct report r, const uint8_t *items, size_t size)
{
	r.items = items;
	r.items_size = (uint16_t)size;
	return r;
}

#define INPUTS                                                                                                         \
	"[inputs]\nload = status bits 8-9\ncover_open = item E1 byte 1 mask 0x01\nlift_up = item E1 byte 2 mask "      \
	"0x01\n"

Test(kinds, off_the_route_for_a_minute_is_found_and_59_s_are_not)
{
	fence("route", "route", 0, 9);
	world_permit(&w, PERMIT_ROUTE, "route", "always");
	rules("[off]\nkind = off_route\n" RULE("hold = 60 s\npoints = 3\n"));
	for (int t = 0; t <= 59; t++)
		world_send(&w, report_at(NOON + t * SECOND, 20, 0, 300));
	world_send(&w, report_at(NOON + 60 * SECOND, 5, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	for (int t = 0; t <= 60; t += 20)
		world_send(&w, report_at(NOON + HOUR + t * SECOND, 20 + t, 0, 300));
	cr_assert_eq(opened(&w, "off"), 1);
	cr_assert_gt(w.findings[0].f.numbers[FINDING_DISTANCE], 6000000);
}

Test(kinds, off_the_route_by_distance_and_never_without_a_permit)
{
	rules("[off]\nkind = off_route\n" RULE("hold = 1 h\ndistance = 500 m\n"));
	for (int t = 0; t <= 60; t += 10)
		world_send(&w, report_at(NOON + t * SECOND, 20 + t / 10, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	fence("route", "route", 0, 9);
	world_permit(&w, PERMIT_ROUTE, "route", "always");
	world_start(&w);
	for (int t = 70; t <= 110; t += 10)
		world_send(&w, report_at(NOON + t * SECOND, 20 + t / 10, 0, 300));
	cr_assert_eq(w.finding_count, 0); /* 4 legs of 101 m */
	world_send(&w, report_at(NOON + 120 * SECOND, 32, 0, 300));
	cr_assert_eq(opened(&w, "off"), 1);
}

Test(kinds, off_hours_is_outside_the_permits_hours_and_without_one_when_it_is_required)
{
	world_permit(&w, PERMIT_ROUTE, "route", "12:00-13:00");
	rules("[off]\nkind = off_hours\n" RULE("require = no\n"));
	world_send(&w, report_at(NOON, 0, 0, 300));
	world_send(&w, report_at(NOON + HOUR - SECOND, 0, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON + HOUR, 0, 0, 300));
	cr_assert_eq(opened(&w, "off"), 1);
	world_send(&w, report_at(NOON + 24 * HOUR, 0, 0, 300)); /* the permit is over, and none is required */
	cr_assert_eq(opened(&w, "off"), 1);
}

Test(kinds, standing_5_min_in_a_fire_lane_and_not_when_it_creeps)
{
	fence("lane", "fire_lane", 0, 9);
	rules("[stand]\nkind = dwell\n" RULE("where = tag:fire_lane\nhold = 5 min\nstill = 3 km/h\n"));
	for (int t = 0; t <= 300; t += 60)
		world_send(&w, report_at(NOON + t * SECOND, 5, 0, t == 240 ? 30 : 29));
	cr_assert_eq(w.finding_count, 0);
	for (int t = 360; t <= 600; t += 60)
		world_send(&w, report_at(NOON + t * SECOND, 5, 0, 29));
	cr_assert_eq(opened(&w, "stand"), 1);
	cr_assert_eq(w.findings[0].f.found_ms, NOON + 600 * SECOND);
}

#define DUMP INPUTS "[dump]\nkind = dumping\n" RULE("where = not tag:dump_site\nlift = yes\n")

Test(kinds, a_lift_up_outside_an_approved_site_is_found_and_inside_not)
{
	static const uint8_t up[] = {0xe1, 3, 0, 0, 1};
	fence("site", "dump_site", 0, 9);
	rules(DUMP);
	world_send(&w, with_items(report_at(NOON, 5, 0, 0), up, sizeof up));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, with_items(report_at(NOON + 10 * SECOND, 15, 0, 0), up, sizeof up));
	cr_assert_eq(opened(&w, "dump"), 1);
	cr_assert_eq(w.findings[0].f.numbers[FINDING_CODE], 1);
}

Test(kinds, a_load_that_is_gone_counts_where_both_reports_are_outside_the_sites)
{
	fence("site", "dump_site", 0, 9);
	rules(DUMP);
	world_send(&w, loaded(report_at(NOON, 5, 0, 100)));
	world_send(&w, report_at(NOON + 10 * SECOND, 15, 0, 100));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, loaded(report_at(NOON + 20 * SECOND, 15, 0, 100)));
	world_restart(&w);
	world_send(&w, report_at(NOON + 30 * SECOND, 16, 0, 100));
	world_send(&w, report_at(NOON + 40 * SECOND, 16, 0, 100));
	cr_assert_eq(ended(&w, "dump"), 1);
	cr_assert_eq(ended_at(&w, "dump", 0)->end_ms, NOON + 30 * SECOND);
	cr_assert_eq(ended_at(&w, "dump", 0)->numbers[FINDING_CODE], 2);
}

Test(kinds, an_open_cover_may_creep_at_20_km_h_and_an_empty_truck_may_drive_so)
{
	static const uint8_t open[] = {0xe1, 3, 0, 1, 0};
	rules(INPUTS "[cover]\nkind = cover\n" RULE("limit = 20 km/h\nhold = 30 s\n"));
	for (int t = 0; t <= 60; t += 10)
		world_send(&w, with_items(loaded(report_at(NOON + t * SECOND, 0, 0, 200)), open, sizeof open));
	for (int t = 70; t <= 130; t += 10)
		world_send(&w, with_items(report_at(NOON + t * SECOND, 0, 0, 400), open, sizeof open));
	for (int t = 140; t <= 160; t += 10)
		world_send(&w, with_items(loaded(report_at(NOON + t * SECOND, 0, 0, 201)), open, sizeof open));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, with_items(loaded(report_at(NOON + 170 * SECOND, 0, 0, 201)), open, sizeof open));
	cr_assert_eq(opened(&w, "cover"), 1);
}

#define SECTION                                                                                                        \
	"[section]\nkind = section_speed\n" RULE("limit = 72 km/h\nentry = section_entry\nexit = section_exit\n")

static void section(int64_t at, int64_t took_ms)
{
	world_send(&w, report_at(at, -1, 0, 700));
	world_send(&w, report_at(at + SECOND, 0, 0, 700));
	world_restart(&w);
	world_send(&w, report_at(at + took_ms, 10, 0, 700)); /* inside the exit */
	world_send(&w, report_at(at + SECOND + took_ms, 11, 0, 700));
}

Test(kinds, a_kilometre_at_72_km_h_takes_50_s_and_faster_is_found)
{
	fence("a-in", "section_entry", 0, 0);
	fence("a-out", "section_exit", 10, 10);
	rules(SECTION);
	section(NOON, 50 * SECOND);
	cr_assert_eq(w.finding_count, 0);
	section(NOON + HOUR, 50 * SECOND - 1);
	const struct finding *f = ended_at(&w, "section", 0);
	cr_assert_eq(f->start_ms, NOON + HOUR + SECOND);
	cr_assert_eq(f->end_ms, NOON + HOUR + 51 * SECOND - 1);
	cr_assert_eq(f->numbers[FINDING_DISTANCE], 1000000);
	cr_assert_eq(f->numbers[FINDING_PEAK], 720);
	cr_assert_str_eq(f->fence, "a-in");
	section(NOON + 2 * HOUR, 40 * SECOND); /* 90 km/h */
	cr_assert_eq(ended_at(&w, "section", 1)->numbers[FINDING_BAND], 20);
}

Test(kinds, another_sections_exit_a_stand_and_a_gap_cancel)
{
	fence("a-in", "section_entry", 0, 0);
	fence("b-out", "section_exit", 10, 10);
	rules(SECTION);
	section(NOON, 20 * SECOND);
	cr_assert_eq(w.finding_count, 0);
	fence("a-out", "section_exit", 10, 10);
	struct fence f = world_square("long-in", "section_entry", 0, 1, 0, 1);
	f.length_mm = 100000000; /* 100 km: too fast whatever the time */
	world_fence(&w, &f);
	f = world_square("long-out", "section_exit", 10, 1, 10, 1);
	world_fence(&w, &f);
	world_start(&w);
	int64_t t = NOON + HOUR;
	world_send(&w, report_at(t, 0, 1, 700));
	world_send(&w, report_at(t + 301 * SECOND, 10, 1, 700));
	world_send(&w, report_at(t + 302 * SECOND, 11, 1, 700));
	t += HOUR;
	world_send(&w, report_at(t, 0, 1, 700));
	world_send(&w, report_at(t + 10 * SECOND, 5, 1, 0));
	world_send(&w, report_at(t + 70 * SECOND, 5, 1, 0));
	world_send(&w, report_at(t + 80 * SECOND, 10, 1, 700));
	world_send(&w, report_at(t + 90 * SECOND, 11, 1, 700));
	cr_assert_eq(w.finding_count, 0);
	t += HOUR;
	world_send(&w, report_at(t, 0, 1, 700));
	world_send(&w, report_at(t + 300 * SECOND, 10, 1, 700));
	world_send(&w, report_at(t + 302 * SECOND, 11, 1, 700));
	cr_assert_eq(ended(&w, "section"), 1);
}

#define DETOUR                                                                                                         \
	"[detour]\nkind = detour\n" RULE(                                                                              \
		"before = scale_before\nafter = scale_after\nstation = scale_station\ntime = 1 h\n")

Test(kinds, a_station_avoided_within_the_hour_is_a_detour_and_one_passed_is_none)
{
	fence("b", "scale_before", 0, 0);
	fence("s", "scale_station", 5, 5);
	fence("a", "scale_after", 9, 9);
	rules(DETOUR);
	world_send(&w, report_at(NOON, 0, 0, 300));
	world_send(&w, report_at(NOON + MINUTE, 5, 0, 300));
	world_send(&w, report_at(NOON + 2 * MINUTE, 9, 0, 300));
	world_send(&w, report_at(NOON + 3 * MINUTE, 0, 0, 300));
	world_send(&w, report_at(NOON + 63 * MINUTE + 1, 9, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON + 70 * MINUTE, 0, 0, 300));
	world_restart(&w);
	world_send(&w, report_at(NOON + 130 * MINUTE, 9, 0, 300));
	cr_assert_eq(ended_at(&w, "detour", 0)->start_ms, NOON + 70 * MINUTE);
	cr_assert_eq(ended_at(&w, "detour", 0)->end_ms, NOON + 130 * MINUTE);
	cr_assert_str_eq(ended_at(&w, "detour", 0)->fence, "b");
}

Test(kinds, repeated_terminal_alarm_bits_are_one_episode)
{
	rules("[antenna]\nkind = alarm_bits\n" RULE("bits = 4 5 6\n"));
	for (int t = 0; t <= 600; t += 10) {
		struct report r = report_at(NOON + t * SECOND, 0, 0, 0);
		r.status &= ~STATUS_BIT_FIX;
		r.alarm = t < 600 ? 1u << 5 | 1u << 3 : 1u << 3 | 1u << 7;
		world_send(&w, r);
	}
	cr_assert_eq(w.finding_count, 2);
	cr_assert_eq(ended_at(&w, "antenna", 0)->numbers[FINDING_CODE], 5);
	cr_assert_eq(ended_at(&w, "antenna", 0)->numbers[FINDING_REPORTS], 60);
	cr_assert_eq(ended_at(&w, "antenna", 0)->confidence, CONFIDENCE_HIGH);
}

static struct report assisted(int64_t time_ms, uint8_t *items, uint8_t id, uint8_t type, uint8_t level)
{
	memset(items, 0, 49);
	memcpy(items, ((uint8_t[]){id, 47, 0, 0, 0, 1, 1, type, level}), 9);
	return with_items(report_at(time_ms, 0, 0, 300), items, 49);
}

Test(kinds, alarms_of_assistants_within_the_gap_are_one_and_other_types_none)
{
	uint8_t items[49];
	rules("[phone]\nkind = alarm_item\n" RULE("types = 65:2\nlevel = 2\ngap = 2 min\n"));
	world_send(&w, assisted(NOON, items, 0x65, 3, 2));
	world_send(&w, assisted(NOON + SECOND, items, 0x64, 2, 2));
	world_send(&w, assisted(NOON + 2 * SECOND, items, 0x65, 2, 1));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, assisted(NOON + MINUTE, items, 0x65, 2, 2));
	world_send(&w, report_at(NOON + 2 * MINUTE, 0, 0, 300));
	world_send(&w, assisted(NOON + 3 * MINUTE, items, 0x65, 2, 2));
	cr_assert_eq(opened(&w, "phone"), 1);
	world_send(&w, assisted(NOON + 5 * MINUTE + 1, items, 0x65, 2, 2));
	cr_assert_eq(opened(&w, "phone"), 2);
	cr_assert_eq(ended_at(&w, "phone", 0)->end_ms, NOON + 3 * MINUTE);
	cr_assert_eq(ended_at(&w, "phone", 0)->numbers[FINDING_CODE], 0x6502);
	cr_assert_eq(ended_at(&w, "phone", 0)->numbers[FINDING_LEVEL], 2);
}

Test(kinds, a_tyre_that_leaks_is_an_alarm_and_a_report_by_the_clock_is_not)
{
	uint8_t items[2 + 41 + 9] = {0x66, 50};
	rules("[tyre]\nkind = alarm_item\n" RULE("types = 66:*\n"));
	items[2 + 40] = 1;     /* one tyre */
	items[2 + 41 + 2] = 1; /* bit 0 */
	world_send(&w, with_items(report_at(NOON, 0, 0, 300), items, sizeof items));
	cr_assert_eq(w.finding_count, 0);
	items[2 + 41 + 2] = 1 << 6;
	world_send(&w, with_items(report_at(NOON + SECOND, 0, 0, 300), items, sizeof items));
	cr_assert_eq(opened(&w, "tyre"), 1);
	cr_assert_eq(w.findings[0].f.numbers[FINDING_CODE], 0x6606);
}

Test(kinds, moving_on_the_due_date_is_expired_and_a_millisecond_before_not)
{
	w.subject.inspection_due_ms = NOON;
	rules("[due]\nkind = expired\n" RULE("what = inspection\n"));
	world_send(&w, report_at(NOON - 1, 0, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON, 0, 0, 49));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON + 1, 0, 0, 50));
	cr_assert_eq(opened(&w, "due"), 1);
}

Test(kinds, a_business_permit_that_has_ended_is_expired_and_none_at_all_says_nothing)
{
	rules("[due]\nkind = expired\n" RULE("what = business\n"));
	world_send(&w, report_at(NOON, 0, 0, 300));
	world_permit(&w, PERMIT_BUSINESS, NULL, "always");
	world_start(&w);
	world_send(&w, report_at(NOON + 24 * HOUR - 1, 0, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON + 24 * HOUR, 0, 0, 300));
	cr_assert_eq(opened(&w, "due"), 1);
}

Test(kinds, trucks_that_joined_on_the_day_must_have_video_and_those_before_not)
{
	w.subject.has_video = false;
	w.subject.joined_ms = INT64_C(1601481600000) - 1; /* 2020-10-01 in China */
	w.later = w.subject;
	w.later.joined_ms++;
	w.later_ms = NOON + SECOND;
	rules("[video]\nkind = no_video\n" RULE("since = 2020-10-01\n"));
	world_send(&w, report_at(NOON, 0, 0, 300));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON + SECOND, 0, 0, 300));
	cr_assert_eq(opened(&w, "video"), 1);
}

Test(kinds, a_stranger_at_a_site_is_found_until_it_is_registered)
{
	fence("site", "muck_site", 0, 9);
	w.subject.registered = false;
	w.later_ms = NOON + 3 * SECOND;
	rules("[stranger]\nkind = unregistered\n" RULE("where = tag:muck_site\npoints = 3\n"));
	for (int i = 0; i < 5; i++)
		world_send(&w, report_at(NOON + i * SECOND, 5, 0, 300));
	cr_assert_eq(ended_at(&w, "stranger", 0)->end_ms, NOON + 2 * SECOND);
	cr_assert_eq(ended_at(&w, "stranger", 0)->confidence, CONFIDENCE_HIGH);
}

Test(kinds, terminal_and_recorder_20_percent_apart_are_not_and_more_are)
{
	static const uint8_t recorder[] = {3, 2, 0x03, 0xe8}; /* 100.0 km/h */
	rules("[apart]\nkind = speed_mismatch\n" RULE("percent = 20 %\nmargin = 10 km/h\nhold = 60 s\n"));
	for (int t = 0; t <= 60; t += 10)
		world_send(&w, with_items(report_at(NOON + t * SECOND, 0, 0, 800), recorder, sizeof recorder));
	cr_assert_eq(w.finding_count, 0);
	for (int t = 70; t <= 130; t += 10)
		world_send(&w, with_items(report_at(NOON + t * SECOND, 0, 0, 799), recorder, sizeof recorder));
	cr_assert_eq(opened(&w, "apart"), 1);
	cr_assert_eq(w.findings[0].f.numbers[FINDING_PEAK], 201);
	cr_assert_eq(w.findings[0].f.numbers[FINDING_OTHER], 1000);
}

/* --- changes in between --- */

#define FAST(hold) "[fast]\nkind = overspeed\n" RULE("limit = 40 km/h\nhold = " hold " s\n")

Test(kinds, an_edited_rule_goes_on_and_a_removed_one_ends_where_it_last_held)
{
	world_rules(&w, INT64_MIN, FAST("100"));
	world_rules(&w, NOON + 30 * SECOND, FAST("40") "[other]\nkind = overspeed\n" RULE("limit = 90 km/h\n"));
	world_rules(&w, NOON + 60 * SECOND, "[other]\nkind = overspeed\n" RULE("limit = 90 km/h\n"));
	world_start(&w);
	for (int t = 0; t <= 70; t += 10)
		world_send(&w, report_at(NOON + t * SECOND, 0, 0, 500));
	cr_assert_eq(w.findings[0].f.found_ms, NOON + 40 * SECOND);
	const struct finding *f = ended_at(&w, "fast", 0);
	cr_assert_eq(f->start_ms, NOON);
	cr_assert_eq(f->end_ms, NOON + 50 * SECOND);
	cr_assert_eq(f->rule_version, rulebook_find(w.books[1], "fast")->version);
	cr_assert_eq(w.finding_count, 2);
}

Test(kinds, a_rule_that_no_book_has_any_more_ends_by_name)
{
	world_rules(&w, INT64_MIN, FAST("0"));
	world_start(&w);
	world_send(&w, report_at(NOON, 0, 0, 500));
	struct rulebook *old = w.books[0];
	w.book_count = 0;
	world_rules(&w, INT64_MIN, "[other]\nkind = overspeed\n" RULE("limit = 90 km/h\n"));
	world_start(&w);
	rulebook_unref(old);
	world_restart(&w);
	world_send(&w, report_at(NOON + SECOND, 0, 0, 500));
	cr_assert_eq(ended(&w, "fast"), 1);
	cr_assert_not(w.findings[1].ruled);
	cr_assert_eq(ended_at(&w, "fast", 0)->end_ms, NOON);
}

Test(kinds, another_class_ends_what_is_no_longer_its_rule)
{
	w.later.class_code = DEVICE_CLASS_COACH;
	w.later_ms = NOON + 10 * SECOND;
	rules("[fast]\nkind = overspeed\n" RULE("classes = muck\nlimit = 40 km/h\n"));
	world_send(&w, report_at(NOON, 0, 0, 500));
	world_send(&w, report_at(NOON + 10 * SECOND, 0, 0, 500));
	cr_assert_eq(ended_at(&w, "fast", 0)->end_ms, NOON);
	cr_assert(w.findings[1].ruled);
}

Test(kinds, nothing_holds_before_the_first_book)
{
	world_rules(&w, NOON, FAST("0"));
	world_start(&w);
	world_send(&w, report_at(NOON - 1, 0, 0, 500));
	cr_assert_eq(w.finding_count, 0);
	world_send(&w, report_at(NOON, 0, 0, 500));
	cr_assert_eq(opened(&w, "fast"), 1);
}

Test(kinds, what_is_open_is_told_on_asking_and_stays_open)
{
	fence("gate", "convoy_gate", 0, 9);
	rules(FAST("10") "[convoy]\nkind = convoy\n" RULE("tag = convoy_gate\n"));
	world_send(&w, report_at(NOON, 0, 0, 500));
	world_send(&w, report_at(NOON + 9 * SECOND, 0, 0, 500));
	world_forget(&w);
	cr_assert_eq(detect_open(w.state, w.detector, NOON + 9 * SECOND, &w.sink), STATUS_OK);
	cr_assert_eq(w.finding_count, 0);
	cr_assert_eq(facts_of(&w, FACT_DRIVE, true), 1);
	cr_assert_eq(facts_of(&w, FACT_VISIT, true), 1);
	world_send(&w, report_at(NOON + 10 * SECOND, 0, 0, 500));
	for (int i = 0; i < 2; i++) {
		world_forget(&w);
		cr_assert_eq(detect_open(w.state, w.detector, NOON + 20 * SECOND, &w.sink), STATUS_OK);
		cr_assert_eq(opened(&w, "fast"), 1);
		cr_assert_eq(w.findings[0].f.numbers[FINDING_DURATION], 10 * SECOND);
	}
	world_send(&w, report_at(NOON + 20 * SECOND, 20, 0, 500));
	cr_assert_eq(fact_at(&w, FACT_VISIT, false, 0)->to_ms, NOON + 10 * SECOND);
	cr_assert_eq(fact_at(&w, FACT_VISIT, false, 0)->place, place_number(span_of_string("gate")));
}

Test(kinds, reports_out_of_order_or_twice_are_refused)
{
	rules(FAST("0"));
	struct report r = report_at(NOON, 0, 0, 500);
	r.hash = 5;
	cr_assert_eq(detect_step(w.state, w.detector, &r, &w.sink), STATUS_OK);
	cr_assert_eq(detect_step(w.state, w.detector, &r, &w.sink), STATUS_INVALID);
	r.hash = 4;
	cr_assert_eq(detect_step(w.state, w.detector, &r, &w.sink), STATUS_INVALID);
	r.hash = 6;
	cr_assert_eq(detect_step(w.state, w.detector, &r, &w.sink), STATUS_OK);
	r.time_ms--;
	cr_assert_eq(detect_step(w.state, w.detector, &r, &w.sink), STATUS_INVALID);
}
