/* test_stream_kinds.c -- each kind of rule about streams: what breaks it narrowly, what keeps it narrowly. */
#include "unit/detect/stream_world.h"

TestSuite(stream_kinds, .init = stream_world_begin, .fini = stream_world_end);

static void expect_span(size_t i, int64_t start_ms, int64_t found_ms, int64_t end_ms, bool open)
{
	cr_assert_lt(i, sw.count);
	const struct finding *f = &sw.told[i];
	cr_expect_eq(f->start_ms, start_ms, "starts at %+lld", (long long)(f->start_ms - start_ms));
	cr_expect_eq(f->found_ms, found_ms, "found at %+lld", (long long)(f->found_ms - found_ms));
	cr_expect_eq(f->end_ms, end_ms, "ends at %+lld", (long long)(f->end_ms - end_ms));
	cr_expect_eq(f->open, open);
}

static int64_t number(size_t i, enum finding_number n)
{
	cr_assert_lt(i, sw.count);
	return sw.told[i].numbers[n];
}

/* --- level --- */

Test(stream_kinds, a_level_holds_for_its_time_and_ends_below_the_margin)
{
	stream_rules("[r]\nkind = level\nside = at_least\nlimit = 25\nmargin = 5\nhold = 30 s\npoints = 3\nrank = H\n");
	stream_send(MIDNIGHT, "24.9999999999999");
	stream_send(MIDNIGHT + 10 * S, "25");
	stream_send(MIDNIGHT + 20 * S, "26.5");
	stream_send(MIDNIGHT + 30 * S, "25");
	cr_expect_eq(sw.count, 0, "20 s are not 30 s");
	stream_send(MIDNIGHT + 40 * S, "25.0");
	expect_span(0, MIDNIGHT + 10 * S, MIDNIGHT + 40 * S, MIDNIGHT + 40 * S, true);
	stream_snapshot();
	stream_send(MIDNIGHT + 50 * S, "20");
	stream_send(MIDNIGHT + 60 * S, "19.999999");
	expect_span(0, MIDNIGHT + 10 * S, MIDNIGHT + 40 * S, MIDNIGHT + 50 * S, false);
	cr_expect_eq(number(0, FINDING_LIMIT), 25000000);
	cr_expect_eq(number(0, FINDING_PEAK), 26500000);
	cr_expect_eq(number(0, FINDING_REPORTS), 5);
	cr_expect_eq(number(0, FINDING_LEVEL), 3);
	cr_expect_eq(sw.told[0].device, SITE);
}

Test(stream_kinds, before_it_is_found_the_margin_helps_nobody)
{
	stream_rules("[r]\nkind = level\nside = above\nlimit = 25\nmargin = 5\nhold = 20 s\n");
	stream_send(MIDNIGHT, "26");
	stream_send(MIDNIGHT + 10 * S, "24");
	stream_send(MIDNIGHT + 20 * S, "26");
	cr_expect_eq(sw.count, 0);
}

Test(stream_kinds, above_and_below_leave_the_limit_itself_alone)
{
	stream_rules("[above]\nkind = level\nside = above\nlimit = 1\n[below]\nkind = level\nside = below\nlimit = 1\n"
		     "[most]\nkind = level\nside = at_most\nlimit = 1\n");
	stream_send(MIDNIGHT, "1.0");
	cr_expect_eq(sw.count, 1);
	cr_expect_str_eq(sw.told[0].rule, "most");
	stream_send(MIDNIGHT + S, "1.000000000000001");
	cr_expect_eq(sw.count, 2);
	cr_expect_str_eq(sw.told[1].rule, "above");
	stream_send(MIDNIGHT + 2 * S, "0.999999999999999");
	cr_expect_str_eq(sw.told[2].rule, "below");
}

Test(stream_kinds, a_limit_of_its_own_is_taken_from_the_registry_as_it_holds)
{
	stream_rules("[r]\nkind = level\nside = above\npercent = 90 %\n");
	stream_send(MIDNIGHT, "1000000");
	cr_expect_eq(sw.count, 0, "no limit, no judgement");
	sw.later = sw.subject;
	sw.later.has_limit = true;
	value_set_decimal(&sw.later.limit, 100, 0);
	sw.later_ms = MIDNIGHT + 60 * S;
	sw.context.number++;
	stream_send(MIDNIGHT + 59 * S, "90.1");
	stream_send(MIDNIGHT + 60 * S, "90");
	cr_expect_eq(sw.count, 0);
	stream_send(MIDNIGHT + 61 * S, "90.1");
	cr_expect_eq(number(0, FINDING_LIMIT), 90000000);
}

Test(stream_kinds, what_is_not_good_or_outside_the_range_is_no_number)
{
	stream_rules("[r]\nkind = level\nside = above\nlimit = 10\n[o]\nkind = out_of_range\n");
	sw.subject.has_max = true;
	value_set_decimal(&sw.subject.range_max, 50, 0);
	stream_send_as(MIDNIGHT, "20", VALUE_QUALITY_FAULT);
	stream_send_as(MIDNIGHT + S, "20", VALUE_QUALITY_TEST);
	cr_expect_eq(sw.count, 0);
	stream_send(MIDNIGHT + 2 * S, "51");
	cr_expect_eq(sw.count, 1);
	cr_expect_str_eq(sw.told[0].rule, "o");
	stream_send(MIDNIGHT + 3 * S, "50");
	cr_expect_eq(sw.count, 2);
	cr_expect_not(sw.told[0].open);
	cr_expect_eq(number(0, FINDING_LIMIT), 50000000);
	stream_send_as(MIDNIGHT + 4 * S, "3", VALUE_QUALITY_OVER_RANGE);
	cr_expect_eq(sw.count, 3, "the source says so");
}

/* --- windows --- */

Test(stream_kinds, a_rise_within_the_time_and_not_beyond_it)
{
	stream_rules("[r]\nkind = rate\nlimit = 20\ntime = 10 min\nway = rise\n");
	stream_send(MIDNIGHT, "30");
	stream_send(MIDNIGHT + 5 * MIN, "49.9");
	stream_send(MIDNIGHT + 10 * MIN, "50"); /* 30 is out of the window by now */
	cr_expect_eq(sw.count, 0);
	stream_send(MIDNIGHT + 14 * MIN, "20");
	cr_expect_eq(sw.count, 0, "a fall");
	stream_send(MIDNIGHT + 16 * MIN, "40");
	expect_span(0, MIDNIGHT + 16 * MIN, MIDNIGHT + 16 * MIN, MIDNIGHT + 16 * MIN, true);
	cr_expect_eq(number(0, FINDING_PEAK), 20000000);
	cr_expect_eq(number(0, FINDING_OTHER), 10 * MIN);
}

Test(stream_kinds, rain_of_a_window_reaches_the_limit_exactly)
{
	stream_rules("[r]\nkind = window_sum\nlimit = 50\ntime = 3 h\n");
	stream_send_each(MIDNIGHT, MIDNIGHT + 3 * H, 10 * MIN, "2.7");
	cr_expect_eq(sw.count, 0, "48.6");
	stream_send(MIDNIGHT + 3 * H, "4.1"); /* 45.9 of the last three hours, and this */
	cr_expect_eq(sw.count, 1);
	cr_expect_eq(number(0, FINDING_PEAK), 50000000);
	stream_snapshot();
	stream_send(MIDNIGHT + 4 * H, "0");
	cr_expect_not(sw.told[0].open);
	cr_expect_eq(sw.told[0].end_ms, MIDNIGHT + 3 * H);
}

Test(stream_kinds, a_counter_that_falls_begins_again_from_0)
{
	stream_rules("[r]\nkind = window_sum\nlimit = 5\ntime = 1 h\nof = counter\n");
	stream_send(MIDNIGHT, "1000");
	stream_send(MIDNIGHT + MIN, "1002");
	stream_send(MIDNIGHT + 2 * MIN, "2.9");
	cr_expect_eq(sw.count, 0, "2 and 2.9");
	stream_send(MIDNIGHT + 3 * MIN, "3");
	cr_expect_eq(number(0, FINDING_PEAK), 5000000);
}

/* --- stuck, missing --- */

Test(stream_kinds, the_same_for_so_long)
{
	stream_rules("[r]\nkind = stuck\ntime = 6 h\npoints = 3\n");
	stream_send_each(MIDNIGHT, MIDNIGHT + 6 * H, H, "7.10");
	cr_expect_eq(sw.count, 0);
	stream_send(MIDNIGHT + 6 * H, "7.1");
	expect_span(0, MIDNIGHT, MIDNIGHT + 6 * H, MIDNIGHT + 6 * H, true);
	stream_send(MIDNIGHT + 7 * H, "7.2");
	expect_span(0, MIDNIGHT, MIDNIGHT + 6 * H, MIDNIGHT + 6 * H, false);
	stream_send_each(MIDNIGHT + 8 * H, MIDNIGHT + 20 * H, H, "0");
	cr_expect_eq(sw.count, 1, "nothing is nothing");
}

Test(stream_kinds, silence_is_found_by_the_clock_and_ends_with_what_comes)
{
	stream_rules("[r]\nkind = missing\ntimes = 3\n");
	sw.subject.interval_ms = 10 * MIN;
	stream_send(MIDNIGHT, "1");
	stream_as_of(MIDNIGHT + 30 * MIN - 1);
	cr_expect_eq(sw.count, 0);
	cr_expect_eq(stream_wake(sw.state, MIDNIGHT + 29 * MIN), MIDNIGHT + 30 * MIN);
	stream_as_of(MIDNIGHT + 30 * MIN);
	expect_span(0, MIDNIGHT, MIDNIGHT + 30 * MIN, MIDNIGHT, true);
	cr_expect_eq(number(0, FINDING_LIMIT), 30 * MIN);
	stream_send_as(MIDNIGHT + 50 * MIN, "1", VALUE_QUALITY_FAULT);
	expect_span(0, MIDNIGHT, MIDNIGHT + 30 * MIN, MIDNIGHT + 50 * MIN, false);
	stream_send(MIDNIGHT + 80 * MIN - 1, "1");
	stream_send(MIDNIGHT + 90 * MIN, "1");
	stream_as_of(MIDNIGHT + 100 * MIN);
	cr_expect_eq(sw.count, 1);
}

Test(stream_kinds, silence_at_night_is_found_in_the_morning)
{
	stream_rules("[r]\nkind = missing\ntime = 2 h\nwhen = 08:00-18:00\n");
	stream_send(MIDNIGHT + 17 * H, "1");
	stream_as_of(MIDNIGHT + 31 * H);
	cr_expect_eq(sw.count, 0);
	stream_as_of(MIDNIGHT + 32 * H);
	expect_span(0, MIDNIGHT + 17 * H, MIDNIGHT + 32 * H, MIDNIGHT + 17 * H, true);
}

/* --- states --- */

Test(stream_kinds, a_fire_is_no_test_and_a_test_no_fire)
{
	stream_rules("[fire]\nkind = state\nstates = fire alarm\n[test]\nkind = state\nstates = fire\ntest = yes\n");
	stream_send_as(MIDNIGHT, "fire", VALUE_QUALITY_TEST);
	cr_expect_eq(sw.count, 1);
	cr_expect_str_eq(sw.told[0].rule, "test");
	stream_send_as(MIDNIGHT + S, "normal", VALUE_QUALITY_TEST);
	cr_expect_not(sw.told[0].open);
	stream_send(MIDNIGHT + 2 * S, "fault");
	stream_send(MIDNIGHT + 3 * S, "fault+fire");
	cr_expect_eq(sw.count, 2);
	cr_expect_str_eq(sw.told[1].rule, "fire");
	stream_send(MIDNIGHT + 4 * S, "firework");
	expect_span(1, MIDNIGHT + 3 * S, MIDNIGHT + 3 * S, MIDNIGHT + 4 * S, false);
}

Test(stream_kinds, an_alarm_that_nobody_resets_is_found_by_the_clock)
{
	stream_rules("[r]\nkind = state\nhold = 10 min\n");
	stream_send(MIDNIGHT, "1");
	stream_as_of(MIDNIGHT + 10 * MIN - 1);
	cr_expect_eq(sw.count, 0);
	stream_as_of(MIDNIGHT + 10 * MIN);
	expect_span(0, MIDNIGHT, MIDNIGHT + 10 * MIN, MIDNIGHT, true);
	stream_send(MIDNIGHT + H, "0");
	expect_span(0, MIDNIGHT, MIDNIGHT + 10 * MIN, MIDNIGHT + H, false);
	stream_send(MIDNIGHT + 2 * H, "1");
	stream_send(MIDNIGHT + 2 * H + 10 * MIN - 1, "0");
	cr_expect_eq(sw.count, 1);
}

Test(stream_kinds, bits_of_a_number)
{
	stream_rules("[r]\nkind = state\nbits = 1 2\n");
	stream_send(MIDNIGHT, "9");
	cr_expect_eq(sw.count, 0);
	stream_send(MIDNIGHT + S, "4");
	stream_send(MIDNIGHT + 2 * S, "2");
	stream_send(MIDNIGHT + 3 * S, "1");
	cr_expect_eq(sw.count, 1);
	cr_expect_eq(number(0, FINDING_CODE), 4, "as it began: it is part of what the finding is known by");
}

Test(stream_kinds, a_batch_is_too_old_by_the_calendar)
{
	/* 2026-03-02 .. 2027-03-02 */
	stream_rules("[r]\nkind = age\n[soon]\nkind = age\nbefore = 30 d\n");
	stream_send(MIDNIGHT + 9 * H, "1.2");
	stream_send(MIDNIGHT + 100 * DAY, "0.4");
	stream_as_of(MIDNIGHT + 9 * H + 335 * DAY);
	cr_expect_eq(sw.count, 1);
	cr_expect_str_eq(sw.told[0].rule, "soon");
	stream_as_of(MIDNIGHT + 9 * H + 365 * DAY - 1);
	cr_expect_eq(sw.count, 1);
	stream_as_of(MIDNIGHT + 9 * H + 365 * DAY);
	cr_expect_eq(sw.count, 2);
	stream_send(MIDNIGHT + 400 * DAY, "0");
	expect_span(1, MIDNIGHT + 9 * H, MIDNIGHT + 9 * H + 365 * DAY, MIDNIGHT + 400 * DAY, false);
}

/* --- days --- */

static void day_of_values(int day, const char *usual, const char *outlier)
{
	for (int i = 0; i < 24; i++)
		stream_send(MIDNIGHT + day * DAY + i * H, i % 6 == 5 ? outlier : usual);
}

Test(stream_kinds, a_slope_that_moves_by_medians_and_not_by_outliers)
{
	stream_rules("[r]\nkind = displacement\nlimit = 5\npoints = 12\ndays = 2\n");
	day_of_values(0, "0", "300");
	day_of_values(1, "4", "-300");
	day_of_values(2, "9.9", "300");
	day_of_values(3, "13.9", "-300");
	cr_expect_eq(sw.count, 0, "9.9 in two days");
	day_of_values(4, "19.9", "300");
	stream_snapshot();
	stream_send(MIDNIGHT + 5 * DAY, "20");
	cr_expect_eq(sw.count, 1, "10.0 in two days");
	cr_expect_eq(sw.told[0].start_ms, MIDNIGHT + 4 * DAY);
	cr_expect_eq(sw.told[0].end_ms, MIDNIGHT + 4 * DAY + 23 * H);
	cr_expect_eq(number(0, FINDING_PEAK), 5000000);
	cr_expect_eq(number(0, FINDING_OTHER), 2 * DAY);
}

Test(stream_kinds, a_day_of_few_values_says_nothing)
{
	stream_rules("[r]\nkind = displacement\nlimit = 5\npoints = 12\n");
	day_of_values(0, "0", "0");
	stream_send_each(MIDNIGHT + DAY, MIDNIGHT + DAY + 11 * H, H, "50");
	stream_send(MIDNIGHT + 2 * DAY, "0");
	cr_expect_eq(sw.count, 0);
}

Test(stream_kinds, the_tangent_angle_is_reached)
{
	stream_rules("[a]\nkind = tangent_angle\nangle = 45\nbase = 2\n[b]\nkind = tangent_angle\nangle = 80\n");
	sw.subject.has_base = true;
	value_set_decimal(&sw.subject.base, 2, 0);
	day_of_values(0, "0", "0");
	day_of_values(1, "1.999999", "1.999999");
	day_of_values(2, "3.999999", "3.999999");
	cr_expect_eq(sw.count, 0);
	day_of_values(3, "15.342562", "15.342562"); /* 11.342563 and tan 80 * 2 = 11.342564 */
	cr_expect_eq(sw.count, 1);
	cr_expect_str_eq(sw.told[0].rule, "a");
	cr_expect_eq(sw.told[0].start_ms, MIDNIGHT + 2 * DAY);
	day_of_values(4, "26.685126", "26.685126");
	stream_send(MIDNIGHT + 5 * DAY, "26.685126");
	cr_expect_eq(sw.count, 2);
	cr_expect_str_eq(sw.told[1].rule, "b");
}

Test(stream_kinds, the_zero_of_a_scale_drifts)
{
	stream_rules("[r]\nkind = drift\nlimit = 100\nbase = 0\n");
	day_of_values(0, "-99.9", "-500");
	day_of_values(1, "-100", "500");
	stream_send(MIDNIGHT + 2 * DAY, "0");
	cr_expect_eq(sw.count, 1);
	cr_expect_eq(sw.told[0].start_ms, MIDNIGHT + DAY);
	stream_send(MIDNIGHT + 3 * DAY, "0");
	cr_expect_not(sw.told[0].open);
}

static void night(int day, const char *least)
{
	stream_send(MIDNIGHT + day * DAY + H, "0.1");
	stream_send(MIDNIGHT + day * DAY + 2 * H, "9");
	stream_send(MIDNIGHT + day * DAY + 3 * H, least);
	stream_send(MIDNIGHT + day * DAY + 4 * H - 1, "8");
	stream_send(MIDNIGHT + day * DAY + 4 * H, "0.1");
}

Test(stream_kinds, a_leak_runs_at_night_too)
{
	stream_rules("[r]\nkind = night_flow\nlimit = 5\nnights = 2\npoints = 3\n");
	night(0, "5");
	night(1, "4.99");
	night(2, "5");
	night(4, "5");
	cr_expect_eq(sw.count, 0, "not in a row");
	night(5, "6");
	expect_span(0, MIDNIGHT + 4 * DAY + 2 * H, MIDNIGHT + 5 * DAY + 4 * H - 1, MIDNIGHT + 5 * DAY + 4 * H - 1,
		    true);
	night(6, "1");
	cr_expect_not(sw.told[0].open);
	cr_expect_eq(sw.told[0].end_ms, MIDNIGHT + 5 * DAY + 4 * H - 1);
}

/* --- which streams, which rules, when --- */

Test(stream_kinds, a_rule_is_about_the_streams_that_it_names)
{
	stream_rules("[a]\nkind = level\nside = above\nlimit = 1\nunit = m\n"
		     "[b]\nkind = level\nside = above\nlimit = 1\nsites = POOL TANK-*\n"
		     "[c]\nkind = level\nside = above\nlimit = 1\nsites = POOL\n"
		     "[d]\nkind = level\nside = above\nlimit = 1\nsectors = 水利 危*\nvillages = 东村\n"
		     "[e]\nkind = level\nside = above\nlimit = 1\nvillages = 西村\n");
	stream_send(MIDNIGHT, "2");
	cr_assert_eq(sw.count, 2);
	cr_expect_str_eq(sw.told[0].rule, "b");
	cr_expect_str_eq(sw.told[1].rule, "d");
	cr_expect(stream_is_asked(&sw.context, "xyz"));
	cr_expect_not(stream_is_asked(&sw.context, "x.yz"), "a star ends at a dot");
	cr_expect_not(stream_is_asked(&sw.context, "other"));
}

Test(stream_kinds, a_rule_that_is_gone_ends_what_it_found)
{
	stream_rules("[r]\nkind = level\nside = above\nlimit = 1\n[s]\nkind = level\nside = above\nlimit = 1\n");
	stream_rules_from(MIDNIGHT + H, "[s]\nkind = level\nside = above\nlimit = 2\n");
	stream_send(MIDNIGHT, "2");
	cr_expect_eq(sw.count, 2);
	stream_as_of(MIDNIGHT + H - 1);
	cr_expect(sw.told[0].open && sw.told[1].open);
	stream_as_of(MIDNIGHT + H);
	cr_expect(!sw.told[0].open && !sw.told[1].open);
	stream_send(MIDNIGHT + 2 * H, "2");
	cr_expect_eq(sw.count, 2);
	stream_send(MIDNIGHT + 3 * H, "2.1");
	cr_expect_eq(sw.count, 3);
}

Test(stream_kinds, values_come_in_order)
{
	struct value v = {.time_ms = MIDNIGHT};
	stream_rules("[r]\nkind = level\nside = above\nlimit = 1\n");
	stream_send(MIDNIGHT, "2");
	cr_expect_eq(stream_step(sw.state, &sw.context, &v, &sw.sink), STATUS_INVALID);
}
