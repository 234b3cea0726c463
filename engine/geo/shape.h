/* shape.h -- from what people draw to a fence's area: circles, corridors, buffers, repairs. The only user of GEOS.
 *
 * Shapes are worked out in a local plane (transverse Mercator about the shape's middle, PROJ), in metres on the
 * ellipsoid, and rounded to 1e-7 degrees; where an arc becomes a polygon its vertices lie so close that the polygon
 * is nowhere further than SHAPE_TOLERANCE_MM from the arc. From there on the polygon *is* the fence, and exact.
 * What crosses the antimeridian is cut there. Threads: any. */
#ifndef ZAYTON_GEO_SHAPE_H
#define ZAYTON_GEO_SHAPE_H

#include "engine/geo/fence.h"

#define SHAPE_TOLERANCE_MM 50

/* Why a shape was refused. */
struct shape_problem {
	struct geo_point where;
	char reason[96]; /* English, e.g. "self-intersection" */
};

/* radius_mm 1 .. 100 km. */
STATUS_CHECKED enum status shape_circle(struct geo_point centre, int64_t radius_mm, struct fence_area **out);
/* Everything within half_width_mm of the line, round at its ends; 1 mm .. 100 km; 2 points or more (1: a circle). */
STATUS_CHECKED enum status shape_corridor(const struct geo_point *line, uint32_t count, int64_t half_width_mm,
					  struct fence_area **out);
/* The area grown (or with a negative distance shrunk: STATUS_EMPTY when nothing is left). */
STATUS_CHECKED enum status shape_buffer(const struct fence_area *area, int64_t distance_mm, struct fence_area **out);
/* Valid as OGC Simple Features has it (ISO 19125-1): STATUS_MALFORMED fills `problem`. */
STATUS_CHECKED enum status shape_check(const struct fence_area *area, struct shape_problem *problem);
/* The nearest valid area (GEOS MakeValid); STATUS_EMPTY when nothing of it is an area. */
STATUS_CHECKED enum status shape_repair(const struct fence_area *area, struct fence_area **out);

#endif
