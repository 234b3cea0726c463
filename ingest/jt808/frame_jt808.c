#include "ingest/jt808/jt808.h"

#define FLAG 0x7e
#define ESCAPE 0x7d
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

/* What lies between the flags, in place when nothing is escaped, else in `scratch`; `out` is header, body and
 * checksum. Most frames hold no escape, and a copy would be read back while its bytes are on their way to the cache. */
static enum status unescape(struct span wire, uint8_t *scratch, struct span *out, uint8_t *out_sum)
{
	const uint8_t *at = wire.data, *end = wire.data + wire.size;
	const uint8_t *escape = memchr(at, ESCAPE, wire.size);
	if (!escape) {
		*out = wire;
		*out_sum = xor_fold(xor_of(at, wire.size));
		return STATUS_OK;
	}
	uint8_t *to = scratch;
	uint64_t sum = 0;
	for (;; escape = memchr(at, ESCAPE, (size_t)(end - at))) {
		size_t run = (size_t)((escape ? escape : end) - at);
		sum ^= copy_xor(to, at, run);
		to += run;
		if (!escape)
			break;
		if (end - escape < 2 || (escape[1] != 0x01 && escape[1] != 0x02))
			return STATUS_BAD_ESCAPE;
		*to = escape[1] == 0x02 ? FLAG : ESCAPE;
		sum ^= *to++;
		at = escape + 2;
	}
	*out = span_of(scratch, (size_t)(to - scratch));
	*out_sum = xor_fold(sum);
	return STATUS_OK;
}

/* The first byte behind garbage, empty flag pairs and ASCII frames: the last flag of the run that opens a
 * frame. NULL when no flag is there. */
static const uint8_t *find_opening(const uint8_t *at, const uint8_t *end)
{
	at = memchr(at, FLAG, (size_t)(end - at));
	while (at && end - at > 1 && at[1] == FLAG)
		at++;
	return at;
}

/* Padlocks and the like speak "(...)" on the same port; asked only of what is no good frame. */
static bool is_ascii_frame(struct span wire)
{
	return wire.size >= 2 && wire.data[0] == '(' && wire.data[wire.size - 1] == ')';
}

static enum status check(struct jt808_frame *out, uint8_t *scratch)
{
	struct span content;
	uint8_t sum;
	enum status status = unescape(span_of(out->raw.data + 1, out->raw.size - 2), scratch, &content, &sum);
	if (status)
		return status;
	if (content.size < CONTENT_MIN)
		return STATUS_BAD_LENGTH;
	out->content = span_of(content.data, content.size - 1);
	return sum == 0 ? STATUS_OK : STATUS_BAD_CHECKSUM;
}

enum status jt808_frame_next(struct span input, uint8_t *scratch, struct jt808_frame *out)
{
	const uint8_t *from = input.data, *end = input.data + input.size;
	*out = (struct jt808_frame){0};
	for (;;) {
		const uint8_t *open = input.size ? find_opening(from, end) : NULL;
		out->skipped = (size_t)((open ? open : end) - input.data);
		out->consumed = out->skipped;
		if (!open)
			return STATUS_NEED_MORE;
		size_t window = (size_t)(end - open) < JT808_FRAME_MAX ? (size_t)(end - open) : JT808_FRAME_MAX;
		const uint8_t *close = memchr(open + 1, FLAG, window - 1);
		if (!close && window < JT808_FRAME_MAX)
			return STATUS_NEED_MORE;
		if (!close) {
			/* exactly the bound, so that the outcome does not depend on how the bytes arrived */
			out->raw = span_of(open, JT808_FRAME_MAX);
			out->consumed += JT808_FRAME_MAX;
			return STATUS_TOO_LONG;
		}
		out->raw = span_of(open, (size_t)(close - open) + 1);
		enum status status = check(out, scratch);
		if (status && is_ascii_frame(span_of(open + 1, out->raw.size - 2))) {
			out->raw = out->content = (struct span){0};
			from = close;
			continue;
		}
		/* the closing flag goes only when another flag follows: otherwise it may open the next frame */
		bool doubled = close + 1 < end && close[1] == FLAG;
		out->consumed = (size_t)(close - input.data) + doubled;
		return status;
	}
}

/* Whether one of eight bytes is zero (A. Mycroft 1987). */
static bool has_zero(uint64_t word)
{
	return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
}

static bool has_special(uint64_t word)
{
	return has_zero(word ^ 0x0101010101010101u * FLAG) || has_zero(word ^ 0x0101010101010101u * ESCAPE);
}

static uint8_t *escape_bytes(uint8_t *to, const uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		bool special = from[i] == FLAG || from[i] == ESCAPE;
		*to++ = special ? ESCAPE : from[i];
		if (special)
			*to++ = from[i] == FLAG ? 0x02 : 0x01;
	}
	return to;
}

size_t jt808_frame_write(struct span content, uint8_t *out)
{
	uint8_t *to = out;
	uint64_t sum = 0, word;
	size_t i = 0;
	*to++ = FLAG;
	for (; i + sizeof word <= content.size; i += sizeof word) {
		memcpy(&word, content.data + i, sizeof word);
		sum ^= word;
		if (has_special(word)) {
			to = escape_bytes(to, content.data + i, sizeof word);
		} else {
			memcpy(to, &word, sizeof word);
			to += sizeof word;
		}
	}
	to = escape_bytes(to, content.data + i, content.size - i);
	for (; i < content.size; i++)
		sum ^= content.data[i];
	uint8_t checksum = xor_fold(sum);
	to = escape_bytes(to, &checksum, 1);
	*to++ = FLAG;
	return (size_t)(to - out);
}

enum status jt808_frame_encode(struct span content, struct buf *out)
{
	enum status status = buf_reserve(out, 2 * (content.size + 1) + 2);
	if (!status)
		out->size += jt808_frame_write(content, out->data + out->size);
	return status;
}
