/* journal_segment.h -- the bytes of a journal segment; internal to the journal.
 *
 *   segment = header | batch | batch | ... | zeros
 *   header (little-endian), version 1, 40 bytes
 *     0  4  magic "ZJSG"
 *     4  2  version
 *     6  2  flags: bit 0, the first position need not follow the segment before
 *     8  8  number of the segment, as in its name
 *    16  8  first position
 *    24  8  zero
 *    32  8  XXH3 of bytes 0..31
 *   batch, padded with zeros to a multiple of 8
 *     0  4  magic "ZJBT"
 *     4  4  stored_bytes: size of the body as stored
 *     8  8  XXH3, seeded with stored_bytes, of bytes 16..39 and the stored body
 *    16  8  first position
 *    24  8  synced: the last position that was synced when this batch was written
 *    32  4  raw_bytes: size of the entries; equal to stored_bytes when they are stored as they are, else LZ4
 *    36  4  count of entries, at least 1
 *    40     body
 *   entry = kind u8 | size LEB128 | payload
 *
 * Zeros after the last batch are room written ahead of need (an fdatasync over written blocks has no
 * metadata to commit) and end the segment. Bytes that are neither a batch nor zeros are a torn write if
 * nothing acknowledged can have stood there: that is, if no intact batch further on was written when their
 * position had been synced already. In the last segment a torn write is cut off; anything else is damage.
 *
 * The scan is a pure walk over bytes in memory: nothing it is given can make it read past the end. */
#ifndef ZAYTON_STORE_JOURNAL_SEGMENT_H
#define ZAYTON_STORE_JOURNAL_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/limits.h"
#include "engine/core/status.h"
#include "engine/store/journal.h"

#define JOURNAL_SEGMENT_HEADER 40
#define JOURNAL_BATCH_HEADER 40
#define JOURNAL_SEGMENT_AFTER_GAP 1u
/* a segment is read whole: what is longer was not written by us */
#define JOURNAL_SEGMENT_MAX (UINT64_C(1) << 30)

struct journal_segment_header {
	uint64_t number;
	uint64_t first_position;
	uint16_t flags;
};

void journal_segment_header_encode(const struct journal_segment_header *h, uint8_t out[JOURNAL_SEGMENT_HEADER]);
/* STATUS_NEED_MORE, STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status journal_segment_header_decode(struct span bytes, struct journal_segment_header *out);

struct journal_batch {
	uint64_t first_position;
	uint64_t synced;
	uint32_t count;
	struct span entries; /* raw */
};

/* Bytes of room that journal_batch_encode needs for `raw_bytes` of entries. */
size_t journal_batch_room(size_t raw_bytes);
/* Encode `b` into `out`; entries of at least `compress_min` bytes are stored as LZ4 where that is smaller.
 * Returns the bytes written. 1 <= entries.size <= JOURNAL_BATCH_MAX. */
size_t journal_batch_encode(const struct journal_batch *b, size_t compress_min, uint8_t *out);

/* Bytes that one entry takes in a batch. */
size_t journal_entry_size(size_t payload_bytes);
/* Writes kind and size; returns their length (at most 1 + 10). */
size_t journal_entry_head(uint8_t *out, uint8_t kind, size_t payload_bytes);
/* Next entry of a batch's bytes. STATUS_END, STATUS_CORRUPT. */
STATUS_CHECKED enum status journal_entry_next(struct cursor *c, uint8_t *out_kind, struct span *out_payload);

/* A walk over one segment:
 *     journal_scan_begin(&scan, bytes, &raw);
 *     while (!(status = journal_scan_next(&scan, &batch)))
 *             ...
 *     STATUS_END: `scan.offset` is where the batches end. STATUS_CORRUPT: where the damage begins.
 *     STATUS_NEED_MORE: a torn write begins at `scan.offset`; batches before it are whole. */
struct journal_scan {
	struct span bytes;
	size_t offset;
	uint64_t next_position;
	struct buf *raw; /* holds an uncompressed batch; grows to JOURNAL_BATCH_MAX */
	struct journal_segment_header header;
};
/* The header's statuses; STATUS_CORRUPT for one that is cut short. */
STATUS_CHECKED enum status journal_scan_begin(struct journal_scan *s, struct span bytes, struct buf *raw);
STATUS_CHECKED enum status journal_scan_next(struct journal_scan *s, struct journal_batch *out);
/* Every entry of a batch. STATUS_CORRUPT when they do not add up, or what `visit` returned. */
STATUS_CHECKED enum status journal_batch_visit(const struct journal_batch *b, uint64_t from, journal_visit *visit,
					       void *context);

#endif
