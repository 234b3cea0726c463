/* test_stream_number.c -- values as whole multiples of 10^-15. */
#include <criterion/criterion.h>

#include "engine/detect/stream_number.h"

static __int128 of(const char *text)
{
	struct value v = {0};
	__int128 n;
	cr_assert_eq(value_parse_number(span_of_string(text), &v), STATUS_OK);
	cr_assert(stream_number_of(&v, &n), "%s", text);
	return n;
}

static __int128 of_double(double d)
{
	struct value v = {.type = VALUE_DOUBLE, .bits = value_real_bits(d)};
	__int128 n;
	cr_assert(stream_number_of(&v, &n), "%g", d);
	return n;
}

Test(stream_number, decimals_are_exact)
{
	cr_expect(of("23.50") == (__int128)235 * (STREAM_NUMBER_ONE / 10));
	cr_expect(of("-0.000000000000001") == -1);
	cr_expect(of("999999999999999") == (__int128)999999999999999 * STREAM_NUMBER_ONE);
	cr_expect(of("0.1") + of("0.2") == of("0.3"));
}

Test(stream_number, doubles_are_the_nearest_multiple_ties_to_even)
{
	cr_expect(of_double(0.5) == STREAM_NUMBER_ONE / 2);
	cr_expect(of_double(-3) == -3 * (__int128)STREAM_NUMBER_ONE);
	cr_expect(of_double(0.1) == STREAM_NUMBER_ONE / 10, "0.1 is 0.1000000000000000055...");
	cr_expect(of_double(1e-15) == 1);
	cr_expect(of_double(0.4e-15) == 0);
	cr_expect(of_double(0x1p-60) == 0);
	cr_expect(of_double(5e-324) == 0);
	cr_expect(of_double(0x1p59) == ((__int128)1 << 59) * STREAM_NUMBER_ONE);
	/* 2^-16 * 10^15 = 15258789062.5, a tie */
	cr_expect(of_double(0x1p-16) == INT64_C(15258789062));
	cr_expect(of_double(-0x3p-16) == -INT64_C(45776367188), "45776367187.5");
}

Test(stream_number, texts_and_what_is_beyond_everything_are_none)
{
	__int128 n;
	struct value v = {.type = VALUE_TEXT};
	cr_expect_not(stream_number_of(&v, &n));
	v = (struct value){.type = VALUE_DOUBLE, .bits = value_real_bits(1e18)};
	cr_expect_not(stream_number_of(&v, &n));
}

Test(stream_number, millionths_round_away_from_0)
{
	cr_expect_eq(stream_number_millionths(of("1.0000005")), 1000001);
	cr_expect_eq(stream_number_millionths(of("-1.0000005")), -1000001);
	cr_expect_eq(stream_number_millionths(of("1.00000049")), 1000000);
	cr_expect_eq(stream_number_millionths((__int128)1 << 126), INT64_MAX);
	cr_expect_eq(stream_number_millionths(-((__int128)1 << 126)), INT64_MIN + 1);
	cr_expect(stream_number_of_millionths(-250000) == of("-0.25"));
}
