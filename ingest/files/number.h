/* number.h -- decimal text to fixed-point integers, exactly.
 *
 *   [blanks] [+-] digits [. digits] [e [+-] digits] [blanks]       "118.652345"  "-.5"  "12."  "1.5e-3"
 *
 * What comes out is value * factor * 10^exp10, rounded to the nearest integer, halves away from zero: no
 * binary fraction is ever made, so the same text gives the same integer everywhere. number_fast.h has the way
 * for short texts in large numbers. Pure; any thread. */
#ifndef ZAYTON_INGEST_NUMBER_H
#define ZAYTON_INGEST_NUMBER_H

#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

struct number_unit {
	uint16_t factor; /* 1..9999 */
	int8_t exp10;    /* -9..9 */
};

/* from the text's unit to ours */
#define NUMBER_DEGREES ((struct number_unit){1, 7})   /* degrees -> 1e-7 degrees */
#define NUMBER_E6 ((struct number_unit){1, 1})        /* 1e-6 degrees -> 1e-7 degrees */
#define NUMBER_AS_IS ((struct number_unit){1, 0})     /* whole units */
#define NUMBER_TENTHS ((struct number_unit){1, 1})    /* km/h -> 0.1 km/h, km -> 0.1 km */
#define NUMBER_MPS ((struct number_unit){36, 0})      /* m/s -> 0.1 km/h */
#define NUMBER_KNOTS ((struct number_unit){1852, -2}) /* knots of 1852 m an hour -> 0.1 km/h */
#define NUMBER_METRES ((struct number_unit){1, -2})   /* m -> 0.1 km */
#define NUMBER_SECONDS ((struct number_unit){1, 3})   /* s -> ms */

/* STATUS_EMPTY      no text, or blanks alone
 * STATUS_MALFORMED  no such number
 * STATUS_OUT_OF_RANGE  does not fit, or is finer than 18 significant digits can tell */
STATUS_CHECKED enum status number_fixed(struct span text, struct number_unit unit, int64_t *out);

/* An unsigned 32-bit word, decimal or "0x" and hex digits (alarm and status words). As above. */
STATUS_CHECKED enum status number_word(struct span text, uint32_t *out);

#endif
