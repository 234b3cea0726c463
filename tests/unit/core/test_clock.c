#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "engine/core/clock.h"

static int64_t parse(const char *text)
{
	int64_t ms = -1;
	cr_assert_eq(time_parse(span_of_string(text), CHINA_OFFSET_MS, &ms), STATUS_OK, "%s", text);
	return ms;
}

Test(clock, the_calendar_agrees_with_the_c_library_over_four_centuries)
{
	for (int64_t day = -80000; day < 70000; day += 7) {
		time_t seconds = day * 86400 + 45296;
		struct tm tm;
		struct civil c;
		gmtime_r(&seconds, &tm);
		civil_from_ms((int64_t)seconds * 1000 + 789, &c);
		cr_assert_eq(c.year, tm.tm_year + 1900);
		cr_assert_eq(c.month, tm.tm_mon + 1);
		cr_assert_eq(c.day, tm.tm_mday);
		cr_assert_eq(c.hour * 3600 + c.minute * 60 + c.second, 45296);
		cr_assert_eq(c.milli, 789);
		cr_assert_eq(civil_to_ms(&c), (int64_t)seconds * 1000 + 789);
	}
}

Test(clock, bcd_times_are_quanzhou_time_and_come_back)
{
	static const uint8_t bcd[6] = {0x26, 0x11, 0x24, 0x01, 0x02, 0x03};
	uint8_t back[6];
	int64_t ms;
	cr_assert_eq(bcd_time_decode(bcd, &ms), STATUS_OK);
	cr_assert_eq(ms, parse("2026-11-23T17:02:03Z"));
	cr_assert_eq(bcd_time_encode(ms, back), STATUS_OK);
	cr_assert_eq(memcmp(bcd, back, 6), 0);
	cr_assert_eq(bcd_time_encode(parse("1999-12-31T23:59:59+08:00"), back), STATUS_OUT_OF_RANGE);
	cr_assert_eq(bcd_time_encode(parse("2100-01-01T00:00:00+08:00"), back), STATUS_OUT_OF_RANGE);
}

Test(clock, bcd_that_is_no_time_is_refused_also_behind_a_good_one)
{
	static const uint8_t good[6] = {0x24, 0x02, 0x29, 0x23, 0x59, 0x59};
	static const uint8_t bad[][6] = {
		{0, 0, 0, 0, 0, 0},
		{0x25, 0x02, 0x29, 0, 0, 0},
		{0x24, 0x13, 0x01, 0, 0, 0},
		{0x24, 0x00, 0x01, 0, 0, 0},
		{0x24, 0x04, 0x31, 0, 0, 0},
		{0x2a, 0x01, 0x01, 0, 0, 0},
		{0x24, 0x02, 0x29, 0x24, 0, 0},
		{0x24, 0x02, 0x29, 0, 0x60, 0},
		{0x24, 0x02, 0x29, 0, 0, 0x60},
		{0x24, 0x02, 0x29, 0, 0, 0x0a},
		{0x24, 0x02, 0x29, 0xa0, 0, 0},
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t ms = 7;
		cr_assert_eq(bcd_time_decode(good, &ms), STATUS_OK);
		cr_assert_eq(ms, parse("2024-02-29T23:59:59+08:00"));
		ms = 7;
		cr_assert_eq(bcd_time_decode(bad[i], &ms), STATUS_BAD_TIME, "case %zu", i);
		cr_assert_eq(ms, 7);
	}
}

Test(clock, every_day_of_a_century_decodes_to_the_next_midnight)
{
	int64_t expected = parse("2000-01-01T00:00:00+08:00");
	for (; expected < parse("2100-01-01T00:00:00+08:00"); expected += MS_PER_DAY) {
		uint8_t bcd[6];
		int64_t ms;
		cr_assert_eq(bcd_time_encode(expected, bcd), STATUS_OK);
		cr_assert_eq(bcd_time_decode(bcd, &ms), STATUS_OK);
		cr_assert_eq(ms, expected);
	}
}

Test(clock, texts_of_rfc_3339_are_read_with_zone_and_fraction)
{
	cr_assert_eq(parse("1970-01-01T00:00:00Z"), 0);
	cr_assert_eq(parse("1970-01-01T08:00:00+08:00"), 0);
	cr_assert_eq(parse("1970-01-01 08:00:00"), 0, "the default zone");
	cr_assert_eq(parse("1969-12-31T23:30:00-00:30"), 0);
	cr_assert_eq(parse("1970-01-01T00:00:00.5Z"), 500);
	cr_assert_eq(parse("1970-01-01T00:00:00.123999999Z"), 123);
}

Test(clock, texts_that_are_no_time_are_refused)
{
	static const char *const bad[] = {"",
					  "1970",
					  "1970-13-01T00:00:00Z",
					  "1970-02-29T00:00:00Z",
					  "1970-01-01T24:00:00Z",
					  "1970-01-01T00:00:00+24:00",
					  "1970-01-01T00:00:00.Z",
					  "1970-01-01T00:00:00Zx",
					  "1970-01-01T00:00:00+08",
					  "1970-01-01T00:00:00.1234567890Z"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t ms;
		cr_assert_eq(time_parse(span_of_string(bad[i]), 0, &ms), STATUS_BAD_TIME, "%s", bad[i]);
	}
}

Test(clock, times_print_as_they_are_read)
{
	char text[TIME_TEXT_MAX];
	time_format(0, 0, text);
	cr_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
	time_format(1, CHINA_OFFSET_MS, text);
	cr_assert_str_eq(text, "1970-01-01T08:00:00.001+08:00");
	time_format(-1, -90 * MS_PER_MINUTE, text);
	cr_assert_str_eq(text, "1969-12-31T22:29:59.999-01:30");
	cr_assert_eq(parse(text), -1);
}
