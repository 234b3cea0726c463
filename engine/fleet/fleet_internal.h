/* fleet_internal.h -- the engine's own state, shared by the files of this room only. */
#ifndef ZAYTON_FLEET_INTERNAL_H
#define ZAYTON_FLEET_INTERNAL_H

#include "engine/fleet/context.h"
#include "engine/fleet/engine.h"
#include "engine/fleet/findings.h"
#include "engine/fleet/judge.h"
#include "engine/fleet/shard.h"
#include "engine/fleet/sign_key.h"
#include "engine/fleet/streams.h"

struct engine {
	struct engine_options options;
	struct store *store;
	struct registry *registry;
	struct streams *streams;
	struct context *context;
	struct findings *findings;
	struct commands *commands;
	struct collisions *collisions;
	struct sign_key *sign_key; /* NULL when read-only */
	struct judge *judge;       /* NULL until the engine is started */
	struct shard *shards;
	unsigned shard_count;
	uint32_t epoch;            /* of the journals */
	_Atomic size_t head_bytes; /* memory of all heads */
	int64_t zones_day_ms;      /* the day whose dead zones were learned last; 0: none by this process */
	bool started;
};

static inline struct shard *engine_owner(struct engine *e, uint64_t device)
{
	/* a division costs more than what most callers do besides */
	return &e->shards[e->shard_count == 1 ? 0 : device_partition(device) % e->shard_count];
}

/* track.c: as track_open(), but future reports, which are not judged, may be missing: what is new is read without
 * asking the store; and without what alone is left of a month for a case. */
STATUS_CHECKED enum status track_open_judged(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms,
					     struct track **out);
/* recover.c: open or make the journals, and bring every head to where it was. */
STATUS_CHECKED enum status engine_recover(struct engine *e);
/* Heads of a read-only engine: rows and journals read, nothing written. */
STATUS_CHECKED enum status engine_recover_read_only(struct engine *e);

/* The reports that come next, when a block has them, without items or, `bare`, with items left out: rows [from, until)
 * of its columns, all before `before_ms` and before whatever else the track holds, so that none has the time of a
 * report elsewhere; none otherwise (from == until). They last until the track is asked again. */
struct track_rows {
	struct block_columns columns; /* as far as wanted */
	const struct block_summary *block;
	bool items; /* some report has items, which only track_row() tells */
	size_t from, until;
	size_t source; /* the track's own */
};
STATUS_CHECKED enum status track_rows(struct track *t, int64_t before_ms, enum block_want want, bool bare,
				      struct track_rows *out);
/* Every column of them, so that track_row() gives the i-th. */
STATUS_CHECKED enum status track_rows_complete(struct track *t, struct track_rows *rows);
struct report track_row(const struct track *t, const struct track_rows *rows, size_t i);
/* Passes over the first `count` of them. */
void track_skip(struct track *t, const struct track_rows *rows, size_t count);
/* What comes next when it is a whole block that nobody has looked into, all of it before `before_ms` and whatever else
 * there is: its summary, until the track is asked again; NULL otherwise. track_pass() passes over it. */
STATUS_CHECKED enum status track_block(struct track *t, int64_t before_ms, const struct block_summary **out);
void track_pass(struct track *t);
/* How many reports of the device had come when the track was opened: all of them within its span are in it. */
uint64_t track_reports_total(const struct track *t);
/* Whether nothing is left, after track_rows() or track_block(). */
bool track_is_over(const struct track *t);
/* The report that was passed over last; its items are not to be looked at. STATUS_NOT_FOUND: none since track_next().
 */
STATUS_CHECKED enum status track_before(struct track *t, struct report *out);

#endif
