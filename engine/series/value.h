/* value.h -- one value of a stream: an exact decimal, an IEEE double or a state's text, at an instant.
 *
 *   decimal   bits = mantissa, scale 0..VALUE_SCALE_MAX: 23.50 is {235, 1}; never a trailing zero behind the point
 *   double    bits = the bits of a finite double that is no decimal of at most VALUE_DIGITS_MAX digits
 *   text      bits = value_text_hash() of it; the text itself is in a table (value_texts.h) or in the block
 *
 * Identity is (time, type, scale, bits, quality): sent twice it is one value. Several values of one instant are
 * corrections: all are kept, and the one that stands is the one received last, by whole minutes of delay; received in
 * the same minute of delay, the better quality, then the greater by (type, scale, bits). That is a function of the set
 * of values, not of the order in which they came.
 *
 * The delay is receipt behind event in whole minutes below an hour, and from an hour on the difference of the two
 * instants' minutes: what one transmission brings late then has one and the same minute of receipt, which costs
 * nothing to keep.
 *
 * Pure; any thread. */
#ifndef ZAYTON_SERIES_VALUE_H
#define ZAYTON_SERIES_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* decimal places and significant digits of a decimal: a double tells 15 digits apart (DBL_DIG) */
#define VALUE_SCALE_MAX 15
#define VALUE_DIGITS_MAX 15
/* bytes of a state's text */
#define VALUE_TEXT_MAX 255
/* characters of a value printed, without NUL: sign, 20 digits, point; or %.17g */
#define VALUE_PRINT_MAX 32
/* the delay of a value that was never received late enough to tell, and the greatest kept: 8,000 years */
#define VALUE_DELAY_MAX UINT32_C(0xfffffffe)

enum value_type { VALUE_DECIMAL, VALUE_DOUBLE, VALUE_TEXT, VALUE_TYPE_COUNT };

/* X(code, NAME, "token", "Chinese"): what the source says of a value, as the data flags of HJ 212-2017 tell it
 * apart. Only GOOD takes part in aggregates. What is outside a stream's physical range is not told here: that is
 * judged on reading, by the range that held at the value's time. */
#define VALUE_QUALITY_TABLE(X)                                                                                         \
	X(0, GOOD, "good", "正常")                                                                                     \
	X(1, MANUAL, "manual", "手工录入")                                                                             \
	X(2, MAINTENANCE, "maintenance", "维护")                                                                       \
	X(3, CALIBRATION, "calibration", "校准")                                                                       \
	X(4, STOPPED, "stopped", "停运")                                                                               \
	X(5, OVER_RANGE, "over_range", "超量程")                                                                       \
	X(6, LINK, "link", "通讯异常")                                                                                 \
	X(7, FAULT, "fault", "故障")                                                                                   \
	X(8, TEST, "test", "测试")

enum value_quality {
#define X(code, NAME, token, chinese) VALUE_QUALITY_##NAME = code,
	VALUE_QUALITY_TABLE(X)
#undef X
		VALUE_QUALITY_COUNT
};

struct value {
	int64_t time_ms; /* event time, ms since 1970 UTC */
	int64_t bits;
	uint32_t delay_min;
	uint8_t type; /* enum value_type */
	uint8_t scale;
	uint8_t quality; /* enum value_quality */
	uint8_t reserved;
};
_Static_assert(sizeof(struct value) == 24, "heads hold them by the million");

const char *value_quality_token(unsigned quality);
/* By token, Chinese name or number. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status value_quality_parse(struct span text, uint8_t *out);

static inline double value_real(int64_t bits)
{
	double d;
	memcpy(&d, &bits, sizeof d);
	return d;
}
static inline int64_t value_real_bits(double d)
{
	int64_t bits;
	memcpy(&bits, &d, sizeof bits);
	return bits;
}

uint32_t value_delay(int64_t time_ms, int64_t received_ms);
uint64_t value_text_hash(struct span text);

/* `mantissa` * 10^-scale in its one form: trailing zeros behind the point go. scale <= VALUE_SCALE_MAX. */
void value_set_decimal(struct value *v, int64_t mantissa, unsigned scale);
/* Any finite double; one that is a short decimal becomes that. STATUS_OUT_OF_RANGE: not finite. */
STATUS_CHECKED enum status value_set_double(struct value *v, double d);

/* "23.50", "-1e3", "+.5": a decimal when it has at most VALUE_DIGITS_MAX significant digits and VALUE_SCALE_MAX
 * places, otherwise the nearest double. Exactly this and nothing around it.
 * STATUS_MALFORMED; STATUS_OUT_OF_RANGE: no finite double. */
STATUS_CHECKED enum status value_parse_number(struct span text, struct value *out);
/* A whole number that fits 64 bits, exact. STATUS_MALFORMED, STATUS_OUT_OF_RANGE. */
STATUS_CHECKED enum status value_parse_integer(struct span text, struct value *out);

/* Number as text, NUL-terminated: a decimal as it is, a double so that it reads back the same. Not for texts. */
size_t value_print(const struct value *v, char out[VALUE_PRINT_MAX + 1]);
/* The nearest double of a number. */
double value_to_double(const struct value *v);
/* Numbers by what they are worth: <0, 0, >0. Exact between decimals and between doubles; a decimal against a double by
 * its nearest double. */
int value_compare(const struct value *a, const struct value *b);

/* The order of storing: time, then the one that stands last (see above). 0: the same value, whatever its delay. */
int value_order(const struct value *a, const struct value *b);
static inline bool value_same(const struct value *a, const struct value *b)
{
	return a->time_ms == b->time_ms && a->bits == b->bits && a->type == b->type && a->scale == b->scale &&
	       a->quality == b->quality;
}
/* Sort into that order and merge the same; of those the greatest delay stays. Returns how many are left. */
size_t values_normalise(struct value *values, size_t count);

#endif
