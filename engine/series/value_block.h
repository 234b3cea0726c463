/* value_block.h -- an immutable run of values of one stream.
 *
 *   header | times | delays | qualities | values | exceptions | checksum
 *
 * Header, version 2 (varint: LEB128; signed: zigzag):
 *   version 1 | flags 1 | count varint | time_first signed | span ms varint
 *   flags: bits 0-1 main type (enum value_type), 2 some instant has several values, 3 some value is not good,
 *          4 aggregates follow, 5 the sum is among them
 *   decimals: scale 1                                           of all of them
 *   aggregates, over the good values that stand:  how many varint | [min, max, first, last | sum]
 *     decimals: min signed, the others less it varint (mantissas at that scale); doubles: 8 bytes each
 *     sum: [doubles: exponent signed] then 128 bits, signed: exact
 *   four sizes varint: of times, delays, qualities, values; exceptions take the rest
 *
 * times      unit varint (what all steps are a multiple of) | step varint | form 1 | column of count - 1 numbers:
 *            form 0 steps less the usual one, form 1 steps less the step before
 * delays     form 1 | runs: form 0 of delays, form 1 of minute of the event + delay; empty: all 0
 * qualities  runs; empty: all good
 * values     value_numbers.h; texts: how many varint, (size 1, text)*, column of places among them
 * exceptions of another type than the main one, or too wide: count varint, then place varint (since the last), type 1
 *            (scale in its upper half), value: signed, 8 bytes, or size 1 and text; the values repeat the one before
 *
 * A column is value_column.h (int_column.h in version 1). Values ascend by value_order() and no two are the same. Times
 * span at most VALUE_SPAN_MAX_MS. decode(encode(x)) == x; the same values give the same bytes. The checksum is the low
 * half of XXH3 over all before it. Threads: pure. */
#ifndef ZAYTON_SERIES_VALUE_BLOCK_H
#define ZAYTON_SERIES_VALUE_BLOCK_H

#include "engine/core/limits.h"
#include "engine/series/value.h"
#include "engine/series/value_texts.h"

#define VALUE_BLOCK_VERSION 2
/* of before: at most VALUE_BLOCK_V1_MAX values, columns of int_column.h; read, no longer written */
#define VALUE_BLOCK_VERSION_1 1
#define VALUE_BLOCK_V1_MAX 1024

struct value_block_header {
	uint32_t count;
	int64_t time_first_ms, time_last_ms;
	uint8_t type;       /* enum value_type of most */
	uint8_t scale;      /* of the aggregates of decimals */
	bool corrections;   /* an instant has more than one value */
	bool not_good;      /* a value whose quality is not GOOD */
	bool has_aggregate; /* what follows is there: every good value that stands is a number of `type` */
	bool has_sum;
	uint32_t good;                 /* how many: good and standing */
	int64_t min, max, first, last; /* mantissas at `scale`, or bits of doubles */
	int16_t sum_exponent;          /* doubles: the sum is `sum` * 2^exponent */
	__int128 sum;
};

/* Values ascending and unique (values_normalise), 1..VALUE_BLOCK_MAX, spanning at most VALUE_SPAN_MAX_MS; `texts` has
 * the texts of all that are texts. Appends to `out`. STATUS_INVALID: they are not so; STATUS_NOT_FOUND: a text is
 * not there; STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status value_block_encode(const struct value *values, size_t count, const struct value_texts *texts,
					      struct buf *out);
/* The header alone, its bytes trusted as far as they go (the checksum is not looked at). STATUS_CORRUPT,
 * STATUS_BAD_VERSION. */
STATUS_CHECKED enum status value_block_header(struct span block, struct value_block_header *out);
/* All values, checksum verified: `out` has room for VALUE_BLOCK_MAX, `*out_count` gets how many. Texts are added to
 * `texts` (NULL: a block with texts is STATUS_UNSUPPORTED). STATUS_CORRUPT, STATUS_BAD_VERSION, STATUS_FULL (texts),
 * STATUS_NO_MEMORY. */
STATUS_CHECKED enum status value_block_decode(struct span block, struct value_texts *texts, struct value *out,
					      size_t *out_count);

#endif
