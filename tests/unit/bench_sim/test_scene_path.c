#include <math.h>

#include "scene_helpers.h"

#define HEAD                                                                                                           \
	"scene a\n  noise off\n  vehicle A truck\n    every 1 s\n    start 10:00:00 at 24.900000,118.800000\n    "     \
	"head 90\n"

Test(scene_path, a_step_holds_from_its_first_instant_to_before_its_last)
{
	struct scene_book b =
		book_of(HEAD "    go 36.0 km/h for 60 s\n    go 48.0 km/h for 61 s\n    go 36.0 km/h for 9 s\n");
	struct scene_trace t = trace_of(&b);
	cr_expect_eq(report_at(&t, CLOCK_MS(10, 0, 59))->speed_dkmh, 360);
	cr_expect_eq(report_at(&t, CLOCK_MS(10, 1, 0))->speed_dkmh, 480);
	cr_expect_eq(report_at(&t, CLOCK_MS(10, 2, 0))->speed_dkmh, 480);
	cr_expect_eq(report_at(&t, CLOCK_MS(10, 2, 1))->speed_dkmh, 360);
	scene_trace_deinit(&t);
	scene_book_deinit(&b);
}

Test(scene_path, a_script_ends_parked_with_the_ignition_off)
{
	struct scene_book b = book_of(HEAD "    go 36.0 km/h for 10 s\n");
	struct scene_trace t = trace_of(&b);
	cr_assert_eq(t.count, 11);
	cr_expect_eq(t.reports[9].status & 3, 3);
	cr_expect_eq(t.reports[10].status & 3, 2);
	cr_expect_eq(t.reports[10].speed_dkmh, 0);
	scene_trace_deinit(&t);
	scene_book_deinit(&b);
}

Test(scene_path, position_and_odometer_follow_the_speed)
{
	struct scene_book b =
		book_of(HEAD "    go 36.0 km/h for 101 s\n    go 36 km/h to 24.910000,118.810000\n    stand for 5 s\n");
	struct scene_trace t = trace_of(&b);
	const struct scene_report *from = &t.reports[0], *to = report_at(&t, CLOCK_MS(10, 1, 40)),
				  *end = &t.reports[t.count - 1];
	cr_expect_float_eq(scene_metres(from->lat_e6 / 1e6, from->lon_e6 / 1e6, to->lat_e6 / 1e6, to->lon_e6 / 1e6),
			   1000, 0.2);
	cr_expect_eq(to->lat_e6, 24900000);
	cr_expect_eq(to->mileage_hm - from->mileage_hm, 10);
	cr_expect_eq(end->lat_e6, 24910000);
	cr_expect_eq(end->lon_e6, 118810000);
	scene_trace_deinit(&t);
	scene_book_deinit(&b);
}

/* GeographicLib's geodesics on WGS-84: one minute of latitude and of longitude about 24.9 N. */
Test(scene_path, metres_are_those_of_the_ellipsoid)
{
	cr_expect_float_eq(scene_metres(24.89, 118.8, 24.91, 118.8), 2215.6, 0.3);
	cr_expect_float_eq(scene_metres(24.9, 118.79, 24.9, 118.81), 2020.6, 0.3);
}

Test(scene_path, dark_is_driven_and_not_told)
{
	struct scene_book b = book_of(HEAD "    go 20.0 km/h for 61 s\n    dark\n    go 20.0 km/h for 600 s\n    "
					   "light\n    go 20.0 km/h for 5 s\n");
	struct scene_trace t = trace_of(&b);
	cr_expect_eq(t.reports[60].time_ms, MIDNIGHT_MS + CLOCK_MS(10, 1, 0));
	cr_expect_eq(t.reports[61].time_ms, MIDNIGHT_MS + CLOCK_MS(10, 11, 1));
	cr_expect_gt(t.reports[61].mileage_hm, t.reports[60].mileage_hm + 30);
	scene_trace_deinit(&t);
	scene_book_deinit(&b);
}

Test(scene_path, without_a_fix_and_frozen_the_last_position_goes_on)
{
	struct scene_book b =
		book_of(HEAD "    go 36.0 km/h for 10 s\n    fix off\n    go 36.0 km/h for 10 s\n    fix on\n"
			     "    go 36.0 km/h for 10 s\n    freeze\n    go 36.0 km/h for 200 s\n    thaw\n    go 36.0 "
			     "km/h for 5 s\n");
	struct scene_trace t = trace_of(&b);
	cr_expect_eq(t.reports[9].status & 2, 2);
	cr_expect_eq(t.reports[10].status & 2, 0);
	cr_expect_eq(t.reports[19].lon_e6, t.reports[9].lon_e6);
	cr_expect_gt(t.reports[20].lon_e6, t.reports[9].lon_e6 + 1000);
	cr_expect_eq(t.reports[229].lon_e6, t.reports[29].lon_e6);
	cr_expect_gt(t.reports[229].mileage_hm, t.reports[29].mileage_hm + 18);
	cr_expect_gt(t.reports[230].lon_e6, t.reports[29].lon_e6 + 19000);
	scene_trace_deinit(&t);
	scene_book_deinit(&b);
}

Test(scene_path, states_items_and_cards_are_told_where_they_stand)
{
	struct scene_book b =
		book_of("scene a\n  noise off\n  vehicle A muck\n    start 10:00:00 at 24.9,118.8\n    card 350521\n"
			"    load full\n    cover open\n    stand for 10 s\n    lift up\n    alarm 5\n    item 65:2 1\n"
			"    recorder 30.1 km/h\n    stand for 20 s\n    card none\n");
	struct scene_trace t = trace_of(&b);
	cr_expect(t.reports[0].is_card);
	cr_expect_str_eq(t.reports[0].card, "350521");
	const struct scene_report *r = report_at(&t, CLOCK_MS(10, 0, 0));
	cr_expect_eq(r->status >> 8 & 3, 3);
	cr_expect_eq(r->e1[E1_COVER], 1);
	cr_expect_eq(r->e1[E1_LIFT], 0);
	cr_expect_eq(r->item, 0);
	r = report_at(&t, CLOCK_MS(10, 0, 10));
	cr_expect_eq(r->e1[E1_LIFT], 1);
	cr_expect_eq(r->alarm, 1u << 5);
	cr_expect_eq(r->item, 0x650201);
	cr_expect_eq(r->recorder_dkmh, 301);
	cr_expect_eq(report_at(&t, CLOCK_MS(10, 0, 20))->item, 0);
	cr_expect(t.reports[t.count - 2].is_card);
	cr_expect_str_empty(t.reports[t.count - 2].card);
	scene_trace_deinit(&t);
	scene_book_deinit(&b);
}

Test(scene_path, reports_keep_their_grid_when_their_spacing_changes)
{
	struct scene_book b =
		book_of("scene a\n  noise off\n  vehicle A bus\n    start 10:00:00 at 24.9,118.8\n    stand for 25 s\n"
			"    every 1 s\n    stand for 5 s\n    every 10 s\n    stand for 20 s\n");
	static const int seconds[] = {0, 10, 20, 25, 26, 27, 28, 29, 39, 49};
	struct scene_trace t = trace_of(&b);
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
		cr_expect_eq(t.reports[i].time_ms, MIDNIGHT_MS + CLOCK_MS(10, 0, seconds[i]), "report %zu", i);
	scene_trace_deinit(&t);
	scene_book_deinit(&b);
}

Test(scene_path, noise_is_small_seeded_and_of_position_and_speed_alone)
{
	struct scene_book b = book_of(
		"scene a\n  vehicle A taxi\n    start 10:00:00 at 24.9,118.8\n    head 90\n    go 40 km/h for 2 h\n");
	struct scene_trace one, same, other;
	scene_trace_make(&b.scenes[0], &b.scenes[0].vehicles[0], 7, &one);
	scene_trace_make(&b.scenes[0], &b.scenes[0].vehicles[0], 7, &same);
	scene_trace_make(&b.scenes[0], &b.scenes[0].vehicles[0], 8, &other);
	double worst_deg = 0, worst_dkmh = 0;
	bool differs = false;
	for (size_t i = 0; i + 1 < one.count; i++) {
		worst_deg = fmax(worst_deg, fabs(one.reports[i].lat_e6 / 1e6 - 24.9));
		worst_dkmh = fmax(worst_dkmh, fabs(one.reports[i].speed_dkmh - 400.0));
		differs |= one.reports[i].lat_e6 != other.reports[i].lat_e6;
	}
	cr_expect_eq(memcmp(one.reports, same.reports, one.count * sizeof *one.reports), 0);
	cr_expect(differs);
	cr_expect_gt(worst_deg, 5e-6);
	cr_expect_lt(worst_deg, 80e-6);
	cr_expect_gt(worst_dkmh, 3);
	cr_expect_lt(worst_dkmh, 25);
	scene_trace_deinit(&one);
	scene_trace_deinit(&same);
	scene_trace_deinit(&other);
	scene_book_deinit(&b);
}
