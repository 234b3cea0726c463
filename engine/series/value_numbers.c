#include "engine/series/value_numbers.h"

#include "engine/core/limits.h"
#include "engine/series/value_column.h"

/* steps that are looked at to choose a form, in pieces all over the block */
#define SAMPLE_PIECES 4
#define SAMPLE_PIECE 96

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

/* --- both ways --- */

/* Of all steps; 0 when there is none. */
static int64_t least_step(const uint64_t *k, size_t count)
{
	int64_t least = count > 1 ? INT64_MAX : 0;
	for (size_t i = 1; i < count; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): k has count values */
		int64_t step = (int64_t)(k[i] - k[i - 1]);
		least = step < least ? step : least;
	}
	return least;
}

/* What a form makes of the whole, when it is short, or of pieces of it. */
static size_t sample(enum form form, const uint64_t *k, size_t count, int64_t rise, uint64_t *out)
{
	size_t n = 0;
	if (count <= SAMPLE_PIECES * SAMPLE_PIECE)
		return residuals(form, k, count, rise, out);
	for (size_t p = 0; p < SAMPLE_PIECES; p++) {
		size_t at = p * (count - SAMPLE_PIECE) / (SAMPLE_PIECES - 1);
		n += residuals(form, k + at, SAMPLE_PIECE, rise, out + n);
	}
	return n;
}

static enum form cheapest(const uint64_t *k, size_t count, bool doubles, int64_t rise)
{
	static const enum form tried[2][4] = {{FORM_PLAIN, FORM_STEP, FORM_STEP2, FORM_RISE},
					      {FORM_PLAIN, FORM_STEP, FORM_XOR}};
	uint64_t work[SAMPLE_PIECES * SAMPLE_PIECE];
	enum form best = FORM_PLAIN;
	size_t least = SIZE_MAX;
	for (unsigned i = 0; i < (doubles ? 3 : 4); i++) {
		size_t cost = value_column_cost(work, sample(tried[doubles][i], k, count, rise, work));
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
	return status ? status : value_column_encode(work, n, out);
}

enum status value_numbers_decode(struct span bytes, size_t count, bool doubles, bool parts_alone, int64_t *out)
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
	size_t n = form == FORM_PLAIN ? count : count - 1;
	struct span column = cursor_take(&c, cursor_left(&c));
	enum status status = parts_alone ? value_parts_decode(column, n, work) : value_column_decode(column, n, work);
	if (status)
		return status;
	restore((enum form)form, first, rise, work, count, k);
	for (size_t i = 0; i < count; i++)
		out[i] = (int64_t)(doubles ? k[i] << unit : (uint64_t)least + k[i] * unit);
	return STATUS_OK;
}
