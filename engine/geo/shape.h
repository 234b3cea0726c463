/* shape.h -- from what people draw to a fence's area: polygons, circles, corridors, buffers, repairs. The only user of
 * GEOS.
 *
 *   rings as drawn ── valid? repaired? ───────────────────┐
 *   line, point, border ── swept by geodesics ── united ──┼──> cut at the antimeridian ──> fence_area
 *                          (shape_sweep.h)                ┘
 *
 * Distances hold on the ellipsoid; where a curve becomes a polygon, the polygon is nowhere further than
 * SHAPE_TOLERANCE_MM from it, the rounding to 1e-7 degrees included. GEOS works on integers of 1e-7 degrees, so that
 * what it hands back needs no rounding. From there on the polygon *is* the fence, and exact.
 *
 * An edge of more than 180 degrees of longitude is taken the short way round, over the antimeridian, and what crosses
 * it is cut there. Threads: any; each call has a GEOS context of its own. Not for hot paths. */
#ifndef ZAYTON_GEO_SHAPE_H
#define ZAYTON_GEO_SHAPE_H

#include "engine/geo/fence.h"

#define SHAPE_TOLERANCE_MM 50
/* radii and widths: nine steps of the grid, and the wind of the widest typhoon */
#define SHAPE_REACH_MIN_MM 100
#define SHAPE_REACH_MAX_MM 1000000000
/* nothing drawn with a width reaches nearer to a pole, degrees of latitude */
#define SHAPE_LAT_MAX_DEG 80

/* Why a shape was refused. */
struct shape_problem {
	struct geo_point where;
	const char *reason;    /* English, e.g. "self-intersection"; static storage */
	const char *reason_zh; /* the same in Chinese */
};

/* Polygons as a file draws them: a ring may repeat its first point at its end or not. */
struct shape_drawing {
	const struct geo_point *points;
	const uint32_t *ring_ends; /* as in fence.h */
	const bool *is_hole;       /* of the nearest ring before it that is none; the first is none */
	uint32_t ring_count;
};

/* The area of polygons that are valid as OGC Simple Features has it (ISO 19125-1); with `repair` of the nearest valid
 * ones (rings made simple, outsides united, holes taken out of them), and `problem` tells what was repaired, if
 * anything (else its reason is NULL). STATUS_MALFORMED fills `problem`; STATUS_EMPTY: nothing of it is an area;
 * STATUS_UNSUPPORTED: a ring around a pole, or beyond GEOS; STATUS_INVALID: no ring, or a hole first; STATUS_TOO_LONG:
 * more than FENCE_POINTS_MAX points, here or in the outcome; STATUS_OUT_OF_RANGE: off the globe; STATUS_NO_MEMORY. The
 * last four go for all below as well. */
STATUS_CHECKED enum status shape_area(const struct shape_drawing *drawing, bool repair, struct shape_problem *problem,
				      struct fence_area **out);

/* Everything within radius_mm (SHAPE_REACH_MIN_MM .. SHAPE_REACH_MAX_MM) of the centre. STATUS_OUT_OF_RANGE too when
 * it reaches past SHAPE_LAT_MAX_DEG. */
STATUS_CHECKED enum status shape_circle(struct geo_point centre, int64_t radius_mm, struct fence_area **out);
/* Everything within half_width_mm of the line, round at its ends; limits as of a circle; 2 points or more (1: a
 * circle). */
STATUS_CHECKED enum status shape_corridor(const struct geo_point *line, uint32_t count, int64_t half_width_mm,
					  struct fence_area **out);
/* The same of several lines, laid out like rings. */
STATUS_CHECKED enum status shape_corridors(const struct geo_point *points, const uint32_t *line_ends,
					   uint32_t line_count, int64_t half_width_mm, struct fence_area **out);
/* The area grown, or with a negative distance shrunk: STATUS_EMPTY when nothing is left. Limits as of a circle.
 * STATUS_MALFORMED: the area is not valid, see shape_check. */
STATUS_CHECKED enum status shape_buffer(const struct fence_area *area, int64_t distance_mm, struct fence_area **out);

/* Valid as OGC Simple Features has it, rings told apart by what lies in what: STATUS_MALFORMED fills `problem`. */
STATUS_CHECKED enum status shape_check(const struct fence_area *area, struct shape_problem *problem);
/* The same points of the globe by valid rings (GEOS MakeValid); STATUS_EMPTY when nothing of it is an area. */
STATUS_CHECKED enum status shape_repair(const struct fence_area *area, struct fence_area **out);

#endif
