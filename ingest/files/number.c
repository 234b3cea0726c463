#include "ingest/files/number.h"

#include <stdbool.h>

#include "ingest/files/number_fast.h"

static const uint64_t POW10[20] = {1u,
				   10u,
				   100u,
				   1000u,
				   10000u,
				   100000u,
				   1000000u,
				   10000000u,
				   100000000u,
				   1000000000u,
				   10000000000u,
				   100000000000u,
				   1000000000000u,
				   10000000000000u,
				   100000000000000u,
				   1000000000000000u,
				   10000000000000000u,
				   100000000000000000u,
				   1000000000000000000u,
				   10000000000000000000u};

/* (-1)^negative * mantissa * 10^-scale */
struct decimal {
	uint64_t mantissa; /* below 10^18 */
	int scale;
	bool negative;
	bool cut; /* digits behind the mantissa were dropped */
};

static unsigned __int128 pow10_wide(int n)
{
	return n <= 19 ? POW10[n] : (unsigned __int128)POW10[19] * POW10[n - 19];
}

/* v / 10^digits, halves up. A dropped tail adds less than `factor` to v: when that could lift it over the
 * half, 18 digits do not tell. */
static enum status divide_rounded(unsigned __int128 *v, int digits, unsigned dropped)
{
	unsigned __int128 divisor = pow10_wide(digits), half = divisor / 2, rest = *v % divisor;
	*v = *v / divisor + (rest >= half);
	return dropped > 1 && rest < half && half - rest < dropped ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

static enum status decimal_fixed(const struct decimal *d, struct number_unit unit, int64_t *out)
{
	unsigned __int128 v = (unsigned __int128)d->mantissa * unit.factor;
	int shift = unit.exp10 - d->scale;
	*out = 0;
	if (v == 0 || shift < -24)
		return STATUS_OK;
	if (shift >= 0 && (d->cut || shift > 19 || v > INT64_MAX))
		return STATUS_OUT_OF_RANGE;
	if (shift >= 0)
		v *= POW10[shift];
	else if (divide_rounded(&v, -shift, d->cut ? unit.factor : 0))
		return STATUS_OUT_OF_RANGE;
	if (v > INT64_MAX)
		return STATUS_OUT_OF_RANGE;
	*out = d->negative ? -(int64_t)v : (int64_t)v;
	return STATUS_OK;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static void decimal_digit(struct decimal *d, uint8_t c, bool behind_point)
{
	if (d->mantissa < POW10[17]) {
		d->mantissa = d->mantissa * 10 + (c - '0');
		d->scale += behind_point;
	} else {
		d->cut |= c != '0';
		d->scale -= !behind_point;
	}
}

/* The exponent behind an 'e'; clamped where every value is zero or out of range anyway. */
static bool decimal_exponent(const uint8_t **at, const uint8_t *end, int *out)
{
	bool negative = *at < end && **at == '-';
	*at += *at < end && (**at == '-' || **at == '+');
	if (*at == end || !is_digit(**at))
		return false;
	int e = 0;
	for (; *at < end && is_digit(**at); ++*at)
		e = e < 1000 ? e * 10 + (**at - '0') : e;
	*out = negative ? -e : e;
	return true;
}

static struct span trim(struct span text)
{
	while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = span_of(text.data + 1, text.size - 1);
	while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
		text.size--;
	return text;
}

/* Every form there is, a character at a time. */
static enum status decimal_parse(struct span text, struct decimal *out)
{
	struct decimal d = {0, 0, false, false};
	text = trim(text);
	const uint8_t *at = text.data, *end = text.data + text.size;
	if (at == end)
		return STATUS_EMPTY;
	d.negative = *at == '-';
	at += *at == '-' || *at == '+';
	bool any = false, point = false;
	for (; at < end && (is_digit(*at) || (*at == '.' && !point)); at++) {
		any |= *at != '.';
		if (*at == '.')
			point = true;
		else
			decimal_digit(&d, *at, point);
	}
	if (any && at < end && (*at == 'e' || *at == 'E')) {
		int e = 0;
		at++;
		if (!decimal_exponent(&at, end, &e))
			return STATUS_MALFORMED;
		d.scale -= e;
	}
	if (!any || at != end)
		return STATUS_MALFORMED;
	*out = d;
	return STATUS_OK;
}

enum status number_fixed(struct span text, struct number_unit unit, int64_t *out)
{
	struct decimal d;
	enum status status = decimal_parse(text, &d);
	return status ? status : decimal_fixed(&d, unit, out);
}

struct number_scale number_scale_of(struct number_unit unit)
{
	struct number_scale s = {.unit = unit};
	for (unsigned at = 0; at <= NUMBER_FAST_MAX; at++) {
		int shift = unit.exp10 - (int)number_digits_behind(at);
		if (shift < 0)
			continue;
		s.step[at].multiplier = unit.factor * POW10[shift];
		s.step[at].limit = INT64_MAX / s.step[at].multiplier;
	}
	return s;
}

enum status number_scaled_rest(struct span text, uint64_t digits, unsigned point, struct number_unit unit, int64_t *out)
{
	int shift = unit.exp10 - (int)number_digits_behind(point);
	if (shift >= 0 || shift < -18 || digits >= POW10[15])
		return number_fixed(text, unit, out);
	int64_t v = (int64_t)((digits * unit.factor + POW10[-shift] / 2) / POW10[-shift]);
	*out = text.data[0] == '-' ? -v : v;
	return STATUS_OK;
}

static int hex_value(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum status hex_word(struct span digits, uint32_t *out)
{
	uint32_t v = 0;
	if (digits.size == 0)
		return STATUS_MALFORMED;
	for (size_t i = 0; i < digits.size; i++) {
		int digit = hex_value(digits.data[i]);
		if (digit < 0)
			return STATUS_MALFORMED;
		if (v >> 28)
			return STATUS_OUT_OF_RANGE;
		v = v << 4 | (uint32_t)digit;
	}
	*out = v;
	return STATUS_OK;
}

enum status number_word(struct span text, uint32_t *out)
{
	uint64_t v = 0;
	text = trim(text);
	if (text.size == 0)
		return STATUS_EMPTY;
	if (text.size > 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x')
		return hex_word(span_of(text.data + 2, text.size - 2), out);
	for (size_t i = 0; i < text.size; i++) {
		if (!is_digit(text.data[i]))
			return STATUS_MALFORMED;
		v = v * 10 + (text.data[i] - '0');
		if (v > UINT32_MAX)
			return STATUS_OUT_OF_RANGE;
	}
	*out = (uint32_t)v;
	return STATUS_OK;
}
