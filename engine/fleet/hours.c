/* hours.c -- pieces of a device in order of time, added to the hour they belong to.
 *
 *   pieces    [ block ]   [ block ]  [ block ]      [ head ]
 *                           [ late block ]
 *   runs      └───1───┘   └───────── 2 ────────┘    └── 3 ─┘
 *
 * A block that overlaps no other piece adds its sums. Pieces that overlap may hold a report twice: their run is walked
 * as a track, and so is the head's. That a piece overlaps is seen when the next one comes, so a run is added when it
 * has ended.
 *
 * The head is copied before the snapshot of the store is taken: what is committed in between is seen twice, which
 * overlaps, and never missed. */
#include "engine/fleet/hours.h"

#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/fleet/fleet_internal.h"

#define PAGE_DEVICES 4096

struct run {
	bool any;
	bool tangled; /* a track, not `sums` */
	int64_t from_ms, to_ms;
	struct block_hours sums;
};

struct walk {
	struct engine *engine;
	const struct hours_query *query;
	hours_visit *visit;
	struct store_blocks *blocks; /* of the device asked last; NULL: none yet */
	struct report_list head;
	struct run run;
	struct hour_speed hour; /* in the making */
	uint64_t page[PAGE_DEVICES];
};

/* --- hours --- */

static enum status end_hour(struct walk *w)
{
	enum status status = w->hour.reports ? w->visit(w->query->context, &w->hour) : STATUS_OK;
	w->hour.reports = w->hour.speed_sum_dkmh = 0;
	return status;
}

static enum status add(struct walk *w, int64_t from_ms, uint64_t reports, uint64_t sum_dkmh)
{
	enum status status = STATUS_OK;
	if (from_ms != w->hour.from_ms)
		status = end_hour(w);
	w->hour.from_ms = from_ms;
	w->hour.reports += reports;
	w->hour.speed_sum_dkmh += sum_dkmh;
	return status;
}

/* --- runs --- */

static enum status add_track(struct walk *w, int64_t from_ms, int64_t to_ms)
{
	struct track *t;
	struct report r;
	enum status status = track_open(w->engine, w->hour.device, from_ms, to_ms, &t);
	if (status)
		return status;
	while (!(status = track_next(t, &r)))
		if (r.speed_dkmh != SPEED_UNKNOWN &&
		    (status = add(w, block_hour_of(r.time_ms) * MS_PER_HOUR, 1, r.speed_dkmh)))
			break;
	track_close(t);
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status end_run(struct walk *w)
{
	const struct hours_query *q = w->query;
	const struct run *run = &w->run;
	enum status status = STATUS_OK;
	if (!run->any)
		return STATUS_OK;
	w->run.any = false;
	if (run->tangled)
		return add_track(w, run->from_ms > q->from_ms ? run->from_ms : q->from_ms,
				 run->to_ms < q->to_ms ? run->to_ms : q->to_ms);
	for (uint32_t i = 0; i < run->sums.count && !status; i++) {
		const struct block_hour *h = &run->sums.hours[i];
		if (h->count)
			status = add(w, (run->sums.first + i) * MS_PER_HOUR, h->count, h->sum_dkmh);
	}
	return status;
}

/* Whether the piece is of the run there is, which it then tangles; else a run of its own begins. */
static enum status take_piece(struct walk *w, int64_t from_ms, int64_t to_ms, bool tangled, bool *out_joined)
{
	struct run *run = &w->run;
	*out_joined = run->any && from_ms <= run->to_ms;
	if (*out_joined) {
		run->tangled = true;
		run->to_ms = to_ms > run->to_ms ? to_ms : run->to_ms;
		return STATUS_OK;
	}
	enum status status = end_run(w);
	run->any = true;
	run->tangled = tangled;
	run->from_ms = from_ms;
	run->to_ms = to_ms;
	return status;
}

/* --- pieces --- */

static void copy_hours(struct block_hours *to, const struct block_hours *from)
{
	to->first = from->first;
	to->count = from->count;
	memcpy(to->hours, from->hours, from->count * sizeof *from->hours);
}

static enum status take_block(struct walk *w, const struct block_summary *s)
{
	const struct hours_query *q = w->query;
	const struct block_hours *kept;
	struct span bytes;
	bool joined;
	enum status status = take_piece(w, s->time_first_ms, s->time_last_ms, false, &joined);
	if (status || joined)
		return status;
	bool whole = s->time_first_ms >= q->from_ms && s->time_last_ms <= q->to_ms;
	if (whole && !store_blocks_hours(w->blocks, &kept)) {
		copy_hours(&w->run.sums, kept);
		return STATUS_OK;
	}
	status = store_blocks_bytes(w->blocks, &bytes);
	return status ? status : block_hours(bytes, q->from_ms, q->to_ms, &w->run.sums);
}

static enum status take_head(struct walk *w)
{
	const struct report_list *h = &w->head;
	bool joined;
	return take_piece(w, h->reports[0].time_ms, h->reports[h->count - 1].time_ms, true, &joined);
}

static enum status walk_pieces(struct walk *w)
{
	bool head_left = w->head.count != 0;
	struct store_block b;
	enum status status;
	while (!(status = store_blocks_next(w->blocks, &b))) {
		if (head_left && w->head.reports[0].time_ms <= b.summary.time_first_ms) {
			head_left = false;
			status = take_head(w);
		}
		if (!status)
			status = take_block(w, &b.summary);
		if (status)
			return status;
	}
	status = status != STATUS_END ? status : head_left ? take_head(w) : STATUS_OK;
	if (!status)
		status = end_run(w);
	return status ? status : end_hour(w);
}

/* --- devices --- */

static enum status walk_device(struct walk *w, uint64_t device)
{
	const struct hours_query *q = w->query;
	struct head_stand at;
	w->hour = (struct hour_speed){.device = device};
	w->run.any = false;
	report_list_clear(&w->head);
	enum status status =
		head_copy(&engine_owner(w->engine, device)->heads, device, q->from_ms, q->to_ms, &w->head, &at);
	if (!status && w->blocks)
		status = store_blocks_turn(w->blocks, device);
	else if (!status)
		status = store_blocks_open(w->engine->store, device, q->from_ms, q->to_ms, true, &w->blocks);
	return status ? status : walk_pieces(w);
}

static enum status walk_devices(struct walk *w, const uint64_t *devices, size_t count)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < count && !status; i++)
		status = walk_device(w, devices[i]);
	return status;
}

static enum status walk_all(struct walk *w)
{
	const struct hours_query *q = w->query;
	enum status status = STATUS_OK;
	size_t count = 1;
	if (q->devices)
		return walk_devices(w, q->devices, q->device_count);
	for (uint64_t after = 0; count && !status; after = count ? w->page[count - 1] : 0) {
		count = registry_list(w->engine->registry, after, w->page, PAGE_DEVICES);
		status = walk_devices(w, w->page, count);
	}
	return status;
}

enum status engine_hours(struct engine *e, const struct hours_query *q, hours_visit *visit)
{
	if (q->from_ms > q->to_ms)
		return STATUS_INVALID;
	struct walk *w = calloc(1, sizeof *w);
	if (!w)
		return STATUS_NO_MEMORY;
	w->engine = e;
	w->query = q;
	w->visit = visit;
	/* the head and what left it for a writer that is behind */
	w->head = report_list_init(HEAD_REPORTS_MAX * 64u, HEAD_REPORTS_MAX * 64u * (size_t)REPORT_BODY_MAX);
	enum status status = walk_all(w);
	report_list_deinit(&w->head);
	store_blocks_close(w->blocks);
	free(w);
	return status;
}
