/* report_list.h -- a growable run of reports that owns their items.
 *
 *   reports  [ r0 | r1 | r2 | ... ]      items point into the arena
 *   items    ( chunked arena )
 *
 * Bounded by `max` reports and `items.max` bytes. Not thread-safe. */
#ifndef ZAYTON_SERIES_REPORT_LIST_H
#define ZAYTON_SERIES_REPORT_LIST_H

#include "engine/core/arena.h"
#include "engine/series/report.h"

struct report_list {
	struct report *reports;
	size_t count;
	size_t capacity;
	size_t max;
	struct arena items;
};

struct report_list report_list_init(size_t max, size_t items_max);
void report_list_deinit(struct report_list *l);
void report_list_clear(struct report_list *l);
/* Copy `r` and its items to the end. STATUS_FULL past a bound, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status report_list_push(struct report_list *l, const struct report *r);
/* Sort by report_compare and merge duplicates; returns how many were merged away. Runs that are
 * already in order cost one pass. */
size_t report_list_sort(struct report_list *l);

#endif
