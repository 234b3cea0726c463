/* series_read.h -- the inside of a reader of values, for series.c and series_steps.c. */
#ifndef ZAYTON_FLEET_SERIES_READ_H
#define ZAYTON_FLEET_SERIES_READ_H

#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/series.h"

struct series_source {
	struct value *values; /* NULL: the place is free */
	size_t at, count;     /* at < count while it is in use */
	bool is_block;        /* room for VALUE_BLOCK_MAX */
};

struct series {
	int64_t from_ms, to_ms;
	struct value_texts *texts;
	struct store_values *blocks;
	struct value_block_row next; /* the first block not opened yet */
	bool blocks_left;
	struct series_source *sources; /* [0, count) in use */
	size_t count, room;
	struct value *spare;   /* of a block that is used up */
	struct value *instant; /* those of one instant, in order; [instant_at, instant_count) not given yet */
	size_t instant_at, instant_count, instant_room;
	struct buf copy; /* of the block series_next_block() gave last */
};

/* Time of the next value of all opened sources; INT64_MAX when there is none. */
int64_t series_front(const struct series *s);
/* The next block, when it comes before every value not given yet, lies within the span and overlaps nothing: its values
 * are then passed over, unless series_open_copy() brings them back at once. STATUS_NOT_FOUND: it is not so, read on by
 * series_next. */
STATUS_CHECKED enum status series_next_block(struct series *s, struct value_block_header *out);
STATUS_CHECKED enum status series_open_copy(struct series *s);
STATUS_CHECKED enum status series_open_bytes(struct series *s, struct span block);

#endif
