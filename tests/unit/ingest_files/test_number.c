#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "ingest/files/number_fast.h"

/* Both ways, of which the fast one gets garbage before the text. */
static enum status both(const char *text, struct number_unit unit, int64_t *out)
{
	char padded[NUMBER_PAD + 256];
	struct number_scale scale = number_scale_of(unit);
	int64_t slow = 0, fast = 0;
	memset(padded, '7', sizeof padded);
	memcpy(padded + NUMBER_PAD, text, strlen(text));
	enum status a = number_fixed(span_of_string(text), unit, &slow);
	enum status b = number_scaled(span_of(padded + NUMBER_PAD, strlen(text)), &scale, &fast);
	cr_assert(a == b, "%s: %s, %s", text, status_name(a), status_name(b));
	if (!a)
		cr_assert(slow == fast, "%s: %lld, %lld", text, (long long)slow, (long long)fast);
	*out = slow;
	return a;
}

static void expect(const char *text, struct number_unit unit, int64_t wanted)
{
	int64_t v;
	enum status status = both(text, unit, &v);
	cr_assert(status == STATUS_OK, "%s: %s", text, status_name(status));
	cr_assert(v == wanted, "%s gave %lld", text, (long long)v);
}

static void expect_refused(const char *text, struct number_unit unit, enum status wanted)
{
	int64_t v;
	enum status status = both(text, unit, &v);
	cr_assert(status == wanted, "\"%s\": %s", text, status_name(status));
}

Test(number, degrees_become_1e_7_degrees_exactly)
{
	expect("118.652345", NUMBER_DEGREES, 1186523450);
	expect("-118.6523456", NUMBER_DEGREES, -1186523456);
	expect("0.0000001", NUMBER_DEGREES, 1);
	expect("0.1", NUMBER_DEGREES, 1000000);
	expect("24", NUMBER_DEGREES, 240000000);
	expect("24.", NUMBER_DEGREES, 240000000);
	expect("-.5", NUMBER_DEGREES, -5000000);
	expect("+.5", NUMBER_DEGREES, 5000000);
	expect("0", NUMBER_DEGREES, 0);
	expect("-0.0", NUMBER_DEGREES, 0);
	expect("000024.5000000000", NUMBER_DEGREES, 245000000);
}

Test(number, what_falls_between_is_rounded_to_the_nearest_and_halves_away_from_zero)
{
	expect("1.00000004", NUMBER_DEGREES, 10000000);
	expect("1.00000005", NUMBER_DEGREES, 10000001);
	expect("-1.00000005", NUMBER_DEGREES, -10000001);
	expect("1.000000049999999999999999999999999", NUMBER_DEGREES, 10000000);
	expect("1.00000005000000000000000000000000001", NUMBER_DEGREES, 10000001);
	expect("45.64", NUMBER_TENTHS, 456);
	expect("45.65", NUMBER_TENTHS, 457);
	expect("0.49", NUMBER_AS_IS, 0);
	expect("0.5", NUMBER_AS_IS, 1);
	expect("-0.5", NUMBER_AS_IS, -1);
	expect("123456", NUMBER_METRES, 1235);
}

Test(number, units_convert_without_a_binary_fraction)
{
	expect("10", NUMBER_KNOTS, 185);
	expect("0.27", NUMBER_KNOTS, 5);     /* 5.0004 */
	expect("0.2699", NUMBER_KNOTS, 5);   /* 4.998548 */
	expect("0.24298", NUMBER_KNOTS, 4);  /* 4.4999896 */
	expect("0.242981", NUMBER_KNOTS, 5); /* 4.50000812 */
	expect("27.5", NUMBER_MPS, 990);
	expect("0.0138", NUMBER_MPS, 0);
	expect("0.0139", NUMBER_MPS, 1);
	expect("1780000000.2504", NUMBER_SECONDS, 1780000000250);
	expect("118652345", NUMBER_E6, 1186523450);
}

Test(number, exponents_are_read)
{
	expect("1.5e-3", NUMBER_DEGREES, 15000);
	expect("1E2", NUMBER_AS_IS, 100);
	expect("1.18652345e+02", NUMBER_DEGREES, 1186523450);
	expect("5e-324", NUMBER_DEGREES, 0);
	expect("0e999999", NUMBER_AS_IS, 0);
}

Test(number, blanks_around_are_passed_over)
{
	expect(" 24.5", NUMBER_DEGREES, 245000000);
	expect("24.5\t ", NUMBER_DEGREES, 245000000);
}

Test(number, what_is_no_number_is_refused)
{
	static const char *const texts[] = {
		"-",   "+",    ".",   "-.",  "1.2.3", "1,5", "0x10",     "24.5N",
		"--1", "1e",   "1e+", "nan", "inf",   "1 2", "\xd2\xbb", "12345678901234567a",
		"..5", "1..5", "/",   ":"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect_refused(texts[i], NUMBER_DEGREES, STATUS_MALFORMED);
	expect_refused("", NUMBER_DEGREES, STATUS_EMPTY);
	expect_refused("   ", NUMBER_DEGREES, STATUS_EMPTY);
}

Test(number, more_digits_than_fit_are_out_of_range)
{
	expect("922337203685477580", NUMBER_AS_IS, 922337203685477580);
	expect_refused("9999999999999999", NUMBER_DEGREES, STATUS_OUT_OF_RANGE);
	expect_refused("922337203686", NUMBER_DEGREES, STATUS_OUT_OF_RANGE);
	expect_refused("1e300", NUMBER_AS_IS, STATUS_OUT_OF_RANGE);
	expect_refused("99999999999999999999999999", NUMBER_AS_IS, STATUS_OUT_OF_RANGE);
}

Test(number, words_are_decimal_or_hex)
{
	uint32_t v;
	cr_assert(number_word(span_of_string("3"), &v) == STATUS_OK && v == 3);
	cr_assert(number_word(span_of_string("4294967295"), &v) == STATUS_OK && v == UINT32_MAX);
	cr_assert(number_word(span_of_string("0xFFFFffff"), &v) == STATUS_OK && v == UINT32_MAX);
	cr_assert(number_word(span_of_string(" 0x0C "), &v) == STATUS_OK && v == 12);
	cr_assert(number_word(span_of_string("4294967296"), &v) == STATUS_OUT_OF_RANGE);
	cr_assert(number_word(span_of_string("0x100000000"), &v) == STATUS_OUT_OF_RANGE);
	cr_assert(number_word(span_of_string("0x"), &v) == STATUS_MALFORMED);
	cr_assert(number_word(span_of_string("-1"), &v) == STATUS_MALFORMED);
	cr_assert(number_word(span_of_string("1.0"), &v) == STATUS_MALFORMED);
	cr_assert(number_word(span_of_string(""), &v) == STATUS_EMPTY);
}
