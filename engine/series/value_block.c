/* value_block.c -- encoding; decoding is in value_block_decode.c. */
#include "engine/series/value_block.h"

#include "engine/core/hash.h"
#include "engine/series/run_column.h"
#include "engine/series/value_block_layout.h"
#include "engine/series/value_column.h"
#include "engine/series/value_numbers.h"

/* a scaled mantissa past it is an exception: differences stay within 64 bits */
#define SCALED_MAX ((__int128)1 << 62)

_Static_assert(VALUE_SPAN_MAX_MS < INT64_C(1) << 30, "second differences fit 32 bits");

struct encoder {
	const struct value *values;
	size_t count;
	const struct value_texts *texts;
	uint8_t type, scale;
	int64_t numbers[VALUE_BLOCK_MAX]; /* scaled mantissas, bits, or hashes; exceptions repeat the one before */
	bool exception[VALUE_BLOCK_MAX];
	size_t exceptions;
};

/* --- what the block is mainly made of --- */

static const int64_t tens[VALUE_SCALE_MAX + 1] = {INT64_C(1),
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
						  INT64_C(1000000000000000)};

static uint8_t main_type(const struct value *values, size_t count)
{
	size_t of[VALUE_TYPE_COUNT] = {0};
	uint8_t best = 0;
	for (size_t i = 0; i < count; i++)
		of[values[i].type]++;
	for (unsigned t = 1; t < VALUE_TYPE_COUNT; t++)
		if (of[t] > of[best])
			best = (uint8_t)t;
	return best;
}

static bool scaled(const struct value *v, unsigned scale, int64_t *out)
{
	__int128 x = v->bits;
	if (v->scale > scale)
		return false;
	x *= tens[scale - v->scale];
	*out = (int64_t)x;
	return x < SCALED_MAX && x > -SCALED_MAX;
}

static bool all_valid(const struct value *values, size_t count)
{
	if (!count || count > VALUE_BLOCK_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		if (values[i].type >= VALUE_TYPE_COUNT || values[i].scale > VALUE_SCALE_MAX ||
		    values[i].quality >= VALUE_QUALITY_COUNT || values[i].delay_min > VALUE_DELAY_MAX ||
		    (i && value_order(&values[i - 1], &values[i]) >= 0))
			return false;
	return (uint64_t)values[count - 1].time_ms - (uint64_t)values[0].time_ms <= (uint64_t)VALUE_SPAN_MAX_MS;
}

static void classify(struct encoder *e)
{
	e->type = main_type(e->values, e->count);
	for (size_t i = 0; i < e->count && e->type == VALUE_DECIMAL; i++)
		if (e->values[i].type == VALUE_DECIMAL && e->values[i].scale > e->scale)
			e->scale = e->values[i].scale;
	size_t first = e->count;
	for (size_t i = 0; i < e->count; i++) {
		const struct value *v = &e->values[i];
		e->numbers[i] = v->bits;
		e->exception[i] =
			v->type != e->type || (e->type == VALUE_DECIMAL && !scaled(v, e->scale, &e->numbers[i]));
		e->exceptions += e->exception[i];
		if (!e->exception[i] && first == e->count)
			first = i;
		if (e->exception[i])
			e->numbers[i] = i ? e->numbers[i - 1] : 0;
	}
	for (size_t i = 0; i < first && first < e->count; i++)
		e->numbers[i] = e->numbers[first];
}

/* --- columns --- */

static uint32_t usual_step(const uint32_t *steps, size_t n)
{
	uint32_t a = steps[n / 4], b = steps[n / 2], c = steps[n - 1 - n / 4];
	uint32_t low = a < b ? a : b, high = a < b ? b : a;
	return c < low ? low : c > high ? high : c;
}

/* Steps of time in their unit; returns the unit. */
static uint32_t take_steps(const struct encoder *e, uint32_t *steps)
{
	uint32_t unit = 0;
	for (size_t i = 1; i < e->count; i++) {
		steps[i - 1] = (uint32_t)(e->values[i].time_ms - e->values[i - 1].time_ms);
		for (uint32_t a = steps[i - 1], rest; a && unit != 1; a = rest) {
			rest = unit % a;
			unit = a;
		}
	}
	for (size_t i = 0; unit > 1 && i + 1 < e->count; i++)
		steps[i] /= unit;
	return unit ? unit : 1;
}

static enum status put_times(const struct encoder *e, struct buf *out)
{
	uint32_t steps[VALUE_BLOCK_MAX];
	uint64_t plain[VALUE_BLOCK_MAX], change[VALUE_BLOCK_MAX];
	size_t n = e->count - 1, before = out->size, sampled = n < BLOCK_REPORTS_MAX ? n : BLOCK_REPORTS_MAX;
	if (!n)
		return STATUS_OK;
	uint32_t unit = take_steps(e, steps), step = usual_step(steps, n), any = 0;
	for (size_t i = 0; i < n; i++) {
		plain[i] = zigzag32((int32_t)(steps[i] - step));
		change[i] = zigzag32((int32_t)(steps[i] - (i ? steps[i - 1] : step)));
		any |= plain[i];
	}
	bool form = any && value_column_cost(change, sampled) < value_column_cost(plain, sampled);
	enum status status = buf_append_varint(out, unit);
	if (!status)
		status = buf_append_varint(out, step);
	if (!status)
		status = buf_append_u8(out, form);
	if (!status)
		status = value_column_encode(form ? change : plain, n, out);
	if (status)
		out->size = before;
	return status;
}

static enum status put_delays(const struct encoder *e, struct buf *out)
{
	uint32_t delays[VALUE_BLOCK_MAX], minutes[VALUE_BLOCK_MAX], any = 0;
	size_t runs = 0, minute_runs = 0;
	for (size_t i = 0; i < e->count; i++)
		any |= delays[i] = e->values[i].delay_min;
	if (!any)
		return STATUS_OK;
	for (size_t i = 0; i < e->count; i++) {
		minutes[i] = delays[i] + value_block_minute(e->values[0].time_ms, e->values[i].time_ms);
		runs += i && delays[i] != delays[i - 1];
		minute_runs += i && minutes[i] != minutes[i - 1];
	}
	bool by_minute = minute_runs < runs;
	enum status status = buf_append_u8(out, by_minute);
	return status ? status : run_column_encode(by_minute ? minutes : delays, e->count, out);
}

static enum status put_qualities(const struct encoder *e, struct buf *out)
{
	uint32_t qualities[VALUE_BLOCK_MAX];
	for (size_t i = 0; i < e->count; i++)
		qualities[i] = e->values[i].quality;
	return run_column_encode(qualities, e->count, out);
}

static enum status put_text(const struct encoder *e, int64_t hash, struct buf *out)
{
	struct span text;
	if (!e->texts)
		return STATUS_NOT_FOUND;
	enum status status = value_texts_find(e->texts, (uint64_t)hash, &text);
	if (!status)
		status = buf_append_u8(out, (uint8_t)text.size);
	return !status && text.size ? buf_append(out, text.data, text.size) : status;
}

static enum status put_texts(const struct encoder *e, struct buf *out)
{
	int64_t known[VALUE_BLOCK_MAX];
	uint64_t places[VALUE_BLOCK_MAX];
	size_t count = 0;
	for (size_t i = 0; i < e->count; i++) {
		size_t at = 0;
		while (at < count && known[at] != e->numbers[i])
			at++;
		if (at == count)
			known[count++] = e->numbers[i];
		places[i] = at;
	}
	enum status status = buf_append_varint(out, count);
	for (size_t i = 0; i < count && !status; i++)
		status = put_text(e, known[i], out);
	return status ? status : value_column_encode(places, e->count, out);
}

static enum status put_values(const struct encoder *e, struct buf *out)
{
	if (e->type == VALUE_TEXT)
		return put_texts(e, out);
	return value_numbers_encode(e->numbers, e->count, e->type == VALUE_DOUBLE, out);
}

static enum status put_exception(const struct encoder *e, const struct value *v, struct buf *out)
{
	enum status status = buf_append_u8(out, (uint8_t)(v->type | v->scale << 4));
	uint8_t real[8];
	if (status)
		return status;
	switch (v->type) {
	case VALUE_DECIMAL:
		return buf_append_varint(out, zigzag64(v->bits));
	case VALUE_DOUBLE:
		store_le64(real, (uint64_t)v->bits);
		return buf_append(out, real, sizeof real);
	default:
		return put_text(e, v->bits, out);
	}
}

static enum status put_exceptions(const struct encoder *e, struct buf *out)
{
	size_t next = 0;
	if (!e->exceptions)
		return STATUS_OK;
	enum status status = buf_append_varint(out, e->exceptions);
	for (size_t i = 0; i < e->count && !status; i++) {
		if (!e->exception[i])
			continue;
		status = buf_append_varint(out, i - next);
		next = i + 1;
		if (!status)
			status = put_exception(e, &e->values[i], out);
	}
	return status;
}

/* --- the header --- */

static bool stands(const struct encoder *e, size_t i)
{
	return i + 1 == e->count || e->values[i + 1].time_ms != e->values[i].time_ms;
}

static bool below(uint8_t type, int64_t a, int64_t b)
{
	return type == VALUE_DOUBLE ? value_real(a) < value_real(b) : a < b;
}

static void add_up(struct value_block_header *h, int64_t x)
{
	if (h->good++ == 0)
		h->min = h->max = h->first = x;
	if (below(h->type, x, h->min))
		h->min = x;
	if (below(h->type, h->max, x))
		h->max = x;
	h->last = x;
	if (h->type == VALUE_DECIMAL)
		h->sum += x;
}

static int exponent_of(int64_t bits)
{
	int exponent = (int)((uint64_t)bits >> 52 & 0x7ff);
	return exponent ? exponent - 1075 : -1074;
}

static __int128 mantissa_of(int64_t bits)
{
	uint64_t m = (uint64_t)bits & ((UINT64_C(1) << 52) - 1);
	m |= (uint64_t)bits >> 52 & 0x7ff ? UINT64_C(1) << 52 : 0;
	return bits < 0 ? -(__int128)m : (__int128)m;
}

/* bits that so many values can add to a sum */
#define COUNT_BITS 12
_Static_assert(VALUE_BLOCK_MAX <= 1 << COUNT_BITS, "a block's sum fits 128 bits");

/* Exact when the exponents lie close enough: 53 bits, those of the count, a sign. */
static void sum_doubles(const struct encoder *e, struct value_block_header *h)
{
	int low = INT16_MAX, high = INT16_MIN;
	for (size_t i = 0; i < e->count; i++) {
		int exponent = exponent_of(e->numbers[i]);
		low = exponent < low ? exponent : low;
		high = exponent > high ? exponent : high;
	}
	h->has_sum = high - low <= 127 - 1 - COUNT_BITS - 53;
	if (!h->has_sum)
		return;
	h->sum_exponent = (int16_t)low;
	for (size_t i = 0; i < e->count; i++)
		if (stands(e, i) && e->values[i].quality == VALUE_QUALITY_GOOD)
			h->sum += mantissa_of(e->numbers[i]) * ((__int128)1 << (exponent_of(e->numbers[i]) - low));
}

static void make_header(const struct encoder *e, struct value_block_header *h)
{
	*h = (struct value_block_header){.count = (uint32_t)e->count,
					 .time_first_ms = e->values[0].time_ms,
					 .time_last_ms = e->values[e->count - 1].time_ms,
					 .type = e->type,
					 .scale = e->scale,
					 .has_aggregate = e->type != VALUE_TEXT};
	for (size_t i = 0; i < e->count; i++) {
		bool good = e->values[i].quality == VALUE_QUALITY_GOOD;
		h->not_good |= !good;
		if (!stands(e, i)) {
			h->corrections = true;
			continue;
		}
		if (good && e->exception[i])
			h->has_aggregate = false;
		else if (good)
			add_up(h, e->numbers[i]);
	}
	h->has_sum = h->has_aggregate;
	if (h->has_aggregate && h->type == VALUE_DOUBLE)
		sum_doubles(e, h);
}

static enum status put_header(const struct value_block_header *h, struct buf *out)
{
	uint8_t flags = (uint8_t)(h->type | (h->corrections ? VALUE_FLAG_CORRECTIONS : 0) |
				  (h->not_good ? VALUE_FLAG_NOT_GOOD : 0) |
				  (h->has_aggregate ? VALUE_FLAG_AGGREGATE : 0) | (h->has_sum ? VALUE_FLAG_SUM : 0));
	const uint8_t head[2] = {VALUE_BLOCK_VERSION, flags};
	enum status status = buf_append(out, head, 2);
	if (!status)
		status = buf_append_varint(out, h->count);
	if (!status)
		status = buf_append_varint(out, zigzag64(h->time_first_ms));
	if (!status)
		status = buf_append_varint(out, (uint64_t)(h->time_last_ms - h->time_first_ms));
	if (!status && h->type == VALUE_DECIMAL)
		status = buf_append_u8(out, h->scale);
	return !status && h->has_aggregate ? value_block_put_aggregate(h, out) : status;
}

enum status value_block_encode(const struct value *values, size_t count, const struct value_texts *texts,
			       struct buf *out)
{
	static enum status (*const sections[VALUE_SECTIONS])(const struct encoder *, struct buf *) = {
		put_times, put_delays, put_qualities, put_values, put_exceptions};
	struct encoder e = {.values = values, .count = count, .texts = texts};
	struct value_block_header h;
	struct buf body = buf_init(VALUE_BLOCK_BYTES_MAX);
	size_t before = out->size, sizes[VALUE_SECTIONS];
	uint8_t checksum[4];
	if (!all_valid(values, count))
		return STATUS_INVALID;
	classify(&e);
	make_header(&e, &h);
	enum status status = put_header(&h, out);
	for (size_t i = 0; i < VALUE_SECTIONS && !status; i++) {
		size_t at = body.size;
		status = sections[i](&e, &body);
		sizes[i] = body.size - at;
	}
	for (size_t i = 0; i + 1 < VALUE_SECTIONS && !status; i++)
		status = buf_append_varint(out, sizes[i]);
	if (!status)
		status = buf_append(out, body.data, body.size);
	if (!status) {
		store_le32(checksum, (uint32_t)hash64(span_of(out->data + before, out->size - before)));
		status = buf_append(out, checksum, sizeof checksum);
	}
	buf_deinit(&body);
	if (status)
		out->size = before;
	return status;
}
