#include "engine/store/timeline.h"

#include <stdlib.h>
#include <string.h>

struct source {
	struct family *family; /* NULL: `held` */
	struct family *partner;
	struct rocks_iter *rows, *partner_rows;
	uint64_t device; /* whose rows `rows` was brought to */
	bool has_row;
	struct span key, value;
};

struct timeline {
	struct store *store;
	const struct rocks_snapshot *snapshot;
	struct rocks_range range; /* in time families; bounds point into `lower` and `upper` */
	uint64_t writes;          /* of the store when the snapshot was taken */
	int64_t from_ms, to_ms;
	bool turned; /* iterators are open-ended: rows are held against the bounds here */
	uint8_t lower[1 + 16], upper[1 + KEY_MESSAGE_SIZE + 1];
	enum family_kind kind;
	struct source *sources; /* held, odd ..., then months ascending */
	size_t count;
	size_t opened;  /* sources[0 .. opened) have iterators */
	size_t current; /* the source of the row handed out, or `count` */
};

/* Rows passed over before a seek is the shorter way. */
#define TURN_STEPS 2

/* --- opening --- */

/* The bounds of a source's keys. Those of `held` begin with a tag. */
static struct rocks_range source_range(struct timeline *t, const struct source *source)
{
	struct rocks_range range = t->range;
	range.one_device = source->family && !t->turned;
	range.open_ended = t->turned;
	if (source->family)
		return range;
	t->lower[0] = t->upper[0] = t->kind == FAMILY_MESSAGE  ? HELD_MESSAGE
				    : t->kind == FAMILY_SERIES ? HELD_VALUES
							       : HELD_BLOCK;
	range.lower = span_of(t->lower, range.lower.size + 1);
	range.upper = span_of(t->upper, range.upper.size + 1);
	return range;
}

static int compare_keys(struct span a, struct span b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = memcmp(a.data, b.data, size);
	return order ? order : (a.size > b.size) - (a.size < b.size);
}

static size_t skip_of(const struct source *source)
{
	return source->family ? 0 : 1;
}

static enum status source_fetch(struct timeline *t, struct source *source)
{
	size_t skip = skip_of(source);
	enum status status = rocks_iter_row(source->rows, &source->key, &source->value);
	source->has_row = status == STATUS_OK;
	if (source->has_row && t->turned && compare_keys(source->key, source_range(t, source).upper) >= 0) {
		source->has_row = false;
		return STATUS_OK;
	}
	if (status == STATUS_OK && source->key.size < skip + 2 * sizeof(uint64_t))
		return STATUS_CORRUPT;
	if (status == STATUS_OK)
		source->key = span_of(source->key.data + skip, source->key.size - skip);
	return status == STATUS_END ? STATUS_OK : status;
}

/* To the first row from `lower` on. A row or two further is the way from one device to the next. */
static void iter_turn(struct rocks_iter *it, struct span lower, bool forward)
{
	struct span key, value;
	for (int step = 0; forward && step < TURN_STEPS; step++) {
		enum status status = rocks_iter_row(it, &key, &value);
		if (status == STATUS_END || (!status && compare_keys(key, lower) >= 0))
			return;
		rocks_iter_next(it);
	}
	rocks_iter_seek(it, lower);
}

static enum status source_open(struct timeline *t, struct source *source)
{
	struct rocks_range range = source_range(t, source);
	struct rocks_family *handle = source->family ? source->family->handle : t->store->families.lasting[STORE_HELD];
	uint64_t device = load_be64(t->lower + 1);
	enum status status = STATUS_OK;
	if (source->rows)
		iter_turn(source->rows, range.lower, source->device < device);
	else
		status = rocks_iter_open(t->store->families.rocks, handle, &range, &source->rows);
	source->device = device;
	return status == STATUS_OK ? source_fetch(t, source) : status;
}

/* Bounds: device | from, and the key after device | to. Both carry a leading byte for the tag of `held`. */
static void set_bounds(struct timeline *t, uint64_t device)
{
	store_be64(t->lower + 1, device);
	store_be64(t->lower + 9, time_bias(t->from_ms));
	store_be64(t->upper + 1, device);
	store_be64(t->upper + 9, time_bias(t->to_ms));
	t->range.lower = span_of(t->lower + 1, 16);
	/* longer than any key of this instant and full of ones: above all of them */
	memset(t->upper + 17, 0xff, sizeof t->upper - 17);
	t->range.upper = span_of(t->upper + 1, sizeof t->upper - 1);
	t->range.snapshot = t->snapshot;
}

static enum status take_sources(struct timeline *t, struct family_list *list)
{
	t->sources = calloc(list->count + 1, sizeof *t->sources);
	if (!t->sources)
		return STATUS_NO_MEMORY;
	if (t->store->families.lasting[STORE_HELD])
		t->count++;
	for (size_t i = 0; i < list->count; i++) {
		struct source *source = &t->sources[t->count++];
		source->family = list->items[i];
		list->items[i] = NULL;
		if (t->kind != FAMILY_SUMMARY)
			continue;
		struct family_id id = source->family->id;
		id.kind = FAMILY_TRACK;
		source->partner = families_find(&t->store->families, id);
	}
	return STATUS_OK;
}

static uint32_t source_month(const struct source *source)
{
	return source->family ? source->family->id.month : MONTH_ODD;
}

/* Open the sources of the next month that has any. */
static enum status open_month(struct timeline *t)
{
	uint32_t month = source_month(&t->sources[t->opened]);
	while (t->opened < t->count && source_month(&t->sources[t->opened]) == month) {
		enum status status = source_open(t, &t->sources[t->opened++]);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/* The families of the span and the snapshot, none of them open yet. */
static enum status take_view(struct timeline *t)
{
	struct store *s = t->store;
	struct family_list list = {NULL, 0};
	pthread_rwlock_rdlock(&s->gate);
	t->writes = rocks_writes(s->families.rocks);
	enum status status = families_list(&s->families, t->kind, month_of(t->from_ms), month_of(t->to_ms), &list);
	if (status == STATUS_OK)
		status = take_sources(t, &list);
	if (status == STATUS_OK)
		t->snapshot = rocks_snapshot_take(s->families.rocks);
	pthread_rwlock_unlock(&s->gate);
	family_list_release(&list);
	t->current = t->count;
	return status;
}

static void release_view(struct timeline *t)
{
	for (size_t i = 0; t->sources && i < t->count; i++) {
		rocks_iter_close(t->sources[i].rows);
		rocks_iter_close(t->sources[i].partner_rows);
		family_unref(t->sources[i].family);
		family_unref(t->sources[i].partner);
	}
	rocks_snapshot_release(t->store->families.rocks, t->snapshot);
	free(t->sources);
	t->sources = NULL;
	t->snapshot = NULL;
	t->count = t->opened = t->current = 0;
}

enum status timeline_open(struct store *s, enum family_kind kind, uint64_t device, int64_t from_ms, int64_t to_ms,
			  struct timeline **out)
{
	struct timeline *t = calloc(1, sizeof *t);
	if (!t)
		return STATUS_NO_MEMORY;
	t->store = s;
	t->kind = kind;
	t->from_ms = from_ms;
	t->to_ms = to_ms;
	enum status status = take_view(t);
	set_bounds(t, device);
	if (status != STATUS_OK) {
		timeline_close(t);
		return status;
	}
	*out = t;
	return STATUS_OK;
}

void timeline_close(struct timeline *t)
{
	if (!t)
		return;
	release_view(t);
	free(t);
}

enum status timeline_turn(struct timeline *t, uint64_t device)
{
	bool first = !t->turned;
	bool written = rocks_writes(t->store->families.rocks) != t->writes;
	t->turned = true;
	enum status status = STATUS_OK;
	if (first || written) {
		release_view(t);
		status = take_view(t);
	}
	set_bounds(t, device);
	t->opened = 0;
	t->current = t->count;
	return status;
}

/* --- walking --- */

/* By time and the rest of the key; a held copy after the row it was made of. */
static int compare_rows(const struct source *a, const struct source *b)
{
	size_t size = a->key.size < b->key.size ? a->key.size : b->key.size;
	int order = memcmp(a->key.data, b->key.data, size);
	return order ? order : !a->family - !b->family;
}

static struct source *least(struct timeline *t)
{
	struct source *best = NULL;
	for (size_t i = 0; i < t->opened; i++)
		if (t->sources[i].has_row && (!best || compare_rows(&t->sources[i], best) < 0))
			best = &t->sources[i];
	return best;
}

static enum status advance_current(struct timeline *t)
{
	if (t->current == t->count)
		return STATUS_OK;
	struct source *source = &t->sources[t->current];
	t->current = t->count;
	rocks_iter_next(source->rows);
	return source_fetch(t, source);
}

static int64_t row_time(const struct source *source)
{
	return time_unbias(load_be64(source->key.data + 8));
}

enum status timeline_next(struct timeline *t, struct timeline_row *out)
{
	enum status status = advance_current(t);
	struct source *best = NULL;
	while (status == STATUS_OK) {
		best = least(t);
		bool more = t->opened < t->count;
		if (!more || (best && row_time(best) < month_start(source_month(&t->sources[t->opened]))))
			break;
		status = open_month(t);
	}
	if (status != STATUS_OK || !best)
		return status == STATUS_OK ? STATUS_END : status;
	t->current = (size_t)(best - t->sources);
	*out = (struct timeline_row){best->key, best->value, {.kind = (uint8_t)t->kind}, !best->family, t->current};
	if (best->family)
		out->id = best->family->id;
	return STATUS_OK;
}

enum status timeline_partner(struct timeline *t, const struct timeline_row *row, struct span *out)
{
	struct source *source = &t->sources[row->source];
	struct span key;
	if (!source->partner)
		return STATUS_NOT_FOUND;
	if (!source->partner_rows) {
		struct rocks_range range = source_range(t, source);
		range.lower = row->key;
		enum status status = rocks_iter_open(t->store->families.rocks, source->partner->handle, &range,
						     &source->partner_rows);
		if (status != STATUS_OK)
			return status;
	} else {
		rocks_iter_next(source->partner_rows);
	}
	enum status status = rocks_iter_row(source->partner_rows, &key, out);
	/* after a turn it may stand anywhere, behind the last row too */
	if (status == STATUS_END || (status == STATUS_OK && !span_equal(key, row->key))) {
		rocks_iter_seek(source->partner_rows, row->key);
		status = rocks_iter_row(source->partner_rows, &key, out);
	}
	if (status == STATUS_OK && !span_equal(key, row->key))
		status = STATUS_NOT_FOUND;
	return status == STATUS_END ? STATUS_NOT_FOUND : status;
}
