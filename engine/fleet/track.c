/* track.c -- one device's reports in order, each once, from blocks and head.
 *
 *   head copy ─┐
 *   block     ─┼─ smallest first, equal ones merged ──> track_next
 *   block     ─┘        a block is opened when the walk reaches its first report
 *
 * The head is copied before the store's snapshot is taken: what is committed in between is seen twice and merged,
 * never missed. */
#include <stdlib.h>

#include "engine/fleet/fleet_internal.h"

struct source {
	struct report_list reports;
	size_t at;
};

struct track {
	int64_t from_ms, to_ms;
	struct store_blocks *blocks;
	struct store_block next; /* the first block not opened yet */
	bool blocks_left;
	struct source **sources;
	size_t count, capacity;
	struct source *spent; /* exhausted, but the report given out last borrows from it */
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
	if (s)
		report_list_deinit(&s->reports);
	free(s);
}

/* Takes `s` in any case. */
static enum status add_source(struct track *t, struct source *s)
{
	while (s->at < s->reports.count && s->reports.reports[s->at].time_ms < t->from_ms)
		s->at++;
	if (s->at == s->reports.count) {
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

static enum status advance_blocks(struct track *t)
{
	enum status status = store_blocks_next(t->blocks, &t->next);
	t->blocks_left = status == STATUS_OK;
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status open_block(struct track *t)
{
	struct source *s = source_new(BLOCK_REPORTS_MAX);
	if (!s)
		return STATUS_NO_MEMORY;
	enum status status = block_reports(t->next.bytes, &s->reports);
	if (status) {
		source_free(s);
		return status;
	}
	status = add_source(t, s);
	return status ? status : advance_blocks(t);
}

static struct report *front(const struct source *s)
{
	return &s->reports.reports[s->at];
}

static size_t smallest(const struct track *t)
{
	size_t best = 0;
	for (size_t i = 1; i < t->count; i++)
		if (report_compare(front(t->sources[i]), front(t->sources[best])) < 0)
			best = i;
	return best;
}

/* Open every block that may hold something at or before the next report. */
static enum status open_reached(struct track *t)
{
	while (t->blocks_left &&
	       (!t->count || t->next.summary.time_first_ms <= front(t->sources[smallest(t)])->time_ms)) {
		enum status status = open_block(t);
		if (status)
			return status;
	}
	return STATUS_OK;
}

static void step(struct track *t, size_t i)
{
	struct source *s = t->sources[i];
	if (++s->at < s->reports.count)
		return;
	t->sources[i] = t->sources[--t->count];
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
	int64_t sealed_until_ms;
	enum status status =
		head_copy(&engine_owner(e, device)->heads, device, from_ms, to_ms, &head->reports, &sealed_until_ms);
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
	step(t, best);
	/* duplicates lie in other sources; those may end too, but the items given out are the first one's */
	struct source *keep = t->spent;
	for (size_t i = 0; i < t->count;) {
		if (report_compare(front(t->sources[i]), &t->given) != 0) {
			i++;
			continue;
		}
		report_merge(&t->given, front(t->sources[i]));
		struct source *duplicate = t->sources[i];
		if (++duplicate->at < duplicate->reports.count)
			continue;
		t->sources[i] = t->sources[--t->count];
		source_free(duplicate);
	}
	t->spent = keep;
	*out = t->given;
	return STATUS_OK;
}

void track_close(struct track *t)
{
	if (!t)
		return;
	store_blocks_close(t->blocks);
	for (size_t i = 0; i < t->count; i++)
		source_free(t->sources[i]);
	source_free(t->spent);
	free(t->sources);
	free(t);
}
