#include "scene_helpers.h"

#define HEAD "scene a\n  vehicle A truck\n    start 10:00:00 at 24.9,118.8\n"

static void expect_complaint(const char *text, const char *wanted)
{
	struct scene_book b = {0};
	char complaint[160];
	cr_expect_eq(scene_book_read(&b, text, strlen(text), complaint), STATUS_MALFORMED, "%s", text);
	cr_expect(strstr(complaint, wanted), "`%s` instead of `%s`", complaint, wanted);
	scene_book_deinit(&b);
}

Test(scene_read, a_scene_is_read_whole)
{
	struct scene_book b = book_of("# two lines of nothing\n\n"
				      "scene bridge\n"
				      "  day -3\n"
				      "  breaks rule-a rule-b\n"
				      "  keeps rule-c\n"
				      "  noise off\n"
				      "  vehicle A hazmat # a tanker\n"
				      "    field company 演示 公司\n"
				      "    field metrology_due day-1\n"
				      "    permit zone fences f1,f2 hours 06:00-22:00 from 08:00:00 to 26:00:00\n"
				      "    start 10:00:00 at 24.880000,118.790000\n"
				      "    go 48.5 km/h for 19:59\n"
				      "    go 30 km/h until 11:00:00\n"
				      "    go 30 km/h to 24.9,118.8\n"
				      "    park for 2 h\n"
				      "    alarm 4 31\n"
				      "    item 65:10 2\n"
				      "  vehicle B truck\n"
				      "    unregistered\n"
				      "  find rule-a A,B 10:00:00 .. 25:00:01 within 5 s in f1\n"
				      "  find rule-b - 10:00:00 .. 10:00:00\n");
	const struct scene *s = &b.scenes[0];
	cr_assert_eq(b.count, 1);
	cr_expect_str_eq(s->name, "bridge");
	cr_expect_eq(s->day, -3);
	cr_expect_not(s->noise);
	cr_expect_eq(s->break_count, 2);
	cr_expect_str_eq(s->breaks[1], "rule-b");
	cr_expect_str_eq(s->keeps[0], "rule-c");
	cr_assert_eq(s->vehicle_count, 2);
	const struct scene_vehicle *v = &s->vehicles[0];
	cr_expect_str_eq(v->fields[0].value, "演示 公司");
	cr_expect(v->fields[1].is_day);
	cr_expect_eq(v->fields[1].days, -1);
	cr_expect_eq(v->permits[0].fence_count, 2);
	cr_expect_str_eq(v->permits[0].fences[1], "f2");
	cr_expect_str_eq(v->permits[0].hours, "06:00-22:00");
	cr_expect_eq(v->permits[0].to_ms, CLOCK_MS(26, 0, 0));
	cr_assert_eq(v->step_count, 6);
	cr_expect_eq(v->steps[0].kind, STEP_GO_FOR);
	cr_expect_float_eq(v->steps[0].value, 48.5, 1e-9);
	cr_expect_eq(v->steps[0].ms, (19 * 60 + 59) * 1000);
	cr_expect_eq(v->steps[1].kind, STEP_GO_UNTIL);
	cr_expect_eq(v->steps[2].kind, STEP_GO_TO);
	cr_expect_eq(v->steps[3].kind, STEP_PARK_FOR);
	cr_expect_eq(v->steps[3].ms, 2 * 3600000);
	cr_expect_eq(v->steps[4].bits, 1u << 31 | 1u << 4);
	cr_expect_eq(v->steps[5].bits, 0x651002);
	cr_expect(s->vehicles[1].unregistered);
	cr_assert_eq(s->truth_count, 2);
	cr_expect_eq(s->truths[0].vehicles, 3);
	cr_expect_eq(s->truths[0].to_ms, CLOCK_MS(25, 0, 1));
	cr_expect_eq(s->truths[0].tolerance_ms, 5000);
	cr_expect_str_eq(s->truths[0].fence, "f1");
	cr_expect_eq(s->truths[1].vehicles, 0);
	cr_expect_eq(s->truths[1].tolerance_ms, 10000);
	scene_book_deinit(&b);
}

Test(scene_read, a_boat_and_a_date_are_read)
{
	struct scene_book b =
		book_of("scene a\n  date 05-01\n  boat A fishing-large ais-a\n    field gear trawl\n"
			"    start 11:59:50 at 25.0,120.1\n    status anchored\n    stand for 9 s\n"
			"  boat B township beidou\n    start 10:00:00 at 25.0,120.1\n  vehicle C truck\n");
	const struct scene *s = &b.scenes[0];
	char name[SCENE_PHONE_MAX], complaint[160];
	cr_expect(s->month == 5 && s->mday == 1);
	cr_expect_eq(s->vehicles[0].voice, VOICE_AIS_A);
	cr_expect_eq(s->vehicles[0].steps[0].kind, STEP_STATUS);
	cr_expect_float_eq(s->vehicles[0].steps[0].value, 1, 0);
	cr_expect_eq(s->vehicles[1].voice, VOICE_BEIDOU);
	cr_expect_eq(s->vehicles[2].voice, VOICE_JT808);
	scene_phone(&s->vehicles[0], name);
	cr_expect_str_eq(name, "boat:闽演渔0001");
	cr_expect_eq(scene_call_number(&s->vehicles[1]), 600002);
	/* on 2026-03-10 the last May Day is that of 2025; on 2026-05-02 this year's */
	cr_assert_eq(scene_book_place(&b, MIDNIGHT_MS, -2, complaint), STATUS_OK);
	cr_expect_eq(s->midnight_ms, INT64_C(1746028800000));
	cr_assert_eq(scene_book_place(&b, INT64_C(1777651200000), -2, complaint), STATUS_OK);
	cr_expect_eq(s->midnight_ms, INT64_C(1777564800000));
	scene_book_deinit(&b);
}

Test(scene_read, a_mistake_is_told_with_its_line)
{
	expect_complaint("scene a\n boat A township radio\n", "none of");
	expect_complaint("scene a\n date 13-01\n", "no MM-DD");
	expect_complaint(HEAD "    status towing\n", "none of");
	expect_complaint("scene a\n\n  vehicle A truck\n  strat\n", "line 4: `strat` is not known");
	expect_complaint("scene a\nscene a\n", "line 2: the scene `a`");
	expect_complaint("day -1\n", "outside a scene");
	expect_complaint("scene a\n  go 40 km/h for 5 s\n", "without a vehicle");
	expect_complaint("scene a\n vehicle A truck\n  stand for 5 s\n", "before start");
	expect_complaint("scene a\n vehicle A truck\n  start 10:00 at 24.9,118.8\n", "is no time");
	expect_complaint("scene a\n vehicle A truck\n  start 10:60:00 at 24.9,118.8\n", "out of range");
	expect_complaint("scene a\n vehicle A truck\n  start 99999:00:00 at 24.9,118.8\n", "out of range");
	expect_complaint("scene a\n vehicle A truck\n  start 10:00:00 at 24.9;118.8\n", "no LAT,LON");
	expect_complaint(HEAD "    go 40 mph for 5 s\n", "km/h");
	expect_complaint(HEAD "    go 400 km/h for 5 s\n", "from 0 to 300");
	expect_complaint(HEAD "    go 40 km/h for 5\n", "s, min or h");
	expect_complaint(HEAD "    go 0 km/h to 24.9,118.9\n", "never arrive");
	expect_complaint(HEAD "    every 1500 s 2\n", "`every` with 4 words");
	expect_complaint(HEAD "    every 0.5 s\n", "whole seconds");
	expect_complaint(HEAD "    alarm 32\n", "from 0 to 31");
	expect_complaint(HEAD "    item 63:1\n", "item 64..67");
	expect_complaint(HEAD "    load much\n", "none of");
	expect_complaint(HEAD "    load -\n", "none of");
	expect_complaint(HEAD "  find r B 10:00:00 .. 10:01:00\n", "no vehicle and no site `B`");
	expect_complaint(HEAD "  find r A 10:01:00 .. 10:00:00\n", "ends before");
	expect_complaint(HEAD "  find r A 10:01:00 .. 10:02:00 near x\n", "behind find");
	expect_complaint("scene a\n  day 1\n", "from -3650 to 0");
}

Test(scene_read, the_shipped_scenes_are_read_and_are_over_before_now)
{
	struct scene_book b = {0};
	char complaint[160];
	cr_assert_eq(scene_book_read_folder(&b, TESTS_DIR "/../bench/sim/scenarios"), STATUS_OK);
	cr_expect_gt(b.count, 100);
	cr_expect_eq(scene_book_place(&b, MIDNIGHT_MS + 1, -2, complaint), STATUS_OK, "%s", complaint);
	for (size_t i = 0; i < b.count; i++) {
		const struct scene *s = &b.scenes[i];
		cr_expect(s->break_count + s->keep_count > 0, "%s is about no rule", s->name);
		for (unsigned k = 0; k < s->break_count; k++) {
			bool said = false;
			for (size_t t = 0; t < s->truth_count; t++)
				said |= !strcmp(s->truths[t].rule, s->breaks[k]);
			cr_expect(said, "%s breaks %s, and nothing is to be found", s->name, s->breaks[k]);
		}
		/* a site whose values end with its scene is silent from then on, whatever it kept until then */
		for (unsigned k = 0; k < s->keep_count && s->vehicle_count; k++)
			for (size_t t = 0; t < s->truth_count; t++)
				cr_expect(strcmp(s->truths[t].rule, s->keeps[k]), "%s keeps and breaks %s", s->name,
					  s->keeps[k]);
	}
	scene_book_deinit(&b);
}

Test(scene_read, a_floating_scene_is_played_today_only_when_it_is_over)
{
	struct scene_book b = book_of(HEAD "    stand for 60 s\n");
	char complaint[160];
	cr_assert_eq(scene_book_place(&b, MIDNIGHT_MS + CLOCK_MS(10, 2, 0), 0, complaint), STATUS_OK);
	cr_expect_eq(b.scenes[0].midnight_ms, MIDNIGHT_MS);
	cr_assert_eq(scene_book_place(&b, MIDNIGHT_MS + CLOCK_MS(10, 0, 30), 0, complaint), STATUS_OK);
	cr_expect_eq(b.scenes[0].midnight_ms, MIDNIGHT_MS - 86400000);
	b.scenes[0].day = 0;
	cr_expect_eq(scene_book_place(&b, MIDNIGHT_MS + CLOCK_MS(10, 0, 30), 0, complaint), STATUS_OUT_OF_RANGE);
	scene_book_deinit(&b);
}

Test(scene_read, dates_of_the_registry_are_counted_from_the_scenes_day)
{
	struct scene_book b = book_of("scene a\n vehicle A truck\n  field metrology_due day+3\n  field name day\n");
	char value[SCENE_VALUE_MAX + 1];
	scene_field_value(&b.scenes[0], &b.scenes[0].vehicles[0].fields[0], value);
	cr_expect_str_eq(value, "2026-03-13");
	scene_field_value(&b.scenes[0], &b.scenes[0].vehicles[0].fields[1], value);
	cr_expect_str_eq(value, "day");
	scene_book_deinit(&b);
}
