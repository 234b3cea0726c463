/* shape_rings.h -- which of an area's rings lie in which: what is land, what is a lake, what an island in it.
 *
 *   ┌───────────────┐ 0: depth 0, no parent
 *   │ ┌───────┐ ┌─┐ │ 1: depth 1, in 0      2: depth 1, in 0
 *   │ │ ┌───┐ │ └─┘ │ 3: depth 2, in 1
 *   │ │ └───┘ │     │
 *   │ └───────┘     │ even depth: the outside of a part; odd: a hole in the ring around it
 *   └───────────────┘
 *
 * Exact, in integers. Rings that cross have no such order; each is then placed by its first point that tells.
 * Pure; threads: any. */
#ifndef ZAYTON_GEO_SHAPE_RINGS_H
#define ZAYTON_GEO_SHAPE_RINGS_H

#include "engine/geo/fence.h"

#define RING_NONE UINT32_MAX

struct ring_place {
	uint32_t parent; /* the smallest ring around this one, or RING_NONE */
	uint32_t depth;  /* how many rings are around it */
	/* the first ring whose parent is this one, and the next one with the parent of this one; or RING_NONE */
	uint32_t first_inside, next;
	bool clockwise; /* as drawn, longitude to the right and latitude up */
};

/* `out`: one for every ring of the area. At worst (thousands of rings each within the next) time grows with the square
 * of the points. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status shape_rings_nest(const struct fence_area *area, struct ring_place *out);

/* First point of ring i, as an index of area->points; that of the ring after the last is point_count. */
static inline uint32_t ring_begin(const struct fence_area *area, uint32_t i)
{
	return i ? area->ring_ends[i - 1] : 0;
}

#endif
