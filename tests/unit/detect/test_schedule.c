/* Schedules: what is written, what it means, what is no schedule. */
#include <criterion/criterion.h>

#include "engine/detect/schedule.h"

static struct schedule parsed(const char *text)
{
	struct schedule s;
	size_t at = 0;
	cr_assert_eq(schedule_parse(span_of_string(text), &s, &at), STATUS_OK, "'%s' stops at %zu", text, at);
	cr_assert_eq(at, strlen(text), "'%s' stops at %zu", text, at);
	return s;
}

/* Of the clock of China. */
static int64_t at(const char *time)
{
	int64_t ms;
	cr_assert_eq(time_parse(span_of_string(time), CHINA_OFFSET_MS, &ms), STATUS_OK, "%s", time);
	return ms;
}

#define ACTIVE(s, time) cr_assert(schedule_active(&(s), at(time)), "not in force at %s", time)
#define RESTING(s, time) cr_assert_not(schedule_active(&(s), at(time)), "in force at %s", time)

Test(schedule, prints_one_normal_form)
{
	static const char *const cases[][2] = {
		{"", "always"},
		{"  always ", "always"},
		{"mon-sun", "always"},
		{"22:00-06:00", "22:00-06:00"},
		{"12:00-13:30:15,08:00-09:00", "08:00-09:00, 12:00-13:30:15"},
		{"20:00-00:00", "20:00-24:00"},
		{"20:00-24:00", "20:00-24:00"},
		{"sat,sun", "sat, sun"},
		{"fri-mon", "mon, fri-sun"},
		{"tue,mon,wed", "mon-wed"},
		{"05-01T12:00..08-16T12:00", "05-01T12:00..08-16T12:00"},
		{"12-01..12-31T24:00", "12-01..12-31T24:00"},
		{"02-29..03-01", "02-29..03-01"},
		{"2022-11-01..2027-10-31T24:00", "2022-11-01..2027-11-01"},
		{"2026-01-01T08:30:15..", "2026-01-01T08:30:15.."},
		{"..2026-01-01", "..2026-01-01"},
		{"06-01..09-01;2026-01-01..; 22:00-06:00 ;mon-fri", "mon-fri; 22:00-06:00; 06-01..09-01; 2026-01-01.."},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out = buf_init(1024);
		struct schedule s = parsed(cases[i][0]), again;
		cr_assert_eq(schedule_print(&s, &out), STATUS_OK);
		cr_expect(span_equal(buf_view(&out), span_of_string(cases[i][1])), "'%s' prints '%.*s'", cases[i][0],
			  (int)out.size, (char *)out.data);
		cr_assert_eq(schedule_parse(buf_view(&out), &again, NULL), STATUS_OK);
		cr_expect_eq(memcmp(&s, &again, sizeof s), 0, "'%s' is another schedule when read again", cases[i][0]);
		buf_deinit(&out);
	}
}

Test(schedule, says_where_a_text_stops_making_sense)
{
	static const struct {
		const char *text;
		enum status status;
		size_t at;
	} cases[] = {
		{"never", STATUS_MALFORMED, 0},
		{"always; mon", STATUS_MALFORMED, 6},
		{"22:00", STATUS_MALFORMED, 5},
		{"22:00-6:00", STATUS_MALFORMED, 6},
		{"22:60-06:00", STATUS_OUT_OF_RANGE, 3},
		{"25:00-06:00", STATUS_OUT_OF_RANGE, 0},
		{"24:00-06:00", STATUS_OUT_OF_RANGE, 0},
		{"22:00-24:01", STATUS_OUT_OF_RANGE, 6},
		{"08:00-08:00", STATUS_OUT_OF_RANGE, 0},
		{"08:00-09:00; 10:00-11:00", STATUS_MALFORMED, 13},
		{"08:00-09:00;", STATUS_MALFORMED, 12},
		{"08:00-09:00 x", STATUS_MALFORMED, 12},
		{"mon-", STATUS_MALFORMED, 4},
		{"monday", STATUS_MALFORMED, 3},
		{"13-01..14-01", STATUS_OUT_OF_RANGE, 0},
		{"02-30..03-01", STATUS_OUT_OF_RANGE, 3},
		{"03-01..03-01", STATUS_OUT_OF_RANGE, 0},
		{"03-01T24:00..04-01", STATUS_OUT_OF_RANGE, 6},
		{"..", STATUS_MALFORMED, 2},
		{"2023-02-29..", STATUS_OUT_OF_RANGE, 0},
		{"2100-02-29..", STATUS_OUT_OF_RANGE, 0},
		{"2026-01-02..2026-01-02", STATUS_OUT_OF_RANGE, 0},
		{"2026-01-02..2026-01-01", STATUS_OUT_OF_RANGE, 0},
		{"..9999-12-31T24:00", STATUS_OUT_OF_RANGE, 2},
		{"1969-12-31..", STATUS_OUT_OF_RANGE, 0},
		{"2026-01-01", STATUS_MALFORMED, 10},
		{"01:00-02:00,02:00-03:00,03:00-04:00,04:00-05:00,05:00-06:00,06:00-07:00,07:00-08:00,08:00-09:00,"
		 "09:00-10:00",
		 STATUS_OUT_OF_RANGE, 96},
		{"01-01..01-02,02-01..02-02,03-01..03-02,04-01..04-02,05-01..05-02", STATUS_OUT_OF_RANGE, 52},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct schedule s;
		size_t stopped = 999;
		cr_expect_eq(schedule_parse(span_of_string(cases[i].text), &s, &stopped), cases[i].status, "'%s'",
			     cases[i].text);
		cr_expect_eq(stopped, cases[i].at, "'%s' stops at %zu, not %zu", cases[i].text, stopped, cases[i].at);
	}
	char text[SCHEDULE_TEXT_MAX + 1];
	struct schedule s;
	memset(text, ' ', sizeof text);
	cr_expect_eq(schedule_parse(span_of(text, sizeof text), &s, NULL), STATUS_TOO_LONG);
	cr_expect_eq(schedule_parse(span_of(text, sizeof text - 1), &s, NULL), STATUS_OK);
}

Test(schedule, hours_begin_at_their_first_and_end_before_their_last_instant)
{
	struct schedule s = parsed("02:00-05:00");
	RESTING(s, "2026-03-01T01:59:59.999");
	ACTIVE(s, "2026-03-01T02:00:00");
	ACTIVE(s, "2026-03-01T04:59:59.999");
	RESTING(s, "2026-03-01T05:00:00");
}

Test(schedule, hours_over_midnight_belong_to_the_day_they_began_on)
{
	struct schedule s = parsed("fri; 22:00-06:00"); /* 2026-11-27 is a Friday */
	RESTING(s, "2026-11-27T05:00:00");
	ACTIVE(s, "2026-11-27T22:00:00");
	ACTIVE(s, "2026-11-28T05:59:59");
	RESTING(s, "2026-11-28T06:00:00");
	RESTING(s, "2026-11-28T22:00:00");
}

Test(schedule, a_season_may_run_over_the_new_year)
{
	struct schedule s = parsed("11-01..02-29");
	RESTING(s, "2026-10-31T23:59:59");
	ACTIVE(s, "2026-11-01T00:00:00");
	ACTIVE(s, "2027-01-01T00:00:00");
	ACTIVE(s, "2027-02-28T23:59:59");
	RESTING(s, "2027-03-01T00:00:00");
	RESTING(s, "2028-02-29T00:00:00");
}

Test(schedule, the_leap_day_is_a_season_only_where_there_is_one)
{
	struct schedule s = parsed("02-29..03-01");
	ACTIVE(s, "2028-02-29T12:00:00");
	RESTING(s, "2028-03-01T00:00:00");
	RESTING(s, "2027-02-28T23:59:59");
	RESTING(s, "2027-03-01T00:00:00");
	RESTING(s, "2100-03-01T00:00:00");
}

Test(schedule, noon_of_the_leap_day_is_the_first_of_march_in_other_years)
{
	struct schedule s = parsed("02-29T12:00..05-01");
	cr_assert_eq(schedule_next(&s, at("2027-02-01T00:00:00")), at("2027-03-01T00:00:00"));
	ACTIVE(s, "2027-03-01T00:00:00");
	RESTING(s, "2028-02-29T11:59:59");
	cr_assert_eq(schedule_next(&s, at("2028-02-01T00:00:00")), at("2028-02-29T12:00:00"));
	ACTIVE(s, "2028-02-29T12:00:00");
}

Test(schedule, the_span_of_the_bridge_notice_includes_its_last_day)
{
	struct schedule s = parsed("2022-11-01..2027-10-31T24:00");
	RESTING(s, "2022-10-31T23:59:59.999");
	ACTIVE(s, "2022-11-01T00:00:00");
	ACTIVE(s, "2027-10-31T23:59:59.999");
	RESTING(s, "2027-11-01T00:00:00");
	cr_assert_eq(schedule_next(&s, INT64_MIN), at("2022-11-01T00:00:00"));
	cr_assert_eq(schedule_next(&s, at("2022-11-01T00:00:00")), at("2027-11-01T00:00:00"));
	cr_assert_eq(schedule_next(&s, at("2027-11-01T00:00:00")), INT64_MAX);
}

Test(schedule, always_is_always_and_nothing_comes_next)
{
	cr_assert(schedule_active(&SCHEDULE_ALWAYS, INT64_MIN));
	cr_assert(schedule_active(&SCHEDULE_ALWAYS, 0));
	cr_assert(schedule_active(&SCHEDULE_ALWAYS, INT64_MAX - 1));
	cr_assert_eq(schedule_next(&SCHEDULE_ALWAYS, 0), INT64_MAX);
	cr_assert_eq(schedule_next(&SCHEDULE_ALWAYS, INT64_MAX), INT64_MAX);
}

Test(schedule, the_ends_of_time_are_survived)
{
	struct schedule s = parsed("mon; 22:00-06:00; 11-01..02-29");
	cr_assert_gt(schedule_next(&s, INT64_MIN), INT64_MIN);
	cr_assert_eq(schedule_next(&s, INT64_MAX), INT64_MAX);
	(void)schedule_active(&s, INT64_MIN);
	(void)schedule_active(&s, INT64_MAX);
}
