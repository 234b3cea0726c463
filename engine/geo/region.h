/* region.h -- where a question about the past looks: an area, or everything within a distance of a point.
 *
 *   box of a block ── region_where ──> OUTSIDE: not opened    INSIDE: no position of it is asked    else: each one is
 *   position       ── region_holds ──> exact
 *
 * An area answers as fence_area_contains(); a disc holds the positions of distance_mm() <= its radius. What is said of
 * a box is never wrong, but REGION_MIXED may be said of any. Immutable; threads: any. */
#ifndef ZAYTON_GEO_REGION_H
#define ZAYTON_GEO_REGION_H

#include "engine/geo/fence_index.h"

struct region;

/* The area's points; takes a reference of its own. STATUS_FULL (its cells, limits.h), STATUS_NO_MEMORY. */
STATUS_CHECKED enum status region_of_area(struct fence_area *area, struct region **out);
/* Everything within radius_mm (0 .. REGION_RADIUS_MAX_MM) of the centre. STATUS_OUT_OF_RANGE: another radius, or a
 * centre off the globe; STATUS_NO_MEMORY. */
#define REGION_RADIUS_MAX_MM INT64_C(1000000000)
STATUS_CHECKED enum status region_of_disc(struct geo_point centre, int64_t radius_mm, struct region **out);
/* NULL is allowed. */
void region_free(struct region *r);

enum region_where { REGION_OUTSIDE, REGION_INSIDE, REGION_MIXED };
/* Where every position of the box lies. The box does not cross the antimeridian. */
enum region_where region_where(const struct region *r, const struct box *box);
/* `cursor`: all zero to begin, one owner; it makes the next position of a moving device cheaper. */
bool region_holds(const struct region *r, struct fence_cursor *cursor, struct geo_point p);

#endif
