/* value_sum.h -- sums of values without any rounding: the same whatever the order and the grouping.
 *
 *   decimals   one 128-bit sum a scale
 *   doubles    words * 2^(32 * i - 1088): every double and 2^64 of them fit; limbs of 32 bits in 64, carries put
 *              off (a superaccumulator, after Neal 2015)
 *
 * Pure; one owner. */
#ifndef ZAYTON_SERIES_VALUE_SUM_H
#define ZAYTON_SERIES_VALUE_SUM_H

#include "engine/series/value.h"

#define VALUE_SUM_LIMBS 72

struct value_sum {
	__int128 decimals[VALUE_SCALE_MAX + 1];
	int64_t limbs[VALUE_SUM_LIMBS];
	uint32_t adds; /* since carries were last passed on */
	bool any_double;
};

void value_sum_init(struct value_sum *s);
/* A number. */
void value_sum_add(struct value_sum *s, const struct value *v);
/* What a block's header says: `sum` * 10^-scale, or `sum` * 2^exponent. */
void value_sum_add_decimals(struct value_sum *s, __int128 sum, unsigned scale);
void value_sum_add_doubles(struct value_sum *s, __int128 sum, int exponent);
/* The whole sum as the nearest double (ties to even over decimals and doubles apart, then added). */
double value_sum_double(const struct value_sum *s);
/* Exact as text when there were decimals alone and it has at most 38 digits; otherwise that double.
 * NUL-terminated; 64 bytes of room. */
size_t value_sum_print(const struct value_sum *s, char out[64]);

#endif
