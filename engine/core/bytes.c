#include "engine/core/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t cursor_varint(struct cursor *c)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint8_t byte = cursor_u8(c);
		if (c->failed || (shift == 63 && byte > 1))
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	c->failed = true;
	return 0;
}

void buf_deinit(struct buf *b)
{
	free(b->data);
	*b = buf_init(b->max);
}

enum status buf_reserve(struct buf *b, size_t extra)
{
	if (extra <= b->capacity - b->size)
		return STATUS_OK;
	if (b->size > b->max || extra > b->max - b->size)
		return STATUS_FULL;
	size_t capacity = b->capacity < 64 ? 64 : b->capacity * 2;
	if (capacity < b->size + extra)
		capacity = b->size + extra;
	if (capacity > b->max)
		capacity = b->max;
	uint8_t *data = realloc(b->data, capacity);
	if (!data)
		return STATUS_NO_MEMORY;
	b->data = data;
	b->capacity = capacity;
	return STATUS_OK;
}

enum status buf_append(struct buf *b, const void *data, size_t size)
{
	enum status status = buf_reserve(b, size);
	if (status)
		return status;
	if (size)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	return STATUS_OK;
}

enum status buf_append_u8(struct buf *b, uint8_t v)
{
	return buf_append(b, &v, 1);
}

enum status buf_append_be16(struct buf *b, uint16_t v)
{
	uint8_t bytes[2];
	store_be16(bytes, v);
	return buf_append(b, bytes, sizeof bytes);
}

enum status buf_append_be32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4];
	store_be32(bytes, v);
	return buf_append(b, bytes, sizeof bytes);
}

enum status buf_append_be64(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];
	store_be64(bytes, v);
	return buf_append(b, bytes, sizeof bytes);
}

size_t varint_store(uint8_t *out, uint64_t v)
{
	size_t n = 0;
	while (v >= 0x80) {
		out[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	out[n++] = (uint8_t)v;
	return n;
}

enum status buf_append_varint(struct buf *b, uint64_t v)
{
	uint8_t bytes[10];
	return buf_append(b, bytes, varint_store(bytes, v));
}

enum status buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	enum status status = length < 0 ? STATUS_INVALID : buf_reserve(b, (size_t)length + 1);
	if (!status) {
		vsnprintf((char *)b->data + b->size, (size_t)length + 1, format, again);
		b->size += (size_t)length;
	}
	va_end(again);
	return status;
}

void hex_encode(char *out, struct span bytes)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < bytes.size; i++) {
		*out++ = digits[bytes.data[i] >> 4];
		*out++ = digits[bytes.data[i] & 15];
	}
	*out = '\0';
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum status hex_decode(struct buf *out, struct span text)
{
	if (text.size % 2)
		return STATUS_MALFORMED;
	enum status status = buf_reserve(out, text.size / 2);
	if (status)
		return status;
	for (size_t i = 0; i < text.size; i += 2) {
		int high = hex_digit(text.data[i]), low = hex_digit(text.data[i + 1]);
		if (high < 0 || low < 0)
			return STATUS_MALFORMED;
		out->data[out->size + i / 2] = (uint8_t)(high << 4 | low);
	}
	out->size += text.size / 2;
	return STATUS_OK;
}
