#include "engine/series/value_sum.h"

#include <math.h>
#include <stdio.h>

/* weight of the lowest limb, 2^-1088: below the least double, 2^-1074 */
#define LIMB_BITS 32
#define LOW_EXPONENT (-1088)
/* additions of less than 2^33 each before carries are passed on: 63 bits hold them */
#define ADDS_MAX (1u << 29)
#define DECIMAL_TEXT_MAX 40

void value_sum_init(struct value_sum *s)
{
	memset(s, 0, sizeof *s);
}

static void pass_carries(struct value_sum *s)
{
	int64_t carry = 0;
	for (unsigned i = 0; i + 1 < VALUE_SUM_LIMBS; i++) {
		int64_t limb = s->limbs[i] + carry;
		s->limbs[i] = limb & INT64_C(0xffffffff);
		carry = (limb - s->limbs[i]) / (INT64_C(1) << LIMB_BITS);
	}
	s->limbs[VALUE_SUM_LIMBS - 1] += carry;
	s->adds = 0;
}

void value_sum_add_doubles(struct value_sum *s, __int128 sum, int exponent)
{
	unsigned shift = (unsigned)(exponent - LOW_EXPONENT) % LIMB_BITS;
	unsigned at = (unsigned)(exponent - LOW_EXPONENT) / LIMB_BITS;
	unsigned __int128 size = sum < 0 ? 0 - (unsigned __int128)sum : (unsigned __int128)sum;
	uint64_t carry = 0;
	s->any_double = true;
	for (unsigned k = 0; k < 5; k++, size >>= LIMB_BITS) {
		uint64_t wide = ((uint64_t)(uint32_t)size << shift) | carry;
		s->limbs[at + k] += sum < 0 ? -(int64_t)(uint32_t)wide : (int64_t)(uint32_t)wide;
		carry = wide >> LIMB_BITS;
	}
	if (++s->adds == ADDS_MAX)
		pass_carries(s);
}

void value_sum_add_decimals(struct value_sum *s, __int128 sum, unsigned scale)
{
	s->decimals[scale] += sum;
}

void value_sum_add(struct value_sum *s, const struct value *v)
{
	if (v->type == VALUE_DECIMAL) {
		s->decimals[v->scale] += v->bits;
		return;
	}
	uint64_t bits = (uint64_t)v->bits, mantissa = bits & ((UINT64_C(1) << 52) - 1);
	int exponent = (int)(bits >> 52 & 0x7ff);
	mantissa |= exponent ? UINT64_C(1) << 52 : 0;
	exponent = exponent ? exponent - 1075 : -1074;
	value_sum_add_doubles(s, bits >> 63 ? -(__int128)mantissa : (__int128)mantissa, exponent);
}

/* --- telling --- */

/* The top 64 bits of limbs that are no longer signed; what is below them is in the last bit. */
static double limbs_double(const int64_t *limbs)
{
	int top = VALUE_SUM_LIMBS - 1;
	while (top >= 0 && !limbs[top])
		top--;
	if (top < 0)
		return 0;
	unsigned __int128 bits = 0;
	int low = top < 3 ? 0 : top - 3;
	for (int i = top; i >= low; i--)
		bits = bits << LIMB_BITS | (uint64_t)limbs[i];
	bool below = false;
	for (int i = 0; i < low; i++)
		below |= limbs[i] != 0;
	int exponent = low * LIMB_BITS + LOW_EXPONENT;
	while (bits >> 64) {
		below |= bits & 1;
		bits >>= 1;
		exponent++;
	}
	return ldexp((double)((uint64_t)bits | below), exponent);
}

static double reals_double(const struct value_sum *s)
{
	struct value_sum copy = *s;
	pass_carries(&copy);
	bool negative = copy.limbs[VALUE_SUM_LIMBS - 1] < 0;
	for (unsigned i = 0; i < VALUE_SUM_LIMBS && negative; i++)
		copy.limbs[i] = -copy.limbs[i];
	if (negative)
		pass_carries(&copy);
	double d = limbs_double(copy.limbs);
	return negative ? -d : d;
}

/* Everything at the finest scale used. False: more than 127 bits. */
static bool decimals_whole(const struct value_sum *s, __int128 *out, unsigned *scale)
{
	__int128 total = 0;
	unsigned finest = VALUE_SCALE_MAX;
	while (finest && !s->decimals[finest])
		finest--;
	for (unsigned i = 0; i <= finest; i++) /* from the coarsest on, ten times as much a scale */
		if (__builtin_mul_overflow(total, (__int128)(i ? 10 : 1), &total) ||
		    __builtin_add_overflow(total, s->decimals[i], &total))
			return false;
	*out = total;
	*scale = finest;
	return true;
}

static double decimals_double(const struct value_sum *s)
{
	__int128 total;
	unsigned scale;
	if (decimals_whole(s, &total, &scale))
		return (double)((long double)total / powl(10.0L, (long double)scale));
	long double sum = 0;
	for (unsigned i = 0; i <= VALUE_SCALE_MAX; i++)
		sum += (long double)s->decimals[i] / powl(10.0L, (long double)i);
	return (double)sum;
}

double value_sum_double(const struct value_sum *s)
{
	return s->any_double ? reals_double(s) + decimals_double(s) : decimals_double(s);
}

size_t value_sum_print(const struct value_sum *s, char out[64])
{
	__int128 total;
	unsigned scale;
	char digits[DECIMAL_TEXT_MAX];
	size_t n = 0, size = 0;
	if (s->any_double || !decimals_whole(s, &total, &scale))
		return (size_t)snprintf(out, 64, "%.17g", value_sum_double(s));
	while (scale && total % 10 == 0) {
		total /= 10;
		scale--;
	}
	unsigned __int128 m = total < 0 ? 0 - (unsigned __int128)total : (unsigned __int128)total;
	do {
		digits[n++] = (char)('0' + (unsigned)(m % 10));
		m /= 10;
	} while (m || n <= scale);
	if (total < 0)
		out[size++] = '-';
	while (n) {
		out[size++] = digits[--n];
		if (n == scale && scale)
			out[size++] = '.';
	}
	out[size] = '\0';
	return size;
}
