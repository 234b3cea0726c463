#include "engine/detect/stream_number.h"

#include <math.h>

#define DOUBLE_MAX 1e18
#define MANTISSA_BITS 53

static __int128 ten_to(unsigned n)
{
	__int128 power = 1;
	while (n--)
		power *= 10;
	return power;
}

/* m * 2^-shift, ties to even; shift 1..126. */
static __int128 halved(__int128 m, int shift)
{
	__int128 one = (__int128)1 << shift, whole = m >> shift, rest = m - whole * one;
	if (rest * 2 > one || (rest * 2 == one && (whole & 1)))
		whole++;
	return whole;
}

/* |d| below 10^18: m * 10^15 has at most 53 + 50 bits, and what is doubled above at most 60 + 50. */
static __int128 of_double(double d)
{
	int exponent;
	int64_t m = (int64_t)ldexp(frexp(fabs(d), &exponent), MANTISSA_BITS);
	__int128 scaled = (__int128)m * STREAM_NUMBER_ONE;
	int shift = MANTISSA_BITS - exponent;
	if (shift <= 0)
		scaled <<= -shift;
	else
		scaled = shift > 110 ? 0 : halved(scaled, shift);
	return d < 0 ? -scaled : scaled;
}

bool stream_number_of(const struct value *v, __int128 *out)
{
	if (v->type == VALUE_DECIMAL) {
		*out = v->bits * ten_to(VALUE_SCALE_MAX - v->scale);
		return true;
	}
	double d = v->type == VALUE_DOUBLE ? value_real(v->bits) : NAN;
	if (!(fabs(d) < DOUBLE_MAX))
		return false;
	*out = of_double(d);
	return true;
}

int64_t stream_number_millionths(__int128 number)
{
	__int128 half = STREAM_NUMBER_MILLIONTH / 2;
	__int128 whole = (number < 0 ? number - half : number + half) / STREAM_NUMBER_MILLIONTH;
	if (whole > INT64_MAX)
		return INT64_MAX;
	return whole <= INT64_MIN ? INT64_MIN + 1 : (int64_t)whole;
}
