/* frame_jt809.c -- flags, escapes, CRC, header and cipher of JT/T 809. */
#include "ingest/jt809/jt809.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define OPEN 0x5b
#define CLOSE 0x5d
#define ESCAPE_OPEN 0x5a  /* of 5B and of itself */
#define ESCAPE_CLOSE 0x5e /* of 5D and of itself */
#define CRC_SIZE 2
#define LANES 16

/* instants that a header of 2019 may carry: 2000-01-01 to 2099-12-31, seconds */
#define TIME_FIRST_S UINT64_C(946684800)
#define TIME_LAST_S UINT64_C(4102444799)

/* --- CRC ---
 * Tables: sixteen bytes a step (slicing; M. Kounavis and F. Berry, 2005). Where the machine multiplies without carry,
 * sixteen bytes are folded into the next sixteen (V. Gopal and others, Fast CRC computation using PCLMULQDQ, 2009), and
 * the tables take what is left, so that both are one remainder:
 *
 *   | 0 .. 0 first | 16 bytes | 16 bytes | ...      zeros in front change no remainder
 *        x = hi lo   ->  hi * (x^192 mod P) + lo * (x^128 mod P) + the next */

static uint16_t crc_lanes[LANES][256];

static uint16_t crc_by_tables(uint16_t crc, const uint8_t *at, const uint8_t *end)
{
	for (; end - at >= LANES; at += LANES) {
		uint16_t rest = 0; /* of the bytes that do not wait for the step before */
#pragma GCC unroll 14
		for (unsigned i = 2; i < LANES; i++)
			rest ^= crc_lanes[LANES - 1 - i][at[i]];
		crc = rest ^ crc_lanes[LANES - 1][at[0] ^ crc >> 8] ^ crc_lanes[LANES - 2][at[1] ^ (crc & 0xff)];
	}
	for (; at < end; at++)
		crc = (uint16_t)(crc << 8 ^ crc_lanes[0][crc >> 8 ^ *at]);
	return crc;
}

#ifdef __x86_64__

/* fewer bytes are not worth folding; at least two steps */
#define FOLD_MIN 32

static struct {
	bool there;
	uint64_t by[2]; /* x^128 and x^192 mod P */
} fold;

/* x^(8 * bytes + 16) mod P */
static uint16_t power_of_x(size_t bytes)
{
	uint8_t one[32] = {1};
	return crc_by_tables(0, one, one + 1 + bytes);
}

static void fold_init(void)
{
	fold.by[0] = power_of_x((128 - 16) / 8);
	fold.by[1] = power_of_x((192 - 16) / 8);
	fold.there = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3");
}

/* The first byte of a message is the highest: sixteen bytes the other way round, and fewer behind zeros. */
static const uint8_t turned[32] = {15,   14,   13,   12,   11,   10,   9,    8,    7,    6,    5,
				   4,    3,    2,    1,    0,    0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
				   0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};

__attribute__((target("pclmul,ssse3"))) static uint16_t crc_by_folding(const uint8_t *at, const uint8_t *end)
{
	size_t first = ((size_t)(end - at) - 1) % 16 + 1;
	uint8_t start[32], left[16];
	memcpy(start, at, sizeof start);
	start[0] ^= 0xff; /* the CRC begins as FFFF */
	start[1] ^= 0xff;
	__m128i by = _mm_loadu_si128((const __m128i *)fold.by), turn = _mm_loadu_si128((const __m128i *)turned);
	__m128i x = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)start),
				     _mm_loadu_si128((const __m128i *)(turned + 16 - first)));
	__m128i next = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(start + first)), turn);
	for (at += first;;) {
		x = _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, by, 0x00), _mm_clmulepi64_si128(x, by, 0x11)),
				  next);
		at += 16;
		if (at == end)
			break;
		next = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)at), turn);
	}
	_mm_storeu_si128((__m128i *)left, _mm_shuffle_epi8(x, turn));
	return crc_by_tables(0, left, left + sizeof left);
}

#endif

static __attribute__((constructor)) void crc_init(void)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint16_t crc = (uint16_t)(byte << 8);
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
		crc_lanes[0][byte] = crc;
	}
	for (unsigned lane = 1; lane < LANES; lane++)
		for (unsigned byte = 0; byte < 256; byte++) {
			uint16_t before = crc_lanes[lane - 1][byte];
			crc_lanes[lane][byte] = (uint16_t)(before << 8 ^ crc_lanes[0][before >> 8]);
		}
#ifdef __x86_64__
	fold_init();
#endif
}

uint16_t jt809_crc(struct span bytes)
{
#ifdef __x86_64__
	if (fold.there && bytes.size >= FOLD_MIN)
		return crc_by_folding(bytes.data, bytes.data + bytes.size);
#endif
	return crc_by_tables(0xffff, bytes.data, bytes.data + bytes.size);
}

/* --- escapes --- */

/* Whether any of eight bytes is 5A or 5E, which differ in one bit. */
static bool has_escape(uint64_t word)
{
	uint64_t x = (word & UINT64_C(0xfbfbfbfbfbfbfbfb)) ^ UINT64_C(0x5a5a5a5a5a5a5a5a);
	return ((x - UINT64_C(0x0101010101010101)) & ~x & UINT64_C(0x8080808080808080)) != 0;
}

/* One byte that may be the first of an escape; returns how many were used. */
static size_t unescape_one(const uint8_t *at, const uint8_t *end, uint8_t *to)
{
	bool pair = end - at >= 2 && (at[1] == 0x01 || at[1] == 0x02);
	*to = *at;
	if (!pair || (*at != ESCAPE_OPEN && *at != ESCAPE_CLOSE))
		return 1;
	if (at[1] == 0x01)
		*to = *at == ESCAPE_OPEN ? OPEN : CLOSE;
	return 2;
}

/* Into `to`, which takes wire.size bytes; returns what it comes to. It never gets ahead of what is read. */
static size_t unescape(struct span wire, uint8_t *to)
{
	const uint8_t *at = wire.data, *end = wire.data + wire.size;
	uint8_t *start = to;
	uint64_t word;
	while (end - at >= 8) {
		memcpy(&word, at, sizeof word);
		if (!has_escape(word)) {
			memcpy(to, &word, sizeof word);
			at += 8;
			to += 8;
			continue;
		}
		for (const uint8_t *stop = at + 8; at < stop;)
			at += unescape_one(at, end, to++);
	}
	while (at < end)
		at += unescape_one(at, end, to++);
	return (size_t)(to - start);
}

static bool any_escape(struct span wire)
{
	return memchr(wire.data, ESCAPE_OPEN, wire.size) || memchr(wire.data, ESCAPE_CLOSE, wire.size);
}

static bool crc_holds(struct span with_crc)
{
	return with_crc.size > CRC_SIZE && jt809_crc(span_of(with_crc.data, with_crc.size - CRC_SIZE)) ==
						   load_be16(with_crc.data + with_crc.size - CRC_SIZE);
}

/* --- frames --- */

static enum status check(struct jt809_frame *out, uint8_t *scratch)
{
	struct span wire = span_of(out->raw.data + 1, out->raw.size - 2), content = wire;
	if (wire.size && any_escape(wire))
		content = span_of(scratch, unescape(wire, scratch));
	bool holds = crc_holds(content);
	if (!holds && content.data == scratch && crc_holds(wire)) {
		content = wire;
		out->literal = holds = true;
	}
	if (content.size < JT809_HEADER_2011 + CRC_SIZE)
		return STATUS_BAD_LENGTH;
	out->content = span_of(content.data, content.size - CRC_SIZE);
	return holds ? STATUS_OK : STATUS_BAD_CHECKSUM;
}

enum status jt809_frame_next(struct span input, uint8_t *scratch, struct jt809_frame *out)
{
	*out = (struct jt809_frame){0};
	const uint8_t *open = input.size ? memchr(input.data, OPEN, input.size) : NULL;
	out->skipped = out->consumed = open ? (size_t)(open - input.data) : input.size;
	if (!open)
		return STATUS_NEED_MORE;
	size_t left = input.size - out->skipped, window = left < JT809_FRAME_MAX ? left : JT809_FRAME_MAX;
	const uint8_t *close = memchr(open, CLOSE, window);
	if (!close && window < JT809_FRAME_MAX)
		return STATUS_NEED_MORE;
	size_t size = close ? (size_t)(close - open) + 1 : window;
	out->raw = span_of(open, size);
	enum status status = close ? check(out, scratch) : STATUS_TOO_LONG;
	/* a frame that was cut swallows the next; one whose 5B is not escaped is whole */
	const uint8_t *again = status ? memchr(open + 1, OPEN, size - 1) : NULL;
	if (again) {
		*out = (struct jt809_frame){.skipped = out->skipped, .consumed = out->consumed};
		size = (size_t)(again - open);
		out->raw = span_of(open, size);
		status = STATUS_MALFORMED;
	}
	out->consumed += size;
	return status;
}

/* --- cipher --- */

void jt809_cipher_apply(const struct jt809_cipher *c, uint32_t key, uint8_t *data, size_t size)
{
	uint32_t m = c->m1 ? c->m1 : 1;
	key = key ? key : 1;
	for (size_t i = 0; i < size; i++) {
		key = c->ia1 * (key % m) + c->ic1;
		data[i] ^= (uint8_t)(key >> 20);
	}
}

/* --- header --- */

static bool is_2019(struct span content, enum jt809_edition edition)
{
	if (edition != JT809_DETECT)
		return edition == JT809_2019;
	if (content.size < JT809_HEADER_2019)
		return false;
	uint64_t time_s = load_be64(content.data + JT809_HEADER_2011);
	return time_s >= TIME_FIRST_S && time_s <= TIME_LAST_S;
}

enum status jt809_header_decode(struct span content, enum jt809_edition edition, struct jt809_header *out)
{
	const uint8_t *p = content.data;
	*out = (struct jt809_header){0};
	if (content.size < JT809_HEADER_2011)
		return STATUS_BAD_LENGTH;
	out->declared = load_be32(p);
	out->serial = load_be32(p + 4);
	out->id = load_be16(p + 8);
	out->access_code = load_be32(p + 10);
	memcpy(out->version, p + 14, 3);
	out->encrypted = p[17] != 0;
	out->key = load_be32(p + 18);
	out->is_2019 = is_2019(content, edition);
	out->length_differs = out->declared != content.size + JT809_FRAME_EXTRA;
	size_t size = out->is_2019 ? JT809_HEADER_2019 : JT809_HEADER_2011;
	if (content.size < size)
		return STATUS_BAD_LENGTH;
	if (out->is_2019)
		out->time_ms = (int64_t)(load_be64(p + JT809_HEADER_2011) & UINT32_MAX) * 1000;
	out->body = span_of(p + size, content.size - size);
	return STATUS_OK;
}

static void header_write(const struct jt809_header *h, size_t size, uint8_t *p)
{
	store_be32(p, (uint32_t)(size + JT809_FRAME_EXTRA));
	store_be32(p + 4, h->serial);
	store_be16(p + 8, h->id);
	store_be32(p + 10, h->access_code);
	memcpy(p + 14, h->version, 3);
	p[17] = h->encrypted;
	store_be32(p + 18, h->key);
	if (h->is_2019) {
		store_be32(p + 22, 0);
		store_be32(p + 26, (uint32_t)(h->time_ms / 1000));
	}
}

/* Escaped at `to`, which takes twice the size. */
static uint8_t *escape(struct span content, uint8_t *to)
{
	const uint8_t *at = content.data, *end = content.data + content.size;
	for (; at < end; at++) {
		uint8_t byte = *at;
		bool opens = byte == OPEN || byte == ESCAPE_OPEN;
		if (!opens && byte != CLOSE && byte != ESCAPE_CLOSE) {
			*to++ = byte;
			continue;
		}
		*to++ = opens ? ESCAPE_OPEN : ESCAPE_CLOSE;
		*to++ = byte == OPEN || byte == CLOSE ? 0x01 : 0x02;
	}
	return to;
}

enum status jt809_frame_encode(const struct jt809_header *h, const struct jt809_cipher *cipher, struct span body,
			       struct buf *out)
{
	size_t head = h->is_2019 ? JT809_HEADER_2019 : JT809_HEADER_2011, size = head + body.size;
	if (size + JT809_FRAME_EXTRA > JT809_FRAME_MAX)
		return STATUS_TOO_LONG;
	/* the unescaped frame is made behind the room that the escaped one takes */
	size_t room = 2 * (size + CRC_SIZE) + 2;
	enum status status = buf_reserve(out, room + size + CRC_SIZE);
	if (status)
		return status;
	uint8_t *start = out->data + out->size, *plain = start + room;
	header_write(h, size, plain);
	if (body.size)
		memcpy(plain + head, body.data, body.size);
	if (h->encrypted)
		jt809_cipher_apply(cipher, h->key, plain + head, body.size);
	store_be16(plain + size, jt809_crc(span_of(plain, size)));
	start[0] = OPEN;
	uint8_t *end = escape(span_of(plain, size + CRC_SIZE), start + 1);
	*end++ = CLOSE;
	out->size += (size_t)(end - start);
	return STATUS_OK;
}
