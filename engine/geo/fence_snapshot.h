/* fence_snapshot.h -- what an index is made of: a tree of cells, and the areas by slot.
 *
 *   index ── root ──> fence_cells.h
 *         └─ pages ──> [ page 0 | page 1 | NULL | ... ]     a page holds the areas and boxes of 256 slots
 *
 * Pages are shared between snapshots until a slot of theirs changes. */
#ifndef ZAYTON_GEO_FENCE_SNAPSHOT_H
#define ZAYTON_GEO_FENCE_SNAPSHOT_H

#include "engine/geo/fence_answer.h"
#include "engine/geo/fence_index.h"

#define FENCE_PAGE_SLOTS 256

struct fence_page {
	atomic_uint refs;
	struct fence_area *areas[FENCE_PAGE_SLOTS];
	struct box boxes[FENCE_PAGE_SLOTS]; /* empty ones where no area is */
};

struct fence_index {
	atomic_uint refs;
	uint64_t id; /* never given twice, never 0: cursors know a snapshot by it */
	size_t bytes;
	fence_answer *answer; /* fence_answer_best() */
	fence_child root;     /* always a node, of level 0 */
	uint32_t page_count;
	struct fence_page *pages[];
};

static inline struct fence_area *fence_index_area(const struct fence_index *i, uint32_t slot)
{
	const struct fence_page *p = slot / FENCE_PAGE_SLOTS < i->page_count ? i->pages[slot / FENCE_PAGE_SLOTS] : NULL;
	return p ? p->areas[slot % FENCE_PAGE_SLOTS] : NULL;
}

/* `now` has the pages as they shall be; changes `now->root` and `now->bytes`, those of `old`, accordingly. `slots`: the
 * changed ones, ascending, each once. STATUS_FULL, STATUS_NO_MEMORY: both as they were. */
STATUS_CHECKED enum status fence_tree_change(const struct fence_index *old, struct fence_index *now,
					     const uint32_t *slots, size_t count);

#endif
