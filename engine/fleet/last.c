/* last.c -- where everyone is now: reads of the heads' last reports, in small bites of their locks. */
#include <stdlib.h>
#include <string.h>

#include "engine/fleet/fleet_internal.h"

/* heads looked at under one hold of a lock: some microseconds */
#define BITE 256u

/* `head` has a last report */
static void fill(const struct head *head, struct last *out)
{
	out->device = head->device;
	out->report = *head_last(head);
	out->report.items = NULL;
	out->report.items_size = 0;
	out->seen_ms = head->seen_ms;
	out->reports = head_reports_total(head);
}

enum status engine_last(struct engine *e, uint64_t device, struct last *out)
{
	struct heads *h = &engine_owner(e, device)->heads;
	enum status status = STATUS_NOT_FOUND;
	pthread_mutex_lock(&h->lock);
	struct head *head = heads_find(h, device);
	if (head && head_last(head)) {
		fill(head, out);
		status = STATUS_OK;
	}
	pthread_mutex_unlock(&h->lock);
	return status;
}

struct box_e7 {
	int32_t lat_min, lon_min, lat_max, lon_max;
};

static bool inside(const struct box_e7 *box, const struct report *r)
{
	if (r->flags & REPORT_FLAG_NO_FIX || r->lat_e7 < box->lat_min || r->lat_e7 > box->lat_max)
		return false;
	if (box->lon_min <= box->lon_max)
		return r->lon_e7 >= box->lon_min && r->lon_e7 <= box->lon_max;
	return r->lon_e7 >= box->lon_min || r->lon_e7 <= box->lon_max;
}

/* The `max` smallest ids above `after`, kept as a heap with the largest on top. */
struct nearest {
	struct last *items;
	size_t count, max;
	uint64_t after;
	const struct box_e7 *box;
};

static void sift_down(struct nearest *n, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= n->count)
			return;
		if (child + 1 < n->count && n->items[child + 1].device > n->items[child].device)
			child++;
		if (n->items[i].device >= n->items[child].device)
			return;
		struct last swap = n->items[i];
		n->items[i] = n->items[child];
		n->items[child] = swap;
		i = child;
	}
}

static void sift_up(struct nearest *n, size_t i)
{
	while (i && n->items[(i - 1) / 2].device < n->items[i].device) {
		struct last swap = n->items[i];
		n->items[i] = n->items[(i - 1) / 2];
		n->items[(i - 1) / 2] = swap;
		i = (i - 1) / 2;
	}
}

static void offer(struct nearest *n, const struct head *head)
{
	const struct report *last = head_last(head);
	if (!last || head->device <= n->after || (n->box && !inside(n->box, last)))
		return;
	if (n->count < n->max) {
		fill(head, &n->items[n->count]);
		sift_up(n, n->count++);
	} else if (head->device < n->items[0].device) {
		fill(head, &n->items[0]);
		sift_down(n, 0);
	}
}

static int by_device(const void *a, const void *b)
{
	uint64_t x = ((const struct last *)a)->device, y = ((const struct last *)b)->device;
	return (x > y) - (x < y);
}

static size_t collect(struct engine *e, struct nearest *n)
{
	if (!n->max)
		return 0;
	for (unsigned i = 0; i < e->shard_count; i++) {
		struct heads *h = &e->shards[i].heads;
		for (uint32_t at = 0, end = 1; at < end; at += BITE) {
			pthread_mutex_lock(&h->lock);
			end = h->count;
			for (uint32_t k = at; k < end && k < at + BITE; k++)
				offer(n, h->all[k]);
			pthread_mutex_unlock(&h->lock);
		}
	}
	qsort(n->items, n->count, sizeof *n->items, by_device);
	return n->count;
}

size_t engine_last_list(struct engine *e, uint64_t after, struct last *out, size_t max)
{
	struct nearest n = {out, 0, max, after, NULL};
	return collect(e, &n);
}

size_t engine_last_in_box(struct engine *e, int32_t lat_min_e7, int32_t lon_min_e7, int32_t lat_max_e7,
			  int32_t lon_max_e7, uint64_t after, struct last *out, size_t max)
{
	struct box_e7 box = {lat_min_e7, lon_min_e7, lat_max_e7, lon_max_e7};
	struct nearest n = {out, 0, max, after, &box};
	return collect(e, &n);
}
