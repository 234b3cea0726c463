/* fleet_internal.h -- the engine's own state, shared by the files of this room only. */
#ifndef ZAYTON_FLEET_INTERNAL_H
#define ZAYTON_FLEET_INTERNAL_H

#include "engine/fleet/context.h"
#include "engine/fleet/engine.h"
#include "engine/fleet/findings.h"
#include "engine/fleet/judge.h"
#include "engine/fleet/shard.h"
#include "engine/fleet/streams.h"

struct engine {
	struct engine_options options;
	struct store *store;
	struct registry *registry;
	struct streams *streams;
	struct context *context;
	struct findings *findings;
	struct judge *judge; /* NULL until the engine is started */
	struct shard *shards;
	unsigned shard_count;
	uint32_t epoch;            /* of the journals */
	_Atomic size_t head_bytes; /* memory of all heads */
	bool started;
};

static inline struct shard *engine_owner(struct engine *e, uint64_t device)
{
	/* a division costs more than what most callers do besides */
	return &e->shards[e->shard_count == 1 ? 0 : device_partition(device) % e->shard_count];
}

/* track.c: as track_open(), but future reports, which are not judged, may be missing: what is new is read without
 * asking the store. */
STATUS_CHECKED enum status track_open_judged(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms,
					     struct track **out);
/* recover.c: open or make the journals, and bring every head to where it was. */
STATUS_CHECKED enum status engine_recover(struct engine *e);
/* Heads of a read-only engine: rows and journals read, nothing written. */
STATUS_CHECKED enum status engine_recover_read_only(struct engine *e);

/* The reports that come next, when one block alone has them and none has items: rows [from, until) of its columns, all
 * before `before_ms` and never the block's last; none otherwise. They last until the track is asked again;
 * track_skip() passes over the first `count` of them. */
struct track_rows {
	struct block_columns columns;
	size_t from, until;
};
STATUS_CHECKED enum status track_rows(struct track *t, int64_t before_ms, struct track_rows *out);
void track_skip(struct track *t, size_t count);

#endif
