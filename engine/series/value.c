#include "engine/series/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/hash.h"

#define MS_PER_MIN 60000
#define MS_PER_HR 3600000
#define DIGITS_FAST 18
#define DECIMAL_END INT64_C(1000000000000000) /* 10^VALUE_DIGITS_MAX */

static const int64_t powers[19] = {
	INT64_C(1),
	INT64_C(10),
	INT64_C(100),
	INT64_C(1000),
	INT64_C(10000),
	INT64_C(100000),
	INT64_C(1000000),
	INT64_C(10000000),
	INT64_C(100000000),
	INT64_C(1000000000),
	INT64_C(10000000000),
	INT64_C(100000000000),
	INT64_C(1000000000000),
	INT64_C(10000000000000),
	INT64_C(100000000000000),
	INT64_C(1000000000000000),
	INT64_C(10000000000000000),
	INT64_C(100000000000000000),
	INT64_C(1000000000000000000),
};

/* --- quality --- */

static const struct {
	const char *token, *chinese;
} qualities[VALUE_QUALITY_COUNT] = {
#define X(code, NAME, token, chinese) [code] = {token, chinese},
	VALUE_QUALITY_TABLE(X)
#undef X
};

const char *value_quality_token(unsigned quality)
{
	return quality < VALUE_QUALITY_COUNT ? qualities[quality].token : "unknown";
}

enum status value_quality_parse(struct span text, uint8_t *out)
{
	for (unsigned i = 0; i < VALUE_QUALITY_COUNT; i++)
		if (span_equal(text, span_of_string(qualities[i].token)) ||
		    span_equal(text, span_of_string(qualities[i].chinese)) ||
		    (text.size == 1 && text.data[0] == '0' + i)) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

/* --- delay --- */

static int64_t minute_of(int64_t ms)
{
	int64_t minute = ms / MS_PER_MIN;
	return minute - (ms % MS_PER_MIN < 0);
}

uint32_t value_delay(int64_t time_ms, int64_t received_ms)
{
	if (received_ms <= time_ms)
		return 0;
	uint64_t lag = (uint64_t)received_ms - (uint64_t)time_ms;
	if (lag < MS_PER_HR)
		return (uint32_t)(lag / MS_PER_MIN);
	int64_t minutes = minute_of(received_ms) - minute_of(time_ms);
	return minutes < VALUE_DELAY_MAX ? (uint32_t)minutes : VALUE_DELAY_MAX;
}

uint64_t value_text_hash(struct span text)
{
	return hash64(text);
}

/* --- making --- */

void value_set_decimal(struct value *v, int64_t mantissa, unsigned scale)
{
	while (scale && mantissa % 10 == 0) {
		mantissa /= 10;
		scale--;
	}
	v->type = VALUE_DECIMAL;
	v->bits = mantissa;
	v->scale = (uint8_t)scale;
}

static void set_real(struct value *v, double d)
{
	v->type = VALUE_DOUBLE;
	v->scale = 0;
	v->bits = value_real_bits(d);
}

/* What a decimal text says: sign, up to DIGITS_FAST digits, places behind the point. */
struct digits {
	bool negative;
	uint64_t mantissa;
	unsigned count; /* significant ones, leading zeros not counted; above DIGITS_FAST the mantissa is not whole */
	int scale;
};

static bool take_exponent(const uint8_t *at, const uint8_t *end, int *out)
{
	int sign = 1, n = 0;
	if (at < end && (*at == '-' || *at == '+'))
		sign = *at++ == '-' ? -1 : 1;
	if (at == end || end - at > 4)
		return false;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return false;
		n = n * 10 + (*at - '0');
	}
	*out = sign * n;
	return true;
}

static bool take_digits(struct span text, struct digits *d)
{
	const uint8_t *at = text.data, *end = text.data + text.size;
	bool point = false, any = false;
	int exponent = 0;
	*d = (struct digits){0};
	if (at < end && (*at == '-' || *at == '+'))
		d->negative = *at++ == '-';
	for (; at < end; at++) {
		unsigned digit = *at - '0';
		if (digit <= 9) {
			any = true;
			d->scale += point;
			d->count += d->count || digit;
			if (d->count <= DIGITS_FAST)
				d->mantissa = d->mantissa * 10 + digit;
		} else if (*at == '.' && !point) {
			point = true;
		} else if ((*at | 0x20) == 'e' && any) {
			if (!take_exponent(at + 1, end, &exponent))
				return false;
			break;
		} else {
			return false;
		}
	}
	d->scale -= exponent;
	return any;
}

/* A decimal, when the digits are whole and few. */
static bool set_short(struct value *v, const struct digits *d)
{
	uint64_t m = d->mantissa;
	int scale = d->scale;
	if (m == 0)
		scale = 0;
	while (scale > 0 && m % 10 == 0) {
		m /= 10;
		scale--;
	}
	for (; scale < 0 && m < (uint64_t)DECIMAL_END; scale++)
		m *= 10;
	if (m >= (uint64_t)DECIMAL_END || scale < 0 || scale > VALUE_SCALE_MAX)
		return false;
	v->type = VALUE_DECIMAL;
	v->scale = (uint8_t)scale;
	v->bits = d->negative ? -(int64_t)m : (int64_t)m;
	return true;
}

enum status value_set_double(struct value *v, double d)
{
	char text[VALUE_PRINT_MAX + 1];
	struct digits digits;
	if (!isfinite(d))
		return STATUS_OUT_OF_RANGE;
	int size = snprintf(text, sizeof text, "%.15g", d);
	if (strtod(text, NULL) == d && take_digits(span_of(text, (size_t)size), &digits) && set_short(v, &digits))
		return STATUS_OK;
	set_real(v, d);
	return STATUS_OK;
}

static enum status parse_long(struct span text, struct value *out)
{
	char room[512];
	if (text.size >= sizeof room)
		return STATUS_MALFORMED;
	memcpy(room, text.data, text.size);
	room[text.size] = '\0';
	return value_set_double(out, strtod(room, NULL));
}

enum status value_parse_number(struct span text, struct value *out)
{
	struct digits digits;
	if (!take_digits(text, &digits))
		return STATUS_MALFORMED;
	if (digits.count <= DIGITS_FAST && set_short(out, &digits))
		return STATUS_OK;
	return parse_long(text, out);
}

enum status value_parse_integer(struct span text, struct value *out)
{
	const uint8_t *at = text.data, *end = text.data + text.size;
	uint64_t m = 0;
	bool negative = at < end && *at == '-';
	at += at < end && (*at == '-' || *at == '+');
	if (at == end)
		return STATUS_MALFORMED;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return STATUS_MALFORMED;
		if (__builtin_mul_overflow(m, 10, &m) || __builtin_add_overflow(m, (uint64_t)(*at - '0'), &m))
			return STATUS_OUT_OF_RANGE;
	}
	if (m > (uint64_t)INT64_MAX + negative)
		return STATUS_OUT_OF_RANGE;
	out->type = VALUE_DECIMAL;
	out->scale = 0;
	out->bits = negative ? (int64_t)(0 - m) : (int64_t)m;
	return STATUS_OK;
}

/* --- telling --- */

static size_t print_decimal(int64_t mantissa, unsigned scale, char out[VALUE_PRINT_MAX + 1])
{
	char digits[24];
	uint64_t m = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;
	size_t n = 0, size = 0;
	do {
		digits[n++] = (char)('0' + m % 10);
		m /= 10;
	} while (m || n <= scale);
	if (mantissa < 0)
		out[size++] = '-';
	while (n) {
		out[size++] = digits[--n];
		if (n == scale && scale)
			out[size++] = '.';
	}
	out[size] = '\0';
	return size;
}

size_t value_print(const struct value *v, char out[VALUE_PRINT_MAX + 1])
{
	if (v->type == VALUE_DECIMAL)
		return print_decimal(v->bits, v->scale, out);
	double d = value_real(v->bits);
	int size = 0;
	for (int digits = 16; digits <= 17; digits++) {
		size = snprintf(out, VALUE_PRINT_MAX + 1, "%.*g", digits, d);
		if (strtod(out, NULL) == d)
			break;
	}
	return (size_t)size;
}

double value_to_double(const struct value *v)
{
	if (v->type == VALUE_DOUBLE)
		return value_real(v->bits);
	return (double)((long double)v->bits / (long double)powers[v->scale]);
}

static int order_of(double a, double b)
{
	return (a > b) - (a < b);
}

int value_compare(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_DECIMAL && b->type == VALUE_DECIMAL) {
		__int128 x = a->bits, y = b->bits;
		if (a->scale < b->scale)
			x *= powers[b->scale - a->scale];
		else
			y *= powers[a->scale - b->scale];
		return (x > y) - (x < y);
	}
	return order_of(value_to_double(a), value_to_double(b));
}

#define ORDER(x, y)                                                                                                    \
	if ((x) != (y))                                                                                                \
	return (x) < (y) ? -1 : 1

int value_order(const struct value *a, const struct value *b)
{
	ORDER(a->time_ms, b->time_ms);
	ORDER(a->delay_min, b->delay_min);
	ORDER(b->quality, a->quality);
	ORDER(a->type, b->type);
	ORDER(a->scale, b->scale);
	ORDER(a->bits, b->bits);
	return 0;
}

static int order_void(const void *a, const void *b)
{
	return value_order(a, b);
}

/* Of one instant: those said again later go. */
static size_t merge_instant(struct value *values, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		bool again = false;
		for (size_t j = i + 1; j < count && !again; j++)
			again = value_same(&values[i], &values[j]);
		if (!again)
			values[kept++] = values[i];
	}
	return kept;
}

static size_t merge(struct value *values, size_t count)
{
	size_t kept = 0;
	for (size_t at = 0, end; at < count; at = end) {
		for (end = at + 1; end < count && values[end].time_ms == values[at].time_ms;)
			end++;
		size_t n = end - at == 1 ? 1 : merge_instant(values + at, end - at);
		if (kept != at)
			memmove(values + kept, values + at, n * sizeof *values);
		kept += n;
	}
	return kept;
}

size_t values_normalise(struct value *values, size_t count)
{
	size_t i = 1;
	while (i < count && values[i - 1].time_ms < values[i].time_ms)
		i++;
	if (i >= count)
		return count;
	qsort(values, count, sizeof *values, order_void);
	return merge(values, count);
}
