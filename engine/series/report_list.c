#include "engine/series/report_list.h"

#include <stdlib.h>

struct report_list report_list_init(size_t max, size_t items_max)
{
	return (struct report_list){.max = max, .items = arena_init(items_max)};
}

void report_list_deinit(struct report_list *l)
{
	free(l->reports);
	arena_deinit(&l->items);
	*l = report_list_init(l->max, l->items.max);
}

void report_list_clear(struct report_list *l)
{
	l->count = 0;
	arena_reset(&l->items);
}

static enum status grow(struct report_list *l)
{
	if (l->count >= l->max)
		return STATUS_FULL;
	size_t capacity = l->capacity ? l->capacity * 2 : 64;
	if (capacity > l->max)
		capacity = l->max;
	struct report *reports = realloc(l->reports, capacity * sizeof *reports);
	if (!reports)
		return STATUS_NO_MEMORY;
	l->reports = reports;
	l->capacity = capacity;
	return STATUS_OK;
}

enum status report_list_push(struct report_list *l, const struct report *r)
{
	if (l->count == l->capacity) {
		enum status status = grow(l);
		if (status)
			return status;
	}
	struct report copy = *r;
	copy.items = NULL;
	if (r->items_size) {
		copy.items = arena_copy(&l->items, r->items, r->items_size);
		if (!copy.items)
			return r->items_size > l->items.max - l->items.total ? STATUS_FULL : STATUS_NO_MEMORY;
	}
	l->reports[l->count++] = copy;
	return STATUS_OK;
}

/* --- sorting: what is in order stays, what came late is sorted by itself and merged back ---
 *
 *   kept   [ in order ........... | free: as many as came late ]
 *   late   [ run | run | run ]     runs are merged two by two, between `late` and the free tail
 *
 * Late reports come in bursts, so that their runs are few: one pass over the list, and a few over the late. */

static size_t run_end(const struct report *r, size_t from, size_t count)
{
	size_t i = from + 1;
	while (i < count && report_compare(&r[i - 1], &r[i]) <= 0)
		i++;
	return i < count ? i : count;
}

static void merge_pair(const struct report *a, size_t a_count, const struct report *b, size_t b_count,
		       struct report *out)
{
	while (a_count && b_count) {
		if (report_compare(b, a) < 0) {
			*out++ = *b++;
			b_count--;
		} else {
			*out++ = *a++;
			a_count--;
		}
	}
	memcpy(out, a, a_count * sizeof *a);
	memcpy(out + a_count, b, b_count * sizeof *b);
}

/* Merge neighbouring runs of `from` into `to`; the number of runs it left. */
static size_t merge_pass(const struct report *from, struct report *to, size_t count)
{
	size_t runs = 0;
	for (size_t start = 0; start < count; runs++) {
		size_t middle = run_end(from, start, count);
		size_t end = middle < count ? run_end(from, middle, count) : count;
		merge_pair(from + start, middle - start, from + middle, end - middle, to + start);
		start = end;
	}
	return runs;
}

/* Sorts `late`, ending there; `room` is as long. */
static void sort_late(struct report *late, struct report *room, size_t count)
{
	if (run_end(late, 0, count) == count)
		return;
	for (;;) {
		size_t runs = merge_pass(late, room, count);
		if (runs == 1) {
			memcpy(late, room, count * sizeof *late);
			return;
		}
		if (merge_pass(room, late, count) == 1)
			return;
	}
}

/* Backward, so that `kept` may take the room behind itself. */
static void merge_back(struct report *kept, size_t kept_count, const struct report *late, size_t late_count)
{
	while (late_count) {
		struct report *out = &kept[kept_count + late_count - 1];
		if (kept_count && report_compare(&kept[kept_count - 1], &late[late_count - 1]) > 0)
			*out = kept[--kept_count];
		else
			*out = late[--late_count];
	}
}

static int compare_for_qsort(const void *a, const void *b)
{
	return report_compare(a, b);
}

static void sort(struct report *reports, size_t count, size_t in_order)
{
	struct report *late = malloc((count - in_order) * sizeof *late);
	if (!late) {
		qsort(reports, count, sizeof *reports, compare_for_qsort);
		return;
	}
	size_t kept = in_order, late_count = 0;
	for (size_t i = in_order; i < count; i++) {
		if (report_compare(&reports[kept - 1], &reports[i]) <= 0)
			reports[kept++] = reports[i];
		else
			late[late_count++] = reports[i];
	}
	sort_late(late, reports + kept, late_count);
	merge_back(reports, kept, late, late_count);
	free(late);
}

static size_t merge_duplicates(struct report *reports, size_t count)
{
	size_t kept = 1;
	for (size_t i = 1; i < count; i++) {
		if (report_compare(&reports[kept - 1], &reports[i]) == 0)
			report_merge(&reports[kept - 1], &reports[i]);
		else
			reports[kept++] = reports[i];
	}
	return kept;
}

size_t report_list_sort(struct report_list *l)
{
	if (l->count < 2)
		return 0;
	size_t in_order = run_end(l->reports, 0, l->count);
	if (in_order < l->count)
		sort(l->reports, l->count, in_order);
	size_t kept = merge_duplicates(l->reports, l->count);
	size_t merged = l->count - kept;
	l->count = kept;
	return merged;
}
