#include "engine/series/value_column.h"

#include "engine/series/code_column.h"
#include "engine/series/int_column.h"

#define LOW_BITS 24
#define LOW_MASK ((1u << LOW_BITS) - 1)
#define PARTS 3
#define METHOD_PARTS 0
#define METHOD_CODES 1
/* fewer numbers do not pay for a table of frequencies */
#define CODES_LEAST 64

/* --- three parts --- */

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

size_t value_column_cost(const uint64_t *v, size_t count)
{
	uint32_t part[BLOCK_REPORTS_MAX];
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
	uint32_t part[BLOCK_REPORTS_MAX];
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

enum status value_parts_decode(struct span bytes, size_t count, uint64_t *out)
{
	uint32_t part[INT_COLUMN_ROOM];
	struct cursor c = cursor_of(bytes);
	unsigned mask = cursor_u8(&c);
	if (c.failed || count > BLOCK_REPORTS_MAX || mask >> PARTS || (!count && mask))
		return STATUS_CORRUPT;
	memset(out, 0, count * sizeof *out);
	for (unsigned p = 0; p < PARTS; p++) {
		if (!(mask & 1u << p))
			continue;
		uint64_t size = mask >> (p + 1) ? cursor_varint(&c) : cursor_left(&c);
		struct span column = size <= cursor_left(&c) ? cursor_take(&c, (size_t)size) : (struct span){NULL, 0};
		if (c.failed || !column.size || int_column_decode(series_kernels_best(), column, count, part))
			return STATUS_CORRUPT;
		for (size_t i = 0; i < count; i++)
			out[i] |= (uint64_t)part[i] << p * LOW_BITS;
	}
	return cursor_left(&c) ? STATUS_CORRUPT : STATUS_OK;
}

/* --- the smaller of both --- */

static bool all_zero(const uint64_t *v, size_t count)
{
	uint64_t any = 0;
	for (size_t i = 0; i < count; i++)
		any |= v[i];
	return !any;
}

static enum status put_codes(const uint64_t *v, size_t count, size_t smaller_than, struct buf *out)
{
	uint8_t column[CODE_COLUMN_BYTES_MAX];
	size_t size = code_column_encode(v, count, column);
	if (size + 1 >= smaller_than)
		return STATUS_OK;
	enum status status = buf_append_u8(out, METHOD_CODES);
	return status ? status : buf_append(out, column, size);
}

enum status value_column_encode(const uint64_t *v, size_t count, struct buf *out)
{
	struct buf codes = buf_init(CODE_COLUMN_BYTES_MAX + 1);
	size_t before = out->size;
	enum status status = STATUS_OK;
	if (all_zero(v, count))
		return STATUS_OK;
	if (count > BLOCK_REPORTS_MAX)
		return put_codes(v, count, SIZE_MAX, out);
	status = buf_append_u8(out, METHOD_PARTS);
	if (!status)
		status = parts_encode(v, count, out);
	if (!status && count >= CODES_LEAST)
		status = put_codes(v, count, out->size - before, &codes);
	if (!status && codes.size) {
		out->size = before;
		status = buf_append(out, codes.data, codes.size);
	}
	if (status)
		out->size = before;
	buf_deinit(&codes);
	return status;
}

enum status value_column_decode(struct span column, size_t count, uint64_t *out)
{
	struct cursor c = cursor_of(column);
	if (!column.size) {
		memset(out, 0, count * sizeof *out);
		return STATUS_OK;
	}
	uint8_t method = cursor_u8(&c);
	struct span rest = cursor_take(&c, cursor_left(&c));
	if (method > METHOD_CODES || !count)
		return STATUS_CORRUPT;
	return method == METHOD_CODES ? code_column_decode(rest, count, out) : value_parts_decode(rest, count, out);
}
