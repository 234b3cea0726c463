#include <criterion/criterion.h>

#include "engine/fleet/registry.h"

static void assert_kept(enum device_field field, const char *value, const char *wanted)
{
	char out[DEVICE_VALUE_MAX + 1] = "unset";
	cr_assert_eq(device_value_normalise(field, span_of_string(value), out), STATUS_OK, "'%s'", value);
	cr_assert_str_eq(out, wanted);
	char again[DEVICE_VALUE_MAX + 1];
	cr_assert_eq(device_value_normalise(field, span_of_string(out), again), STATUS_OK);
	cr_assert_str_eq(again, out, "what is kept stays as it is");
}

static void assert_refused(enum device_field field, const char *value)
{
	char out[DEVICE_VALUE_MAX + 1] = "unset";
	cr_assert_eq(device_value_normalise(field, span_of_string(value), out), STATUS_OUT_OF_RANGE, "'%s'", value);
	cr_assert_str_eq(out, "unset");
}

Test(registry_field, names_are_tokens_or_chinese)
{
	for (unsigned i = 1; i < DEVICE_FIELD_COUNT; i++) {
		uint8_t field = 0;
		if (!device_field_exists(i)) /* codes have gaps */
			continue;
		cr_assert_eq(device_field_parse(span_of_string(device_field_token(i)), &field), STATUS_OK);
		cr_assert_eq(field, i);
		cr_assert_eq(device_field_parse(span_of_string(device_field_chinese(i)), &field), STATUS_OK);
		cr_assert_eq(field, i);
	}
	uint8_t none;
	cr_assert_eq(device_field_parse(span_of_string("unknown"), &none), STATUS_NOT_FOUND);
	cr_assert_eq(device_field_parse(span_of_string(""), &none), STATUS_NOT_FOUND);
	cr_assert_str_eq(device_field_token(0), "unknown");
	cr_assert_str_eq(device_field_token(DEVICE_FIELD_COUNT), "unknown");
}

Test(registry_field, plates_are_a_colour_and_a_plate_however_written)
{
	static const char *const same[] = {"2:闽C12345",  " 2:闽c12345 ",   "黄:闽C12345", "黄色:闽C·12345",
					   "2:闽C-12345", "2:闽C 12345",    "2:闽C•12345", "２：闽Ｃ１２３４５",
					   "02:闽C12345", "黄色：闽ｃ12345"};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		assert_kept(DEVICE_FIELD_PLATE, same[i], "2:闽C12345");
	assert_kept(DEVICE_FIELD_PLATE, "渐变绿:闽CD12345", "94:闽CD12345");
	assert_refused(DEVICE_FIELD_PLATE, "闽C12345");
	assert_refused(DEVICE_FIELD_PLATE, "2:");
	assert_refused(DEVICE_FIELD_PLATE, ":闽C12345");
	assert_refused(DEVICE_FIELD_PLATE, "0:闽C12345");
	assert_refused(DEVICE_FIELD_PLATE, "123:闽C12345");
	assert_refused(DEVICE_FIELD_PLATE, "粉:闽C12345");
	assert_refused(DEVICE_FIELD_PLATE, "2:闽C1:2345");
	assert_kept(DEVICE_FIELD_SECOND_PLATE, "泉工a-001", "泉工A001");
	assert_refused(DEVICE_FIELD_TRAILER, "-");
}

Test(registry_field, phones_are_hex_without_leading_zeros)
{
	assert_kept(DEVICE_FIELD_PHONE, "013900000001", "13900000001");
	assert_kept(DEVICE_FIELD_PHONE, "00000000013900000001", "13900000001");
	assert_kept(DEVICE_FIELD_PHONE, "0AB", "ab");
	assert_kept(DEVICE_FIELD_PHONE, "000", "0");
	assert_refused(DEVICE_FIELD_PHONE, "+8613900000001");
	assert_refused(DEVICE_FIELD_PHONE, "123456789012345678901");
}

Test(registry_field, classes_states_and_dates_are_what_they_may_be)
{
	assert_kept(DEVICE_FIELD_CLASS, "渣土车", "muck");
	assert_kept(DEVICE_FIELD_CLASS, "school", "school");
	assert_refused(DEVICE_FIELD_CLASS, "3");
	assert_kept(DEVICE_FIELD_STATE, "未备案", "unregistered");
	assert_kept(DEVICE_FIELD_STATE, "revoked", "revoked");
	assert_refused(DEVICE_FIELD_STATE, "lost");
	assert_kept(DEVICE_FIELD_METROLOGY_DUE, "2028-02-29", "2028-02-29");
	assert_refused(DEVICE_FIELD_METROLOGY_DUE, "2027-02-29");
	assert_refused(DEVICE_FIELD_METROLOGY_DUE, "2027-2-9");
	assert_refused(DEVICE_FIELD_METROLOGY_DUE, "20270209");
}

Test(registry_field, other_text_is_trimmed_and_kept)
{
	assert_kept(DEVICE_FIELD_COMPANY, "　泉州 渣土 公司 ", "泉州 渣土 公司");
	assert_kept(DEVICE_FIELD_VIN, "lsvaa49j132047371", "LSVAA49J132047371");
	assert_kept(DEVICE_FIELD_NOTE, "", "");
	assert_kept(DEVICE_FIELD_CLASS, "  ", "");
	char out[DEVICE_VALUE_MAX + 1];
	cr_assert_eq(device_value_normalise(0, span_of_string("x"), out), STATUS_INVALID);
	cr_assert_eq(device_value_normalise(DEVICE_FIELD_NOTE, span_of("a\0b", 3), out), STATUS_MALFORMED);
}
