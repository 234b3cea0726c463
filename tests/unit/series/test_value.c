#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "engine/series/value.h"
#include "engine/series/value_sum.h"
#include "engine/series/value_texts.h"

static struct value number(const char *text)
{
	struct value v = {0};
	cr_assert_eq(value_parse_number(span_of_string(text), &v), STATUS_OK, "%s", text);
	return v;
}

static void expect(const char *text, enum value_type type, int64_t bits, unsigned scale)
{
	struct value v = number(text);
	cr_assert_eq(v.type, type, "%s: type %u", text, v.type);
	cr_assert_eq(v.bits, bits, "%s: bits %lld", text, (long long)v.bits);
	cr_assert_eq(v.scale, scale, "%s: scale %u", text, v.scale);
}

Test(value, a_short_decimal_is_exact_and_has_one_form)
{
	expect("23.50", VALUE_DECIMAL, 235, 1);
	expect("23.5", VALUE_DECIMAL, 235, 1);
	expect("2.35e1", VALUE_DECIMAL, 235, 1);
	expect("-0", VALUE_DECIMAL, 0, 0);
	expect("0.000", VALUE_DECIMAL, 0, 0);
	expect("+.5", VALUE_DECIMAL, 5, 1);
	expect("5.", VALUE_DECIMAL, 5, 0);
	expect("1e3", VALUE_DECIMAL, 1000, 0);
	expect("100.000000000000000000000000", VALUE_DECIMAL, 100, 0);
	expect("999999999999999", VALUE_DECIMAL, 999999999999999, 0);
	expect("0.000000000000001", VALUE_DECIMAL, 1, 15);
}

Test(value, what_needs_more_digits_is_the_nearest_double)
{
	expect("0.30000000000000004", VALUE_DOUBLE, value_real_bits(0.1 + 0.2), 0);
	expect("0.10000000000000001", VALUE_DECIMAL, 1, 1); /* that double is 0.1 */
	expect("1e300", VALUE_DOUBLE, value_real_bits(1e300), 0);
	expect("1e-20", VALUE_DOUBLE, value_real_bits(1e-20), 0);
	expect("3.141592653589793238462643", VALUE_DOUBLE, value_real_bits(3.141592653589793), 0);
}

Test(value, what_is_no_number_is_refused)
{
	static const char *const wrong[] = {"",    "-",  ".",  "e5",  "1e",  "1e+",  "1.2.3",
					    "12a", " 1", "1 ", "nan", "inf", "0x10", "1e99999"};
	struct value v;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_assert_eq(value_parse_number(span_of_string(wrong[i]), &v), STATUS_MALFORMED, "'%s'", wrong[i]);
	cr_assert_eq(value_parse_number(span_of_string("1e999"), &v), STATUS_OUT_OF_RANGE);
	cr_assert_eq(value_set_double(&v, NAN), STATUS_OUT_OF_RANGE);
}

Test(value, whole_numbers_are_exact_to_64_bits)
{
	struct value v;
	cr_assert_eq(value_parse_integer(span_of_string("-9223372036854775808"), &v), STATUS_OK);
	cr_assert_eq(v.bits, INT64_MIN);
	cr_assert_eq(value_parse_integer(span_of_string("9223372036854775808"), &v), STATUS_OUT_OF_RANGE);
	cr_assert_eq(value_parse_integer(span_of_string("1.0"), &v), STATUS_MALFORMED);
}

Test(value, what_is_printed_reads_back_the_same)
{
	static const char *const texts[] = {
		"0", "-1.5", "0.05", "123456789012345", "0.30000000000000004", "-1e-20", "0.000000000000001"};
	char out[VALUE_PRINT_MAX + 1];
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct value v = number(texts[i]), again = {0};
		size_t size = value_print(&v, out);
		cr_assert_eq(value_parse_number(span_of(out, size), &again), STATUS_OK);
		cr_assert(value_same(&v, &again), "%s came back as %s", texts[i], out);
	}
}

Test(value, a_delay_is_whole_minutes_and_one_transmission_has_one_receipt)
{
	const int64_t t = INT64_C(1764000000000) + 30000;
	cr_assert_eq(value_delay(t, t), 0);
	cr_assert_eq(value_delay(t, t - 5), 0);
	cr_assert_eq(value_delay(t, t + 59999), 0);
	cr_assert_eq(value_delay(t, t + 60000), 1);
	const int64_t received = t + 7200000;
	for (int64_t at = t; at < t + 3500000; at += 1234)
		cr_assert_eq((int64_t)value_delay(at, received) + at / 60000, received / 60000);
	cr_assert_eq(value_delay(INT64_MIN, INT64_MAX), VALUE_DELAY_MAX);
}

Test(value, later_received_stands_and_the_same_is_one)
{
	struct value v[4] = {{.time_ms = 10, .bits = 5, .delay_min = 2},
			     {.time_ms = 10, .bits = 7, .delay_min = 0},
			     {.time_ms = 10, .bits = 5, .delay_min = 0},
			     {.time_ms = 9, .bits = 1}};
	cr_assert_eq(values_normalise(v, 4), 3);
	cr_assert_eq(v[0].time_ms, 9);
	cr_assert_eq(v[1].bits, 7);
	cr_assert_eq(v[2].bits, 5, "what came two minutes later stands");
	cr_assert_eq(v[2].delay_min, 2);
}

Test(value, a_sum_does_not_round)
{
	struct value_sum s;
	char text[64];
	value_sum_init(&s);
	static const char *const parts[] = {"1e16", "0.1", "1", "-1e16", "0.2", "1e-20", "-1e-20"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		struct value v = number(parts[i]);
		value_sum_add(&s, &v);
	}
	cr_assert_float_eq(value_sum_double(&s), 1.3, 0);
	value_sum_init(&s);
	for (int i = 0; i < 1000; i++) {
		struct value v = number("0.1");
		value_sum_add(&s, &v);
	}
	value_sum_print(&s, text);
	cr_assert_str_eq(text, "100");
}

Test(value, negative_doubles_add_up)
{
	struct value_sum s;
	value_sum_init(&s);
	for (int i = 0; i < 100; i++) {
		struct value v = {.type = VALUE_DOUBLE, .bits = value_real_bits(-1.0 / 3)};
		value_sum_add(&s, &v);
	}
	/* a hundred times the double nearest a third, which has 53 bits: the product rounds once */
	cr_assert_eq(value_sum_double(&s), (double)(-100.0L * (long double)(1.0 / 3)));
}

Test(value, texts_are_kept_once)
{
	struct value_texts *t;
	struct span found;
	uint64_t a, b;
	cr_assert_eq(value_texts_new(&t), STATUS_OK);
	for (int i = 0; i < 5000; i++) {
		char text[24];
		snprintf(text, sizeof text, "state %d", i);
		cr_assert_eq(value_texts_add(t, span_of_string(text), &a), STATUS_OK);
	}
	cr_assert_eq(value_texts_add(t, span_of_string("state 17"), &a), STATUS_OK);
	cr_assert_eq(value_texts_add(t, span_of_string("state 17"), &b), STATUS_OK);
	cr_assert_eq(a, b);
	cr_assert_eq(value_texts_find(t, a, &found), STATUS_OK);
	cr_assert(span_equal(found, span_of_string("state 17")));
	cr_assert_eq(value_texts_find(t, a + 1, &found), STATUS_NOT_FOUND);
	value_texts_free(t);
}
