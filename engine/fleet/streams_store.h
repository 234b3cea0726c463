/* streams_store.h -- what the writer's thread does with values: seals into blocks, rows, overlapping blocks into one.
 * Threads: the writer of the shard that owns the stream. */
#ifndef ZAYTON_FLEET_STREAMS_STORE_H
#define ZAYTON_FLEET_STREAMS_STORE_H

#include "engine/fleet/streams_head.h"

struct values_written {
	uint64_t blocks, late_blocks, values, bytes;
};

/* The seal's blocks (none for a snapshot) and its row into `batch`; `room` is scratch. */
STATUS_CHECKED enum status value_seal_put(struct store_batch *batch, const struct value_seal *seal,
					  const struct value_texts *texts, struct buf *room,
					  struct values_written *out);

/* blocks folded in one pass */
#define VALUE_FOLD_BLOCKS_MAX 64
/* Join the blocks of a stream within [from_ms, to_ms] that overlap or are small, one family in one pass;
 * `*out_again_from_ms` is where the next pass begins, INT64_MIN when there is none. */
STATUS_CHECKED enum status values_fold(struct store *s, struct value_texts *texts, uint64_t stream, int64_t from_ms,
				       int64_t to_ms, uint32_t *seq, int64_t *out_again_from_ms);

#endif
