/* track.c -- one device's reports in order, each once, from blocks and head.
 *
 *   head copy ─┐
 *   block     ─┼─ smallest first, equal ones merged ──> track_next
 *   block     ─┘        a block is opened when the walk reaches its first report
 *                 alone ────────────────────────────> track_rows, track_skip: its columns
 *
 * The head is copied before the store's snapshot is taken: what is committed in between is seen twice and merged,
 * never missed. */
#include <stdlib.h>

#include "engine/fleet/fleet_internal.h"

/* Of a block without items only the columns are opened, and of them the report that is next. */
struct source {
	struct report_list reports;
	struct block_rows *rows; /* NULL: all are in `reports` */
	size_t at, count;
	struct report front; /* of `rows`, number `front_at` */
	size_t front_at;
};

struct track {
	int64_t from_ms, to_ms;
	bool judged;
	struct store_blocks *blocks;
	struct store_block next; /* the first block not opened yet */
	bool blocks_left;
	struct source **sources;
	size_t count, capacity;
	struct source *spent;     /* exhausted, but the report given out last borrows from it */
	struct block_rows *spare; /* those of a source that has ended */
	struct report given;
};

static struct source *source_new(size_t reports_max)
{
	struct source *s = calloc(1, sizeof *s);
	if (s)
		s->reports = report_list_init(reports_max, reports_max * (size_t)REPORT_BODY_MAX);
	return s;
}

static void source_free(struct source *s)
{
	if (s) {
		report_list_deinit(&s->reports);
		free(s->rows);
	}
	free(s);
}

static int64_t time_at(const struct source *s, size_t i)
{
	return s->rows ? s->rows->time[i] : s->reports.reports[i].time_ms;
}

/* Takes `s` in any case. */
static enum status add_source(struct track *t, struct source *s)
{
	while (s->at < s->count && time_at(s, s->at) < t->from_ms)
		s->at++;
	if (s->at == s->count) {
		source_free(s);
		return STATUS_OK;
	}
	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 4;
		struct source **sources = realloc(t->sources, capacity * sizeof(struct source *));
		if (!sources) {
			source_free(s);
			return STATUS_NO_MEMORY;
		}
		t->sources = sources;
		t->capacity = capacity;
	}
	t->sources[t->count++] = s;
	return STATUS_OK;
}

/* What outlived its month for a case has holes: it proves what was found, and nothing is looked for in it. */
static enum status advance_blocks(struct track *t)
{
	enum status status = store_blocks_next(t->blocks, &t->next);
	while (!status && t->judged && t->next.held)
		status = store_blocks_next(t->blocks, &t->next);
	t->blocks_left = status == STATUS_OK;
	return status == STATUS_END ? STATUS_OK : status;
}

/* The block's columns, when they are enough. */
static enum status open_rows(struct track *t, struct source *s)
{
	struct block_rows *rows = t->spare ? t->spare : malloc(sizeof *rows);
	t->spare = NULL;
	if (!rows)
		return STATUS_NO_MEMORY;
	enum status status = block_rows_open(t->next.bytes, rows);
	if (status || !rows->plain) {
		t->spare = rows;
		return status;
	}
	s->rows = rows;
	s->count = rows->count;
	s->front_at = SIZE_MAX;
	return STATUS_OK;
}

static enum status open_block(struct track *t)
{
	struct source *s = source_new(BLOCK_REPORTS_MAX);
	if (!s)
		return STATUS_NO_MEMORY;
	enum status status = open_rows(t, s);
	if (!status && !s->rows) {
		status = block_reports(t->next.bytes, &s->reports);
		s->count = s->reports.count;
	}
	if (status) {
		source_free(s);
		return status;
	}
	status = add_source(t, s);
	return status ? status : advance_blocks(t);
}

static const struct report *front(struct source *s)
{
	if (!s->rows)
		return &s->reports.reports[s->at];
	if (s->front_at != s->at) {
		s->front = block_rows_report(s->rows, s->at);
		s->front_at = s->at;
	}
	return &s->front;
}

static size_t smallest(const struct track *t)
{
	size_t best = 0;
	for (size_t i = 1; i < t->count; i++)
		if (report_compare(front(t->sources[i]), front(t->sources[best])) < 0)
			best = i;
	return best;
}

static int64_t first_time(const struct track *t)
{
	int64_t first_ms = INT64_MAX;
	for (size_t i = 0; i < t->count; i++)
		if (time_at(t->sources[i], t->sources[i]->at) < first_ms)
			first_ms = time_at(t->sources[i], t->sources[i]->at);
	return first_ms;
}

/* Open every block that may hold something at or before the next report. */
static enum status open_reached(struct track *t)
{
	while (t->blocks_left && (!t->count || t->next.summary.time_first_ms <= first_time(t))) {
		enum status status = open_block(t);
		if (status)
			return status;
	}
	return STATUS_OK;
}

static void step(struct track *t, size_t i, size_t by)
{
	struct source *s = t->sources[i];
	s->at += by;
	if (s->at < s->count)
		return;
	t->sources[i] = t->sources[--t->count];
	if (s->rows && !t->spare) {
		t->spare = s->rows;
		s->rows = NULL;
	}
	if (t->spent && t->spent != s)
		source_free(t->spent);
	t->spent = s;
}

static enum status open_track(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms, bool judged,
			      struct track **out)
{
	struct track *t = calloc(1, sizeof *t);
	struct source *head = source_new(HEAD_REPORTS_MAX * 64u);
	if (!t || !head) {
		free(t);
		source_free(head);
		return STATUS_NO_MEMORY;
	}
	t->from_ms = from_ms;
	t->to_ms = to_ms;
	t->judged = judged;
	int64_t sealed_until_ms;
	enum status status =
		head_copy(&engine_owner(e, device)->heads, device, from_ms, to_ms, &head->reports, &sealed_until_ms);
	head->count = head->reports.count;
	if (status)
		source_free(head);
	else
		status = add_source(t, head);
	if (!status && (!judged || from_ms <= sealed_until_ms))
		status = store_blocks_open(e->store, device, from_ms, to_ms, false, &t->blocks);
	if (!status && t->blocks)
		status = advance_blocks(t);
	if (status) {
		track_close(t);
		return status;
	}
	*out = t;
	return STATUS_OK;
}

enum status track_open(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms, struct track **out)
{
	return open_track(e, device, from_ms, to_ms, false, out);
}

enum status track_open_judged(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms, struct track **out)
{
	return open_track(e, device, from_ms, to_ms, true, out);
}

enum status track_next(struct track *t, struct report *out)
{
	enum status status = open_reached(t);
	if (status)
		return status;
	if (!t->count)
		return STATUS_END;
	size_t best = smallest(t);
	t->given = *front(t->sources[best]);
	if (t->given.time_ms > t->to_ms)
		return STATUS_END;
	source_free(t->spent);
	t->spent = NULL;
	step(t, best, 1);
	/* duplicates lie in other sources; those may end too, but the items given out are the first one's */
	struct source *keep = t->spent;
	for (size_t i = 0; i < t->count;) {
		if (report_compare(front(t->sources[i]), &t->given) != 0) {
			i++;
			continue;
		}
		report_merge(&t->given, front(t->sources[i]));
		struct source *duplicate = t->sources[i];
		if (++duplicate->at < duplicate->count)
			continue;
		t->sources[i] = t->sources[--t->count];
		source_free(duplicate);
	}
	t->spent = keep;
	*out = t->given;
	return STATUS_OK;
}

/* --- columns --- */

/* The first of rows [from, until) that is not before `time_ms`. */
static size_t rows_until(const struct block_rows *rows, size_t from, size_t until, int64_t time_ms)
{
	if (until == from || rows->time[until - 1] < time_ms)
		return until;
	while (from < until) {
		size_t middle = from + (until - from) / 2;
		if (rows->time[middle] < time_ms)
			from = middle + 1;
		else
			until = middle;
	}
	return from;
}

enum status track_rows(struct track *t, int64_t before_ms, struct track_rows *out)
{
	*out = (struct track_rows){0};
	enum status status = open_reached(t);
	if (status || t->count != 1 || !t->sources[0]->rows)
		return status;
	struct source *s = t->sources[0];
	if (t->blocks_left && t->next.summary.time_first_ms < before_ms)
		before_ms = t->next.summary.time_first_ms;
	if (t->to_ms < before_ms)
		before_ms = t->to_ms;
	out->columns = block_rows_columns(s->rows);
	out->from = s->at;
	out->until = rows_until(s->rows, s->at, s->count - 1, before_ms);
	return STATUS_OK;
}

void track_skip(struct track *t, size_t count)
{
	if (count)
		step(t, 0, count);
}

void track_close(struct track *t)
{
	if (!t)
		return;
	store_blocks_close(t->blocks);
	for (size_t i = 0; i < t->count; i++)
		source_free(t->sources[i]);
	source_free(t->spent);
	free(t->spare);
	free(t->sources);
	free(t);
}
