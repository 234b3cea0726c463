#include <criterion/criterion.h>

#include "engine/fleet/registry.h"

static void check(enum device_field field, const char *value, const char *expected)
{
	char out[DEVICE_VALUE_MAX + 1] = "";
	enum status status = device_value_normalise(field, span_of_string(value), out);
	cr_assert_eq(status, expected ? STATUS_OK : STATUS_OUT_OF_RANGE, "%s: %s", value, status_name(status));
	if (expected)
		cr_assert_str_eq(out, expected);
}

Test(registry_boat, values_as_people_write_them)
{
	check(DEVICE_FIELD_PLATE, "船:闽狮渔 01234", "boat:闽狮渔01234");
	check(DEVICE_FIELD_PLATE, "Boat:min-123", "boat:MIN123");
	check(DEVICE_FIELD_VEHICLE, "boat:闽狮渔01234", "boat:闽狮渔01234");
	check(DEVICE_FIELD_PLATE, "boat:", NULL);
	check(DEVICE_FIELD_PLATE, "黄:闽C12345", "2:闽C12345");
	check(DEVICE_FIELD_MMSI, "4121234", "004121234");
	check(DEVICE_FIELD_MMSI, "４１２３４５６７８", "412345678");
	check(DEVICE_FIELD_MMSI, "4123456789", NULL);
	check(DEVICE_FIELD_MMSI, "000000000", NULL);
	check(DEVICE_FIELD_BEIDOU_CARD, "0204567", "204567");
	check(DEVICE_FIELD_BEIDOU_CARD, "20456", NULL);
	check(DEVICE_FIELD_BEIDOU_CARD, "0000000", NULL);
	check(DEVICE_FIELD_GEAR, "拖网", "trawl");
	check(DEVICE_FIELD_GEAR, "dive", "dive");
	check(DEVICE_FIELD_GEAR, "网", NULL);
	check(DEVICE_FIELD_NAVIGATION_AREA, "沿海", "coastal");
	check(DEVICE_FIELD_WIND_RATING, "07", "7");
	check(DEVICE_FIELD_WIND_RATING, "18", NULL);
	check(DEVICE_FIELD_WIND_RATING, "0", NULL);
	check(DEVICE_FIELD_CERTIFIED_PERSONS, "999", "999");
	check(DEVICE_FIELD_CERTIFIED_PERSONS, "1000", NULL);
	check(DEVICE_FIELD_LENGTH, "23.5", "23.5");
	check(DEVICE_FIELD_LENGTH, "23.", NULL);
	check(DEVICE_FIELD_LENGTH, "-1", NULL);
	check(DEVICE_FIELD_GEAR, "刺网、拖网", "trawl,gillnet");
	check(DEVICE_FIELD_GEAR, "trawl, nets", NULL);
	check(DEVICE_FIELD_PERSONS_ABOARD, "012", "12");
	check(DEVICE_FIELD_LAID_UP, "是", "yes");
	check(DEVICE_FIELD_LAID_UP, "perhaps", NULL);
	check(DEVICE_FIELD_SURVEY_DUE, "2026-02-29", NULL);
	check(DEVICE_FIELD_SURVEY_DUE, "2026-02-28", "2026-02-28");
}

Test(registry_boat, codes_have_gaps_and_names_either_case)
{
	uint8_t field;
	char out[DEVICE_VALUE_MAX + 1];
	cr_assert_not(device_field_exists(29));
	cr_assert(device_field_exists(DEVICE_FIELD_MMSI));
	cr_assert_eq(device_value_normalise(29, span_of_string("x"), out), STATUS_INVALID);
	cr_assert_eq(device_field_parse(span_of_string("unknown"), &field), STATUS_NOT_FOUND);
	cr_assert_eq(device_field_parse(span_of_string("ais身份卡号"), &field), STATUS_OK);
	cr_assert_eq(field, DEVICE_FIELD_AIS_CARD);
}

Test(registry_boat, a_source_has_the_boats_papers_but_not_its_number)
{
	cr_assert(device_field_is_lent(DEVICE_FIELD_GEAR));
	cr_assert(device_field_is_lent(DEVICE_FIELD_CREW));
	cr_assert(device_field_is_lent(DEVICE_FIELD_TONNAGE));
	cr_assert_not(device_field_is_lent(DEVICE_FIELD_MMSI));
	cr_assert_not(device_field_is_lent(DEVICE_FIELD_SAID_NAME));
}
