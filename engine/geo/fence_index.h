/* fence_index.h -- all fences that contain a point, exactly and at once.
 *
 *   root ── cells ──> { fences that cover the whole cell }                   answered without looking at an edge
 *                     { fence, the few edges that cross the cell, parity of what lies west of it }
 *
 * An index is an immutable snapshot, counted by references; a change makes another that shares every cell the change
 * does not touch, so that readers are never stalled and one fence among 20,000 changes in a fraction of a millisecond.
 * What a snapshot holds depends on its fences alone, not on the changes that led to it.
 * Fences are known by slot: a small number the caller gives (0 .. FENCE_SLOTS_MAX - 1, limits.h).
 * Threads: any, on any snapshot; a cursor has one owner. decisions/fences.md tells why it is so. */
#ifndef ZAYTON_GEO_FENCE_INDEX_H
#define ZAYTON_GEO_FENCE_INDEX_H

#include <stddef.h>

#include "engine/geo/fence.h"

struct fence_index;

struct fence_change {
	uint32_t slot;
	struct fence_area *area; /* NULL: the slot becomes empty; the index takes a reference of its own */
};

/* An index without fences. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status fence_index_new(struct fence_index **out);
/* `old` with the changes made, in order: the last one of a slot holds. `old` stays as it is. STATUS_INVALID: a slot
 * beyond the bound; STATUS_FULL: cells past FENCE_INDEX_BYTES_MAX (limits.h); STATUS_NO_MEMORY. */
STATUS_CHECKED enum status fence_index_change(const struct fence_index *old, const struct fence_change *changes,
					      size_t count, struct fence_index **out);
struct fence_index *fence_index_ref(struct fence_index *i);
/* NULL is allowed. */
void fence_index_unref(struct fence_index *i);
/* Bytes of memory of the cells this snapshot sees; other snapshots may share them. */
size_t fence_index_memory(const struct fence_index *i);

#define FENCE_CURSOR_SLOTS 25

/* What the last questions were answered: the next one of a moving device is often answered so too. All zero to begin.
 * Safe to use with another snapshot: it is then ignored. The fields are the index's own. */
struct fence_cursor {
	uint64_t snapshot;
	/* within this box the answer is the same, or not known yet (count is CURSOR_UNKNOWN) */
	int32_t lat_min_e7, lon_min_e7;
	uint32_t lat_span_e7, lon_span_e7;
	uint32_t count;
	uint32_t slots[FENCE_CURSOR_SLOTS];
};

/* Slots of every fence that contains the position (fence_area_contains()), ascending. Returns how many there are;
 * at most `max` are written, the lowest. `cursor` may be NULL. */
size_t fence_index_find(const struct fence_index *i, struct fence_cursor *cursor, struct geo_point p, uint32_t *slots,
			size_t max);
/* Whether the cursor's last answer holds on the whole way from p to q, so that no fence is met there but those of the
 * answer. False is no answer. */
bool fence_cursor_covers(const struct fence_index *i, const struct fence_cursor *cursor, struct geo_point p,
			 struct geo_point q);
/* What the cursor knows: every position within the box is held by these slots, `*out_slots` borrowed from it. False: it
 * knows nothing of this index. */
bool fence_cursor_answer(const struct fence_index *i, const struct fence_cursor *c, struct box *out_box,
			 const uint32_t **out_slots, size_t *out_count);
/* fence_index_find() for `count` positions at once, the fastest way to ask: each costs several waits for memory, which
 * many share. cursors[k] is asked for points[k], as it was before the call; `cursors` may be NULL, none of them.
 * found[k] is how many fences hold it, slots[k * max ..] the lowest max of them; what lies behind them within the max
 * is undefined. */
void fence_index_find_many(const struct fence_index *i, struct fence_cursor *const *cursors,
			   const struct geo_point *points, size_t count, uint32_t *slots, size_t max, uint32_t *found);
/* Slots of every fence that the segment p-q meets (fence_area_meets()), ascending; as above. */
size_t fence_index_find_segment(const struct fence_index *i, struct geo_point p, struct geo_point q, uint32_t *slots,
				size_t max);
/* Slots of every fence whose box meets the box, ascending; as above. */
size_t fence_index_find_box(const struct fence_index *i, const struct box *box, uint32_t *slots, size_t max);

#endif
