/* test_overspeed.c -- speeds against limits, narrowly over and narrowly not. */
#include "unit/detect/step_world.h"

#define ZONE                                                                                                           \
	"[fast]\nkind = overspeed\n" RULE("where = tag:speed_zone\nhold = 60 s\npoints = 3\nlimit = 0 km/h\n"          \
					  "margin = 3 km/h\n")
#define ANYWHERE(more)                                                                                                 \
	"[fast]\nkind = overspeed\n" RULE("hold = 60 s\npoints = 3\nlimit = 40 km/h\nmargin = 3 km/h\n" more)

static struct step_world w;

static void begin(void)
{
	world_init(&w, DEVICE_CLASS_MUCK_TRUCK);
}

static void finish(void)
{
	world_deinit(&w);
}

TestSuite(overspeed, .init = begin, .fini = finish);

static void start_anywhere(const char *text)
{
	world_rules(&w, INT64_MIN, text);
	world_start(&w);
}

/* Every `step_s` seconds from `from_s` to `to_s` after noon, both included. */
static void drive(int from_s, int to_s, int step_s, int speed_dkmh)
{
	for (int t = from_s; t <= to_s; t += step_s)
		world_send(&w, report_at(NOON + t * SECOND, t / 10, 0, speed_dkmh));
}

Test(overspeed, twenty_percent_over_forty_is_48_0_held_for_a_minute)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 60, 10, 480);
	cr_assert_eq(opened(&w, "fast"), 1);
	drive(70, 70, 10, 300);
	const struct finding *f = ended_at(&w, "fast", 0);
	cr_assert_eq(f->start_ms, NOON);
	cr_assert_eq(f->end_ms, NOON + MINUTE);
	cr_assert_eq(f->found_ms, NOON + MINUTE);
	cr_assert_eq(f->numbers[FINDING_BAND], 20);
	cr_assert_eq(f->numbers[FINDING_LIMIT], 400);
	cr_assert_eq(f->numbers[FINDING_PEAK], 480);
	cr_assert_eq(f->numbers[FINDING_SUM], 7 * 480);
	cr_assert_eq(f->numbers[FINDING_REPORTS], 7);
	cr_assert_eq(f->numbers[FINDING_DURATION], MINUTE);
	cr_assert_eq(f->confidence, CONFIDENCE_HIGH);
	cr_assert_eq(f->kind, RULE_OVERSPEED);
	cr_assert_str_eq(f->fence, "");
}

Test(overspeed, forty_seven_nine_is_band_10)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 60, 10, 479);
	drive(70, 70, 10, 300);
	cr_assert_eq(ended_at(&w, "fast", 0)->numbers[FINDING_BAND], 10);
}

Test(overspeed, a_band_must_itself_be_held)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 50, 10, 480);
	drive(60, 60, 10, 479);
	drive(70, 110, 10, 480);
	drive(120, 120, 10, 300);
	const struct finding *f = ended_at(&w, "fast", 0);
	cr_assert_eq(f->numbers[FINDING_BAND], 10);
	cr_assert_eq(f->numbers[FINDING_PEAK], 480);
}

Test(overspeed, at_least_20_percent_finds_48_0_and_not_47_9)
{
	start_anywhere(ANYWHERE("at_least = 20 %\n"));
	drive(0, 60, 10, 479);
	drive(70, 130, 10, 480);
	drive(140, 140, 10, 300);
	cr_assert_eq(ended(&w, "fast"), 1);
	cr_assert_eq(ended_at(&w, "fast", 0)->start_ms, NOON + 70 * SECOND);
}

Test(overspeed, the_limit_itself_is_kept)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 120, 10, 400);
	cr_assert_eq(w.finding_count, 0);
}

Test(overspeed, a_hold_one_second_short_is_none)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 59, 1, 480);
	drive(61, 61, 1, 300);
	cr_assert_eq(w.finding_count, 0);
}

Test(overspeed, a_minute_over_two_reports_is_too_few_points)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 60, 60, 480);
	drive(70, 70, 10, 300);
	cr_assert_eq(w.finding_count, 0);
}

Test(overspeed, the_margin_keeps_an_episode_together_but_does_not_count)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 30, 10, 450);
	drive(40, 40, 10, 371); /* not over, and above 37.0 */
	drive(50, 60, 10, 450);
	drive(70, 70, 10, 390);
	drive(80, 80, 10, 370);
	const struct finding *f = ended_at(&w, "fast", 0);
	cr_assert_eq(f->start_ms, NOON);
	cr_assert_eq(f->end_ms, NOON + 60 * SECOND);
	cr_assert_eq(f->numbers[FINDING_REPORTS], 6);
}

Test(overspeed, creeping_within_the_margin_never_makes_a_finding)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 0, 10, 410);
	drive(10, 300, 10, 390);
	cr_assert_eq(w.finding_count, 0);
}

Test(overspeed, at_the_margin_it_ends)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 50, 10, 450);
	drive(55, 55, 10, 370);
	drive(60, 110, 10, 450);
	drive(120, 120, 10, 300);
	cr_assert_eq(w.finding_count, 0);
}

Test(overspeed, a_gap_of_300_s_is_bridged_and_one_more_second_ends_it)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 600, 300, 450);
	drive(610, 610, 10, 0);
	cr_assert_eq(ended(&w, "fast"), 1);
	cr_assert_eq(ended_at(&w, "fast", 0)->end_ms, NOON + 600 * SECOND);
	drive(1000, 1020, 10, 450);
	drive(1080, 1080, 10, 450);
	drive(1381, 1381, 10, 450);
	cr_assert_eq(ended(&w, "fast"), 2);
	cr_assert_eq(ended_at(&w, "fast", 1)->start_ms, NOON + 1000 * SECOND);
	cr_assert_eq(ended_at(&w, "fast", 1)->end_ms, NOON + 1080 * SECOND);
}

Test(overspeed, eighty_percent_of_100_at_night_is_80)
{
	w.subject.class_code = DEVICE_CLASS_COACH;
	start_anywhere("[night]\nkind = overspeed\n" RULE(
		"classes = coach\nwhen = 22:00-06:00\nhold = 20 s\npoints = 3\nlimit = 100 km/h\npercent = 80 %\n"));
	int64_t ten = NOON + 10 * HOUR; /* 22:00 */
	for (int i = -6; i < 0; i++)
		world_send(&w, report_at(ten + i * 10 * SECOND, 0, 0, 900));
	cr_assert_eq(w.finding_count, 0);
	for (int i = 0; i < 3; i++)
		world_send(&w, report_at(ten + i * 10 * SECOND, 0, 0, 801));
	cr_assert_eq(opened(&w, "night"), 1);
	world_send(&w, report_at(ten + 30 * SECOND, 0, 0, 700));
	cr_assert_eq(ended_at(&w, "night", 0)->start_ms, ten);
	cr_assert_eq(ended_at(&w, "night", 0)->numbers[FINDING_LIMIT], 800);
	for (int i = 4; i < 40; i++)
		world_send(&w, report_at(ten + i * 10 * SECOND, 0, 0, 800));
	cr_assert_eq(ended(&w, "night") + opened(&w, "night"), 2);
}

Test(overspeed, the_zone_has_the_limit_and_the_name)
{
	struct fence f = world_square("zone-1", "speed_zone", 0, 0, 9, 0);
	f.limit_dkmh = 400;
	world_fence(&w, &f);
	f = world_square("zone-none", "speed_zone", 0, 0, 99, 0); /* without a limit it is not judged */
	world_fence(&w, &f);
	start_anywhere(ZONE);
	for (int t = 0; t <= 120; t += 10)
		world_send(&w, report_at(NOON + t * SECOND, t / 10, 0, 450));
	cr_assert_eq(w.finding_count, 2);
	const struct finding *g = ended_at(&w, "fast", 0);
	cr_assert_str_eq(g->fence, "zone-1");
	cr_assert_eq(g->fence_version, 1);
	cr_assert_eq(g->end_ms, NOON + 90 * SECOND);
}

Test(overspeed, unknown_speeds_say_nothing)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 30, 10, 450);
	drive(40, 50, 10, SPEED_UNKNOWN);
	drive(60, 60, 10, 450);
	cr_assert_eq(opened(&w, "fast"), 1);
}

Test(overspeed, other_classes_are_not_asked)
{
	start_anywhere("[fast]\nkind = overspeed\n" RULE("classes = coach\nlimit = 40 km/h\n"));
	drive(0, 120, 10, 900);
	cr_assert_eq(w.finding_count, 0);
}

Test(overspeed, the_recorder_and_positions_can_be_asked_instead)
{
	static const uint8_t item[] = {3, 2, 0x01, 0xf4}; /* 50.0 km/h */
	start_anywhere("[a-position]\nkind = overspeed\n" RULE(
		"hold = 20 s\nlimit = 40 km/h\nspeed = position\n") "[b-recorder]\nkind = overspeed\n" RULE("hold = 20 "
													    "s\nlimit "
													    "= 40 "
													    "km/"
													    "h\nspeed "
													    "= "
													    "recorder"
													    "\n"));
	for (int i = 0; i < 5; i++) {
		/* a cell is 101 m wide here: 36.4 km/h in 10 s, 45 km/h in 8 s */
		struct report r = report_at(NOON + i * 8 * SECOND, i, 0, 0);
		r.items = item;
		r.items_size = sizeof item;
		world_send(&w, r);
	}
	cr_assert_eq(opened(&w, "a-position"), 1);
	cr_assert_eq(opened(&w, "b-recorder"), 1);
	for (size_t i = 0; i < w.finding_count; i++)
		cr_assert_eq(w.findings[i].f.confidence,
			     w.findings[i].f.rule[0] == 'a' ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH);
}

Test(overspeed, a_stranger_is_found_with_low_confidence)
{
	w.subject.registered = false;
	start_anywhere(ANYWHERE(""));
	drive(0, 60, 10, 480);
	drive(70, 70, 10, 0);
	cr_assert_eq(ended_at(&w, "fast", 0)->confidence, CONFIDENCE_LOW);
}

Test(overspeed, what_stays_within_the_margin_bridges_a_gap_through_bytes_too)
{
	start_anywhere(ANYWHERE(""));
	drive(0, 20, 10, 450);
	drive(200, 200, 10, 390);
	world_restart(&w);
	drive(400, 400, 10, 450);
	drive(410, 410, 10, 300);
	cr_assert_eq(ended(&w, "fast"), 1);
	cr_assert_eq(ended_at(&w, "fast", 0)->start_ms, NOON);
	cr_assert_eq(ended_at(&w, "fast", 0)->end_ms, NOON + 400 * SECOND);
}
