#include "engine/fleet/latest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/fleet/fleet_internal.h"

#define NO_PLACE (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET)
#define NEVER INT64_MIN
/* A device that reports every ten minutes is found in the first window, in a block or two; one that was silent for a
 * night in the second. */
static const int64_t windows_ms[] = {INT64_C(6) * 3600000, BLOCK_SPAN_MAX_MS, INT64_MAX};
#define WINDOWS (sizeof windows_ms / sizeof *windows_ms)

/* What a thread needs of its own. */
struct seeker {
	struct engine *engine;
	struct report_list head;
	bool tied; /* two pieces have a report of the last instant: only the whole track tells which is the last */
	int64_t time_ms[BLOCK_REPORTS_MAX];
	int32_t lat_e7[BLOCK_REPORTS_MAX], lon_e7[BLOCK_REPORTS_MAX];
	uint16_t speed_dkmh[BLOCK_REPORTS_MAX], course_deg[BLOCK_REPORTS_MAX], flags[BLOCK_REPORTS_MAX];
};

static struct seeker *seeker_new(struct engine *e)
{
	struct seeker *s = malloc(sizeof *s);
	if (!s)
		return NULL;
	s->engine = e;
	/* the head and what left it for a writer that is behind */
	s->head = report_list_init(HEAD_REPORTS_MAX * 64u, HEAD_REPORTS_MAX * 64u * (size_t)REPORT_BODY_MAX);
	return s;
}

static void seeker_free(struct seeker *s)
{
	if (s)
		report_list_deinit(&s->head);
	free(s);
}

static struct latest nothing(void)
{
	return (struct latest){.heard_ms = NEVER, .placed_ms = NEVER};
}

static void place(struct latest *out, int64_t time_ms, struct geo_point at, uint16_t speed_dkmh, uint16_t course_deg)
{
	out->placed_ms = time_ms;
	out->at = at;
	out->speed_dkmh = speed_dkmh;
	out->course_deg = course_deg;
}

static void take_report(struct latest *out, const struct report *r)
{
	if (r->flags & REPORT_FLAG_FUTURE)
		return;
	if (r->time_ms > out->heard_ms)
		out->heard_ms = r->time_ms;
	if (!(r->flags & NO_PLACE) && r->time_ms >= out->placed_ms)
		place(out, r->time_ms, (struct geo_point){r->lat_e7, r->lon_e7}, r->speed_dkmh, r->course_deg);
}

/* The latest report of all is the answer when the instant is not before it, and a device without a head never sent one;
 * true when there is nothing more to ask. */
static bool take_last(struct seeker *s, const struct latest_ask *ask, struct latest *out)
{
	struct heads *h = &engine_owner(s->engine, ask->device)->heads;
	pthread_mutex_lock(&h->lock);
	struct head *head = heads_find(h, ask->device);
	const struct report *last = head ? head_last(head) : NULL;
	bool done = !head || (last && last->time_ms < ask->from_ms) ||
		    (last && last->time_ms <= ask->to_ms && !(last->flags & NO_PLACE));
	if (done && last && last->time_ms >= ask->from_ms)
		take_report(out, last);
	pthread_mutex_unlock(&h->lock);
	return done;
}

/* --- the whole track of an instant --- */

static enum status take_track(struct seeker *s, uint64_t device, int64_t from_ms, int64_t to_ms, struct latest *out)
{
	struct track *t;
	struct report r;
	enum status status = track_open(s->engine, device, from_ms, to_ms, &t);
	if (status)
		return status;
	while (!(status = track_next(t, &r)))
		take_report(out, &r);
	track_close(t);
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- pieces --- */

/* One piece's last reports beside what other pieces gave. */
static void join(struct seeker *s, struct latest *out, const struct latest *piece)
{
	if (piece->heard_ms > out->heard_ms)
		out->heard_ms = piece->heard_ms;
	s->tied |= piece->placed_ms != NEVER && piece->placed_ms == out->placed_ms;
	if (piece->placed_ms > out->placed_ms)
		place(out, piece->placed_ms, piece->at, piece->speed_dkmh, piece->course_deg);
}

static enum status take_head(struct seeker *s, const struct latest_ask *ask, struct latest *out)
{
	struct latest piece = nothing();
	struct head_stand at;
	report_list_clear(&s->head);
	enum status status = head_copy(&engine_owner(s->engine, ask->device)->heads, ask->device, ask->from_ms,
				       ask->to_ms, &s->head, &at);
	if (status)
		return status;
	for (size_t i = 0; i < s->head.count; i++)
		take_report(&piece, &s->head.reports[i]);
	join(s, out, &piece);
	return STATUS_OK;
}

/* The last row not after `to_ms`. */
static size_t rows_before(const struct block_columns *c, int64_t to_ms)
{
	size_t from = 0, until = c->count;
	while (from < until) {
		size_t middle = from + (until - from) / 2;
		if (c->time_ms[middle] <= to_ms)
			from = middle + 1;
		else
			until = middle;
	}
	return from;
}

static enum status take_block(struct seeker *s, const struct latest_ask *ask, struct store_blocks *blocks,
			      const struct block_summary *summary, struct latest *out)
{
	struct block_columns c = {.time_ms = s->time_ms,
				  .lat_e7 = s->lat_e7,
				  .lon_e7 = s->lon_e7,
				  .speed_dkmh = s->speed_dkmh,
				  .course_deg = s->course_deg,
				  .flags = summary->flags_or ? s->flags : NULL};
	struct latest piece = nothing();
	struct span bytes;
	enum status status = store_blocks_bytes(blocks, &bytes);
	if (!status)
		status = block_columns(bytes, &c);
	if (status)
		return status;
	for (size_t i = rows_before(&c, ask->to_ms); i-- && piece.placed_ms == NEVER;) {
		uint16_t flags = c.flags ? c.flags[i] : 0;
		if (c.time_ms[i] < ask->from_ms)
			break;
		if (flags & REPORT_FLAG_FUTURE)
			continue;
		if (piece.heard_ms == NEVER)
			piece.heard_ms = c.time_ms[i];
		if (!(flags & NO_PLACE))
			place(&piece, c.time_ms[i], (struct geo_point){c.lat_e7[i], c.lon_e7[i]}, c.speed_dkmh[i],
			      c.course_deg[i]);
	}
	join(s, out, &piece);
	return STATUS_OK;
}

static enum status take_blocks(struct seeker *s, const struct latest_ask *ask, struct latest *out)
{
	struct store_blocks *blocks;
	struct store_block b;
	enum status status = store_blocks_open(s->engine->store, ask->device, ask->from_ms, ask->to_ms, true, &blocks);
	if (status)
		return status;
	while (!status && !(status = store_blocks_next(blocks, &b)))
		status = take_block(s, ask, blocks, &b.summary, out);
	store_blocks_close(blocks);
	return status == STATUS_END ? STATUS_OK : status;
}

/* Of a long silence: where the last block begins that says a place, so that those before it need not be opened. */
static enum status tighten(struct seeker *s, struct latest_ask *ask)
{
	struct store_blocks *blocks;
	struct store_block b;
	int64_t last_ms = ask->from_ms;
	enum status status = store_blocks_open(s->engine->store, ask->device, ask->from_ms, ask->to_ms, true, &blocks);
	if (status)
		return status;
	while (!(status = store_blocks_next(blocks, &b)))
		if (b.summary.fixes && !(b.summary.flags_or & (REPORT_FLAG_OFFSET | REPORT_FLAG_FUTURE)) &&
		    b.summary.time_last_ms <= ask->to_ms && b.summary.time_first_ms > last_ms)
			last_ms = b.summary.time_first_ms;
	store_blocks_close(blocks);
	ask->from_ms = last_ms;
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status take_window(struct seeker *s, const struct latest_ask *ask, struct latest *out)
{
	s->tied = false;
	*out = nothing();
	/* the head first: what is committed in between is seen twice, never missed */
	enum status status = take_head(s, ask, out);
	if (!status)
		status = take_blocks(s, ask, out);
	if (!status && s->tied) {
		int64_t heard_ms = out->heard_ms;
		status = take_track(s, ask->device, out->placed_ms, out->placed_ms, out);
		out->heard_ms = heard_ms;
	}
	return status;
}

static enum status seek(struct seeker *s, const struct latest_ask *ask, struct latest *out)
{
	enum status status = STATUS_OK;
	*out = nothing();
	if (take_last(s, ask, out))
		return STATUS_OK;
	for (size_t i = 0; i < WINDOWS && !status && out->placed_ms == NEVER; i++) {
		struct latest_ask part = *ask;
		bool last = windows_ms[i] == INT64_MAX ||
			    (uint64_t)ask->to_ms - (uint64_t)ask->from_ms <= (uint64_t)windows_ms[i];
		if (!last)
			part.from_ms = ask->to_ms - windows_ms[i];
		else if (i)
			status = tighten(s, &part);
		if (!status)
			status = take_window(s, &part, out);
		if (last)
			break;
	}
	return status;
}

/* --- threads --- */

struct seeking {
	struct engine *engine;
	const struct latest_ask *asks;
	struct latest *out;
	size_t count;
	_Atomic size_t next; /* ask that nobody took yet */
};

static void *seek_main(void *argument)
{
	struct seeking *all = argument;
	struct seeker *s = seeker_new(all->engine);
	size_t i;
	while ((i = atomic_fetch_add_explicit(&all->next, 1, memory_order_relaxed)) < all->count)
		all->out[i].status = s ? seek(s, &all->asks[i], &all->out[i]) : STATUS_NO_MEMORY;
	seeker_free(s);
	return NULL;
}

enum status engine_latest(struct engine *e, const struct latest_ask *asks, size_t count, unsigned threads,
			  struct latest *out)
{
	struct seeking all = {.engine = e, .asks = asks, .out = out, .count = count};
	pthread_t crew[ARCHIVE_THREADS_MAX];
	unsigned begun = 0;
	for (size_t i = 0; i < count; i++)
		if (asks[i].from_ms > asks[i].to_ms)
			return STATUS_INVALID;
	/* a thread that does not begin leaves its part to the others */
	while (begun + 1 < threads && begun + 1 < ARCHIVE_THREADS_MAX && begun + 1 < count &&
	       !pthread_create(&crew[begun], NULL, seek_main, &all))
		begun++;
	seek_main(&all);
	while (begun)
		pthread_join(crew[--begun], NULL);
	for (size_t i = 0; i < count; i++)
		if (out[i].status)
			return out[i].status;
	return STATUS_OK;
}
