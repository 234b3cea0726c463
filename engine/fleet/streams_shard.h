/* streams_shard.h -- a shard's part in values: durable entries into heads, heads into seals, rows at checkpoints.
 * Threads: the shard's loop, or the opening thread before it runs. */
#ifndef ZAYTON_FLEET_STREAMS_SHARD_H
#define ZAYTON_FLEET_STREAMS_SHARD_H

#include "engine/fleet/shard.h"

/* Apply an entry of kind VALUES. STATUS_NO_MEMORY: try it again; what was appended already is the same
 * then, and one. STATUS_CORRUPT. */
STATUS_CHECKED enum status shard_apply_values(struct shard *s, uint64_t position, const struct intake *in);
/* Rows of changed heads from `*next` on, until `bytes_max` are pushed; `*next` is value_heads.count when all are. */
STATUS_CHECKED enum status shard_values_rows(struct shard *s, uint32_t *next, size_t *bytes, size_t bytes_max);
/* Seal every head. */
STATUS_CHECKED enum status shard_values_settle(struct shard *s);
/* A row of the family `head`, read on opening; `*unfinished` is set by one of a later epoch. */
STATUS_CHECKED enum status shard_values_load(struct engine *e, struct span key, struct span value, bool *unfinished);

#endif
