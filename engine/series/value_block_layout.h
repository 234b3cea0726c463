/* value_block_layout.h -- what both ways of a value block share; the layout is drawn in value_block.h. */
#ifndef ZAYTON_SERIES_VALUE_BLOCK_LAYOUT_H
#define ZAYTON_SERIES_VALUE_BLOCK_LAYOUT_H

#include "engine/series/value_block.h"

#define VALUE_TYPE_MASK 3u
#define VALUE_FLAG_CORRECTIONS 4u
#define VALUE_FLAG_NOT_GOOD 8u
#define VALUE_FLAG_AGGREGATE 16u
#define VALUE_FLAG_SUM 32u
#define VALUE_FLAGS_ALL 63u
#define VALUE_CHECKSUM_SIZE 4

enum value_section {
	SECTION_TIMES,
	SECTION_DELAYS,
	SECTION_QUALITIES,
	SECTION_VALUES,
	SECTION_EXCEPTIONS,
	VALUE_SECTIONS
};

/* Minutes of the clock between two instants; modulo 2^32, so that it can be taken off again whatever they are. */
static inline uint32_t value_block_minute(int64_t first_ms, int64_t time_ms)
{
	const int64_t minute = 60000;
	int64_t a = first_ms / minute - (first_ms % minute < 0), b = time_ms / minute - (time_ms % minute < 0);
	return (uint32_t)(b - a);
}

/* The aggregates of a header, as the layout has them. */
STATUS_CHECKED enum status value_block_put_aggregate(const struct value_block_header *h, struct buf *out);

#endif
