#include "engine/series/run_column.h"

static size_t run_from(const uint32_t *values, size_t at, size_t count)
{
	size_t end = at + 1;
	while (end < count && values[end] == values[at])
		end++;
	return end;
}

enum status run_column_encode(const uint32_t *values, size_t count, struct buf *out)
{
	size_t size = out->size;
	uint32_t before = 0;
	if (values[0] == 0 && run_from(values, 0, count) == count)
		return STATUS_OK;
	for (size_t at = 0; at < count;) {
		size_t end = run_from(values, at, count);
		enum status status = buf_append_varint(out, values[at] ^ before);
		if (!status && end < count)
			status = buf_append_varint(out, end - at);
		if (status) {
			out->size = size;
			return status;
		}
		before = values[at];
		at = end;
	}
	return STATUS_OK;
}

enum status run_column_decode(struct span column, size_t count, uint32_t *out)
{
	struct cursor c = cursor_of(column);
	uint32_t value = 0;
	size_t at = 0;
	if (column.size == 0) {
		memset(out, 0, count * sizeof *out);
		return STATUS_OK;
	}
	while (at < count) {
		uint64_t change = cursor_varint(&c);
		uint64_t length = cursor_left(&c) ? cursor_varint(&c) : count - at;
		if (c.failed || change > UINT32_MAX || length == 0 || length > count - at)
			return STATUS_CORRUPT;
		value ^= (uint32_t)change;
		for (size_t end = at + length; at < end; at++)
			out[at] = value;
	}
	return cursor_left(&c) ? STATUS_CORRUPT : STATUS_OK;
}
