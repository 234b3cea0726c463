/* fence_index.h -- all fences that contain a point, exactly and at once.
 *
 *   root ── cells ──> { fences wholly inside-covering the cell }             answered without looking at an edge
 *                     { fence, the few edges that cross the cell, parity of a reference point }
 *
 * An index is an immutable snapshot, counted by references; a change makes another that shares every cell the change
 * does not touch, so that readers are never stalled and one fence among 20,000 changes in milliseconds.
 * Fences are known by slot: a small number the caller gives (0 .. FENCE_SLOTS_MAX - 1).
 * Threads: any, on any snapshot; a cursor has one owner. */
#ifndef ZAYTON_GEO_FENCE_INDEX_H
#define ZAYTON_GEO_FENCE_INDEX_H

#include <stddef.h>

#include "engine/geo/fence.h"

struct fence_index;

struct fence_change {
	uint32_t slot;
	struct fence_area *area; /* NULL: the slot becomes empty; the index takes a reference of its own */
};

/* An index without fences. */
STATUS_CHECKED enum status fence_index_new(struct fence_index **out);
/* `old` with the changes made, in order; `old` stays as it is. STATUS_INVALID: a slot beyond the bound;
 * STATUS_FULL: cells past FENCE_INDEX_BYTES_MAX; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status fence_index_change(const struct fence_index *old, const struct fence_change *changes,
					      size_t count, struct fence_index **out);
struct fence_index *fence_index_ref(struct fence_index *i);
/* NULL is allowed. */
void fence_index_unref(struct fence_index *i);
/* Bytes of memory of the cells this snapshot sees. */
size_t fence_index_memory(const struct fence_index *i);

/* Where the last question was asked: the next one of a moving device is mostly in the same cell. All zero to begin.
 * Safe to use with another snapshot: it is then ignored. */
struct fence_cursor {
	uint64_t words[4];
};

/* Slots of every fence that contains the position (fence_area_contains()), ascending. Returns how many there are;
 * at most `max` are written. */
size_t fence_index_find(const struct fence_index *i, struct fence_cursor *cursor, struct geo_point p, uint32_t *slots,
			size_t max);
/* Slots of every fence that the segment p-q meets (fence_area_meets()), ascending; as above. */
size_t fence_index_find_segment(const struct fence_index *i, struct geo_point p, struct geo_point q, uint32_t *slots,
				size_t max);
/* Slots of every fence whose box meets the box, ascending; as above. */
size_t fence_index_find_box(const struct fence_index *i, const struct box *box, uint32_t *slots, size_t max);

#endif
