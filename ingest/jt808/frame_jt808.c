#include "ingest/jt808/jt808.h"

/* once for each framing, whose bytes are constants then */
#define INLINE static inline __attribute__((always_inline))

/* How frames are set off, as in jt808.h: `escape` 01 stands for itself and 02 for the flag; `other` 01 for itself and
 * 02 for the byte below it. The standard has no other. */
struct framing {
	uint8_t flag, escape, other;
};
static const struct framing framings[] = {
	[JT808_FRAMING_STANDARD] = {0x7e, 0x7d, 0x7d},
	[JT808_FRAMING_PRIVATE] = {0xe7, 0xe6, 0x3e},
};
/* the shorter header (12) and the checksum */
#define CONTENT_MIN 13

/* Copy `size` bytes and return the XOR of them all. */
static uint64_t copy_xor(uint8_t *to, const uint8_t *from, size_t size)
{
	uint64_t sum = 0, word;
	size_t i = 0;
	for (; i + sizeof word <= size; i += sizeof word) {
		memcpy(&word, from + i, sizeof word);
		memcpy(to + i, &word, sizeof word);
		sum ^= word;
	}
	for (; i < size; i++) {
		to[i] = from[i];
		sum ^= from[i];
	}
	return sum;
}

static uint8_t xor_fold(uint64_t sum)
{
	sum ^= sum >> 32;
	sum ^= sum >> 16;
	sum ^= sum >> 8;
	return (uint8_t)sum;
}

/* The XOR of all bytes. */
static uint64_t xor_of(const uint8_t *at, size_t size)
{
	uint64_t sum = 0, word;
	size_t i = 0;
	for (; i + sizeof word <= size; i += sizeof word) {
		memcpy(&word, at + i, sizeof word);
		sum ^= word;
	}
	for (; i < size; i++)
		sum ^= at[i];
	return sum;
}

INLINE const uint8_t *find_escape(const struct framing *f, const uint8_t *at, const uint8_t *end)
{
	const uint8_t *escape = memchr(at, f->escape, (size_t)(end - at));
	if (f->other == f->escape)
		return escape;
	const uint8_t *other = memchr(at, f->other, (size_t)((escape ? escape : end) - at));
	return other ? other : escape;
}

/* What an escape and the byte behind it stand for. */
INLINE uint8_t escaped(const struct framing *f, const uint8_t *escape)
{
	if (escape[1] == 0x01)
		return escape[0];
	return escape[0] == f->escape ? f->flag : (uint8_t)(escape[0] - 1);
}

/* What lies between the flags, in place when nothing is escaped, else in `scratch`; `out` is header, body and
 * checksum. Most frames hold no escape, and a copy would be read back while its bytes are on their way to the cache. */
INLINE enum status unescape(const struct framing *f, struct span wire, uint8_t *scratch, struct span *out,
			    uint8_t *out_sum)
{
	const uint8_t *at = wire.data, *end = wire.data + wire.size;
	const uint8_t *escape = find_escape(f, at, end);
	if (!escape) {
		*out = wire;
		*out_sum = xor_fold(xor_of(at, wire.size));
		return STATUS_OK;
	}
	uint8_t *to = scratch;
	uint64_t sum = 0;
	for (;; escape = find_escape(f, at, end)) {
		size_t run = (size_t)((escape ? escape : end) - at);
		sum ^= copy_xor(to, at, run);
		to += run;
		if (!escape)
			break;
		if (end - escape < 2 || (escape[1] != 0x01 && escape[1] != 0x02))
			return STATUS_BAD_ESCAPE;
		*to = escaped(f, escape);
		sum ^= *to++;
		at = escape + 2;
	}
	*out = span_of(scratch, (size_t)(to - scratch));
	*out_sum = xor_fold(sum);
	return STATUS_OK;
}

/* The first byte behind garbage, empty flag pairs and ASCII frames: the last flag of the run that opens a
 * frame. NULL when no flag is there. */
INLINE const uint8_t *find_opening(uint8_t flag, const uint8_t *at, const uint8_t *end)
{
	at = memchr(at, flag, (size_t)(end - at));
	while (at && end - at > 1 && at[1] == flag)
		at++;
	return at;
}

/* Padlocks and the like speak "(...)" on the same port; asked only of what is no good frame. */
static bool is_ascii_frame(struct span wire)
{
	return wire.size >= 2 && wire.data[0] == '(' && wire.data[wire.size - 1] == ')';
}

INLINE enum status check(const struct framing *f, struct jt808_frame *out, uint8_t *scratch)
{
	struct span content;
	uint8_t sum;
	enum status status = unescape(f, span_of(out->raw.data + 1, out->raw.size - 2), scratch, &content, &sum);
	if (status)
		return status;
	if (content.size < CONTENT_MIN)
		return STATUS_BAD_LENGTH;
	out->content = span_of(content.data, content.size - 1);
	return sum == 0 ? STATUS_OK : STATUS_BAD_CHECKSUM;
}

INLINE enum status frame_next(enum jt808_framing framing, struct span input, uint8_t *scratch, struct jt808_frame *out)
{
	const struct framing *f = &framings[framing];
	const uint8_t *from = input.data, *end = input.data + input.size;
	*out = (struct jt808_frame){.framing = framing};
	for (;;) {
		const uint8_t *open = input.size ? find_opening(f->flag, from, end) : NULL;
		out->skipped = (size_t)((open ? open : end) - input.data);
		out->consumed = out->skipped;
		if (!open)
			return STATUS_NEED_MORE;
		size_t window = (size_t)(end - open) < JT808_FRAME_MAX ? (size_t)(end - open) : JT808_FRAME_MAX;
		const uint8_t *close = memchr(open + 1, f->flag, window - 1);
		if (!close && window < JT808_FRAME_MAX)
			return STATUS_NEED_MORE;
		if (!close) {
			/* exactly the bound, so that the outcome does not depend on how the bytes arrived */
			out->raw = span_of(open, JT808_FRAME_MAX);
			out->consumed += JT808_FRAME_MAX;
			return STATUS_TOO_LONG;
		}
		out->raw = span_of(open, (size_t)(close - open) + 1);
		enum status status = check(f, out, scratch);
		if (status && is_ascii_frame(span_of(open + 1, out->raw.size - 2))) {
			out->raw = out->content = (struct span){0};
			from = close;
			continue;
		}
		/* the closing flag goes only when another flag follows: otherwise it may open the next frame */
		bool doubled = close + 1 < end && close[1] == f->flag;
		out->consumed = (size_t)(close - input.data) + doubled;
		return status;
	}
}

enum status jt808_frame_next(struct span input, uint8_t *scratch, struct jt808_frame *out)
{
	return frame_next(JT808_FRAMING_STANDARD, input, scratch, out);
}

enum status jt808_framed_next(enum jt808_framing framing, struct span input, uint8_t *scratch, struct jt808_frame *out)
{
	return framing == JT808_FRAMING_STANDARD ? jt808_frame_next(input, scratch, out)
						 : frame_next(JT808_FRAMING_PRIVATE, input, scratch, out);
}

/* The framing whose flag comes first. */
static enum jt808_framing framing_of(struct span input)
{
	const uint8_t *standard = NULL, *own = NULL;
	if (input.size)
		standard = memchr(input.data, framings[JT808_FRAMING_STANDARD].flag, input.size);
	if (input.size)
		own = memchr(input.data, framings[JT808_FRAMING_PRIVATE].flag,
			     standard ? (size_t)(standard - input.data) : input.size);
	return own ? JT808_FRAMING_PRIVATE : JT808_FRAMING_STANDARD;
}

static bool is_message(enum status status, const struct jt808_frame *frame)
{
	struct jt808_header h;
	return status == STATUS_OK && jt808_header_decode(frame->content, &h) == STATUS_OK;
}

enum status jt808_any_frame_next(struct span input, uint8_t *scratch, struct jt808_frame *out)
{
	struct jt808_frame other;
	enum jt808_framing first = framing_of(input);
	enum jt808_framing second = first == JT808_FRAMING_STANDARD ? JT808_FRAMING_PRIVATE : JT808_FRAMING_STANDARD;
	enum status status = jt808_framed_next(first, input, scratch, out);
	if (is_message(status, out))
		return status;
	if (is_message(jt808_framed_next(second, input, scratch, &other), &other)) {
		*out = other;
		return STATUS_OK;
	}
	/* the content may have lain in `scratch`, which was used again */
	return status == STATUS_NEED_MORE ? status : jt808_framed_next(first, input, scratch, out);
}

uint8_t jt808_flag(enum jt808_framing framing)
{
	return framings[framing].flag;
}

/* Whether one of eight bytes is zero (A. Mycroft 1987). */
static bool has_zero(uint64_t word)
{
	return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
}

INLINE bool has_special(const struct framing *f, uint64_t word)
{
	return has_zero(word ^ 0x0101010101010101u * f->flag) || has_zero(word ^ 0x0101010101010101u * f->escape);
}

/* `other` and the byte below it are special where there is another escape. */
INLINE bool has_other(const struct framing *f, uint64_t word)
{
	return f->other != f->escape && (has_zero(word ^ 0x0101010101010101u * f->other) ||
					 has_zero(word ^ 0x0101010101010101u * (uint8_t)(f->other - 1)));
}

INLINE uint8_t *escape_bytes(const struct framing *f, uint8_t *to, const uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = from[i];
		bool main = byte == f->flag || byte == f->escape;
		bool other = !main && f->other != f->escape && (byte == f->other || byte == f->other - 1);
		*to++ = main ? f->escape : other ? f->other : byte;
		if (main || other)
			*to++ = byte == f->escape || byte == f->other ? 0x01 : 0x02;
	}
	return to;
}

INLINE size_t frame_write(enum jt808_framing framing, struct span content, uint8_t *out)
{
	const struct framing *f = &framings[framing];
	uint8_t *to = out;
	uint64_t sum = 0, word;
	size_t i = 0;
	*to++ = f->flag;
	for (; i + sizeof word <= content.size; i += sizeof word) {
		memcpy(&word, content.data + i, sizeof word);
		sum ^= word;
		if (has_special(f, word) || has_other(f, word)) {
			to = escape_bytes(f, to, content.data + i, sizeof word);
		} else {
			memcpy(to, &word, sizeof word);
			to += sizeof word;
		}
	}
	to = escape_bytes(f, to, content.data + i, content.size - i);
	for (; i < content.size; i++)
		sum ^= content.data[i];
	uint8_t checksum = xor_fold(sum);
	to = escape_bytes(f, to, &checksum, 1);
	*to++ = f->flag;
	return (size_t)(to - out);
}

size_t jt808_frame_write(struct span content, uint8_t *out)
{
	return frame_write(JT808_FRAMING_STANDARD, content, out);
}

size_t jt808_framed_write(enum jt808_framing framing, struct span content, uint8_t *out)
{
	return framing == JT808_FRAMING_STANDARD ? jt808_frame_write(content, out)
						 : frame_write(JT808_FRAMING_PRIVATE, content, out);
}

enum status jt808_framed_encode(enum jt808_framing framing, struct span content, struct buf *out)
{
	enum status status = buf_reserve(out, 2 * (content.size + 1) + 2);
	if (!status)
		out->size += jt808_framed_write(framing, content, out->data + out->size);
	return status;
}

enum status jt808_frame_encode(struct span content, struct buf *out)
{
	return jt808_framed_encode(JT808_FRAMING_STANDARD, content, out);
}
