#include "engine/store/journal_segment.h"

#include <assert.h>
#include <lz4.h>

#include "engine/core/hash.h"

#define SEGMENT_MAGIC 0x47534a5au
#define BATCH_MAGIC 0x54424a5au
#define SEGMENT_VERSION 1
#define BATCH_ALIGN 8u

_Static_assert(JOURNAL_BATCH_MAX <= LZ4_MAX_INPUT_SIZE, "a batch is one LZ4 block");
_Static_assert(JOURNAL_ENTRY_MAX <= JOURNAL_BATCH_MAX, "an entry fits into a batch");

static size_t aligned(size_t size)
{
	return (size + BATCH_ALIGN - 1) & ~(size_t)(BATCH_ALIGN - 1);
}

/* --- segment header --- */

void journal_segment_header_encode(const struct journal_segment_header *h, uint8_t out[JOURNAL_SEGMENT_HEADER])
{
	memset(out, 0, JOURNAL_SEGMENT_HEADER);
	store_le32(out, SEGMENT_MAGIC);
	store_le16(out + 4, SEGMENT_VERSION);
	store_le16(out + 6, h->flags);
	store_le64(out + 8, h->number);
	store_le64(out + 16, h->first_position);
	store_le64(out + 32, hash64(span_of(out, 32)));
}

enum status journal_segment_header_decode(struct span bytes, struct journal_segment_header *out)
{
	if (bytes.size < JOURNAL_SEGMENT_HEADER)
		return STATUS_NEED_MORE;
	const uint8_t *p = bytes.data;
	if (load_le32(p) != SEGMENT_MAGIC || load_le64(p + 32) != hash64(span_of(p, 32)))
		return STATUS_CORRUPT;
	if (load_le16(p + 4) != SEGMENT_VERSION)
		return STATUS_BAD_VERSION;
	*out = (struct journal_segment_header){load_le64(p + 8), load_le64(p + 16), load_le16(p + 6)};
	return out->first_position && out->first_position <= INT64_MAX ? STATUS_OK : STATUS_CORRUPT;
}

/* --- entries --- */

size_t journal_entry_head(uint8_t *out, uint8_t kind, size_t payload_bytes)
{
	out[0] = kind;
	return 1 + varint_store(out + 1, payload_bytes);
}

size_t journal_entry_size(size_t payload_bytes)
{
	size_t size = 2 + payload_bytes;
	for (size_t v = payload_bytes; v >= 0x80; v >>= 7)
		size++;
	return size;
}

enum status journal_entry_next(struct cursor *c, uint8_t *out_kind, struct span *out_payload)
{
	if (!cursor_left(c))
		return STATUS_END;
	*out_kind = cursor_u8(c);
	uint64_t size = cursor_varint(c);
	if (c->failed || size > cursor_left(c))
		return STATUS_CORRUPT;
	*out_payload = cursor_take(c, (size_t)size);
	return STATUS_OK;
}

enum status journal_batch_visit(const struct journal_batch *b, uint64_t from, journal_visit *visit, void *context)
{
	struct cursor c = cursor_of(b->entries);
	uint64_t position = b->first_position, end = b->first_position + b->count;
	uint8_t kind;
	struct span payload;
	enum status status;
	while (!(status = journal_entry_next(&c, &kind, &payload))) {
		if (position == end)
			return STATUS_CORRUPT;
		if (position >= from && (status = visit(context, position, kind, payload)))
			return status;
		position++;
	}
	return status == STATUS_END && position == end ? STATUS_OK : STATUS_CORRUPT;
}

/* --- batches --- */

size_t journal_batch_room(size_t raw_bytes)
{
	return aligned(JOURNAL_BATCH_HEADER + (size_t)LZ4_compressBound((int)raw_bytes));
}

static uint64_t batch_checksum(const uint8_t *batch, uint32_t stored_bytes)
{
	return hash64_seeded(span_of(batch + 16, JOURNAL_BATCH_HEADER - 16 + (size_t)stored_bytes), stored_bytes);
}

size_t journal_batch_encode(const struct journal_batch *b, size_t compress_min, uint8_t *out)
{
	assert(b->entries.size >= 1 && b->entries.size <= JOURNAL_BATCH_MAX && b->count >= 1);
	uint8_t *body = out + JOURNAL_BATCH_HEADER;
	int raw = (int)b->entries.size, stored = 0;
	if (b->entries.size >= compress_min)
		stored = LZ4_compress_default((const char *)b->entries.data, (char *)body, raw, LZ4_compressBound(raw));
	if (stored <= 0 || stored >= raw) {
		memcpy(body, b->entries.data, (size_t)raw);
		stored = raw;
	}
	store_le32(out, BATCH_MAGIC);
	store_le32(out + 4, (uint32_t)stored);
	store_le64(out + 16, b->first_position);
	store_le64(out + 24, b->synced);
	store_le32(out + 32, (uint32_t)raw);
	store_le32(out + 36, b->count);
	store_le64(out + 8, batch_checksum(out, (uint32_t)stored));
	size_t size = JOURNAL_BATCH_HEADER + (size_t)stored, padded = aligned(size);
	memset(out + size, 0, padded - size);
	return padded;
}

/* Is there an intact batch at `bytes`, whatever its position? Fills the header's part of `out`. */
static bool batch_is_intact(struct span bytes, struct journal_batch *out, uint32_t *out_stored)
{
	const uint8_t *p = bytes.data;
	if (bytes.size < JOURNAL_BATCH_HEADER || load_le32(p) != BATCH_MAGIC)
		return false;
	uint32_t stored = load_le32(p + 4), raw = load_le32(p + 32), count = load_le32(p + 36);
	if (stored > raw || raw > JOURNAL_BATCH_MAX || stored > bytes.size - JOURNAL_BATCH_HEADER || count == 0 ||
	    count > raw || batch_checksum(p, stored) != load_le64(p + 8))
		return false;
	*out = (struct journal_batch){load_le64(p + 16), load_le64(p + 24), count,
				      span_of(p + JOURNAL_BATCH_HEADER, raw)};
	*out_stored = stored;
	return true;
}

/* --- the scan --- */

enum status journal_scan_begin(struct journal_scan *s, struct span bytes, struct buf *raw)
{
	*s = (struct journal_scan){.bytes = bytes, .raw = raw};
	enum status status = journal_segment_header_decode(bytes, &s->header);
	if (status)
		return status == STATUS_NEED_MORE ? STATUS_CORRUPT : status;
	s->offset = JOURNAL_SEGMENT_HEADER;
	s->next_position = s->header.first_position;
	return STATUS_OK;
}

static bool all_zero(struct span bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (bytes.data[i])
			return false;
	return true;
}

/* What stands at s->offset is no batch of ours. */
static enum status judge_tail(const struct journal_scan *s)
{
	struct span rest = span_of(s->bytes.data + s->offset, s->bytes.size - s->offset);
	if (all_zero(rest))
		return STATUS_END;
	for (size_t at = BATCH_ALIGN; at + JOURNAL_BATCH_HEADER <= rest.size; at += BATCH_ALIGN) {
		struct journal_batch later;
		uint32_t stored;
		if (batch_is_intact(span_of(rest.data + at, rest.size - at), &later, &stored) &&
		    later.synced >= s->next_position)
			return STATUS_CORRUPT;
	}
	return STATUS_NEED_MORE;
}

static enum status unpack(struct buf *raw, struct journal_batch *b, uint32_t stored)
{
	if (stored == b->entries.size)
		return STATUS_OK;
	buf_clear(raw);
	enum status status = buf_reserve(raw, b->entries.size);
	if (status)
		return status;
	int size = LZ4_decompress_safe((const char *)b->entries.data, (char *)raw->data, (int)stored,
				       (int)b->entries.size);
	if (size < 0 || (size_t)size != b->entries.size)
		return STATUS_CORRUPT;
	raw->size = b->entries.size;
	b->entries = buf_view(raw);
	return STATUS_OK;
}

enum status journal_scan_next(struct journal_scan *s, struct journal_batch *out)
{
	uint32_t stored;
	struct span rest = span_of(s->bytes.data + s->offset, s->bytes.size - s->offset);
	if (!rest.size)
		return STATUS_END;
	if (!batch_is_intact(rest, out, &stored))
		return judge_tail(s);
	/* a valid checksum over a wrong position is not a torn write: it is a batch in the wrong place */
	if (out->first_position != s->next_position)
		return STATUS_CORRUPT;
	enum status status = unpack(s->raw, out, stored);
	if (status)
		return status;
	size_t size = aligned(JOURNAL_BATCH_HEADER + (size_t)stored);
	s->offset += size < rest.size ? size : rest.size;
	s->next_position += out->count;
	return STATUS_OK;
}
