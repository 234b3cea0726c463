#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "engine/register/hazard.h"

static enum status normalise(unsigned field, const char *value, char *out)
{
	return hazard_value_normalise(field, span_of_string(value), out);
}

static void keeps(unsigned field, const char *value, const char *as)
{
	char out[HAZARD_VALUE_MAX + 1];
	cr_assert_eq(normalise(field, value, out), STATUS_OK, "%s", value);
	cr_assert_str_eq(out, as);
}

static void refuses(unsigned field, const char *value, enum status why)
{
	char out[HAZARD_VALUE_MAX + 1];
	cr_assert_eq(normalise(field, value, out), why, "%s", value);
}

Test(hazard_fields, values_are_kept_in_the_form_of_their_type)
{
	keeps(HAZARD_FIELD_SITE, "  一号仓库 ", "一号仓库");
	keeps(HAZARD_FIELD_GRADE, "重大", "major");
	keeps(HAZARD_FIELD_SOURCE, "self_check", "self_check");
	keeps(HAZARD_FIELD_LIFE_THREAT, "是", "yes");
	keeps(HAZARD_FIELD_DEADLINE, "2026-02-28", "2026-02-28");
	keeps(HAZARD_FIELD_FOUND, "2026-03-01 08:00:00", "2026-03-01T00:00:00.000Z");
	keeps(HAZARD_FIELD_PLACE, "24.9,118.72", "24.9,118.72");
	keeps(HAZARD_FIELD_PLACE, "-90,180", "-90,180");
	keeps(HAZARD_FIELD_SITE, "   ", "");
}

Test(hazard_fields, what_is_none_is_refused)
{
	char long_text[HAZARD_VALUE_MAX + 2];
	memset(long_text, 'a', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	refuses(HAZARD_FIELD_GRADE, "huge", STATUS_OUT_OF_RANGE);
	refuses(HAZARD_FIELD_DEADLINE, "2026-02-29", STATUS_OUT_OF_RANGE);
	refuses(HAZARD_FIELD_DEADLINE, "2026-2-28", STATUS_OUT_OF_RANGE);
	refuses(HAZARD_FIELD_FOUND, "yesterday", STATUS_OUT_OF_RANGE);
	refuses(HAZARD_FIELD_LIFE_THREAT, "maybe", STATUS_OUT_OF_RANGE);
	refuses(HAZARD_FIELD_PLACE, "90.0000001,118", STATUS_OUT_OF_RANGE);
	refuses(HAZARD_FIELD_PLACE, "24.9,118.72,3", STATUS_OUT_OF_RANGE);
	refuses(HAZARD_FIELD_PLACE, "24.12345678,118", STATUS_OUT_OF_RANGE);
	refuses(HAZARD_FIELD_SIGNATURE, "abc", STATUS_OUT_OF_RANGE);
	refuses(HAZARD_FIELD_SITE, "a\nb", STATUS_MALFORMED);
	refuses(HAZARD_FIELD_SITE, long_text, STATUS_TOO_LONG);
	refuses(0, "x", STATUS_INVALID);
	refuses(HAZARD_FIELD_COUNT, "x", STATUS_INVALID);
}

Test(hazard_fields, a_day_begins_at_midnight_in_china)
{
	struct civil before = {2026, 3, 10, 15, 59, 59, 999}, after = {2026, 3, 10, 16, 0, 0, 0};
	int32_t day;
	cr_assert_eq(hazard_day_parse(span_of_string("2026-03-10"), &day), STATUS_OK);
	cr_assert_eq(hazard_day(civil_to_ms(&before)), day);
	cr_assert_eq(hazard_day(civil_to_ms(&after)), day + 1);
	cr_assert_eq(hazard_day(-CHINA_OFFSET_MS - 1), -1);
}

Test(hazard_fields, every_table_has_words_both_ways)
{
	static const unsigned counts[] = {HAZARD_STATE_COUNT,   HAZARD_GRADE_COUNT, HAZARD_SOURCE_COUNT,
					  HAZARD_LISTING_COUNT, HAZARD_ROLE_COUNT,  HAZARD_STEP_COUNT,
					  HAZARD_FIELD_COUNT};
	for (unsigned table = 0; table < sizeof counts / sizeof *counts; table++)
		for (unsigned code = table < HAZARD_TABLE_STEP ? 0 : 1; code < counts[table]; code++) {
			uint8_t by_token, by_chinese;
			const char *token = hazard_token(table, code), *chinese = hazard_chinese(table, code);
			cr_assert_eq(hazard_parse(table, span_of_string(token), &by_token), STATUS_OK);
			cr_assert_eq(hazard_parse(table, span_of_string(chinese), &by_chinese), STATUS_OK);
			cr_assert_eq(by_token, code, "%s", token);
			cr_assert_eq(by_chinese, code, "%s", chinese);
		}
	cr_assert_str_eq(hazard_token(HAZARD_TABLE_STATE, HAZARD_STATE_COUNT), "unknown");
}

Test(hazard_events, a_damaged_event_is_refused_at_every_byte)
{
	struct hazard_change changes[2] = {{HAZARD_FIELD_SITE, span_of_string("一号仓库")},
					   {HAZARD_FIELD_GRADE, span_of_string("major")}},
			     back[HAZARD_FIELD_COUNT];
	uint8_t digest[HAZARD_DIGEST_SIZE] = {7};
	struct hazard_event e = {.step = HAZARD_STEP_ATTACH,
				 .role = HAZARD_ROLE_CLERK,
				 .at_ms = 123,
				 .who = span_of_string("王验"),
				 .unit = span_of_string("企业服务中心"),
				 .note = span_of_string("见附件"),
				 .document = span_of_string("百安办〔2026〕1号"),
				 .link = span_of_string("照片.jpg"),
				 .digest = digest,
				 .changes = changes,
				 .change_count = 2};
	struct hazard_event out;
	struct buf bytes = buf_init(HAZARD_EVENT_MAX);
	cr_assert_eq(hazard_event_encode(&e, &bytes), STATUS_OK);
	cr_assert_eq(hazard_event_decode(buf_view(&bytes), back, &out), STATUS_OK);
	cr_assert(span_equal(out.who, e.who) && span_equal(out.unit, e.unit) && span_equal(out.note, e.note) &&
		  span_equal(out.document, e.document) && span_equal(out.link, e.link));
	cr_assert_eq(out.change_count, 2);
	cr_assert(back[1].field == HAZARD_FIELD_GRADE && span_equal(back[1].value, changes[1].value));
	cr_assert_arr_eq(out.digest, digest, sizeof digest);
	for (size_t size = 0; size < bytes.size; size++)
		cr_assert_neq(hazard_event_decode(span_of(bytes.data, size), back, &out), STATUS_OK, "%zu", size);
	buf_deinit(&bytes);
}
