#include "engine/series/value_numbers.h"

#include "engine/core/limits.h"
#include "engine/series/int_column.h"

#define LOW_BITS 24
#define LOW_MASK ((1u << LOW_BITS) - 1)
#define PARTS 3

_Static_assert(VALUE_BLOCK_MAX <= BLOCK_REPORTS_MAX, "columns are that long");
_Static_assert(VALUE_NUMBERS_BYTES_MAX >= 64 + PARTS * INT_COLUMN_BYTES_MAX, "three of them");

enum form { FORM_PLAIN, FORM_STEP, FORM_STEP2, FORM_XOR, FORM_RISE, FORM_COUNT };

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* k of decimals. */
static void reduce(const int64_t *numbers, size_t count, uint64_t *k, int64_t *least, uint64_t *unit)
{
	int64_t min = numbers[0];
	uint64_t common = 0;
	for (size_t i = 1; i < count; i++)
		if (numbers[i] < min)
			min = numbers[i];
	for (size_t i = 0; i < count; i++)
		k[i] = (uint64_t)numbers[i] - (uint64_t)min;
	for (size_t i = 0; i < count && common != 1; i++)
		common = gcd(k[i], common);
	if (common > 1)
		for (size_t i = 0; i < count; i++)
			k[i] /= common;
	*least = min;
	*unit = common ? common : 1;
}

/* k of doubles. */
static void shift_off(const int64_t *numbers, size_t count, uint64_t *k, uint64_t *zeros)
{
	uint64_t any = 0;
	for (size_t i = 0; i < count; i++)
		any |= (uint64_t)numbers[i];
	*zeros = any ? (uint64_t)__builtin_ctzll(any) : 0;
	for (size_t i = 0; i < count; i++)
		k[i] = (uint64_t)numbers[i] >> *zeros;
}

/* What a form makes of k[1..count), or of all for FORM_PLAIN; returns how many. */
static size_t residuals(enum form form, const uint64_t *k, size_t count, int64_t rise, uint64_t *out)
{
	if (form == FORM_PLAIN) {
		memcpy(out, k, count * sizeof *k);
		return count;
	}
	uint64_t step = 0;
	for (size_t i = 1; i < count; i++) {
		uint64_t now = k[i] - k[i - 1];
		out[i - 1] = form == FORM_XOR    ? k[i] ^ k[i - 1]
			     : form == FORM_RISE ? now - (uint64_t)rise
			     : form == FORM_STEP ? zigzag64((int64_t)now)
						 : zigzag64((int64_t)(now - step));
		step = now;
	}
	return count - 1;
}

static void restore(enum form form, uint64_t first, int64_t rise, const uint64_t *in, size_t count, uint64_t *k)
{
	uint64_t step = 0;
	if (form == FORM_PLAIN) {
		memcpy(k, in, count * sizeof *k);
		return;
	}
	k[0] = first;
	for (size_t i = 1; i < count; i++) {
		uint64_t r = in[i - 1];
		if (form == FORM_XOR) {
			k[i] = k[i - 1] ^ r;
			continue;
		}
		step = form == FORM_RISE   ? r + (uint64_t)rise
		       : form == FORM_STEP ? (uint64_t)unzigzag64(r)
					   : step + (uint64_t)unzigzag64(r);
		k[i] = k[i - 1] + step;
	}
}

/* --- the three parts --- */

static unsigned part_mask(const uint64_t *v, size_t count)
{
	uint64_t any = 0;
	for (size_t i = 0; i < count; i++)
		any |= v[i];
	return ((any & LOW_MASK) != 0) | (any >> LOW_BITS & LOW_MASK ? 2u : 0) | (any >> 2 * LOW_BITS ? 4u : 0);
}

static void part_take(const uint64_t *v, size_t count, unsigned part, uint32_t *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (uint32_t)(v[i] >> part * LOW_BITS) & LOW_MASK;
}

static size_t parts_cost(const uint64_t *v, size_t count)
{
	uint32_t part[VALUE_BLOCK_MAX];
	unsigned mask = count ? part_mask(v, count) : 0;
	size_t bits = 0;
	for (unsigned p = 0; p < PARTS; p++) {
		if (!(mask & 1u << p))
			continue;
		part_take(v, count, p, part);
		bits += int_column_cost(part, count);
	}
	return bits;
}

static enum status parts_encode(const uint64_t *v, size_t count, struct buf *out)
{
	uint32_t part[VALUE_BLOCK_MAX];
	uint8_t column[INT_COLUMN_BYTES_MAX];
	unsigned mask = count ? part_mask(v, count) : 0;
	enum status status = buf_append_u8(out, (uint8_t)mask);
	for (unsigned p = 0; p < PARTS && !status; p++) {
		if (!(mask & 1u << p))
			continue;
		part_take(v, count, p, part);
		size_t size = int_column_encode(part, count, column);
		if (mask >> (p + 1))
			status = buf_append_varint(out, size);
		if (!status)
			status = buf_append(out, column, size);
	}
	return status;
}

static enum status parts_decode(struct cursor *c, size_t count, uint64_t *out)
{
	uint32_t part[INT_COLUMN_ROOM];
	unsigned mask = cursor_u8(c);
	if (c->failed || mask >> PARTS || (!count && mask))
		return STATUS_CORRUPT;
	memset(out, 0, count * sizeof *out);
	for (unsigned p = 0; p < PARTS; p++) {
		if (!(mask & 1u << p))
			continue;
		uint64_t size = mask >> (p + 1) ? cursor_varint(c) : cursor_left(c);
		struct span column = size <= cursor_left(c) ? cursor_take(c, (size_t)size) : (struct span){NULL, 0};
		if (c->failed || !column.size || int_column_decode(series_kernels_best(), column, count, part))
			return STATUS_CORRUPT;
		for (size_t i = 0; i < count; i++)
			out[i] |= (uint64_t)part[i] << p * LOW_BITS;
	}
	return cursor_left(c) ? STATUS_CORRUPT : STATUS_OK;
}

/* --- both ways --- */

/* Of all steps; 0 when there is none. */
static int64_t least_step(const uint64_t *k, size_t count)
{
	int64_t least = count > 1 ? INT64_MAX : 0;
	for (size_t i = 1; i < count; i++) {
		int64_t step = (int64_t)(k[i] - k[i - 1]);
		least = step < least ? step : least;
	}
	return least;
}

static enum form cheapest(const uint64_t *k, size_t count, bool doubles, int64_t rise)
{
	static const enum form tried[2][4] = {{FORM_PLAIN, FORM_STEP, FORM_STEP2, FORM_RISE},
					      {FORM_PLAIN, FORM_STEP, FORM_XOR}};
	uint64_t work[VALUE_BLOCK_MAX];
	enum form best = FORM_PLAIN;
	size_t least = SIZE_MAX;
	for (unsigned i = 0; i < (doubles ? 3 : 4); i++) {
		size_t n = residuals(tried[doubles][i], k, count, rise, work);
		size_t cost = parts_cost(work, n);
		if (cost < least) {
			least = cost;
			best = tried[doubles][i];
		}
	}
	return best;
}

enum status value_numbers_encode(const int64_t *numbers, size_t count, bool doubles, struct buf *out)
{
	uint64_t k[VALUE_BLOCK_MAX], work[VALUE_BLOCK_MAX], unit;
	int64_t least = 0;
	if (doubles)
		shift_off(numbers, count, k, &unit);
	else
		reduce(numbers, count, k, &least, &unit);
	int64_t rise = least_step(k, count);
	enum form form = cheapest(k, count, doubles, rise);
	size_t n = residuals(form, k, count, rise, work);
	enum status status = buf_append_u8(out, (uint8_t)form);
	if (!status && !doubles)
		status = buf_append_varint(out, zigzag64(least));
	if (!status)
		status = buf_append_varint(out, unit);
	if (!status && form != FORM_PLAIN)
		status = buf_append_varint(out, k[0]);
	if (!status && form == FORM_RISE)
		status = buf_append_varint(out, zigzag64(rise));
	return status ? status : parts_encode(work, n, out);
}

enum status value_numbers_decode(struct span bytes, size_t count, bool doubles, int64_t *out)
{
	uint64_t k[VALUE_BLOCK_MAX], work[VALUE_BLOCK_MAX];
	struct cursor c = cursor_of(bytes);
	unsigned form = cursor_u8(&c);
	int64_t least = doubles ? 0 : unzigzag64(cursor_varint(&c));
	uint64_t unit = cursor_varint(&c);
	uint64_t first = form != FORM_PLAIN ? cursor_varint(&c) : 0;
	int64_t rise = form == FORM_RISE ? unzigzag64(cursor_varint(&c)) : 0;
	if (c.failed || form >= FORM_COUNT || (doubles ? unit > 63 : unit == 0))
		return STATUS_CORRUPT;
	enum status status = parts_decode(&c, form == FORM_PLAIN ? count : count - 1, work);
	if (status)
		return status;
	restore((enum form)form, first, rise, work, count, k);
	for (size_t i = 0; i < count; i++)
		out[i] = (int64_t)(doubles ? k[i] << unit : (uint64_t)least + k[i] * unit);
	return STATUS_OK;
}
