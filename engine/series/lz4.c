#include "engine/series/lz4.h"

#include <lz4.h>

enum status lz4_pack(struct span raw, struct buf *out, size_t *out_size)
{
	if (raw.size > LZ4_MAX_INPUT_SIZE)
		return STATUS_FULL;
	enum status status = buf_reserve(out, raw.size);
	if (status)
		return status;
	int size = raw.size < 2 ? 0
				: LZ4_compress_default((const char *)raw.data, (char *)out->data + out->size,
						       (int)raw.size, (int)raw.size - 1);
	if (size <= 0) {
		*out_size = raw.size;
		return buf_append(out, raw.data, raw.size);
	}
	*out_size = (size_t)size;
	out->size += (size_t)size;
	return STATUS_OK;
}

enum status lz4_unpack(struct span packed, uint8_t *out, size_t raw_size)
{
	if (packed.size == raw_size) {
		if (raw_size)
			memcpy(out, packed.data, raw_size);
		return STATUS_OK;
	}
	if (packed.size > raw_size)
		return STATUS_CORRUPT;
	int size = LZ4_decompress_safe((const char *)packed.data, (char *)out, (int)packed.size, (int)raw_size);
	return size >= 0 && (size_t)size == raw_size ? STATUS_OK : STATUS_CORRUPT;
}
