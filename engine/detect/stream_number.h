/* stream_number.h -- the numbers that streams are judged with: whole multiples of 10^-15 in 128 bits.
 *
 *   decimal   mantissa * 10^(15 - scale): exact, for every decimal that there is (value.h: 64 bits, 15 places)
 *   double    the multiple nearest to it, ties to even, by integers alone; a double is what no decimal of 15 digits
 *             says, so what is rounded off lies behind its 15th digit or its 15th place
 *   limit     of a rule, in millionths (rules.h): exact
 *
 * Sums, differences and comparisons of these are exact and the same on every machine. Findings hold millionths.
 * Pure; any thread. */
#ifndef ZAYTON_DETECT_STREAM_NUMBER_H
#define ZAYTON_DETECT_STREAM_NUMBER_H

#include "engine/series/value.h"

#define STREAM_NUMBER_ONE INT64_C(1000000000000000)
#define STREAM_NUMBER_MILLIONTH INT64_C(1000000000)

/* A number; false for a text, and for a double beyond 10^18 either way, which nothing physical is. */
bool stream_number_of(const struct value *v, __int128 *out);
static inline __int128 stream_number_of_millionths(int64_t millionths)
{
	return (__int128)millionths * STREAM_NUMBER_MILLIONTH;
}
/* The nearest millionth, halves away from 0; beyond 64 bits the last one there is. */
int64_t stream_number_millionths(__int128 number);

#endif
