/* Tags: words and their numbers. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/detect/fence_set.h"

Test(tag, has_one_number_and_gives_its_text_back)
{
	uint16_t first, second, again;
	cr_assert_eq(tag_number(span_of_string("water_source"), &first), STATUS_OK);
	cr_assert_eq(tag_number(span_of_string("scale-2.b"), &second), STATUS_OK);
	cr_assert_eq(tag_number(span_of_string("water_source"), &again), STATUS_OK);
	cr_assert_eq(first, again);
	cr_assert_neq(first, second);
	cr_assert_gt(first, 0);
	cr_assert_str_eq(tag_text(first), "water_source");
	cr_assert_str_eq(tag_text(second), "scale-2.b");
	cr_assert_str_eq(tag_text(0), "");
	cr_assert_str_eq(tag_text(UINT16_MAX), "");
}

Test(tag, is_refused_when_it_is_not_one)
{
	static const char *const cases[] = {"", "Water", "a b", "水源", "a/b", "a23456789012345678901234567890bc"};
	uint16_t number;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(tag_number(span_of_string(cases[i]), &number), STATUS_MALFORMED, "'%s'", cases[i]);
	cr_expect_eq(tag_number(span_of_string("a23456789012345678901234567890b"), &number), STATUS_OK);
}

Test(tag, more_than_there_is_room_for_are_refused_and_the_old_ones_stay)
{
	uint16_t number;
	char text[16];
	for (int i = 0; i < TAGS_MAX; i++) {
		snprintf(text, sizeof text, "t%d", i);
		cr_assert_eq(tag_number(span_of_string(text), &number), STATUS_OK);
		cr_assert_eq(number, i + 1);
	}
	cr_assert_eq(tag_number(span_of_string("onemore"), &number), STATUS_FULL);
	cr_assert_eq(tag_number(span_of_string("t4095"), &number), STATUS_OK);
	cr_assert_eq(number, TAGS_MAX);
	cr_assert_str_eq(tag_text(TAGS_MAX), "t4095");
}
