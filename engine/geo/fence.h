/* fence.h -- the area of a fence, and the exact questions one can ask of it.
 *
 *   points     p0 p1 p2 p3 | q0 q1 q2 | ...      all rings, one after another; no ring repeats its first point
 *   ring_ends      4       |    7     | ...      ring i is points[ring_ends[i - 1] .. ring_ends[i])
 *
 * An area is what an odd number of its rings encloses, and every point on any ring: the border belongs to the fence,
 * that of a hole too. So a hole is a ring within a ring, and an island in it a third. Rings that overlap cancel where
 * they do: what two polygons of one multipolygon both cover is outside. shape_check() (shape.h) refuses such.
 * Everything is decided in integers on 1e-7 degrees, edges being straight in latitude and longitude: no epsilon, no
 * rounding, the same answer on every machine.
 * Longitudes stay within +-180 degrees: what crosses the antimeridian has been cut there (shape.h), and +180 and -180
 * are one meridian: a position on it is in the area when either of its two names is. A pole is no such place: latitude
 * 90 is an edge of the map like any parallel, and a position on it has the longitude it says.
 *
 * An area is immutable once made and counted by references; threads: any. */
#ifndef ZAYTON_GEO_FENCE_H
#define ZAYTON_GEO_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/status.h"
#include "engine/geo/box.h"

struct geo_point {
	int32_t lat_e7, lon_e7;
};

struct fence_area {
	const struct geo_point *points;
	const uint32_t *ring_ends;
	uint32_t point_count, ring_count;
	struct box box; /* never crosses the antimeridian: lon_min <= lon_max */
};

/* Copies. One reference, the caller's. Consecutive equal points and a repeated first point are dropped.
 * STATUS_INVALID: a ring of fewer than three distinct points, a position off the globe, no ring, more than
 * FENCE_POINTS_MAX points (limits.h), ring ends that do not grow; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status fence_area_new(const struct geo_point *points, const uint32_t *ring_ends,
					  uint32_t ring_count, struct fence_area **out);
struct fence_area *fence_area_ref(struct fence_area *a);
/* NULL is allowed. */
void fence_area_unref(struct fence_area *a);

/* Whether the position lies in the area or on its border; one off the globe lies in none. Linear in the points: the
 * index (fence_index.h) is the fast way, this the plain one. */
bool fence_area_contains(const struct fence_area *a, struct geo_point p);

/* Whether the straight segment p-q shares a point with the area: a fence crossed and left again between two reports.
 * p and q lie on the same side of the antimeridian (|difference of longitude| <= 180 degrees), else the segment is
 * taken the short way round. Linear in the points. */
bool fence_area_meets(const struct fence_area *a, struct geo_point p, struct geo_point q);

#endif
