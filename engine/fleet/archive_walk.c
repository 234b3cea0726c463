/* archive_walk.c -- the blocks and the head of one device, piece by piece in order of time.
 *
 *   pieces    [ block ]   [ block ]  [ block ]      [ head ]
 *                           [ late block ]
 *   runs      └───1───┘   └───────── 2 ────────┘    └── 3 ─┘
 *
 * A piece that overlaps none is answered from its summary or its columns. Pieces that overlap may hold the same report
 * twice, which only whole reports tell: their run is walked as a track instead. That a piece overlaps is seen when the
 * next one comes, so the tally before a run is kept, and what its first piece added is taken back.
 *
 * The head is copied before the snapshot of the store is taken: what is committed in between is seen twice, which
 * overlaps, and never missed. */
#include <stdlib.h>
#include <string.h>

#include "engine/fleet/archive_walk.h"
#include "engine/fleet/fleet_internal.h"

#define NOT_JUDGED (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET)

struct run {
	bool any, tangled;
	bool near; /* a piece of it may hold something inside */
	int64_t from_ms, to_ms;
	struct archive_tally before;
};

struct archive_walk {
	struct engine *engine;
	const struct archive_query *query;
	const struct region *region;
	struct fence_cursor cursor;
	struct report_list head;
	struct store_blocks *blocks; /* of the device asked last; NULL: none yet */
	struct archive_slot *slot;
	struct run run;
	int64_t time_ms[BLOCK_REPORTS_MAX];
	int32_t lat_e7[BLOCK_REPORTS_MAX], lon_e7[BLOCK_REPORTS_MAX];
	uint16_t flags[BLOCK_REPORTS_MAX];
};

enum status archive_walk_new(struct engine *e, const struct archive_query *q, const struct region *region,
			     struct archive_walk **out)
{
	struct archive_walk *w = calloc(1, sizeof *w);
	if (!w)
		return STATUS_NO_MEMORY;
	w->engine = e;
	w->query = q;
	w->region = region;
	/* the head and what left it for a writer that is behind */
	w->head = report_list_init(HEAD_REPORTS_MAX * 64u, HEAD_REPORTS_MAX * 64u * (size_t)REPORT_BODY_MAX);
	*out = w;
	return STATUS_OK;
}

void archive_walk_free(struct archive_walk *w)
{
	if (w) {
		report_list_deinit(&w->head);
		store_blocks_close(w->blocks);
	}
	free(w);
}

/* --- the tally --- */

static enum status add_crossing(struct archive_slot *slot, struct archive_crossing c)
{
	struct archive_tally *t = &slot->tally;
	t->crossings_total++;
	if (t->crossing_count == ARCHIVE_CROSSINGS_MAX)
		return STATUS_OK;
	if (t->crossing_count == slot->capacity) {
		uint32_t capacity = slot->capacity ? 2 * slot->capacity : 16;
		void *grown = realloc(slot->crossings, capacity * sizeof *slot->crossings);
		if (!grown)
			return STATUS_NO_MEMORY;
		slot->crossings = grown;
		slot->capacity = capacity;
	}
	slot->crossings[t->crossing_count++] = c;
	return STATUS_OK;
}

static enum status note(struct archive_walk *w, struct archive_sight sight, bool inside)
{
	struct archive_tally *t = &w->slot->tally;
	bool crosses = w->query->crossings && t->judged && t->inside != inside;
	t->judged = true;
	t->inside = inside;
	if (inside) {
		if (!t->reports++)
			t->first = sight;
		t->last = sight;
	}
	return crosses ? add_crossing(w->slot, (struct archive_crossing){sight, inside}) : STATUS_OK;
}

static enum status judge(struct archive_walk *w, const struct report *r)
{
	struct archive_sight sight = {r->time_ms, {r->lat_e7, r->lon_e7}};
	if (r->flags & NOT_JUDGED)
		return STATUS_OK;
	return note(w, sight, region_holds(w->region, &w->cursor, sight.at));
}

/* --- runs --- */

static enum status walk_track(struct archive_walk *w, int64_t from_ms, int64_t to_ms)
{
	struct track *t;
	struct report r;
	enum status status = track_open(w->engine, w->slot->device, from_ms, to_ms, &t);
	if (status)
		return status;
	while (!(status = track_next(t, &r)) && !(status = judge(w, &r)))
		;
	track_close(t);
	return status == STATUS_END ? STATUS_OK : status;
}

/* Whether what is nowhere inside changes the answer: by an exit, or by being the first that is outside. */
static bool outside_matters(const struct archive_walk *w)
{
	const struct archive_tally *t = &w->slot->tally;
	return w->query->crossings && (t->inside || !t->judged);
}

static enum status end_run(struct archive_walk *w)
{
	const struct archive_query *q = w->query;
	struct run *run = &w->run;
	if (!run->tangled || (!run->near && !outside_matters(w)))
		return STATUS_OK;
	int64_t from_ms = run->from_ms > q->from_ms ? run->from_ms : q->from_ms;
	int64_t to_ms = run->to_ms < q->to_ms ? run->to_ms : q->to_ms;
	return from_ms > to_ms ? STATUS_OK : walk_track(w, from_ms, to_ms);
}

/* The next piece: of the run there is, or of one of its own. */
static enum status add_to_run(struct archive_walk *w, int64_t from_ms, int64_t to_ms, bool near)
{
	struct run *run = &w->run;
	if (run->any && from_ms <= run->to_ms) {
		w->slot->tally = run->before;
		run->tangled = true;
		run->near |= near;
		run->to_ms = to_ms > run->to_ms ? to_ms : run->to_ms;
		return STATUS_OK;
	}
	enum status status = end_run(w);
	*run = (struct run){true, false, near, from_ms, to_ms, w->slot->tally};
	return status;
}

/* --- blocks --- */

static enum status judge_columns(struct archive_walk *w, const struct block_columns *c, enum region_where where)
{
	const struct archive_query *q = w->query;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < c->count && !status && c->time_ms[i] <= q->to_ms; i++) {
		struct archive_sight sight = {c->time_ms[i], {c->lat_e7[i], c->lon_e7[i]}};
		if (c->time_ms[i] < q->from_ms || (c->flags && c->flags[i] & NOT_JUDGED))
			continue;
		bool inside =
			where == REGION_MIXED ? region_holds(w->region, &w->cursor, sight.at) : where == REGION_INSIDE;
		status = note(w, sight, inside);
	}
	return status;
}

/* All reports of the block are inside. */
static enum status count_columns(struct archive_walk *w, const struct block_columns *c)
{
	struct archive_tally *t = &w->slot->tally;
	size_t last = c->count - 1;
	enum status status = note(w, (struct archive_sight){c->time_ms[0], {c->lat_e7[0], c->lon_e7[0]}}, true);
	t->reports += last;
	t->last = (struct archive_sight){c->time_ms[last], {c->lat_e7[last], c->lon_e7[last]}};
	return status;
}

static enum status open_block(struct archive_walk *w, struct store_blocks *blocks, bool all_judged, bool whole,
			      enum region_where where)
{
	struct block_columns c = {.time_ms = w->time_ms, .lat_e7 = w->lat_e7, .lon_e7 = w->lon_e7};
	struct span bytes;
	c.flags = all_judged ? NULL : w->flags;
	enum status status = store_blocks_bytes(blocks, &bytes);
	if (!status)
		status = block_columns(bytes, &c);
	if (status)
		return status;
	return whole && all_judged && where == REGION_INSIDE ? count_columns(w, &c) : judge_columns(w, &c, where);
}

static enum status take_block(struct archive_walk *w, struct store_blocks *blocks, const struct block_summary *s)
{
	const struct archive_query *q = w->query;
	struct archive_tally *t = &w->slot->tally;
	struct box box = {s->lat_min_e7, s->lon_min_e7, s->lat_max_e7, s->lon_max_e7};
	enum region_where where = s->fixes ? region_where(w->region, &box) : REGION_OUTSIDE;
	bool whole = s->time_first_ms >= q->from_ms && s->time_last_ms <= q->to_ms;
	bool all_judged = !(s->flags_or & NOT_JUDGED);
	enum status status = add_to_run(w, s->time_first_ms, s->time_last_ms, where != REGION_OUTSIDE);
	if (status || w->run.tangled || !s->fixes)
		return status;
	if (where != REGION_OUTSIDE || (outside_matters(w) && !(whole && all_judged && !t->judged)))
		return open_block(w, blocks, all_judged, whole, where);
	t->judged = true; /* unless it was: clean and whole; without crossings it is of no matter */
	return STATUS_OK;
}

/* --- the head --- */

static bool head_is_near(const struct archive_walk *w)
{
	struct box box = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};
	for (size_t i = 0; i < w->head.count; i++) {
		const struct report *r = &w->head.reports[i];
		if (r->flags & NOT_JUDGED)
			continue;
		box.lat_min_e7 = r->lat_e7 < box.lat_min_e7 ? r->lat_e7 : box.lat_min_e7;
		box.lat_max_e7 = r->lat_e7 > box.lat_max_e7 ? r->lat_e7 : box.lat_max_e7;
		box.lon_min_e7 = r->lon_e7 < box.lon_min_e7 ? r->lon_e7 : box.lon_min_e7;
		box.lon_max_e7 = r->lon_e7 > box.lon_max_e7 ? r->lon_e7 : box.lon_max_e7;
	}
	return !box_is_empty(&box) && region_where(w->region, &box) != REGION_OUTSIDE;
}

static enum status take_head(struct archive_walk *w)
{
	const struct report_list *h = &w->head;
	bool near = head_is_near(w);
	enum status status = add_to_run(w, h->reports[0].time_ms, h->reports[h->count - 1].time_ms, near);
	if (w->run.tangled || (!near && !outside_matters(w)))
		return status;
	for (size_t i = 0; i < h->count && !status; i++)
		status = judge(w, &h->reports[i]);
	return status;
}

static enum status walk_pieces(struct archive_walk *w, struct store_blocks *blocks)
{
	bool head_left = w->head.count != 0;
	struct store_block b;
	for (;;) {
		enum status status = store_blocks_next(blocks, &b);
		bool ended = status == STATUS_END;
		if (status && !ended)
			return status;
		if (head_left && (ended || w->head.reports[0].time_ms <= b.summary.time_first_ms)) {
			head_left = false;
			status = take_head(w);
		} else {
			status = STATUS_OK;
		}
		if (!status)
			status = ended ? end_run(w) : take_block(w, blocks, &b.summary);
		if (status || ended)
			return status;
	}
}

static enum status open_blocks(struct archive_walk *w)
{
	const struct archive_query *q = w->query;
	if (w->blocks)
		return store_blocks_turn(w->blocks, w->slot->device);
	return store_blocks_open(w->engine->store, w->slot->device, q->from_ms, q->to_ms, true, &w->blocks);
}

enum status archive_walk_device(struct archive_walk *w, struct archive_slot *slot)
{
	const struct archive_query *q = w->query;
	w->slot = slot;
	w->run = (struct run){.any = false};
	slot->tally = (struct archive_tally){.reports = 0};
	report_list_clear(&w->head);
	struct head_stand at;
	enum status status = head_copy(&engine_owner(w->engine, slot->device)->heads, slot->device, q->from_ms,
				       q->to_ms, &w->head, &at);
	if (!status)
		status = open_blocks(w);
	return status ? status : walk_pieces(w, w->blocks);
}
