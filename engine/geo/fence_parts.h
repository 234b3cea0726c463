/* fence_parts.h -- fences cut down to a cell: what a change of the index carries from the root to the leaves.
 *
 *   parts   [ slot 3, to remove | slot 3, to add | slot 9, to add | ... ]      a stack; those of a cell lie on top
 *               │
 *   edges   [ real ............ | closing ... ]                                a stack too
 *
 * A part answers for every position of its cell: it is on the border exactly when it is on one of the real edges;
 * otherwise it is inside exactly when `parity` plus the edges that the ray to the west crosses (fence_edge.h) is odd.
 * The real edges are those of the fence that meet the cell, in the order of the fence. What lies west of the cell
 * would be crossed too, depending on the latitude alone:
 *
 *         west of the cell  ¦ the cell
 *               ┌───────────¦─────·          dropped edges give way to closing edges, upright, one unit west of the
 *               │           ╎     │          cell, that are crossed at the same latitudes modulo 2
 *               └───────────¦─────·
 *
 * A part depends on the fence and the cell alone, not on the way it came there: so does the whole index.
 * No real edges and odd: the fence covers the cell. No real edges and even: no part. */
#ifndef ZAYTON_GEO_FENCE_PARTS_H
#define ZAYTON_GEO_FENCE_PARTS_H

#include <stddef.h>

#include "engine/geo/fence_edge.h"

struct fence_part {
	uint32_t slot;
	uint32_t first, real, closing; /* edges[first .. first + real + closing) */
	bool parity;
	bool remove; /* the fence as it was, to be taken out */
};

static inline bool fence_part_covers(const struct fence_part *p)
{
	return p->real == 0;
}

/* A square of 2^shift units; the positions lat .. lat + 2^shift - 1 and so on are its own. */
struct fence_cell {
	int64_t lat, lon;
	unsigned shift;
};

/* What edges and segments see of it: cells share their borders, so that no line passes between two. */
static inline struct fence_rect fence_cell_rect(const struct fence_cell *c)
{
	int64_t side = INT64_C(1) << c->shift;
	return (struct fence_rect){c->lat, c->lon, c->lat + side, c->lon + side};
}

struct fence_parts {
	struct fence_part *parts;
	struct fence_edge *edges;
	int32_t *turns; /* latitudes at which the west changes between even and odd */
	size_t part_count, part_room, edge_count, edge_room, turn_count, turn_room;
};

/* All zero to begin. */
void fence_parts_deinit(struct fence_parts *p);
/* As all below: STATUS_NO_MEMORY; STATUS_FULL when the edges are more than a full index could hold. Nothing is pushed
 * then, and the stacks are as they were. */
STATUS_CHECKED enum status fence_parts_push(struct fence_parts *p, const struct fence_part *part);
STATUS_CHECKED enum status fence_parts_push_edges(struct fence_parts *p, const struct fence_edge *edges, size_t count);
/* parts[index] cut down to the cell, if anything of it is there. */
STATUS_CHECKED enum status fence_parts_clip(struct fence_parts *p, size_t index, const struct fence_cell *cell);
/* A fence cut down to the cell, if anything of it is there. */
STATUS_CHECKED enum status fence_parts_clip_area(struct fence_parts *p, uint32_t slot, bool remove,
						 const struct fence_area *area, const struct fence_cell *cell);

#endif
