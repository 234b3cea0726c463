/* bytes.h -- borrowed spans, bounded growable buffers, byte-order loads and stores.
 *
 * A `struct span` borrows; a `struct buf` owns and never grows past `max`. A `struct cursor`
 * walks a span and refuses to read past its end: every decoder of foreign bytes uses it. */
#ifndef ZAYTON_CORE_BYTES_H
#define ZAYTON_CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/core/status.h"

struct span {
	const uint8_t *data;
	size_t size;
};

static inline struct span span_of(const void *data, size_t size)
{
	return (struct span){(const uint8_t *)data, size};
}

static inline struct span span_of_string(const char *text)
{
	return span_of(text, strlen(text));
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* --- loads and stores: unaligned, explicit byte order --- */

static inline uint16_t load_be16(const void *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return __builtin_bswap16(v);
}
static inline uint32_t load_be32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return __builtin_bswap32(v);
}
static inline uint64_t load_be64(const void *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return __builtin_bswap64(v);
}
static inline uint16_t load_le16(const void *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline uint32_t load_le32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline uint64_t load_le64(const void *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline void store_be16(void *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof v);
}
static inline void store_be32(void *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof v);
}
static inline void store_be64(void *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof v);
}
static inline void store_le16(void *p, uint16_t v)
{
	memcpy(p, &v, sizeof v);
}
static inline void store_le32(void *p, uint32_t v)
{
	memcpy(p, &v, sizeof v);
}
static inline void store_le64(void *p, uint64_t v)
{
	memcpy(p, &v, sizeof v);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "loads assume a little-endian machine");

static inline uint32_t zigzag32(int32_t v)
{
	return ((uint32_t)v << 1) ^ (0u - (uint32_t)(v < 0));
}
static inline int32_t unzigzag32(uint32_t v)
{
	return (int32_t)((v >> 1) ^ (0u - (v & 1u)));
}
static inline uint64_t zigzag64(int64_t v)
{
	return ((uint64_t)v << 1) ^ (UINT64_C(0) - (uint64_t)(v < 0));
}
static inline int64_t unzigzag64(uint64_t v)
{
	return (int64_t)((v >> 1) ^ (0u - (v & 1u)));
}

/* --- cursor: bounded reading; once it fails it stays failed and yields zeros --- */

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor cursor_of(struct span s)
{
	return (struct cursor){s.data, s.size ? s.data + s.size : s.data, false}; /* NULL + 0 is no pointer in C */
}
static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}
/* `size` bytes, or an empty span and `failed`. */
static inline struct span cursor_take(struct cursor *c, size_t size)
{
	if (c->failed || cursor_left(c) < size) {
		c->failed = true;
		return (struct span){c->at, 0};
	}
	struct span s = {c->at, size};
	c->at += size;
	return s;
}
static inline uint8_t cursor_u8(struct cursor *c)
{
	struct span s = cursor_take(c, 1);
	return s.size ? s.data[0] : 0;
}
static inline uint16_t cursor_be16(struct cursor *c)
{
	struct span s = cursor_take(c, 2);
	return s.size ? load_be16(s.data) : 0;
}
static inline uint32_t cursor_be32(struct cursor *c)
{
	struct span s = cursor_take(c, 4);
	return s.size ? load_be32(s.data) : 0;
}
static inline uint64_t cursor_be64(struct cursor *c)
{
	struct span s = cursor_take(c, 8);
	return s.size ? load_be64(s.data) : 0;
}
static inline uint32_t cursor_le32(struct cursor *c)
{
	struct span s = cursor_take(c, 4);
	return s.size ? load_le32(s.data) : 0;
}
static inline uint64_t cursor_le64(struct cursor *c)
{
	struct span s = cursor_take(c, 8);
	return s.size ? load_le64(s.data) : 0;
}
/* LEB128, at most 10 bytes; over-long or overflowing input fails. */
uint64_t cursor_varint(struct cursor *c);

/* --- buf: owned, growable up to `max`; a failed append changes nothing --- */

struct buf {
	uint8_t *data;
	size_t size;
	size_t capacity;
	size_t max;
};

static inline struct buf buf_init(size_t max)
{
	return (struct buf){NULL, 0, 0, max};
}
void buf_deinit(struct buf *b);
static inline void buf_clear(struct buf *b)
{
	b->size = 0;
}
static inline struct span buf_view(const struct buf *b)
{
	return (struct span){b->data, b->size};
}
/* Room for `extra` more bytes. STATUS_FULL past `max`, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status buf_reserve(struct buf *b, size_t extra);
STATUS_CHECKED enum status buf_append(struct buf *b, const void *data, size_t size);
STATUS_CHECKED enum status buf_append_u8(struct buf *b, uint8_t v);
STATUS_CHECKED enum status buf_append_be16(struct buf *b, uint16_t v);
STATUS_CHECKED enum status buf_append_be32(struct buf *b, uint32_t v);
STATUS_CHECKED enum status buf_append_be64(struct buf *b, uint64_t v);
STATUS_CHECKED enum status buf_append_varint(struct buf *b, uint64_t v);
/* printf into the buffer, without the terminating NUL. */
STATUS_CHECKED enum status buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* LEB128 into `out` (10 bytes of room); returns the bytes written. */
size_t varint_store(uint8_t *out, uint64_t v);

/* Hex: `out` takes 2 * size characters and a NUL. */
void hex_encode(char *out, struct span bytes);
/* Even count of hex digits, either case, no separators; `*out` grows by text.size / 2.
 * STATUS_MALFORMED leaves `out` as it was. */
STATUS_CHECKED enum status hex_decode(struct buf *out, struct span text);

#endif
