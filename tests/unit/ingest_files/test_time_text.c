#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "ingest/files/time_text.h"

/* 2026-05-28T12:26:40Z */
#define INSTANT INT64_C(1779971200000)

static enum status take(enum time_form form, const char *text, int64_t *out)
{
	char padded[NUMBER_PAD + 128] = {0};
	struct time_reader reader = time_reader_init(form, CHINA_OFFSET_MS);
	memcpy(padded + NUMBER_PAD, text, strlen(text));
	return time_reader_take(&reader, span_of(padded + NUMBER_PAD, strlen(text)), out);
}

static void expect(enum time_form form, const char *text, int64_t wanted)
{
	int64_t ms = 0;
	enum status status = take(form, text, &ms);
	cr_assert(status == STATUS_OK, "%s: %s", text, status_name(status));
	cr_assert(ms == wanted, "%s gave %lld", text, (long long)ms);
}

Test(time_text, every_form_names_the_same_instant)
{
	expect(TIME_FORM_EPOCH_S, "1779971200", INSTANT);
	expect(TIME_FORM_EPOCH_S, "1779971200.250", INSTANT + 250);
	expect(TIME_FORM_EPOCH_MS, "1779971200250", INSTANT + 250);
	expect(TIME_FORM_TEXT, "2026-05-28T12:26:40Z", INSTANT);
	expect(TIME_FORM_TEXT, "2026-05-28T20:26:40.250+08:00", INSTANT + 250);
	expect(TIME_FORM_TEXT, "2026-05-28 20:26:40", INSTANT);
	expect(TIME_FORM_TEXT, "2026-05-28T20:26:40", INSTANT);
	expect(TIME_FORM_TEXT, "2026/5/28 20:26:40", INSTANT);
	expect(TIME_FORM_TEXT, "2026/5/28 20:26", INSTANT - 40000);
	expect(TIME_FORM_TEXT, "2026-5-28 8:6:4", INSTANT - (12 * 3600 + 20 * 60 + 36) * INT64_C(1000));
	expect(TIME_FORM_COMPACT, "20260528202640", INSTANT);
}

Test(time_text, auto_goes_by_the_shape)
{
	expect(TIME_FORM_AUTO, "1779971200", INSTANT);
	expect(TIME_FORM_AUTO, "1779971200.25", INSTANT + 250);
	expect(TIME_FORM_AUTO, "1779971200.250", INSTANT + 250); /* 14 characters, no compact time */
	expect(TIME_FORM_AUTO, "1779971200250", INSTANT + 250);
	expect(TIME_FORM_AUTO, "20260528202640", INSTANT);
	expect(TIME_FORM_AUTO, " 2026-05-28 20:26:40 ", INSTANT);
}

Test(time_text, what_is_no_time_is_refused)
{
	static const char *const texts[] = {
		"2026-02-30 00:00:00", "2026-05-28 24:00:00", "2026-05-28 12:60:00",     "2026-05-28 12:00:61",
		"2026-13-01 00:00:00", "2026-05-28",          "2026-05-28 20:26:40 CST", "28/05/2026 20:26:40",
		"2026-05/28 20:26:40", "yesterday",           "2026-05-28 2O:26:40"};
	int64_t ms;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		cr_assert(take(TIME_FORM_TEXT, texts[i], &ms) == STATUS_BAD_TIME, "%s", texts[i]);
		cr_assert(take(TIME_FORM_AUTO, texts[i], &ms) == STATUS_BAD_TIME, "%s", texts[i]);
	}
	cr_assert(take(TIME_FORM_COMPACT, "20260228", &ms) == STATUS_BAD_TIME);
	cr_assert(take(TIME_FORM_COMPACT, "20260229000000", &ms) == STATUS_BAD_TIME);
	cr_assert(take(TIME_FORM_EPOCH_S, "2026-05-28", &ms) == STATUS_BAD_TIME);
	cr_assert(take(TIME_FORM_EPOCH_S, "253402300800", &ms) == STATUS_BAD_TIME, "the year 10000");
	cr_assert(take(TIME_FORM_EPOCH_S, "9e18", &ms) == STATUS_BAD_TIME);
	cr_assert(take(TIME_FORM_EPOCH_MS, "", &ms) == STATUS_EMPTY);
	cr_assert(take(TIME_FORM_TEXT, "  ", &ms) == STATUS_EMPTY);
}

Test(time_text, a_remembered_date_does_not_outlive_a_bad_one)
{
	char padded[NUMBER_PAD + 32] = {0};
	struct time_reader reader = time_reader_init(TIME_FORM_TEXT, 0);
	static const char *const texts[] = {"2026-05-28 12:26:40", "2026-05-32 12:26:40", "2026-05-28 12:26:41"};
	static const int64_t wanted[] = {INSTANT, 0, INSTANT + 1000};
	for (int i = 0; i < 3; i++) {
		int64_t ms = 0;
		memcpy(padded + NUMBER_PAD, texts[i], 19);
		enum status status = time_reader_take(&reader, span_of(padded + NUMBER_PAD, 19), &ms);
		cr_assert(status == (i == 1 ? STATUS_BAD_TIME : STATUS_OK));
		cr_assert(ms == wanted[i]);
	}
}

Test(time_text, zones_are_read)
{
	int64_t ms;
	cr_assert(zone_parse(span_of_string("+08:00"), &ms) == STATUS_OK && ms == CHINA_OFFSET_MS);
	cr_assert(zone_parse(span_of_string("+0800"), &ms) == STATUS_OK && ms == CHINA_OFFSET_MS);
	cr_assert(zone_parse(span_of_string("+08"), &ms) == STATUS_OK && ms == CHINA_OFFSET_MS);
	cr_assert(zone_parse(span_of_string("-03:30"), &ms) == STATUS_OK && ms == -210 * MS_PER_MINUTE);
	cr_assert(zone_parse(span_of_string("Z"), &ms) == STATUS_OK && ms == 0);
	static const char *const wrong[] = {"", "8", "08:00", "+8", "+08:60", "+15:00", "+08:0", "+08-00", "CST"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_assert(zone_parse(span_of_string(wrong[i]), &ms) == STATUS_MALFORMED, "%s", wrong[i]);
}
