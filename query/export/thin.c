#include "query/export/thin.h"

#include <stdlib.h>
#include <string.h>

/* Which report a slot prefers: a before b when it is more extreme. */
enum slot { SLOT_FASTEST, SLOT_NORTH, SLOT_SOUTH, SLOT_EAST, SLOT_WEST };
_Static_assert(SLOT_WEST + 1 == THIN_KEPT, "one slot a kept report");

struct thin_bucket {
	bool has[THIN_KEPT];
	bool empty; /* holds no report yet */
	struct report kept[THIN_KEPT];
	struct report first;
};

static bool counts(enum slot slot, const struct report *r)
{
	if (slot == SLOT_FASTEST)
		return r->speed_dkmh != SPEED_UNKNOWN;
	return !(r->flags & REPORT_FLAG_NO_FIX);
}

static bool beats(enum slot slot, const struct report *a, const struct report *b)
{
	switch (slot) {
	case SLOT_FASTEST:
		return a->speed_dkmh > b->speed_dkmh;
	case SLOT_NORTH:
		return a->lat_e7 > b->lat_e7;
	case SLOT_SOUTH:
		return a->lat_e7 < b->lat_e7;
	case SLOT_EAST:
		return a->lon_e7 > b->lon_e7;
	case SLOT_WEST:
		return a->lon_e7 < b->lon_e7;
	}
	return false;
}

static void bucket_offer(struct thin_bucket *b, enum slot slot, const struct report *r)
{
	if (b->has[slot] && !beats(slot, r, &b->kept[slot]))
		return;
	b->has[slot] = true;
	b->kept[slot] = *r;
}

static void bucket_add(struct thin_bucket *b, const struct report *r)
{
	if (b->empty)
		b->first = *r;
	b->empty = false;
	for (enum slot slot = 0; slot < THIN_KEPT; slot++)
		if (counts(slot, r))
			bucket_offer(b, slot, r);
}

/* `later` follows `into`. */
static void bucket_merge(struct thin_bucket *into, const struct thin_bucket *later)
{
	for (enum slot slot = 0; slot < THIN_KEPT; slot++)
		if (later->has[slot])
			bucket_offer(into, slot, &later->kept[slot]);
}

enum status thin_init(struct thin *t, size_t points)
{
	*t = (struct thin){.points = points, .width = 1};
	t->bucket_max = points < THIN_POINTS_MIN ? 1 : (points - 2) / THIN_KEPT;
	if (t->bucket_max > 1 && t->bucket_max % 2)
		t->bucket_max--; /* so that all merge in pairs */
	t->early = malloc(points * sizeof *t->early);
	t->buckets = malloc(t->bucket_max * sizeof *t->buckets);
	if (t->early && t->buckets)
		return STATUS_OK;
	thin_deinit(t);
	return STATUS_NO_MEMORY;
}

void thin_deinit(struct thin *t)
{
	free(t->early);
	free(t->buckets);
	t->early = NULL;
	t->buckets = NULL;
}

static void halve(struct thin *t)
{
	for (size_t i = 0; i + 1 < t->bucket_count; i += 2) {
		t->buckets[i / 2] = t->buckets[i];
		bucket_merge(&t->buckets[i / 2], &t->buckets[i + 1]);
	}
	t->bucket_count /= 2;
	t->in_last = t->width *= 2;
}

static struct thin_bucket *bucket_for_next(struct thin *t)
{
	if (t->bucket_count && (t->in_last < t->width || t->bucket_max == 1)) {
		t->in_last++;
		return &t->buckets[t->bucket_count - 1];
	}
	if (t->bucket_count == t->bucket_max)
		halve(t);
	t->in_last = 1;
	struct thin_bucket *b = &t->buckets[t->bucket_count++];
	memset(b, 0, sizeof *b);
	b->empty = true;
	return b;
}

void thin_add(struct thin *t, const struct report *r)
{
	struct report copy = *r;
	copy.items = NULL;
	copy.items_size = 0;
	if (!t->count)
		t->first = copy;
	t->last = copy;
	if (t->count < t->points)
		t->early[t->count] = copy;
	t->count++;
	bucket_add(bucket_for_next(t), &copy);
}

static int by_order(const void *a, const void *b)
{
	return report_compare(a, b);
}

/* Add unless it is there already; reports of a bucket are few. */
static size_t push_new(struct report *out, size_t from, size_t count, const struct report *r)
{
	for (size_t i = from; i < count; i++)
		if (!report_compare(&out[i], r))
			return count;
	out[count] = *r;
	return count + 1;
}

static size_t gather(struct thin *t, struct report *out)
{
	size_t n = push_new(out, 0, 0, &t->first);
	n = push_new(out, 0, n, &t->last);
	for (size_t i = 0; i < t->bucket_count; i++) {
		const struct thin_bucket *b = &t->buckets[i];
		size_t from = n;
		bool any = false;
		for (enum slot slot = 0; slot < THIN_KEPT && n < t->points; slot++) {
			any |= slot != SLOT_FASTEST && b->has[slot];
			if (b->has[slot] && report_compare(&b->kept[slot], &t->first) &&
			    report_compare(&b->kept[slot], &t->last))
				n = push_new(out, from, n, &b->kept[slot]);
		}
		if (!any && n < t->points && report_compare(&b->first, &t->first) &&
		    report_compare(&b->first, &t->last))
			n = push_new(out, from, n, &b->first);
	}
	return n;
}

void thin_finish(struct thin *t, const struct report **out, size_t *count)
{
	*out = t->early;
	*count = t->count <= t->points ? (size_t)t->count : gather(t, t->early);
	qsort(t->early, *count, sizeof *t->early, by_order);
}
