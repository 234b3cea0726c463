/* hazards_table.h -- the rows that lists and counts are answered from.
 *
 *   rows    [ hazard 1 | hazard 2 | ... ]            by id, without holes
 *   words   [ "" | "白奇村" | "某某运输公司" | ... ]   a row names them by number; found by hash, never given back
 *
 * A page is one walk over all rows that keeps the best of them: a million rows take some milliseconds, whatever the
 * filter. Threads: the owner locks. */
#ifndef ZAYTON_REGISTER_HAZARDS_TABLE_H
#define ZAYTON_REGISTER_HAZARDS_TABLE_H

#include "engine/register/hazards.h"

struct hazard_row {
	int64_t found_ms;
	int32_t deadline_day, rectified_day, closed_day; /* HAZARD_DAY_NONE */
	uint32_t words[HAZARD_WORD_COUNT];
	uint8_t state, grade, source, listing, flags;
};

struct hazard_words {
	char **texts; /* by number, 0 is "" */
	uint32_t count, capacity;
	uint32_t *slots; /* number + 1 by hash, 0: free */
	uint32_t slot_count;
};

struct hazards_table {
	struct hazard_row *rows; /* of hazard id: id - 1 */
	size_t count, capacity;
	struct hazard_words words;
};

void hazards_table_deinit(struct hazards_table *t);
/* A row for `h`, whose id is at most count + 1. STATUS_FULL past REGISTER_HAZARDS_MAX; STATUS_NO_MEMORY: unchanged. */
STATUS_CHECKED enum status hazards_table_put(struct hazards_table *t, const struct hazard *h);
/* Make sure that the put of a hazard with these values cannot fail. STATUS_NO_MEMORY, STATUS_FULL. */
STATUS_CHECKED enum status hazards_table_reserve(struct hazards_table *t, const struct hazard *h);

size_t hazards_table_page(const struct hazards_table *t, const struct hazard_filter *filter, enum hazard_order_by order,
			  struct hazard_cursor *cursor, uint64_t *out, size_t max);
/* `counts` has one for each word number when `word` is one, else a single one. */
void hazards_table_count(const struct hazards_table *t, const struct hazard_filter *filter, unsigned word,
			 struct hazard_counts *counts);

#endif
