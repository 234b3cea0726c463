/* track.c -- one device's reports in order, each once, from blocks and head.
 *
 *   head copy ─┐
 *   block     ─┼─ smallest first, equal ones merged ──> track_next
 *   block     ─┘        a block is taken when the walk reaches its first report, and opened when it is asked for
 *                 the first until another's ──────────> track_rows, track_skip: its columns
 *                 one alone, not opened yet ──────────> track_block, track_pass: its summary
 *
 * The head is copied before the store's snapshot is taken: what is committed in between is seen twice and merged,
 * never missed. */
#include <stdlib.h>

#include "engine/fleet/fleet_internal.h"

/* Of a block without items, or when they will not be asked for, only the columns are opened, and of them the report
 * that is next. */
struct source {
	struct report_list reports; /* of the head, or of a block that is `listed` */
	bool listed;
	struct buf block;             /* bytes of the block: it is opened from them, and completed; none of the head */
	struct block_summary summary; /* of the block */
	bool closed;                  /* the block has not been opened yet */
	struct block_rows *rows, *room; /* NULL: `reports` alone; memory for them, or NULL */
	size_t at, count;
	struct report front; /* of `rows`, number `front_at` */
	size_t front_at;
};

struct track {
	int64_t from_ms, to_ms;
	bool judged;
	uint64_t reports_total; /* of the head when it was copied */
	struct store_blocks *blocks;
	struct store_block next; /* the first block not taken yet */
	bool blocks_left;
	struct source **sources;
	size_t count, capacity;
	struct source *spent;  /* exhausted, but the report given out last borrows from it, or was passed over in it */
	struct source *spare;  /* one that has ended, to be used again */
	struct source *before; /* where reports were passed over last; NULL: none since track_next() */
	struct report given;
};

static struct source *source_new(size_t reports_max)
{
	struct source *s = calloc(1, sizeof *s);
	if (s) {
		s->reports = report_list_init(reports_max, reports_max * (size_t)REPORT_BODY_MAX);
		s->block = buf_init(BLOCK_BYTES_MAX);
	}
	return s;
}

static void source_free(struct source *s)
{
	if (s) {
		report_list_deinit(&s->reports);
		buf_deinit(&s->block);
		free(s->room);
	}
	free(s);
}

static int64_t time_at(const struct source *s, size_t i)
{
	if (s->closed)
		return s->summary.time_first_ms;
	return s->rows ? s->rows->time[i] : s->reports.reports[i].time_ms;
}

/* The block's columns, when they are enough. */
static enum status open_rows(struct source *s, enum block_want want)
{
	if (!s->room)
		s->room = malloc(sizeof *s->room);
	if (!s->room)
		return STATUS_NO_MEMORY;
	enum status status = block_rows_open(buf_view(&s->block), want, s->room);
	if (status || !s->room->plain)
		return status;
	s->rows = s->room;
	s->count = s->rows->count;
	s->front_at = SIZE_MAX;
	return STATUS_OK;
}

/* The block's reports with their items. */
static enum status source_list(struct source *s)
{
	enum status status = s->listed ? STATUS_OK : block_reports(buf_view(&s->block), &s->reports);
	s->listed = status == STATUS_OK;
	return status;
}

/* More of a block whose columns are open. */
static enum status source_widen(struct source *s, enum block_want want, bool bare)
{
	struct block_rows *rows = s->rows;
	if (rows->items) {
		enum status status = bare && want != BLOCK_WANT_WHOLE ? STATUS_OK : source_list(s);
		if (!status && !bare)
			s->rows = NULL;
		return status;
	}
	bool there = rows->whole || want == BLOCK_WANT_JUDGED || (want == BLOCK_WANT_MILEAGE && rows->mileage_known);
	return there ? STATUS_OK : block_rows_complete(buf_view(&s->block), rows);
}

/* The block opened as far as wanted. `bare`: columns will do for reports with items. */
static enum status source_open(struct source *s, enum block_want want, bool bare)
{
	size_t parts[BLOCK_PART_COUNT];
	if (!s->closed)
		return s->rows ? source_widen(s, want, bare) : STATUS_OK;
	enum status status = block_parts(buf_view(&s->block), parts);
	bool items = !status && parts[BLOCK_PART_ITEMS];
	if (!status && (!items || bare))
		status = open_rows(s, items ? BLOCK_WANT_MILEAGE : want);
	if (!status && (!s->rows || (items && want == BLOCK_WANT_WHOLE)))
		status = source_list(s);
	s->closed = status != STATUS_OK;
	return status;
}

/* Takes `s` in any case. */
static enum status add_source(struct track *t, struct source *s)
{
	enum status status = s->closed && s->summary.time_first_ms < t->from_ms
				     ? source_open(s, BLOCK_WANT_WHOLE, false)
				     : STATUS_OK;
	while (!status && s->at < s->count && time_at(s, s->at) < t->from_ms)
		s->at++;
	if (status || s->at == s->count) {
		source_free(s);
		return status;
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

/* A source for a block: the spare one when there is one, with its memory. */
static struct source *source_take(struct track *t)
{
	struct source *s = t->spare;
	if (!s)
		return source_new(BLOCK_REPORTS_MAX);
	t->spare = NULL;
	buf_clear(&s->block);
	report_list_clear(&s->reports);
	s->listed = false;
	s->rows = NULL;
	s->at = 0;
	return s;
}

static enum status take_block(struct track *t)
{
	struct source *s = source_take(t);
	if (!s)
		return STATUS_NO_MEMORY;
	enum status status = buf_append(&s->block, t->next.bytes.data, t->next.bytes.size);
	if (status) {
		source_free(s);
		return status;
	}
	s->summary = t->next.summary;
	s->count = s->summary.count;
	s->closed = true;
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

/* Take every block that may hold something at or before the next report. */
static enum status take_reached(struct track *t)
{
	while (t->blocks_left && (!t->count || t->next.summary.time_first_ms <= first_time(t))) {
		enum status status = take_block(t);
		if (status)
			return status;
	}
	return STATUS_OK;
}

/* Kept to be used again when it is a block's; else freed. */
static void source_end(struct track *t, struct source *s)
{
	if (s && s->block.size && !t->spare)
		t->spare = s;
	else
		source_free(s);
}

static void step(struct track *t, size_t i, size_t by)
{
	struct source *s = t->sources[i];
	s->at += by;
	if (s->at < s->count)
		return;
	t->sources[i] = t->sources[--t->count];
	source_end(t, t->spent);
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
	struct head_stand at;
	enum status status = head_copy(&engine_owner(e, device)->heads, device, from_ms, to_ms, &head->reports, &at);
	t->reports_total = at.reports_total;
	head->count = head->reports.count;
	if (status)
		source_free(head);
	else
		status = add_source(t, head);
	if (!status && (!judged || from_ms <= at.sealed_until_ms))
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

uint64_t track_reports_total(const struct track *t)
{
	return t->reports_total;
}

enum status track_next(struct track *t, struct report *out)
{
	enum status status = take_reached(t);
	for (size_t i = 0; i < t->count && !status; i++)
		status = source_open(t->sources[i], BLOCK_WANT_WHOLE, false);
	if (status)
		return status;
	if (!t->count)
		return STATUS_END;
	size_t best = smallest(t);
	t->given = *front(t->sources[best]);
	if (t->given.time_ms > t->to_ms)
		return STATUS_END;
	source_end(t, t->spent);
	t->spent = t->before = NULL;
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

/* The source that comes first, and the instant before which nothing else does. False: there is none. */
static bool first_alone(const struct track *t, int64_t before_ms, size_t *out_first, int64_t *out_until_ms)
{
	size_t first = 0;
	int64_t until_ms = t->to_ms < before_ms ? t->to_ms + 1 : before_ms;
	for (size_t i = 1; i < t->count; i++)
		if (time_at(t->sources[i], t->sources[i]->at) < time_at(t->sources[first], t->sources[first]->at))
			first = i;
	for (size_t i = 0; i < t->count; i++)
		if (i != first && time_at(t->sources[i], t->sources[i]->at) < until_ms)
			until_ms = time_at(t->sources[i], t->sources[i]->at);
	if (t->blocks_left && t->next.summary.time_first_ms < until_ms)
		until_ms = t->next.summary.time_first_ms;
	*out_first = first;
	*out_until_ms = until_ms;
	return t->count > 0;
}

enum status track_rows(struct track *t, int64_t before_ms, enum block_want want, bool bare, struct track_rows *out)
{
	size_t first;
	int64_t until_ms;
	*out = (struct track_rows){0};
	enum status status = take_reached(t);
	if (status || !first_alone(t, before_ms, &first, &until_ms))
		return status;
	struct source *s = t->sources[first];
	if (s->closed || s->rows)
		status = source_open(s, want, bare);
	if (status || !s->rows)
		return status;
	out->columns = block_rows_columns(s->rows);
	out->block = &s->summary;
	out->items = s->rows->items;
	out->source = first;
	out->from = s->at;
	out->until = rows_until(s->rows, s->at, s->count, until_ms);
	return STATUS_OK;
}

/* One report that nothing but all sources together tell. */
static enum status one_point(struct track *t, struct track_points *out)
{
	struct report r;
	enum status status = track_next(t, &r);
	const struct report *given = &t->given;
	if (!status)
		*out = (struct track_points){1,
					     &given->time_ms,
					     &given->lat_e7,
					     &given->lon_e7,
					     &given->speed_dkmh,
					     &given->course_deg,
					     &given->flags};
	return status;
}

enum status track_points(struct track *t, struct track_points *out)
{
	struct track_rows rows;
	enum status status = track_rows(t, INT64_MAX, BLOCK_WANT_JUDGED, true, &rows);
	if (status)
		return status;
	if (rows.from >= rows.until)
		return one_point(t, out);
	const struct block_columns *c = &rows.columns;
	size_t i = rows.from;
	*out = (struct track_points){rows.until - i,    c->time_ms + i,    c->lat_e7 + i, c->lon_e7 + i,
				     c->speed_dkmh + i, c->course_deg + i, c->flags + i};
	track_skip(t, &rows, out->count);
	return STATUS_OK;
}

/* The i-th report of a source that is whole. */
static struct report row_of(const struct source *s, size_t i)
{
	return s->rows && !s->rows->items ? block_rows_report(s->rows, i) : s->reports.reports[i];
}

enum status track_rows_complete(struct track *t, struct track_rows *rows)
{
	struct source *s = t->sources[rows->source];
	enum status status = source_open(s, BLOCK_WANT_WHOLE, true);
	rows->columns = block_rows_columns(s->rows);
	return status;
}

struct report track_row(const struct track *t, const struct track_rows *rows, size_t i)
{
	return row_of(t->sources[rows->source], i);
}

void track_skip(struct track *t, const struct track_rows *rows, size_t count)
{
	if (!count)
		return;
	t->before = t->sources[rows->source];
	step(t, rows->source, count);
}

enum status track_block(struct track *t, int64_t before_ms, const struct block_summary **out)
{
	size_t first;
	int64_t until_ms;
	*out = NULL;
	enum status status = take_reached(t);
	if (status || !first_alone(t, before_ms, &first, &until_ms))
		return status;
	struct source *s = t->sources[first];
	if (s->closed && s->summary.time_last_ms < until_ms)
		*out = &s->summary;
	return STATUS_OK;
}

void track_pass(struct track *t)
{
	size_t first;
	int64_t until_ms;
	if (!first_alone(t, INT64_MAX, &first, &until_ms))
		return;
	t->before = t->sources[first];
	step(t, first, t->before->count);
}

bool track_is_over(const struct track *t)
{
	return !t->count || first_time(t) > t->to_ms;
}

enum status track_before(struct track *t, struct report *out)
{
	struct source *s = t->before;
	enum status status = s ? source_open(s, BLOCK_WANT_WHOLE, true) : STATUS_NOT_FOUND;
	if (!status)
		*out = row_of(s, s->at - 1);
	return status;
}

void track_close(struct track *t)
{
	if (!t)
		return;
	store_blocks_close(t->blocks);
	for (size_t i = 0; i < t->count; i++)
		source_free(t->sources[i]);
	source_free(t->spent);
	source_free(t->spare);
	free(t->sources);
	free(t);
}
